//! What a job is made of, read from JSON with every problem at once.

mod policy;
pub(crate) mod schedule;

pub use policy::{FailurePolicy, FailurePolicyKind};
pub use schedule::ScheduleDefinition;

use courier_transfer::settings::{Default as Standard, Kind, Problem, Setting};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

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
    /// When it runs by itself.
    #[serde(default)]
    pub schedules: Vec<ScheduleDefinition>,
    /// How many of its executions may run at once; none for any number.
    pub max_instances: Option<u32>,
    /// How long an execution may take, in seconds: from its start, with all waits, but not while it is paused.
    pub max_duration_sec: Option<u32>,
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
    /// How long it may go without progress, in seconds (specification 6.12): without a byte, a file or a listed entry.
    pub timeout_sec: Option<u32>,
    /// How long it may take, in seconds: over all its attempts, with the waits between them, but not while the execution
    /// is paused.
    pub max_duration_sec: Option<u32>,
    /// What happens when this step fails, instead of what the job says.
    pub failure_policy: Option<FailurePolicy>,
}

impl Definition {
    /// What an execution of a folder mapping does: one pull, which is over where it fails. The next tick tries again.
    pub(crate) fn of_mapping(id: Uuid, name: &str) -> Self {
        let config = Map::from_iter([("mapping_id".to_owned(), Value::String(id.to_string()))]);
        Self {
            name: name.to_owned(),
            description: None,
            enabled: true,
            steps: vec![StepDefinition {
                name: None,
                step_type: PULL.to_owned(),
                config,
                timeout_sec: None,
                max_duration_sec: None,
                failure_policy: None,
            }],
            failure_policy: FailurePolicy::default(),
            schedules: Vec::new(),
            max_instances: None,
            max_duration_sec: None,
        }
    }

    /// What happens when this step fails.
    pub(crate) fn policy_of<'a>(&'a self, step: &'a StepDefinition) -> &'a FailurePolicy {
        step.failure_policy.as_ref().unwrap_or(&self.failure_policy)
    }
}

/// The step that pulls what a folder mapping names.
pub(crate) const PULL: &str = "remote.pull";
/// So many steps a job may have: each change of one is told to those who watch along with all the others.
const MOST_STEPS: usize = 1000;
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
/// The longest time that a job may name, in seconds.
const LONGEST: i64 = 30 * 24 * 3600;
const TIMEOUT: Setting = Setting::optional(
    "timeout_sec",
    Kind::Integer { min: 1, max: LONGEST },
    "How long the step may go without progress, in seconds.",
);
const MAX_DURATION: Setting = Setting::optional(
    "max_duration_sec",
    Kind::Integer { min: 1, max: LONGEST },
    "How long all of it may take, in seconds.",
);
/// What a client may send back without meaning it.
const READ_ONLY: &[&str] = &[
    "id",
    "version",
    "created_at",
    "updated_at",
    "created_by",
    "next_run_at",
];

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
    let max_instances = number(input.integer(&MAX_INSTANCES));
    let max_duration_sec = number(input.integer(&MAX_DURATION));
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
    if steps.len() > MOST_STEPS {
        input.problem("steps", format!("must be {MOST_STEPS} at most"));
    }
    let failure_policy = policy::parse(&mut input).unwrap_or_default();
    let schedules = schedule::parse(&mut input);
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
        schedules,
        max_instances,
        max_duration_sec,
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
        timeout_sec: number(input.integer(&TIMEOUT)),
        max_duration_sec: number(input.integer(&MAX_DURATION)),
        failure_policy: policy::parse(&mut input),
    };
    (step, input.finish())
}

fn number(value: Option<i64>) -> Option<u32> {
    value.and_then(|n| u32::try_from(n).ok())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
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
        assert_eq!(job.failure_policy, FailurePolicy::default());
        let policy = parse(map(json!({"name": "j", "failure_policy": {},
            "steps": [{"step_type": "local.delete", "failure_policy": {"type": "retry_step", "max_retries": 9}}]})))
        .unwrap();
        assert_eq!(policy.failure_policy, FailurePolicy::default());
        let own = policy.policy_of(&policy.steps[0]);
        assert_eq!(
            (own.kind, own.max_retries, own.backoff_max_sec),
            (FailurePolicyKind::RetryStep, 9, 60)
        );
        let stored: Definition = serde_json::from_value(serde_json::to_value(&job).unwrap()).unwrap();
        assert_eq!(stored, job);
    }

    #[test]
    fn names_every_problem_at_once() {
        let error = parse(map(json!({
            "name": " j",
            "colour": "red",
            "steps": [{"config": {}}, 7, {"step_type": "local.copy", "timeout_sec": 0, "max_duration_sec": -1,
                "failure_policy": {"type": "panic"}}],
            "max_duration_sec": 0,
            "failure_policy": {"type": "panic", "max_retries": -1},
            "schedules": [{"cron": "* * * * *", "at": "soon"}, {"missed": "never"}],
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
                "max_duration_sec",
                "max_instances",
                "name",
                "schedules[0].at",
                "schedules[0].cron",
                "schedules[1].cron",
                "schedules[1].missed",
                "steps[0].step_type",
                "steps[1]",
                "steps[1].step_type",
                "steps[2].failure_policy.type",
                "steps[2].max_duration_sec",
                "steps[2].timeout_sec",
            ]
        );
    }

    #[test]
    fn a_job_has_so_many_steps_at_most() {
        let job = |count| {
            parse(map(
                json!({"name": "j", "steps": vec![json!({"step_type": "local.delete"}); count]}),
            ))
        };
        assert_eq!(job(MOST_STEPS).unwrap().steps.len(), MOST_STEPS);
        let Err(Error::Validation { fields }) = job(MOST_STEPS + 1) else {
            panic!("one too many")
        };
        let told: Vec<_> = fields
            .iter()
            .map(|p| (p.field.as_str(), p.message.as_str()))
            .collect();
        assert_eq!(told, [("steps", "must be 1000 at most")]);
    }
}
