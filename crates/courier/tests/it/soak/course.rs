//! The job that is run, and what must be true of each execution of it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::partner::{Mark, Partner};
use super::size;
use crate::support::{Cli, Serve, content, wait_until};

/// The size of the small file, which is fetched, delivered and renamed.
const SMALL: usize = 20_000;
/// What may have to be moved again after a kill, each way: what was on its way, what wasn't safely written yet, and what
/// several sessions may have left holes in.
const AGAIN: u64 = 12 * 1024 * 1024;

pub(super) struct Course {
    pub(super) partner: Partner,
    small: Vec<u8>,
    big: Vec<u8>,
}

/// One execution of the job, and what had happened at the partner before.
pub(super) struct Run {
    pub(super) id: String,
    before: Mark,
}

impl Course {
    pub(super) fn with(partner: Partner) -> Self {
        let (small, big) = (content(SMALL, 11), content(size(), 12));
        partner.file("in/small.csv", &small);
        partner.file("in/big.bin", &big);
        Self { partner, small, big }
    }

    /// Makes the connection and the job. A local folder, if any, is one that all nodes have; else files go to the work
    /// folder of the node.
    pub(super) fn set_up(&self, admin: &Cli, local: Option<&Path>) {
        self.partner.connect(admin);
        let connection = admin.ok(["connection", "show", "partner", "--json"]).json()["id"].clone();
        let local =
            |name: &str| local.map_or_else(|| name.into(), |folder| folder.join(name).display().to_string());
        let remote = |path: &str| self.partner.remote(path);
        let step = |step_type: String, config: Value| {
            let mut config = config;
            config["connection_id"] = connection.clone();
            json!({"step_type": step_type, "config": config})
        };
        let download = |from: &str, to: &str| {
            let config = json!({"remote_path": remote(from), "local_path": local(to)});
            step(self.partner.step_type("download"), config)
        };
        let upload = |from: &str, to: &str| {
            let config = json!({"local_path": from, "remote_path": remote(to)});
            step(self.partner.step_type("upload"), config)
        };
        let rename = json!({"remote_path": remote("out/small.csv"), "new_path": remote("out/done.csv")});
        let job = json!({
            "name": "course",
            "failure_policy": {"type": "retry_step", "max_retries": 10, "backoff_base_sec": 1, "backoff_max_sec": 2},
            "steps": [
                download("in/small.csv", "small.csv"),
                upload("context:1.downloaded_file", "out/small.csv"),
                download("in/big.bin", "big.bin"),
                upload("context:3.downloaded_file", "out/big.bin"),
                step("remote.rename".into(), rename),
            ],
        });
        fs::write(admin.path("job.json"), job.to_string()).unwrap();
        admin.ok(["job", "create", "-f", "job.json"]);
    }

    /// Starts the job, at a partner where nothing has arrived yet.
    pub(super) fn run(&self, admin: &Cli) -> Run {
        self.partner.clear_out();
        let before = self.partner.mark();
        let started = admin.ok(["job", "run", "course", "--json"]).json();
        let id = started["id"].as_str().unwrap().to_owned();
        Run { id, before }
    }

    /// What passes in a run without a kill, and a bit less.
    pub(super) fn whole(&self) -> u64 {
        2 * (self.big.len() + self.small.len()) as u64
    }

    /// Waits until the run has moved so many bytes, up and down together.
    pub(super) fn moved(&self, run: &Run, bytes: u64) {
        self.partner.moved(run.before, bytes);
    }

    /// Waits for the end, and looks at what is at the partner, and at what has passed until then. So many times files may
    /// have been begun anew.
    pub(super) fn ended_well(&self, run: &Run, admin: &Cli, kills: u64) -> Value {
        let execution = end(admin, &run.id);
        assert_eq!(execution["state"], "completed", "{execution:#}");
        let there = |path: &str| fs::read(self.partner.files().join(path)).unwrap();
        let out = names(&self.partner.files().join("out"));
        assert_eq!(out, ["big.bin", "done.csv"], "doubled or left behind");
        assert_eq!(there("out/big.bin").len(), self.big.len());
        assert!(there("out/big.bin") == self.big, "the big file differs");
        assert!(there("out/done.csv") == self.small, "the small file differs");
        assert_eq!(names(&self.partner.files().join("in")), ["big.bin", "small.csv"]);

        let listed = admin
            .ok(["execution", "list", "--job", "course", "--json"])
            .json();
        let unfinished = |execution: &&Value| execution["ended_at"].is_null();
        assert_eq!(
            listed.as_array().unwrap().iter().filter(unfinished).count(),
            0,
            "{listed:#}"
        );

        // In the bytes there is no room for a second download or upload. On a busy machine a lease may end besides.
        if let Some((up, down)) = self.partner.passed(run.before) {
            let steps = attempts(&execution);
            let breaks = kills.max(steps.iter().sum::<u64>() - steps.len() as u64);
            let most = (self.big.len() + self.small.len()) as u64 + 1_000_000 + breaks * AGAIN;
            println!("{up} bytes up, {down} down, of {}", self.big.len());
            assert!(up < most && down < most, "at most {most} each way");
        }
        wait_until("the end of all sessions", || self.partner.visits().open() == 0);
        execution
    }

    /// Each step was done once, by the count of its attempts, of which so many were interrupted; and each file got its
    /// last name once, by the server's account.
    pub(super) fn nothing_twice(&self, run: &Run, execution: &Value, interrupted: usize) {
        let attempts = attempts(execution);
        println!("attempts of the steps: {attempts:?}");
        let again = attempts.iter().filter(|attempts| **attempts > 1).count();
        assert!(again <= interrupted, "{execution:#}");
        for path in ["out/small.csv", "out/big.bin", "out/done.csv"] {
            let named = self.partner.named(run.before, path);
            assert_eq!(
                named,
                1,
                "{path} got its name {named} times\n{}",
                self.partner.log()
            );
        }
    }
}

/// How often each step was begun.
fn attempts(execution: &Value) -> Vec<u64> {
    let steps = execution["steps"].as_array().unwrap().iter();
    steps.map(|step| step["attempts"].as_u64().unwrap()).collect()
}

/// The names in a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
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

/// The audit log is whole, each transfer is in it once, and nothing is left in the node's work folder. So many files may
/// have been fetched once more, by steps that had to run again.
pub(super) fn left_tidy(run: &Run, serve: &Serve, admin: &Cli, environment: &[(&str, &str)], again: usize) {
    let data = serve.data().display().to_string();
    let shell = environment
        .iter()
        .fold(Cli::new(), |cli, (name, value)| cli.env(name, *value));
    let verified = shell.run(["admin", "verify-audit", "--data-dir", &data]);
    assert_eq!(verified.code, 0, "{verified:?}");
    let expected = [("download", 2..=2 + again), ("upload", 2..=2), ("rename", 1..=1)];
    for (operation, records) in expected {
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
        assert!(records.contains(&found.len()), "{operation}: {found:#?}");
    }
    wait_until("the end of the work folder", || {
        names(&serve.data().join("work")).is_empty()
    });
}
