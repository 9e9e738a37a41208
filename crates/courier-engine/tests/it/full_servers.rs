//! Jobs that wait: for a session of a connection, for a place on its server, and for the server itself.

use std::time::{Duration, Instant};

use courier_engine::executions::ExecutionState;
use courier_transfer::{ErrorKind, memory::Event};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fixture::{Fixture, operator, path};

/// How soon an execution stops that is told to, whatever it waits for.
const SOON: Duration = Duration::from_secs(2);

fn list(connection: Uuid) -> Value {
    json!({"name": Uuid::now_v7(), "steps": [
        {"step_type": "remote.list", "config": {"connection_id": connection, "remote_path": "/home"}},
    ]})
}

/// A download that stops in the middle, and holds its session until it is cancelled.
async fn holding(t: &Fixture, connection: Uuid) -> Uuid {
    t.server.memory().put(&path("/home/big"), vec![1u8; 2_000_000]);
    t.server.memory().at_byte(1_500_000, Event::Hang);
    let config = json!({"connection_id": connection, "remote_path": "big"});
    let step = json!({"step_type": "remote.download", "config": config});
    let holding = t
        .start_job(json!({"name": Uuid::now_v7(), "steps": [step]}))
        .await;
    t.wait_for_progress(holding).await;
    holding
}

async fn until(mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(10), "nothing happened");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Pauses an execution that waits, lets it wait again, and cancels it.
async fn stops_soon(t: &Fixture, execution: Uuid, mut waits: impl AsyncFnMut()) {
    waits().await;
    let began = Instant::now();
    let paused = t.executions().pause(&operator(), execution).await.unwrap();
    assert_eq!(paused.state, ExecutionState::Paused);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    t.executions().resume(&operator(), execution).await.unwrap();
    waits().await;
    let began = Instant::now();
    let cancelled = t.executions().cancel(&operator(), execution).await.unwrap();
    assert_eq!(cancelled.state, ExecutionState::Cancelled);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_job_waits_for_a_place_that_the_server_has_for_it() {
    let t = Fixture::new().await;
    let made = t.connection(json!({"max_sessions": 5})).await.id;
    t.server.places(1);
    let first = holding(&t, made).await;
    let second = t.start_job(list(made)).await;
    // Again and again, for as long as it takes.
    until(|| t.server.refusals() >= 3).await;
    let waiting = t.executions().get(second).await.unwrap();
    assert_eq!(
        (waiting.state, waiting.error),
        (ExecutionState::Running, None),
        "it is no failure"
    );
    let shown = t.connections().get(made).await.unwrap();
    assert_eq!(shown.health.as_str(), "healthy");
    let freed = Instant::now();
    t.executions().cancel(&operator(), first).await.unwrap();
    assert_eq!(t.finished(second).await.error, None);
    assert!(freed.elapsed() < Duration::from_secs(1), "it is told at once");
    assert_eq!((t.server.sessions(), t.server.open_sessions()), (2, 0));
}

#[tokio::test]
async fn a_server_that_hangs_up_may_have_too_many_where_it_has_one_of_ours() {
    let t = Fixture::new().await;
    let made = t.connection(json!({"max_sessions": 5})).await.id;
    t.server.down(Some(ErrorKind::Lost));
    let alone = t.run_job(list(made)).await;
    assert_eq!(alone.error.unwrap().kind, "lost");
    t.server.down(None);
    let first = holding(&t, made).await;
    t.server.down(Some(ErrorKind::Lost));
    let before = t.server.refusals();
    let second = t.start_job(list(made)).await;
    until(|| t.server.refusals() >= before + 2).await;
    t.server.down(None);
    assert_eq!(t.finished(second).await.error, None);
    t.executions().cancel(&operator(), first).await.unwrap();
}

#[tokio::test]
async fn a_person_is_told_at_once_that_the_server_is_full() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await.id;
    t.server.places(0);
    let error = t.connections().browse(&operator(), made, None).await.unwrap_err();
    assert_eq!((error.kind(), t.server.refusals()), ("busy", 1));
}

#[tokio::test]
async fn a_wait_for_a_place_ends_soon() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await.id;
    t.server.places(0);
    let execution = t.start_job(list(made)).await;
    let waits = async || {
        let before = t.server.refusals();
        until(|| t.server.refusals() > before).await;
    };
    stops_soon(&t, execution, waits).await;
}

#[tokio::test]
async fn a_wait_for_a_session_ends_soon() {
    let t = Fixture::new().await;
    let made = t.connection(json!({"max_sessions": 1})).await.id;
    let first = holding(&t, made).await;
    let execution = t.start_job(list(made)).await;
    let waits = async || {
        t.wait_for_state(execution, ExecutionState::Running).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    stops_soon(&t, execution, waits).await;
    assert_eq!(t.server.sessions(), 1);
    t.executions().cancel(&operator(), first).await.unwrap();
}

#[tokio::test]
async fn a_login_ends_soon() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await.id;
    let stop = t.server.stop_before_login();
    let execution = t.start_job(list(made)).await;
    let next = std::cell::RefCell::new(stop);
    let waits = async || {
        let stop = next.borrow().clone();
        stop.wait().await;
        // For the one after the pause.
        *next.borrow_mut() = t.server.stop_before_login();
    };
    stops_soon(&t, execution, waits).await;
    assert_eq!((t.server.logins(), t.server.sessions()), (0, 0));
}
