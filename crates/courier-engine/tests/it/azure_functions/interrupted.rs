//! Pause, cancel, and processes that end: a function is triggered once, and its end found.

use std::time::Duration;

use courier_azure::testkit::{AzureCloud, Function, MASTER_KEY, Mood, Part};
use courier_engine::{
    Environment,
    executions::{Execution, ExecutionState},
};
use sea_orm::ConnectionTrait;
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use super::{Azure, cloud, connection, error, step};
use crate::{
    database::database,
    fake::Server,
    fixture::{Fixture, map, operator},
    leases::{node, until},
    postgres,
};

fn runtime() -> Runtime {
    Builder::new_multi_thread().enable_all().build().unwrap()
}

/// Sets a call going, ends the process when the cloud is as it is wanted, and goes on with another one.
fn killed(
    when: impl Fn(&AzureCloud) -> bool,
    before: impl FnOnce(&Azure),
    after: impl FnOnce(&Azure),
) -> (Azure, Execution) {
    let first = runtime();
    let (a, id) = first.block_on(async {
        let a = Azure::new().await;
        a.cloud.put(Function::new("f"));
        before(&a);
        let id = a.start("f", json!({})).await;
        a.until(when).await;
        (a, id)
    });
    drop(first);
    after(&a);
    let Azure { t, cloud, connection } = a;
    runtime().block_on(async {
        let t = Fixture::start(t.dir.clone(), Server::new("memory"), Environment::Development);
        let t = t.await.unwrap();
        let done = t.finished(id).await;
        (Azure { t, cloud, connection }, done)
    })
}

#[test]
fn a_process_that_ends_while_it_waits_triggers_nothing_again() {
    let waits = |cloud: &AzureCloud| cloud.queries().len() >= 2;
    let (a, done) = killed(waits, |a| a.cloud.hold_logs(true), |a| a.cloud.hold_logs(false));
    assert_eq!((done.state, done.attempts), (ExecutionState::Completed, 2));
    assert_eq!(a.cloud.triggers().len(), 1);
    assert_eq!(
        done.context["1.invocation_id"],
        json!(a.cloud.triggers()[0].invocation_id)
    );
}

#[test]
fn a_process_that_ends_before_the_answer_looks_what_came_of_the_call() {
    let slow = |a: &Azure| a.cloud.feel(Part::App, Mood::Slow(Duration::from_secs(3)));
    let (a, done) = killed(|cloud| !cloud.triggers().is_empty(), slow, |_| ());
    assert_eq!(done.error, None);
    assert_eq!(a.cloud.triggers().len(), 1);
    runtime().block_on(async {
        let records = a.t.audit_of("function_triggered").await;
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].details["result"], json!("unclear"));
    });
}

/// The end of the run is noted, and that of the step is not.
#[test]
fn a_process_that_ends_after_the_run_was_found_triggers_nothing_again() {
    for fails in [false, true] {
        let first = runtime();
        let (t, cloud, id) = first.block_on(async {
            let Azure { t, cloud, connection } = Azure::new().await;
            cloud.put(if fails { Function::new("f").fails("7") } else { Function::new("f") });
            let trigger = "CREATE TRIGGER refuse BEFORE UPDATE ON execution_steps WHEN NEW.state IN ('completed', 'failed')
                BEGIN SELECT RAISE(ABORT, 'not now'); END";
            database(&t).await.execute_unprepared(trigger).await.unwrap();
            let job = json!({"name": "j", "steps": [step(connection, "f", json!({}))]});
            let id = t.start_job(job).await;
            while t.audit_of("function_completed").await.is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            (t, cloud, id)
        });
        drop(first);
        runtime().block_on(async {
            let heal = "DROP TRIGGER refuse";
            database(&t).await.execute_unprepared(heal).await.unwrap();
            let t = Fixture::start(t.dir.clone(), Server::new("memory"), Environment::Development);
            let t = t.await.unwrap();
            let done = t.finished(id).await;
            assert_eq!(done.state == ExecutionState::Failed, fails);
            assert_eq!(done.context["1.success"], json!(!fails));
            assert_eq!((done.attempts, cloud.triggers().len()), (2, 1));
            assert_eq!(t.audit_of("function_completed").await.len(), 1);
        });
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_is_looked_up_and_not_repeated() {
    let a = Azure::new().await;
    for (n, status) in [None, Some(502)].into_iter().enumerate() {
        a.cloud.keep_trace_ids(status.is_none());
        a.cloud.feel(Part::App, Mood::Losing { times: 1, status });
        let function = format!("f{n}");
        a.cloud.put(Function::new(&function));
        let done = a.call(&function, json!({})).await;
        assert_eq!(done.error, None);
        assert_eq!(a.cloud.triggers().len(), n + 1);
        let records = a.t.audit_of("function_triggered").await;
        assert_eq!(records[0].details["result"], json!("unclear"));
        assert!(records[0].details["error"]["message"].is_string());
    }
    // One that was not taken at all is never found, and not repeated either.
    let failing = Mood::Failing {
        times: 1,
        status: 503,
        retry_after: None,
    };
    a.cloud.feel(Part::App, failing);
    let failed = a.call("f0", json!({"max_wait_sec": 1})).await;
    let (kind, words) = error(&failed);
    assert_eq!(kind, "function_outcome_unknown");
    assert!(
        words.contains("not known whether the function \"f0\" was triggered"),
        "{words}"
    );
    let history = a.t.executions().get(failed.id).await.unwrap().history;
    let unclear = |why: &Option<String>| {
        why.as_ref()
            .is_some_and(|why| why.contains("unclear") && why.contains("503"))
    };
    assert!(history.iter().any(|entry| unclear(&entry.reason)), "{history:?}");
    let completed = a.t.audit_of("function_completed").await;
    assert_eq!(completed[0].details["outcome"], json!("unknown"));
    assert_eq!(a.cloud.triggers().len(), 2);
}

#[tokio::test]
async fn a_call_that_is_refused_leaves_nothing_of_the_one_before() {
    let a = Azure::new().await;
    a.cloud.put(Function::new("f").fails("1"));
    let policy = json!({"type": "retry_step", "max_retries": 1, "backoff_base_sec": 1});
    let job = json!({"name": "j", "failure_policy": policy, "steps": [a.step("f", json!({}))]});
    let id = a.t.start_job(job).await;
    while a.t.audit_of("function_completed").await.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    a.cloud.set_master_key("another");
    let failed = a.t.finished(id).await;
    assert_eq!((error(&failed).0.as_str(), a.cloud.triggers().len()), ("auth", 1));
    let of_step = failed.context.keys().find(|key| key.starts_with("1."));
    assert_eq!(of_step, None, "{:?}", failed.context);
}

#[tokio::test]
async fn a_pause_ends_the_waiting_and_not_the_function() {
    let a = Azure::new().await;
    a.cloud.put(Function::new("f"));
    a.cloud.hold_logs(true);
    let id = a.start("f", json!({"poll_interval_sec": 60})).await;
    a.until(|cloud| !cloud.triggers().is_empty()).await;
    while a.t.audit_of("function_triggered").await.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let paused = a.t.executions().pause(&operator(), id).await.unwrap();
    assert_eq!(paused.state, ExecutionState::Paused);
    let history = a.t.executions().get(id).await.unwrap().history;
    let told = |told: &str| {
        history
            .iter()
            .any(|at| at.reason.as_deref().is_some_and(|why| why.contains(told)))
    };
    assert!(told("is not stopped by that") && told("otto"), "{history:?}");
    a.cloud.hold_logs(false);
    let resumed = std::time::Instant::now();
    a.t.executions().resume(&operator(), id).await.unwrap();
    assert_eq!(a.t.finished(id).await.error, None);
    assert!(resumed.elapsed() < Duration::from_secs(5), "it looks at once");
    assert_eq!(
        (
            a.cloud.triggers().len(),
            a.t.audit_of("function_triggered").await.len()
        ),
        (1, 1)
    );
}

#[tokio::test]
async fn a_cancel_says_that_the_function_goes_on() {
    let a = Azure::new().await;
    a.cloud.put(Function::new("f"));
    a.cloud.hold_logs(true);
    let id = a.start("f", json!({})).await;
    a.until(|cloud| cloud.queries().len() > 1).await;
    let cancelled = a.t.executions().cancel(&operator(), id).await.unwrap();
    assert_eq!(cancelled.state, ExecutionState::Cancelled);
    let (kind, words) = error(&cancelled);
    assert_eq!(kind, "cancelled");
    assert!(
        words.contains("\"f\"") && words.contains("is not stopped by that"),
        "{words}"
    );
}

#[tokio::test]
async fn a_step_whose_time_is_over_says_that_the_function_goes_on() {
    let a = Azure::new().await;
    a.cloud.put(Function::new("f"));
    a.cloud.hold_logs(true);
    let step = a.step("f", json!({}));
    let mut limited = step.clone();
    limited["max_duration_sec"] = json!(1);
    for job in [
        json!({"name": "step", "steps": [limited]}),
        json!({"name": "whole", "max_duration_sec": 1, "steps": [step]}),
    ] {
        let failed = a.t.run_job(job).await;
        let (kind, words) = error(&failed);
        assert_eq!(kind, "timeout");
        for told in ["max_duration_sec", "\"f\"", "is not stopped by that"] {
            assert!(words.contains(told), "{words}");
        }
    }
    assert_eq!(a.cloud.triggers().len(), 2);
}

#[tokio::test]
async fn the_answer_to_a_call_is_heard_also_after_a_cancel() {
    let a = Azure::new().await;
    a.cloud.put(Function::new("f"));
    a.cloud.feel(Part::App, Mood::Slow(Duration::from_millis(600)));
    let id = a.start("f", json!({})).await;
    a.until(|cloud| !cloud.triggers().is_empty()).await;
    let cancelled = a.t.executions().cancel(&operator(), id).await.unwrap();
    assert!(error(&cancelled).1.contains("is not stopped by that"));
    let records = loop {
        let records = a.t.audit_of("function_triggered").await;
        if !records.is_empty() {
            break records;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(records[0].details["result"], json!("accepted"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_node_goes_on_with_the_wait() {
    let folder = tempfile::tempdir().unwrap();
    let url = tokio::task::spawn_blocking(postgres::new_database).await.unwrap();
    let server = Server::new("memory");
    let cloud = cloud();
    cloud.put(Function::new("f"));
    cloud.hold_logs(true);
    let one = node("one", &url, folder.path(), &server).await;
    let connection = connection(&one, &cloud).await;
    let job = map(json!({"name": "j", "steps": [step(connection.id, "f", json!({}))]}));
    let job = one.jobs().create(&operator(), job).await.unwrap();
    let id = one.jobs().run(&operator(), job.id).await.unwrap().id;
    while cloud.queries().len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    one.shutdown(Duration::from_secs(5)).await;
    cloud.hold_logs(false);
    let two = node("two", &url, folder.path(), &server).await;
    let done = until(&two, id, |run| run.state.is_final()).await;
    assert_eq!(done.error, None);
    assert_eq!((done.node.as_deref(), cloud.triggers().len()), (Some("two"), 1));
    let shown = serde_json::to_string(&done.context).unwrap();
    assert!(!shown.contains(MASTER_KEY) && done.id != Uuid::nil());
    two.shutdown(Duration::from_secs(5)).await;
}
