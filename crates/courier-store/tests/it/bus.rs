//! What processes that share a database tell each other.

use std::time::Duration;

use courier_store::{
    Store,
    bus::{Heard, Notice, Progress, Subscription},
    executions::ExecutionState,
    new_id,
};
use sea_orm::ConnectionTrait;
use tokio::time::timeout;
use uuid::Uuid;

use crate::database::Database;

async fn next(ear: &mut Subscription) -> Heard {
    let heard = timeout(Duration::from_secs(20), ear.next()).await;
    heard.expect("something is heard").expect("the store is open")
}

/// An ear that hears the others.
async fn ear(store: &Store) -> Subscription {
    let mut ear = store.bus().subscribe();
    assert_eq!(next(&mut ear).await, Heard::Gap);
    ear
}

fn wish() -> Notice {
    Notice::Wish { execution: new_id() }
}

fn file(execution: Uuid, name: &str, bytes: u64) -> Notice {
    Notice::Progress(Progress {
        execution,
        step: 1,
        current_file: name.into(),
        bytes_transferred: bytes,
        total_bytes: Some(100),
        transfer_rate_bytes_per_sec: 1.5,
        eta_sec: Some(7),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_sqlite_a_process_hears_itself() {
    let database = Database::sqlite().await;
    let mut ear = database.bus().subscribe();
    let wish = wish();
    database.bus().publish(wish.clone());
    assert_eq!(next(&mut ear).await, Heard::Here(wish));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_hear_each_other_once_and_in_order() {
    let database = Database::postgres().await;
    let other = database.again().await;
    let (mut here, mut there) = (ear(&database).await, ear(&other).await);
    let notices: Vec<_> = (1..=300)
        .map(|step| Notice::State {
            execution: new_id(),
            state: ExecutionState::Running,
            step: Some(step),
        })
        .collect();
    for notice in &notices {
        database.bus().publish(notice.clone());
    }
    for notice in &notices {
        assert_eq!(next(&mut here).await, Heard::Here(notice.clone()));
        assert_eq!(next(&mut there).await, Heard::Elsewhere(notice.clone()));
    }
    let back = wish();
    other.bus().publish(back.clone());
    assert_eq!(next(&mut here).await, Heard::Elsewhere(back.clone()));
    assert_eq!(next(&mut there).await, Heard::Here(back));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_much_progress_the_newest_is_told_elsewhere() {
    let database = Database::postgres().await;
    let other = database.again().await;
    let (mut here, mut there) = (ear(&database).await, ear(&other).await);
    let execution = new_id();
    for bytes in 0..=1000 {
        for name in ["a", "b"] {
            database.bus().publish(file(execution, name, bytes));
        }
    }
    let mut heard = 0;
    let mut last = Vec::new();
    while last.len() < 2 {
        let notice = next(&mut there).await;
        heard += 1;
        for name in ["a", "b"] {
            if notice == Heard::Elsewhere(file(execution, name, 1000)) {
                last.push(name);
            }
        }
    }
    assert!(heard < 20, "{heard} of 2,002 were sent");
    let wish = wish();
    database.bus().publish(wish.clone());
    assert_eq!(
        next(&mut here).await,
        Heard::Here(wish),
        "no progress of one's own"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_changes_often_is_told_elsewhere_now_and_then() {
    let database = Database::postgres().await;
    let other = database.again().await;
    let (mut here, mut there) = (ear(&database).await, ear(&other).await);
    let id = new_id();
    let jobs = Notice::Changed {
        what: "jobs".into(),
        id: Some(id),
    };
    for _ in 0..1000 {
        database.bus().changed("jobs", Some(id));
    }
    for _ in 0..1000 {
        assert_eq!(next(&mut here).await, Heard::Here(jobs.clone()));
    }
    let last = wish();
    assert_eq!(next(&mut there).await, Heard::Elsewhere(jobs.clone()));
    database.bus().publish(last.clone());
    let mut heard = 1;
    while next(&mut there).await != Heard::Elsewhere(last.clone()) {
        heard += 1;
    }
    assert!(heard < 20, "{heard} of 1,000 were sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_line_that_broke_is_opened_again_and_listeners_look_again() {
    let database = Database::postgres().await;
    let other = database.again().await;
    let mut there = ear(&other).await;
    let admin = sea_orm::Database::connect(&database.url).await.unwrap();
    admin
        .execute_unprepared(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
             AND pid <> pg_backend_pid()",
        )
        .await
        .unwrap();
    assert_eq!(next(&mut there).await, Heard::Gap);
    let wish = wish();
    database.bus().publish(wish.clone());
    assert_eq!(next(&mut there).await, Heard::Elsewhere(wish));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_waits_is_said_before_a_store_closes() {
    let database = Database::postgres().await;
    let other = database.again().await;
    let mut there = ear(&other).await;
    let wish = wish();
    database.bus().publish(wish.clone());
    database.store.close().await.unwrap();
    assert_eq!(next(&mut there).await, Heard::Elsewhere(wish));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_hears_too_slowly_is_told_to_look_again() {
    let database = Database::sqlite().await;
    let mut ear = database.bus().subscribe();
    let last = wish();
    for _ in 0..5000 {
        database.bus().publish(wish());
    }
    database.bus().publish(last.clone());
    assert_eq!(next(&mut ear).await, Heard::Gap);
    let mut left = 0;
    while next(&mut ear).await != Heard::Here(last.clone()) {
        left += 1;
    }
    assert!(left < 4096);
}
