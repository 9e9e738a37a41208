//! Executions of jobs, and their events.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    ErrorCode,
    words::{UnknownWord, words},
};

words! {
    /// Where an execution is.
    pub enum ExecutionState {
        /// It waits for a worker.
        Queued = "queued",
        /// A worker is at it.
        Running = "running",
        /// It stands still until somebody resumes it.
        Paused = "paused",
        /// It is done. Final.
        Completed = "completed",
        /// A step failed, and the policy did not help. Final.
        Failed = "failed",
        /// Somebody cancelled it. Final.
        Cancelled = "cancelled",
    }
}

impl ExecutionState {
    /// Is it one that an execution never leaves?
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

words! {
    /// Where a step is.
    pub enum StepState {
        /// Not reached yet, or never.
        Pending = "pending",
        /// Being done.
        Running = "running",
        /// Done.
        Completed = "completed",
        /// It failed.
        Failed = "failed",
        /// It failed, and the policy went on without it.
        Skipped = "skipped",
    }
}

/// Why an execution or a step failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExecutionError {
    /// The reason as a number.
    pub code: ErrorCode,
    /// The reason as a word (`auth`, `host_key`, `not_found`, `timeout` …).
    pub kind: String,
    /// What happened, what was expected and seen, and what helps.
    pub message: String,
}

/// A state that an execution came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StateChange {
    /// The state.
    pub state: ExecutionState,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The node that had it then.
    pub node: Option<String>,
    /// Why, where the state doesn't say it: a node died, a step runs again.
    pub reason: Option<String>,
}

/// One run of a job or a folder mapping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Execution {
    /// Its id.
    pub id: Uuid,
    /// The job; none where it is a folder mapping's.
    pub job_id: Option<Uuid>,
    /// The version of the job that it runs; 0 where it is a folder mapping's.
    pub job_version: u32,
    /// The folder mapping; none where it is a job's.
    #[serde(default)]
    pub mapping_id: Option<Uuid>,
    /// The job's or the folder mapping's name when it was asked for.
    #[serde(default)]
    pub job_name: String,
    /// Where it is.
    pub state: ExecutionState,
    /// Who or what started it: a user's name, or `schedule`.
    pub triggered_by: String,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub queued_at: Timestamp,
    /// When a worker first took it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When it reached a final state.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// The node that runs it, or ran it last.
    pub node: Option<String>,
    /// How often a worker took it: once, and once more after each pause, crash or restart.
    pub attempts: u32,
    /// How often the whole job was tried again, by its failure policy.
    #[serde(default)]
    pub retries: u32,
    /// The time that its schedule had set for it.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub scheduled_at: Option<Timestamp>,
    /// The time zone of its dates; none for UTC.
    #[serde(default)]
    pub timezone: Option<String>,
    /// Why it failed.
    pub error: Option<ExecutionError>,
    /// The states that it went through, in order. Lists leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<StateChange>>,
    /// All its steps, from the start.
    pub steps: Vec<ExecutionStep>,
    /// What its steps gave (`1.downloaded_file`). Lists leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    pub context: Option<Map<String, Value>>,
}

/// A step of an execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExecutionStep {
    /// Its number, from 1.
    pub index: u32,
    /// Its name in the job.
    pub name: Option<String>,
    /// Its type.
    pub step_type: String,
    /// Where it is.
    pub state: StepState,
    /// How often it was started.
    pub attempts: u32,
    /// How often it was tried again, by the failure policy.
    #[serde(default)]
    pub retries: u32,
    /// When it is tried again, where it failed and waits for that.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub retry_at: Option<Timestamp>,
    /// When it was started.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// Bytes moved until now; at most a second old.
    pub bytes_transferred: u64,
    /// Files moved until now.
    pub files_transferred: u64,
    /// Why it failed.
    pub error: Option<ExecutionError>,
}

/// A file that moves: the data of the event `progress` (specification 6.12). The data of the event `state` is an
/// [`Execution`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    /// The step's number, from 1.
    pub step: u32,
    /// The file, as the step names it.
    pub current_file: String,
    /// Bytes of this file that have arrived, a resumed part included.
    pub bytes_transferred: u64,
    /// The file's size, where it is known.
    pub total_bytes: Option<u64>,
    /// Bytes a second over the last five seconds.
    pub transfer_rate_bytes_per_sec: f64,
    /// Seconds left at this rate; none where the size isn't known, or nothing moves.
    #[serde(default)]
    pub eta_sec: Option<u64>,
}

/// How far a step is as a whole: the data of the event `summary`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StepProgress {
    /// The step's number, from 1.
    pub step: u32,
    /// Bytes moved until now.
    pub bytes_transferred: u64,
    /// Files moved until now.
    pub files_transferred: u64,
    /// Bytes a second over the last five seconds, of all its files together.
    pub transfer_rate_bytes_per_sec: f64,
}

/// Some states, in queries separated by commas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExecutionStates(pub Vec<ExecutionState>);

impl TryFrom<String> for ExecutionStates {
    type Error = UnknownWord;

    fn try_from(text: String) -> Result<Self, UnknownWord> {
        let words = text.split(',').map(str::trim);
        words.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl From<ExecutionStates> for String {
    fn from(states: ExecutionStates) -> Self {
        let words: Vec<&str> = states.0.iter().map(|state| state.as_str()).collect();
        words.join(",")
    }
}

/// Which executions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ExecutionQuery {
    /// Executions on the page: 50 by default, 1000 at most.
    #[param(minimum = 1)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Only of this job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<Uuid>,
    /// Only of this folder mapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping_id: Option<Uuid>,
    /// Only in this state, or in one of several: `failed,cancelled`.
    #[param(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<ExecutionStates>,
    /// Only those that this user started, or `schedule`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub triggered_by: Option<String>,
    /// Only scheduled pulls that are done and found nothing (`true`), or only all others (`false`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uneventful: Option<bool>,
    /// Only with this in their job's or folder mapping's name, in either case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// Only those asked for at this time or later.
    #[param(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Only those asked for before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}
