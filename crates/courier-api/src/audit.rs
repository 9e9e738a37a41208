//! The audit log.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Something that happened (specification 6.15).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Its id.
    pub id: Uuid,
    /// The connection it happened on.
    pub connection_id: Option<Uuid>,
    /// What happened: `connected`, `upload`, `host_key_rejected`, `login` …
    pub operation: String,
    /// The execution it happened in; `null` for tests and management.
    pub job_execution_id: Option<Uuid>,
    /// Who did it: a user's name, or `system`.
    pub performed_by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub performed_at: Timestamp,
    /// Bytes moved, for transfers.
    pub bytes_transferred: Option<u64>,
    /// How long it took, milliseconds.
    pub duration_ms: Option<u64>,
    /// More about it: paths, fingerprints, error texts. Never a secret.
    #[schema(value_type = Object)]
    pub details: Value,
}

/// Which entries of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// Entries on the page: 50 by default, 1000 at most.
    #[param(minimum = 1)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Only this operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Only on this connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<Uuid>,
    /// Only at this time or later.
    #[param(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Only before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Only what this user did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub performed_by: Option<String>,
}
