//! Sessions with servers, counted over all nodes.

use std::time::Duration;

use courier_store::{
    Store,
    bus::{Heard, Notice},
    executions::Life,
    new_id,
    session_slots::SessionSlot,
};
use futures::future::join_all;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

use crate::{database::Database, executions::life};

/// So many rows a connection has.
async fn rows(db: &Database, connection: Uuid) -> i64 {
    let question = format!("SELECT count(*) FROM session_slots WHERE connection_id = '{connection}'");
    let database = sea_orm::Database::connect(&db.url).await.unwrap();
    let row = database
        .query_one_raw(Statement::from_string(DbBackend::Postgres, question))
        .await;
    row.unwrap().unwrap().try_get_by_index(0).unwrap()
}

async fn take(store: &Store, connection: Uuid, life: &Life, most: u32) -> Option<SessionSlot> {
    let slot = SessionSlot::new(connection);
    let taken = store.session_slots().take(slot, life, most).await.unwrap();
    taken.then_some(slot)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn there_are_never_more_than_a_connection_may_have() {
    let db = Database::postgres().await;
    let other = db.again().await;
    let lives = [life(&db, "a").await, life(&other, "b").await];
    let connection = new_id();
    for round in 0..20 {
        let tries = (0..12).map(|n| {
            let store: &Store = if n % 2 == 0 { &db } else { &other };
            let life: &Life = &lives[n % 2];
            async move { take(store, connection, life, 3).await }
        });
        let taken: Vec<_> = join_all(tries).await.into_iter().flatten().collect();
        assert_eq!(taken.len(), 3, "round {round}");
        assert_eq!(rows(&db, connection).await, 3);
        let elsewhere = take(&db, new_id(), &lives[0], 1).await;
        assert!(elsewhere.is_some(), "another connection's are counted apart");
        // Whoever took it may give it back anywhere, twice too.
        for slot in &taken {
            other.session_slots().release(*slot).await.unwrap();
            db.session_slots().release(*slot).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn those_of_a_dead_node_do_not_count() {
    let db = Database::postgres().await;
    let (dead, alive) = (life(&db, "dead").await, life(&db, "alive").await);
    let connection = new_id();
    assert!(take(&db, connection, &dead, 1).await.is_some());
    assert!(take(&db, connection, &alive, 1).await.is_none());
    let sql = format!("UPDATE nodes SET lease_until = 1 WHERE id = '{}'", dead.id);
    let other = sea_orm::Database::connect(&db.url).await.unwrap();
    other.execute_unprepared(&sql).await.unwrap();
    assert!(take(&db, connection, &alive, 1).await.is_some());
    // Nor can it take any more, though there would be room.
    assert!(take(&db, connection, &dead, 9).await.is_none());
    assert_eq!(rows(&db, connection).await, 2);
    db.executions().put_back().await.unwrap();
    assert_eq!(rows(&db, connection).await, 1, "its rows go with it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_waits_hears_that_one_was_closed() {
    let db = Database::postgres().await;
    let other = db.again().await;
    let life = life(&db, "n").await;
    let connection = new_id();
    let mut ear = other.bus().subscribe();
    assert_eq!(ear.next().await, Some(Heard::Gap));
    let slot = take(&db, connection, &life, 1).await.unwrap();
    db.session_slots().release(slot).await.unwrap();
    let heard = tokio::time::timeout(Duration::from_secs(10), ear.next());
    assert_eq!(
        heard.await.unwrap(),
        Some(Heard::Elsewhere(Notice::Slots { connection }))
    );
}

#[tokio::test]
async fn a_process_that_is_alone_counts_for_itself() {
    let db = Database::sqlite().await;
    let life = life(&db, "n").await;
    for _ in 0..3 {
        assert!(take(&db, new_id(), &life, 1).await.is_some());
    }
}
