//! `courier admin`, beside a running server and without one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::support::{Cli, Outcome, PASSWORD, Serve};

const SECRET: &str = "a-password-to-find-9d2c";

/// A server with a connection that has a password, and a key.
fn furnished() -> (Serve, Cli) {
    let serve = Serve::start();
    let admin = serve.admin();
    admin.ok(["key", "generate", "partner-key"]);
    let connection =
        json!({"name": "partner", "protocol": "sftp", "host": "partner.example", "username": "u",
        "auth_method": "password", "password": SECRET})
        .to_string();
    let made = admin.run_with_input(["connection", "create", "partner", "-f", "-"], &connection);
    assert_eq!(made.code, 0, "{made:?}");
    (serve, admin)
}

fn on(data: &Path, cli: &Cli, arguments: &[&str]) -> Outcome {
    let data = data.to_str().unwrap();
    cli.run(
        ["admin"]
            .into_iter()
            .chain(arguments.iter().copied())
            .chain(["--data-dir", data]),
    )
}

fn ok(data: &Path, cli: &Cli, arguments: &[&str]) -> Outcome {
    let outcome = on(data, cli, arguments);
    assert_eq!(outcome.code, 0, "{arguments:?}: {outcome:?}");
    outcome
}

/// A data folder with this one's key, and nothing else.
fn beside(cli: &Cli, data: &Path, name: &str) -> PathBuf {
    let new = cli.path(name);
    fs::create_dir(&new).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o700)).unwrap();
    fs::copy(data.join("kek"), new.join("kek")).unwrap();
    new
}

#[test]
fn a_running_server_is_backed_up_and_restored_elsewhere() {
    let (mut serve, admin) = furnished();
    let data = serve.data();
    let file = admin.path("backup");
    let made = ok(&data, &admin, &["backup", file.to_str().unwrap()]);
    assert!(made.stderr.contains("keep a copy of the key"), "{made:?}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let bytes = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
    for plain in [SECRET, PASSWORD, "partner.example", "BEGIN OPENSSH"] {
        assert!(!bytes.contains(plain), "{plain}");
    }
    on(&data, &admin, &["backup", file.to_str().unwrap()]).failed_with(1, "exists already");
    on(&data, &admin, &["restore", file.to_str().unwrap()])
        .failed_with(1, "another server uses the data folder");
    assert_eq!(serve.stop(), 0);
    on(&data, &admin, &["restore", file.to_str().unwrap()]).failed_with(1, "tables already");

    let empty = admin.path("no-key");
    fs::create_dir(&empty).unwrap();
    on(&empty, &admin, &["restore", file.to_str().unwrap()]).failed_with(1, "kek");
    assert_eq!(
        fs::read_dir(&empty).unwrap().count(),
        0,
        "nothing is made where there is no key"
    );

    let new = beside(&admin, &data, "new");
    let restored = ok(&new, &admin, &["restore", file.to_str().unwrap(), "--json"]).json();
    assert_eq!(restored["audit_findings"], json!([]));
    assert_eq!(restored["tables"]["connections"], 1, "{restored}");
    let verified = ok(&new, &admin, &["verify-audit", "--json"]).json();
    assert_eq!(verified["ok"], true, "{verified}");
    fs::rename(&data, admin.path("old")).unwrap();
    fs::rename(&new, &data).unwrap();
    serve.start_again();
    let admin = serve.admin();
    assert_eq!(
        admin.ok(["connection", "show", "partner", "--json"]).json()["has_password"],
        true
    );
    assert_eq!(serve.holds(SECRET), Vec::<PathBuf>::new());
}

#[test]
fn a_key_is_rotated_while_a_server_runs() {
    let (mut serve, admin) = furnished();
    let data = serve.data();
    let old = fs::read_to_string(data.join("kek")).unwrap();
    let done = ok(&data, &admin, &["rewrap", "--new-key", "--json"]).json();
    assert_eq!(
        (&done["current"], done["keys"].as_array().unwrap().len()),
        (&json!(0), 1),
        "{done}"
    );
    let both = fs::read_to_string(data.join("kek")).unwrap();
    assert!(both.ends_with(&old) && both.lines().count() == 2);
    // The server seals under the new key by now, and opens what was moved.
    admin.ok(["key", "generate", "another"]);
    on(&data, &admin, &["rewrap", "--drop-old-keys"]).failed_with(1, "run this again in");
    let file = fs::File::options().write(true).open(data.join("kek")).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(61))
        .unwrap();
    let again = ok(&data, &admin, &["rewrap", "--drop-old-keys", "--json"]).json();
    assert_eq!(again["rewrapped"], 0, "{again}");
    assert_eq!(fs::read_to_string(data.join("kek")).unwrap().lines().count(), 1);
    assert_eq!(serve.stop(), 0);
    serve.start_again();
    serve.admin().ok(["key", "show", "another"]);
    assert_eq!(serve.stop(), 0);

    fs::write(data.join("kek"), old).unwrap();
    on(&data, &admin, &["rewrap"]).failed_with(1, "sealed under key");
    let doctor = on(&data, &admin, &["doctor"]);
    assert_eq!(doctor.code, 1);
    assert!(doctor.stdout.contains("fail  stored secrets"), "{doctor:?}");
}

#[test]
fn the_doctor_and_wrong_folders() {
    let (serve, admin) = furnished();
    let data = serve.data();
    let well = ok(&data, &admin, &["doctor", "--full"]);
    assert!(!well.stdout.contains("fail"), "{well:?}");
    assert!(well.stdout.contains("ok    audit log: all"), "{well:?}");
    fs::set_permissions(data.join("courier.db"), fs::Permissions::from_mode(0o644)).unwrap();
    let ill = on(&data, &admin, &["doctor", "--json"]);
    assert_eq!(ill.code, 1);
    let found = ill.json();
    let bad: Vec<_> = found
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| f["status"] == "fail")
        .collect();
    assert!(
        bad.len() == 1 && bad[0]["message"].as_str().unwrap().contains("chmod 600"),
        "{found}"
    );

    // Wherever the database is, and by whatever name.
    fs::set_permissions(data.join("courier.db"), fs::Permissions::from_mode(0o600)).unwrap();
    let elsewhere = admin.path("elsewhere.db");
    fs::copy(data.join("courier.db"), &elsewhere).unwrap();
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o640)).unwrap();
    let url = format!("sqlite://{}", elsewhere.display());
    let ill = on(&data, &admin, &["doctor", "--database-url", &url]);
    let expected = format!("{} is open to others", elsewhere.display());
    assert!(ill.code == 1 && ill.stdout.contains(&expected), "{ill:?}");

    let nowhere = admin.path("nowhere");
    for command in [&["doctor"][..], &["verify-audit"], &["rewrap"], &["backup", "x"]] {
        assert_eq!(on(&nowhere, &admin, command).code, 1, "{command:?}");
    }
    assert!(
        !nowhere.exists() && !admin.path("x").exists(),
        "looking made something"
    );
    let with_password = on(
        &data,
        &admin,
        &[
            "verify-audit",
            "--database-url",
            "postgres://u:hunter2@127.0.0.1:1/d",
        ],
    );
    with_password.failed_with(1, "process list");
    assert!(
        !format!("{with_password:?}").contains("hunter2"),
        "{with_password:?}"
    );
    on(
        &data,
        &admin,
        &["verify-audit", "--database-url", "postgres://u@127.0.0.1:1/d"],
    )
    .failed_with(1, "refused");
}
