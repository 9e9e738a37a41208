//! Numbers for monitoring.

use std::time::{Duration, Instant};

use courier_store::{executions::ExecutionState, now};
use tokio::sync::Mutex;

use crate::{
    Engine, Result,
    alerts::Standing,
    overview::{Counts, counts},
};

pub use crate::live::PullFigures;

/// How old what the database says may be: the sums over a day's records are dear, and several may ask.
const FRESH: Duration = Duration::from_secs(15);

/// What all nodes together have, by the database.
#[derive(Clone, Debug)]
pub struct Figures {
    /// How much there is of everything.
    pub counts: Counts,
    /// For how long the first execution of the queue has waited; nothing where none waits.
    pub queue_wait: Duration,
    /// For how long the first schedule has been due; nothing where none is.
    pub schedule_lag: Duration,
    /// Messages of alerts.
    pub messages: Standing,
}

/// What this node alone has.
#[derive(Clone, Copy, Debug)]
pub struct NodeFigures {
    /// Has it its lease, without which it runs nothing? With SQLite, always.
    pub holds_lease: bool,
    /// Executions that run here now.
    pub running: usize,
    /// Executions that ended here since the start, by how.
    pub ended: [(ExecutionState, u64); 3],
    /// What folder mappings pulled here since the start.
    pub pulled: PullFigures,
}

/// What was asked last.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<Option<(Instant, Figures)>>);

impl Engine {
    /// What all nodes together have, at most 15 seconds old.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store).
    pub async fn figures(&self) -> Result<Figures> {
        // Held while the database is asked, so that of many who ask at once one does.
        let mut cached = self.0.figures.0.lock().await;
        if let Some((at, figures)) = &*cached
            && at.elapsed() < FRESH
        {
            return Ok(figures.clone());
        }
        let figures = ask(self).await?;
        *cached = Some((Instant::now(), figures.clone()));
        Ok(figures)
    }

    /// What this node alone has, now.
    pub fn node_figures(&self) -> NodeFigures {
        NodeFigures {
            holds_lease: self.holds_lease(),
            running: self.0.live.all().len(),
            ended: self.0.live.ended(),
            pulled: self.0.live.pulled(),
        }
    }
}

async fn ask(engine: &Engine) -> Result<Figures> {
    let store = &engine.0.store;
    let glance = store.schedules().glance().await?;
    let since = |moment: Option<jiff::Timestamp>, until: jiff::Timestamp| {
        moment
            .and_then(|moment| Duration::try_from(until.duration_since(moment)).ok())
            .unwrap_or_default()
    };
    Ok(Figures {
        counts: counts(engine).await?,
        queue_wait: since(store.executions().waiting_since().await?, now()),
        schedule_lag: since(glance.earliest, glance.now),
        messages: engine.alerts().standing().await?,
    })
}
