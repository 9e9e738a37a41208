//! What the first page shows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Execution;

/// What is going on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Overview {
    /// The node that answers.
    pub node: String,
    /// Its version.
    pub version: String,
    /// How many connections there are, by health.
    pub connections: BTreeMap<String, u64>,
    /// How many executions there are, by state.
    pub executions: BTreeMap<String, u64>,
    /// Those that run now.
    pub running: Vec<Execution>,
    /// The last ones that failed, the newest first.
    pub recent_failures: Vec<Execution>,
    /// Bytes moved in the last 24 hours.
    pub bytes_24h: u64,
    /// Files moved in the last 24 hours.
    pub files_24h: u64,
    /// Bytes moved in the last 7 days.
    pub bytes_7d: u64,
    /// Files moved in the last 7 days.
    pub files_7d: u64,
}
