//! Executions that run on this node: how they are told to stop, and how they tell what they do.

use std::{collections::HashMap, sync::Arc};

use courier_store::executions::ExecutionState;
use parking_lot::Mutex;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{ExecutionEvent, lease::Lease, steps::StepState};

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

/// Events that a watcher may be behind.
const EVENTS: usize = 4096;

/// All executions that run on this node.
#[derive(Debug)]
pub(crate) struct LiveExecutions {
    running: Mutex<HashMap<Uuid, Arc<Live>>>,
    events: broadcast::Sender<(Uuid, ExecutionEvent)>,
}

impl Default for LiveExecutions {
    fn default() -> Self {
        Self {
            running: Mutex::default(),
            events: broadcast::Sender::new(EVENTS),
        }
    }
}

impl LiveExecutions {
    /// An execution begins here, under the lease of the life that took it.
    pub(crate) fn begin(&self, id: Uuid, lease: Lease) -> Arc<Live> {
        let live = Arc::new(Live {
            id,
            lease,
            events: self.events.clone(),
            stop: Mutex::default(),
            stopping: CancellationToken::new(),
            ended: CancellationToken::new(),
            step: Mutex::default(),
        });
        self.running.lock().insert(id, live.clone());
        live
    }

    /// It ended here.
    pub(crate) fn end(&self, id: Uuid) {
        if let Some(live) = self.running.lock().remove(&id) {
            live.ended.cancel();
        }
    }

    pub(crate) fn get(&self, id: Uuid) -> Option<Arc<Live>> {
        self.running.lock().get(&id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Live>> {
        self.running.lock().values().cloned().collect()
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<(Uuid, ExecutionEvent)> {
        self.events.subscribe()
    }

    /// Tells watchers that an execution changed its state.
    pub(crate) fn tell_state(&self, id: Uuid, state: ExecutionState) {
        // No watcher is no error.
        let _ = self
            .events
            .send((id, ExecutionEvent::State { state, step: None }));
    }
}

/// One execution that runs on this node.
#[derive(Debug)]
pub(crate) struct Live {
    id: Uuid,
    lease: Lease,
    events: broadcast::Sender<(Uuid, ExecutionEvent)>,
    stop: Mutex<Option<Stop>>,
    stopping: CancellationToken,
    ended: CancellationToken,
    step: Mutex<Option<Arc<StepState>>>,
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

    /// Tells watchers.
    pub(crate) fn tell(&self, event: ExecutionEvent) {
        // No watcher is no error.
        let _ = self.events.send((self.id, event));
    }

    /// The step that runs now.
    pub(crate) fn set_step(&self, step: Option<Arc<StepState>>) {
        *self.step.lock() = step;
    }

    /// Index, bytes and files of the step that runs now.
    pub(crate) fn counts(&self) -> Option<(u32, u64, u64)> {
        let step = self.step.lock();
        step.as_ref().map(|step| {
            let (bytes, files) = step.counts();
            (step.index, bytes, files)
        })
    }
}
