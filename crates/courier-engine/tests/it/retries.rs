//! Failure policies over time: counted in the rows, waited for, and taken up again after a stop or a crash.

use std::time::{Duration, Instant};

use courier_engine::{Environment, executions::ExecutionState};
use courier_transfer::{ErrorKind, memory::Event};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fixture::{Fixture, map, operator, path};

fn delete(connection: Uuid, remote_path: &str) -> Value {
    json!({"step_type": "remote.delete", "config": {"connection_id": connection, "remote_path": remote_path}})
}

fn policy(kind: &str, retries: u32, wait: u32) -> Value {
    json!({"type": kind, "max_retries": retries, "backoff_base_sec": wait, "backoff_max_sec": 60})
}

/// An execution whose first step has failed and waits for its next try, for a minute.
async fn waiting(t: &Fixture, kind: &str) -> Uuid {
    let made = t.connection(json!({})).await.id;
    for name in ["a", "b"] {
        t.server.memory().put(&path(&format!("/home/{name}")), name);
    }
    t.server.memory().refuse("remove", ErrorKind::Failed);
    let job = json!({"name": "j", "steps": [delete(made, "a"), delete(made, "b")], "failure_policy": policy(kind, 2, 60)});
    let id = t.start_job(job).await;
    while t.executions().get(id).await.unwrap().steps[0].retry_at.is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    id
}

#[tokio::test]
async fn a_step_that_waits_shows_until_when() {
    let t = Fixture::new().await;
    let id = waiting(&t, "retry_step").await;
    let run = t.executions().get(id).await.unwrap();
    assert_eq!(run.state, ExecutionState::Running);
    let step = &run.steps[0];
    assert_eq!(
        (step.state.as_str(), step.attempts, step.retries),
        ("failed", 1, 1)
    );
    let wait = step.retry_at.unwrap() - courier_store::now();
    assert!((50..=60).contains(&wait.get_seconds()), "{wait}");
    assert_eq!(step.error.as_ref().unwrap().kind, "failed");
    // The server's session is not kept through the wait.
    while t.server.open_sessions() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let began = Instant::now();
    let run = t.executions().cancel(&operator(), id).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(
        (run.state, run.steps[0].retry_at),
        (ExecutionState::Cancelled, None)
    );
}

#[tokio::test]
async fn a_pause_ends_the_wait_and_the_count_goes_on() {
    for (kind, counts) in [("retry_step", (1, 0)), ("retry_job", (0, 1))] {
        let t = Fixture::new().await;
        let id = waiting(&t, kind).await;
        let began = Instant::now();
        let paused = t.executions().pause(&operator(), id).await.unwrap();
        assert_eq!(paused.state, ExecutionState::Paused);
        t.server.memory().heal();
        t.executions().resume(&operator(), id).await.unwrap();
        let done = t.finished(id).await;
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "the rest of the minute is not waited for"
        );
        assert_eq!((done.error, done.state), (None, ExecutionState::Completed));
        assert_eq!((done.steps[0].retries, done.retries), counts, "{kind}");
        let states: Vec<&str> = done.history.iter().map(|h| h.state.as_str()).collect();
        assert_eq!(
            states,
            ["queued", "running", "paused", "queued", "running", "completed"]
        );
    }
}

/// The wait was not over when the process died, and goes on; the count too.
#[test]
fn a_crash_in_the_wait_begins_no_new_count() {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let first = runtime();
    let (id, dir, server) = first.block_on(async {
        let t = Fixture::new().await;
        (waiting(&t, "retry_step").await, t.dir.clone(), t.server.clone())
    });
    drop(first);
    runtime().block_on(async {
        let t = Fixture::start(dir, server, Environment::Development)
            .await
            .unwrap();
        t.wait_for_state(id, ExecutionState::Running).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let run = t.executions().get(id).await.unwrap();
        let step = &run.steps[0];
        assert_eq!((step.attempts, step.retries), (1, 1), "it waits");
        assert!(step.retry_at.is_some());
        t.executions().cancel(&operator(), id).await.unwrap();
    });
}

#[tokio::test]
async fn a_step_may_have_a_policy_of_its_own() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await.id;
    t.server.memory().put(&path("/home/b"), "b");
    let own = |mut step: Value, policy: Value| {
        step["failure_policy"] = policy;
        step
    };
    let run = t
        .run_job(
            json!({"name": "skips", "failure_policy": policy("stop", 0, 0), "steps": [
                own(delete(made, "missing"), policy("skip_and_continue", 0, 0)),
                delete(made, "b"),
            ]}),
        )
        .await;
    assert_eq!(run.state, ExecutionState::Completed);
    t.server.memory().refuse("remove", ErrorKind::Failed);
    let run = t
        .run_job(
            json!({"name": "stops", "failure_policy": policy("retry_step", 5, 0), "steps": [
                own(delete(made, "b"), policy("stop", 0, 0)),
            ]}),
        )
        .await;
    assert_eq!((run.steps[0].attempts, run.state), (1, ExecutionState::Failed));
    let run = t
        .run_job(json!({"name": "again", "steps": [
            {"step_type": "remote.mkdir", "config": {"connection_id": made, "remote_path": "x", "recursive": true}},
            own(delete(made, "b"), policy("retry_job", 2, 0)),
        ]}))
        .await;
    let attempts: Vec<u32> = run.steps.iter().map(|s| s.attempts).collect();
    assert_eq!((attempts, run.retries), (vec![3, 3], 2));
}

#[tokio::test]
async fn what_does_not_pass_by_itself_is_not_tried_again() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await.id;
    t.server.memory().put(&path("/home/a"), "a");
    for (kind, attempts) in [
        (ErrorKind::Denied, 1),
        (ErrorKind::NotFound, 1),
        (ErrorKind::Unsupported, 1),
        (ErrorKind::Invalid, 1),
        (ErrorKind::Failed, 3),
        (ErrorKind::Full, 3),
        (ErrorKind::Timeout, 3),
    ] {
        t.server.memory().heal();
        t.server.memory().refuse("remove", kind);
        let run = t
            .run_job(json!({"name": kind.as_str(), "steps": [delete(made, "a")], "failure_policy": policy("retry_step", 2, 0)}))
            .await;
        assert_eq!(run.steps[0].attempts, attempts, "{kind:?}");
    }
    t.server.down(Some(ErrorKind::Auth));
    let run = t
        .run_job(json!({"name": "auth", "steps": [delete(made, "a")], "failure_policy": policy("retry_job", 2, 0)}))
        .await;
    assert_eq!(
        (run.steps[0].attempts, run.retries),
        (1, 0),
        "servers lock accounts"
    );
}

#[tokio::test]
async fn a_step_that_gets_on_is_not_timed_out() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await.id;
    t.server.memory().put(&path("/home/big"), vec![1u8; 3_000_000]);
    t.server.memory().slow(Duration::from_millis(25));
    let step = json!({"step_type": "remote.download", "timeout_sec": 1, "config": {"connection_id": made, "remote_path": "big"}});
    let run = t.run_steps(json!([step])).await;
    assert_eq!(run.error, None);
    let took = run.ended_at.unwrap() - run.started_at.unwrap();
    assert!(
        took.total(jiff::Unit::Second).unwrap() > 1.5,
        "too quick to tell: {took}"
    );

    t.server.memory().at_byte(1_000_000, Event::Hang);
    let run = t.run_steps(json!([step])).await;
    let error = run.error.unwrap();
    assert_eq!(error.kind, "timeout");
    assert!(
        error
            .message
            .contains("no progress within its timeout_sec of 1 seconds"),
        "{error:?}"
    );
    assert_eq!(t.server.open_sessions(), 0);
}

#[tokio::test]
async fn the_longest_duration_ends_a_step_with_all_its_attempts() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await.id;
    t.server.memory().refuse("remove", ErrorKind::Failed);
    // The third wait would be too long.
    let mut step = delete(made, "a");
    step["max_duration_sec"] = json!(2);
    let job = json!({"name": "j", "steps": [step], "failure_policy": policy("retry_step", 9, 1)});
    let run = t.run_job(job).await;
    assert_eq!(run.steps[0].attempts, 2);
    assert_eq!(
        run.error.unwrap().kind,
        "failed",
        "what went wrong, not that there was no time to try again"
    );

    t.server.memory().heal();
    t.server.memory().hang("remove");
    let mut step = delete(made, "a");
    step["max_duration_sec"] = json!(1);
    let job = json!({"name": "k", "steps": [step, delete(made, "b")], "failure_policy": policy("retry_step", 9, 0)});
    let run = t.run_job(job).await;
    assert_eq!(run.steps[0].attempts, 1);
    let error = run.error.unwrap();
    assert!(
        error
            .message
            .contains("the step took longer than its max_duration_sec of 1 seconds"),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_longest_duration_of_a_job_is_over_for_every_policy() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await.id;
    t.server.memory().hang("remove");
    let job = json!({"name": "j", "max_duration_sec": 1, "steps": [delete(made, "a"), delete(made, "b")],
        "failure_policy": policy("skip_and_continue", 0, 0)});
    let run = t.run_job(job).await;
    let states: Vec<&str> = run.steps.iter().map(|s| s.state.as_str()).collect();
    assert_eq!(
        (run.state, states),
        (ExecutionState::Failed, vec!["failed", "pending"])
    );
    let error = run.error.unwrap();
    assert!(
        error
            .message
            .contains("the execution took longer than its max_duration_sec of 1 seconds"),
        "{error:?}"
    );
    assert_eq!(t.server.open_sessions(), 0);
}

#[tokio::test]
async fn a_pause_takes_no_time() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await.id;
    t.server.memory().put(&path("/home/a"), "a");
    t.server.memory().hang("remove");
    let mut step = delete(made, "a");
    step["max_duration_sec"] = json!(2);
    let job = json!({"name": "j", "max_duration_sec": 2, "steps": [step]});
    let job = t.jobs().create(&operator(), map(job)).await.unwrap();
    let id = t.jobs().run(&operator(), job.id).await.unwrap().id;
    t.wait_for_state(id, ExecutionState::Running).await;
    t.executions().pause(&operator(), id).await.unwrap();
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    t.server.memory().heal();
    t.executions().resume(&operator(), id).await.unwrap();
    let done = t.finished(id).await;
    assert_eq!((done.error, done.state), (None, ExecutionState::Completed));
}
