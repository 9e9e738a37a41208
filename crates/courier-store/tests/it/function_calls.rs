//! Calls of functions: each made once, and no run two calls' own.

use courier_store::{
    Error, Store,
    audit::NewAudit,
    executions::{Claim, ExecutionState, StepState},
    function_calls::{CallAnswer, CallState, FunctionCall, FunctionRun, NewCall},
    new_id, now,
};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{
    database::{DIFFICULT, Database},
    executions::{claim_next, enqueue, life},
    on_both,
    records::recorded,
};

on_both!(
    a_call_is_noted_before_it_is_made,
    a_step_has_no_two_open_calls,
    whoever_lost_the_execution_writes_nothing,
    an_answer_is_noted_also_when_the_execution_has_stopped,
    a_run_is_one_calls_own,
    a_call_knows_whether_its_step_was_tried_again,
    rivals_are_those_that_wait_and_those_that_have,
    the_last_run_tells_whether_traces_are_taken_over,
);

const APP: &str = "billing.azurewebsites.net:443";

fn call(step: u32, function: &str, at: Timestamp) -> NewCall {
    NewCall {
        step,
        connection_id: new_id(),
        app: APP.into(),
        workspace: "w".into(),
        function: function.into(),
        trace_id: Uuid::new_v4().simple().to_string(),
        triggered_at: at,
        not_before: at - SignedDuration::from_secs(2),
    }
}

fn run(id: &str, success: bool) -> FunctionRun {
    FunctionRun {
        id: id.into(),
        invocation_id: Some(id.into()),
        operation_id: None,
        started_at: now(),
        success,
        result_code: DIFFICULT.into(),
        duration_ms: 12,
    }
}

fn record(what: &str) -> NewAudit {
    NewAudit::new(what, "me")
}

/// An execution that runs.
async fn running(store: &Store) -> Claim {
    enqueue(store, new_id(), "j").await;
    let life = life(store, &new_id().to_string()).await;
    claim_next(store, &life).await.unwrap().claim()
}

/// A function that an execution called, and whose run is found.
pub(crate) async fn called(store: &Store, claim: Claim) {
    let call = accepted(store, claim, call(1, DIFFICULT, now())).await;
    let (found, record) = (run(&call.trace_id, true), record("function_completed"));
    let calls = store.function_calls();
    assert!(calls.claim_run(claim, call.id, &found, record).await.unwrap());
}

/// One whose run will come.
pub(crate) async fn waiting(store: &Store, claim: Claim) -> Uuid {
    accepted(store, claim, call(1, "f", now())).await.id
}

/// A call that the function app has taken.
async fn accepted(store: &Store, claim: Claim, new: NewCall) -> FunctionCall {
    let calls = store.function_calls();
    let not_before = new.not_before;
    let begun = calls.begin(claim, new).await.unwrap();
    let answer = CallAnswer::Accepted {
        not_before,
        awaited: true,
    };
    let record = record("function_triggered");
    calls.answered(claim, begun.id, answer, record).await.unwrap()
}

async fn a_call_is_noted_before_it_is_made(db: Database) {
    let (claim, calls) = (running(&db).await, db.function_calls());
    assert_eq!(calls.latest(claim.execution, 1).await.unwrap(), None);
    let at = now();
    let begun = calls.begin(claim, call(1, "Invoice", at)).await.unwrap();
    assert_eq!((begun.state, begun.triggered_at), (CallState::Calling, at));
    assert!(begun.is_of_this_try);
    let latest = calls.latest(claim.execution, 1).await.unwrap();
    assert_eq!(latest.as_ref(), Some(&begun));
    // Whoever didn't hear that it is noted notes it again.
    let same = NewCall {
        trace_id: begun.trace_id.clone(),
        ..call(1, "Invoice", now())
    };
    assert_eq!(calls.begin(claim, same).await.unwrap(), begun);
    let answer = CallAnswer::Accepted {
        not_before: at,
        awaited: false,
    };
    let triggered = || record("function_triggered");
    let taken = calls
        .answered(claim, begun.id, answer, triggered())
        .await
        .unwrap();
    assert_eq!((taken.state, taken.not_before), (CallState::Accepted, at));
    assert!(taken.ended_at.is_some(), "nobody waits for it");
    let twice = calls
        .answered(claim, begun.id, CallAnswer::Unclear, triggered())
        .await;
    assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");
    assert_eq!(recorded(&db).await, ["job_run", "function_triggered"]);
    let none = calls.begin(claim, call(9, "Invoice", at)).await;
    assert!(matches!(none, Err(Error::NotFound { .. })), "{none:?}");
}

async fn a_step_has_no_two_open_calls(db: Database) {
    let (claim, calls) = (running(&db).await, db.function_calls());
    let begun = calls.begin(claim, call(1, "f", now())).await.unwrap();
    let again = async |allowed: bool| {
        let again = calls.begin(claim, call(1, "f", now())).await;
        match (allowed, again) {
            (true, Ok(call)) => Some(call),
            (false, Err(Error::Conflict(why))) if why.contains("triggered already") => None,
            (_, other) => panic!("{other:?}"),
        }
    };
    again(false).await;
    let record = || record("function_triggered");
    calls
        .answered(claim, begun.id, CallAnswer::Unclear, record())
        .await
        .unwrap();
    again(false).await;
    let found = run("r", false);
    assert!(calls.claim_run(claim, begun.id, &found, record()).await.unwrap());
    let next = again(true).await.unwrap();
    calls
        .answered(claim, next.id, CallAnswer::Refused, record())
        .await
        .unwrap();
    let last = again(true).await;
    assert_eq!(calls.latest(claim.execution, 1).await.unwrap(), last);
    calls.begin(claim, call(2, "f", now())).await.unwrap();
}

async fn whoever_lost_the_execution_writes_nothing(db: Database) {
    let (claim, calls) = (running(&db).await, db.function_calls());
    let begun = calls.begin(claim, call(1, "f", now())).await.unwrap();
    let lost = Claim {
        attempt: claim.attempt + 1,
        ..claim
    };
    let refused = [
        calls.begin(lost, call(2, "f", now())).await.map(|_| ()),
        calls
            .answered(lost, begun.id, CallAnswer::Unclear, record("x"))
            .await
            .map(|_| ()),
        calls
            .claim_run(lost, begun.id, &run("r", true), record("x"))
            .await
            .map(|_| ()),
    ];
    for refused in refused {
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    }
    assert_eq!(recorded(&db).await, ["job_run"]);
    let other = running(&db).await;
    let foreign = calls
        .claim_run(other, begun.id, &run("r", true), record("x"))
        .await;
    assert!(matches!(foreign, Err(Error::Conflict(_))), "{foreign:?}");
}

async fn an_answer_is_noted_also_when_the_execution_has_stopped(db: Database) {
    let (calls, executions) = (db.function_calls(), db.executions());
    for (to, taken_again) in [
        (ExecutionState::Cancelled, false),
        (ExecutionState::Queued, false),
        (ExecutionState::Queued, true),
    ] {
        let claim = running(&db).await;
        let begun = calls.begin(claim, call(1, "f", now())).await.unwrap();
        executions.release(claim, to, None, None).await.unwrap();
        if taken_again {
            let life = life(&db, &new_id().to_string()).await;
            executions.claim(claim.execution, &life).await.unwrap().unwrap();
        }
        let answer = CallAnswer::Accepted {
            not_before: now(),
            awaited: true,
        };
        let noted = calls.answered(claim, begun.id, answer, record("x")).await;
        match taken_again {
            false => assert_eq!(noted.unwrap().state, CallState::Accepted),
            true => assert!(matches!(noted, Err(Error::Conflict(_))), "{noted:?}"),
        }
        let found = calls
            .claim_run(claim, begun.id, &run("r", true), record("x"))
            .await;
        assert!(matches!(found, Err(Error::Conflict(_))), "{found:?}");
        if to == ExecutionState::Queued && !taken_again {
            executions
                .request_cancel(claim.execution, |_| record("x"))
                .await
                .unwrap();
        }
    }
}

async fn a_run_is_one_calls_own(db: Database) {
    let again = db.again().await;
    let mut open = Vec::new();
    for _ in 0..4 {
        let claim = running(&db).await;
        open.push((claim, accepted(&db, claim, call(1, "f", now())).await));
    }
    let claims = open.iter().enumerate().map(|(n, (claim, call))| {
        let store: &Store = if n % 2 == 0 { &db } else { &again };
        let found = run("the run", n % 2 == 0);
        async move {
            let calls = store.function_calls();
            let mine = calls.claim_run(*claim, call.id, &found, record("function_completed"));
            (mine.await.unwrap(), found)
        }
    });
    let claimed = join_all(claims).await;
    assert_eq!(claimed.iter().filter(|(mine, _)| *mine).count(), 1);
    let completed = recorded(&db).await;
    assert_eq!(
        completed
            .iter()
            .filter(|what| *what == "function_completed")
            .count(),
        1
    );
    for ((claim, _), (mine, found)) in open.iter().zip(claimed) {
        let latest = db.function_calls().latest(claim.execution, 1).await.unwrap();
        let latest = latest.unwrap();
        let state = match (mine, found.success) {
            (false, _) => CallState::Accepted,
            (true, true) => CallState::Succeeded,
            (true, false) => CallState::Failed,
        };
        assert_eq!((latest.state, latest.run), (state, mine.then_some(found)));
        assert_eq!(latest.ended_at.is_some(), mine);
    }
    // An app may have several names, but a run is in one workspace; another one may have the same id.
    let claim = running(&db).await;
    let other_name = NewCall {
        app: "other.example:443".into(),
        ..call(1, "f", now())
    };
    let other_name = accepted(&db, claim, other_name).await;
    let found = run("the run", true);
    let calls = db.function_calls();
    for (workspace, mine) in [("w", false), ("elsewhere", true)] {
        calls.looked(other_name.id, workspace).await.unwrap();
        let claimed = calls.claim_run(claim, other_name.id, &found, record("x"));
        assert_eq!(claimed.await.unwrap(), mine, "{workspace}");
    }
}

async fn a_call_knows_whether_its_step_was_tried_again(db: Database) {
    let (claim, calls) = (running(&db).await, db.function_calls());
    accepted(&db, claim, call(1, "f", now())).await;
    let is_of_this_try = async || {
        let latest = calls.latest(claim.execution, 1).await.unwrap();
        latest.unwrap().is_of_this_try
    };
    assert!(is_of_this_try().await);
    let executions = db.executions();
    let mut step = executions.steps(claim.execution).await.unwrap().remove(0);
    (step.state, step.attempts) = (StepState::Running, 4);
    executions.checkpoint(claim, &step, None).await.unwrap();
    assert!(is_of_this_try().await, "it was only begun again");
    step.retries = 1;
    executions.checkpoint(claim, &step, None).await.unwrap();
    assert!(!is_of_this_try().await);
    let context = serde_json::json!({});
    executions.start_over(claim, 1, &context).await.unwrap();
    assert!(!is_of_this_try().await);
}

async fn rivals_are_those_that_wait_and_those_that_have(db: Database) {
    let calls = db.function_calls();
    let at = |second: i64| Timestamp::new(1_800_000_000 + second, 0).unwrap();
    let new = async |second, function: &str| {
        let claim = running(&db).await;
        let made = accepted(&db, claim, call(1, function, at(second))).await;
        (claim, made)
    };
    let (_, before) = new(0, "f").await;
    let (_, ours) = new(10, "f").await;
    let (_, later) = new(20, "F").await;
    let (claim, has) = new(5, "f").await;
    let found = run("its run", true);
    assert!(calls.claim_run(claim, has.id, &found, record("x")).await.unwrap());
    let (claim, refused) = {
        let claim = running(&db).await;
        (claim, calls.begin(claim, call(1, "f", at(15))).await.unwrap())
    };
    calls
        .answered(claim, refused.id, CallAnswer::Refused, record("x"))
        .await
        .unwrap();
    new(12, "other").await;
    let elsewhere = async |app: &str, workspace: &str| {
        let call = NewCall {
            app: app.into(),
            workspace: workspace.into(),
            ..call(1, "f", at(30))
        };
        accepted(&db, running(&db).await, call).await
    };
    let slot = elsewhere("slot.example:443", "w").await;
    elsewhere(APP, "another").await;
    let ids = async |runs: &[&str], traces: &[&str]| {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let rivals = calls
            .rivals(&ours, ours.not_before, &texts(runs), &texts(traces))
            .await
            .unwrap();
        rivals.iter().map(|call| call.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&[], &[]).await, [ours.id, later.id, slot.id]);
    assert_eq!(
        ids(&["its run", "another"], &[]).await,
        [ours.id, later.id, has.id, slot.id]
    );
    assert_eq!(
        ids(&[], &[&before.trace_id]).await,
        [before.id, ours.id, later.id, slot.id]
    );
    let since = before.not_before;
    let rivals = calls.rivals(&ours, since, &[], &[]).await.unwrap();
    assert_eq!((rivals[0].id, rivals.len()), (before.id, 4), "{rivals:#?}");
}

async fn the_last_run_tells_whether_traces_are_taken_over(db: Database) {
    let calls = db.function_calls();
    let made = async |function: &str| {
        let claim = running(&db).await;
        (claim, accepted(&db, claim, call(1, function, now())).await)
    };
    let (_, waits) = made("f").await;
    for (function, operation, told) in [
        ("f", None, false),
        ("F", Some(true), true),
        ("g", Some(false), true),
        ("f", Some(false), false),
    ] {
        let (claim, other) = made(function).await;
        let found = FunctionRun {
            operation_id: operation.map(|own| match own {
                true => other.trace_id.to_uppercase(),
                false => "another".into(),
            }),
            ..run(&other.trace_id, true)
        };
        assert!(
            calls
                .claim_run(claim, other.id, &found, record("x"))
                .await
                .unwrap()
        );
        assert_eq!(
            calls.bears_traces(&waits).await.unwrap(),
            told,
            "{function} {operation:?}"
        );
    }
}
