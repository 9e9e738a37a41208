//! Runs one execution: its steps in order, each kept before the next begins.

mod limits;
mod rerun;
mod retry;
mod step;
mod stop;

use std::{panic::AssertUnwindSafe, sync::Arc};

use courier_store::executions::{Execution, ExecutionState, Step as StepRow, StepState as RowState};
use futures::{FutureExt, future::BoxFuture};
use serde_json::{Map, Value};

use crate::{
    Definition, Engine, Error, ExecutionEvent, Failure, Result, jobs,
    live::{Live, Stop},
    sessions::Sessions,
};
use limits::{Clock, Deadline};

/// Why the steps did not come to their end.
#[derive(Debug)]
enum Halt {
    /// A step failed, and its policy says that this is the end.
    Failed(Failure),
    /// The execution failed, whatever the policies say: its time is over.
    Over(Failure),
    /// The job begins anew.
    StartOver,
    /// It was told to stop.
    Stopped(Stop),
}

/// An error of the runner itself. One of a lost hold is no failure: whoever has the execution now goes on.
impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(courier_store::Error::Conflict(_)) => Self::Stopped(Stop::LeaseLost),
            error => Self::Failed(Failure::from(&error)),
        }
    }
}

impl From<courier_store::Error> for Halt {
    fn from(error: courier_store::Error) -> Self {
        Error::from(error).into()
    }
}

/// Runs an execution that was taken from the queue, to its end or until it is told to stop.
pub(crate) async fn run(engine: &Engine, execution: Execution, live: &Arc<Live>) {
    let id = execution.id;
    engine.0.live.tell_state(id, ExecutionState::Running);
    stop::obey(live, execution.request);
    let sessions = Arc::new(Sessions::new(engine, &execution));
    let work = AssertUnwindSafe(work(engine, &execution, live, &sessions)).catch_unwind();
    let work = tokio::select! {
        work = work => work,
        never = stop::hear_wishes(engine, &execution, live) => match never {},
    };
    stop::close(engine, &sessions).await;
    let halt = match work {
        Ok(Ok(())) => None,
        Ok(Err(halt)) => Some(halt),
        Err(_) => Some(Halt::Failed(stop::bug("execution"))),
    };
    if !live.is_held() || matches!(halt, Some(Halt::Stopped(Stop::LeaseLost))) {
        // Another node may have it by now: nothing here is to be written or removed.
        tracing::warn!(execution = %id, "stopped an execution, because this node lost its hold on it");
        engine.0.live.end(id);
        return;
    }
    let (state, error) = stop::outcome(&execution, halt);
    match stop::leave(engine, &execution, live, state, error).await {
        // What was wished since it began to stop may lead elsewhere.
        Ok(Some(left)) => {
            // Not before: until it is noted, another node may go on with what is in there.
            if left.is_final() {
                stop::clear_up(engine, id, left).await;
            }
            engine.0.live.tell_state(id, left);
        }
        Ok(None) => tracing::warn!(execution = %id, "another node has an execution that ended here"),
        Err(error) => {
            tracing::error!(execution = %id, %error, %state, "could not note how an execution ended")
        }
    }
    engine.0.live.end(id);
}

async fn work(
    engine: &Engine,
    execution: &Execution,
    live: &Arc<Live>,
    sessions: &Sessions,
) -> Result<(), Halt> {
    let store = engine.0.store.executions();
    // What took its time before, and where, is asked for only where there was a before.
    let look = || {
        async move {
            let job = definition(engine, execution).await?;
            let rows = store.steps(execution.id).await?;
            let history = match execution.attempts {
                0 | 1 => Vec::new(),
                _ => store.history(execution.id).await?,
            };
            Ok((job, rows, history))
        }
        .boxed()
    };
    let (job, rows, history) = tokio::select! {
        biased;
        looked = engine.persist(look) => looked?,
        () = live.lease().lost() => return Err(Halt::Stopped(Stop::LeaseLost)),
    };
    if rows.len() != job.steps.len() {
        return Err(damaged(format!(
            "it has {} steps, and version {} of its job has {}",
            rows.len(),
            execution.job_version,
            job.steps.len()
        )));
    }
    let Value::Object(context) = &execution.context else {
        return Err(damaged("its context is no object".into()));
    };
    let clock = Clock::new(&history);
    let mut run = Run {
        engine,
        execution,
        live,
        sessions,
        job: &job,
        rows,
        context: context.clone(),
        deadline: clock.of_execution(&job, execution),
        clock,
        retries: execution.retries,
    };
    run.repeat_what_is_lost(&history).await?;
    loop {
        match run.steps().await {
            Err(Halt::StartOver) => run.start_over().await?,
            result => return result,
        }
    }
}

/// What is to be done: the job in the version that was queued, or the one step that a folder mapping is.
async fn definition(engine: &Engine, execution: &Execution) -> Result<Definition> {
    match (execution.mapping_id, execution.job_id) {
        (Some(mapping), _) => Ok(Definition::of_mapping(mapping, &execution.job_name)),
        (None, Some(job)) => {
            let version = engine.0.store.jobs().version(job, execution.job_version).await?;
            jobs::read(version.definition)
        }
        (None, None) => Err(Error::Internal("an execution is of no job and no mapping".into())),
    }
}

fn damaged(how: String) -> Halt {
    Error::Internal(format!(
        "the stored execution is damaged: {how}; run the job again"
    ))
    .into()
}

/// An execution that runs.
struct Run<'a> {
    engine: &'a Engine,
    execution: &'a Execution,
    live: &'a Arc<Live>,
    sessions: &'a Sessions,
    job: &'a Definition,
    rows: Vec<StepRow>,
    context: Map<String, Value>,
    clock: Clock,
    deadline: Option<Deadline>,
    /// How often the whole job was tried again.
    retries: u32,
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

    /// Keeps a step and the context in one transaction, and tells watchers.
    async fn keep(&mut self, row: &StepRow) -> Result<(), Halt> {
        let context = &Value::Object(self.context.clone());
        let (store, claim) = (self.engine.0.store.executions(), self.execution.claim());
        self.write(|| async move { Ok(store.checkpoint(claim, row, Some(context)).await?) }.boxed())
            .await?;
        if let Some(kept) = self.rows.iter_mut().find(|kept| kept.index == row.index) {
            *kept = row.clone();
        }
        self.live.tell(ExecutionEvent::State {
            state: ExecutionState::Running,
            step: Some(row.index),
        });
        Ok(())
    }

    /// Writes to the store, and again while the database is away, as long as the lease is held.
    async fn write<'a>(&self, write: impl Fn() -> BoxFuture<'a, Result<()>>) -> Result<(), Halt> {
        match self.while_held(self.engine.persist(write)).await {
            Some(result) => Ok(result?),
            None => Err(Halt::Stopped(Stop::LeaseLost)),
        }
    }

    /// What the work comes to; nothing where the lease is lost meanwhile.
    async fn while_held<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.live.lease().lost() => None,
        }
    }
}
