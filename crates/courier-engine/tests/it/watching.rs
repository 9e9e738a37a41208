//! Watching executions that run somewhere else, and whose node doesn't say a word.

use std::time::Duration;

use courier_engine::{ExecutionEvent, executions::ExecutionState};
use courier_transfer::memory::Event;
use sea_orm::ConnectionTrait;
use serde_json::json;

use crate::{
    database::database,
    fixture::{Fixture, operator, path},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_nobody_told_of_is_seen_however_much_is_said_of_others() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    t.server.memory().put(&path("/home/a"), "a");
    let step =
        json!({"step_type": "remote.download", "config": {"connection_id": made.id, "remote_path": "a"}});
    t.server.memory().at_byte(0, Event::Hang);
    let watched = t.start_job(json!({"name": "watched", "steps": [step]})).await;
    t.wait_for_state(watched, ExecutionState::Running).await;
    t.executions().pause(&operator(), watched).await.unwrap();
    t.server.memory().heal();

    let mut events = t.executions().subscribe(watched).await.unwrap();
    let first = events.next().await.unwrap();
    assert!(
        matches!(
            first,
            ExecutionEvent::State {
                state: ExecutionState::Paused,
                ..
            }
        ),
        "{first:?}"
    );
    let database = database(&t).await;
    let cancel = "UPDATE executions SET state = 'cancelled' WHERE state = 'paused'";
    database.execute_unprepared(cancel).await.unwrap();
    let others = async {
        loop {
            t.run_steps(json!([step])).await;
        }
    };
    let heard = tokio::time::timeout(Duration::from_secs(10), events.next());
    let heard = tokio::select! {
        heard = heard => heard.unwrap().unwrap(),
        () = others => unreachable!(),
    };
    assert!(
        matches!(
            heard,
            ExecutionEvent::State {
                state: ExecutionState::Cancelled,
                ..
            }
        ),
        "{heard:?}"
    );
    assert!(events.next().await.is_none());
}
