//! What a function wrote while it ran.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One line of what a function wrote, as Log Analytics keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Trace {
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
    /// The text.
    pub message: String,
    /// How grave it is: 0 verbose, 1 information, 2 warning, 3 error, 4 critical; `null` where that isn't known.
    pub severity_level: Option<i64>,
}

/// One page of what a function wrote, oldest first. Lines arrive in the workspace with a delay, and not always in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Traces {
    /// The lines.
    pub items: Vec<Trace>,
    /// What to give as `cursor` for the next page; `null` on the last one.
    pub next_cursor: Option<String>,
    /// The workspace gave less than it has, by its own account.
    pub partial: bool,
}
