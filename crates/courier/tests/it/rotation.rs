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

#[test]
fn a_key_is_replaced_without_a_failed_tick() {
    let sshd = Sshd::start();
    let serve = Serve::start();
    let admin = serve.admin();
    admin.ok(["key", "generate", "partner-2025"]);
    sshd.authorize(&public(&admin, "partner-2025"));
    let (port, folder) = (sshd.port().to_string(), sshd.files().display().to_string());
    let create = format!(
        "connection create partner --host 127.0.0.1 --port {port} --username {}",
        user()
    );
    let with = ["--ssh-key", "partner-2025", "--set"].map(str::to_owned);
    let base = format!("base_path={folder}");
    admin.ok(create.split(' ').map(str::to_owned).chain(with).chain([base]));
    sshd.file("outbox/first", "1");
    let add = "mapping add partner outbox --name in --every 1s --min-age 0s";
    admin.ok(add.split(' '));
    let ticks = Ticks {
        admin: &admin,
        sshd: &sshd,
    };
    ticks.pull("with the first key");
    let old = key(&admin, "partner-2025");
    assert_eq!(last_accepted(&admin), old["id"]);

    // 1. A second key beside the first, here before it is there: ticks go on with the first.
    admin.ok(["key", "generate", "partner-2026"]);
    admin.ok(["connection", "add-key", "partner", "partner-2026"]);
    ticks.pull("before the new key is installed");
    assert_eq!(last_accepted(&admin), old["id"]);
    assert_eq!(key(&admin, "partner-2026")["last_used_at"], Value::Null);
    sshd.authorize(&public(&admin, "partner-2026"));

    // 2. The next tick logs in with it, and shows that it works.
    wait_until("a tick to confirm the new key", || {
        key(&admin, "partner-2026")["last_used_at"] != Value::Null
    });
    let shown = admin.ok(["connection", "show", "partner", "--json"]).json();
    assert_eq!(shown["health"], json!("healthy"));
    ticks.pull("with both keys");
    let new = key(&admin, "partner-2026");
    assert_eq!(last_accepted(&admin), new["id"]);
    let unused = key(&admin, "partner-2025")["last_used_at"].clone();

    // 3. The first one goes, here and there.
    admin.ok(["connection", "revoke-key", "partner", "partner-2025"]);
    ticks.pull("without the first key");
    sshd.refuse(&public(&admin, "partner-2025"));
    ticks.pull("when the server has forgotten it");
    assert_eq!(
        key(&admin, "partner-2025")["last_used_at"],
        unused,
        "the new one is offered first"
    );

    let executions = admin
        .ok(["execution", "list", "--limit", "1000", "--json"])
        .json();
    let executions = executions.as_array().unwrap();
    assert!(executions.len() >= 5, "{executions:?}");
    let went = |execution: &&Value| {
        matches!(
            execution["state"].as_str().unwrap(),
            "completed" | "queued" | "running"
        )
    };
    let failed: Vec<&Value> = executions.iter().filter(|one| !went(one)).collect();
    assert_eq!(failed, Vec::<&Value>::new());
    let mapping = admin.ok(["mapping", "show", "in", "--json"]).json();
    assert_eq!(
        (&mapping["health"], &mapping["failures"]),
        (&json!("healthy"), &json!(0))
    );
    let refused = ["audit", "list", "--operation", "auth_failed", "--json"];
    assert_eq!(admin.ok(refused).json(), json!([]));
}

struct Ticks<'a> {
    admin: &'a Cli,
    sshd: &'a Sshd,
}

impl Ticks<'_> {
    /// Puts a file there, and waits until a tick has pulled it.
    fn pull(&self, name: &str) {
        self.sshd.file(&format!("outbox/{name}"), name);
        wait_until(&format!("the file to be pulled {name}"), || {
            let history = ["connection", "history", "partner", "--json", "--path", name];
            let found = self.admin.ok(history).json();
            !found.as_array().unwrap().is_empty()
        });
    }
}
