//! Tests of connections to function apps: what each check finds, and what is written down about it.

use std::time::{Duration, Instant};

use courier_azure::testkit::{AzureCloud, CLIENT_SECRET, Function, MASTER_KEY, Mood, Part, Reply, Tables};
use courier_engine::{PageRequest, test_connection::TestReport};
use serde_json::{Map, Value, json};

use crate::{
    azure_functions::{Azure, error},
    cloud::{cloud, cloud_connection, cloud_input},
    fixture::{Fixture, admin, map, operator, viewer},
};

/// Those that succeeded, by name.
fn good(report: &TestReport) -> Vec<&'static str> {
    assert_eq!(report.checks.len(), 3, "{report:?}");
    let good = report.checks.iter().filter(|check| check.success);
    good.map(|check| check.name).collect()
}

/// The kind and the words of its error, which are those of a check that failed.
fn failure(report: &TestReport) -> (&str, &str) {
    let error = report.error.as_ref().unwrap();
    assert!(!report.success);
    let failed = report.checks.iter().find(|check| !check.success).unwrap();
    assert!(error.message.ends_with(&failed.message), "{error:?}");
    (&error.kind, &error.message)
}

/// What a test of such a connection finds that is not saved.
async fn tested(t: &Fixture, cloud: &AzureCloud, more: Value) -> TestReport {
    let mut input: Map<String, Value> = cloud_input(cloud, more);
    input.remove("name");
    t.connections().test_unsaved(&operator(), input).await.unwrap()
}

#[tokio::test]
async fn shows_the_app_the_token_and_the_workspace_and_calls_nothing() {
    let (t, cloud) = (Fixture::new().await, cloud());
    cloud.put(Function::new("Digest"));
    let made = cloud_connection(&t, &cloud, json!({})).await;
    let report = t.connections().test(&operator(), made.id).await.unwrap();
    assert!(report.success, "{report:?}");
    assert_eq!(good(&report), ["host", "token", "workspace"]);
    assert_eq!(report.error, None);
    assert_eq!(
        report.server_banner.as_deref(),
        Some("Azure Functions 4.25.2.2 (Running)")
    );
    assert!(report.latency_ms.is_some());
    assert_eq!(report.capabilities, None);
    assert!(cloud.triggers().is_empty());
    let shown = t.connections().get(made.id).await.unwrap();
    assert_eq!(json!(shown.health), "healthy");

    let [record] = &t.audit_of("test_connection").await[..] else {
        panic!()
    };
    assert_eq!(record.connection_id, Some(made.id));
    assert_eq!(record.details["success"], true);

    // An app may hide its state, and takes the key nevertheless.
    cloud.set_state(None);
    let report = t.connections().test(&operator(), made.id).await.unwrap();
    assert!(report.success, "{report:?}");
    assert_eq!(report.server_banner.as_deref(), Some("Azure Functions"));
}

#[tokio::test]
async fn each_check_is_made_whatever_the_others_say() {
    let (t, cloud) = (Fixture::new().await, cloud());

    let report = tested(&t, &cloud, json!({"password": "another key"})).await;
    assert_eq!(good(&report), ["token", "workspace"]);
    let (kind, words) = failure(&report);
    assert_eq!(kind, "auth");
    assert!(
        words.starts_with("host and key: ") && words.contains("master key"),
        "{words}"
    );

    let report = tested(&t, &cloud, json!({"client_secret": "another secret"})).await;
    assert_eq!(good(&report), ["host"]);
    let (kind, words) = failure(&report);
    assert_eq!(kind, "auth");
    assert!(
        words.starts_with("token: ") && words.contains("client_secret"),
        "{words}"
    );
    assert!(report.checks[2].message.contains("no token"), "{report:?}");
    assert!(report.server_banner.is_some());

    let report = tested(&t, &cloud, json!({"properties": {"tenant_id": "nobody"}})).await;
    assert_eq!(good(&report), ["host"]);
    let (_, words) = failure(&report);
    assert!(
        words.starts_with("token: ") && words.contains("tenant_id"),
        "{words}"
    );

    let report = tested(&t, &cloud, json!({"properties": {"client_id": "nobody"}})).await;
    assert_eq!(good(&report), ["host"]);
    assert!(failure(&report).1.contains("client_id"), "{report:?}");

    let report = tested(
        &t,
        &cloud,
        json!({"properties": {"workspace_id": "my-workspace"}}),
    )
    .await;
    assert_eq!(good(&report), ["host", "token"]);
    let (kind, words) = failure(&report);
    assert_eq!(kind, "failed", "nothing is missing that the caller named");
    assert!(
        words.starts_with("workspace: ") && words.contains("workspace_id"),
        "{words}"
    );

    let both = json!({"password": "another key", "properties": {"workspace_id": "my-workspace"}});
    let report = tested(&t, &cloud, both).await;
    assert_eq!(good(&report), ["token"]);
    assert!(failure(&report).1.starts_with("host and key: "), "the first one");

    cloud.deny_workspace(true);
    let report = tested(&t, &cloud, json!({})).await;
    let (kind, words) = failure(&report);
    assert_eq!(kind, "denied");
    assert!(words.contains("Log Analytics Reader"), "{words}");
    cloud.deny_workspace(false);

    cloud.set_tables(Tables::None);
    let report = tested(&t, &cloud, json!({})).await;
    assert_eq!(good(&report), ["host", "token"]);
    let (kind, words) = failure(&report);
    assert_eq!(kind, "unsupported");
    assert!(words.contains("AppRequests"), "{words}");
    assert!(cloud.triggers().is_empty());
}

#[tokio::test]
async fn says_what_answers_where_no_function_app_does() {
    let (t, cloud) = (Fixture::new().await, cloud());
    cloud.feel(Part::App, Mood::Odd(Reply::raw(200, "<html>Sign in</html>")));
    let report = tested(&t, &cloud, json!({})).await;
    assert_eq!(good(&report), ["token", "workspace"]);
    assert_eq!(failure(&report).0, "protocol", "{report:?}");
    cloud.feel(Part::App, Mood::Well);

    cloud.set_state(Some("Stopped"));
    let report = tested(&t, &cloud, json!({})).await;
    assert!(failure(&report).1.contains("Stopped"), "{report:?}");
    cloud.set_state(Some("Running"));

    // One port for all: each service is told that it is not the one that was expected.
    let wrong = json!({"port": cloud.logs_url().port()});
    let report = tested(&t, &cloud, wrong).await;
    assert_eq!(good(&report), ["token", "workspace"]);

    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let report = tested(
        &t,
        &cloud,
        json!({"port": closed.port(), "connect_timeout_sec": 1}),
    )
    .await;
    assert_eq!(good(&report), ["token", "workspace"]);
    assert_eq!(failure(&report).0, "unreachable", "{report:?}");

    cloud.feel(Part::Workspace, Mood::Silent);
    let report = tested(&t, &cloud, json!({"connect_timeout_sec": 1})).await;
    assert_eq!(good(&report), ["host", "token"]);
    assert_eq!(failure(&report).0, "timeout", "{report:?}");
}

#[tokio::test]
async fn a_secret_that_is_missing_is_not_asked_about() {
    let (t, cloud) = (Fixture::new().await, cloud());
    let made = cloud_connection(&t, &cloud, json!({"client_secret": null, "password": null})).await;
    let report = t.connections().test(&operator(), made.id).await.unwrap();
    assert_eq!(good(&report), Vec::<&str>::new());
    assert!(report.checks[0].message.contains("master key"), "{report:?}");
    assert!(report.checks[1].message.contains("client secret"), "{report:?}");
    for part in [Part::App, Part::Authority, Part::Workspace] {
        assert_eq!(cloud.requests(part), 0, "{part:?}");
    }
    assert_eq!(
        json!(t.connections().get(made.id).await.unwrap().health),
        "failing"
    );
    let report = tested(&t, &cloud, json!({"client_secret": null})).await;
    assert_eq!(good(&report), ["host"]);
}

#[tokio::test]
async fn a_disabled_connection_can_be_tested_and_its_health_follows_the_test() {
    let (t, cloud) = (Fixture::new().await, cloud());
    let made = cloud_connection(&t, &cloud, json!({"status": "disabled", "password": "old"})).await;
    let report = t.connections().test(&operator(), made.id).await.unwrap();
    assert!(!report.success);
    let shown = t.connections().get(made.id).await.unwrap();
    assert_eq!(json!(shown.health), "failing");
    assert!(shown.health_detail.unwrap().contains("host and key: "));
    let change = map(json!({"password": MASTER_KEY}));
    t.connections().patch(&operator(), made.id, change).await.unwrap();
    assert!(t.connections().test(&operator(), made.id).await.unwrap().success);
    assert_eq!(
        json!(t.connections().get(made.id).await.unwrap().health),
        "healthy"
    );
}

#[tokio::test]
async fn fips_mode_holds_and_its_override_is_recorded() {
    let (t, cloud) = (Fixture::new().await, cloud());
    t.settings()
        .set(&admin(), "security.fips_mode_enabled", json!(true))
        .await
        .unwrap();
    assert!(tested(&t, &cloud, json!({})).await.success);
    assert!(t.audit_of("fips_override_used").await.is_empty());
    let made = cloud_connection(&t, &cloud, json!({"fips_override": true})).await;
    assert!(t.connections().test(&operator(), made.id).await.unwrap().success);
    let [record] = &t.audit_of("fips_override_used").await[..] else {
        panic!()
    };
    assert_eq!(record.connection_id, Some(made.id));
}

#[tokio::test]
async fn each_execution_that_uses_an_exemption_is_recorded_also_where_they_share_it() {
    let a = Azure::new().await;
    a.cloud.put(Function::new("f"));
    a.t.settings()
        .set(&admin(), "security.fips_mode_enabled", json!(true))
        .await
        .unwrap();
    let exempt = map(json!({"fips_override": true}));
    a.t.connections()
        .patch(&admin(), a.connection, exempt)
        .await
        .unwrap();
    a.cloud.hold_logs(true);
    let one = a.start("f", json!({})).await;
    let other = a.start("f", json!({})).await;
    a.until(|cloud| cloud.triggers().len() == 2).await;
    a.cloud.hold_logs(false);
    for id in [one, other] {
        assert_eq!(a.t.finished(id).await.error, None);
        let records = a.t.audit_of("fips_override_used").await;
        assert!(
            records.iter().any(|record| record.job_execution_id == Some(id)),
            "{records:?}"
        );
    }
}

#[tokio::test]
async fn an_app_that_lets_nobody_connect_was_not_called() {
    let a = Azure::new().await;
    let short = map(json!({"operation_timeout_sec": 1, "connect_timeout_sec": 30}));
    a.t.connections()
        .patch(&admin(), a.connection, short)
        .await
        .unwrap();
    a.cloud.feel(Part::App, Mood::Silent);
    let failed = a.call("f", json!({"wait": false})).await;
    let (kind, words) = error(&failed);
    assert_eq!(kind, "unreachable", "{words}");
}

#[tokio::test]
async fn those_who_ask_for_traces_at_once_take_turns() {
    let a = Azure::new().await;
    a.cloud.put(Function::new("f").writes("begun", 1));
    let done = a.call("f", json!({})).await;
    let slow = Duration::from_millis(200);
    a.cloud.feel(Part::Workspace, Mood::Slow(slow));
    let began = Instant::now();
    let ask = async |_| {
        let page = PageRequest {
            limit: 50,
            cursor: None,
        };
        let traces = a.t.executions().traces(&viewer(), done.id, 1, page).await;
        traces.unwrap().page.items.len()
    };
    let lines = futures::future::join_all((0..9).map(ask)).await;
    assert_eq!(lines, [1; 9]);
    assert!(began.elapsed() >= slow * 3, "{:?}", began.elapsed());
}

#[tokio::test]
async fn no_secret_and_no_token_is_in_a_report_or_a_record() {
    let (t, cloud) = (Fixture::new().await, cloud());
    let made = cloud_connection(&t, &cloud, json!({})).await;
    let mut shown = Vec::new();
    shown.push(format!(
        "{:?}",
        t.connections().test(&operator(), made.id).await.unwrap()
    ));
    shown.push(format!("{:?}", tested(&t, &cloud, json!({})).await));
    cloud.set_master_key("other");
    cloud.set_client_secret("other");
    shown.push(format!(
        "{:?}",
        t.connections().test(&operator(), made.id).await.unwrap()
    ));
    shown.push(format!("{:?}", t.audit_of("test_connection").await));
    for text in shown {
        assert!(
            !text.contains(MASTER_KEY) && !text.contains(CLIENT_SECRET) && !text.contains("token-"),
            "{text}"
        );
    }
}
