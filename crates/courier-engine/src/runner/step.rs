//! Runs one step, as often as its policy allows, and takes over what it left.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use courier_store::executions::{Step as StepRow, StepState as RowState};
use courier_transfer::ErrorKind;
use futures::FutureExt;
use serde_json::{Value, json};

use super::{
    Halt, Run,
    limits::{Deadline, no_progress},
    stop,
};
use crate::{
    Error, Failure, Result, azure_functions,
    definition::StepDefinition,
    live::Stop,
    steps::{self, Step, StepState},
};

/// How often a running step's numbers are written; watchers on other nodes see them at most twice as old.
const TICK: Duration = Duration::from_millis(500);
/// When they are written first, so that an execution that crashes soon has something to show for it.
const FIRST_TICK: Duration = Duration::from_millis(100);
/// So many ticks from one writing of the context to the next: it grows with each file.
const CONTEXT: u64 = 10;

/// How often in a row a step goes on that could not ask the database.
const ABSENCES: u32 = 5;
/// Before it does.
const PAUSE: Duration = Duration::from_secs(1);

/// How an attempt ended, other than well.
enum Ended {
    Failed(Error),
    /// The time of the whole execution is over.
    Over(Error),
    Stopped(Stop),
}

impl Run<'_> {
    /// Runs one step until it is done or skipped.
    pub(super) async fn step(&mut self, definition: &StepDefinition, mut row: StepRow) -> Result<(), Halt> {
        if row.state == RowState::Failed {
            self.take_up(definition, &mut row).await?;
        }
        let mut absences = 0;
        while row.state != RowState::Skipped {
            row.state = RowState::Running;
            row.attempts = row.attempts.saturating_add(1);
            row.started_at.get_or_insert_with(courier_store::now);
            (row.ended_at, row.error) = (None, None);
            self.keep(&row).await?;
            match self.attempt(definition, &mut row).await {
                Ok(()) => {
                    row.state = RowState::Completed;
                    row.ended_at = Some(courier_store::now());
                    return self.keep(&row).await;
                }
                Err(Ended::Stopped(stop)) => return Err(self.stopped(definition, row, stop).await?),
                // Our own database was away, which is no failure of the step.
                Err(Ended::Failed(Error::Store(error))) if error.may_pass() && absences < ABSENCES => {
                    absences += 1;
                    tracing::warn!(execution = %self.execution.id, step = row.index, %error, "a step goes on when the database is there");
                    tokio::select! {
                        biased;
                        stop = self.live.stopped() => return Err(self.stopped(definition, row, stop).await?),
                        () = tokio::time::sleep(PAUSE) => {}
                    }
                }
                Err(Ended::Failed(error)) => self.failed(definition, &mut row, error).await?,
                Err(Ended::Over(error)) => {
                    let failure = self.failure(definition, row.index, &error).await;
                    row.state = RowState::Failed;
                    row.ended_at = Some(courier_store::now());
                    row.error = Some(json!(failure));
                    self.keep(&row).await?;
                    return Err(Halt::Over(failure));
                }
            }
        }
        Ok(())
    }

    /// Keeps a step that was stopped: to be gone on with, or for good.
    async fn stopped(
        &mut self,
        definition: &StepDefinition,
        mut row: StepRow,
        stop: Stop,
    ) -> Result<Halt, Halt> {
        // A cancel may have come while the step was ending for another reason.
        let stop = self.live.wish().unwrap_or(stop);
        match stop {
            Stop::LeaseLost => return Ok(Halt::Stopped(stop)),
            Stop::Cancel => {
                steps::remove_partials(self.engine, self.sessions, definition, row.index, &self.context)
                    .await;
                let message = "the execution was cancelled";
                let failure = Failure {
                    kind: ErrorKind::Cancelled.as_str().into(),
                    message: match self.left_running(definition, row.index).await {
                        Some(left) => format!("{message}; {left}"),
                        None => message.into(),
                    },
                };
                row.state = RowState::Failed;
                row.ended_at = Some(courier_store::now());
                row.error = Some(json!(failure));
            }
            Stop::Pause | Stop::Shutdown => row.state = RowState::Pending,
        }
        if stop == Stop::Pause
            && let Some(left) = self.left_running(definition, row.index).await
        {
            let (store, claim) = (self.engine.0.store.executions(), self.execution.claim());
            let left = &format!("step {} waits no more; {left}", row.index);
            self.write(|| async move { Ok(store.remark(claim, left).await?) }.boxed())
                .await?;
        }
        self.keep(&row).await?;
        Ok(Halt::Stopped(stop))
    }

    /// Why a step failed, and what it has left running.
    pub(super) async fn failure(&self, definition: &StepDefinition, index: u32, error: &Error) -> Failure {
        let mut failure = Failure::from(error);
        if !matches!(error, Error::FunctionOutcomeUnknown(_))
            && let Some(left) = self.left_running(definition, index).await
        {
            failure.message = format!("{}; {left}", failure.message);
        }
        failure
    }

    /// What a step has begun that goes on without it, in words.
    async fn left_running(&self, definition: &StepDefinition, index: u32) -> Option<String> {
        if definition.step_type != azure_functions::STEP {
            return None;
        }
        azure_functions::left_running(self.engine, self.execution.id, index).await
    }

    /// Runs a step once, and takes over what it left, also where it failed.
    async fn attempt(&mut self, definition: &StepDefinition, row: &mut StepRow) -> Result<(), Ended> {
        let state = Arc::new(StepState::new(
            self.engine,
            self.execution.claim(),
            self.live.clone(),
            self.context.clone(),
            row.clone(),
        ));
        self.live.set_step(Some(state.clone()));
        let result = self.supervise(definition, &state, row).await;
        self.live.set_step(None);
        if let Err(Ended::Stopped(Stop::LeaseLost)) = &result {
            self.engine.give_up(&state);
            return result;
        }
        if self.while_held(state.end()).await.is_none() {
            self.engine.give_up(&state);
            return Err(Ended::Stopped(Stop::LeaseLost));
        }
        (row.bytes_transferred, row.files_transferred) = state.counts();
        self.context = state.context();
        let context = &Value::Object(self.context.clone());
        let recorded = self.engine.persist(|| state.record_end(context).boxed());
        let Some(recorded) = self.while_held(recorded).await else {
            self.engine.give_up(&state);
            return Err(Ended::Stopped(Stop::LeaseLost));
        };
        if let (Err(_), Err(error)) = (&result, &recorded) {
            tracing::error!(execution = %self.execution.id, %error, "could not write what a step did to the audit log");
        }
        result.and(recorded.map_err(Ended::Failed))
    }

    /// Runs a step under everything that may end it early.
    async fn supervise(
        &self,
        definition: &StepDefinition,
        state: &Arc<StepState>,
        row: &StepRow,
    ) -> Result<(), Ended> {
        let deadlines = [self.deadline, self.clock.of_step(definition, row.started_at)];
        let deadline = deadlines.into_iter().flatten().min_by_key(|deadline| deadline.at);
        let step = AssertUnwindSafe(self.execute(definition, state)).catch_unwind();
        tokio::select! {
            biased;
            stop = self.live.stopped() => Err(Ended::Stopped(stop)),
            passed = Deadline::passed(deadline) => match passed.is_of_execution() {
                true => Err(Ended::Over(passed.error())),
                false => Err(Ended::Failed(passed.error())),
            },
            result = step => match result {
                Ok(result) => result.map_err(Ended::Failed),
                Err(_) => Err(Ended::Failed(Error::Internal(stop::bug("step").message))),
            },
            error = no_progress(state, definition.timeout_sec) => Err(Ended::Failed(error)),
            () = self.watch(state) => Ok(()),
        }
    }

    async fn execute(&self, definition: &StepDefinition, state: &Arc<StepState>) -> Result<()> {
        let step_type = steps::find(&definition.step_type).ok_or_else(|| {
            Error::Internal(format!(
                "this version has no step type \"{}\"",
                definition.step_type
            ))
        })?;
        let step = Step {
            config: steps::prepare(self.engine, step_type, definition, &self.context, self.execution).await?,
            sessions: self.sessions,
            state: state.clone(),
            triggered_by: &self.execution.triggered_by,
            timeout: definition
                .timeout_sec
                .map(|limit| Duration::from_secs(limit.into())),
        };
        match (step_type.run)(&step).await {
            Ok(()) => Ok(()),
            Err(error) => Err(step.name_connection(error).await),
        }
    }

    /// Keeps the step's numbers fresh in the store. Never ends.
    async fn watch(&self, state: &Arc<StepState>) {
        let mut told = state.counts();
        tokio::time::sleep(FIRST_TICK).await;
        for tick in 0u64.. {
            let counts = state.counts();
            let result = async {
                if counts != told {
                    state.save_progress().await?;
                    told = counts;
                }
                state.record_all().await?;
                if tick.is_multiple_of(CONTEXT) {
                    state.save().await?;
                }
                Ok(())
            };
            match result.await {
                Ok(()) => {}
                Err(Error::Store(courier_store::Error::Conflict(_))) => self.live.stop(Stop::LeaseLost),
                Err(error) => {
                    tracing::warn!(execution = %self.execution.id, %error, "could not note how far a step is");
                }
            }
            tokio::time::sleep(TICK).await;
        }
    }
}
