//! What a watcher of an execution hears.

use courier_store::executions::ExecutionState;
use serde::Serialize;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use uuid::Uuid;

use crate::Engine;

/// One thing that happened in an execution.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ExecutionEvent {
    /// The execution changed its state, or one of its steps did; look again for the whole.
    State {
        /// The execution's state now.
        state: ExecutionState,
        /// The step that changed, counted from 1; none where the execution itself did.
        step: Option<u32>,
    },
    /// A file moves (specification 6.12): every 1 MB or 5 seconds, and once at its end.
    Progress {
        /// The step, counted from 1.
        step: u32,
        /// The file that moves: its path on the server.
        current_file: String,
        /// Bytes of this file that have arrived, a resumed part included.
        bytes_transferred: u64,
        /// The file's size, where it is known.
        total_bytes: Option<u64>,
        /// Bytes a second since the file began.
        transfer_rate_bytes_per_sec: f64,
    },
}

/// The events of one execution, from the moment of the subscription on.
///
/// The first is always the state at that moment, so that nothing falls between looking and listening. Ends after a
/// final state. A watcher that is too slow misses progress, never the final state.
#[derive(Debug)]
pub struct ExecutionEvents {
    engine: Engine,
    id: Uuid,
    receiver: Receiver<(Uuid, ExecutionEvent)>,
    first: Option<ExecutionState>,
    ended: bool,
}

impl ExecutionEvents {
    /// `receiver` has been listening since before `state` was read.
    pub(crate) fn new(
        engine: Engine,
        id: Uuid,
        receiver: Receiver<(Uuid, ExecutionEvent)>,
        state: ExecutionState,
    ) -> Self {
        Self {
            engine,
            id,
            receiver,
            first: Some(state),
            ended: false,
        }
    }

    /// The next event; none after the final state.
    pub async fn next(&mut self) -> Option<ExecutionEvent> {
        if self.ended {
            return None;
        }
        let event = match self.first.take() {
            Some(state) => ExecutionEvent::State { state, step: None },
            None => self.hear().await?,
        };
        self.ended = matches!(event, ExecutionEvent::State { state, .. } if state.is_final());
        Some(event)
    }

    async fn hear(&mut self) -> Option<ExecutionEvent> {
        loop {
            match self.receiver.recv().await {
                Ok((id, event)) if id == self.id => return Some(event),
                Ok(_) => {}
                Err(RecvError::Closed) => return None,
                // What was missed may have been the end.
                Err(RecvError::Lagged(_)) => {
                    let state = self.engine.0.store.executions().get(self.id).await.ok()?.state;
                    return Some(ExecutionEvent::State { state, step: None });
                }
            }
        }
    }
}
