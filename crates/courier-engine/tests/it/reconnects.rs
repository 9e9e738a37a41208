//! Sessions that break, and what may come in their place.

use courier_transfer::{ErrorKind, memory::Event};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fixture::{Fixture, admin, path};

fn download(connection: Uuid, name: &str) -> Value {
    json!({"step_type": "remote.download", "config": {"connection_id": connection, "remote_path": name}})
}

/// The next byte beyond this one brings the session down, and meets a server that answers like that.
fn break_at(t: &Fixture, byte: u64, then: ErrorKind) {
    let server = t.server.clone();
    let event = Event::Call(Box::new(move |_| {
        server.down(Some(then));
        server.lose_sessions();
    }));
    t.server.memory().at_byte(byte, event);
}

#[tokio::test]
async fn a_login_that_is_rejected_on_a_reconnect_is_not_repeated() {
    let t = Fixture::new().await;
    let made = t.connection(json!({"transport_retries": 3})).await.id;
    t.server.memory().put(&path("/home/big"), vec![1u8; 1_000_000]);
    break_at(&t, 300_000, ErrorKind::Auth);
    let policy = json!({"type": "retry_step", "max_retries": 3, "backoff_base_sec": 1});
    let job = json!({"name": "big", "failure_policy": policy, "steps": [download(made, "big")]});
    let run = t.run_job(job).await;
    let error = run.error.unwrap();
    assert_eq!(error.kind, "auth", "{}", error.message);
    assert_eq!(run.steps[0].attempts, 1);
    assert_eq!(t.audit_of("auth_failed").await.len(), 1);
    let shown = t.connections().get(made).await.unwrap();
    assert_eq!(shown.health.as_str(), "requires_attention");
    assert_eq!(t.audit_of("disconnected").await.len(), 1);
}

#[tokio::test]
async fn the_error_names_what_was_lost() {
    let t = Fixture::new().await;
    let made = t
        .connection(json!({"name": "partner", "transport_retries": 1}))
        .await
        .id;
    t.server.memory().put(&path("/home/big"), vec![1u8; 1_000_000]);
    break_at(&t, 300_000, ErrorKind::Unreachable);
    let run = t.run_steps(json!([download(made, "big")])).await;
    let error = run.error.unwrap();
    assert_eq!(error.kind, "lost", "{}", error.message);
    for part in [
        "download",
        "arrived_bytes: ",
        "total_bytes: 1000000",
        "connection: partner",
        "does not let anybody in",
    ] {
        assert!(error.message.contains(part), "{part}: {}", error.message);
    }
}

/// What `transport_retries` rules is a step's own session; the next step may open one as the first did.
#[tokio::test]
async fn without_transport_retries_the_next_step_begins_anew() {
    let t = Fixture::new().await;
    let made = t.connection(json!({"transport_retries": 0})).await.id;
    let server = t.server.clone();
    t.server.memory().put(&path("/home/a"), vec![1u8; 1_000]);
    t.server.memory().put(&path("/home/b"), vec![1u8; 1_000]);
    t.server
        .memory()
        .at_byte(1_000, Event::Call(Box::new(move |_| server.lose_sessions())));
    let steps = json!([download(made, "a"), download(made, "b")]);
    let job = json!({"name": "two", "failure_policy": {"type": "skip_and_continue"}, "steps": steps});
    let run = t.run_job(job).await;
    assert_eq!(run.steps[1].state.as_str(), "completed");
    assert_eq!((t.server.sessions(), t.server.open_sessions()), (2, 0));
    assert_eq!(t.audit_of("disconnected").await.len(), 2);
}

#[tokio::test]
async fn what_a_setting_forbids_meanwhile_is_not_opened_again() {
    let t = Fixture::new().await;
    let insecure = json!({"host_key_policy": "always_trust", "transport_retries": 3});
    let made = t.connection(insecure).await.id;
    t.server.memory().put(&path("/home/big"), vec![1u8; 1_000_000]);
    break_at(&t, 300_000, ErrorKind::Unreachable);
    let job = json!({"name": "big", "steps": [download(made, "big")]});
    let execution = t.start_job(job).await;
    while t.audit_of("disconnected").await.is_empty() {
        tokio::task::yield_now().await;
    }
    t.settings()
        .set(&admin(), "security.fips_mode_enabled", json!(true))
        .await
        .unwrap();
    let sessions = t.server.sessions();
    // The server stays away: an attempt that was under way already must not get through to it.
    let error = t.finished(execution).await.error.unwrap();
    assert!(
        error
            .message
            .contains("always_trust is not allowed while FIPS mode is on"),
        "{}",
        error.message
    );
    assert!(
        !error.message.contains("could not be checked"),
        "{}",
        error.message
    );
    assert_eq!(t.server.sessions(), sessions);
    assert_eq!(t.audit_of("insecure_host_key_policy_used").await.len(), sessions);
}
