//! What moved and what ended, hour by hour.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// How much.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ActivityQuery {
    /// How many hours, the one that runs included: 168 by default, 744 at most.
    #[param(minimum = 1, maximum = 744)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<u64>,
}

/// An hour. Times are those at which something ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActivityHour {
    /// Its beginning, a whole hour in UTC.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Files that moved: uploads, downloads and pulls together.
    pub files: u64,
    /// Their bytes, and those of transfers that failed on their way.
    pub bytes: u64,
    /// Files that were uploaded.
    pub uploads: u64,
    /// Files that were downloaded.
    pub downloads: u64,
    /// Files that were pulled.
    pub pulled: u64,
    /// Executions that were completed, but for scheduled pulls that found nothing.
    pub completed: u64,
    /// Executions that failed.
    pub failed: u64,
}
