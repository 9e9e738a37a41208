//! The audit log.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::words::words;

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
    /// The chain of records that it belongs to: its connection's id, all zeros for records of no connection, all `f` for
    /// seals; `null` where Courier didn't write it.
    pub chain: Option<Uuid>,
    /// Its place in the chain, from 1 without gaps.
    pub seq: Option<u64>,
    /// The authentication code over it and the one before it, 64 hexadecimal digits.
    pub mac: Option<String>,
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
    /// Only in this execution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_execution_id: Option<Uuid>,
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

words! {
    /// A form of exported entries.
    #[derive(Default)]
    pub enum ExportFormat {
        /// A JSON document on each line, as lists show entries.
        #[default]
        Jsonl = "jsonl",
        /// A table with a heading. A text that a spreadsheet would take for a formula has an apostrophe before it.
        Csv = "csv",
    }
}

/// Which entries of the audit log, and in which form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AuditExportQuery {
    /// The form: `jsonl` (the default) or `csv`.
    #[serde(default)]
    pub format: ExportFormat,
    /// Only this operation. Seals (`audit_sealed`) come only where they are asked for here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Only on this connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<Uuid>,
    /// Only in this execution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_execution_id: Option<Uuid>,
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

/// What a verification of the audit log found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditReport {
    /// Is every entry as it was written, and none missing?
    pub ok: bool,
    /// Entries that are as they were written.
    pub records: u64,
    /// Chains that were looked at.
    pub chains: u64,
    /// The first thing that is wrong in each chain, the earliest first.
    pub findings: Vec<AuditFinding>,
}

/// Something wrong in the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditFinding {
    /// In words.
    pub message: String,
    /// `changed`, `removed`, `inserted`, `cut_off` (the newest entries are missing), `head` or `base` (the note of where a
    /// chain ends or begins was tampered with) or `seal` (an entry is another than the one that was sealed).
    pub what: String,
    /// The chain; `null` for an entry that is in none.
    pub chain: Option<Uuid>,
    /// The place in it: of the entry, or where one is missing.
    pub seq: u64,
    /// The entry's id, where it is there.
    pub record: Option<Uuid>,
    /// The entry's time, as it says itself; where it is missing, that of the last good one before it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub performed_at: Option<Timestamp>,
    /// The entry's operation, as it says itself.
    pub operation: Option<String>,
}
