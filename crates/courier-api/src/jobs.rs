//! Jobs, their steps and versions, and the step types.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::words::words;

words! {
    /// What to do when a step fails.
    pub enum FailureAction {
        /// The execution fails.
        Stop = "stop",
        /// The step is tried again.
        RetryStep = "retry_step",
        /// The job starts again from its first step.
        RetryJob = "retry_job",
        /// The step is left out.
        SkipAndContinue = "skip_and_continue",
    }
}

/// What happens when a step fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FailurePolicy {
    /// What to do.
    #[serde(rename = "type")]
    pub action: FailureAction,
    /// How often to try again.
    #[serde(default = "FailurePolicy::max_retries")]
    #[schema(default = 3)]
    pub max_retries: u32,
    /// The first wait, seconds; it doubles each time.
    #[serde(default = "FailurePolicy::backoff_base_sec")]
    #[schema(default = 1)]
    pub backoff_base_sec: u32,
    /// The longest wait, seconds.
    #[serde(default = "FailurePolicy::backoff_max_sec")]
    #[schema(default = 60)]
    pub backoff_max_sec: u32,
}

impl FailurePolicy {
    const fn max_retries() -> u32 {
        3
    }

    const fn backoff_base_sec() -> u32 {
        1
    }

    const fn backoff_max_sec() -> u32 {
        60
    }
}

impl Default for FailurePolicy {
    fn default() -> Self {
        Self {
            action: FailureAction::Stop,
            max_retries: Self::max_retries(),
            backoff_base_sec: Self::backoff_base_sec(),
            backoff_max_sec: Self::backoff_max_sec(),
        }
    }
}

words! {
    /// What becomes of runs that were due while nothing ran.
    pub enum MissedRuns {
        /// They are made up for by one run.
        Once = "once",
        /// They are left out.
        Skip = "skip",
        /// Each of them is made up for, the last hundred at most; a run waits for its turn where `max_instances` are at it.
        All = "all",
    }
}

/// When a job runs by itself: `cron`, or `at`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// A cron expression: minute, hour, day of the month, month, day of the week; or six fields, with the seconds first.
    /// `L`, `W`, `#`, names and `@daily` and its like are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// The time zone whose clocks count (`Europe/Berlin`), also for dates in paths; UTC where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Once, at this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
    /// What becomes of runs that were due while nothing ran.
    #[serde(default = "once")]
    #[schema(default = "once")]
    pub missed: MissedRuns,
}

const fn once() -> MissedRuns {
    MissedRuns::Once
}

/// Schedules that a job might have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NextRunsInput {
    /// The schedules.
    pub schedules: Vec<Schedule>,
    /// So many runs are wanted: 5 by default, 100 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub count: Option<u64>,
}

/// How many runs to come are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct NextRunsQuery {
    /// So many runs: 5 by default, 100 at most.
    #[param(minimum = 1)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

/// A run to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NextRun {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The same on the clocks of the schedule's time zone (`2026-11-23T02:00:00+01:00`).
    #[schema(format = DateTime)]
    pub local: String,
    /// That time zone.
    pub timezone: String,
    /// Which of the job's `schedules`, from 0.
    pub schedule: u64,
}

/// A step of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobStep {
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its type, one of `GET /api/step-types`.
    pub step_type: String,
    /// Its settings. `"context:1.downloaded_file"` anywhere in it takes an output of step 1.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub config: Map<String, Value>,
    /// The longest it may go without progress, that is without a byte, a file or a listed entry, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_sec: Option<u32>,
    /// The longest it may take over all its attempts and the waits between them, seconds. Pauses don't count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_duration_sec: Option<u32>,
    /// What happens when this step fails, instead of what the job says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_policy: Option<FailurePolicy>,
}

/// A job to make or replace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobInput {
    /// Its name; unique.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// May it run?
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub enabled: bool,
    /// Its steps, in order; they count from 1.
    pub steps: Vec<JobStep>,
    /// What happens when a step fails.
    #[serde(default)]
    #[schema(inline = false)]
    pub failure_policy: FailurePolicy,
    /// When it runs by itself.
    #[serde(default)]
    pub schedules: Vec<Schedule>,
    /// How many of its executions may be queued, running or paused at once. One more is refused; one of a schedule is left
    /// out, or waits where its missed runs are all made up for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_instances: Option<u32>,
    /// The longest an execution may take from its start, waits included, seconds. Pauses don't count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_duration_sec: Option<u32>,
}

const fn yes() -> bool {
    true
}

/// A job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// Its id.
    pub id: Uuid,
    /// Its version: 1, and one more with each change.
    pub version: u32,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// May it run?
    pub enabled: bool,
    /// Its steps, in order; they count from 1.
    pub steps: Vec<JobStep>,
    /// What happens when a step fails.
    pub failure_policy: FailurePolicy,
    /// When it runs by itself.
    pub schedules: Vec<Schedule>,
    /// How many of its executions may be queued, running or paused at once.
    pub max_instances: Option<u32>,
    /// The longest an execution may take from its start, waits included, seconds. Pauses don't count.
    pub max_duration_sec: Option<u32>,
    /// When it runs by itself next.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_run_at: Option<Timestamp>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was changed last.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// A job as it was at some time. Executions name the version that they run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobVersion {
    /// The job.
    pub job_id: Uuid,
    /// The version.
    pub version: u32,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// The job as it was.
    pub definition: JobInput,
}

/// Which jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct JobQuery {
    /// Jobs on the page: 50 by default, 1000 at most.
    #[param(minimum = 1)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Only with this in their name, in either case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// Only those that may run, or may not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// A kind of step, described.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StepType {
    /// Its name (`sftp.upload`).
    pub step_type: String,
    /// The protocol that its connection must have; `null` for any.
    pub protocol: Option<String>,
    /// What it does.
    pub help: String,
    /// The settings that its `config` takes.
    pub settings: Vec<StepTypeSetting>,
    /// What later steps can take from it (`downloaded_file`).
    #[serde(default)]
    pub outputs: Vec<String>,
    /// The settings that also take a reference to a list of files (`context:1.files`).
    #[serde(default)]
    pub lists: Vec<String>,
}

/// A setting of a kind of step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StepTypeSetting {
    /// Its name.
    pub name: String,
    /// What it holds: `text`, `bool`, `integer`, `choice`, `connection`, `remote_path`, `local_path` …
    #[serde(rename = "type")]
    pub kind: String,
    /// Must it be given?
    pub required: bool,
    /// What it is when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub default: Option<Value>,
    /// The words that it may be, for `choice`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<String>>,
    /// The smallest number, for `integer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    /// The largest number, for `integer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
    /// What it does.
    pub help: String,
}
