//! Jobs: defined, versioned, run.

pub use courier_store::jobs::JobFilter;
use courier_store::{
    audit::NewAudit,
    executions::{ExecutionFilter, ExecutionState, NewExecution, NewStep},
    jobs as store,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    Actor, Definition, Engine, Error, Page, PageRequest, Result, StepTypeInfo, audit::Entry, definition,
    executions::Execution, steps,
};

/// Jobs.
#[derive(Clone, Copy, Debug)]
pub struct Jobs<'a>(pub(crate) &'a Engine);

/// A job as it is shown.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its id.
    pub id: Uuid,
    /// Counts its definitions from 1.
    pub version: u32,
    /// What it is made of.
    pub definition: Definition,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// One of a job's definitions, past or present.
#[derive(Clone, Debug)]
pub struct JobVersion {
    /// The job.
    pub job_id: Uuid,
    /// Its number, from 1.
    pub version: u32,
    /// What the job was made of.
    pub definition: Definition,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

impl Jobs<'_> {
    /// Makes a job.
    ///
    /// # Errors
    /// [`Error::Validation`], [`Error::StepType`], [`Error::StepConfig`], [`Error::Duplicate`].
    pub async fn create(&self, actor: &Actor, input: Map<String, Value>) -> Result<Job> {
        let definition = self.checked(input).await?;
        let name = definition.name.clone();
        let jobs = self.0.0.store.jobs();
        let made = |job: &store::Job| record(actor, "job_created", job);
        view(named(jobs.insert(stored(actor, definition)?, made).await, &name)?)
    }

    /// One job.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, id: Uuid) -> Result<Job> {
        view(found(self.0.0.store.jobs().get(id).await, id)?)
    }

    /// Jobs, oldest first.
    ///
    /// # Errors
    /// [`Error::Store`], also for a cursor that no list gave out.
    pub async fn list(&self, filter: JobFilter, page: PageRequest) -> Result<Page<Job>> {
        self.0.0.store.jobs().list(&filter, &page).await?.try_map(view)
    }

    /// Gives a job a new definition: its next version. Executions that were queued before run the old one.
    ///
    /// # Errors
    /// As [`Self::create`], and [`Error::NotFound`].
    pub async fn replace(&self, actor: &Actor, id: Uuid, input: Map<String, Value>) -> Result<Job> {
        self.get(id).await?;
        let definition = self.checked(input).await?;
        let name = definition.name.clone();
        let changed = |before: &store::Job, after: &store::Job| {
            let details = json!({
                "job_id": id,
                "name": after.name,
                "version": after.version,
                "before": {"name": before.name, "version": before.version, "enabled": before.enabled},
                "after": {"name": after.name, "version": after.version, "enabled": after.enabled},
            });
            Entry::new("job_changed", &actor.name, details).into()
        };
        let jobs = self.0.0.store.jobs();
        let updated = jobs.update(id, stored(actor, definition)?, None, changed).await;
        view(found(named(updated, &name), id)?)
    }

    /// Deletes a job. Its executions and versions stay.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`] while an execution of it is not over.
    pub async fn delete(&self, actor: &Actor, id: Uuid) -> Result<()> {
        let job = found(self.0.0.store.jobs().get(id).await, id)?;
        if self.unfinished(id).await? > 0 {
            return Err(Error::Conflict(format!(
                "the job \"{}\" has an execution that is not over; wait for it, or cancel it first",
                job.name
            )));
        }
        let deleted = |job: &store::Job| record(actor, "job_deleted", job);
        found(self.0.0.store.jobs().delete(id, deleted).await, id)
    }

    /// Queues an execution; a worker takes it at once where one is free.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`] for a job that is not enabled, or has `max_instances` already.
    pub async fn run(&self, actor: &Actor, id: Uuid) -> Result<Execution> {
        let job = self.get(id).await?;
        let name = &job.definition.name;
        if !job.definition.enabled {
            return Err(Error::Conflict(format!(
                "the job \"{name}\" is not enabled; set enabled to true first"
            )));
        }
        let steps = job.definition.steps.iter();
        let execution = NewExecution {
            job_id: id,
            job_version: job.version,
            job_name: name.clone(),
            triggered_by: actor.name.clone(),
            context: json!({}),
            steps: steps
                .map(|s| NewStep {
                    name: s.name.clone(),
                    step_type: s.step_type.clone(),
                })
                .collect(),
            max_instances: job.definition.max_instances,
            scheduled_at: None,
            timezone: None,
        };
        let run = |queued: &courier_store::executions::Execution| {
            let details = json!({"job_id": id, "name": name, "version": job.version});
            let entry = Entry {
                execution: Some(queued.id),
                ..Entry::new("job_run", &actor.name, details)
            };
            entry.into()
        };
        let queued = match self.0.0.store.executions().enqueue(execution, run).await {
            Err(courier_store::Error::Conflict(message)) => return Err(Error::Conflict(message)),
            queued => queued?,
        };
        self.0.0.queue.notify_one();
        self.0.executions().get(queued.id).await
    }

    /// Its definitions, newest first, also of a job that is gone.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn versions(&self, id: Uuid) -> Result<Vec<JobVersion>> {
        let versions = found(self.0.0.store.jobs().versions(id).await.map_err(Error::from), id)?;
        versions
            .into_iter()
            .map(|v| {
                Ok(JobVersion {
                    job_id: v.job_id,
                    version: v.version,
                    definition: read(v.definition)?,
                    created_by: v.created_by,
                    created_at: v.created_at,
                })
            })
            .collect()
    }

    /// The steps that there are.
    pub fn step_types(&self) -> Vec<StepTypeInfo> {
        steps::infos()
    }

    async fn checked(&self, input: Map<String, Value>) -> Result<Definition> {
        let definition = definition::parse(input)?;
        steps::check(self.0, &definition).await?;
        Ok(definition)
    }

    /// How many of a job's executions are queued, running or paused.
    async fn unfinished(&self, id: Uuid) -> Result<u64> {
        let filter = ExecutionFilter {
            job_id: Some(id),
            states: vec![
                ExecutionState::Queued,
                ExecutionState::Running,
                ExecutionState::Paused,
            ],
            ..ExecutionFilter::default()
        };
        let page = self
            .0
            .0
            .store
            .executions()
            .list(&filter, &PageRequest::first(1000))
            .await?;
        Ok(page.items.len() as u64)
    }
}

fn record(actor: &Actor, operation: &str, job: &store::Job) -> NewAudit {
    let details = json!({"job_id": job.id, "name": job.name, "version": job.version});
    Entry::new(operation, &actor.name, details).into()
}

/// A stored definition.
pub(crate) fn read(definition: Value) -> Result<Definition> {
    serde_json::from_value(definition)
        .map_err(|e| Error::Internal(format!("a stored job definition is damaged: {e}")))
}

fn stored(actor: &Actor, definition: Definition) -> Result<store::JobInput> {
    let value =
        serde_json::to_value(&definition).map_err(|e| Error::Internal(format!("a job definition: {e}")))?;
    Ok(store::JobInput {
        name: definition.name,
        description: definition.description,
        enabled: definition.enabled,
        definition: value,
        by: actor.name.clone(),
    })
}

fn view(job: store::Job) -> Result<Job> {
    Ok(Job {
        id: job.id,
        version: job.version,
        definition: read(job.definition)?,
        created_at: job.created_at,
        updated_at: job.updated_at,
    })
}

fn named(result: courier_store::Result<store::Job>, name: &str) -> Result<store::Job> {
    match result {
        Err(courier_store::Error::Duplicate { .. }) => Err(Error::Duplicate {
            what: "job",
            name: name.into(),
        }),
        result => Ok(result?),
    }
}

fn found<T>(result: Result<T, impl Into<Error>>, id: Uuid) -> Result<T> {
    match result.map_err(Into::into) {
        Err(Error::Store(courier_store::Error::NotFound { .. })) => Err(Error::not_found("job", id)),
        result => result,
    }
}
