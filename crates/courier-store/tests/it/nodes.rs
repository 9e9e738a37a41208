//! Processes that share a database: leases, and what becomes of what dead ones have left.

use courier_store::{
    Error, Kind, Store,
    executions::{Claim, ExecutionState as State, Life, Step, StepState},
    new_id,
};
use sea_orm::ConnectionTrait;
use serde_json::json;

use crate::{
    database::Database,
    executions::{claim_next, enqueue, life},
    function_calls::waiting,
    on_both,
    records::of,
};

on_both!(
    a_dead_process_leaves_no_orphans,
    what_ends_its_process_again_and_again_has_failed,
    a_wait_that_gets_on_is_not_given_up,
    a_wait_for_a_retry_is_no_crash,
    what_nobody_is_at_is_put_back,
);

/// The process dies, and the time of its lease passes.
async fn die(db: &Database, life: &Life) {
    if db.kind() == Kind::Postgres {
        end_lease(db, life).await;
    }
}

async fn end_lease(db: &Database, life: &Life) {
    let sql = format!("UPDATE nodes SET lease_until = 1 WHERE id = '{}'", life.id);
    let connection = sea_orm::Database::connect(&db.url).await.unwrap();
    assert_eq!(
        connection.execute_unprepared(&sql).await.unwrap().rows_affected(),
        1
    );
}

/// The first step of what was taken, under way.
async fn begin(store: &Store, claim: Claim) -> Step {
    let mut step = store.executions().steps(claim.execution).await.unwrap().remove(0);
    step.state = StepState::Running;
    step.attempts += 1;
    store.executions().checkpoint(claim, &step, None).await.unwrap();
    step
}

async fn a_dead_process_leaves_no_orphans(db: Database) {
    let executions = db.executions();
    let n = life(&db, "n").await;
    let mut claims = Vec::new();
    for _ in 0..3 {
        enqueue(&db, new_id(), "j").await;
        claims.push(claim_next(&db, &n).await.unwrap().claim());
    }
    let ids: Vec<_> = claims.iter().map(|claim| claim.execution).collect();
    begin(&db, claims[0]).await;
    executions.request_cancel(ids[1], of("asked")).await.unwrap();
    executions.request_pause(ids[2], of("asked")).await.unwrap();

    die(&db, &n).await;
    assert_eq!(
        executions.put_back().await.unwrap(),
        [
            (ids[0], State::Queued),
            (ids[1], State::Cancelled),
            (ids[2], State::Paused)
        ]
    );
    let mut states = Vec::new();
    for id in &ids {
        states.push(executions.get(*id).await.unwrap().state);
    }
    assert_eq!(states, [State::Queued, State::Cancelled, State::Paused]);
    let step = executions.steps(ids[0]).await.unwrap().remove(0);
    assert_eq!((step.state, step.attempts), (StepState::Pending, 1));
    let history = executions.history(ids[0]).await.unwrap();
    assert_eq!(
        history[2].reason.as_deref(),
        Some("the node n died or lost its lease")
    );

    let again = claim_next(&db, &life(&db, "m").await).await.unwrap();
    assert_eq!((again.id, again.attempts), (ids[0], 2));
    assert_eq!(again.node.as_deref(), Some("m"));
}

/// Processes may end as often as they like, as long as each has asked for the end of the function.
async fn a_wait_that_gets_on_is_not_given_up(db: Database) {
    let executions = db.executions();
    enqueue(&db, new_id(), "j").await;
    let (mut last, mut called) = (State::Queued, None);
    for crash in 1..=12 {
        assert_eq!(last, State::Queued, "before crash {crash}");
        let n = life(&db, &format!("n{crash}")).await;
        let claim = claim_next(&db, &n).await.unwrap().claim();
        begin(&db, claim).await;
        let call = match called {
            Some(call) => call,
            None => *called.insert(waiting(&db, claim).await),
        };
        if crash <= 8 {
            db.function_calls().looked(call, "w").await.unwrap();
        }
        die(&db, &n).await;
        last = executions.put_back().await.unwrap()[0].1;
    }
    assert_eq!(last, State::Failed, "four more, without having asked");
}

async fn what_ends_its_process_again_and_again_has_failed(db: Database) {
    let executions = db.executions();
    let id = enqueue(&db, new_id(), "j").await.id;
    let mut last = State::Queued;
    for crash in 1..=8 {
        assert_eq!(last, State::Queued, "before crash {crash}");
        let n = life(&db, &format!("n{crash}")).await;
        let claim = claim_next(&db, &n).await.unwrap().claim();
        begin(&db, claim).await;
        // The fourth time it gets on a little, and is counted anew.
        let bytes = if crash < 4 { 10 } else { 11 };
        executions.progress(claim, 1, bytes, 0).await.unwrap();
        die(&db, &n).await;
        last = executions.put_back().await.unwrap()[0].1;
    }
    assert_eq!(last, State::Failed);
    let failed = executions.get(id).await.unwrap();
    let error = failed.error.unwrap();
    assert_eq!(error["kind"], "failed");
    assert!(
        error["message"].as_str().unwrap().contains("5 times in a row"),
        "{error}"
    );
    assert!(failed.ended_at.is_some());
    let steps = executions.steps(id).await.unwrap();
    assert_eq!(
        (steps[0].state, &steps[0].error),
        (StepState::Failed, &Some(error))
    );
    assert_eq!(steps[1].state, StepState::Pending);
}

async fn a_wait_for_a_retry_is_no_crash(db: Database) {
    let executions = db.executions();
    let id = enqueue(&db, new_id(), "j").await.id;
    for crash in 1..=8 {
        let n = life(&db, &format!("n{crash}")).await;
        let claim = claim_next(&db, &n).await.unwrap().claim();
        let mut step = executions.steps(id).await.unwrap().remove(0);
        step.state = StepState::Failed;
        executions.checkpoint(claim, &step, None).await.unwrap();
        die(&db, &n).await;
        assert_eq!(executions.put_back().await.unwrap(), [(id, State::Queued)]);
    }
    // One that begins anew may come less far than before, and yet come on.
    let n = life(&db, "n").await;
    let claim = claim_next(&db, &n).await.unwrap().claim();
    executions.start_over(claim, 1, &json!({})).await.unwrap();
    begin(&db, claim).await;
    executions.progress(claim, 1, 1, 0).await.unwrap();
    die(&db, &n).await;
    assert_eq!(executions.put_back().await.unwrap(), [(id, State::Queued)]);
}

/// The database did what it was asked for, and its answer was lost.
async fn what_nobody_is_at_is_put_back(db: Database) {
    let executions = db.executions();
    let n = life(&db, "n").await;
    enqueue(&db, new_id(), "j").await;
    let claim = claim_next(&db, &n).await.unwrap().claim();
    assert_eq!(executions.held_by(&n).await.unwrap(), [claim]);
    assert_eq!(executions.held_by(&life(&db, "m").await).await.unwrap(), []);
    for _ in 0..4 {
        let claim = executions.held_by(&n).await.unwrap()[0];
        let now = executions.put_back_lost(claim).await.unwrap();
        assert_eq!(now, Some(State::Queued));
        assert_eq!(executions.put_back_lost(claim).await.unwrap(), None);
        claim_next(&db, &n).await.unwrap();
    }
    assert_eq!(
        executions.put_back_lost(claim).await.unwrap(),
        None,
        "of an older attempt"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_put_back_what_others_left_that_are_gone() {
    let db = Database::postgres().await;
    let executions = db.executions();
    let (dying, living) = (life(&db, "dying").await, life(&db, "living").await);
    let mut taken = Vec::new();
    for life in [&dying, &living] {
        enqueue(&db, new_id(), "j").await;
        taken.push(claim_next(&db, life).await.unwrap().id);
    }
    assert_eq!(executions.put_back().await.unwrap(), []);
    end_lease(&db, &dying).await;

    // Several look at once.
    let others = [db.again().await, db.again().await, db.again().await];
    let looks = others.map(|store| tokio::spawn(async move { store.executions().put_back().await.unwrap() }));
    let mut put_back = Vec::new();
    for look in looks {
        put_back.extend(look.await.unwrap());
    }
    assert_eq!(put_back, [(taken[0], State::Queued)]);
    assert_eq!(executions.get(taken[1]).await.unwrap().state, State::Running);
    // What a version without leases had taken.
    let connection = sea_orm::Database::connect(&db.url).await.unwrap();
    let sql = "UPDATE executions SET holder = NULL";
    connection.execute_unprepared(sql).await.unwrap();
    assert_eq!(executions.put_back().await.unwrap(), [(taken[1], State::Queued)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_was_only_slow_can_do_no_harm() {
    let db = Database::postgres().await;
    let executions = db.executions();
    let mut slow = executions.join("slow").await.unwrap();
    assert!(slow.renew().await.unwrap());
    enqueue(&db, new_id(), "j").await;
    let lost = claim_next(&db, &slow.life()).await.unwrap().claim();
    let step = begin(&db, lost).await;
    end_lease(&db, &slow.life()).await;

    // Even before anybody has taken over.
    let waiting = enqueue(&db, new_id(), "j").await;
    assert!(
        executions
            .claim(waiting.id, &slow.life())
            .await
            .unwrap()
            .is_none()
    );
    assert!(!slow.renew().await.unwrap(), "a lease that is over stays so");
    executions.put_back().await.unwrap();
    let other = claim_next(&db, &life(&db, "other").await).await.unwrap();
    assert_eq!((other.id, other.attempts), (lost.execution, 2));

    assert!(!slow.renew().await.unwrap());
    let written = executions.checkpoint(lost, &step, None).await;
    assert!(matches!(written, Err(Error::Conflict(_))), "{written:?}");
    let before = slow.life();
    slow.begin_again().await.unwrap();
    assert_ne!(slow.life().id, before.id);
    assert!(slow.renew().await.unwrap());
    let taken = executions.claim(waiting.id, &slow.life()).await.unwrap().unwrap();
    assert_eq!(executions.put_back().await.unwrap(), []);
    slow.leave().await.unwrap();
    assert_eq!(
        executions.get(taken.id).await.unwrap().state,
        State::Running,
        "its lease is not over yet"
    );
}

/// The renewal has a session of its own, however crowded the others are.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lease_is_renewed_where_connections_break() {
    let db = Database::postgres().await;
    let mut node = db.executions().join("n").await.unwrap();
    let connection = sea_orm::Database::connect(&db.url).await.unwrap();
    for _ in 0..3 {
        let others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
        connection.execute_unprepared(others).await.unwrap();
        let mut renewed = node.renew().await;
        if renewed.is_err() {
            renewed = node.renew().await;
        }
        assert!(renewed.unwrap());
    }
    let refused = db.again().await.executions().join("n").await;
    assert!(
        matches!(refused, Err(Error::Conflict(_))),
        "it has its name again"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_name_belongs_to_one_process() {
    let db = Database::postgres().await;
    let other = db.again().await;
    let node = db.executions().join("n").await.unwrap();
    let refused = other.executions().join("n").await.unwrap_err();
    assert!(refused.to_string().contains("node name \"n\""), "{refused}");
    node.leave().await.unwrap();
    let dead = other.executions().join("n").await.unwrap();

    // A process that was killed leaves its lease behind, and closes its connections.
    let before = dead.life();
    drop(dead);
    let again = db.executions().join("n").await.unwrap();
    assert_ne!(again.life().id, before.id);

    // One whose machine lost its power leaves its connection behind, until its lease is over.
    for life in [before, again.life()] {
        end_lease(&db, &life).await;
    }
    other.executions().join("n").await.unwrap();
}
