//! One session for each connection and execution, and none left over.

use std::time::Duration;

use courier_engine::{Error, executions::ExecutionState};
use courier_transfer::{Entry, ErrorKind, memory::Event};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    fake::PASSWORD,
    fixture::{Fixture, admin, map, operator, path},
};

fn list(connection: Uuid) -> Value {
    json!({"step_type": "remote.list", "config": {"connection_id": connection, "remote_path": "/home"}})
}

#[tokio::test]
async fn two_servers_are_two_sessions() {
    let t = Fixture::new().await;
    let first = t.connection(json!({})).await.id;
    let second = t.connection(json!({"protocol": "sftp"})).await.id;
    let run = t
        .run_steps(json!([list(first), list(second), list(first), list(second)]))
        .await;
    assert_eq!(run.error, None);
    for server in [&t.server, &t.sftp] {
        assert_eq!((server.sessions(), server.open_sessions()), (1, 0));
    }
}

#[tokio::test]
async fn a_session_ends_with_a_failure_too() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await.id;
    t.server.memory().refuse("list", ErrorKind::Denied);
    let run = t.run_steps(json!([list(made)])).await;
    assert_eq!(run.error.unwrap().kind, "denied");
    assert_eq!((t.server.sessions(), t.server.open_sessions()), (1, 0));
    assert_eq!(t.audit_of("disconnected").await.len(), 1);
}

#[tokio::test]
async fn a_session_ends_with_a_panic_too() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await.id;
    t.server.memory().put(&path("/home/big"), vec![1u8; 200_000]);
    t.server
        .memory()
        .at_byte(100_000, Event::Call(Box::new(|_| panic!("a bug in a protocol"))));
    let run = t
        .run_steps(json!([{"step_type": "remote.download", "config": {"connection_id": made, "remote_path": "big"}}]))
        .await;
    assert_eq!(
        (run.state, run.error.unwrap().kind.as_str()),
        (ExecutionState::Failed, "internal")
    );
    assert_eq!((t.server.sessions(), t.server.open_sessions()), (1, 0));
    // The worker lives on.
    t.server.memory().heal();
    assert_eq!(t.run_steps(json!([list(made)])).await.error, None);
}

#[tokio::test]
async fn a_session_that_broke_between_steps_is_opened_again() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await.id;
    let server = t.server.clone();
    // The file's last byte brings the session down, as a server that idles out.
    t.server.memory().put(&path("/home/a"), vec![1u8; 70_000]);
    t.server
        .memory()
        .at_byte(70_000, Event::Call(Box::new(move |_| server.lose_sessions())));
    let run = t
        .run_steps(json!([
            {"step_type": "remote.download", "config": {"connection_id": made, "remote_path": "a"}},
            list(made),
        ]))
        .await;
    assert_eq!(run.error, None);
    assert_eq!((t.server.sessions(), t.server.open_sessions()), (2, 0));
}

#[tokio::test]
async fn a_transfer_goes_on_over_a_new_session() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await.id;
    let content: Vec<u8> = (0..1_500_000u32).map(|n| n as u8).collect();
    std::fs::write(t.files().join("big"), &content).unwrap();
    t.server.memory().at_byte(600_000, Event::Lose);
    t.server.memory().put(&path("/home/big"), content.clone());
    let run = t
        .run_steps(json!([
            {"step_type": "remote.download", "config": {"connection_id": made, "remote_path": "big"}},
        ]))
        .await;
    assert_eq!(run.error, None);
    assert_eq!(
        (t.server.sessions(), run.steps[0].attempts),
        (2, 1),
        "within the same step"
    );
    assert_eq!(run.steps[0].bytes_transferred, 1_500_000, "no byte twice");
    assert!(run.context["1.transfer_state"]["resumed_from"].as_u64().unwrap() > 500_000);

    t.server.memory().at_byte(600_000, Event::Lose);
    let config = json!({"connection_id": made, "local_path": t.files().join("big"), "remote_path": "up"});
    let run = t
        .run_steps(json!([{"step_type": "remote.upload", "config": config}]))
        .await;
    assert_eq!(run.error, None);
    assert_eq!(t.server.memory().content(&path("/home/up")), Some(content));
    assert!(!t.server.memory().paths().iter().any(|p| p.ends_with(".tmp")));
}

#[tokio::test]
async fn without_transport_retries_a_lost_session_fails_the_step() {
    let t = Fixture::new().await;
    let made = t.connection(json!({"transport_retries": 0})).await.id;
    t.server.memory().put(&path("/home/big"), vec![1u8; 200_000]);
    t.server.memory().at_byte(100_000, Event::Lose);
    let run = t
        .run_steps(json!([{"step_type": "remote.download", "config": {"connection_id": made, "remote_path": "big"}}]))
        .await;
    assert_eq!(run.error.unwrap().kind, "lost");
    assert_eq!((t.server.sessions(), t.server.open_sessions()), (1, 0));
}

/// Bytes that move again are no progress: a link that cuts each attempt short must not be tried for ever.
#[tokio::test]
async fn reconnects_run_out_when_each_begins_anew() {
    let t = Fixture::new().await;
    let made = t.connection(json!({"transport_retries": 1})).await.id;
    t.server.memory().put(&path("/home/big"), vec![1u8; 3_000_000]);
    // The second session gets less far than the first; the third would get further.
    for at in [1_000_000, 1_500_000, 4_000_000] {
        t.server.memory().at_byte(at, Event::Lose);
    }
    let config = json!({"connection_id": made, "remote_path": "big", "resume_partial": false});
    let run = t
        .run_steps(json!([{"step_type": "remote.download", "config": config}]))
        .await;
    assert_eq!(run.error.unwrap().kind, "lost");
    assert_eq!((t.server.sessions(), t.server.open_sessions()), (2, 0));

    // Where each gets further than the one before, they don't run out.
    t.server.memory().heal();
    for at in [1_000_000, 2_500_000, 4_500_000] {
        t.server.memory().at_byte(at, Event::Lose);
    }
    let run = t
        .run_steps(json!([{"step_type": "remote.download", "config": config}]))
        .await;
    assert_eq!((run.error, t.server.sessions()), (None, 6));
}

/// Both would write `target.tmp`: the second waits for the first, and replaces what it sent.
#[tokio::test]
async fn two_uploads_to_one_name_do_not_mix() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await.id;
    let upload = |name: &str, byte: u8| {
        std::fs::write(t.files().join(name), vec![byte; 3_000_000]).unwrap();
        let config =
            json!({"connection_id": made, "local_path": t.files().join(name), "remote_path": "target"});
        json!({"name": name, "steps": [{"step_type": "remote.upload", "config": config}]})
    };
    t.server.memory().at_byte(2_000_000, Event::Hang);
    let first = t.start_job(upload("first", 1)).await;
    t.wait_for_progress(first).await;
    let second = t.start_job(upload("second", 2)).await;
    t.wait_for_state(second, ExecutionState::Running).await;
    while t.server.sessions() < 2 {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let part = t.server.memory().content(&path("/home/target.tmp")).unwrap();
    assert!(part.iter().all(|byte| *byte == 1));
    t.executions().cancel(&operator(), first).await.unwrap();
    assert_eq!(t.finished(second).await.error, None);
    assert_eq!(
        t.server.memory().content(&path("/home/target")),
        Some(vec![2; 3_000_000])
    );
}

#[tokio::test]
async fn max_sessions_bounds_what_runs_at_once() {
    let t = Fixture::new().await;
    let made = t.connection(json!({"max_sessions": 1})).await.id;
    t.server.memory().put(&path("/home/big"), vec![1u8; 2_000_000]);
    t.server.memory().at_byte(1_500_000, Event::Hang);
    let job = json!({"name": "first", "steps": [{"step_type": "remote.download", "config": {"connection_id": made, "remote_path": "big"}}]});
    let first = t.start_job(job).await;
    t.wait_for_progress(first).await;
    let second = t
        .start_job(json!({"name": "second", "steps": [list(made)]}))
        .await;
    t.wait_for_state(second, ExecutionState::Running).await;
    assert_eq!(t.server.sessions(), 1);
    t.executions().cancel(&operator(), first).await.unwrap();
    assert_eq!(t.finished(second).await.error, None);
    assert_eq!(t.server.sessions(), 2);
}

/// A download that holds the connection's only session until it is cancelled.
async fn holding(t: &Fixture, connection: Uuid) -> Uuid {
    t.server.memory().put(&path("/home/big"), vec![1u8; 2_000_000]);
    t.server.memory().at_byte(1_500_000, Event::Hang);
    let download = json!({"step_type": "remote.download", "config": {"connection_id": connection, "remote_path": "big"}});
    let job = json!({"name": Uuid::now_v7(), "steps": [download]});
    let holding = t.start_job(job).await;
    t.wait_for_progress(holding).await;
    holding
}

fn browsing(t: &Fixture, id: Uuid) -> tokio::task::JoinHandle<Result<Vec<Entry>, Error>> {
    let engine = t.engine.clone();
    tokio::spawn(async move { engine.connections().browse(&operator(), id, None).await })
}

#[tokio::test]
async fn who_waited_for_a_session_uses_the_connection_as_it_is_then() {
    let t = Fixture::new().await;
    let made = t
        .connection(json!({"host": "evil.example", "max_sessions": 1}))
        .await
        .id;
    let first = holding(&t, made).await;
    let queued = browsing(&t, made);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let back = map(json!({"host": "partner.example", "password": "of the partner"}));
    t.connections().patch(&admin(), made, back).await.unwrap();
    t.executions().cancel(&operator(), first).await.unwrap();
    assert!(queued.await.unwrap().is_err());
    let sent = [("evil.example", PASSWORD), ("partner.example", "of the partner")];
    assert_eq!(
        t.server.passwords(),
        sent.map(|(host, password)| (host.to_owned(), password.to_owned()))
    );
}

#[tokio::test]
async fn one_of_many_that_wait_finds_out_that_the_password_is_wrong() {
    let t = Fixture::new().await;
    let made = t.connection(json!({"max_sessions": 1})).await.id;
    let first = holding(&t, made).await;
    let queued = [browsing(&t, made), browsing(&t, made), browsing(&t, made)];
    tokio::time::sleep(Duration::from_millis(50)).await;
    let wrong = map(json!({"password": "wrong"}));
    t.connections().patch(&operator(), made, wrong).await.unwrap();
    let logins = t.server.logins();
    t.executions().cancel(&operator(), first).await.unwrap();
    let mut kinds = Vec::new();
    for one in queued {
        kinds.push(one.await.unwrap().unwrap_err().kind());
    }
    kinds.sort();
    assert_eq!(kinds, ["auth", "connection_not_usable", "connection_not_usable"]);
    assert_eq!(t.server.logins(), logins + 1);
}

#[tokio::test]
async fn who_waits_for_a_session_holds_no_idle_one() {
    let t = Fixture::new().await;
    let busy = t
        .connection(json!({"max_sessions": 1, "connect_timeout_sec": 60}))
        .await
        .id;
    let idle = t
        .connection(json!({"protocol": "sftp", "max_sessions": 1}))
        .await
        .id;
    let first = holding(&t, busy).await;
    let both = json!({"name": "both", "steps": [list(idle), list(busy), list(idle)]});
    let second = t.start_job(both).await;
    t.wait_for_state(second, ExecutionState::Running).await;
    while t.sftp.sessions() == 0 {
        tokio::task::yield_now().await;
    }
    // Somebody else's turn comes while the job waits.
    browsing(&t, idle).await.unwrap().unwrap();
    assert_eq!((t.server.sessions(), t.sftp.sessions()), (1, 2));
    t.executions().cancel(&operator(), first).await.unwrap();
    assert_eq!(t.finished(second).await.error, None);
    assert_eq!((t.sftp.sessions(), t.sftp.open_sessions()), (3, 0));
}

#[tokio::test]
async fn a_person_waits_for_a_session_for_a_while_and_a_job_until_its_turn_comes() {
    let t = Fixture::new().await;
    let made = t
        .connection(json!({"max_sessions": 1, "connect_timeout_sec": 1}))
        .await
        .id;
    let first = holding(&t, made).await;
    // Its turn is nothing that it could get on with.
    let mut waiting = list(made);
    waiting["timeout_sec"] = json!(1);
    let second = t.start_job(json!({"name": "second", "steps": [waiting]})).await;
    t.wait_for_state(second, ExecutionState::Running).await;
    let error = browsing(&t, made).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), "timeout");
    assert!(
        error.to_string().contains("all 1 sessions of the connection"),
        "{error}"
    );
    // That says nothing of the server.
    let shown = t.connections().get(made).await.unwrap();
    assert_eq!(shown.health.as_str(), "healthy");
    // The job has waited for longer than that.
    t.executions().cancel(&operator(), first).await.unwrap();
    assert_eq!(t.finished(second).await.error, None);
}
