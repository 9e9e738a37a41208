//! A function is triggered once, whatever dies or gets lost, and stopping to wait stops no function.

use std::fs;
use std::time::Duration;

use courier_azure::testkit::{Function, Mood, Part};
use serde_json::json;

use super::Azure;
use super::runs::statements;
use crate::support::{Cli, Postgres, Serve, Sshd, content, wait_until};

#[test]
fn a_kill_while_it_waits_triggers_nothing_again() {
    let (mut azure, sshd) = (Azure::start(), Sshd::start());
    let bytes = content(100_000, 3);
    sshd.file("in/a.csv", &bytes);
    azure.cloud.put(Function::new("digest"));
    azure.cloud.hold_logs(true);
    statements(&azure, &sshd, "digest");
    let id = azure.run("statements");
    azure.wait_for_trigger();
    azure.wait_for_look();
    azure.serve.kill();
    // The run gets into the logs while nobody looks.
    azure.cloud.hold_logs(false);
    azure.start_again();
    let done = azure.wait_for(&id, "completed");
    assert_eq!(azure.cloud.triggers().len(), 1, "{done:#}");
    assert_eq!(sshd.read("out/succeeded.csv"), bytes);
    assert_eq!(
        done["context"]["2.invocation_id"],
        azure.cloud.triggers()[0].invocation_id
    );
    assert_eq!(azure.records("function_completed").len(), 1);
}

#[test]
fn a_kill_before_the_answer_triggers_nothing_again() {
    let mut azure = Azure::start();
    azure.cloud.put(Function::new("import"));
    azure.cloud.feel(Part::App, Mood::Slow(Duration::from_secs(20)));
    azure.job("import", json!([azure.call("import", json!({}))]));
    let id = azure.run("import");
    azure.wait_for_trigger();
    azure.serve.kill();
    azure.cloud.feel(Part::App, Mood::Well);
    azure.start_again();
    let done = azure.wait_for(&id, "completed");
    assert_eq!(azure.cloud.triggers().len(), 1, "{done:#}");
    assert_eq!(done["context"]["1.outcome"], "succeeded", "{done:#}");
}

#[test]
fn another_node_goes_on_waiting() {
    let database = Postgres::start();
    let url = database.url();
    let env = |node: &'static str| {
        [
            ("COURIER_DATABASE_URL", url.as_str()),
            ("COURIER_KEK", "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="),
            ("COURIER_NODE", node),
        ]
    };
    let mut azure = Azure::start_with(&env("n1"));
    azure.cloud.put(Function::new("import"));
    azure.cloud.hold_logs(true);
    azure.job("import", json!([azure.call("import", json!({}))]));
    let id = azure.run("import");
    azure.wait_for_trigger();
    azure.wait_for_look();
    let authority = azure.folder.path().join("ca.pem");
    let mut other = env("n2").to_vec();
    other.push(("SSL_CERT_FILE", authority.to_str().unwrap()));
    let other = Serve::start_with(&other);
    azure.serve.kill();
    azure.cloud.hold_logs(false);
    azure.admin = other.admin();
    let done = azure.wait_for(&id, "completed");
    assert_eq!(done["node"], "n2", "{done:#}");
    assert_eq!(azure.cloud.triggers().len(), 1, "{done:#}");
}

#[test]
fn a_restored_backup_goes_on_waiting() {
    let mut azure = Azure::start();
    azure.cloud.put(Function::new("import"));
    azure.cloud.hold_logs(true);
    azure.job("import", json!([azure.call("import", json!({}))]));
    let id = azure.run("import");
    azure.wait_for_trigger();
    azure.wait_for_look();
    let (data, backup) = (azure.serve.data(), azure.folder.path().join("backup"));
    let (folder, file) = (data.to_str().unwrap(), backup.to_str().unwrap());
    let shell = Cli::new();
    shell.ok(["admin", "backup", file, "--data-dir", folder]);
    azure.serve.kill();
    for name in ["courier.db", "courier.db-wal", "courier.db-shm", "audit-seal"] {
        let _ = fs::remove_file(data.join(name));
    }
    shell.ok(["admin", "restore", file, "--data-dir", folder]);
    azure.start_again();
    assert_eq!(azure.execution(&id)["state"], "paused");
    azure.cloud.hold_logs(false);
    azure.admin.ok(["execution", "resume", &id]);
    let done = azure.wait_for(&id, "completed");
    assert_eq!(azure.cloud.triggers().len(), 1, "{done:#}");
}

#[test]
fn a_throttled_app_is_called_again_and_runs_once() {
    let azure = Azure::start();
    azure.cloud.put(Function::new("import"));
    let throttled = Mood::Failing {
        times: 2,
        status: 429,
        retry_after: Some(1),
    };
    azure.cloud.feel(Part::App, throttled);
    let before = azure.cloud.requests(Part::App);
    let done = azure.ends("import", azure.call("import", json!({})), "completed");
    assert_eq!(
        azure.cloud.requests(Part::App),
        before + 4,
        "a greeting, and three calls: {done:#}"
    );
    assert_eq!(azure.cloud.triggers().len(), 1);
    assert_eq!(azure.records("function_triggered").len(), 1);
}

#[test]
fn a_lost_answer_is_looked_up() {
    let azure = Azure::start();
    azure.cloud.put(Function::new("import"));
    for (job, status) in [("broken", None), ("gateway", Some(502))] {
        let before = azure.cloud.triggers().len();
        azure.cloud.feel(Part::App, Mood::Losing { times: 1, status });
        let done = azure.ends(job, azure.call("import", json!({})), "completed");
        assert_eq!(azure.cloud.triggers().len(), before + 1, "{done:#}");
        assert_eq!(done["context"]["1.outcome"], "succeeded", "{done:#}");
    }
    // The same where nobody waits for the end.
    azure.cloud.feel(
        Part::App,
        Mood::Losing {
            times: 1,
            status: None,
        },
    );
    let step = azure.call("import", json!({"wait": false}));
    let done = azure.ends("shoot", step, "completed");
    assert_eq!(azure.cloud.triggers().len(), 3, "{done:#}");
}

#[test]
fn what_is_never_found_is_never_called_again() {
    let azure = Azure::start();
    azure.cloud.put(Function::new("sampled").unlogged());
    let mut step = azure.call("sampled", json!({"max_wait_sec": 3}));
    step["failure_policy"] = json!({"type": "retry_step", "max_retries": 5, "backoff_base_sec": 1});
    let failed = azure.ends("nightly", step, "failed");
    let error = &failed["steps"][0]["error"];
    assert_eq!(error["kind"], "function_outcome_unknown", "{failed:#}");
    let message = error["message"].as_str().unwrap();
    for says in ["sampled", "triggered", "max_wait_sec"] {
        assert!(message.contains(says), "{says}: {message}");
    }
    assert_eq!(azure.cloud.triggers().len(), 1);
    assert_eq!(failed["steps"][0]["attempts"], 1, "{failed:#}");
    let run = azure.admin.run(["job", "run", "nightly", "--watch"]);
    assert!(
        run.code != 0 && format!("{}{}", run.stdout, run.stderr).contains("max_wait_sec"),
        "{run:?}"
    );
}

#[test]
fn pausing_and_cancelling_end_the_waiting_only() {
    let azure = Azure::start();
    azure.cloud.put(Function::new("import"));
    azure.cloud.hold_logs(true);
    azure.job("import", json!([azure.call("import", json!({}))]));
    let id = azure.run("import");
    azure.wait_for_trigger();
    azure.wait_for_look();
    azure.admin.ok(["execution", "pause", &id]);
    azure.wait_for(&id, "paused");
    azure.cloud.hold_logs(false);
    azure.admin.ok(["execution", "resume", &id]);
    let done = azure.wait_for(&id, "completed");
    assert_eq!(azure.cloud.triggers().len(), 1, "{done:#}");

    azure.cloud.hold_logs(true);
    let id = azure.run("import");
    wait_until("another call", || azure.cloud.triggers().len() == 2);
    azure.admin.ok(["execution", "cancel", &id]);
    let over = azure.wait_for(&id, "cancelled");
    assert_eq!(azure.cloud.triggers().len(), 2, "{over:#}");
    assert!(
        over["steps"][0]["error"]["message"]
            .as_str()
            .unwrap()
            .contains("goes on in Azure"),
        "{over:#}"
    );
    azure.cloud.hold_logs(false);
    // The run of the cancelled one is nobody else's: the next execution has its own.
    let id = azure.run("import");
    let done = azure.wait_for(&id, "completed");
    assert_eq!(
        done["context"]["1.invocation_id"],
        azure.cloud.triggers()[2].invocation_id,
        "{done:#}"
    );
}

/// So many kills, at different moments of a call.
const MOMENTS: u64 = 6;

#[test]
fn a_kill_at_any_moment_triggers_once_at_most() {
    let mut azure = Azure::start();
    azure.cloud.put(Function::new("import"));
    azure.job(
        "import",
        json!([azure.call("import", json!({"max_wait_sec": 3}))]),
    );
    for moment in 0..MOMENTS {
        let before = azure.cloud.triggers().len();
        let id = azure.run("import");
        std::thread::sleep(Duration::from_millis(moment * 60 / MOMENTS));
        azure.serve.kill();
        azure.start_again();
        let mut over = azure.execution(&id);
        wait_until("an end", || {
            over = azure.execution(&id);
            ["completed", "failed"].contains(&over["state"].as_str().unwrap())
        });
        let triggered = azure.cloud.triggers().len() - before;
        // Killed between the note and the call, nobody can tell that it wasn't made.
        match over["state"].as_str() {
            Some("completed") => assert_eq!(triggered, 1, "{moment}: {over:#}"),
            _ => assert_eq!(
                (triggered, &over["steps"][0]["error"]["kind"]),
                (0, &json!("function_outcome_unknown")),
                "{moment}: {over:#}"
            ),
        }
    }
}
