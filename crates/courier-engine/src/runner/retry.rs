//! What comes after a step has failed: by its policy, how often it was tried already, and the time that is left.
//!
//! A retry that was decided on stands in the step's row until it begins, as `retry_at` beside the error, so that a crash in
//! the wait neither forgets it nor begins to count anew.

use std::time::Duration;

use courier_store::executions::{Step as StepRow, StepState as RowState};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Halt, Run};
use crate::{Error, Failure, FailurePolicyKind, definition::StepDefinition, executions, live::Stop, steps};

/// Sessions that nobody uses are closed before a wait that is longer.
const IDLE: Duration = Duration::from_secs(5);

/// What comes after a failure.
enum Then {
    Fail,
    Skip,
    /// The step, or the whole job, once more, after so long.
    Again(Duration),
}

impl Run<'_> {
    /// Goes on with a step that failed before somebody or something stopped the execution.
    pub(super) async fn take_up(
        &mut self,
        definition: &StepDefinition,
        row: &mut StepRow,
    ) -> Result<(), Halt> {
        let Some(at) = executions::retry_at(row.error.as_ref()) else {
            // Nothing was left to try.
            let unknown = || {
                Failure::from(&Error::Internal(
                    "the step failed, and its error is damaged".into(),
                ))
            };
            return Err(Halt::Failed(
                executions::failure(row.error.clone()).unwrap_or_else(unknown),
            ));
        };
        self.wait_for_retry(definition, row, at).await
    }

    /// A step has failed: keeps that, and comes back after the wait where the step is to be tried again or is skipped.
    pub(super) async fn failed(
        &mut self,
        definition: &StepDefinition,
        row: &mut StepRow,
        error: Error,
    ) -> Result<(), Halt> {
        let failure = self.failure(definition, row.index, &error).await;
        row.state = RowState::Failed;
        row.ended_at = Some(courier_store::now());
        row.error = Some(json!(failure));
        match self.decide(definition, row, &error) {
            Then::Fail => {
                self.keep(row).await?;
                Err(Halt::Failed(failure))
            }
            Then::Skip => {
                tracing::warn!(execution = %self.execution.id, step = row.index, %error, "a step failed and is skipped");
                row.state = RowState::Skipped;
                self.keep(row).await
            }
            Then::Again(wait) => {
                let at = courier_store::now() + wait;
                tracing::info!(execution = %self.execution.id, step = row.index, %error, %at, "a step failed and is tried again");
                if !self.is_of_job(definition) {
                    row.retries = row.retries.saturating_add(1);
                }
                note_retry(row, at);
                self.keep(row).await?;
                self.wait_for_retry(definition, row, at).await
            }
        }
    }

    fn decide(&self, definition: &StepDefinition, row: &StepRow, error: &Error) -> Then {
        let policy = self.job.policy_of(definition);
        let retries = match policy.kind {
            FailurePolicyKind::Stop => return Then::Fail,
            FailurePolicyKind::SkipAndContinue => return Then::Skip,
            FailurePolicyKind::RetryStep => row.retries,
            FailurePolicyKind::RetryJob => self.retries,
        };
        let wait = policy.backoff(retries.saturating_add(1));
        // A retry that can't begin in time would only hide what went wrong.
        let deadlines = [self.deadline, self.clock.of_step(definition, row.started_at)];
        let in_time = deadlines
            .iter()
            .flatten()
            .all(|deadline| Instant::now() + wait < deadline.at);
        match retries < policy.max_retries && error.may_pass() && in_time {
            true => Then::Again(wait),
            false => Then::Fail,
        }
    }

    /// Does the policy try the whole job again?
    fn is_of_job(&self, definition: &StepDefinition) -> bool {
        self.job.policy_of(definition).kind == FailurePolicyKind::RetryJob
    }

    /// Waits until the retry may begin, unless the execution is told to stop.
    async fn wait_for_retry(
        &mut self,
        definition: &StepDefinition,
        row: &mut StepRow,
        at: Timestamp,
    ) -> Result<(), Halt> {
        // A clock that was set back must not make it longer than the policy says.
        let longest = Duration::from_secs(self.job.policy_of(definition).backoff_max_sec.into());
        let left = Duration::try_from(at - courier_store::now()).unwrap_or_default();
        let until = Instant::now() + left.min(longest);
        let sessions = self.sessions;
        let wait = async {
            if left > IDLE {
                sessions.close_idle().await;
            }
            tokio::time::sleep_until(until).await;
        };
        tokio::select! {
            biased;
            stop = self.live.stopped() => {
                if stop == Stop::Pause {
                    // Whoever resumes it doesn't want to wait once more.
                    note_retry(row, courier_store::now());
                    self.keep(row).await?;
                }
                return Err(Halt::Stopped(stop));
            }
            () = wait => {}
        }
        match self.is_of_job(definition) {
            true => Err(Halt::StartOver),
            false => Ok(()),
        }
    }

    /// Puts all steps back, for another attempt at the whole job.
    pub(super) async fn start_over(&mut self) -> Result<(), Halt> {
        let (store, claim) = (self.engine.0.store.executions(), self.execution.claim());
        self.retries = self.retries.saturating_add(1);
        let retries = self.retries;
        self.context = steps::context_of_next_try(&self.context, &self.job.steps);
        let context = &Value::Object(self.context.clone());
        self.write(|| Box::pin(async move { Ok(store.start_over(claim, retries, context).await?) }))
            .await?;
        self.rows = store.steps(self.execution.id).await?;
        Ok(())
    }
}

/// Notes beside a step's error when it is tried again.
fn note_retry(row: &mut StepRow, at: Timestamp) {
    if let Some(Value::Object(error)) = &mut row.error {
        error.insert(executions::RETRY_AT.into(), json!(at));
    }
}
