//! Executions that can't run: a bug, a damaged row, a hold that is lost. They fail with words, or end, and nothing else does.

use std::time::Duration;

use courier_engine::executions::{Execution, ExecutionState};
use courier_transfer::memory::Event;
use sea_orm::{ConnectionTrait, Database};
use serde_json::json;
use uuid::Uuid;

use crate::fixture::{Fixture, operator, path};

async fn sql(t: &Fixture, statement: &str) {
    let url = format!("sqlite://{}", t.dir.path().join("courier.db").display());
    let db = Database::connect(url).await.unwrap();
    let changed = db.execute_unprepared(statement).await.unwrap().rows_affected();
    assert!(changed > 0 || statement.starts_with("ALTER"));
    db.close().await.unwrap();
}

/// An execution that moves a file, and hangs in its middle.
async fn stuck(t: &Fixture) -> Uuid {
    t.server.memory().put(&path("/home/big"), vec![1u8; 3_000_000]);
    t.server.memory().at_byte(2_000_000, Event::Hang);
    let made = t.connection(json!({})).await.id;
    let step =
        json!({"step_type": "remote.download", "config": {"connection_id": made, "remote_path": "big"}});
    let id = t
        .start_job(json!({"name": Uuid::now_v7(), "steps": [step]}))
        .await;
    t.wait_for_progress(id).await;
    id
}

/// The same, damaged while it is paused, and how it ends then.
async fn ends_damaged(t: &Fixture, statement: &str) -> Execution {
    let id = stuck(t).await;
    t.executions().pause(&operator(), id).await.unwrap();
    t.server.memory().heal();
    sql(t, statement).await;
    t.executions().resume(&operator(), id).await.unwrap();
    let run = t.finished(id).await;
    assert_eq!(run.state, ExecutionState::Failed);
    assert_eq!(run.history.last().unwrap().state, ExecutionState::Failed);
    run
}

async fn still_works(t: &Fixture) {
    let made = t.connection(json!({})).await.id;
    let step = json!({"step_type": "remote.list", "config": {"connection_id": made, "remote_path": "/home"}});
    assert_eq!(t.run_steps(json!([step])).await.error, None);
}

#[tokio::test]
async fn a_panic_in_a_step_is_a_failure_in_words() {
    let t = Fixture::new().await;
    t.server.memory().put(&path("/home/big"), vec![1u8; 3_000_000]);
    let made = t.connection(json!({})).await.id;
    t.server
        .memory()
        .at_byte(1_000_000, Event::Call(Box::new(|_| panic!("a bug"))));
    let step =
        json!({"step_type": "remote.download", "config": {"connection_id": made, "remote_path": "big"}});
    let run = t.run_steps(json!([step])).await;
    assert_eq!(
        (run.state, run.steps[0].state.as_str()),
        (ExecutionState::Failed, "failed")
    );
    let error = run.error.unwrap();
    assert!(error.message.contains("bug in Courier"), "{error:?}");
    assert_eq!(t.server.open_sessions(), 0);
    t.server.memory().heal();
    still_works(&t).await;
}

#[tokio::test]
async fn a_damaged_row_is_told_as_such() {
    let t = Fixture::new().await;
    for (statement, words) in [
        (
            "UPDATE executions SET context = '[1]' WHERE state = 'paused'",
            "context is no object",
        ),
        (
            "DELETE FROM execution_steps WHERE execution_id IN (SELECT id FROM executions WHERE state = 'paused')",
            "0 steps",
        ),
        (
            "UPDATE job_versions SET definition = '{}'",
            "job definition is damaged",
        ),
        ("DELETE FROM job_versions", "no such version of this job"),
    ] {
        let run = ends_damaged(&t, statement).await;
        let error = run.error.unwrap();
        assert!(error.message.contains(words), "{words}: {error:?}");
    }
    still_works(&t).await;
}

#[tokio::test]
async fn a_database_that_is_away_for_a_moment_fails_no_step() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await.id;
    let step = json!({"step_type": "remote.list", "config": {"connection_id": made, "remote_path": "/home"}});
    let mkdir = json!({"step_type": "remote.mkdir", "config": {"connection_id": made, "remote_path": "x"}});
    t.server.memory().hang("make_dir");
    let id = t.start_job(json!({"name": "j", "steps": [mkdir, step]})).await;
    while t.server.open_sessions() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Opening a session again asks for its connection.
    sql(&t, "ALTER TABLE connections RENAME TO elsewhere").await;
    t.executions().pause(&operator(), id).await.unwrap();
    t.server.memory().heal();
    t.executions().resume(&operator(), id).await.unwrap();
    while t.executions().get(id).await.unwrap().steps[0].attempts < 3 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    sql(&t, "ALTER TABLE elsewhere RENAME TO connections").await;
    let run = t.finished(id).await;
    assert_eq!((run.error.clone(), run.state), (None, ExecutionState::Completed));
    assert_eq!(run.steps[0].retries, 0);
}

/// As a node sees it that was slow: another has taken the execution over.
#[tokio::test]
async fn a_hold_that_is_lost_writes_nothing_more() {
    let t = Fixture::new().await;
    let id = stuck(&t).await;
    sql(
        &t,
        "UPDATE executions SET attempts = attempts + 1 WHERE state = 'running'",
    )
    .await;
    let before = t.executions().get(id).await.unwrap();
    t.server.memory().heal();
    while t.server.open_sessions() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let after = t.executions().get(id).await.unwrap();
    assert_eq!(after.state, ExecutionState::Running);
    assert_eq!(after.history, before.history);
    assert_eq!(after.steps[0].state.as_str(), "running");
    assert!(
        t.dir.path().join("work").join(id.to_string()).exists(),
        "the other node may share the folder"
    );
    still_works(&t).await;
}
