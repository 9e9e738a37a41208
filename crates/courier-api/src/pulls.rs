//! The history of pulled files.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{Execution, ExportFormat, words::words};

words! {
    /// What became of a file on the server after it was pulled.
    pub enum AfterState {
        /// It stays as it is.
        None = "none",
        /// It is still to be deleted or moved.
        Pending = "pending",
        /// It was deleted or moved, or was gone already.
        Done = "done",
        /// The server refused to delete or move it.
        Refused = "refused",
        /// It was left alone, because it was another version by then.
        Left = "left",
    }
}

/// A file that was pulled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PulledFile {
    /// The entry's id: what a replay names.
    pub id: Uuid,
    /// The file's path on the server, below the connection's base path, where it has one.
    pub path: String,
    /// Its size, bytes.
    pub size: u64,
    /// When it was changed on the server; the beginning of the minute or day where the server tells no more, `null` where it
    /// tells nothing.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub modified: Option<Timestamp>,
    /// The SHA-256 of its bytes as they were read, 64 hexadecimal digits.
    pub sha256: String,
    /// Where it was put, in words: the storage's address at that time, and the key.
    pub destination: String,
    /// The storage, which may be gone since.
    pub storage_id: Uuid,
    /// The object's key there.
    pub key: String,
    /// When it was recorded, its object being whole.
    #[schema(value_type = String, format = DateTime)]
    pub pulled_at: Timestamp,
    /// The execution that did, which may be gone since.
    pub execution_id: Uuid,
    /// The folder mapping that pulled it, which may be gone since.
    pub mapping_id: Uuid,
    /// What became of the file on the server.
    pub after: AfterState,
    /// Why, where it isn't plain.
    pub after_detail: Option<String>,
    /// The entry that it was pulled anew for.
    pub replay_of: Option<Uuid>,
}

/// Which pulled files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct HistoryQuery {
    /// Entries on the page: 50 by default, 1000 at most.
    #[param(minimum = 1)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Only files with this in their path. Reads the whole history of the connection where few have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Only files whose path begins so, e.g. with a folder: fast, however long the history is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Only what this folder mapping pulled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping_id: Option<Uuid>,
    /// Only what this execution pulled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_id: Option<Uuid>,
    /// Only what was pulled at this time or later.
    #[param(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Only what was pulled before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Only files with these bytes, by their SHA-256: 64 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// Which pulled files, and in which form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct HistoryExportQuery {
    /// The form: `jsonl` (the default) or `csv`.
    #[serde(default)]
    pub format: ExportFormat,
    /// Only files with this in their path. Reads the whole history of the connection where few have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Only files whose path begins so, e.g. with a folder: fast, however long the history is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Only what this folder mapping pulled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping_id: Option<Uuid>,
    /// Only what this execution pulled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_id: Option<Uuid>,
    /// Only what was pulled at this time or later.
    #[param(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Only what was pulled before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Only files with these bytes, by their SHA-256: 64 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// Which files are to be pulled anew: at least one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayInput {
    /// Only files with this in their path. Reads the whole history of the connection where few have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Only files whose path begins so, e.g. with a folder: fast, however long the history is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Only what this folder mapping pulled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping_id: Option<Uuid>,
    /// Only what this execution pulled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_id: Option<Uuid>,
    /// Only what was pulled at this time or later.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Only what was pulled before this time.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Only files with these bytes, by their SHA-256: 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// What a wish to pull files anew has led to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Replays {
    /// How many files will be pulled that nobody had asked for yet.
    pub count: u64,
    /// The executions that pull them.
    pub executions: Vec<Execution>,
    /// What can't be pulled.
    pub refused: Vec<RefusedReplays>,
}

/// Files that can't be pulled anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedReplays {
    /// How many.
    pub count: u64,
    /// Why, and what to do.
    pub reason: String,
}
