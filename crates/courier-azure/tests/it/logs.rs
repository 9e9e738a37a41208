use std::time::Duration;

use courier_azure::testkit::{
    Authority, AzureCloud, CLIENT_SECRET, Function, Mood, Part, Reply, Tables, WORKSPACE_ID,
};
use courier_azure::{ErrorKind, FunctionName, Run, RunId, Tokens, Workspace};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::functions::{at_once, limits, soon};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn name() -> FunctionName {
    FunctionName::new("Nightly").unwrap()
}

/// A cloud in which a function ran once, for its caller.
async fn after_a_run(function: Function) -> (AzureCloud, Workspace) {
    let cloud = AzureCloud::start();
    cloud.put(function);
    let app = cloud.app(limits());
    app.trigger(&name(), None, TRACE, soon()).await.unwrap();
    let workspace = cloud.workspace(limits());
    (cloud, workspace)
}

async fn runs(workspace: &Workspace) -> Vec<Run> {
    let since = Timestamp::now() - SignedDuration::from_mins(1);
    workspace.runs(&name(), since, soon()).await.unwrap().rows
}

#[tokio::test]
async fn a_run_is_found_in_both_vocabularies() {
    let function = Function::new("NIGHTLY").fails("500");
    let (cloud, workspace) = after_a_run(function).await;
    let invocation = &cloud.triggers()[0].invocation_id;
    for tables in [Tables::Workspace, Tables::Insights] {
        cloud.set_tables(tables);
        workspace.check(soon()).await.unwrap();
        let runs = runs(&workspace).await;
        assert_eq!(runs.len(), 1, "{tables:?}");
        let run = &runs[0];
        assert_eq!(
            (&*run.name, run.success, &*run.result_code),
            ("NIGHTLY", false, "500")
        );
        assert_eq!(run.operation_id.as_deref(), Some(TRACE));
        assert_eq!(
            (run.invocation_id.as_ref(), run.key()),
            (Some(invocation), &**invocation)
        );
    }
    // All with one token.
    assert_eq!((cloud.requests(Part::Authority), cloud.queries().len()), (1, 4));
}

#[tokio::test]
async fn runs_come_in_the_order_of_their_start_from_a_moment_on() {
    let (cloud, workspace) = after_a_run(Function::new("Nightly")).await;
    cloud.put(Function::new("Nightly-2"));
    cloud.run_by_others("Nightly-2");
    let others = cloud.run_by_others("nightly");
    let found = runs(&workspace).await;
    let keys: Vec<&str> = found.iter().map(Run::key).collect();
    assert_eq!(keys, [&cloud.triggers()[0].invocation_id, &others]);

    let later = Timestamp::now() + SignedDuration::from_secs(1);
    assert!(
        workspace
            .runs(&name(), later, soon())
            .await
            .unwrap()
            .rows
            .is_empty()
    );
    let (_cloud, unlogged) = after_a_run(Function::new("Nightly").unlogged()).await;
    assert!(runs(&unlogged).await.is_empty());
}

#[tokio::test]
async fn a_run_is_known_when_it_has_ended_and_the_logs_let_go() {
    let (cloud, workspace) = after_a_run(Function::new("Nightly").takes(Duration::from_secs(3600))).await;
    assert!(runs(&workspace).await.is_empty());
    cloud.put(Function::new("Nightly"));
    cloud.hold_logs(true);
    cloud.run_by_others("Nightly");
    assert!(runs(&workspace).await.is_empty());
    cloud.hold_logs(false);
    assert_eq!(runs(&workspace).await.len(), 1);
    cloud.set_lag(Duration::from_secs(3600));
    assert!(runs(&workspace).await.is_empty());
}

#[tokio::test]
async fn what_a_run_wrote_comes_in_pages() {
    let function = (0..25).fold(Function::new("Nightly"), |function, line| {
        function.writes(&format!("line {line:02}"), line % 5)
    });
    let (cloud, workspace) = after_a_run(function).await;
    cloud.run_by_others("Nightly");
    for (tables, open_telemetry) in [
        (Tables::Workspace, false),
        (Tables::Insights, false),
        (Tables::Workspace, true),
    ] {
        cloud.set_tables(tables);
        cloud.set_open_telemetry(open_telemetry);
        let run = runs(&workspace).await.remove(0);
        assert_eq!(run.invocation_id.is_none(), open_telemetry);
        let by = run.traces_by().unwrap();
        let mut lines = Vec::new();
        for page in 0..4 {
            let found = workspace.traces(&by, page * 10, 10, soon()).await.unwrap();
            assert!(!found.partial);
            lines.extend(found.rows);
        }
        let expected: Vec<_> = (0..25)
            .map(|line| (format!("line {line:02}"), Some(line % 5)))
            .collect();
        let lines: Vec<_> = lines
            .into_iter()
            .map(|line| (line.message, line.severity_level))
            .collect();
        assert_eq!(lines, expected);
    }
    let error = workspace
        .traces(&RunId::Operation("' or 1 == 1".into()), 0, 10, soon())
        .await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_once() {
    let (cloud, workspace) = after_a_run(Function::new("Nightly")).await;
    assert_eq!(runs(&workspace).await.len(), 1);
    cloud.revoke_tokens();
    assert_eq!(runs(&workspace).await.len(), 1);
    assert_eq!(cloud.requests(Part::Authority), 2);

    let refusing = Reply::error(
        401,
        "InvalidTokenError",
        "The provided authentication is not valid",
    );
    cloud.feel(Part::Workspace, Mood::Odd(refusing));
    let asked = cloud.requests(Part::Workspace);
    let error = workspace.check(soon()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.message().contains("`authority_host`"), "{error}");
    assert_eq!(
        (cloud.requests(Part::Workspace), cloud.requests(Part::Authority)),
        (asked + 2, 3)
    );
}

#[tokio::test]
async fn no_token_no_question() {
    let (cloud, workspace) = after_a_run(Function::new("Nightly")).await;
    cloud.set_client_secret("another");
    for error in [
        workspace.token(soon()).await.unwrap_err(),
        workspace.check(soon()).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert!(error.message().contains("client_secret"), "{error}");
        assert!(!format!("{error:?} {workspace:?}").contains(CLIENT_SECRET));
    }
    assert_eq!(cloud.requests(Part::Workspace), 0);
    cloud.set_client_secret(CLIENT_SECRET);
    workspace.token(soon()).await.unwrap();
    assert_eq!(cloud.requests(Part::Workspace), 0);
}

#[tokio::test]
async fn each_refusal_has_its_own_words() {
    let (cloud, workspace) = after_a_run(Function::new("Nightly")).await;
    let denied = |denied| cloud.deny_workspace(denied);
    denied(true);
    let error = workspace.check(soon()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.message().contains("Log Analytics Reader"), "{error}");
    denied(false);

    cloud.set_tables(Tables::None);
    for error in [
        workspace.check(soon()).await.unwrap_err(),
        workspace
            .runs(&name(), Timestamp::now(), soon())
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NoTable);
        assert!(error.message().contains("AppRequests"), "{error}");
    }

    let identity = Authority::by_secret(&cloud.authority_url());
    let tokens = Tokens::new(identity, cloud.http(limits())).unwrap();
    let other = Workspace::new(
        cloud.logs_url(),
        "my-workspace",
        tokens.into(),
        cloud.http(limits()),
    )
    .unwrap();
    let error = other.check(soon()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error.message().contains("my-workspace") && error.message().contains("not its name"),
        "{error}"
    );

    for (status, kind) in [
        (429, ErrorKind::Busy),
        (503, ErrorKind::Failed),
        (504, ErrorKind::Timeout),
        (301, ErrorKind::Protocol),
    ] {
        cloud.feel(
            Part::Workspace,
            Mood::Failing {
                times: 9,
                status,
                retry_after: Some(60),
            },
        );
        let error = workspace.check(soon()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.retry_after()),
            (kind, Some(Duration::from_secs(60))),
            "{error}"
        );
    }
    for body in ["<html>", "{}"] {
        cloud.feel(Part::Workspace, Mood::Odd(Reply::raw(200, body)));
        let error = workspace.check(soon()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{body}: {error}");
    }
    for nothing in [
        "{\"tables\":[]}",
        "{\"tables\":[{\"name\":\"PrimaryResult\",\"columns\":[],\"rows\":[]}]}",
    ] {
        cloud.feel(Part::Workspace, Mood::Odd(Reply::raw(200, nothing)));
        workspace.check(soon()).await.unwrap();
        let found = workspace.runs(&name(), Timestamp::now(), soon()).await.unwrap();
        assert!(found.rows.is_empty(), "{nothing}");
    }
}

#[tokio::test]
async fn pages_are_cut_where_the_service_does_not() {
    let (cloud, workspace) = after_a_run(Function::new("Nightly")).await;
    let rows: Vec<_> = (0..7)
        .map(|n| json!(["2026-11-22T20:17:01Z", format!("line {n}"), 1]))
        .collect();
    let columns = ["timestamp", "message", "severity_level"].map(|name| json!({ "name": name }));
    let all = json!({ "tables": [{ "name": "PrimaryResult", "columns": columns, "rows": rows }] });
    cloud.feel(Part::Workspace, Mood::Odd(Reply::new(200, all)));
    for (skip, shown) in [
        (0, "line 0 line 1 line 2"),
        (3, "line 3 line 4 line 5"),
        (6, "line 6"),
    ] {
        let run = RunId::Invocation("x".into());
        let found = workspace.traces(&run, skip, 3, soon()).await.unwrap();
        let lines: Vec<_> = found.rows.into_iter().map(|trace| trace.message).collect();
        assert_eq!(lines.join(" "), shown);
    }
    cloud.feel(Part::Workspace, Mood::Well);
    cloud.set_tables(Tables::None);
    let run = RunId::Invocation("x".into());
    let error = workspace.traces(&run, 0, 3, soon()).await.unwrap_err();
    assert!(error.message().contains("AppTraces"), "{error}");
}

#[tokio::test]
async fn throttling_and_outages_pass() {
    let (cloud, workspace) = after_a_run(Function::new("Nightly")).await;
    cloud.feel(
        Part::Workspace,
        Mood::Failing {
            times: 1,
            status: 429,
            retry_after: Some(0),
        },
    );
    assert_eq!(runs(&workspace).await.len(), 1);
    cloud.feel(
        Part::Workspace,
        Mood::Losing {
            times: 1,
            status: None,
        },
    );
    assert_eq!(runs(&workspace).await.len(), 1);
    cloud.feel(Part::Workspace, Mood::Gone);
    let error = workspace.check(at_once()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    cloud.feel(Part::Workspace, Mood::Well);
    cloud.set_partial(true);
    let found = workspace
        .runs(&name(), Timestamp::UNIX_EPOCH, soon())
        .await
        .unwrap();
    assert!(found.partial && found.rows.len() == 1);
}

#[tokio::test]
async fn endpoints_with_and_without_a_version() {
    let cloud = AzureCloud::start();
    let identity = Authority::by_secret(&cloud.authority_url());
    let tokens = std::sync::Arc::new(Tokens::new(identity, cloud.http(limits())).unwrap());
    let new = |url: &str| {
        Workspace::new(
            url.parse().unwrap(),
            WORKSPACE_ID,
            tokens.clone(),
            cloud.http(limits()),
        )
    };
    for path in ["", "/", "/v1", "/v1/"] {
        let url = format!("{}{path}", cloud.logs_url().as_str().trim_end_matches('/'));
        new(&url).unwrap().check(soon()).await.unwrap();
    }
    for url in ["http://x", "https://x/v2", "https://x/v1/workspaces"] {
        assert_eq!(new(url).unwrap_err().kind(), ErrorKind::Invalid, "{url}");
    }
}
