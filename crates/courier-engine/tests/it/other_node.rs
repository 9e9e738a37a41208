//! Executions that are stopped from another node than the one that has them.

use std::time::{Duration, Instant};

use courier_engine::executions::ExecutionState;
use courier_transfer::memory::Event;
use serde_json::json;

use crate::{
    fake::Server,
    fixture::{admin, connection_input, map, operator, path},
    leases::{node, until},
    postgres,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_and_a_cancel_reach_the_node_that_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let url = tokio::task::spawn_blocking(postgres::new_database).await.unwrap();
    let server = Server::new("memory");
    server.memory().put(&path("/home/big"), vec![1u8; 3_000_000]);
    server.memory().at_byte(1_500_000, Event::Hang);
    let one = node("one", &url, folder.path(), &server).await;
    let connection = one
        .connections()
        .create(&admin(), connection_input())
        .await
        .unwrap();
    let step = json!({"step_type": "remote.download", "config": {"connection_id": connection.id, "remote_path": "big"}});
    let job = map(json!({"name": "j", "steps": [step]}));
    let job = one.jobs().create(&operator(), job).await.unwrap();
    let id = one.jobs().run(&operator(), job.id).await.unwrap().id;
    until(&one, id, |run| run.steps[0].bytes_transferred > 0).await;
    let two = node("two", &url, folder.path(), &server).await;

    let began = Instant::now();
    let paused = two.executions().pause(&operator(), id).await.unwrap();
    assert_eq!(paused.state, ExecutionState::Paused);
    assert!(
        began.elapsed() < Duration::from_millis(1_900),
        "{:?}",
        began.elapsed()
    );
    // One that hangs is closed beside it.
    let closed = async {
        while server.open_sessions() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(1), closed)
        .await
        .unwrap();

    // Whichever takes it now, the other one cancels it.
    server.memory().heal();
    server.memory().at_byte(1_000_000, Event::Hang);
    two.executions().resume(&operator(), id).await.unwrap();
    let running = until(&two, id, |run| {
        run.state == ExecutionState::Running && server.open_sessions() > 0
    })
    .await;
    let other = if running.node.as_deref() == Some("one") {
        &two
    } else {
        &one
    };
    let began = Instant::now();
    let cancelled = other.executions().cancel(&operator(), id).await.unwrap();
    assert_eq!(cancelled.state, ExecutionState::Cancelled);
    assert!(
        began.elapsed() < Duration::from_millis(1_900),
        "{:?}",
        began.elapsed()
    );
    for engine in [&one, &two] {
        engine.shutdown(Duration::from_secs(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_begins_anew_on_a_node_that_has_not_its_partial() {
    let folder = tempfile::tempdir().unwrap();
    let url = tokio::task::spawn_blocking(postgres::new_database).await.unwrap();
    let server = Server::new("memory");
    server.memory().put(&path("/home/big"), vec![1u8; 3_000_000]);
    server.memory().at_byte(1_500_000, Event::Hang);
    let one = node("one", &url, folder.path(), &server).await;
    let connection = one
        .connections()
        .create(&admin(), connection_input())
        .await
        .unwrap();
    let step = json!({"step_type": "remote.download", "config": {"connection_id": connection.id, "remote_path": "big"}});
    let job = map(json!({"name": "j", "steps": [step]}));
    let job = one.jobs().create(&operator(), job).await.unwrap();
    let id = one.jobs().run(&operator(), job.id).await.unwrap().id;
    until(&one, id, |run| run.steps[0].bytes_transferred > 0).await;
    one.shutdown(Duration::from_secs(5)).await;
    server.memory().heal();
    let two = node("two", &url, folder.path(), &server).await;
    let done = until(&two, id, |run| run.state.is_final()).await;
    assert_eq!(done.error, None);
    let state = &done.context["1.transfer_state"];
    assert_eq!(
        (&state["completed"], &state["total_bytes"]),
        (&json!(true), &json!(3_000_000))
    );
    assert_eq!(done.steps[0].bytes_transferred, 3_000_000);
    two.shutdown(Duration::from_secs(5)).await;
}
