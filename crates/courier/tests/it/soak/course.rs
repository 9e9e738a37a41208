//! A partner on a slow line, the job that is run on it, and what must be true of each execution.

use std::fs;
use std::path::Path;
use std::time::Duration;

use courier_transfer::testkit::Direction::{Down, Up};
use courier_transfer::testkit::Proxy;
use serde_json::{Value, json};

use super::size;
use crate::support::{Cli, Serve, Sshd, content, wait_until};

/// What of the small file is fetched and delivered.
const SMALL: usize = 20_000;
/// What may have to be moved again after a cut, each way: what was on its way, and what wasn't safely written yet.
const AGAIN: u64 = 4 * 1024 * 1024;

pub(super) struct Course {
    pub(super) sshd: Sshd,
    pub(super) line: Proxy,
    small: Vec<u8>,
    big: Vec<u8>,
}

/// One execution of the job, and how much had passed when it began.
pub(super) struct Run {
    pub(super) id: String,
    began: Passed,
    requests: usize,
}

#[derive(Clone, Copy)]
struct Passed {
    up: u64,
    down: u64,
}

impl Course {
    pub(super) fn new() -> Self {
        let sshd = Sshd::start();
        sshd.write_down();
        let (small, big) = (content(SMALL, 11), content(size(), 12));
        sshd.file("in/small.csv", &small);
        sshd.file("in/big.bin", &big);
        let line = Proxy::to(sshd.port());
        // Three seconds each way, so that there is a middle to kill in.
        for direction in [Up, Down] {
            line.throttle(direction, size() as u64 / 3);
        }
        Self {
            sshd,
            line,
            small,
            big,
        }
    }

    /// Makes the connection and the job. A local folder, if any, is one that all nodes have; else files go to the work
    /// folder of the node.
    pub(super) fn set_up(&self, admin: &Cli, local: Option<&Path>) {
        admin.ok(["key", "generate", "partner-key"]);
        self.sshd
            .authorize(&admin.ok(["key", "public", "partner-key"]).stdout);
        let port = self.line.port().to_string();
        let user = crate::support::user();
        let flags = [
            "--host",
            "127.0.0.1",
            "--port",
            &port,
            "--username",
            &user,
            "--ssh-key",
            "partner-key",
        ];
        admin.ok(["connection", "create", "partner"].into_iter().chain(flags));
        admin.ok(["connection", "test", "partner"]);
        let connection = admin.ok(["connection", "show", "partner", "--json"]).json()["id"].clone();
        let local = |name: &str| {
            local.map_or_else(
                || name.to_owned(),
                |folder| folder.join(name).display().to_string(),
            )
        };
        let remote = |path: &str| self.sshd.files().join(path).display().to_string();
        let step = |step_type: &str, config: Value| json!({"step_type": step_type, "config": config});
        let job = json!({
            "name": "course",
            "failure_policy": {"type": "retry_step", "max_retries": 10, "backoff_base_sec": 1, "backoff_max_sec": 2},
            "steps": [
                step("sftp.download", json!({"connection_id": connection,
                    "remote_path": remote("in/small.csv"), "local_path": local("small.csv")})),
                step("sftp.upload", json!({"connection_id": connection,
                    "local_path": "context:1.downloaded_file", "remote_path": remote("out/small.csv")})),
                step("sftp.download", json!({"connection_id": connection,
                    "remote_path": remote("in/big.bin"), "local_path": local("big.bin")})),
                step("sftp.upload", json!({"connection_id": connection,
                    "local_path": "context:3.downloaded_file", "remote_path": remote("out/big.bin")})),
                step("remote.rename", json!({"connection_id": connection,
                    "remote_path": remote("out/small.csv"), "new_path": remote("out/done.csv")})),
            ],
        });
        fs::write(admin.path("job.json"), job.to_string()).unwrap();
        admin.ok(["job", "create", "-f", "job.json"]);
    }

    /// Starts the job, at a partner where nothing has arrived yet.
    pub(super) fn run(&self, admin: &Cli) -> Run {
        let out = self.sshd.files().join("out");
        let _ = fs::remove_dir_all(&out);
        fs::create_dir(&out).unwrap();
        let (began, requests) = (self.passed(), self.sshd.requests().len());
        let id = admin.ok(["job", "run", "course", "--json"]).json()["id"]
            .as_str()
            .unwrap()
            .to_owned();
        Run { id, began, requests }
    }

    fn passed(&self) -> Passed {
        Passed {
            up: self.line.bytes(Up),
            down: self.line.bytes(Down),
        }
    }

    /// All that passes the line in a run without a kill, and a bit less.
    pub(super) fn whole(&self) -> u64 {
        2 * (self.big.len() + self.small.len()) as u64
    }

    /// Waits until the run has moved so many bytes, up and down together.
    pub(super) fn moved(&self, run: &Run, bytes: u64) {
        wait_until("the moment to kill", || {
            let now = self.passed();
            now.up + now.down >= run.began.up + run.began.down + bytes
        });
    }

    /// Waits for the end, and looks at everything that the run left. So many kills have happened; each may have ended
    /// one attempt of a step.
    pub(super) fn ended_well(&self, run: &Run, admin: &Cli, kills: u64) -> Value {
        let execution = end(admin, &run.id);
        assert_eq!(execution["state"], "completed", "{execution:#}");
        assert_eq!(self.sshd.read("out/big.bin").len(), self.big.len());
        assert!(self.sshd.read("out/big.bin") == self.big, "the big file differs");
        assert!(
            self.sshd.read("out/done.csv") == self.small,
            "the small file differs"
        );
        let out = names(&self.sshd.files().join("out"));
        assert_eq!(out, ["big.bin", "done.csv"], "doubled or left behind");
        assert_eq!(names(&self.sshd.files().join("in")), ["big.bin", "small.csv"]);

        let listed = admin
            .ok(["execution", "list", "--job", "course", "--json"])
            .json();
        let unfinished = |execution: &&Value| execution["ended_at"].is_null();
        assert_eq!(
            listed.as_array().unwrap().iter().filter(unfinished).count(),
            0,
            "{listed:#}"
        );

        // In the bytes there is no room for a second download or upload.
        let now = self.passed();
        let most = (self.big.len() + self.small.len()) as u64 + 1_000_000 + kills * AGAIN;
        for (way, moved) in [("up", now.up - run.began.up), ("down", now.down - run.began.down)] {
            println!("{way}: {moved} bytes of {}", self.big.len());
            assert!(moved < most, "{way}: {moved} bytes, at most {most} expected");
        }
        wait_until("the end of all sessions", || self.line.open_connections() == 0);
        execution
    }

    /// Each step was done once: at the partner, by its own account, and by the count of the executions's attempts, of
    /// which so many were interrupted.
    pub(super) fn nothing_twice(&self, run: &Run, execution: &Value, interrupted: u64) {
        let steps = execution["steps"].as_array().unwrap();
        let again: Vec<u64> = steps
            .iter()
            .map(|step| step["attempts"].as_u64().unwrap() - 1)
            .collect();
        println!("attempts beyond the first, by step: {again:?}");
        let several = again.iter().filter(|more| **more > 0).count() as u64;
        assert!(several <= interrupted, "{execution:#}");

        let all = self.sshd.requests();
        let requests = all.get(run.requests..).unwrap();
        let count = |what: &str, path: &str| {
            let path = format!("\"{}\"", self.sshd.files().join(path).display());
            let is = |line: &&str| line.contains(what) && line.contains(&path);
            requests.lines().filter(is).count() as u64
        };
        for (step, path) in [(0, "in/small.csv"), (2, "in/big.bin")] {
            let opened = count("open ", path);
            assert!(opened >= 1, "{path}\n{requests}");
            if again[step] == 0 && interrupted == 0 {
                assert_eq!(opened, 1, "{path}\n{requests}");
            }
        }
        // The last name is given once, whatever happens.
        assert_eq!(count("rename old", "out/big.bin"), 1, "{requests}");
        assert_eq!(count("rename old", "out/done.csv"), 1, "{requests}");
    }
}

/// The names in a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Waits for the end of an execution.
fn end(admin: &Cli, id: &str) -> Value {
    let mut execution = Value::Null;
    wait_until("the end of the execution", || {
        std::thread::sleep(Duration::from_millis(100));
        let shown = admin.run(["execution", "show", id, "--json"]);
        // A node whose database is away can't say.
        if shown.code != 0 {
            return false;
        }
        execution = shown.json();
        !execution["ended_at"].is_null()
    });
    execution
}

/// The audit log is whole, the transfers are in it once, and nothing is left in the node's work folder.
pub(super) fn left_tidy(run: &Run, serve: &Serve, admin: &Cli, environment: &[(&str, &str)]) {
    let data = serve.data().display().to_string();
    let shell = environment
        .iter()
        .fold(Cli::new(), |cli, (name, value)| cli.env(name, *value));
    let verified = shell.run(["admin", "verify-audit", "--data-dir", &data]);
    assert_eq!(verified.code, 0, "{verified:?}");
    for (operation, records) in [("download", 2), ("upload", 2), ("rename", 1)] {
        let list = [
            "audit",
            "list",
            "--connection",
            "partner",
            "--operation",
            operation,
            "--json",
        ];
        let found = admin.ok(list).json();
        let of_run =
            |record: &&Value| record["job_execution_id"] == run.id && record["details"]["error"].is_null();
        let found: Vec<&Value> = found.as_array().unwrap().iter().filter(of_run).collect();
        assert_eq!(found.len(), records, "{operation}: {found:#?}");
    }
    wait_until("the end of the work folder", || {
        names(&serve.data().join("work")).is_empty()
    });
}
