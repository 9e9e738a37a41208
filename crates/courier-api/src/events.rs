//! What happens anywhere, as server-sent events: the data of each kind.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{ExecutionState, Progress, StepProgress};

/// Who tells: the data of the event `hello`, the first of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hello {
    /// The node that answers.
    pub node: String,
    /// Its version.
    pub version: String,
    /// What the console that it serves is known by. It changes with the console: a page that was loaded before is outdated then.
    pub console: String,
}

/// An execution or one of its steps changed: the data of the event `execution`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExecutionChange {
    /// The execution.
    pub id: Uuid,
    /// The job; none where it is a folder mapping's.
    pub job_id: Option<Uuid>,
    /// The folder mapping; none where it is a job's.
    pub mapping_id: Option<Uuid>,
    /// The job's or the folder mapping's name when it was asked for.
    pub job_name: String,
    /// Where it is now.
    pub state: ExecutionState,
    /// The step that changed, from 1; none where the execution itself did.
    pub step: Option<u32>,
}

/// A file that moves, in any execution: the data of the event `progress`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExecutionProgress {
    /// The execution.
    pub execution_id: Uuid,
    /// How far the file is.
    #[serde(flatten)]
    pub progress: Progress,
}

/// How far a step of any execution is as a whole: the data of the event `summary`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExecutionSummary {
    /// The execution.
    pub execution_id: Uuid,
    /// How far the step is.
    #[serde(flatten)]
    pub summary: StepProgress,
}

/// Something may have changed and is to be read again: the data of the event `changed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Changed {
    /// What, as it stands in the routes: `connections`, `folder-mappings`, `jobs`, `ssh-keys` …
    pub what: String,
    /// Which one; none where it may be any.
    #[serde(default)]
    pub id: Option<Uuid>,
}
