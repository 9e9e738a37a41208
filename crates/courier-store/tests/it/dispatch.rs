//! The queue's other end: who is called for what waits, and when.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use courier_store::{
    Error, Store,
    dispatch::{Handled, Handler},
    executions::{Execution, ExecutionState as State, Life},
    new_id,
};
use sea_orm::ConnectionTrait;
use tokio::{
    sync::{Mutex, Notify},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    database::Database,
    executions::{enqueue, life},
    on_both, postgres,
};

on_both!(
    what_waits_is_run_once_and_no_more_at_a_time_than_there_are_places,
    what_is_queued_is_called_for_at_once,
    what_waits_already_is_called_for,
    a_stop_waits_for_what_runs,
);

/// Takes executions, and has done them at once, or when it may.
#[derive(Debug)]
struct Worker {
    store: Store,
    life: Life,
    begun: Mutex<HashMap<Uuid, (Instant, u32)>>,
    running: AtomicUsize,
    most: AtomicUsize,
    changed: Notify,
    /// What it runs ends when this is cancelled.
    end: CancellationToken,
    here: bool,
}

#[async_trait]
impl Handler for Worker {
    async fn run(&self, id: Uuid) -> Handled {
        if !self.here {
            return Handled::NotHere;
        }
        let Some(taken) = self.take(id).await else {
            return Handled::Done;
        };
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        self.begun.lock().await.entry(id).or_insert((Instant::now(), 0)).1 += 1;
        self.changed.notify_one();
        self.end.cancelled().await;
        let executions = self.store.executions();
        loop {
            match executions
                .release(taken.claim(), State::Completed, None, None)
                .await
            {
                Err(error) if error.may_pass() => tokio::time::sleep(Duration::from_millis(20)).await,
                // It was done, and the answer was lost.
                Err(Error::Conflict(_)) => break,
                released => break drop(released.unwrap()),
            }
        }
        self.running.fetch_sub(1, Ordering::SeqCst);
        Handled::Done
    }
}

impl Worker {
    async fn take(&self, id: Uuid) -> Option<Execution> {
        let executions = self.store.executions();
        loop {
            match executions.claim(id, &self.life).await {
                Err(error) if error.may_pass() => {}
                taken => return taken.unwrap(),
            }
            // It may have been taken, and the answer was lost.
            for claim in executions.held_by(&self.life).await.unwrap_or_default() {
                if claim.execution == id {
                    let _ = executions.put_back_lost(claim).await;
                }
            }
        }
    }
}

struct Running {
    worker: Arc<Worker>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    async fn stop(self) -> HashMap<Uuid, (Instant, u32)> {
        self.worker.end.cancel();
        self.stop.cancel();
        self.task.await.unwrap();
        std::mem::take(&mut *self.worker.begun.lock().await)
    }

    /// Waits until it has begun so many.
    async fn has_begun(&self, count: usize) {
        let begun = async {
            while self.worker.begun.lock().await.len() < count {
                self.worker.changed.notified().await;
            }
        };
        if tokio::time::timeout(Duration::from_secs(40), begun)
            .await
            .is_err()
        {
            panic!("{} of {count} have begun", self.worker.begun.lock().await.len());
        }
    }
}

async fn start(store: &Store, name: &str, places: usize, at_once: bool) -> Running {
    start_one(store, name, places, at_once, true).await
}

async fn start_one(store: &Store, name: &str, places: usize, at_once: bool, here: bool) -> Running {
    let worker = Arc::new(Worker {
        store: store.clone(),
        life: life(store, name).await,
        begun: Mutex::default(),
        running: AtomicUsize::new(0),
        most: AtomicUsize::new(0),
        changed: Notify::new(),
        end: CancellationToken::new(),
        here,
    });
    if at_once {
        worker.end.cancel();
    }
    let stop = CancellationToken::new();
    let (store, handler, stopped) = (store.clone(), worker.clone(), stop.clone());
    let task = tokio::spawn(async move { store.dispatcher().run(places, handler, stopped).await });
    Running { worker, stop, task }
}

async fn what_waits_is_run_once_and_no_more_at_a_time_than_there_are_places(db: Database) {
    let mut ids = Vec::new();
    for _ in 0..60 {
        ids.push(enqueue(&db, new_id(), "j").await.id);
    }
    // SQLite has one process.
    let nodes = match db.folder {
        Some(_) => vec![start(&db, "one", 3, true).await],
        None => vec![
            start(&db, "one", 3, true).await,
            start(&db.again().await, "two", 3, true).await,
        ],
    };
    for _ in 0..40 {
        ids.push(enqueue(&db, new_id(), "j").await.id);
    }
    let mut all_done = 0;
    while all_done < ids.len() {
        all_done = 0;
        for node in &nodes {
            all_done += node.worker.begun.lock().await.len();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut begun = Vec::new();
    for node in nodes {
        assert!(node.worker.most.load(Ordering::SeqCst) <= 3);
        begun.extend(node.stop().await);
    }
    assert!(begun.iter().all(|(_, (_, times))| *times == 1));
    let mut begun: Vec<Uuid> = begun.into_iter().map(|(id, _)| id).collect();
    begun.sort();
    ids.sort();
    assert_eq!(begun, ids);
}

async fn what_is_queued_is_called_for_at_once(db: Database) {
    let node = start(&db, "n", 4, true).await;
    let mut queued = HashMap::new();
    for count in 1..=30 {
        let id = enqueue(&db, new_id(), "j").await.id;
        queued.insert(id, Instant::now());
        node.has_begun(count).await;
    }
    let begun = node.stop().await;
    let mut waits: Vec<Duration> = queued
        .iter()
        .map(|(id, at)| begun[id].0.saturating_duration_since(*at))
        .collect();
    waits.sort();
    assert!(waits[14] < Duration::from_millis(500), "{waits:?}");
}

/// However many there are, none waits for the next look without a call.
async fn what_waits_already_is_called_for(db: Database) {
    for _ in 0..120 {
        enqueue(&db, new_id(), "j").await;
    }
    let begun = Instant::now();
    let node = start(&db, "n", 2, true).await;
    node.has_begun(120).await;
    assert!(begun.elapsed() < Duration::from_secs(20));
    node.stop().await;
}

async fn a_stop_waits_for_what_runs(db: Database) {
    let node = start(&db, "n", 2, false).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(enqueue(&db, new_id(), "j").await.id);
    }
    node.has_begun(2).await;
    node.stop.cancel();
    assert!(!node.task.is_finished());
    let begun = node.stop().await;
    assert_eq!(begun.len(), 2);
    let left = db.executions().get(ids[2]).await.unwrap();
    assert_eq!(left.state, State::Queued);
    let begun = begun.into_keys().chain([ids[2]]);
    assert_eq!(
        begun.collect::<std::collections::HashSet<_>>(),
        ids.into_iter().collect()
    );

    // The next one takes what is left.
    let next = start(&db, "next", 2, true).await;
    next.has_begun(1).await;
    next.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_cannot_be_run_here_is_run_elsewhere() {
    let db = Database::postgres().await;
    let unable = start_one(&db, "unable", 2, true, false).await;
    for _ in 0..5 {
        enqueue(&db, new_id(), "j").await;
    }
    let able = start(&db.again().await, "able", 2, true).await;
    able.has_begun(5).await;
    assert!(unable.stop().await.is_empty());
    assert_eq!(able.stop().await.len(), 5);
}

/// Those of a backup, and those whose call went to a process that died at that moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_nobody_is_called_for_is_found() {
    let db = Database::postgres().await;
    for _ in 0..3 {
        enqueue(&db, new_id(), "j").await;
    }
    let connection = sea_orm::Database::connect(&db.url).await.unwrap();
    for change in [
        "DELETE FROM courier_queue._private_jobs WHERE id IN (SELECT min(id) FROM courier_queue._private_jobs)",
        "UPDATE courier_queue._private_jobs SET locked_by = 'somebody', locked_at = now() - interval '1 minute'
         WHERE id IN (SELECT max(id) FROM courier_queue._private_jobs)",
    ] {
        connection.execute_unprepared(change).await.unwrap();
    }
    let node = start(&db, "n", 2, true).await;
    node.has_begun(3).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_queue_goes_on_where_all_connections_break() {
    let db = Database::postgres().await;
    let node = start(&db, "n", 2, true).await;
    let connection = sea_orm::Database::connect(&db.url).await.unwrap();
    for round in 1..=4 {
        enqueue(&db, new_id(), "j").await;
        node.has_begun(round).await;
        let others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
        connection.execute_unprepared(others).await.unwrap();
        let store = db.again().await;
        enqueue(&store, new_id(), "j").await;
        // Not counted: which of the two comes first doesn't matter.
        node.has_begun(round).await;
    }
    node.has_begun(8).await;
    node.stop().await;
}

/// Nothing is half made, and the error says what is missing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_role_that_may_not_make_a_schema_is_told_so() {
    let url = tokio::task::spawn_blocking(postgres::new_database).await.unwrap();
    let connection = sea_orm::Database::connect(&url).await.unwrap();
    let role = format!("r{}", new_id().simple());
    let name = url.split(['/', '?']).nth(3).unwrap();
    for change in [
        format!("CREATE ROLE {role} LOGIN"),
        format!("GRANT ALL ON SCHEMA public TO {role}"),
    ] {
        connection.execute_unprepared(&change).await.unwrap();
    }
    let as_role = url.replace("postgres@", &format!("{role}@"));
    let refused = Store::open(&as_role).await.unwrap_err().to_string();
    assert!(
        refused.contains("courier_queue") && refused.contains("GRANT CREATE"),
        "{refused}"
    );
    let grant = format!("GRANT CREATE ON DATABASE {name} TO {role}");
    connection.execute_unprepared(&grant).await.unwrap();
    Store::open(&as_role).await.unwrap();
}
