//! A server that logs all it can, with a secret in every place that has one, through all that may go well or wrong: none
//! is in an answer, in the log, or in a file.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use courier_sftp::server::{SftpServer, User};
use serde_json::{Value, json};

use crate::support::hook::Hook;
use crate::support::smtpd::{Security, Smtpd};
use crate::support::watched::{DATABASE, KEK, NUMBER, PARTNER, PASSPHRASE, TYPED, USER, Watched};
use crate::support::{Cli, FTP_PASSWORD, Ftpd, Software, from_base64};

/// The secret number of an Ed25519 key in OpenSSH's format, which stands behind the length of both halves.
fn seed(openssh: &str) -> Vec<u8> {
    let body: String = openssh.lines().filter(|line| !line.starts_with('-')).collect();
    let bytes = from_base64(&body);
    let at = bytes.windows(4).rposition(|w| w == [0, 0, 0, 64]).unwrap() + 4;
    bytes[at..at + 32].to_vec()
}

fn keygen(path: &Path, passphrase: &str) -> String {
    crate::support::keygen(path, passphrase);
    fs::read_to_string(path).unwrap()
}

/// A certificate and its key, both in PEM; the key's inside is looked for.
fn identity(watched: &mut Watched) -> String {
    let at = |name: &str| watched.folder.path().join(name).display().to_string();
    let (key, certificate) = (at("client.key"), at("client.pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=courier",
            "-keyout",
            &key,
            "-out",
            &certificate,
        ])
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success());
    let pem = fs::read_to_string(&key).unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = from_base64(&body);
    // Behind the public number come the secret ones.
    for at in [400, 600, 800, 1000] {
        watched
            .needles
            .add("a client certificate's key", &der[at..at + 40]);
    }
    let both = format!("{}{pem}", fs::read_to_string(&certificate).unwrap());
    fs::remove_file(key).unwrap();
    both
}

fn logins_and_users(watched: &mut Watched) {
    watched.ok(
        "POST",
        "/api/users",
        json!({"username": "ann", "password": USER, "role": "operator"}),
    );
    watched.login("ann", USER);
    for body in [
        json!({"username": "ann", "password": TYPED}),
        json!({"username": TYPED, "password": "x"}),
        json!({"username": "ann", "password": [TYPED]}),
        json!({"username": "ann", "password": {"value": TYPED}}),
        json!({"username": "ann", "password": NUMBER}),
        json!({"username": "ann", "password": TYPED.repeat(10_000)}),
        json!({"username": ["ann"], "password": USER, "passwort": TYPED}),
    ] {
        watched.refused("POST", "/api/auth/login", body);
    }
    for text in [
        format!("{{\"username\": \"ann\", \"password\": \"{TYPED}"),
        format!("{{\"username\": \"ann\", \"password\": \"{TYPED}\\q\"}}"),
        format!("{{\"username\": \"ann\", \"password\": {TYPED}}}"),
        format!("\"{TYPED}\""),
        format!("username=ann&password={TYPED}"),
    ] {
        watched.refused("POST", "/api/auth/login", text);
    }
    for body in [
        json!({"username": "bob", "password": TYPED, "role": "king"}),
        json!({"username": "bob", "password": NUMBER, "role": "viewer"}),
        json!({"username": "ann", "password": TYPED, "role": "viewer"}),
        json!({"username": "bob", "password": TYPED, "role": "viewer", "passwrod": TYPED}),
    ] {
        watched.refused("POST", "/api/users", body);
    }
    // Tokens: shown once, and no good any more.
    let body = json!({"name": "script", "role": "viewer"}).to_string();
    let headers = format!(
        "authorization: Bearer {}\r\ncontent-type: application/json\r\n",
        watched.token
    );
    let (_, answer) = watched.send("POST", "/api/tokens", &headers, &body);
    let text = String::from_utf8(answer).unwrap();
    let json: Value = serde_json::from_str(text.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let token = watched.shown_once(&json, text);
    for headers in [
        format!("authorization: Bearer {token}\r\n"),
        format!("authorization: Bearer {TYPED}\r\n"),
        format!("authorization: Basic {TYPED}\r\n"),
        format!("authorization: {TYPED}\r\n"),
        format!("cookie: courier_session={TYPED}\r\n"),
    ] {
        for path in [
            "/api/auth/me",
            "/api/connections?limit=x",
            "/api/users",
            "/nowhere",
        ] {
            let (_, answer) = watched.send("GET", path, &headers, "");
            watched.seen.push((format!("the answer to GET {path}"), answer));
        }
    }
}

fn keys(watched: &mut Watched) {
    let at = |name: &str| watched.folder.path().join(name);
    let (plain, locked) = (keygen(&at("plain"), ""), keygen(&at("locked"), PASSPHRASE));
    for name in ["plain", "plain.pub", "locked", "locked.pub"] {
        fs::remove_file(at(name)).unwrap();
    }
    watched.needles.add("an imported private key", seed(&plain));
    let import = |name: &str, key: &str, passphrase: Value| json!({"name": name, "private_key": key, "passphrase": passphrase});
    watched.ok(
        "POST",
        "/api/ssh-keys/import",
        import("plain", &plain, Value::Null),
    );
    watched.ok(
        "POST",
        "/api/ssh-keys/import",
        import("locked", &locked, json!(PASSPHRASE)),
    );
    let damaged = plain.replacen('A', "B", 30);
    let cut: String = plain.lines().take(4).map(|line| format!("{line}\n")).collect();
    for body in [
        import("wrong", &locked, json!(TYPED)),
        import("wrong", &locked, json!(NUMBER)),
        import("none", &locked, Value::Null),
        import("damaged", &damaged, Value::Null),
        import("cut", &cut, Value::Null),
        import("text", TYPED, Value::Null),
        import("plain", &plain, Value::Null),
        json!({"name": "list", "private_key": [plain]}),
        json!({"name": "other", "privat_key": plain}),
    ] {
        watched.refused("POST", "/api/ssh-keys/import", body);
    }
    watched.refused(
        "POST",
        "/api/ssh-keys/import",
        format!("{{\"name\": \"x\", \"private_key\": \"{plain}\"}}"),
    );
    let made = watched.ok(
        "POST",
        "/api/ssh-keys/generate",
        json!({"name": "made", "key_type": "ed25519"}),
    );
    watched.ok(
        "GET",
        &format!("/api/ssh-keys/{}", made["id"].as_str().unwrap()),
        json!(null),
    );
}

fn connections(watched: &mut Watched) {
    let files = tempfile::tempdir().unwrap();
    fs::write(files.path().join("a.txt"), "no secret").unwrap();
    let sftp = SftpServer::builder()
        .user(User::new("ann").password(PARTNER.into()))
        .root(files.path())
        .start()
        .unwrap();
    let connection = |name: &str, port: u16, more: Value| {
        let mut input = json!({"name": name, "protocol": "sftp", "host": "127.0.0.1", "port": port, "username": "ann", "password": PARTNER});
        input
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        input
    };
    let port = sftp.addr().port();
    let used = watched.use_connection(&connection("sftp", port, json!({})));
    assert_eq!(
        (&used["tested"], &used["state"]),
        (&json!(true), &json!("completed"))
    );
    for (name, port, more) in [
        ("rejected", port, json!({"password": TYPED})),
        ("nobody there", 1, json!({})),
        ("not approved", port, json!({"host_key_policy": "manual"})),
    ] {
        let used = watched.use_connection(&connection(name, port, more));
        assert_eq!(used["tested"], false);
    }

    let pem = identity(watched);
    let ftpd = Ftpd::start(Software::ProFtpd, "ftpes");
    ftpd.file("a.txt", "no secret");
    let ftps = json!({"protocol": "ftps", "ftps_mode": "explicit", "username": "ftp", "password": FTP_PASSWORD, "client_certificate": pem});
    let with = |more: Value| {
        let mut input = ftps.clone();
        input
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        input
    };
    let pinned = json!({"tls_cert_policy": "pinned_thumbprint", "tls_pinned_thumbprint": ftpd.thumbprint()});
    let used = watched.use_connection(&connection("ftps", ftpd.port(), with(pinned.clone())));
    assert_eq!(used["tested"], true);
    let used = watched.use_connection(&connection(
        "insecure",
        ftpd.port(),
        with(json!({"tls_cert_policy": "insecure"})),
    ));
    assert_eq!(used["tested"], true);
    let used = watched.use_connection(&connection("refused", ftpd.port(), with(json!({}))));
    assert_eq!(used["tested"], false);
    let mut wrong = with(pinned);
    wrong["password"] = json!(TYPED);
    let used = watched.use_connection(&connection("wrong", ftpd.port(), wrong));
    assert_eq!(used["tested"], false);
    let plain = Ftpd::start(Software::ProFtpd, "ftp");
    plain.file("a.txt", "no secret");
    let used = watched.use_connection(&connection(
        "ftp",
        plain.port(),
        json!({"protocol": "ftp", "username": "ftp", "password": FTP_PASSWORD}),
    ));
    assert_eq!(used["tested"], true);

    let id = used["id"].as_str().unwrap();
    let damaged = pem.replace("KEY-----\nMI", "KEY-----\nMX");
    for (more, path) in [
        (json!({"password": [TYPED]}), "/api/connections"),
        (json!({"password": NUMBER}), "/api/connections"),
        (
            json!({"password": format!("{TYPED}\u{0}")}),
            "/api/connections/test",
        ),
        (json!({"password": TYPED.repeat(5000)}), "/api/connections"),
        (json!({"passwrod": TYPED}), "/api/connections"),
        (json!({"client_secret": TYPED}), "/api/connections"),
        (
            json!({"protocol": "ftps", "client_certificate": TYPED}),
            "/api/connections",
        ),
        (
            json!({"protocol": "ftps", "client_certificate": damaged}),
            "/api/connections",
        ),
        (
            json!({"protocol": "ftps", "tls_crl_pem": pem}),
            "/api/connections",
        ),
        (
            json!({"protocol": "ftps", "tls_pinned_thumbprint": TYPED}),
            "/api/connections",
        ),
        (json!({"stored_host_fingerprint": TYPED}), "/api/connections"),
    ] {
        let (status, answer) = watched.raw("POST", path, &connection("bad", 22, more.clone()).to_string());
        assert!(
            status == 400 || answer["success"] == false,
            "{more}: {status} {answer}"
        );
    }
    for method in ["PUT", "PATCH"] {
        watched.refused(
            method,
            &format!("/api/connections/{id}"),
            json!({"password": {"new": TYPED}, "host": PARTNER.repeat(30)}),
        );
        watched.refused(
            method,
            &format!("/api/connections/{id}"),
            format!("{{\"password\": \"{TYPED}\""),
        );
    }
    watched.ok(
        "PATCH",
        &format!("/api/connections/{id}"),
        json!({"password": USER}),
    );
    watched.ok(
        "PATCH",
        &format!("/api/connections/{id}"),
        json!({"host": "localhost"}),
    );
}

/// All that can be looked at.
/// Alerts that are signed, and mail that takes a login; both arrive, and are refused.
fn alerts(watched: &mut Watched) {
    let (signed, mailer) = ("signed-4a7d-by-this-secret", "mailer-c20b-password");
    watched.needles.add("a webhook's secret", signed);
    watched.needles.add("the mail server's password", mailer);
    let folder = watched.folder.path();
    let (hook, smtpd) = (
        Hook::start(folder),
        Smtpd::start(folder, Security::StartTls, Some(("mailer", mailer))),
    );
    let webhook = |secret: Value| json!({"type": "webhook", "url": hook.url("/"), "secret": secret});
    let alert =
        |name: &str, channel: Value| json!({"name": name, "on": ["execution_failed"], "channel": channel});
    let mut ids = Vec::new();
    for input in [
        alert("webhook", webhook(json!(signed))),
        alert("mail", json!({"type": "email", "to": ["ops@example.com"]})),
    ] {
        let made = watched.ok("POST", "/api/alerts", input);
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    for channel in [
        webhook(json!(NUMBER)),
        webhook(json!([TYPED])),
        webhook(json!(format!("whsec_{TYPED}"))),
        json!({"type": "webhook", "url": format!("https://ann:{TYPED}@localhost/")}),
        json!({"type": "email", "to": ["ops@example.com"], "secret": TYPED}),
    ] {
        watched.refused("POST", "/api/alerts", alert("wrong", channel));
    }
    let set = |watched: &mut Watched, key: &str, value: Value| {
        watched.ok(
            "PUT",
            &format!("/api/settings/smtp.{key}"),
            json!({"value": value}),
        );
    };
    for (key, value) in [
        ("host", json!("localhost")),
        ("port", json!(smtpd.port)),
        ("from", json!("courier@example.com")),
        ("username", json!("mailer")),
        ("password", json!(TYPED)),
    ] {
        set(watched, key, value);
    }
    let test = |watched: &mut Watched, id: &str| {
        watched.ok("POST", &format!("/api/alerts/{id}/test"), json!({}))["delivered"] == true
    };
    assert!(!test(watched, &ids[1]), "the login was refused");
    set(watched, "password", json!(mailer));
    for id in &ids {
        assert!(test(watched, id));
        watched.ok(
            "PATCH",
            &format!("/api/alerts/{id}"),
            json!({"repeat_after_sec": 60}),
        );
    }
    watched.refused("PUT", "/api/settings/smtp.password", json!({"value": [TYPED]}));
    watched.refused("PUT", "/api/settings/smtp.password", json!({"value": NUMBER}));
}

/// Storages whose credentials are kept, sent to a place where nobody is, refused and forgotten.
fn storages(watched: &mut Watched) {
    let (secret, key) = ("bucket-7be1-secret-access-key", "YWNjb3VudC1rZXktNWQyMA==");
    watched.needles.add("a bucket's secret", secret);
    watched.needles.add("a storage account's key", key);
    let s3 = json!({"access_key_id": "AKIA", "secret_access_key": secret});
    let azblob = json!({"account_name": "lake", "account_key": key});
    let storage = |name: &str, url: &str, credentials: &Value| json!({"name": name, "url": url, "credentials": credentials});
    for input in [
        storage("s3", "s3://lake?endpoint=http://127.0.0.1:1", &s3),
        storage(
            "azblob",
            "azblob://lake?endpoint=http://127.0.0.1:1/lake",
            &azblob,
        ),
    ] {
        let (status, _) = watched.raw("POST", "/api/storages/test", &input.to_string());
        assert_eq!(status, 200);
        let made = watched.ok("POST", "/api/storages", input);
        let path = format!("/api/storages/{}", made["id"].as_str().unwrap());
        assert_eq!(
            watched.ok("POST", &format!("{path}/test"), json!({}))["success"],
            false
        );
        watched.refused("PATCH", &path, json!({"credentials": {"password": TYPED}}));
        watched.refused("PATCH", &path, json!({"url": format!("s3://ann:{TYPED}@lake")}));
    }
    for wrong in [
        storage("a", "s3://lake?region=x", &json!(TYPED)),
        storage(
            "a",
            "s3://lake?region=x",
            &json!({"access_key_id": "AKIA", "secret_access_key": [TYPED]}),
        ),
        storage(
            "a",
            "s3://lake?region=x",
            &json!({"access_key_id": NUMBER, "secret_access_key": "x"}),
        ),
        storage(
            "a",
            "azblob://lake",
            &json!({"account_name": "lake", "account_key": TYPED}),
        ),
        storage(
            "a",
            "gcs://lake",
            &json!({"service_account": {"type": "service_account", "private_key": TYPED}}),
        ),
        storage("a", &format!("s3://lake?region=x&secret={TYPED}"), &s3),
        json!({"name": "a", "url": "s3://lake?region=x", "credential": s3}),
    ] {
        watched.refused("POST", "/api/storages", wrong);
    }
}

fn look_at_all(watched: &mut Watched) {
    for path in [
        "/api/openapi.json",
        "/metrics",
        "/healthz",
        "/readyz",
        "/api/overview",
    ] {
        watched.raw("GET", path, "");
    }
    for list in [
        "connections",
        "ssh-keys",
        "jobs",
        "executions",
        "alerts",
        "storages",
        "users",
        "tokens",
        "settings",
        "audit",
    ] {
        let (_, page) = watched.raw("GET", &format!("/api/{list}?limit=1000"), "");
        let items = page["items"].as_array().cloned().unwrap_or_default();
        for id in items.iter().filter_map(|item| item["id"].as_str()) {
            let parts: &[&str] = match list {
                "connections" => &["", "/keys", "/known-hosts", "/audit"],
                "ssh-keys" => &["", "/public-key"],
                "jobs" => &["", "/versions"],
                "alerts" => &["", "/deliveries"],
                "audit" => &[],
                _ => &[""],
            };
            for part in parts {
                watched.raw("GET", &format!("/api/{list}/{id}{part}"), "");
            }
        }
    }
    for format in ["jsonl", "csv"] {
        watched.raw("GET", &format!("/api/audit/export?format={format}"), "");
    }
}

/// Commands that fail, some before they start.
fn commands(watched: &mut Watched) {
    let remote = |token: &str| {
        Cli::new()
            .env("COURIER_SERVER", format!("http://{}", watched.address))
            .env("COURIER_TOKEN", token)
    };
    let (admin, stranger) = (remote(&watched.token), remote(TYPED));
    watched.said(&stranger, &["job", "list"]);
    watched.said(
        &admin.env("COURIER_PASSWORD", TYPED),
        &["user", "create", "ann", "--role", "viewer", "--json"],
    );
    let url = format!("sftp://ann:{TYPED}@127.0.0.1/a");
    watched.said_without_arguments(&Cli::new(), &["get", &url]);
    let file = watched.folder.path().join("x.toml");
    let text = |lines: &str| fs::write(&file, lines).unwrap();
    let serve = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--log",
        "trace",
        "--config",
        file.to_str().unwrap(),
        "--data-dir",
        "data",
    ];
    let database = format!("postgres://courier:{DATABASE}@127.0.0.1:1/courier");
    for lines in [
        format!("database_url = \"{database}\""),
        format!("database_url = \"{database}"),
        format!("database_ulr = \"{database}\""),
        format!("database_url = [\"{database}\"]"),
        format!("database_url = \"mysql://courier:{DATABASE}@h/d\""),
        format!("database_url = \"postgres://courier:{DATABASE}@h:port/d\""),
        format!("database_url = \"courier:{DATABASE}\""),
        format!("listen = \"{DATABASE}\"\ndatabase_url = {database}"),
    ] {
        text(&lines);
        watched.said(&Cli::new(), &serve);
    }
    text("");
    for (name, value) in [
        ("COURIER_KEK", TYPED),
        ("COURIER_KEK", &KEK[..62]),
        ("COURIER_KEK", &KEK.replace("e0", "zz")),
        ("COURIER_KEK", &KEK.replace("f0", "zz")),
        ("COURIER_DATABASE_URL", &database),
        ("COURIER_DATABASE_URL", &database.replace("127.0.0.1:1", "[h")),
    ] {
        watched.said(&Cli::new().env(name, value), &serve);
    }
    text(
        "[kek]\nprovider = \"azure_key_vault\"\nvault_url = \"https://127.0.0.1:1\"\nkey_name = \"k\"\ntenant_id = \"t\"\nclient_id = \"c\"",
    );
    watched.said(&Cli::new().env("COURIER_KEK_CLIENT_SECRET", TYPED), &serve);
    fs::remove_file(&file).unwrap();
}

/// What is done on the machine itself, with the backup that comes of it.
fn admin_commands(watched: &mut Watched) {
    let at = |name: &str| watched.folder.path().join(name).display().to_string();
    let (data, backup, restored) = (at("data"), at("backup"), at("restored"));
    let with_key = |key: &str| Cli::new().env("COURIER_LOG", "trace").env("COURIER_KEK", key);
    let cli = with_key(KEK);
    for arguments in [
        &["admin", "backup", &backup, "--data-dir", &data][..],
        &["admin", "restore", &backup, "--data-dir", &restored],
        &["admin", "rewrap", "--data-dir", &data],
        &["admin", "verify-audit", "--data-dir", &data],
        &["admin", "doctor", "--full", "--json", "--data-dir", &data],
    ] {
        watched.said(&cli, arguments);
    }
    let said = watched.said_of("admin backup");
    assert!(
        Path::new(&backup).exists() && Path::new(&restored).exists(),
        "{said}"
    );
    let stranger = with_key(&KEK.replace("f0", "00"));
    watched.said(&stranger, &["admin", "doctor", "--data-dir", &data]);
}

#[test]
fn no_secret_is_found_anywhere() {
    let mut watched = Watched::start();
    logins_and_users(&mut watched);
    keys(&mut watched);
    connections(&mut watched);
    alerts(&mut watched);
    storages(&mut watched);
    look_at_all(&mut watched);
    commands(&mut watched);
    admin_commands(&mut watched);
    let leaks = watched.leaks();
    assert!(leaks.is_empty(), "{leaks:#?}");
    let log = fs::read(watched.folder.path().join("log")).unwrap();
    assert!(log.len() > 100_000, "a log that says little proves little");
}

#[test]
fn a_planted_secret_is_found() {
    let mut watched = Watched::start();
    let input = json!({"name": "p", "protocol": "sftp", "host": "h", "username": "u", "notes": format!("it is {PARTNER}")});
    watched.ok("POST", "/api/connections", input);
    let leaks = watched.leaks();
    for place in ["the answer to POST /api/connections", "courier.db"] {
        assert!(
            leaks.iter().any(|leak| leak.contains(place)),
            "{place}: {leaks:#?}"
        );
    }
    assert!(watched.data().join("courier.db").exists());
}
