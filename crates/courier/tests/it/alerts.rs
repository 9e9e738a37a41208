//! Alerts from end to end: a real server, a receiver of webhooks over TLS, and a mail server.

use std::path::Path;

use aws_lc_rs::hmac;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::listener::certificates;
use crate::support::hook::{Hook, Posted};
use crate::support::smtpd::{Security, Smtpd};
use crate::support::{Cli, Serve, Sshd, from_base64, user, wait_until};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const PASSWORD: &str = "mail-6f0e-password";

/// A server that trusts the authority of this folder.
fn serve(folder: &Path) -> Serve {
    let authority = folder.join("ca.pem");
    Serve::start_with(&[("SSL_CERT_FILE", authority.to_str().unwrap())])
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    folder
}

/// A job whose file isn't there, or is.
fn job(admin: &Cli, name: &str) {
    let steps =
        json!([{"step_type": "local.copy", "config": {"path": "missing.txt", "new_path": "copy.txt"}}]);
    create(admin, "job", &json!({"name": name, "steps": steps}));
}

fn create(admin: &Cli, noun: &str, document: &Value) {
    let file = admin.path("document.json");
    std::fs::write(&file, document.to_string()).unwrap();
    admin.ok([noun, "create", "-f", file.to_str().unwrap()]);
}

fn alert(admin: &Cli, name: &str, channel: Value) {
    create(
        admin,
        "alert",
        &json!({"name": name, "on": ["execution_failed"], "channel": channel, "repeat_after_sec": 0}),
    );
}

fn deliveries(admin: &Cli, alert: &str) -> Vec<Value> {
    let answer = admin.ok(["alert", "deliveries", alert, "--json"]);
    answer.json().as_array().unwrap().clone()
}

/// By the convention of Standard Webhooks, with code that isn't Courier's.
fn is_signed(posted: &Posted) -> bool {
    let (id, at) = (posted.header("webhook-id"), posted.header("webhook-timestamp"));
    let key = from_base64(SECRET.strip_prefix("whsec_").unwrap());
    let signature = posted.header("webhook-signature").strip_prefix("v1,").unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let text = format!("{id}.{at}.{}", posted.body);
    hmac::verify(&key, text.as_bytes(), &from_base64(signature)).is_ok()
}

#[test]
fn a_failure_is_posted_signed_and_again_until_it_is_taken() {
    let folder = folder();
    let mut serve = serve(folder.path());
    let (admin, hook) = (serve.admin(), Hook::start(folder.path()));
    job(&admin, "nightly");
    alert(
        &admin,
        "ops",
        json!({"type": "webhook", "url": hook.url("/hook?x=1"), "secret": SECRET}),
    );
    let shown = admin.ok(["alert", "show", "ops", "--json"]).json();
    assert_eq!(shown["channel"]["has_secret"], json!(true));
    assert_eq!(shown["warnings"], json!([]));

    let tried = admin.ok(["alert", "test", "ops"]);
    assert_eq!(tried.stdout.trim(), "delivered: HTTP 204 No Content");
    assert_eq!(hook.posted()[0].json()["type"], json!("test"));

    // The second attempt comes after a restart, with the same message.
    hook.answer(&["503 Service Unavailable"]);
    assert_eq!(admin.run(["job", "run", "nightly", "--watch"]).code, 5);
    wait_until("it was posted", || hook.posted().len() == 2);
    wait_until("that was noted", || {
        deliveries(&admin, "ops")[0]["answer"].is_string()
    });
    serve.kill();
    serve.start_again();
    wait_until("it was posted again", || hook.posted().len() == 3);
    let admin = serve.admin();
    wait_until("that was noted", || {
        deliveries(&admin, "ops")[0]["state"] == json!("delivered")
    });
    let posted = hook.posted();
    assert!(posted.iter().all(is_signed), "{posted:?}");
    assert_eq!(posted[1].header("webhook-id"), posted[2].header("webhook-id"));
    assert_eq!(posted[1].body, posted[2].body);
    assert_eq!(
        (posted[2].path.as_str(), posted[2].header("content-type")),
        ("/hook?x=1", "application/json")
    );
    let body = posted[2].json();
    assert_eq!(body["alert"]["name"], json!("ops"));
    let event = &body["events"][0];
    assert_eq!(
        (&event["type"], &event["job"]["name"]),
        (&json!("execution_failed"), &json!("nightly"))
    );
    assert_eq!(event["step"]["index"], json!(1));
    assert_eq!(event["error"]["kind"], json!("not_found"));
    let path = event["execution"]["path"].as_str().unwrap();
    assert_eq!(
        path,
        format!("/executions/{}", event["execution"]["id"].as_str().unwrap())
    );
    assert_eq!(deliveries(&admin, "ops")[0]["attempts"], json!(2));
    assert_eq!(serve.holds(SECRET), Vec::<std::path::PathBuf>::new());
}

#[test]
fn who_is_not_trusted_or_not_there_is_not_told() {
    let (folder, other) = (folder(), folder());
    let serve = serve(folder.path());
    let (admin, hook) = (serve.admin(), Hook::start(other.path()));
    alert(
        &admin,
        "stranger",
        json!({"type": "webhook", "url": hook.url("/hook/only-its-owner-knows")}),
    );
    let outcome = admin.run(["alert", "test", "stranger"]);
    assert_eq!(outcome.code, 1);
    assert!(
        outcome.stderr.contains("certificate") && outcome.stderr.contains("SSL_CERT_FILE"),
        "{outcome:?}"
    );
    assert_eq!(hook.posted().len(), 0);
    // What is only its owner's to know is in no record.
    let audit = admin.ok(["audit", "list", "--json"]).stdout;
    assert!(
        audit.contains("alert_tested") && !audit.contains("only-its-owner-knows"),
        "{audit}"
    );

    let hook = Hook::start(folder.path());
    admin.ok(["alert", "update", "stranger", "--webhook", &hook.url("/")]);
    hook.answer(&["307 Temporary Redirect", "410 Gone"]);
    for says in ["redirections are not followed", "HTTP 410 Gone"] {
        let outcome = admin.run(["alert", "test", "stranger"]);
        assert!(outcome.code == 1 && outcome.stderr.contains(says), "{outcome:?}");
    }
    let states: Vec<Value> = deliveries(&admin, "stranger")
        .iter()
        .map(|d| d["state"].clone())
        .collect();
    assert_eq!(states, [json!("failed"), json!("failed"), json!("failed")]);
}

/// Sets up mail by this server.
fn mail_by(admin: &Cli, smtpd: &Smtpd, security: &str) {
    for (key, value) in [
        ("smtp.host", "localhost"),
        ("smtp.port", &smtpd.port.to_string()),
        ("smtp.security", security),
        ("smtp.from", "Courier <courier@example.com>"),
    ] {
        admin.ok(["setting", "set", key, value]);
    }
}

fn password(admin: &Cli, password: &str) {
    admin.ok(["setting", "set", "smtp.username", "mailer"]);
    let set = admin.run_with_input(["setting", "set", "smtp.password", "--value-stdin"], password);
    assert_eq!(set.code, 0, "{set:?}");
}

#[test]
fn a_failure_is_mailed_over_starttls_and_tls() {
    let folder = folder();
    let serve = serve(folder.path());
    let admin = serve.admin();
    job(&admin, "nightly \u{1f319}");
    alert(
        &admin,
        "mail",
        json!({"type": "email", "to": ["ops@example.com", "boss@example.com"]}),
    );
    let unset = admin.run(["alert", "test", "mail"]);
    assert!(unset.code == 1 && unset.stderr.contains("smtp.host"), "{unset:?}");

    for (security, word) in [(Security::StartTls, "starttls"), (Security::Tls, "tls")] {
        let smtpd = Smtpd::start(folder.path(), security, Some(("mailer", PASSWORD)));
        mail_by(&admin, &smtpd, word);
        password(&admin, "not the one");
        let refused = admin.run(["alert", "test", "mail"]);
        assert!(refused.code == 1 && refused.stderr.contains("535"), "{refused:?}");
        password(&admin, PASSWORD);
        let tried = admin.ok(["alert", "test", "mail"]);
        assert!(tried.stdout.contains("queued as 4711"), "{tried:?}");

        assert_eq!(admin.run(["job", "run", "nightly \u{1f319}", "--watch"]).code, 5);
        wait_until("it was mailed", || smtpd.mails().len() == 2);
        let mail = smtpd.mails().pop().unwrap();
        assert!(mail.encrypted, "{mail:?}");
        assert_eq!(mail.from, "courier@example.com");
        assert_eq!(mail.to, ["ops@example.com", "boss@example.com"]);
        assert!(
            mail.text.contains("Message-ID: <") && mail.text.contains("Subject: "),
            "{mail:?}"
        );
        assert!(mail.text.contains("Execution: /executions/"), "{mail:?}");
    }

    // The password is for this server alone, and shown to nobody.
    let setting = admin.ok(["setting", "get", "smtp.password", "--json"]).json();
    assert_eq!(
        (&setting["value"], &setting["has_value"]),
        (&Value::Null, &json!(true))
    );
    admin.ok(["setting", "set", "smtp.host", "127.0.0.1"]);
    let setting = admin.ok(["setting", "get", "smtp.password", "--json"]).json();
    assert_eq!(setting["has_value"], json!(false));
    let lost = admin.run(["alert", "test", "mail"]);
    assert!(
        lost.code == 1 && lost.stderr.contains("smtp.password"),
        "{lost:?}"
    );
    let as_argument = admin.run(["setting", "set", "smtp.password", PASSWORD]);
    assert!(
        as_argument.code == 2 && !as_argument.stderr.contains(PASSWORD),
        "{as_argument:?}"
    );
    assert_eq!(serve.holds(PASSWORD), Vec::<std::path::PathBuf>::new());
}

#[test]
fn who_is_gone_keeps_no_mail_from_the_others() {
    let folder = folder();
    let serve = serve(folder.path());
    let admin = serve.admin();
    let smtpd = Smtpd::start(folder.path(), Security::StartTls, None);
    mail_by(&admin, &smtpd, "starttls");
    let to = ["ops@example.com", "nobody@example.com", "boss@example.com"];
    alert(&admin, "mail", json!({"type": "email", "to": to}));
    let tried = admin.ok(["alert", "test", "mail"]);
    assert!(
        tried.stdout.contains("took it for 2 of 3")
            && tried.stdout.contains("nobody@example.com: localhost refused it")
            && tried.stdout.contains("no such user"),
        "{tried:?}"
    );
    let told: Vec<Vec<String>> = smtpd.mails().into_iter().map(|mail| mail.to).collect();
    assert_eq!(told, [["ops@example.com"], ["boss@example.com"]]);

    let nobody = ["nobody@example.com", "nobody@example.org"];
    let channel = json!({"channel": {"to": nobody}}).to_string();
    let file = admin.path("nobody.json");
    std::fs::write(&file, channel).unwrap();
    admin.ok(["alert", "update", "mail", "-f", file.to_str().unwrap()]);
    let refused = admin.run(["alert", "test", "mail"]);
    assert!(
        refused.code == 1 && refused.stderr.contains("nobody@example.org"),
        "{refused:?}"
    );
    assert_eq!(smtpd.mails().len(), 2);
}

#[test]
fn mail_in_the_clear_is_said_loudly_and_takes_no_password() {
    let folder = folder();
    let serve = serve(folder.path());
    let admin = serve.admin();
    let smtpd = Smtpd::start(folder.path(), Security::Clear, None);
    mail_by(&admin, &smtpd, "none");
    alert(
        &admin,
        "mail",
        json!({"type": "email", "to": ["ops@example.com"]}),
    );
    let shown = admin.run(["alert", "show", "mail"]);
    assert!(shown.stdout.contains("in the clear"), "{shown:?}");
    admin.ok(["alert", "test", "mail"]);
    assert!(!smtpd.mails()[0].encrypted);
    password(&admin, PASSWORD);
    let refused = admin.run(["alert", "test", "mail"]);
    assert!(
        refused.code == 1 && refused.stderr.contains("not sent in the clear"),
        "{refused:?}"
    );
    assert_eq!(smtpd.mails().len(), 1);
    // A server that offers no STARTTLS gets nothing where it is wanted.
    admin.ok(["setting", "set", "smtp.security", "starttls"]);
    assert_eq!(admin.run(["alert", "test", "mail"]).code, 1);
    assert_eq!(smtpd.mails().len(), 1);
}

#[test]
fn each_pulled_file_is_posted_on_its_own() {
    let folder = folder();
    let mut serve = serve(folder.path());
    let (admin, hook, sshd) = (serve.admin(), Hook::start(folder.path()), Sshd::start());
    admin.ok(["key", "generate", "key"]);
    sshd.authorize(&admin.ok(["key", "public", "key"]).stdout);
    let partner = json!({
        "host": "127.0.0.1", "port": sshd.port(), "username": user(), "base_path": sshd.files(),
    });
    std::fs::write(admin.path("partner.json"), partner.to_string()).unwrap();
    admin.ok("connection create partner -f partner.json --ssh-key key".split(' '));
    for name in ["in", "other"] {
        sshd.file(&format!("{name}/a.txt"), name);
        let add =
            format!("mapping add partner {name} --name {name} --every 1h --min-age 0s --prefix from/{name}");
        admin.ok(add.split(' '));
    }
    let url = hook.url("/arrivals");
    let create = [
        "alert",
        "create",
        "arrivals",
        "--on",
        "file_pulled",
        "--mapping",
        "partner:in",
        "--webhook",
    ];
    admin.ok(create.into_iter().chain([url.as_str()]));
    sshd.file("in/b.txt", "");

    // One is taken at the second attempt, after a crash.
    hook.answer(&["503 Service Unavailable"]);
    for name in ["in", "other"] {
        admin.ok(["mapping", "run", name, "--watch"]);
    }
    wait_until("one to be refused", || {
        let all = deliveries(&admin, "arrivals");
        all.len() == 2 && all.iter().all(|one| one["answer"].is_string())
    });
    serve.kill();
    serve.start_again();
    let admin = serve.admin();
    wait_until("both to be delivered", || {
        deliveries(&admin, "arrivals")
            .iter()
            .all(|one| one["state"] == json!("delivered"))
    });
    let mut events: Vec<Value> = Vec::new();
    for posted in hook.posted() {
        let body = posted.json();
        assert_eq!(body["type"], json!("file_pulled"));
        assert_eq!(posted.header("webhook-id"), body["id"].as_str().unwrap());
        assert_eq!(body["events"].as_array().unwrap().len(), 1);
        events.push(body["events"][0].clone());
    }
    assert!(events.len() > 2, "{events:?}");
    events.sort_by_key(|event| event["file"]["path"].to_string());
    events.dedup_by_key(|event| event["file"]["entry_id"].clone());
    let history = admin.ok("connection history partner --json".split(' ')).json();
    let entry = |path: &str| {
        let mut entries = history.as_array().unwrap().iter();
        entries
            .find(|entry| entry["path"].as_str().unwrap().ends_with(path))
            .unwrap()
            .clone()
    };
    for (event, path) in events.iter().zip(["in/a.txt", "in/b.txt"]) {
        let (file, entry) = (&event["file"], entry(path));
        for field in [
            "path",
            "size",
            "modified",
            "sha256",
            "destination",
            "key",
            "storage_id",
            "pulled_at",
        ] {
            assert_eq!(file[field], entry[field], "{field}");
        }
        assert_eq!(file["entry_id"], entry["id"]);
        assert_eq!(event["execution"]["id"], entry["execution_id"]);
        assert_eq!(event["connection"]["name"], json!("partner"));
        assert_eq!(event["mapping"]["name"], json!("in"));
    }
    assert_eq!(events.len(), 2);
    assert_eq!(events[1]["file"]["key"], json!("from/in/b.txt"));
}
