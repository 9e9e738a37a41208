//! Executions of jobs and folder mappings: looked at, watched, stopped, gone on with.

use std::{collections::HashMap, time::Duration};

pub use crate::azure_functions::traces::{Trace, Traces};
pub use courier_store::executions::{ExecutionFilter, ExecutionState, StepState, Transition};
use courier_store::{
    audit::NewAudit,
    bus::{Heard, Notice},
    executions as store,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    Actor, Engine, Error, ExecutionEvents, Failure, Page, PageRequest, Result, audit::Entry,
    azure_functions::traces::of_step, live::Stop,
};

/// Executions.
#[derive(Clone, Copy, Debug)]
pub struct Executions<'a>(pub(crate) &'a Engine);

/// An execution as it is shown.
#[derive(Clone, Debug)]
pub struct Execution {
    /// Its id.
    pub id: Uuid,
    /// The job, which may be gone since; none where it is a mapping's.
    pub job_id: Option<Uuid>,
    /// The version of the job that it runs; 0 where it is a mapping's.
    pub job_version: u32,
    /// The folder mapping, which may be gone since; none where it is a job's.
    pub mapping_id: Option<Uuid>,
    /// The job's or the mapping's name at that time.
    pub job_name: String,
    /// Where it stands.
    pub state: ExecutionState,
    /// Who started it.
    pub triggered_by: String,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The node that runs it, or ran it last.
    pub node: Option<String>,
    /// How often a worker took it.
    pub attempts: u32,
    /// How often the whole job was tried again, by its failure policy.
    pub retries: u32,
    /// The time that its schedule had set for it.
    pub scheduled_at: Option<Timestamp>,
    /// The time zone of its dates, by IANA's name; none for UTC.
    pub timezone: Option<String>,
    /// Why it failed.
    pub error: Option<Failure>,
    /// The states that it went through; empty in lists.
    pub history: Vec<Transition>,
    /// All its steps from the start.
    pub steps: Vec<Step>,
    /// What steps left for later ones.
    pub context: Map<String, Value>,
}

/// One step of an execution.
#[derive(Clone, Debug)]
pub struct Step {
    /// Counted from 1.
    pub index: u32,
    /// Its name for people.
    pub name: Option<String>,
    /// Which step.
    pub step_type: String,
    /// Where it stands.
    pub state: StepState,
    /// How often it was begun.
    pub attempts: u32,
    /// How often it was tried again, by the failure policy.
    pub retries: u32,
    /// When it is tried again, where it failed and that is decided.
    pub retry_at: Option<Timestamp>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Bytes moved, at most 1 s old.
    pub bytes_transferred: u64,
    /// Files moved.
    pub files_transferred: u64,
    /// Why it failed.
    pub error: Option<Failure>,
}

/// How long a running execution may take to stop; after that the answer says that it still runs.
const STOPPING: Duration = Duration::from_secs(5);
/// How often the store is asked whether it has stopped, where nobody says so.
const LOOK: Duration = Duration::from_millis(300);

impl Executions<'_> {
    /// Executions, newest first, each with an empty context: [`Self::get`] has it.
    ///
    /// # Errors
    /// [`Error::Store`], also for a cursor that no list gave out.
    pub async fn list(&self, filter: ExecutionFilter, page: PageRequest) -> Result<Page<Execution>> {
        let page = self.0.0.store.executions().list(&filter, &page).await?;
        let ids: Vec<Uuid> = page.items.iter().map(|e| e.id).collect();
        let mut steps: HashMap<Uuid, Vec<store::Step>> = HashMap::new();
        for (id, step) in self.0.0.store.executions().steps_of(&ids).await? {
            steps.entry(id).or_default().push(step);
        }
        Ok(page.map(|e| {
            let steps = steps.remove(&e.id).unwrap_or_default();
            self.view(e, steps)
        }))
    }

    /// One execution, with its steps.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, id: Uuid) -> Result<Execution> {
        let execution = found(self.0.0.store.executions().get(id).await, id)?;
        let steps = self.0.0.store.executions().steps(id).await?;
        let history = self.0.0.store.executions().history(id).await?;
        Ok(Execution {
            history,
            ..self.view(execution, steps)
        })
    }

    /// Ends it for good, also in the middle of a transfer.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`] for one that is over.
    pub async fn cancel(&self, actor: &Actor, id: Uuid) -> Result<Execution> {
        let record = |asked: &store::Execution| record(actor, "execution_cancelled", asked);
        let asked = found(self.0.0.store.executions().request_cancel(id, record).await, id)?;
        if asked.state == ExecutionState::Cancelled {
            self.0.0.paths.remove_work_dir(id).await;
        }
        self.stop(asked, Stop::Cancel).await
    }

    /// Stops it at once, to be resumed later where it was.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`] for one that is neither queued nor running.
    pub async fn pause(&self, actor: &Actor, id: Uuid) -> Result<Execution> {
        let record = |asked: &store::Execution| record(actor, "execution_paused", asked);
        let asked = found(self.0.0.store.executions().request_pause(id, record).await, id)?;
        self.stop(asked, Stop::Pause).await
    }

    /// Goes on with a paused one, at the step that was stopped and in the middle of its file where that can be.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`] for one that is not paused.
    pub async fn resume(&self, actor: &Actor, id: Uuid) -> Result<Execution> {
        let record = |asked: &store::Execution| record(actor, "execution_resumed", asked);
        let resumed = found(self.0.0.store.executions().request_resume(id, record).await, id)?;
        self.0.0.live.tell_state(id, resumed.state);
        self.get(id).await
    }

    /// What happens in it from now on.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn subscribe(&self, id: Uuid) -> Result<ExecutionEvents> {
        let receiver = self.0.0.live.subscribe();
        let execution = found(self.0.0.store.executions().get(id).await, id)?;
        Ok(ExecutionEvents::new(self.0.clone(), &execution, receiver))
    }

    /// What the function wrote that a step of it called last, as far as the workspace of the step's connection has it: asked for
    /// now, and oldest first. Somebody who only looks changes no health by that.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`] where the step has called no function or nothing is known of its run yet,
    /// [`Error::ConnectionNotUsable`], [`Error::Transfer`] with what Azure says.
    pub async fn traces(&self, actor: &Actor, id: Uuid, step: u32, page: PageRequest) -> Result<Traces> {
        of_step(self.0, actor, id, step, page).await
    }

    /// Passes a stop on to where the execution runs, and waits a moment for it.
    async fn stop(&self, asked: store::Execution, stop: Stop) -> Result<Execution> {
        if asked.state == ExecutionState::Running {
            let stopped = async {
                match self.0.0.live.get(asked.id) {
                    Some(live) => {
                        live.stop(stop);
                        live.ended().await;
                    }
                    None => self.stop_elsewhere(asked.id).await,
                }
            };
            let _ = tokio::time::timeout(STOPPING, stopped).await;
        } else {
            self.0.0.live.tell_state(asked.id, asked.state);
        }
        self.get(asked.id).await
    }

    /// Tells the node that has it, which would otherwise see the wish within a second, and waits until it says that it runs
    /// no more.
    async fn stop_elsewhere(&self, id: Uuid) {
        let bus = self.0.0.store.bus();
        let mut ear = bus.subscribe();
        bus.publish(Notice::Wish { execution: id });
        loop {
            match tokio::time::timeout(LOOK, ear.next()).await {
                Ok(Some(Heard::Here(notice) | Heard::Elsewhere(notice))) => match notice {
                    Notice::State {
                        execution,
                        state,
                        step: None,
                    } if execution == id && state != ExecutionState::Running => return,
                    _ => continue,
                },
                Ok(None) => return,
                // It may have been said when nobody could hear it.
                Ok(Some(Heard::Gap)) | Err(_) => {}
            }
            let now = self.0.0.store.executions().get(id).await;
            if !now.is_ok_and(|now| now.state == ExecutionState::Running) {
                return;
            }
        }
    }

    /// With live numbers where it runs on this node.
    fn view(&self, execution: store::Execution, steps: Vec<store::Step>) -> Execution {
        let counts = self.0.0.live.get(execution.id).and_then(|live| live.counts());
        let is_over = execution.state.is_final();
        let steps = steps
            .into_iter()
            .map(|step| {
                let counts =
                    counts.filter(|(index, ..)| *index == step.index && step.state == StepState::Running);
                let (_, bytes, files) = counts.unwrap_or((0, step.bytes_transferred, step.files_transferred));
                Step {
                    index: step.index,
                    name: step.name,
                    step_type: step.step_type,
                    state: step.state,
                    attempts: step.attempts,
                    retries: step.retries,
                    retry_at: retry_at(step.error.as_ref())
                        .filter(|_| !is_over && step.state == StepState::Failed),
                    started_at: step.started_at,
                    ended_at: step.ended_at,
                    bytes_transferred: bytes,
                    files_transferred: files,
                    error: failure(step.error),
                }
            })
            .collect();
        Execution {
            id: execution.id,
            job_id: execution.job_id,
            job_version: execution.job_version,
            mapping_id: execution.mapping_id,
            job_name: execution.job_name,
            state: execution.state,
            triggered_by: execution.triggered_by,
            queued_at: execution.queued_at,
            started_at: execution.started_at,
            ended_at: execution.ended_at,
            node: execution.node,
            attempts: execution.attempts,
            retries: execution.retries,
            scheduled_at: execution.scheduled_at,
            timezone: execution.timezone,
            history: Vec::new(),
            error: failure(execution.error),
            steps,
            context: object(execution.context),
        }
    }
}

fn record(actor: &Actor, operation: &str, execution: &store::Execution) -> NewAudit {
    let (of, id) = match execution.mapping_id {
        Some(mapping) => ("mapping_id", Some(mapping)),
        None => ("job_id", execution.job_id),
    };
    let details = json!({of: id, "name": execution.job_name});
    let entry = Entry {
        execution: Some(execution.id),
        ..Entry::new(operation, &actor.name, details)
    };
    entry.into()
}

/// The fields of a JSON object.
pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Where a step's stored error says when it is tried again.
pub(crate) const RETRY_AT: &str = "retry_at";

/// When a failed step is tried again, where it is.
pub(crate) fn retry_at(error: Option<&Value>) -> Option<Timestamp> {
    error?.get(RETRY_AT)?.as_str()?.parse().ok()
}

pub(crate) fn failure(error: Option<Value>) -> Option<Failure> {
    error.and_then(|error| serde_json::from_value(error).ok())
}

fn found<T>(result: courier_store::Result<T>, id: Uuid) -> Result<T> {
    match result {
        Err(courier_store::Error::NotFound { .. }) => Err(Error::not_found("execution", id)),
        Err(courier_store::Error::Conflict(message)) => Err(Error::Conflict(message)),
        result => Ok(result?),
    }
}
