//! `courier serve`, and the commands that talk to it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::support::{Cli, PASSWORD, Serve, Sshd, content};

/// A connection to an OpenSSH server, with a key of Courier's own.
fn partner(admin: &Cli, sshd: &Sshd) {
    admin.ok(["key", "generate", "partner-key"]);
    sshd.authorize(&admin.ok(["key", "public", "partner-key"]).stdout);
    let port = sshd.port().to_string();
    let user = admin
        .command(["x"])
        .get_envs()
        .find(|(name, _)| *name == "USER")
        .unwrap()
        .1
        .unwrap()
        .to_owned();
    let user = user.to_str().unwrap();
    let flags = [
        "--host",
        "127.0.0.1",
        "--port",
        &port,
        "--username",
        user,
        "--ssh-key",
        "partner-key",
    ];
    admin.ok(["connection", "create", "partner"].into_iter().chain(flags));
}

/// A job that fetches every CSV and delivers it again.
fn round_trip(admin: &Cli, sshd: &Sshd) {
    let connection = admin.ok(["connection", "show", "partner", "--json"]).json()["id"].clone();
    let files = sshd.files().display().to_string();
    let job = json!({
        "name": "round-trip",
        "steps": [
            {"step_type": "sftp.download",
                "config": {"connection_id": connection, "remote_path": format!("{files}/in/*.csv"), "local_path": "got/"}},
            {"step_type": "sftp.upload",
                "config": {"connection_id": connection, "local_path": "got/*", "remote_path": format!("{files}/out/")}},
        ],
    });
    fs::write(admin.path("job.json"), job.to_string()).unwrap();
    admin.ok(["job", "create", "-f", "job.json"]);
}

#[test]
fn files_move_through_a_job() {
    let sshd = Sshd::start();
    let (small, large) = (content(10, 1), content(5_000_000, 2));
    sshd.file("in/small.csv", &small);
    sshd.file("in/large.csv", &large);
    sshd.file("in/other.txt", "left alone");
    fs::create_dir(sshd.files().join("out")).unwrap();

    let serve = Serve::start();
    let admin = serve.admin();
    partner(&admin, &sshd);
    let tested = admin.ok(["connection", "test", "partner"]);
    assert!(tested.stdout.contains(&sshd.fingerprint()), "{tested:?}");
    let hosts = admin
        .ok(["connection", "known-hosts", "partner", "--json"])
        .json();
    assert_eq!(hosts[0]["fingerprint"], sshd.fingerprint());

    round_trip(&admin, &sshd);
    let run = admin.ok(["job", "run", "round-trip", "--watch"]);
    assert!(
        run.stdout
            .contains("step 2 sftp.upload completed: 2 files, 5.0 MB"),
        "{run:?}"
    );
    assert!(run.stdout.contains("completed, 10.0 MB moved"), "{run:?}");
    assert_eq!(sshd.read("out/small.csv"), small);
    assert_eq!(sshd.read("out/large.csv"), large);
    assert!(!sshd.files().join("out/other.txt").exists());

    let executions = admin
        .ok(["execution", "list", "--job", "round-trip", "--json"])
        .json();
    assert_eq!(executions[0]["state"], "completed");
    let id = executions[0]["id"].as_str().unwrap();
    let watched = admin.ok(["execution", "watch", id, "--json"]);
    assert!(
        watched.stdout.lines().last().unwrap().contains("\"completed\""),
        "{watched:?}"
    );
    assert!(
        admin
            .ok(["execution", "show", id])
            .stdout
            .contains("sftp.download")
    );

    let of_all = admin.ok(["audit", "list", "--operation", "download"]).stdout;
    assert!(
        of_all.contains(" CONNECTION ") && of_all.contains(" partner "),
        "{of_all}"
    );
    let audit = admin
        .ok(["audit", "list", "--connection", "partner", "--json"])
        .json();
    let operations: Vec<&str> = audit
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["operation"].as_str().unwrap())
        .collect();
    for operation in [
        "test_connection",
        "connected",
        "auth_success",
        "download",
        "upload",
        "disconnected",
    ] {
        assert!(
            operations.contains(&operation),
            "{operation} is not among {operations:?}"
        );
    }
    let listed = admin.ok([
        "connection",
        "files",
        "partner",
        &format!("{}/out", sshd.files().display()),
    ]);
    assert!(listed.stdout.contains("large.csv"), "{listed:?}");
}

#[test]
fn a_failed_execution_has_the_code_of_its_cause() {
    let sshd = Sshd::start();
    let serve = Serve::start();
    let admin = serve.admin();
    partner(&admin, &sshd);
    admin.ok(["connection", "test", "partner"]);
    let connection = admin.ok(["connection", "show", "partner", "--json"]).json()["id"].clone();
    let job = json!({"name": "gone", "steps": [
        {"step_type": "sftp.download", "config": {"connection_id": connection, "remote_path": "/gone", "local_path": "x"}}]});
    let job = job.to_string();
    let made = admin.run_with_input(["job", "create", "-f", "-"], &job);
    assert_eq!(made.code, 0, "{made:?}");
    let outcome = admin.run(["job", "run", "gone", "--watch"]);
    assert_ne!(outcome.code, 0);
    assert!(outcome.stderr.contains("/gone"), "{outcome:?}");
}

#[test]
fn a_changed_host_key_waits_for_approval() {
    let sshd = Sshd::start();
    let serve = Serve::start();
    let admin = serve.admin();
    partner(&admin, &sshd);
    admin.ok(["connection", "test", "partner"]);
    let before = sshd.fingerprint();
    sshd.change_host_key();
    let outcome = admin.run(["connection", "test", "partner"]);
    outcome.failed_with(4, &before);
    outcome.failed_with(4, &sshd.fingerprint());
    outcome.failed_with(4, "approve-host-key");
    let health = admin.ok(["connection", "show", "partner", "--json"]).json()["health"].clone();
    assert_eq!(health, "requires_attention");
    admin.ok(["connection", "approve-host-key", "partner", &sshd.fingerprint()]);
    admin.ok(["connection", "test", "partner"]);
}

#[test]
fn secrets_stay_out_of_the_data_folder_and_the_log() {
    let serve = Serve::start();
    let admin = serve.admin().env("COURIER_PASSWORD", "partner-secret-91c2");
    let made = admin.run_with_input(
        [
            "connection",
            "create",
            "p",
            "--host",
            "127.0.0.1",
            "--port",
            "1",
            "--username",
            "u",
            "--auth-method",
            "password",
            "--password-stdin",
        ],
        "partner-secret-55aa\n",
    );
    assert_eq!(made.code, 0, "{made:?}");
    admin.run(["connection", "test", "p"]).failed_with(6, "127.0.0.1");
    admin.ok(["user", "create", "ann", "--role", "viewer"]);

    crate::support::keygen(&admin.path("key"), "");
    let private = fs::read_to_string(admin.path("key")).unwrap();
    admin.ok(["key", "import", "imported", "-f", "key"]);
    let middle = private.lines().nth(2).unwrap();

    let token = admin.ok(["token", "create", "script"]).stdout.trim().to_owned();
    for secret in [
        "partner-secret-91c2",
        "partner-secret-55aa",
        PASSWORD,
        middle,
        &token,
    ] {
        assert_eq!(serve.holds(secret), Vec::<std::path::PathBuf>::new());
    }
    let mode = fs::metadata(serve.data()).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}

#[test]
fn roles_tokens_and_refusals() {
    let serve = Serve::start();
    let admin = serve.admin();
    let nobody = Cli::new().env("COURIER_SERVER", &serve.url);
    nobody.run(["job", "list"]).failed_with(3, "courier login");
    nobody
        .run(["login", "--username", "admin"])
        .failed_with(2, "COURIER_PASSWORD");
    let wrong = Cli::new()
        .env("COURIER_SERVER", &serve.url)
        .env("COURIER_PASSWORD", "no");
    wrong.run(["login"]).failed_with(3, "");

    let token = admin
        .ok(["token", "create", "eyes", "--role", "viewer"])
        .stdout
        .trim()
        .to_owned();
    let viewer = Cli::new()
        .env("COURIER_SERVER", &serve.url)
        .env("COURIER_TOKEN", token);
    viewer.ok(["job", "list"]);
    viewer.run(["key", "generate", "k"]).failed_with(7, "1020");
    assert_eq!(viewer.ok(["user", "me", "--json"]).json()["role"], "viewer");
    admin.ok(["token", "revoke", "eyes"]);
    viewer.run(["job", "list"]).failed_with(3, "1010");

    admin.ok(["key", "generate", "k", "--key-type", "ecdsa_256"]);
    admin.run(["key", "generate", "k"]).failed_with(1, "1052");
    admin.run(["key", "show", "nothing"]).failed_with(5, "nothing");
    let problem = admin.run(["connection", "create", "x", "--set", "colour=red", "--json"]);
    problem.failed_with(2, "\"colour\"");
    admin.ok(["key", "retire", "k"]);
    assert_eq!(
        admin
            .ok(["key", "list", "--status", "retired", "--json"])
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
    admin.ok(["key", "delete", "k"]);
    admin.ok(["setting", "set", "security.fips_mode_enabled", "true"]);
    assert_eq!(
        admin
            .ok(["setting", "get", "security.fips_mode_enabled", "--json"])
            .json()["value"],
        true
    );
    assert!(admin.ok(["job", "step-types"]).stdout.contains("sftp.download"));
}

#[test]
fn no_server_is_unreachable() {
    let cli = Cli::new()
        .env("COURIER_SERVER", "http://127.0.0.1:1")
        .env("COURIER_TOKEN", "t");
    cli.run(["job", "list"]).failed_with(6, "courier serve");
    cli.run(["job", "list", "--server", "ftp://x"])
        .failed_with(2, "http");
}

#[test]
fn sigterm_stops_in_order_and_the_next_start_has_everything() {
    let mut serve = Serve::start();
    let admin = serve.admin();
    admin.ok(["key", "generate", "kept"]);
    assert_eq!(serve.stop(), 0, "{}", serve.log());
    assert!(serve.log().contains("stopped"), "{}", serve.log());
    admin.run(["key", "list"]).failed_with(6, "courier serve");

    serve.start_again();
    let listed = serve.admin().ok(["key", "list", "--json"]).json();
    assert_eq!(listed[0]["name"], "kept");
    // Sessions survive a restart; the port is another one.
    let admin = admin.env("COURIER_SERVER", &serve.url);
    admin.ok(["user", "me"]);
}
