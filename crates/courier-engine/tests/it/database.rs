//! A database that refuses for a while: nothing that was done is forgotten, and nothing is done before it is noted.

use std::time::Duration;

use courier_engine::executions::ExecutionState;
use courier_transfer::memory::Event;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use serde_json::json;

use crate::fixture::{Fixture, operator, path};

/// The database's file as another process opens it.
pub(crate) async fn database(t: &Fixture) -> DatabaseConnection {
    let url = format!("sqlite://{}", t.dir.path().join("courier.db").display());
    Database::connect(url).await.unwrap()
}

/// From now on it refuses this: `INSERT ON audit WHEN …`.
async fn refuse(database: &DatabaseConnection, what: &str) {
    let trigger = format!("CREATE TRIGGER refuse BEFORE {what} BEGIN SELECT RAISE(ABORT, 'not now'); END");
    database.execute_unprepared(&trigger).await.unwrap();
}

async fn heal(database: &DatabaseConnection) {
    database.execute_unprepared("DROP TRIGGER refuse").await.unwrap();
}

#[tokio::test]
async fn audit_records_wait_for_it() {
    let t = Fixture::new().await;
    let connection = t.connection(json!({})).await.id;
    t.server.memory().put(&path("/home/out/a.csv"), "a");
    t.server
        .memory()
        .put(&path("/home/out/b.csv"), vec![2u8; 2_000_000]);
    t.server.memory().at_byte(1_500_000, Event::Hang);
    let database = database(&t).await;
    refuse(&database, "INSERT ON audit WHEN NEW.operation = 'download'").await;
    let config = json!({"connection_id": connection, "remote_path": "out/*.csv"});
    let id = t
        .start_job(json!({"name": "j", "steps": [{"step_type": "remote.download", "config": config}]}))
        .await;
    t.wait_for_progress(id).await;
    let first = t.dir.path().join(format!("work/{id}/a.csv"));
    while !first.exists() {
        tokio::task::yield_now().await;
    }
    // Some attempts to write them fail while the second file hangs.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    heal(&database).await;
    t.executions().cancel(&operator(), id).await.unwrap();
    let audit = t.audit_of("download").await;
    assert_eq!(audit.len(), 2, "{audit:?}");
    assert_eq!(audit[1].details["remote_path"], json!("out/a.csv"));
    // The other one was stopped in its middle.
    assert_eq!(audit[0].details["remote_path"], json!("out/b.csv"));
    assert_eq!(audit[0].details["error"]["kind"], json!("cancelled"));
    assert!(audit[0].bytes_transferred > Some(1_000_000));
}

#[tokio::test]
async fn a_step_that_succeeded_stays_so() {
    let t = Fixture::new().await;
    let connection = t.connection(json!({})).await.id;
    t.server.memory().put(&path("/home/a"), "a");
    let database = database(&t).await;
    refuse(&database, "INSERT ON audit WHEN NEW.operation = 'download'").await;
    let config = json!({"connection_id": connection, "remote_path": "a"});
    let id = t
        .start_job(json!({"name": "j", "steps": [{"step_type": "remote.download", "config": config}]}))
        .await;
    while !t.dir.path().join("work").join(id.to_string()).join("a").exists() {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(
        t.executions().get(id).await.unwrap().state,
        ExecutionState::Running
    );
    heal(&database).await;
    let done = t.finished(id).await;
    assert_eq!(
        (done.state, done.steps[0].attempts),
        (ExecutionState::Completed, 1)
    );
    assert_eq!(t.audit_of("download").await.len(), 1);
}

/// A crash between the two would leave an execution that misses its source.
#[tokio::test]
async fn a_source_is_deleted_after_its_transfer_is_noted() {
    let t = Fixture::new().await;
    let connection = t.connection(json!({})).await.id;
    t.server.memory().put(&path("/home/a"), "a");
    let database = database(&t).await;
    refuse(
        &database,
        "UPDATE ON executions WHEN NEW.context LIKE '%transfer_state%'",
    )
    .await;
    let config = json!({"connection_id": connection, "remote_path": "a", "after": "delete"});
    let id = t
        .start_job(json!({"name": "j", "steps": [{"step_type": "remote.download", "config": config}]}))
        .await;
    while !t.dir.path().join("work").join(id.to_string()).join("a").exists() {
        tokio::task::yield_now().await;
    }
    // Longer than until the step's own look at what is new.
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(!t.server.memory().operations().contains(&"remove"));
    heal(&database).await;
    assert_eq!(t.finished(id).await.error, None);
    assert!(t.server.memory().content(&path("/home/a")).is_none());
}

#[tokio::test]
async fn the_end_of_an_execution_is_noted_when_it_is_back() {
    let t = Fixture::new().await;
    let connection = t.connection(json!({})).await.id;
    let database = database(&t).await;
    refuse(&database, "UPDATE ON executions WHEN NEW.state = 'completed'").await;
    let config = json!({"connection_id": connection, "remote_path": "/home"});
    let id = t
        .start_job(json!({"name": "j", "steps": [{"step_type": "remote.list", "config": config}]}))
        .await;
    while t.executions().get(id).await.unwrap().steps[0].ended_at.is_none() {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    heal(&database).await;
    assert_eq!(t.finished(id).await.state, ExecutionState::Completed);
}
