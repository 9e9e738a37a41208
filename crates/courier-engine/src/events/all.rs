//! What a watcher of everything hears.

use std::time::{Duration, Instant};

use courier_store::executions::ExecutionState;
use tokio::{
    sync::broadcast::{self, Receiver, error::RecvError},
    time::sleep_until,
};
use uuid::Uuid;

use super::pace::Pace;
use crate::{Engine, ExecutionEvent, Progress, Summary, live::Told};

/// Events that a watcher may be behind.
const BEHIND: usize = 2048;

/// How often it is looked for what has waited long enough.
const LOOK: Duration = Duration::from_millis(100);

/// One thing that happened somewhere, on this node or another.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// An execution changed its state, or one of its steps did. Twice a second at most for each.
    Execution(ExecutionChange),
    /// A file moves. Once a second at most for each, and at its end; of those that are through at once only some are told of.
    Progress(Progress),
    /// How far a running step is as a whole. Once a second at most for each execution.
    Summary(Summary),
    /// Something may be another than before. Once a second at most for each.
    Changed {
        /// What, by the noun that the API has for it: `connections`, `folder-mappings` …
        what: String,
        /// Which one; none where it may be any.
        id: Option<Uuid>,
    },
    /// Some of all this may have been missed.
    Gap,
}

/// An execution that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionChange {
    /// The execution.
    pub id: Uuid,
    /// The job; none where it is a folder mapping's.
    pub job_id: Option<Uuid>,
    /// The folder mapping; none where it is a job's.
    pub mapping_id: Option<Uuid>,
    /// The job's or the folder mapping's name at that time.
    pub job_name: String,
    /// Its state now.
    pub state: ExecutionState,
    /// The step that changed, counted from 1; none where the execution itself did.
    pub step: Option<u32>,
}

/// All that happens, from the moment of the subscription on. A watcher that is too slow hears of a gap.
#[derive(Debug)]
pub struct Events(Receiver<Event>);

impl Events {
    /// The next event; none once the engine is gone.
    pub async fn next(&mut self) -> Option<Event> {
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(_)) => Some(Event::Gap),
            Err(RecvError::Closed) => None,
        }
    }
}

/// Where all watchers of everything hear.
#[derive(Debug)]
pub(crate) struct Watchers(broadcast::Sender<Event>);

impl Default for Watchers {
    fn default() -> Self {
        Self(broadcast::Sender::new(BEHIND))
    }
}

impl Engine {
    /// What happens from now on, on all nodes.
    pub fn watch(&self) -> Events {
        Events(self.0.watchers.0.subscribe())
    }

    /// Tells watchers on all nodes that something may be another than before; `what` is the noun that the API has for it.
    pub fn changed(&self, what: &str, id: Option<Uuid>) {
        self.0.store.bus().changed(what, id);
    }
}

/// Tells the watchers of everything, each thing as often as it is worth it, until the engine stops.
pub(crate) async fn tell_watchers(engine: Engine) {
    let mut ear = engine.0.live.subscribe();
    let mut pace = Pace::new(Instant::now());
    let mut look_at = Instant::now();
    loop {
        let is_due = tokio::select! {
            () = engine.0.stopping.cancelled() => return,
            heard = ear.recv() => {
                let told = match heard {
                    Ok(told) => told,
                    Err(RecvError::Lagged(_)) => Told::LookAgain,
                    Err(RecvError::Closed) => return,
                };
                engine.0.watchers.0.receiver_count() > 0 && pace.hear(told, Instant::now())
            }
            () = sleep_until(look_at.into()), if pace.waits() => true,
        };
        if !is_due {
            continue;
        }
        look_at = Instant::now() + LOOK;
        for event in named(&engine, pace.due(Instant::now())).await {
            // That nobody listens any more is no error.
            let _ = engine.0.watchers.0.send(event);
        }
    }
}

/// The events of what was told, in its order. What can't be read now is a gap.
async fn named(engine: &Engine, told: Vec<Told>) -> Vec<Event> {
    let changed: Vec<Uuid> = told
        .iter()
        .filter_map(|told| match told {
            Told::Event(id, ExecutionEvent::State { .. }) => Some(*id),
            _ => None,
        })
        .collect();
    let names = match changed.is_empty() {
        true => Ok(Vec::new()),
        false => engine.0.store.executions().names_of(&changed).await,
    };
    let names = match names {
        Ok(names) => names,
        Err(error) => {
            tracing::warn!(%error, "watchers can't be told which executions changed");
            return vec![Event::Gap];
        }
    };
    let event = |told| {
        Some(match told {
            Told::Event(id, ExecutionEvent::State { state, step }) => {
                let name = names.iter().find(|name| name.id == id)?;
                Event::Execution(ExecutionChange {
                    id,
                    job_id: name.job_id,
                    mapping_id: name.mapping_id,
                    job_name: name.name.clone(),
                    state,
                    step,
                })
            }
            Told::Event(_, ExecutionEvent::Progress(file)) => Event::Progress(file),
            Told::Event(_, ExecutionEvent::Summary(step)) => Event::Summary(step),
            Told::Changed { what, id } => Event::Changed { what, id },
            Told::LookAgain => Event::Gap,
        })
    };
    told.into_iter().filter_map(event).collect()
}
