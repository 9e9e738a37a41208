//! Executions that were over long ago are forgotten, and others are not.

use courier_store::{executions::ExecutionState as State, new_id, now};
use jiff::SignedDuration;

use crate::{
    database::Database,
    executions::{claim_next, enqueue, life},
    on_both,
    records::of,
};

on_both!(
    what_was_over_before_goes_with_all_its_rows,
    two_nodes_forget_side_by_side,
    states_are_told_of_those_that_are_there,
    the_queue_tells_since_when_its_first_waits,
);

async fn what_was_over_before_goes_with_all_its_rows(db: Database) {
    let executions = db.executions();
    let job = new_id();
    let mut over = Vec::new();
    for _ in 0..130 {
        let id = enqueue(&db, job, "old").await.id;
        executions
            .request_cancel(id, of("execution_cancelled"))
            .await
            .unwrap();
        over.push(id);
    }
    let waits = enqueue(&db, job, "waits").await;
    let runs = enqueue(&db, job, "runs").await;
    let life = life(&db, "n1").await;
    executions.claim(runs.id, &life).await.unwrap().unwrap();

    assert_eq!(
        executions
            .forget(now() - SignedDuration::from_hours(1))
            .await
            .unwrap(),
        0
    );
    let mut gone = 0;
    loop {
        match executions
            .forget(now() + SignedDuration::from_secs(1))
            .await
            .unwrap()
        {
            0 => break,
            some => gone += some,
        }
    }
    assert_eq!(gone, 130);
    for id in over {
        assert!(executions.get(id).await.is_err());
        assert!(executions.steps(id).await.unwrap().is_empty());
        assert!(executions.history(id).await.unwrap().is_empty());
    }
    for id in [waits.id, runs.id] {
        assert_eq!(executions.steps(id).await.unwrap().len(), 2);
    }
}

async fn two_nodes_forget_side_by_side(db: Database) {
    let other = db.again().await;
    for _ in 0..300 {
        let id = enqueue(&db, new_id(), "old").await.id;
        db.executions()
            .request_cancel(id, of("execution_cancelled"))
            .await
            .unwrap();
    }
    let all = async |store: &courier_store::Store| {
        let mut gone = 0;
        // One may find nothing while the other has it all.
        for _ in 0..6 {
            gone += store
                .executions()
                .forget(now() + SignedDuration::from_secs(1))
                .await
                .unwrap();
        }
        gone
    };
    let (here, there) = tokio::join!(all(&db), all(&other));
    assert_eq!(here + there, 300);
}

async fn states_are_told_of_those_that_are_there(db: Database) {
    let waits = enqueue(&db, new_id(), "a").await.id;
    let over = enqueue(&db, new_id(), "b").await.id;
    db.executions()
        .request_cancel(over, of("execution_cancelled"))
        .await
        .unwrap();
    let mut asked: Vec<_> = (0..1200).map(|_| new_id()).collect();
    asked.extend([waits, over]);
    let mut states = db.executions().states_of(&asked).await.unwrap();
    states.sort();
    assert_eq!(states, [(waits, State::Queued), (over, State::Cancelled)]);
    assert!(db.executions().states_of(&[]).await.unwrap().is_empty());
}

async fn the_queue_tells_since_when_its_first_waits(db: Database) {
    let executions = db.executions();
    assert_eq!(executions.waiting_since().await.unwrap(), None);
    let first = enqueue(&db, new_id(), "a").await;
    enqueue(&db, new_id(), "b").await;
    let since = executions.waiting_since().await.unwrap().unwrap();
    assert!(since >= first.queued_at && since <= now());
    // One that was resumed waits since then.
    executions
        .request_pause(first.id, of("execution_paused"))
        .await
        .unwrap();
    let resumed = now();
    executions
        .request_resume(first.id, of("execution_resumed"))
        .await
        .unwrap();
    assert!(executions.waiting_since().await.unwrap().unwrap() >= resumed);
    let life = life(&db, "n1").await;
    while claim_next(&db, &life).await.is_some() {}
    assert_eq!(executions.waiting_since().await.unwrap(), None);
}
