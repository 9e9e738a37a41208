//! Cancel, pause, resume, shutdown and crash, in the middle of a transfer.

use std::time::Duration;

use courier_engine::{Environment, Error, executions::ExecutionState};
use courier_transfer::{Client, EntryKind, memory::Event};
use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    fake::Server,
    fixture::{Fixture, operator, path},
};

const SIZE: usize = 3_000_000;

/// A server with a big file that stops after two thirds of it.
fn hanging(server: &Server) {
    let content: Vec<u8> = (0..SIZE).map(|n| (n / 7) as u8).collect();
    server.memory().put(&path("/home/big"), content);
    server.memory().at_byte(2_000_000, Event::Hang);
}

fn download(connection: Uuid) -> Value {
    json!({"name": "big", "steps": [{"step_type": "remote.download", "config": {"connection_id": connection, "remote_path": "big"}}]})
}

async fn stuck(t: &Fixture) -> Uuid {
    hanging(&t.server);
    let connection = t.connection(json!({})).await.id;
    let id = t.start_job(download(connection)).await;
    t.wait_for_progress(id).await;
    id
}

#[tokio::test]
async fn cancel_ends_it_in_the_middle() {
    let t = Fixture::new().await;
    let id = stuck(&t).await;
    let started = std::time::Instant::now();
    let cancelled = t.executions().cancel(&operator(), id).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(cancelled.state, ExecutionState::Cancelled);
    assert_eq!(cancelled.steps[0].error.as_ref().unwrap().kind, "cancelled");
    assert_eq!(t.server.open_sessions(), 0);
    assert!(!t.dir.path().join("work").join(id.to_string()).exists());
    for error in [
        t.executions().cancel(&operator(), id).await,
        t.executions().pause(&operator(), id).await,
    ] {
        assert!(matches!(error.unwrap_err(), Error::Conflict(_)));
    }
}

#[tokio::test]
async fn a_paused_transfer_goes_on_where_it_was() {
    let t = Fixture::new().await;
    let id = stuck(&t).await;
    let paused = t.executions().pause(&operator(), id).await.unwrap();
    assert_eq!(paused.state, ExecutionState::Paused);
    assert_eq!(paused.steps[0].state.as_str(), "pending");
    assert_eq!(t.server.open_sessions(), 0);
    let state = &paused.context["1.transfer_state"];
    assert_eq!(state["completed"], json!(false));
    assert!(
        state["bytes_transferred"].as_u64().unwrap() > 1_000_000,
        "{state}"
    );
    assert!(paused.steps[0].bytes_transferred > 1_000_000);

    t.server.memory().heal();
    t.executions().resume(&operator(), id).await.unwrap();
    let done = t.finished(id).await;
    assert_eq!(done.error, None);
    assert!(done.context["1.transfer_state"]["resumed_from"].as_u64().unwrap() > 1_000_000);
    assert_eq!((done.steps[0].bytes_transferred, done.attempts), (SIZE as u64, 2));
    let moves = t.audit_of("download").await;
    assert_eq!(moves.len(), 2, "each attempt has its record");
    let bytes: u64 = moves.iter().filter_map(|record| record.bytes_transferred).sum();
    assert_eq!(bytes, SIZE as u64, "{moves:?}");
    assert!(matches!(
        t.executions().resume(&operator(), id).await.unwrap_err(),
        Error::Conflict(_)
    ));
}

#[tokio::test]
async fn a_source_that_is_deleted_already_is_not_missed() {
    let t = Fixture::new().await;
    t.server.memory().put(&path("/home/a"), "a");
    t.server.memory().hang("remove");
    let connection = t.connection(json!({})).await.id;
    let config = json!({"connection_id": connection, "remote_path": "a", "after": "delete"});
    let id = t
        .start_job(json!({"name": "j", "steps": [{"step_type": "remote.download", "config": config}]}))
        .await;
    while !t.server.memory().operations().contains(&"remove") {
        tokio::task::yield_now().await;
    }
    t.executions().pause(&operator(), id).await.unwrap();
    t.server.memory().heal();
    // The server did what it was asked, and only the answer was lost.
    t.server
        .memory()
        .connect()
        .remove(&path("/home/a"), EntryKind::File)
        .await
        .unwrap();
    t.executions().resume(&operator(), id).await.unwrap();
    let done = t.finished(id).await;
    assert_eq!(done.error, None);
    assert!(
        done.context["1.downloaded_file"]
            .as_str()
            .unwrap()
            .ends_with("/a")
    );
    assert_eq!(
        (
            done.steps[0].files_transferred,
            t.audit_of("download").await.len()
        ),
        (1, 1)
    );
}

/// A producer renames the next version onto the path while this one is on its way.
#[tokio::test]
async fn a_source_that_was_replaced_meanwhile_is_kept() {
    let t = Fixture::new().await;
    let connection = t.connection(json!({})).await.id;
    let (source, next) = (t.files().join("report"), t.files().join("next"));
    for (same_size, new) in [(false, vec![2u8; 10]), (true, vec![2u8; 200_000])] {
        std::fs::write(&source, vec![1u8; 200_000]).unwrap();
        std::fs::write(&next, &new).unwrap();
        let (from, to) = (next.clone(), source.clone());
        t.server.memory().at_byte(
            100_000,
            Event::Call(Box::new(move |_| std::fs::rename(&from, &to).unwrap())),
        );
        let config = json!({"connection_id": connection, "local_path": source, "remote_path": "up", "after": "delete"});
        let run = t
            .run_steps(json!([{"step_type": "remote.upload", "config": config}]))
            .await;
        assert_eq!(run.error, None);
        let state = &run.context["1.transfer_state"];
        assert!(
            state["warning"].as_str().unwrap().contains("replaced"),
            "{same_size}: {state}"
        );
        assert_eq!(
            t.server.memory().content(&path("/home/up")),
            Some(vec![1; 200_000])
        );
        assert_eq!(std::fs::read(&source).unwrap(), new);
    }
}

#[tokio::test]
async fn queued_ones_can_be_paused_and_cancelled() {
    let t = Fixture::new().await;
    hanging(&t.server);
    let connection = t.connection(json!({"max_sessions": 100})).await.id;
    let job = t
        .jobs()
        .create(&operator(), download(connection).as_object().cloned().unwrap())
        .await
        .unwrap();
    // Four run at once.
    let mut running = Vec::new();
    for _ in 0..4 {
        t.server.memory().at_byte(1, Event::Hang);
        let id = t.jobs().run(&operator(), job.id).await.unwrap().id;
        t.wait_for_state(id, ExecutionState::Running).await;
        running.push(id);
    }
    let fifth = t.jobs().run(&operator(), job.id).await.unwrap();
    assert_eq!(fifth.state, ExecutionState::Queued);
    assert_eq!(fifth.steps[0].state.as_str(), "pending");
    assert_eq!(
        t.executions().pause(&operator(), fifth.id).await.unwrap().state,
        ExecutionState::Paused
    );
    assert_eq!(
        t.executions().resume(&operator(), fifth.id).await.unwrap().state,
        ExecutionState::Queued
    );
    assert_eq!(
        t.executions().cancel(&operator(), fifth.id).await.unwrap().state,
        ExecutionState::Cancelled
    );
    assert!(matches!(
        t.jobs().delete(&operator(), job.id).await.unwrap_err(),
        Error::Conflict(_)
    ));
    for id in running {
        assert_eq!(
            t.executions().cancel(&operator(), id).await.unwrap().state,
            ExecutionState::Cancelled
        );
    }
}

#[tokio::test]
async fn a_shutdown_hands_back_what_runs() {
    let t = Fixture::new().await;
    let id = stuck(&t).await;
    t.engine.shutdown(Duration::from_secs(5)).await;
    let left = t.executions().get(id).await.unwrap();
    assert_eq!(left.state, ExecutionState::Queued);
    let why = left.history.last().unwrap().reason.as_deref().unwrap();
    assert!(why.ends_with("stops, and hands it back"), "{why}");
    assert_eq!(t.server.open_sessions(), 0);
    t.server.memory().heal();
    let Fixture { dir, server, .. } = t;
    let t = Fixture::start(dir, server, Environment::Development)
        .await
        .unwrap();
    let done = t.finished(id).await;
    assert_eq!((done.error, done.steps[0].bytes_transferred), (None, SIZE as u64));
}

/// Somebody cancels at the moment that the process stops: it is not gone on with afterwards.
#[tokio::test]
async fn a_cancel_outlives_a_shutdown() {
    let t = Fixture::new().await;
    let id = stuck(&t).await;
    // As another node writes it, so that this one knows only what it is told by the store.
    let url = format!("sqlite://{}", t.dir.path().join("courier.db").display());
    let other = Database::connect(url).await.unwrap();
    let wish = "UPDATE executions SET request = 'cancel' WHERE state = 'running'";
    assert_eq!(other.execute_unprepared(wish).await.unwrap().rows_affected(), 1);
    t.engine.shutdown(Duration::from_secs(5)).await;
    let stopped = t.executions().get(id).await.unwrap();
    assert_eq!(stopped.state, ExecutionState::Cancelled);
    assert!(!t.dir.path().join("work").join(id.to_string()).exists());
    let Fixture { dir, server, .. } = t;
    let t = Fixture::start(dir, server, Environment::Development)
        .await
        .unwrap();
    let now = t.executions().get(id).await.unwrap();
    assert_eq!((now.state, now.attempts), (ExecutionState::Cancelled, 1));
}

/// Many times, because each finds the execution at another point of its stop.
#[tokio::test]
async fn a_cancel_during_a_pause_is_no_pause() {
    let t = Fixture::new().await;
    let connection = t.connection(json!({"max_sessions": 100})).await.id;
    hanging(&t.server);
    let job = download(connection).as_object().cloned().unwrap();
    let job = t.jobs().create(&operator(), job).await.unwrap();
    for n in 0..15u64 {
        t.server.memory().at_byte(1, Event::Hang);
        let id = t.jobs().run(&operator(), job.id).await.unwrap().id;
        t.wait_for_state(id, ExecutionState::Running).await;
        let (actor, executions) = (operator(), t.executions());
        let late = async {
            tokio::time::sleep(Duration::from_micros(n * 300)).await;
            t.executions().cancel(&actor, id).await.unwrap()
        };
        let (_, cancelled) = tokio::join!(executions.pause(&actor, id), late);
        assert_eq!(cancelled.state, ExecutionState::Cancelled, "{n}");
    }
}

/// A resume that comes while the pause is under way takes it back.
#[tokio::test]
async fn a_resume_during_a_pause_goes_on() {
    let t = Fixture::new().await;
    let id = stuck(&t).await;
    let (actor, executions) = (operator(), t.executions());
    let resume = async {
        while let Err(error) = t.executions().resume(&actor, id).await {
            assert!(matches!(error, Error::Conflict(_)), "{error}");
            tokio::task::yield_now().await;
        }
        t.server.memory().heal();
    };
    let (_, ()) = tokio::join!(executions.pause(&actor, id), resume);
    let done = t.finished(id).await;
    assert_eq!((done.error, done.state), (None, ExecutionState::Completed));
}

#[test]
fn a_crash_loses_no_execution() {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let first = runtime();
    let (id, dir, server) = first.block_on(async {
        let t = Fixture::new().await;
        let id = stuck(&t).await;
        (id, t.dir.clone(), t.server.clone())
    });
    // Everything stops where it is, and nobody says goodbye.
    drop(first);
    server.memory().heal();
    runtime().block_on(async {
        let t = Fixture::start(dir, server, Environment::Development)
            .await
            .unwrap();
        let done = t.finished(id).await;
        assert_eq!(done.error, None);
        assert_eq!(done.attempts, 2);
        assert!(done.context["1.transfer_state"]["resumed_from"].as_u64().unwrap() > 1_000_000);
    });
}
