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
    /// The newest executions.
    pub recent_executions: Vec<Execution>,
}
