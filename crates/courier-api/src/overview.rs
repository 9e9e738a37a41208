//! What the first page shows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Execution;

/// What is going on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Overview {
    /// The node that answers.
    pub node: String,
    /// Its version.
    pub version: String,
    /// What is unsafe about how this server is reached, in words.
    pub warnings: Vec<String>,
    /// What somebody should look at, in words: messages of alerts that nobody got.
    pub attention: Vec<String>,
    /// How many connections there are, by health, which is that of their folder mappings where that is graver.
    pub connections: BTreeMap<String, u64>,
    /// How many executions there are, by state; of those that are over, the ones queued in the last 24 hours.
    pub executions: BTreeMap<String, u64>,
    /// Those that run now, the newest first, 20 at most.
    pub running: Vec<Execution>,
    /// The last ones that failed, the newest first, 10 at most.
    pub recent_failures: Vec<Execution>,
    /// What runs by itself next, the earliest first, 10 at most; each schedule once.
    pub next_runs: Vec<UpcomingRun>,
    /// What moved in the last 24 hours.
    pub moved_24h: Moved,
    /// What moved in the last 7 days.
    pub moved_7d: Moved,
    /// What folder mappings do.
    pub pulls: PullsOverview,
}

/// What folder mappings do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PullsOverview {
    /// How many pull by themselves, by health.
    pub mappings: BTreeMap<String, u64>,
    /// What was pulled in the last 24 hours.
    pub pulled_24h: Moved,
    /// What was pulled in the last 7 days.
    pub pulled_7d: Moved,
    /// Those that are due next, the earliest first, 10 at most.
    pub next: Vec<UpcomingPull>,
}

/// A folder mapping that pulls by itself, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpcomingPull {
    /// The folder mapping.
    pub mapping_id: Uuid,
    /// Its name.
    pub mapping_name: String,
    /// Its connection.
    pub connection_id: Uuid,
    /// The connection's name.
    pub connection_name: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// A run to come, of any job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpcomingRun {
    /// The job.
    pub job_id: Uuid,
    /// Its name.
    pub job_name: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The same on the clocks of the schedule's time zone.
    #[schema(format = DateTime)]
    pub local: String,
    /// That time zone.
    pub timezone: String,
}

/// How much moved: uploads, downloads and pulls together, where not said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Moved {
    /// Files.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}
