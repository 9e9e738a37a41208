//! Each thing that can be wrong with a folder mapping, provoked on real servers: what it says, what the next tries do, and
//! that it is over when it is over.

mod destinations;
mod ftp;
mod sftp;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::listener::certificates;
use crate::support::hook::Hook;
use crate::support::{Cli, Serve, Sshd, user, wait_until};

/// A server of Courier's with a connection `partner` and the mapping `in` of the folder `outbox` there, which pulls each
/// second, and somebody who is told of the connection's health.
struct Pulls {
    _serve: Serve,
    admin: Cli,
    hook: Hook,
    _authority: TempDir,
}

impl Pulls {
    /// Makes them, with the connection of this document; where it logs in with a key, `authorize` is given that.
    fn of(connection: &Value, authorize: impl FnOnce(&str)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path());
        let authority = folder.path().join("ca.pem");
        let serve = Serve::start_with(&[("SSL_CERT_FILE", authority.to_str().unwrap())]);
        let pulls = Self {
            admin: serve.admin(),
            hook: Hook::start(folder.path()),
            _serve: serve,
            _authority: folder,
        };
        let admin = &pulls.admin;
        pulls.document(connection);
        let create = "connection create partner -f document.json";
        match connection.get("password") {
            Some(_) => admin.ok(create.split(' ')),
            None => {
                admin.ok(["key", "generate", "key"]);
                authorize(&admin.ok(["key", "public", "key"]).stdout);
                admin.ok(create.split(' ').chain(["--ssh-key", "key"]))
            }
        };
        let url = pulls.hook.url("/");
        let alert = [
            "alert",
            "create",
            "watch",
            "--on",
            "connection_health",
            "--webhook",
            &url,
        ];
        admin.ok(alert.into_iter().chain(["--repeat-after-sec", "0"]));
        pulls
    }

    fn sftp(sshd: &Sshd) -> Self {
        Self::sftp_at(sshd, sshd.port())
    }

    /// By another port, which leads there.
    fn sftp_at(sshd: &Sshd, port: u16) -> Self {
        let base = sshd.files();
        let connection = json!({
            "protocol": "sftp", "host": "127.0.0.1", "port": port, "username": user(), "base_path": base,
            "connect_timeout_sec": 5,
        });
        Self::of(&connection, |key| sshd.authorize(key))
    }

    /// The mapping, to this storage.
    fn map(&self, storage: &str) {
        let add = "mapping add partner outbox --name in --every 1s --min-age 0s --to";
        self.admin.ok(add.split(' ').chain([storage]));
    }

    /// The mapping, once a pull went well.
    fn map_and_pull(&self) {
        self.map("default");
        self.becomes("healthy", Value::Null);
    }

    fn document(&self, document: &Value) {
        std::fs::write(self.admin.path("document.json"), document.to_string()).unwrap();
    }

    fn mapping(&self) -> Value {
        self.admin.ok(["mapping", "show", "in", "--json"]).json()
    }

    fn connection(&self) -> Value {
        self.admin.ok(["connection", "show", "partner", "--json"]).json()
    }

    /// Waits until the mapping is in this health, for this reason, and gives the words; without a reason there are none.
    #[track_caller]
    fn becomes(&self, health: &str, code: impl Into<Value>) -> String {
        let code = code.into();
        let mut last = Value::Null;
        let what = format!("the mapping to be {health}, {code}");
        wait_until(&what, || {
            last = self.mapping();
            last["health"] == health && last["health_code"] == code
        });
        let detail = last["health_detail"].as_str().unwrap_or_default().to_owned();
        assert_eq!(code.is_null(), detail.is_empty(), "{last}");
        // What a console shows of the connection is no better.
        let shown = || self.connection()["health"] == health;
        wait_until("the connection to be shown so", shown);
        if health != "healthy" && !code.is_null() {
            assert_ne!(self.connection()["health_detail"], Value::Null);
        }
        detail
    }

    /// Waits until it is well again, and a file that came since is pulled.
    #[track_caller]
    fn recovers(&self, file: &str) {
        self.becomes("healthy", Value::Null);
        let well = self.mapping();
        assert_eq!(
            (&well["failures"], &well["failing_since"]),
            (&json!(0), &Value::Null)
        );
        assert_ne!(well["last_ok_at"], Value::Null);
        wait_until("the file to be pulled", || self.has(file));
    }

    /// Is this file in the history?
    fn has(&self, file: &str) -> bool {
        let history = "connection history partner --json --path"
            .split(' ')
            .chain([file]);
        let found = self.admin.ok(history).json();
        !found.as_array().unwrap().is_empty()
    }

    /// Waits until the mapping was due several times, and gives how many executions of it there were meanwhile.
    fn ticks(&self, ticks: usize) -> usize {
        let before = self.executions();
        let mut due = self.mapping()["next_run_at"].clone();
        for _ in 0..ticks {
            let later = Instant::now() + Duration::from_millis(1500);
            wait_until("the next tick", || {
                let next = self.mapping()["next_run_at"].clone();
                // Where nothing is tried, no time is told.
                let moved = next != due || (next.is_null() && Instant::now() >= later);
                due = next;
                moved
            });
        }
        self.executions() - before
    }

    /// How many executions there were of it.
    fn executions(&self) -> usize {
        let list = self
            .admin
            .ok(["execution", "list", "--limit", "1000", "--json"])
            .json();
        list.as_array().unwrap().len()
    }

    /// Waits until somebody was told this by the alert.
    #[track_caller]
    fn told(&self, words: &str) {
        wait_until(&format!("a message that says {words:?}"), || {
            let posted = self.hook.posted();
            posted
                .iter()
                .any(|one| one.json()["text"].as_str().unwrap().contains(words))
        });
    }
}

/// Does the text say all of this?
#[track_caller]
fn says(text: &str, all: &[&str]) {
    for words in all {
        assert!(text.contains(words), "{words:?} is not in {text:?}");
    }
}
