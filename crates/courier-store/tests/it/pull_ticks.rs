//! Mappings that are due, and who pulls them.

use std::collections::HashSet;

use courier_store::{
    Error, PageRequest, Store,
    connections::{Connection, Health, Outcome},
    executions::{Claim, Execution, ExecutionFilter, ExecutionState as State, NewExecution, NewStep, Origin},
    folder_mappings::{
        Anew, ConnectionState, Fired, FolderMapping, FolderMappingInput, Held, Ill, Plan, Then, Verdict,
    },
    new_id, now,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use crate::{
    connections::some,
    database::Database,
    executions::{enqueue, life},
    folder_mappings::{mapping, storage},
    on_both,
    records::{of, of_both, recorded},
};

on_both!(
    of_several_nodes_one_fires_each_mapping,
    one_that_is_being_pulled_is_left_alone,
    who_waits_for_others_is_first,
    what_cannot_be_planned_keeps_no_other_from_its_turn,
    one_that_waits_is_due_when_its_connection_is_well,
    one_execution_at_a_time_has_a_mapping,
    a_pull_that_ends_says_how_its_mapping_fares,
    what_is_said_of_another_mapping_does_not_count,
    who_asks_twice_gets_one_pull,
    pulls_that_found_nothing_are_forgotten,
);

const INTERVAL: SignedDuration = SignedDuration::from_mins(5);

fn pull(mapping: &FolderMapping, scheduled_at: Option<Timestamp>) -> NewExecution {
    NewExecution {
        origin: Origin::Mapping(mapping.id),
        job_name: mapping.name.clone(),
        triggered_by: "schedule".into(),
        context: json!({}),
        steps: vec![NewStep {
            name: None,
            step_type: "remote.pull".into(),
        }],
        max_instances: None,
        scheduled_at,
        timezone: None,
    }
}

/// Runs it, and is due again an interval later.
fn runs(mapping: &FolderMapping, at: Timestamp) -> Option<Plan> {
    Some(Plan {
        then: Then::Run(Box::new(pull(mapping, mapping.next_run_at))),
        next_run_at: Some(at + INTERVAL),
    })
}

/// Fires all that is due.
async fn fire(store: &Store, at: Timestamp) -> Vec<Fired> {
    let mut all = Vec::new();
    loop {
        let plan = |mapping: &FolderMapping, _: &ConnectionState| runs(mapping, at);
        let fired = store.folder_mappings().fire(at, 7, plan).await.unwrap();
        if fired.is_empty() {
            return all;
        }
        all.extend(fired);
    }
}

fn queued(fired: Vec<Fired>) -> Vec<Execution> {
    let queued = fired.into_iter().map(|fired| match fired {
        Fired::Queued(execution) => *execution,
        other => panic!("{other:?}"),
    });
    queued.collect()
}

fn ill(code: &'static str, health: Health) -> Ill {
    Ill {
        health: Some(health),
        code: code.into(),
        detail: format!("{code} in words"),
        waits_for_connection: true,
    }
}

async fn a_mapping(db: &Store) -> (Connection, FolderMapping) {
    let connection = some(db, "partner").await;
    let storage = storage(db, "default").await;
    let mapping = mapping(db, connection.id, "inbox", storage.id).await;
    (connection, mapping)
}

/// A claim on an execution that runs.
async fn running(db: &Store, execution: Uuid) -> Claim {
    let taken = db
        .executions()
        .claim(execution, &life(db, &execution.to_string()).await)
        .await;
    taken.unwrap().unwrap().claim()
}

async fn end(db: &Store, claim: Claim, state: State) {
    db.executions().release(claim, state, None, None).await.unwrap();
}

async fn of_several_nodes_one_fires_each_mapping(db: Database) {
    let connection = some(&db, "partner").await;
    let storage = storage(&db, "default").await;
    let mut all = HashSet::new();
    for n in 0..60 {
        all.insert(mapping(&db, connection.id, &format!("m{n}"), storage.id).await.id);
    }
    let at = now();
    let glance = db.folder_mappings().glance().await.unwrap();
    assert!(glance.earliest.unwrap() <= glance.now);
    let nodes = (0..4).map(async |_| {
        let store = match db.folder {
            // SQLite is for one process.
            Some(_) => db.store.clone(),
            None => db.again().await,
        };
        queued(fire(&store, at).await)
    });
    let fired = futures::future::join_all(nodes).await.concat();
    assert_eq!(fired.len(), 60);
    let pulled: HashSet<Uuid> = fired.iter().filter_map(|e| e.mapping_id).collect();
    assert_eq!(pulled, all);
    assert!(
        fired
            .iter()
            .all(|e| e.job_id.is_none() && e.scheduled_at.is_some())
    );
    assert_eq!(db.folder_mappings().queued().await.unwrap(), 60);
    assert_eq!(fire(&db, at).await, []);
    let one = &fired[0];
    let mapping = db.folder_mappings().get(one.mapping_id.unwrap()).await.unwrap();
    assert_eq!(
        (mapping.last_execution, mapping.last_run_at, mapping.next_run_at),
        (Some(one.id), Some(one.queued_at), Some(at + INTERVAL))
    );
    let filter = ExecutionFilter {
        mapping_id: one.mapping_id,
        ..Default::default()
    };
    let found = db
        .executions()
        .list(&filter, &courier_store::PageRequest::first(9))
        .await
        .unwrap();
    assert_eq!(found.items.iter().map(|e| e.id).collect::<Vec<_>>(), [one.id]);
}

async fn one_that_is_being_pulled_is_left_alone(db: Database) {
    let (_, mapping) = a_mapping(&db).await;
    let at = now();
    let first = queued(fire(&db, at).await).remove(0);
    let later = at + INTERVAL;
    assert_eq!(fire(&db, later).await, [Fired::Pulling(first.id)]);
    let claim = running(&db, first.id).await;
    let latest = later + INTERVAL;
    assert_eq!(fire(&db, latest).await, [Fired::Pulling(first.id)]);
    end(&db, claim, State::Completed).await;

    // A job's step that pulls it is no other.
    let job = enqueue(&db, new_id(), "a job").await;
    let claim = running(&db, job.id).await;
    db.folder_mappings().hold(claim, mapping.id).await.unwrap();
    let at = latest + INTERVAL;
    assert_eq!(fire(&db, at).await, [Fired::Pulling(job.id)]);
    end(&db, claim, State::Failed).await;
    assert_eq!(queued(fire(&db, at + INTERVAL).await).len(), 1);
}

async fn who_waits_for_others_is_first(db: Database) {
    let connection = some(&db, "partner").await;
    let storage = storage(&db, "default").await;
    let mut left = Vec::new();
    for name in ["a", "b", "c"] {
        left.push(mapping(&db, connection.id, name, storage.id).await.id);
    }
    // Each is due again after a second, and of one connection only one is pulled at a time.
    let second = SignedDuration::from_secs(1);
    let mut at = now();
    let plan = |mapping: &FolderMapping, connection: &ConnectionState, at| {
        let then = match connection.pulls {
            0 => Then::Run(Box::new(pull(mapping, mapping.next_run_at))),
            _ => Then::Queue,
        };
        let next_run_at = Some(at + second);
        Some(Plan { then, next_run_at })
    };
    for _ in 0..3 {
        let fired = db
            .folder_mappings()
            .fire(at, 7, |mapping, connection| plan(mapping, connection, at))
            .await
            .unwrap();
        let mut queued = fired.into_iter().filter_map(|fired| match fired {
            Fired::Queued(execution) => Some(*execution),
            _ => None,
        });
        let (one, other) = (queued.next().unwrap(), queued.next());
        assert_eq!((one.mapping_id, other), (Some(left.remove(0)), None));
        end(&db, running(&db, one.id).await, State::Completed).await;
        at += second + SignedDuration::from_millis(100);
    }
}

async fn what_cannot_be_planned_keeps_no_other_from_its_turn(db: Database) {
    let (connection, odd) = a_mapping(&db).await;
    let storage = odd.storage_id;
    let good = mapping(&db, connection.id, "good", storage).await;
    let at = now();
    let plan = |mapping: &FolderMapping, _: &ConnectionState| {
        (mapping.id == good.id).then(|| runs(mapping, at)).flatten()
    };
    let fired = db.folder_mappings().fire(at, 9, plan).await.unwrap();
    assert_eq!(fired.len(), 2);
    assert_eq!(fired[0], Fired::Unplanned(odd.id));
    assert_eq!(db.folder_mappings().get(odd.id).await.unwrap(), odd);
    assert_eq!(fire(&db, at + SignedDuration::from_secs(59)).await, []);
    assert_eq!(
        queued(fire(&db, at + SignedDuration::from_secs(61)).await).len(),
        1
    );
}

async fn one_that_waits_is_due_when_its_connection_is_well(db: Database) {
    let (connection, mapping) = a_mapping(&db).await;
    let note = async |outcome| {
        let connection = db.connections().get(connection.id).await.unwrap();
        db.connections().note(connection.seen(), outcome).await.unwrap();
    };
    note(Outcome::RequiresAttention("the key was rejected")).await;
    let at = now();
    let waits = |_: &FolderMapping, connection: &ConnectionState| {
        assert_eq!(connection.health, Health::RequiresAttention);
        assert_eq!(connection.health_detail.as_deref(), Some("the key was rejected"));
        Some(Plan {
            then: Then::Wait(ill("key_rejected", Health::RequiresAttention)),
            next_run_at: Some(at + INTERVAL),
        })
    };
    let mappings = db.folder_mappings();
    assert_eq!(mappings.fire(at, 9, waits).await.unwrap(), [Fired::Waits]);
    let waiting = mappings.get(mapping.id).await.unwrap();
    assert_eq!(
        (
            waiting.health,
            waiting.health_code.as_deref(),
            waiting.failures,
            waiting.next_run_at
        ),
        (
            Health::RequiresAttention,
            Some("key_rejected"),
            0,
            Some(at + INTERVAL)
        )
    );
    assert_eq!(waiting.failing_since, Some(at));
    note(Outcome::Failing("still")).await;
    assert_eq!(fire(&db, now()).await, []);
    note(Outcome::Healthy).await;
    assert_eq!(queued(fire(&db, now()).await).len(), 1);
}

async fn one_execution_at_a_time_has_a_mapping(db: Database) {
    let (_, mapping) = a_mapping(&db).await;
    let mappings = db.folder_mappings();
    let first = running(&db, enqueue(&db, new_id(), "first").await.id).await;
    let second = running(&db, enqueue(&db, new_id(), "second").await.id).await;
    let hold = async |claim| mappings.hold(claim, mapping.id).await;
    assert!(matches!(hold(first).await.unwrap(), Held::Taken(taken) if *taken == mapping));
    assert!(matches!(hold(first).await.unwrap(), Held::Taken(_)));
    assert_eq!(hold(second).await.unwrap(), Held::By(first.execution));

    // What isn't its own it can't give back.
    let nothing = |_: &FolderMapping, _: &ConnectionState, _| panic!("it has no say");
    let seen = mapping.updated_at;
    mappings.release(second, mapping.id, seen, nothing).await.unwrap();
    assert_eq!(hold(second).await.unwrap(), Held::By(first.execution));
    mappings
        .release(first, mapping.id, seen, |_, _, _| None)
        .await
        .unwrap();
    assert!(matches!(hold(second).await.unwrap(), Held::Taken(_)));

    // What an execution has left that is over is taken over.
    end(&db, second, State::Paused).await;
    assert!(matches!(hold(second).await, Err(Error::Conflict(_))));
    assert!(matches!(hold(first).await.unwrap(), Held::Taken(_)));
    assert!(matches!(
        mappings.hold(first, new_id()).await,
        Err(Error::NotFound { .. })
    ));
}

async fn a_pull_that_ends_says_how_its_mapping_fares(db: Database) {
    let (_, mapping) = a_mapping(&db).await;
    let mappings = db.folder_mappings();
    let claim = running(&db, enqueue(&db, new_id(), "job").await.id).await;
    let later = now() + SignedDuration::from_mins(20);
    for failures in 1..=2 {
        mappings.hold(claim, mapping.id).await.unwrap();
        let judge = |_: &FolderMapping, _: &ConnectionState, _| {
            Some(Verdict::Ill(ill("unreachable", Health::Failing), Some(later)))
        };
        mappings
            .release(claim, mapping.id, mapping.updated_at, judge)
            .await
            .unwrap();
        let after = mappings.get(mapping.id).await.unwrap();
        assert_eq!(
            (after.failures, after.health, after.next_run_at),
            (failures, Health::Failing, Some(later))
        );
        assert!(after.failing_since.is_some() && after.last_ok_at.is_none());
    }
    // Where the server is only busy, its health stays.
    mappings.hold(claim, mapping.id).await.unwrap();
    let busy = Ill {
        health: None,
        ..ill("busy", Health::Failing)
    };
    let judge = |_: &FolderMapping, _: &ConnectionState, _| Some(Verdict::Ill(busy, None));
    mappings
        .release(claim, mapping.id, mapping.updated_at, judge)
        .await
        .unwrap();
    let after = mappings.get(mapping.id).await.unwrap();
    assert_eq!(
        (after.health, after.health_code.as_deref(), after.next_run_at),
        (Health::Failing, Some("busy"), Some(later))
    );
    mappings.hold(claim, mapping.id).await.unwrap();
    mappings
        .release(claim, mapping.id, mapping.updated_at, |_, _, _| {
            Some(Verdict::Well)
        })
        .await
        .unwrap();
    let well = mappings.get(mapping.id).await.unwrap();
    assert_eq!(
        (well.health, well.health_code, well.health_detail, well.failures),
        (Health::Healthy, None, None, 0)
    );
    assert!(well.last_ok_at.is_some() && well.failing_since.is_none());
}

async fn what_is_said_of_another_mapping_does_not_count(db: Database) {
    let (_, mapping) = a_mapping(&db).await;
    let mappings = db.folder_mappings();
    let claim = running(&db, enqueue(&db, new_id(), "job").await.id).await;
    mappings.hold(claim, mapping.id).await.unwrap();
    let input = FolderMappingInput {
        name: "other".into(),
        storage_id: mapping.storage_id,
        enabled: true,
        definition: json!({"remote_path": "/other"}),
    };
    let changed = mappings
        .update(
            mapping.id,
            mapping.updated_at,
            input,
            Anew::default(),
            of_both("changed"),
        )
        .await
        .unwrap();
    let judge = |_: &FolderMapping, _: &ConnectionState, _| panic!("it was another one");
    mappings
        .release(claim, mapping.id, mapping.updated_at, judge)
        .await
        .unwrap();
    assert_eq!(mappings.get(mapping.id).await.unwrap(), changed);
    // It was given back all the same.
    let other = running(&db, enqueue(&db, new_id(), "job").await.id).await;
    assert!(matches!(
        mappings.hold(other, mapping.id).await.unwrap(),
        Held::Taken(_)
    ));
}

async fn who_asks_twice_gets_one_pull(db: Database) {
    let (_, mapping) = a_mapping(&db).await;
    let mappings = db.folder_mappings();
    let run = async || {
        let made = |mapping: &FolderMapping| pull(mapping, None);
        mappings
            .run(mapping.id, made, of_both("folder_mapping_run"))
            .await
            .unwrap()
    };
    let (first, is_new) = run().await;
    assert!(is_new);
    assert_eq!(run().await, (first, false));
    let claim = running(&db, first).await;
    assert_eq!(run().await, (first, false));
    end(&db, claim, State::Completed).await;
    let (second, is_new) = run().await;
    assert!(is_new && second != first);
    let after = mappings.get(mapping.id).await.unwrap();
    assert_eq!(
        (after.last_execution, after.next_run_at),
        (Some(second), mapping.next_run_at)
    );
    let runs = recorded(&db).await;
    assert_eq!(runs.iter().filter(|op| *op == "folder_mapping_run").count(), 2);
    let nobodys = mappings.run(new_id(), |mapping| pull(mapping, None), of_both("never"));
    assert!(matches!(nobodys.await, Err(Error::NotFound { .. })));
}

async fn pulls_that_found_nothing_are_forgotten(db: Database) {
    let (_, mapping) = a_mapping(&db).await;
    let executions = db.executions();
    let mut at = now();
    let mut all = Vec::new();
    for (files, state) in [
        (0, State::Completed),
        (3, State::Completed),
        (0, State::Failed),
        (0, State::Completed),
    ] {
        let execution = queued(fire(&db, at).await).remove(0);
        let claim = running(&db, execution.id).await;
        let mut step = executions.steps(execution.id).await.unwrap().remove(0);
        step.files_transferred = files;
        executions.checkpoint(claim, &step, None).await.unwrap();
        end(&db, claim, state).await;
        all.push(execution.id);
        at += INTERVAL;
    }
    // One that somebody has asked for is remembered.
    let asked = executions.enqueue(pull(&mapping, None), of("asked")).await;
    let asked = asked.unwrap().id;
    end(&db, running(&db, asked).await, State::Completed).await;

    for (uneventful, count) in [(None, 5), (Some(true), 2), (Some(false), 3)] {
        let filter = ExecutionFilter {
            mapping_id: Some(mapping.id),
            uneventful,
            ..ExecutionFilter::default()
        };
        let page = executions.list(&filter, &PageRequest::first(10)).await;
        assert_eq!(page.unwrap().items.len(), count, "{uneventful:?}");
    }
    assert_eq!(
        executions
            .forget_uneventful(now() - SignedDuration::from_hours(1))
            .await
            .unwrap(),
        0
    );
    let soon = now() + SignedDuration::from_secs(1);
    // The last one stays, though it found nothing.
    assert_eq!(executions.forget_uneventful(soon).await.unwrap(), 1);
    assert_eq!(executions.forget_uneventful(soon).await.unwrap(), 0);
    let mut kept = Vec::new();
    for id in all {
        kept.push(executions.get(id).await.is_ok());
    }
    assert_eq!(kept, [false, true, true, true]);
    assert!(executions.get(asked).await.is_ok());
}
