//! What a watcher of an execution hears, or one of everything.

mod all;
mod pace;

use std::time::Duration;

pub use all::{Event, Events, ExecutionChange};
pub(crate) use all::{Watchers, tell_watchers};
pub use courier_store::bus::{Progress, Summary};
use courier_store::executions::{Execution, ExecutionState};
use serde::Serialize;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, timeout_at},
};
use uuid::Uuid;

use crate::{Engine, live::Told};

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
    /// A file moves (specification 6.12): every 1 MB where the watcher is on the node that moves it, every half second, and
    /// at its end, though not to other nodes where it took less than a second.
    Progress(Progress),
    /// How far the running step is as a whole, every half second while that changes.
    Summary(Summary),
}

/// How often an execution that doesn't run here is looked at without a word from the node that has it: that node may have
/// died, or its words may have been lost.
const LOOK: Duration = Duration::from_secs(2);

/// The events of one execution, from the moment of the subscription on, on whatever node it runs.
///
/// The first is always the state at that moment, so that nothing falls between looking and listening. Ends after a
/// final state. A watcher that is too slow misses progress, never the final state.
#[derive(Debug)]
pub struct ExecutionEvents {
    engine: Engine,
    id: Uuid,
    receiver: Receiver<Told>,
    first: Option<ExecutionState>,
    /// Where it stood when it was last looked at: its state, and which attempt.
    seen: (ExecutionState, u32),
    /// When it is looked at, if nothing is heard of it.
    look_at: Instant,
    ended: bool,
}

impl ExecutionEvents {
    /// `receiver` has been listening since before the execution was read.
    pub(crate) fn new(engine: Engine, execution: &Execution, receiver: Receiver<Told>) -> Self {
        Self {
            engine,
            id: execution.id,
            receiver,
            first: Some(execution.state),
            seen: (execution.state, execution.attempts),
            look_at: Instant::now() + LOOK,
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
            // What is heard of other executions puts nothing off.
            let Ok(heard) = timeout_at(self.look_at, self.receiver.recv()).await else {
                self.look_at = Instant::now() + LOOK;
                if self.engine.0.live.get(self.id).is_none()
                    && let Some(execution) = self.look().await
                    && (execution.state, execution.attempts) != self.seen
                {
                    return Some(self.see(&execution));
                }
                continue;
            };
            match heard {
                Ok(Told::Event(id, event)) if id == self.id => {
                    self.look_at = Instant::now() + LOOK;
                    return Some(event);
                }
                Ok(Told::Event(..) | Told::Changed { .. }) => {}
                // What was missed may have been the end.
                Ok(Told::LookAgain) | Err(RecvError::Lagged(_)) => {
                    if let Some(execution) = self.look().await {
                        return Some(self.see(&execution));
                    }
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// The execution as the store has it; none while that can't be told.
    async fn look(&self) -> Option<Execution> {
        self.engine.0.store.executions().get(self.id).await.ok()
    }

    fn see(&mut self, execution: &Execution) -> ExecutionEvent {
        self.seen = (execution.state, execution.attempts);
        let state = execution.state;
        ExecutionEvent::State { state, step: None }
    }
}
