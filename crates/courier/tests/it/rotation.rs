//! A connection's key is replaced, as docs/keys.md says, while sessions are opened all the time.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::{Cli, Serve, Sshd, user, wait_until};

/// What the connection's keys are and did, newest first.
fn keys(admin: &Cli) -> Vec<Value> {
    let keys = admin.ok(["connection", "keys", "partner", "--json"]).json();
    keys.as_array().unwrap().clone()
}

/// The key of this name among them.
fn key(admin: &Cli, name: &str) -> Value {
    let keys = keys(admin);
    keys.iter().find(|key| key["name"] == name).unwrap().clone()
}

/// The key that the newest session logged in with.
fn last_accepted(admin: &Cli) -> Value {
    let list = [
        "audit",
        "list",
        "--operation",
        "auth_success",
        "--limit",
        "1",
        "--json",
    ];
    admin.ok(list).json()[0]["details"]["ssh_key_id"].clone()
}

fn public(admin: &Cli, name: &str) -> String {
    admin.ok(["key", "public", name]).stdout
}

fn test(admin: &Cli) {
    admin.ok(["connection", "test", "partner"]);
}

#[test]
fn a_key_is_replaced_without_a_failed_session() {
    let sshd = Sshd::start();
    let serve = Serve::start();
    let admin = serve.admin();
    admin.ok(["key", "generate", "partner-2025", "--key-type", "rsa_2048"]);
    sshd.authorize(&public(&admin, "partner-2025"));
    let port = sshd.port().to_string();
    let create = [
        "connection",
        "create",
        "partner",
        "--host",
        "127.0.0.1",
        "--port",
        &port,
    ];
    let with = ["--username", &user(), "--ssh-key", "partner-2025"].map(str::to_owned);
    admin.ok(create.map(str::to_owned).into_iter().chain(with));
    test(&admin);

    let (done, sessions) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let others = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                test(&admin);
                sessions.fetch_add(1, Ordering::Relaxed);
            }
        });
        // However it ends, the others end as well.
        let _stop = Stop(&done);
        replace(&admin, &sshd);
        done.store(true, Ordering::Relaxed);
        others.join().unwrap();
    });
    assert!(sessions.load(Ordering::Relaxed) > 3, "{sessions:?}");
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn replace(admin: &Cli, sshd: &Sshd) {
    let old = key(admin, "partner-2025");
    assert_ne!(old["last_used_at"], Value::Null);

    // 1. A second key. The server doesn't know it yet, so sessions log in with the first.
    admin.ok(["key", "generate", "partner-2026"]);
    admin.ok(["connection", "add-key", "partner", "partner-2026"]);
    let names: Vec<Value> = keys(admin).iter().map(|key| key["name"].clone()).collect();
    assert_eq!(names, [json!("partner-2026"), json!("partner-2025")]);
    test(admin);
    assert_eq!(last_accepted(admin), old["id"]);
    assert_eq!(key(admin, "partner-2026")["last_used_at"], Value::Null);

    // Too early to take the first one away.
    let revoke = ["connection", "revoke-key", "partner", "partner-2025"];
    admin.run(revoke).failed_with(1, "partner-2025");
    admin.run(revoke).failed_with(1, "1050");
    assert_eq!(key(admin, "partner-2025")["status"], "active");

    // 2. Installed: the next session logs in with it, and says so.
    let line = public(admin, "partner-2026");
    sshd.authorize(&line);
    test(admin);
    let new = key(admin, "partner-2026");
    assert_ne!(new["last_used_at"], Value::Null);
    // The other sessions follow.
    wait_until("the new key to be the one that logs in", || {
        last_accepted(admin) == new["id"]
    });
    let list = admin.ok(["key", "list"]).stdout;
    assert_eq!(list.matches(" partner ").count(), 2, "{list}");

    // 3. The first one goes: here, and there.
    admin
        .run(["key", "delete", "partner-2025"])
        .failed_with(1, "4005");
    admin.ok(revoke);
    test(admin);
    sshd.refuse(&public(admin, "partner-2025"));
    test(admin);
    assert_eq!(last_accepted(admin), new["id"]);
    admin.ok(["key", "delete", "partner-2025"]);
    let old = key(admin, "partner-2025");
    assert_eq!(old["status"], "revoked");

    // The second one is now the last that works.
    admin
        .run(["connection", "revoke-key", "partner", "partner-2026"])
        .failed_with(1, "1050");
    test(admin);

    let operations = ["key_generated", "key_added", "key_revoked", "key_deleted"];
    for operation in operations {
        let list = ["audit", "list", "--operation", operation, "--json"];
        let records = admin.ok(list).json();
        assert_ne!(records.as_array().unwrap().len(), 0, "{operation}");
    }
}
