//! Executions that run on this node: how they are told to stop, and how they tell what they do.

mod moving;
mod place;
mod tell;

use std::{
    collections::HashMap,
    pin::pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use courier_store::{
    Store,
    bus::{Heard, Notice, Summary},
    executions::ExecutionState,
};
use parking_lot::Mutex;
use tokio::{sync::broadcast, time::timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) use self::{
    moving::Moving,
    place::{Place, Places},
    tell::Told,
};
use self::{moving::Rate, tell::Teller};
use crate::{Engine, ExecutionEvent, lease::Lease, steps::StepState};

/// Why an execution is to stop before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// For good.
    Cancel,
    /// To be resumed by somebody.
    Pause,
    /// To be gone on with by the next process.
    Shutdown,
    /// At once, without another word to the database: another node may have it by now.
    LeaseLost,
}

/// How often a step that waits for its turn is excused.
const EXCUSE: Duration = Duration::from_millis(200);

/// How often watchers hear how far everything is.
const TICK: Duration = Duration::from_millis(500);

/// All executions that run on this node.
#[derive(Debug)]
pub(crate) struct LiveExecutions {
    running: Mutex<HashMap<Uuid, Arc<Live>>>,
    teller: Teller,
    completed: AtomicU64,
    failed: AtomicU64,
    cancelled: AtomicU64,
    pulled_files: AtomicU64,
    pulled_bytes: AtomicU64,
    not_pulled: AtomicU64,
}

/// What folder mappings have done on this node since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PullFigures {
    /// Files that were pulled.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Times that a file or a folder could not be pulled.
    pub failures: u64,
}

impl LiveExecutions {
    pub(crate) fn new(store: &Store) -> Self {
        Self {
            running: Mutex::default(),
            teller: Teller::new(store),
            completed: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
            pulled_files: AtomicU64::new(0),
            pulled_bytes: AtomicU64::new(0),
            not_pulled: AtomicU64::new(0),
        }
    }

    /// An execution begins here, at this place, under the lease of the life that took it.
    pub(crate) fn begin(&self, id: Uuid, lease: Lease, place: Place) -> Arc<Live> {
        let live = Arc::new(Live {
            id,
            lease,
            place,
            teller: self.teller.clone(),
            stop: Mutex::default(),
            stopping: CancellationToken::new(),
            ended: CancellationToken::new(),
            step: Mutex::default(),
            moving: Mutex::default(),
        });
        self.running.lock().insert(id, live.clone());
        live
    }

    /// It ended here.
    pub(crate) fn end(&self, id: Uuid) {
        if let Some(live) = self.running.lock().remove(&id) {
            live.place.leave();
            live.ended.cancel();
        }
    }

    pub(crate) fn get(&self, id: Uuid) -> Option<Arc<Live>> {
        self.running.lock().get(&id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Live>> {
        self.running.lock().values().cloned().collect()
    }

    /// What all executions tell from now on, on this node and on others.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Told> {
        self.teller.listen()
    }

    /// How many executions came to their end on this node, by how.
    pub(crate) fn ended(&self) -> [(ExecutionState, u64); 3] {
        [
            (ExecutionState::Completed, self.completed.load(Ordering::Relaxed)),
            (ExecutionState::Failed, self.failed.load(Ordering::Relaxed)),
            (ExecutionState::Cancelled, self.cancelled.load(Ordering::Relaxed)),
        ]
    }

    /// A file was pulled on this node.
    pub(crate) fn count_pulled(&self, bytes: u64) {
        self.pulled_files.fetch_add(1, Ordering::Relaxed);
        self.pulled_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// A file or a folder could not be pulled on this node.
    pub(crate) fn count_not_pulled(&self) {
        self.not_pulled.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn pulled(&self) -> PullFigures {
        PullFigures {
            files: self.pulled_files.load(Ordering::Relaxed),
            bytes: self.pulled_bytes.load(Ordering::Relaxed),
            failures: self.not_pulled.load(Ordering::Relaxed),
        }
    }

    /// Tells watchers that an execution changed its state, by what happened on this node.
    pub(crate) fn tell_state(&self, id: Uuid, state: ExecutionState) {
        match state {
            ExecutionState::Completed => self.completed.fetch_add(1, Ordering::Relaxed),
            ExecutionState::Failed => self.failed.fetch_add(1, Ordering::Relaxed),
            ExecutionState::Cancelled => self.cancelled.fetch_add(1, Ordering::Relaxed),
            ExecutionState::Queued | ExecutionState::Running | ExecutionState::Paused => 0,
        };
        let event = ExecutionEvent::State { state, step: None };
        self.teller.everywhere(id, event);
    }
}

/// Passes what executions on other nodes tell, and what may have changed anywhere, on to watchers here, until the engine stops.
pub(crate) async fn hear_other_nodes(engine: Engine) {
    let mut ear = engine.0.store.bus().subscribe();
    loop {
        let heard = tokio::select! {
            () = engine.0.stopping.cancelled() => return,
            heard = ear.next() => heard,
        };
        let told = match heard {
            Some(Heard::Elsewhere(notice)) => match notice {
                Notice::State {
                    execution,
                    state,
                    step,
                } => {
                    // It may have begun here.
                    if state.is_final() && engine.0.live.get(execution).is_none() {
                        engine.0.paths.remove_work_dir(execution).await;
                    }
                    Told::Event(execution, ExecutionEvent::State { state, step })
                }
                Notice::Progress(file) => Told::Event(file.execution, ExecutionEvent::Progress(file)),
                Notice::Summary(step) => Told::Event(step.execution, ExecutionEvent::Summary(step)),
                Notice::Changed { what, id } => Told::Changed { what, id },
                _ => continue,
            },
            Some(Heard::Gap) => Told::LookAgain,
            Some(Heard::Here(Notice::Changed { what, id })) => Told::Changed { what, id },
            // Watchers have it already.
            Some(Heard::Here(_)) => continue,
            None => return,
        };
        engine.0.live.teller.here(told);
    }
}

/// Tells watchers everywhere how far all is that runs here, until everything has ended.
pub(crate) async fn tell_progress(engine: Engine) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = engine.0.stopping.cancelled() => return,
            _ = ticks.tick() => {}
        }
        for live in engine.0.live.all() {
            live.tell_progress();
        }
    }
}

/// One execution that runs on this node.
#[derive(Debug)]
pub(crate) struct Live {
    id: Uuid,
    lease: Lease,
    place: Place,
    teller: Teller,
    stop: Mutex<Option<Stop>>,
    stopping: CancellationToken,
    ended: CancellationToken,
    step: Mutex<Option<Running>>,
    moving: Mutex<Vec<Weak<Moving>>>,
}

/// The step that runs now.
#[derive(Debug)]
struct Running {
    state: Arc<StepState>,
    rate: Rate,
    told: Option<Summary>,
}

impl Live {
    /// May this node still act for it? To be asked right before what can't be taken back.
    pub(crate) fn is_held(&self) -> bool {
        self.lease.is_held()
    }

    /// The lease that it runs under.
    pub(crate) fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Tells it to stop. The first word counts, but a cancel overrules the others, and a lost lease overrules all.
    pub(crate) fn stop(&self, stop: Stop) {
        let mut wish = self.stop.lock();
        match (*wish, stop) {
            (None, _) | (_, Stop::LeaseLost) => *wish = Some(stop),
            (Some(Stop::LeaseLost), _) => {}
            (Some(_), Stop::Cancel) => *wish = Some(stop),
            (Some(_), _) => {}
        }
        self.stopping.cancel();
    }

    /// Waits until it is told to stop.
    pub(crate) async fn stopped(&self) -> Stop {
        self.stopping.cancelled().await;
        self.stop.lock().unwrap_or(Stop::Shutdown)
    }

    /// Why it is to stop, if it is.
    pub(crate) fn wish(&self) -> Option<Stop> {
        *self.stop.lock()
    }

    /// Waits until it has ended here.
    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// What a long wait comes to that needs nothing of this machine: another execution has its place meanwhile. Where none is
    /// free afterwards, the wait for one is no lack of progress.
    pub(crate) async fn aside<T>(&self, wait: impl Future<Output = T>) -> T {
        self.place.step_aside();
        let done = wait.await;
        if !self.place.is_taken() {
            let mut turn = pin!(self.place.retake());
            while timeout(EXCUSE, &mut turn).await.is_err() {
                self.excuse();
            }
        }
        done
    }

    /// Waits until it has left its place, for a while or for good.
    pub(crate) async fn left_place(&self) {
        self.place.left().await;
    }

    /// Tells watchers.
    pub(crate) fn tell(&self, event: ExecutionEvent) {
        self.teller.everywhere(self.id, event);
    }

    /// The step that runs now.
    pub(crate) fn set_step(&self, step: Option<Arc<StepState>>) {
        *self.step.lock() = step.map(|state| Running {
            rate: Rate::from(state.counts().0),
            state,
            told: None,
        });
    }

    /// The step that runs now waits for something that it can't help: that is no lack of progress.
    pub(crate) fn excuse(&self) {
        if let Some(step) = &*self.step.lock() {
            step.state.progressed();
        }
    }

    /// Index, bytes and files of the step that runs now.
    pub(crate) fn counts(&self) -> Option<(u32, u64, u64)> {
        let step = self.step.lock();
        step.as_ref().map(|step| {
            let (bytes, files) = step.state.counts();
            (step.state.index, bytes, files)
        })
    }

    /// A file begins to move, at this offset. It is told of as long as somebody holds it.
    pub(crate) fn file(&self, step: u32, name: String, offset: u64, total: Option<u64>) -> Arc<Moving> {
        let file = Arc::new(Moving::new(
            self.teller.clone(),
            self.id,
            step,
            name,
            offset,
            total,
        ));
        self.moving.lock().push(Arc::downgrade(&file));
        file
    }

    fn tell_progress(&self) {
        let mut files = Vec::new();
        self.moving.lock().retain(|file| match file.upgrade() {
            Some(file) => {
                files.push(file);
                true
            }
            None => false,
        });
        for file in files {
            file.tell();
        }
        if let Some(summary) = self.summary() {
            self.tell(ExecutionEvent::Summary(summary));
        }
    }

    /// How far the step is, where that is news.
    fn summary(&self) -> Option<Summary> {
        let mut step = self.step.lock();
        let step = step.as_mut()?;
        let (bytes, files) = step.state.counts();
        let summary = Summary {
            execution: self.id,
            step: step.state.index,
            bytes_transferred: bytes,
            files_transferred: files,
            transfer_rate_bytes_per_sec: step.rate.at(Instant::now(), bytes),
        };
        let is_news = step.told.as_ref() != Some(&summary) && (bytes, files) != (0, 0);
        is_news.then(|| {
            step.told = Some(summary.clone());
            summary
        })
    }
}
