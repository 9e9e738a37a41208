//! What the first page shows.

use std::collections::BTreeMap;

pub use courier_store::folder_mappings::UpcomingPull;
use courier_store::{
    audit::{Totals, Volume},
    connections::Health,
    executions::{ExecutionFilter, ExecutionState},
    now,
};
use jiff::SignedDuration;

use crate::{Engine, PageRequest, Result, executions::Execution, schedules::Upcoming};

/// What the first page shows.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The node that answers.
    pub node: String,
    /// What somebody should look at, in words.
    pub attention: Vec<String>,
    /// How much there is of everything.
    pub counts: Counts,
    /// Those that run, newest first, 20 at most, without their context.
    pub running: Vec<Execution>,
    /// The last ones that failed, newest first, 10 at most, without their context.
    pub recent_failures: Vec<Execution>,
    /// What runs by itself next, the earliest first, 10 at most; each schedule once.
    pub next_runs: Vec<Upcoming>,
    /// What moved in the last 7 days.
    pub moved_7d: Moved,
    /// What of that was pulled.
    pub pulled_7d: Moved,
    /// The mappings that pull by themselves next, the earliest first, 10 at most.
    pub next_pulls: Vec<UpcomingPull>,
}

/// How much there is of everything.
#[derive(Clone, Debug)]
pub struct Counts {
    /// Connections by health, with that of their folder mappings: `unknown`, `healthy`, `failing`, `requires_attention`.
    pub connections: BTreeMap<String, u64>,
    /// Executions by state; of those that are over, the ones queued in the last 24 hours.
    pub executions: BTreeMap<String, u64>,
    /// What moved in the last 24 hours.
    pub moved_24h: Moved,
    /// Folder mappings that pull by themselves, by health, as connections.
    pub mappings: BTreeMap<String, u64>,
    /// What was pulled in the last 24 hours.
    pub pulled_24h: Moved,
}

/// How much moved, uploads, downloads and pulls together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Files.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Moved {
    fn of(totals: Totals, pulled: Volume) -> Self {
        let all = [totals.uploads, totals.downloads, pulled];
        Self {
            files: all.iter().map(|one| one.files).sum(),
            bytes: all.iter().map(|one| one.bytes).sum(),
        }
    }
}

impl From<Volume> for Moved {
    fn from(volume: Volume) -> Self {
        Self {
            files: volume.files,
            bytes: volume.bytes,
        }
    }
}

pub(crate) async fn overview(engine: &Engine) -> Result<Overview> {
    let week = now() - SignedDuration::from_hours(7 * 24);
    let store = &engine.0.store;
    let pulled = store.pulls().volume(week).await?;
    let of = |state| ExecutionFilter {
        states: vec![state],
        ..ExecutionFilter::default()
    };
    Ok(Overview {
        node: engine.config().node.clone(),
        attention: engine.alerts().attention().await?,
        counts: counts(engine).await?,
        running: engine
            .executions()
            .list(of(ExecutionState::Running), PageRequest::first(20))
            .await?
            .items,
        recent_failures: engine
            .executions()
            .list(of(ExecutionState::Failed), PageRequest::first(10))
            .await?
            .items,
        next_runs: engine.schedules().upcoming(10).await?,
        moved_7d: Moved::of(store.audit().totals(week).await?, pulled),
        pulled_7d: pulled.into(),
        next_pulls: store.folder_mappings().upcoming(10).await?,
    })
}

pub(crate) async fn counts(engine: &Engine) -> Result<Counts> {
    let store = &engine.0.store;
    let day = now() - SignedDuration::from_hours(24);
    let health = store.connections().count_by_health().await?;
    let mappings = store.folder_mappings().count_by_health().await?;
    let states = store.executions().count_by_state(day).await?;
    let pulled = store.pulls().volume(day).await?;
    let by_health = |counts: Vec<(Health, u64)>| {
        let words = counts
            .into_iter()
            .map(|(health, count)| (health.to_string(), count));
        words.collect()
    };
    Ok(Counts {
        connections: by_health(health),
        mappings: by_health(mappings),
        executions: states
            .into_iter()
            .map(|(state, count)| (state.to_string(), count))
            .collect(),
        moved_24h: Moved::of(store.audit().totals(day).await?, pulled),
        pulled_24h: pulled.into(),
    })
}
