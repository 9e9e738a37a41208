//! The way from what runs here to whoever watches it, on this node or another.

use courier_store::{Store, bus::Notice};
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::ExecutionEvent;

/// Events that a watcher may be behind.
const EVENTS: usize = 4096;

/// What a watcher of this node hears.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// This happened in that execution.
    Event(Uuid, ExecutionEvent),
    /// Something of this kind may be another than before; none for any of them.
    Changed {
        /// As the API calls it.
        what: String,
        id: Option<Uuid>,
    },
    /// Anything may have happened, in any of them and elsewhere.
    LookAgain,
}

/// Tells watchers. Clones tell the same.
#[derive(Clone, Debug)]
pub(crate) struct Teller {
    here: broadcast::Sender<Told>,
    store: Store,
}

impl Teller {
    pub(super) fn new(store: &Store) -> Self {
        Self {
            here: broadcast::Sender::new(EVENTS),
            store: store.clone(),
        }
    }

    pub(super) fn listen(&self) -> broadcast::Receiver<Told> {
        self.here.subscribe()
    }

    /// Tells those on this node.
    pub(super) fn here(&self, told: Told) {
        // That nobody listens is no error.
        let _ = self.here.send(told);
    }

    /// Tells everybody.
    pub(super) fn everywhere(&self, id: Uuid, event: ExecutionEvent) {
        self.store.bus().publish(match event.clone() {
            ExecutionEvent::State { state, step } => Notice::State {
                execution: id,
                state,
                step,
            },
            ExecutionEvent::Progress(file) => Notice::Progress(file),
            ExecutionEvent::Summary(step) => Notice::Summary(step),
        });
        self.here(Told::Event(id, event));
    }
}
