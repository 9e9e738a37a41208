//! Runs one execution: its steps in order, each kept before the next begins.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use courier_store::executions::{
    Claim, Execution, ExecutionRequest, ExecutionState, Step as StepRow, StepState as RowState,
};
use courier_transfer::{Error as TransferError, ErrorKind};
use futures::{FutureExt, future::BoxFuture};
use serde_json::{Map, Value, json};

use crate::{
    Definition, Engine, Error, ExecutionEvent, Failure, FailurePolicyKind, Result,
    definition::StepDefinition,
    executions::object,
    jobs,
    live::{Live, Stop},
    sessions::Sessions,
    steps::{self, Step, StepState},
};

/// Why the steps did not come to their end.
enum Halt {
    /// A step failed, and the policy says that this is the end.
    Failed(Error),
    /// It was told to stop.
    Stopped(Stop),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Runs an execution that was taken from the queue, to its end or until it is told to stop.
pub(crate) async fn run(engine: &Engine, execution: Execution, live: &Arc<Live>) {
    let id = execution.id;
    engine.0.live.tell_state(id, ExecutionState::Running);
    let sessions = Sessions::new(engine, execution.claim(), &execution.triggered_by);
    let work = AssertUnwindSafe(work(engine, &execution, live, &sessions))
        .catch_unwind()
        .await;
    sessions.close().await;
    if !live.is_held() {
        // Another node may have it by now: nothing here is to be written or removed.
        tracing::warn!(execution = %id, "stopped an execution, because this node lost its lease");
        engine.0.live.end(id);
        return;
    }
    let halt = match work {
        Ok(Ok(())) => None,
        Ok(Err(halt)) => Some(halt),
        Err(_) => Some(Halt::Failed(Error::Internal(
            "the execution stopped by a bug in Courier; the log has more".into(),
        ))),
    };
    let (state, error) = match halt {
        None => (ExecutionState::Completed, None),
        Some(Halt::Failed(error)) => {
            tracing::warn!(execution = %id, %error, "an execution failed");
            (ExecutionState::Failed, Some(json!(Failure::from(&error))))
        }
        Some(Halt::Stopped(Stop::Cancel)) => (ExecutionState::Cancelled, None),
        Some(Halt::Stopped(Stop::Pause)) => (ExecutionState::Paused, None),
        Some(Halt::Stopped(Stop::Shutdown | Stop::LeaseLost)) => (ExecutionState::Queued, None),
    };
    if state.is_final() {
        engine.0.paths.remove_work_dir(id).await;
    }
    match leave(engine, execution.claim(), state, error).await {
        // What was wished since it began to stop may lead elsewhere.
        Ok(left) => {
            if left.is_final() && !state.is_final() {
                engine.0.paths.remove_work_dir(id).await;
            }
            engine.0.live.tell_state(id, left);
        }
        Err(error) => {
            tracing::error!(execution = %id, %error, %state, "could not note how an execution ended")
        }
    }
    engine.0.live.end(id);
    engine.0.queue.notify_one();
}

/// Notes where an execution stands that runs no more; answers where that is. It would stay running with nobody at it,
/// so while the database fails, this goes on trying until the engine stops; the next start finds it then.
async fn leave(
    engine: &Engine,
    claim: Claim,
    state: ExecutionState,
    error: Option<Value>,
) -> courier_store::Result<ExecutionState> {
    let store = engine.0.store.executions();
    let mut wait = Duration::from_secs(1);
    loop {
        let stopping = engine.0.stopping.is_cancelled();
        let failed = match store.release(claim, state, error.clone(), None).await {
            Err(error) if error.may_pass() && !stopping => error,
            result => return result.map(|left| left.state),
        };
        tracing::warn!(execution = %claim.execution, error = %failed, "could not note how an execution ended; trying again");
        // Once more at a shutdown.
        let _ = tokio::time::timeout(wait, engine.0.stopping.cancelled()).await;
        wait = (wait * 2).min(Duration::from_secs(30));
    }
}

impl Engine {
    /// Writes to the store, and again where that fails in a way that may pass: what a step has done is done, and must
    /// not fail or be forgotten because the database was away for half a minute. At a shutdown there is one more try.
    pub(crate) async fn persist<'a>(&self, write: impl Fn() -> BoxFuture<'a, Result<()>>) -> Result<()> {
        for wait in [1, 2, 4, 8, 16] {
            let error = match write().await {
                Err(Error::Store(error)) if error.may_pass() => error,
                result => return result,
            };
            tracing::warn!(%error, "could not write to the database; trying again");
            let stopping = self.0.stopping.cancelled();
            if tokio::time::timeout(Duration::from_secs(wait), stopping)
                .await
                .is_ok()
            {
                break;
            }
        }
        write().await
    }
}

async fn work(
    engine: &Engine,
    execution: &Execution,
    live: &Arc<Live>,
    sessions: &Sessions,
) -> Result<(), Halt> {
    let store = engine.0.store.executions();
    // What was wished before it was known to run here.
    hear_wish(engine, execution, live).await?;
    let version = engine
        .0
        .store
        .jobs()
        .version(execution.job_id, execution.job_version)
        .await
        .map_err(Error::from)?;
    let job = jobs::read(version.definition)?;
    let rows = store.steps(execution.id).await.map_err(Error::from)?;
    let mut run = Run {
        engine,
        execution,
        live,
        sessions,
        job: &job,
        rows,
        context: object(execution.context.clone()),
    };
    let policy = &job.failure_policy;
    let mut attempt = 1;
    loop {
        let error = match run.steps().await {
            Err(Halt::Failed(error)) => error,
            result => return result,
        };
        let again =
            policy.kind == FailurePolicyKind::RetryJob && attempt <= policy.max_retries && error.may_pass();
        if !again {
            return Err(error.into());
        }
        run.pause_before_retry(policy.backoff(attempt)).await?;
        attempt += 1;
        run.start_over().await?;
    }
}

/// Looks whether somebody wants the execution stopped, on whatever node they asked.
async fn hear_wish(engine: &Engine, execution: &Execution, live: &Live) -> Result<()> {
    match engine.0.store.executions().requested(execution.id).await? {
        ExecutionRequest::Cancel => live.stop(Stop::Cancel),
        ExecutionRequest::Pause => live.stop(Stop::Pause),
        ExecutionRequest::None => {}
    }
    Ok(())
}

struct Run<'a> {
    engine: &'a Engine,
    execution: &'a Execution,
    live: &'a Arc<Live>,
    sessions: &'a Sessions,
    job: &'a Definition,
    rows: Vec<StepRow>,
    context: Map<String, Value>,
}

impl Run<'_> {
    /// Runs the steps that are not done yet.
    async fn steps(&mut self) -> Result<(), Halt> {
        let steps = self.job.steps.iter().zip(self.rows.clone());
        for (definition, row) in steps {
            if !matches!(row.state, RowState::Completed | RowState::Skipped) {
                self.step(definition, row).await?;
            }
        }
        Ok(())
    }

    /// Runs one step, as often as the policy allows.
    async fn step(&mut self, definition: &StepDefinition, mut row: StepRow) -> Result<(), Halt> {
        let policy = &self.job.failure_policy;
        let mut attempt = 1;
        loop {
            row.state = RowState::Running;
            row.attempts += 1;
            row.started_at.get_or_insert_with(courier_store::now);
            (row.ended_at, row.error) = (None, None);
            self.keep(&row).await?;
            let halt = match self.attempt(definition, &mut row).await {
                Ok(()) => {
                    row.state = RowState::Completed;
                    row.ended_at = Some(courier_store::now());
                    return Ok(self.keep(&row).await?);
                }
                Err(halt) => halt,
            };
            let error = match halt {
                Halt::Stopped(stop) => return Err(self.stopped(row, stop).await?),
                Halt::Failed(error) => error,
            };
            row.state = RowState::Failed;
            row.ended_at = Some(courier_store::now());
            row.error = Some(json!(Failure::from(&error)));
            let again = policy.kind == FailurePolicyKind::RetryStep
                && attempt <= policy.max_retries
                && error.may_pass();
            if !again && policy.kind == FailurePolicyKind::SkipAndContinue {
                tracing::warn!(execution = %self.execution.id, step = row.index, %error, "a step failed and is skipped");
                row.state = RowState::Skipped;
                return Ok(self.keep(&row).await?);
            }
            self.keep(&row).await?;
            if !again {
                return Err(error.into());
            }
            self.pause_before_retry(policy.backoff(attempt)).await?;
            attempt += 1;
        }
    }

    /// Keeps a step that was stopped: to be gone on with, or for good.
    async fn stopped(&mut self, mut row: StepRow, stop: Stop) -> Result<Halt, Halt> {
        // A cancel may have come while the step was ending for another reason.
        let stop = self.live.wish().unwrap_or(stop);
        if stop == Stop::LeaseLost {
            return Ok(Halt::Stopped(stop));
        }
        if stop == Stop::Cancel {
            let failure = Failure {
                kind: ErrorKind::Cancelled.as_str().into(),
                message: "the execution was cancelled".into(),
            };
            row.state = RowState::Failed;
            row.ended_at = Some(courier_store::now());
            row.error = Some(json!(failure));
        } else {
            row.state = RowState::Pending;
        }
        self.keep(&row).await?;
        Ok(Halt::Stopped(stop))
    }

    /// Runs a step once, and takes over what it left, also where it failed.
    async fn attempt(&mut self, definition: &StepDefinition, row: &mut StepRow) -> Result<(), Halt> {
        let state = Arc::new(StepState::new(
            self.engine,
            self.execution.claim(),
            self.live.clone(),
            self.context.clone(),
            row.clone(),
        ));
        self.live.set_step(Some(state.clone()));
        let result = self.supervise(definition, &state).await;
        state.end().await;
        self.live.set_step(None);
        (row.bytes_transferred, row.files_transferred) = state.counts();
        self.context = state.context();
        let recorded = self.engine.persist(|| state.record_all().boxed()).await;
        if let (Err(_), Err(error)) = (&result, &recorded) {
            tracing::error!(execution = %self.execution.id, %error, "could not write what a step did to the audit log");
        }
        result.and(recorded.map_err(Halt::from))
    }

    /// Runs a step under everything that may end it early.
    async fn supervise(&self, definition: &StepDefinition, state: &Arc<StepState>) -> Result<(), Halt> {
        let limit = definition.timeout_sec.map(|s| Duration::from_secs(s.into()));
        let timeout = async {
            match limit {
                Some(limit) => tokio::time::sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        let step = AssertUnwindSafe(self.execute(definition, state)).catch_unwind();
        tokio::select! {
            biased;
            stop = self.live.stopped() => Err(Halt::Stopped(stop)),
            result = step => match result {
                Ok(result) => Ok(result?),
                Err(_) => Err(Error::Internal("the step stopped by a bug in Courier; the log has more".into()).into()),
            },
            () = timeout => {
                let seconds = limit.unwrap_or_default().as_secs();
                let message = format!("the step took longer than its timeout_sec of {seconds} seconds");
                Err(Error::from(TransferError::new(ErrorKind::Timeout, message)).into())
            }
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
            config: steps::prepare(
                self.engine,
                step_type,
                definition,
                &self.context,
                self.execution.id,
            )
            .await?,
            sessions: self.sessions,
            state: state.clone(),
            triggered_by: &self.execution.triggered_by,
        };
        match (step_type.run)(&step).await {
            Ok(()) => Ok(()),
            Err(error) => Err(step.name_connection(error).await),
        }
    }

    /// Keeps the step's numbers fresh in the store, and listens for wishes from other nodes. Never ends.
    async fn watch(&self, state: &Arc<StepState>) {
        let mut told = state.counts();
        for tick in 1u64.. {
            tokio::time::sleep(TICK).await;
            let counts = state.counts();
            let result = async {
                if counts != told {
                    state.save_progress().await?;
                    told = counts;
                }
                state.record_all().await?;
                // The context grows with each file, so it is not written at each.
                if tick == 1 || tick % 10 == 0 {
                    state.save().await?;
                }
                if tick % 2 == 0 {
                    hear_wish(self.engine, self.execution, self.live).await
                } else {
                    Ok(())
                }
            };
            if let Err(error) = result.await {
                tracing::warn!(execution = %self.execution.id, %error, "could not note how far a step is");
            }
        }
    }

    /// Waits before a retry, unless the execution is told to stop.
    async fn pause_before_retry(&self, wait: Duration) -> Result<(), Halt> {
        tokio::select! {
            stop = self.live.stopped() => Err(Halt::Stopped(stop)),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }

    /// Puts all steps back, for another attempt at the whole job.
    async fn start_over(&mut self) -> Result<()> {
        self.context.clear();
        for mut row in self.engine.0.store.executions().steps(self.execution.id).await? {
            row.state = RowState::Pending;
            (row.ended_at, row.error) = (None, None);
            (row.bytes_transferred, row.files_transferred) = (0, 0);
            self.keep(&row).await?;
        }
        Ok(())
    }

    /// Keeps a step and the context in one transaction, and tells watchers.
    async fn keep(&mut self, row: &StepRow) -> Result<()> {
        let context = &Value::Object(self.context.clone());
        let (store, claim) = (self.engine.0.store.executions(), self.execution.claim());
        let write = || async move { Ok(store.checkpoint(claim, row, Some(context)).await?) }.boxed();
        self.engine.persist(write).await?;
        if let Some(kept) = self.rows.iter_mut().find(|kept| kept.index == row.index) {
            *kept = row.clone();
        }
        self.live.tell(ExecutionEvent::State {
            state: ExecutionState::Running,
            step: Some(row.index),
        });
        Ok(())
    }
}

/// How often a running step's numbers are written; watchers see them at most twice as old.
const TICK: Duration = Duration::from_millis(500);
