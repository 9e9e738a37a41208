//! The logs while a step waits: late, throttling, away, closed, and in other shapes.

use std::time::Duration;

use courier_azure::testkit::{Function, Mood, Part, Reply, Tables};
use courier_engine::{PageRequest, executions::ExecutionState};
use jiff::SignedDuration;
use serde_json::json;

use super::{Azure, error};
use crate::fixture::{admin, map, operator};

#[tokio::test]
async fn a_run_that_comes_late_is_found() {
    let a = Azure::new().await;
    a.cloud.put(Function::new("f"));
    a.cloud.hold_logs(true);
    let id = a.start("f", json!({})).await;
    // The first is the try before.
    a.until(|cloud| cloud.queries().len() == 2).await;
    a.cloud.hold_logs(false);
    assert_eq!(a.t.finished(id).await.error, None);
    assert_eq!((a.cloud.triggers().len(), a.cloud.queries().len()), (1, 3));
}

#[tokio::test]
async fn a_wait_that_goes_well_is_no_standstill() {
    let a = Azure::new().await;
    a.cloud.put(Function::new("f"));
    a.cloud.set_lag(Duration::from_millis(1_500));
    let mut step = a.step("f", json!({}));
    step["timeout_sec"] = json!(1);
    let done = a.t.run_job(json!({"name": "patient", "steps": [step]})).await;
    assert_eq!(done.error, None);
    // Where the logs are away, it is one.
    step["timeout_sec"] = json!(2);
    a.cloud.hold_logs(true);
    let id = a.t.start_job(json!({"name": "away", "steps": [step]})).await;
    a.until(|cloud| cloud.triggers().len() == 2).await;
    a.cloud.feel(Part::Workspace, Mood::Gone);
    let failed = a.t.finished(id).await;
    let (kind, words) = error(&failed);
    assert_eq!(kind, "timeout");
    assert!(
        words.contains("timeout_sec of 2 seconds") && words.contains("goes on in Azure"),
        "{words}"
    );
}

#[tokio::test]
async fn what_can_never_be_known_is_told_before_anything_is_triggered() {
    let a = Azure::new().await;
    a.cloud.put(Function::new("f"));
    let refused = async || {
        let failed = a.call("f", json!({})).await;
        assert_eq!(failed.state, ExecutionState::Failed);
        error(&failed)
    };
    a.cloud.set_tables(Tables::None);
    let (_, words) = refused().await;
    assert!(words.contains("AppRequests"), "{words}");
    a.cloud.set_tables(Tables::Workspace);
    a.cloud.deny_workspace(true);
    let (kind, words) = refused().await;
    assert_eq!(kind, "denied");
    assert!(words.contains("Log Analytics Reader"), "{words}");
    a.cloud.deny_workspace(false);
    a.cloud.feel(
        Part::Workspace,
        Mood::Odd(Reply::raw(200, "<html>Sign in</html>")),
    );
    let (kind, words) = refused().await;
    assert_eq!(kind, "protocol", "{words}");
    a.cloud.feel(Part::Workspace, Mood::Well);
    a.cloud.set_client_secret("another");
    let (kind, words) = refused().await;
    assert_eq!(kind, "auth");
    assert!(words.contains("client_secret"), "{words}");
    assert_eq!(a.health().await, "requires_attention");
    assert!(a.cloud.triggers().is_empty());
    assert!(a.t.audit_of("function_triggered").await.is_empty());
}

#[tokio::test]
async fn that_the_logs_are_away_just_now_is_no_reason_not_to_begin() {
    let a = Azure::new().await;
    a.cloud.put(Function::new("f"));
    a.cloud.feel(Part::Workspace, Mood::Gone);
    let id = a.start("f", json!({})).await;
    a.until(|cloud| !cloud.triggers().is_empty()).await;
    a.cloud.feel(Part::Workspace, Mood::Well);
    assert_eq!(a.t.finished(id).await.error, None);
    assert_eq!(a.cloud.triggers().len(), 1);
}

#[tokio::test]
async fn throttling_and_outages_only_make_it_longer() {
    let a = Azure::new().await;
    a.cloud.put(Function::new("f").takes(Duration::from_millis(300)));
    // Longer than an operation may take, so that it is nothing to wait for within one.
    let change = map(json!({"operation_timeout_sec": 1}));
    a.t.connections()
        .patch(&admin(), a.connection, change)
        .await
        .unwrap();
    let id = a.start("f", json!({})).await;
    a.until(|cloud| !cloud.triggers().is_empty()).await;
    let asked = a.cloud.requests(Part::Workspace);
    let throttling = Mood::Failing {
        times: 1,
        status: 429,
        retry_after: Some(2),
    };
    a.cloud.feel(Part::Workspace, throttling);
    a.until(|cloud| cloud.requests(Part::Workspace) > asked).await;
    let refused = std::time::Instant::now();
    let done = a.t.finished(id).await;
    assert!(
        refused.elapsed() > Duration::from_millis(1_900),
        "{:?}",
        refused.elapsed()
    );
    assert_eq!(done.error, None);
    assert_eq!(a.cloud.triggers().len(), 1);
    let history = a.t.executions().get(id).await.unwrap().history;
    let remarks = history.iter().filter_map(|at| at.reason.as_deref());
    assert!(
        remarks
            .into_iter()
            .any(|why| why.contains("goes on trying") && why.contains("throttling"))
    );
}

#[tokio::test]
async fn logs_that_are_closed_to_us_end_the_wait() {
    let a = Azure::new().await;
    a.cloud.put(Function::new("f"));
    a.cloud.hold_logs(true);
    let policy = json!({"type": "retry_step", "max_retries": 2, "backoff_base_sec": 0});
    let job = json!({"name": "j", "failure_policy": policy, "steps": [a.step("f", json!({}))]});
    let id = a.t.start_job(job).await;
    a.until(|cloud| !cloud.triggers().is_empty()).await;
    a.cloud.deny_workspace(true);
    let failed = a.t.finished(id).await;
    let (kind, words) = error(&failed);
    assert_eq!(kind, "function_outcome_unknown");
    let at = failed.context["1.triggered_at"].as_str().unwrap();
    for told in [
        "not known",
        at,
        "Log Analytics Reader",
        "before the job runs again",
    ] {
        assert!(words.contains(told), "{words}");
    }
    assert_eq!(
        (failed.steps[0].attempts, a.cloud.triggers().len()),
        (1, 1),
        "no policy tries it again"
    );
    assert!(failed.context.get("1.outcome").is_none());
}

#[tokio::test]
async fn a_wait_has_an_end() {
    let a = Azure::new().await;
    a.cloud.put(Function::new("f").unlogged());
    let failed = a.call("f", json!({"max_wait_sec": 2})).await;
    let (kind, words) = error(&failed);
    assert_eq!(kind, "function_outcome_unknown");
    assert!(words.contains("max_wait_sec of 2 seconds"), "{words}");
    assert_eq!(a.cloud.triggers().len(), 1);
    let page = PageRequest {
        limit: 5,
        cursor: None,
    };
    let traces = a.t.executions().traces(&operator(), failed.id, 1, page).await;
    let words = traces.unwrap_err().to_string();
    assert!(words.contains("was not found while it was waited for"), "{words}");
}

#[tokio::test]
async fn whoever_mends_the_connection_meanwhile_is_heard() {
    let a = Azure::new().await;
    a.cloud.put(Function::new("f").takes(Duration::from_millis(300)));
    let id = a.start("f", json!({})).await;
    a.until(|cloud| !cloud.triggers().is_empty()).await;
    let status = async |status: &str| {
        let change = map(json!({"status": status}));
        a.t.connections()
            .patch(&admin(), a.connection, change)
            .await
            .unwrap();
    };
    status("disabled").await;
    let asked = a.cloud.requests(Part::Workspace);
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    assert_eq!(a.cloud.requests(Part::Workspace), asked, "nobody asks by it");
    status("active").await;
    let done = a.t.finished(id).await;
    assert_eq!(done.error, None);
    assert_eq!(a.cloud.triggers().len(), 1);
}

#[tokio::test]
async fn tokens_are_renewed_while_it_waits() {
    let a = Azure::new().await;
    a.cloud.put(Function::new("f"));
    a.cloud.hold_logs(true);
    let id = a.start("f", json!({})).await;
    a.until(|cloud| !cloud.triggers().is_empty()).await;
    let (tokens, asked) = (a.cloud.requests(Part::Authority), a.cloud.queries().len());
    a.cloud.revoke_tokens();
    a.until(|cloud| cloud.queries().len() > asked).await;
    assert!(a.cloud.requests(Part::Authority) > tokens);
    a.cloud.hold_logs(false);
    assert_eq!(a.t.finished(id).await.error, None);
}

#[tokio::test]
async fn other_vocabularies_and_clocks_say_the_same() {
    let a = Azure::new().await;
    a.cloud.put(Function::new("f"));
    a.cloud.set_tables(Tables::Insights);
    assert_eq!(a.call("f", json!({})).await.error, None);
    a.cloud.set_open_telemetry(true);
    let done = a.call("f", json!({})).await;
    assert_eq!(done.error, None);
    assert!(done.context.get("1.invocation_id").is_none());
    assert_eq!(
        done.context["1.operation_id"],
        json!(a.cloud.triggers()[1].trace_id)
    );
    a.cloud.set_open_telemetry(false);
    a.cloud.keep_trace_ids(false);
    a.cloud.put(Function::new("g"));
    for (skew, is_lost) in [(90, false), (-90, false), (-90, true)] {
        a.cloud.set_skew(SignedDuration::from_secs(skew));
        if is_lost {
            a.cloud.feel(
                Part::App,
                Mood::Losing {
                    times: 1,
                    status: None,
                },
            );
        }
        let done = a.call("g", json!({})).await;
        assert_eq!(done.error, None, "{skew}");
        let last = a.cloud.triggers().pop().unwrap();
        assert_eq!(done.context["1.invocation_id"], json!(last.invocation_id));
    }
    // What is not all of it is believed when it stays so.
    a.cloud.set_skew(SignedDuration::ZERO);
    a.cloud.set_partial(true);
    assert_eq!(a.call("g", json!({})).await.error, None);
}
