//! What a job is made of, read from JSON with every problem at once.

use courier_transfer::settings::{Default as Standard, Kind, Problem, Setting};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    Error, Result,
    input::{Input, name_problem},
};

/// A job as it is defined. One version of it is what an execution runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// Its name, unique among jobs.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// May it run?
    pub enabled: bool,
    /// Its steps, in order.
    pub steps: Vec<StepDefinition>,
    /// What happens when a step fails.
    pub failure_policy: FailurePolicy,
    /// How many of its executions may run at once; none for any number.
    pub max_instances: Option<u32>,
}

/// One step of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepDefinition {
    /// A name for people.
    pub name: Option<String>,
    /// Which step it is: `sftp.upload`, …
    pub step_type: String,
    /// Its settings; texts that start with `context:` take an earlier step's output.
    pub config: Map<String, Value>,
    /// How long it may take, in seconds.
    pub timeout_sec: Option<u32>,
}

/// What happens when a step fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailurePolicy {
    /// Which way.
    #[serde(rename = "type")]
    pub kind: FailurePolicyKind,
    /// Retries after the first attempt.
    pub max_retries: u32,
    /// The wait before the first retry, in seconds; doubles each time.
    pub backoff_base_sec: u32,
    /// The longest wait, in seconds.
    pub backoff_max_sec: u32,
}

/// Which way a failed step goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailurePolicyKind {
    /// The job fails.
    Stop,
    /// The step is tried again, then the job fails.
    RetryStep,
    /// The job is tried again from its first step, then it fails.
    RetryJob,
    /// The job goes on with the next step.
    SkipAndContinue,
}

impl FailurePolicy {
    /// The wait before the retry that follows `attempts` attempts: base × 2^(attempts − 1), at most the maximum.
    pub(crate) fn backoff(&self, attempts: u32) -> std::time::Duration {
        let factor = 2u64.saturating_pow(attempts.saturating_sub(1).min(40));
        let seconds = u64::from(self.backoff_base_sec).saturating_mul(factor);
        std::time::Duration::from_secs(seconds.min(u64::from(self.backoff_max_sec)))
    }
}

const NAME: Setting = Setting::required("name", Kind::Text, "A name, unique among jobs.");
const DESCRIPTION: Setting = Setting::optional("description", Kind::LongText, "What the job is for.");
const ENABLED: Setting = Setting::optional("enabled", Kind::Bool, "May it run?").or(Standard::Bool(true));
const MAX_INSTANCES: Setting = Setting::optional(
    "max_instances",
    Kind::Integer { min: 1, max: 1000 },
    "How many of its executions may run at once.",
);
const STEP_NAME: Setting = Setting::optional("name", Kind::Text, "A name for people.");
const STEP_TYPE: Setting = Setting::required("step_type", Kind::Text, "Which step.");
const CONFIG: Setting = Setting::optional("config", Kind::Object, "The step's settings.");
const TIMEOUT: Setting = Setting::optional(
    "timeout_sec",
    Kind::Integer {
        min: 1,
        max: 30 * 24 * 3600,
    },
    "How long the step may take, in seconds.",
);
const POLICY: Setting = Setting::optional(
    "type",
    Kind::Choice {
        choices: &["stop", "retry_step", "retry_job", "skip_and_continue"],
    },
    "What happens when a step fails.",
)
.or(Standard::Text("stop"));
const MAX_RETRIES: Setting = Setting::optional(
    "max_retries",
    Kind::Integer { min: 0, max: 100 },
    "Retries after the first attempt.",
)
.or(Standard::Integer(3));
const BACKOFF_BASE: Setting = Setting::optional(
    "backoff_base_sec",
    Kind::Integer { min: 0, max: 86_400 },
    "The wait before the first retry, in seconds; doubles each time.",
)
.or(Standard::Integer(1));
const BACKOFF_MAX: Setting = Setting::optional(
    "backoff_max_sec",
    Kind::Integer { min: 0, max: 86_400 },
    "The longest wait, in seconds.",
)
.or(Standard::Integer(60));

/// What a client may send back without meaning it.
const READ_ONLY: &[&str] = &["id", "version", "created_at", "updated_at", "created_by"];

/// Reads a job's shape. What its steps say is checked by [`steps`](crate::steps).
///
/// # Errors
/// [`Error::Validation`] with every problem.
pub(crate) fn parse(input: Map<String, Value>) -> Result<Definition> {
    let mut input = Input::new("", input);
    input.ignore(READ_ONLY);
    let name = input.text(&NAME).unwrap_or_default();
    if !name.is_empty()
        && let Some(message) = name_problem(&name)
    {
        input.problem("name", message);
    }
    let description = input.text(&DESCRIPTION);
    let enabled = input.bool(&ENABLED).unwrap_or(true);
    let max_instances = input.integer(&MAX_INSTANCES).and_then(|n| u32::try_from(n).ok());
    let steps: Vec<StepDefinition> = input
        .objects("steps")
        .into_iter()
        .enumerate()
        .map(|(i, step)| {
            let (step, problems) = parse_step(Input::new(format!("steps[{i}]"), step));
            input.problems(problems);
            step
        })
        .collect();
    if steps.is_empty() {
        input.problem("steps", "must hold at least one step");
    }
    let failure_policy = parse_policy(&mut input);
    let schedules = input.objects("schedules");
    if !schedules.is_empty() {
        input.problem(
            "schedules",
            "schedules come with a later version of Courier; leave the list empty and start the job with run",
        );
    }
    let fields = input.finish();
    if !fields.is_empty() {
        return Err(Error::Validation { fields });
    }
    Ok(Definition {
        name,
        description,
        enabled,
        steps,
        failure_policy,
        max_instances,
    })
}

fn parse_step(mut input: Input) -> (StepDefinition, Vec<Problem>) {
    let step = StepDefinition {
        name: input.text(&STEP_NAME),
        step_type: input.text(&STEP_TYPE).unwrap_or_default(),
        config: match input.take(&CONFIG) {
            Some(Value::Object(map)) => map,
            _ => Map::new(),
        },
        timeout_sec: input.integer(&TIMEOUT).and_then(|n| u32::try_from(n).ok()),
    };
    (step, input.finish())
}

fn parse_policy(input: &mut Input) -> FailurePolicy {
    let values = match input.raw("failure_policy") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(map)) => map,
        Some(_) => {
            input.problem("failure_policy", "must be an object");
            Map::new()
        }
    };
    let mut policy = Input::new("failure_policy", values);
    let number = |n: Option<i64>| n.and_then(|n| u32::try_from(n).ok()).unwrap_or_default();
    let kind = match policy.text(&POLICY).as_deref() {
        Some("retry_step") => FailurePolicyKind::RetryStep,
        Some("retry_job") => FailurePolicyKind::RetryJob,
        Some("skip_and_continue") => FailurePolicyKind::SkipAndContinue,
        _ => FailurePolicyKind::Stop,
    };
    let parsed = FailurePolicy {
        kind,
        max_retries: number(policy.integer(&MAX_RETRIES)),
        backoff_base_sec: number(policy.integer(&BACKOFF_BASE)),
        backoff_max_sec: number(policy.integer(&BACKOFF_MAX)),
    };
    input.problems(policy.finish());
    parsed
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn defaults_are_those_of_the_docs() {
        let job = parse(map(
            json!({"name": "j", "steps": [{"step_type": "local.delete", "config": {"path": "a"}}]}),
        ))
        .unwrap();
        assert!(job.enabled && job.max_instances.is_none());
        assert_eq!(
            job.failure_policy,
            FailurePolicy {
                kind: FailurePolicyKind::Stop,
                max_retries: 3,
                backoff_base_sec: 1,
                backoff_max_sec: 60
            }
        );
        let stored: Definition = serde_json::from_value(serde_json::to_value(&job).unwrap()).unwrap();
        assert_eq!(stored, job);
    }

    #[test]
    fn names_every_problem_at_once() {
        let error = parse(map(json!({
            "name": " j",
            "colour": "red",
            "steps": [{"config": {}}, 7, {"step_type": "local.copy", "timeout_sec": 0}],
            "failure_policy": {"type": "panic", "max_retries": -1},
            "schedules": [{"cron": "* * * * *"}],
            "max_instances": "many",
        })))
        .unwrap_err();
        let Error::Validation { fields } = error else {
            panic!("{error}")
        };
        let mut fields: Vec<&str> = fields.iter().map(|p| p.field.as_str()).collect();
        fields.sort_unstable();
        assert_eq!(
            fields,
            [
                "colour",
                "failure_policy.max_retries",
                "failure_policy.type",
                "max_instances",
                "name",
                "schedules",
                "steps[0].step_type",
                "steps[1]",
                "steps[1].step_type",
                "steps[2].timeout_sec",
            ]
        );
    }

    #[test]
    fn the_wait_doubles_up_to_the_maximum() {
        let policy = FailurePolicy {
            kind: FailurePolicyKind::RetryStep,
            max_retries: 9,
            backoff_base_sec: 2,
            backoff_max_sec: 60,
        };
        let waits: Vec<u64> = (1..=7).map(|n| policy.backoff(n).as_secs()).collect();
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(policy.backoff(u32::MAX), Duration::from_secs(60));
    }
}
