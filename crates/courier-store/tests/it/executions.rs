use std::collections::HashSet;

use courier_store::{
    Error, PageRequest, Store,
    audit::{AuditFilter, NewAudit},
    executions::{
        Claim, Execution, ExecutionFilter, ExecutionRequest, ExecutionState as State, Life, NewExecution,
        NewStep, Origin, StepState,
    },
    jobs::JobInput,
    new_id, now,
};
use futures::future::join_all;
use serde_json::json;
use uuid::Uuid;

use crate::{
    database::{DIFFICULT, Database, walk},
    on_both,
    records::of,
};

on_both!(
    an_execution_begins_with_all_its_steps_pending,
    a_job_has_no_more_executions_than_it_may,
    none_is_claimed_twice,
    states_change_by_compare_and_set,
    what_was_lost_cannot_be_written,
    a_checkpoint_writes_step_and_context,
    wishes_are_fulfilled_at_once_or_noted,
    the_last_wish_decides_where_a_stop_leads,
    lists_are_filtered_and_counted,
);

/// An execution of two steps that waits.
pub(crate) async fn enqueue(store: &Store, job_id: Uuid, job_name: &str) -> Execution {
    store
        .executions()
        .enqueue(new_execution(job_id, job_name), of("job_run"))
        .await
        .unwrap()
}

/// A life of a node of this name.
pub(crate) async fn life(store: &Store, node: &str) -> Life {
    store.executions().join(node).await.unwrap().life()
}

/// The oldest that waits, taken for this life.
pub(crate) async fn claim_next(store: &Store, life: &Life) -> Option<Execution> {
    let queued = ExecutionFilter {
        states: vec![State::Queued],
        ..Default::default()
    };
    let queued = walk(100, async |page| store.executions().list(&queued, &page).await).await;
    for execution in queued.into_iter().rev() {
        if let Some(taken) = store.executions().claim(execution.id, life).await.unwrap() {
            return Some(taken);
        }
    }
    None
}

pub(crate) fn new_execution(job_id: Uuid, job_name: &str) -> NewExecution {
    let step = |name: Option<&str>| NewStep {
        name: name.map(Into::into),
        step_type: "local.copy".into(),
    };
    NewExecution {
        origin: Origin::Job {
            id: job_id,
            version: 3,
        },
        job_name: job_name.into(),
        triggered_by: "me".into(),
        context: json!({"day": "2026-11-21"}),
        steps: vec![step(None), step(Some(DIFFICULT))],
        max_instances: None,
        scheduled_at: None,
        timezone: None,
    }
}

async fn an_execution_begins_with_all_its_steps_pending(db: Database) {
    let execution = enqueue(&db, new_id(), DIFFICULT).await;
    assert_eq!(db.executions().get(execution.id).await.unwrap(), execution);
    assert_eq!(
        (execution.state, execution.attempts, execution.job_version),
        (State::Queued, 0, 3)
    );
    let steps = db.executions().steps(execution.id).await.unwrap();
    assert_eq!(steps.iter().map(|step| step.index).collect::<Vec<_>>(), [1, 2]);
    assert!(
        steps
            .iter()
            .all(|step| step.state == StepState::Pending && step.attempts == 0)
    );
    assert_eq!(steps[1].name.as_deref(), Some(DIFFICULT));
    assert_eq!(
        db.executions().last_of(execution.job_id.unwrap()).await.unwrap(),
        Some(execution)
    );
    assert_eq!(db.executions().last_of(new_id()).await.unwrap(), None);
    assert!(matches!(
        db.executions().get(new_id()).await,
        Err(Error::NotFound { what: "execution" })
    ));
}

async fn a_job_has_no_more_executions_than_it_may(db: Database) {
    let job = JobInput {
        name: "j".into(),
        description: None,
        enabled: true,
        definition: json!({}),
        schedules: Vec::new(),
        by: "me".into(),
    };
    let job = db.jobs().insert(job, of("job_created")).await.unwrap().id;
    let other = db.again().await;
    let wanted = (0..12).map(|n| {
        let store = if n % 2 == 0 {
            db.store.clone()
        } else {
            other.clone()
        };
        let new = NewExecution {
            max_instances: Some(3),
            ..new_execution(job, "j")
        };
        tokio::spawn(async move { store.executions().enqueue(new, of("job_run")).await })
    });
    let results: Vec<_> = join_all(wanted).await.into_iter().map(Result::unwrap).collect();
    let queued: Vec<&Execution> = results.iter().flatten().collect();
    assert_eq!(queued.len(), 3);
    let refused = results.iter().filter_map(|result| result.as_ref().err());
    assert!(
        refused
            .into_iter()
            .all(|error| matches!(error, Error::Conflict(_)))
    );
    db.executions()
        .request_cancel(queued[0].id, of("asked"))
        .await
        .unwrap();
    let new = NewExecution {
        max_instances: Some(3),
        ..new_execution(job, "j")
    };
    db.executions().enqueue(new, of("job_run")).await.unwrap();
}

async fn none_is_claimed_twice(db: Database) {
    let mut queued = Vec::new();
    for _ in 0..40 {
        queued.push(enqueue(&db, new_id(), "j").await.id);
    }
    let oldest = claim_next(&db, &life(&db, "first").await).await.unwrap();
    assert_eq!(oldest.id, queued[0]);
    assert_eq!(
        (oldest.state, oldest.node.as_deref(), oldest.attempts),
        (State::Running, Some("first"), 1)
    );
    assert!(oldest.started_at.is_some());

    let other = db.again().await;
    let workers = (0..8).map(|n| {
        let store = if n % 2 == 0 {
            db.store.clone()
        } else {
            other.clone()
        };
        tokio::spawn(async move {
            let mut claimed = Vec::new();
            let life = life(&store, &format!("node {n}")).await;
            while let Some(execution) = claim_next(&store, &life).await {
                claimed.push(execution.id);
            }
            claimed
        })
    });
    let mut claimed: Vec<Uuid> = join_all(workers)
        .await
        .into_iter()
        .flat_map(Result::unwrap)
        .collect();
    claimed.push(oldest.id);
    assert_eq!(claimed.len(), 40);
    assert_eq!(
        claimed.into_iter().collect::<HashSet<_>>(),
        queued.into_iter().collect()
    );
    assert_eq!(claim_next(&db, &life(&db, "late").await).await, None);
}

async fn states_change_by_compare_and_set(db: Database) {
    let n = life(&db, "n").await;
    let queued = enqueue(&db, new_id(), "j").await;
    let executions = db.executions();
    let early = executions
        .release(queued.claim(), State::Completed, None, None)
        .await;
    assert!(matches!(early, Err(Error::Conflict(_))), "{early:?}");
    let claim = claim_next(&db, &n).await.unwrap().claim();
    let error = json!({"kind": "timeout", "message": DIFFICULT});
    let ends = join_all((0..6).map(|_| {
        let (store, error) = (db.store.clone(), error.clone());
        tokio::spawn(async move {
            let executions = store.executions();
            executions
                .release(claim, State::Failed, Some(error), None)
                .await
                .is_ok()
        })
    }));
    assert_eq!(
        ends.await
            .into_iter()
            .filter(|end| *end.as_ref().unwrap())
            .count(),
        1
    );
    let failed = executions.get(queued.id).await.unwrap();
    assert_eq!((failed.state, failed.error), (State::Failed, Some(error)));
    assert!(failed.ended_at >= failed.started_at);
    let missing = Claim {
        execution: new_id(),
        attempt: 1,
    };
    let missing = executions.release(missing, State::Paused, None, None).await;
    assert!(matches!(missing, Err(Error::NotFound { .. })));
}

/// A worker that was only slow finds its execution with another.
async fn what_was_lost_cannot_be_written(db: Database) {
    let executions = db.executions();
    enqueue(&db, new_id(), "j").await;
    let slow = claim_next(&db, &life(&db, "slow").await).await.unwrap().claim();
    executions
        .release(slow, State::Queued, None, Some("handed back"))
        .await
        .unwrap();
    let other = claim_next(&db, &life(&db, "other").await).await.unwrap().claim();
    assert_eq!((other.execution, other.attempt), (slow.execution, 2));

    let mut step = executions.steps(slow.execution).await.unwrap().remove(0);
    step.state = StepState::Running;
    executions.checkpoint(other, &step, None).await.unwrap();
    executions.progress(slow, 1, 99, 9).await.unwrap();
    step.state = StepState::Completed;
    for refused in [
        executions
            .checkpoint(slow, &step, Some(&json!({"by": "slow"})))
            .await,
        executions.start_over(slow, 3, &json!({})).await,
        executions
            .release(slow, State::Failed, None, None)
            .await
            .map(drop),
    ] {
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    }
    let kept = executions.get(slow.execution).await.unwrap();
    assert_eq!((kept.state, kept.retries), (State::Running, 0));
    assert_eq!(kept.context, json!({"day": "2026-11-21"}));
    let step = executions.steps(slow.execution).await.unwrap().remove(0);
    assert_eq!((step.state, step.bytes_transferred), (StepState::Running, 0));

    let history = executions.history(slow.execution).await.unwrap();
    let went: Vec<_> = history
        .iter()
        .map(|entry| (entry.state, entry.node.as_deref(), entry.reason.as_deref()))
        .collect();
    assert_eq!(
        went,
        [
            (State::Queued, None, None),
            (State::Running, Some("slow"), None),
            (State::Queued, Some("slow"), Some("handed back")),
            (State::Running, Some("other"), None),
        ]
    );
}

async fn a_checkpoint_writes_step_and_context(db: Database) {
    let n = life(&db, "n").await;
    let queued = enqueue(&db, new_id(), "j").await;
    let id = queued.id;
    let executions = db.executions();
    let mut step = executions.steps(id).await.unwrap().remove(1);
    step.state = StepState::Running;
    let early = executions.checkpoint(queued.claim(), &step, None).await;
    assert!(matches!(early, Err(Error::Conflict(_))), "{early:?}");
    let claim = claim_next(&db, &n).await.unwrap().claim();

    (step.attempts, step.started_at) = (1, Some(now()));
    executions.checkpoint(claim, &step, None).await.unwrap();
    executions.progress(claim, 2, 5_000_000_000, 3).await.unwrap();
    executions.progress(claim, 1, 7, 7).await.unwrap();
    let steps = executions.steps(id).await.unwrap();
    assert_eq!(
        (steps[1].bytes_transferred, steps[1].files_transferred),
        (5_000_000_000, 3)
    );
    assert_eq!(
        steps[0].bytes_transferred, 0,
        "a step that isn't running makes no progress"
    );

    let files: Vec<String> = (0..50_000).map(|n| format!("/out/{DIFFICULT}/{n}\0")).collect();
    let context = json!({"2.files": files});
    (step.state, step.ended_at) = (StepState::Failed, Some(now()));
    step.error = Some(json!({"kind": "denied", "message": "nul \0"}));
    executions.checkpoint(claim, &step, Some(&context)).await.unwrap();
    let kept = executions.get(id).await.unwrap().context;
    assert_eq!(
        kept["2.files"][49_999],
        json!(format!("/out/{DIFFICULT}/49999\u{fffd}"))
    );
    let steps = executions.steps_of(&[id, new_id()]).await.unwrap();
    assert_eq!(
        steps[1].1.error,
        Some(json!({"kind": "denied", "message": "nul \u{fffd}"}))
    );
    assert_eq!(steps[1].1.ended_at, step.ended_at);

    // Either both are written or none.
    step.index = 9;
    let missing = executions.checkpoint(claim, &step, Some(&json!({}))).await;
    assert!(matches!(missing, Err(Error::NotFound { .. })));
    assert_eq!(executions.get(id).await.unwrap().context, kept);
    let records = || vec![NewAudit::new("upload", "me")];
    let missing = executions
        .checkpoint_recorded(claim, &step, &json!({}), records())
        .await;
    assert!(matches!(missing, Err(Error::NotFound { .. })));
    let recorded = async || {
        let filter = AuditFilter::default();
        let page = db.audit().list(&filter, &PageRequest::first(100)).await.unwrap();
        page.items
            .iter()
            .filter(|record| record.operation == "upload")
            .count()
    };
    assert_eq!(recorded().await, 0);
    step.index = 2;
    executions
        .checkpoint_recorded(claim, &step, &json!({"2.done": true}), records())
        .await
        .unwrap();
    assert_eq!(recorded().await, 1);
    assert_eq!(executions.get(id).await.unwrap().context, json!({"2.done": true}));
}

async fn wishes_are_fulfilled_at_once_or_noted(db: Database) {
    let n = life(&db, "n").await;
    let executions = db.executions();
    let id = enqueue(&db, new_id(), "j").await.id;
    assert_eq!(
        executions.request_pause(id, of("asked")).await.unwrap().state,
        State::Paused
    );
    assert_eq!(claim_next(&db, &n).await, None);
    assert!(matches!(
        executions.request_pause(id, of("asked")).await,
        Err(Error::Conflict(_))
    ));
    assert_eq!(
        executions.request_resume(id, of("asked")).await.unwrap().state,
        State::Queued
    );
    let claim = claim_next(&db, &n).await.unwrap().claim();

    let noted = executions.request_pause(id, of("asked")).await.unwrap();
    assert_eq!(
        (noted.state, noted.request),
        (State::Running, ExecutionRequest::Pause)
    );
    assert_eq!(executions.requested(id).await.unwrap(), ExecutionRequest::Pause);
    assert_eq!(
        executions.request_resume(id, of("asked")).await.unwrap().request,
        ExecutionRequest::None
    );
    assert!(matches!(
        executions.request_resume(id, of("asked")).await,
        Err(Error::Conflict(_))
    ));
    executions.request_pause(id, of("asked")).await.unwrap();
    let record = |asked: &Execution| NewAudit {
        job_execution_id: Some(asked.id),
        ..NewAudit::new("execution_cancelled", "me")
    };
    assert_eq!(
        executions.request_cancel(id, record).await.unwrap().request,
        ExecutionRequest::Cancel
    );
    assert!(matches!(
        executions.request_pause(id, of("asked")).await,
        Err(Error::Conflict(_))
    ));
    let ended = executions
        .release(claim, State::Cancelled, None, None)
        .await
        .unwrap();
    assert_eq!(ended.request, ExecutionRequest::None);
    let history = executions.history(id).await.unwrap();
    let went: Vec<_> = history
        .iter()
        .map(|entry| (entry.state, entry.reason.as_deref()))
        .collect();
    let asked = Some("asked for by me");
    assert_eq!(
        went,
        [
            (State::Queued, None),
            (State::Paused, asked),
            (State::Queued, asked),
            (State::Running, None),
            (State::Cancelled, asked),
        ]
    );
    assert!(matches!(
        executions.request_cancel(id, of("asked")).await,
        Err(Error::Conflict(_))
    ));
    assert!(matches!(
        executions.requested(new_id()).await,
        Err(Error::NotFound { .. })
    ));

    let waiting = enqueue(&db, new_id(), "j").await.id;
    let cancelled = executions.request_cancel(waiting, of("asked")).await.unwrap();
    assert_eq!(cancelled.state, State::Cancelled);
    assert!(cancelled.ended_at.is_some() && cancelled.started_at.is_none());
}

/// Whoever stops an execution has heard a wish that may be old by the time that the state is written.
async fn the_last_wish_decides_where_a_stop_leads(db: Database) {
    let n = life(&db, "n").await;
    use ExecutionRequest as Request;
    let executions = db.executions();
    for (wish, to, becomes) in [
        (Request::None, State::Queued, State::Queued),
        (Request::None, State::Paused, State::Queued),
        (Request::Pause, State::Queued, State::Paused),
        (Request::Pause, State::Paused, State::Paused),
        (Request::Cancel, State::Queued, State::Cancelled),
        (Request::Cancel, State::Paused, State::Cancelled),
        (Request::Cancel, State::Completed, State::Completed),
        (Request::Pause, State::Failed, State::Failed),
    ] {
        let id = enqueue(&db, new_id(), "j").await.id;
        let claim = claim_next(&db, &n).await.unwrap().claim();
        assert_eq!(claim.execution, id);
        executions.request_pause(id, of("asked")).await.unwrap();
        match wish {
            Request::None => executions.request_resume(id, of("asked")).await.unwrap(),
            Request::Pause => executions.request_pause(id, of("asked")).await.unwrap(),
            Request::Cancel => executions.request_cancel(id, of("asked")).await.unwrap(),
        };
        let settled = executions.release(claim, to, None, None).await.unwrap();
        assert_eq!(
            (settled.state, settled.request),
            (becomes, Request::None),
            "{wish} {to}"
        );
        assert_eq!(settled.ended_at.is_some(), becomes.is_final());
        if !becomes.is_final() {
            executions.request_cancel(id, of("asked")).await.unwrap();
        }
    }
}

async fn lists_are_filtered_and_counted(db: Database) {
    let n = life(&db, "n").await;
    let executions = db.executions();
    let (job, other) = (new_id(), new_id());
    let mut ids = Vec::new();
    for n in 0..6 {
        let (job, name) = if n % 2 == 0 {
            (job, "Nightly")
        } else {
            (other, "Hourly")
        };
        ids.push(enqueue(&db, job, name).await);
    }
    for _ in 0..3 {
        let claim = claim_next(&db, &n).await.unwrap().claim();
        executions
            .release(claim, State::Completed, None, None)
            .await
            .unwrap();
    }
    claim_next(&db, &n).await.unwrap();
    let find = async |filter: ExecutionFilter| {
        let found = walk(2, async |page: PageRequest| executions.list(&filter, &page).await).await;
        let place = |found: &Execution| ids.iter().position(|one| one.id == found.id).unwrap().to_string();
        found.iter().map(place).collect::<String>()
    };
    let filter = ExecutionFilter::default();
    assert_eq!(find(filter.clone()).await, "543210");
    let listed = executions.list(&filter, &PageRequest::first(1)).await.unwrap();
    let whole = executions.get(ids[5].id).await.unwrap();
    assert_ne!(whole.context, json!({}));
    assert_eq!(
        listed.items,
        [Execution {
            context: json!({}),
            ..whole
        }]
    );
    assert_eq!(
        find(ExecutionFilter {
            job_id: Some(job),
            ..filter.clone()
        })
        .await,
        "420"
    );
    assert_eq!(
        find(ExecutionFilter {
            states: vec![State::Completed],
            ..filter.clone()
        })
        .await,
        "210"
    );
    let live = vec![State::Queued, State::Running];
    assert_eq!(
        find(ExecutionFilter {
            states: live,
            ..filter.clone()
        })
        .await,
        "543"
    );
    assert_eq!(
        find(ExecutionFilter {
            search: Some("NIGHT".into()),
            ..filter.clone()
        })
        .await,
        "420"
    );
    let (since, until) = (Some(ids[1].queued_at), Some(ids[4].queued_at));
    assert_eq!(
        find(ExecutionFilter {
            since,
            until,
            ..filter.clone()
        })
        .await,
        "321"
    );
    assert_eq!(
        find(ExecutionFilter {
            since,
            until,
            job_id: Some(job),
            ..filter.clone()
        })
        .await,
        "2"
    );

    let counts = async |since| {
        let counts = executions.count_by_state(since).await.unwrap();
        counts
            .into_iter()
            .map(|(state, count)| format!("{state} {count}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let all = counts(ids[0].queued_at).await;
    assert_eq!(
        all,
        "queued 2, running 1, paused 0, completed 3, failed 0, cancelled 0"
    );
    let recent = counts(ids[2].queued_at).await;
    assert_eq!(
        recent,
        "queued 2, running 1, paused 0, completed 1, failed 0, cancelled 0"
    );
    let bad = PageRequest {
        limit: 1,
        cursor: Some("yesterday".into()),
    };
    assert!(matches!(
        executions.list(&filter, &bad).await,
        Err(Error::BadCursor)
    ));
    assert_eq!(executions.last_of(job).await.unwrap().unwrap().id, ids[4].id);
}
