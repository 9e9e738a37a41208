//! What happens when a step fails: the job's policy, and a step's own.

use std::time::Duration;

use courier_transfer::settings::{Default as Standard, Kind, Setting};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::input::Input;

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
    /// The wait before this retry, counted from 1: base × 2^(retry − 1), at most the maximum.
    pub(crate) fn backoff(&self, retry: u32) -> Duration {
        let factor = 2u64.saturating_pow(retry.saturating_sub(1).min(40));
        let seconds = u64::from(self.backoff_base_sec).saturating_mul(factor);
        Duration::from_secs(seconds.min(u64::from(self.backoff_max_sec)))
    }
}

impl Default for FailurePolicy {
    fn default() -> Self {
        Self {
            kind: FailurePolicyKind::Stop,
            max_retries: 3,
            backoff_base_sec: 1,
            backoff_max_sec: 60,
        }
    }
}

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

/// Reads the policy that stands under `failure_policy`; none where there is none.
pub(super) fn parse(input: &mut Input) -> Option<FailurePolicy> {
    let values = match input.raw("failure_policy") {
        None | Some(Value::Null) => return None,
        Some(Value::Object(map)) => map,
        Some(_) => {
            input.problem("failure_policy", "must be an object");
            return None;
        }
    };
    let mut policy = Input::new(input.at("failure_policy"), values);
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
    Some(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

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
