//! Jobs: defined, versioned, run.

pub use courier_store::jobs::JobFilter;
use courier_store::{
    audit::NewAudit,
    executions::{self, ExecutionFilter, ExecutionState, NewExecution, NewStep, Origin},
    jobs as store,
    schedules::{NewSchedule, Schedule},
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    Actor, Definition, Engine, Error, Page, PageRequest, Result, ScheduleDefinition, StepTypeInfo,
    audit::Entry,
    definition::{self, schedule},
    executions::Execution,
    steps,
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
    /// When it runs by itself next.
    pub next_run_at: Option<Timestamp>,
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

/// What is particular about one run of a job.
#[derive(Debug)]
pub(crate) struct NewRun<'a> {
    /// Who or what begins it.
    pub(crate) triggered_by: &'a str,
    /// The time that a schedule has set for it.
    pub(crate) scheduled_at: Option<Timestamp>,
    /// The time zone of its dates, by IANA's name; none for UTC.
    pub(crate) timezone: Option<String>,
}

impl Job {
    /// An execution of the job as it is now, to be put into the queue.
    pub(crate) fn execution(&self, run: NewRun<'_>) -> NewExecution {
        let steps = self.definition.steps.iter().map(|step| NewStep {
            name: step.name.clone(),
            step_type: step.step_type.clone(),
        });
        NewExecution {
            origin: Origin::Job {
                id: self.id,
                version: self.version,
            },
            job_name: self.definition.name.clone(),
            triggered_by: run.triggered_by.to_owned(),
            context: json!({}),
            steps: steps.collect(),
            max_instances: self.definition.max_instances,
            scheduled_at: run.scheduled_at,
            timezone: run.timezone,
        }
    }

    /// The audit record of an execution that was queued; `more` is an object of what else there is to say.
    pub(crate) fn run_record(&self, by: &str, queued: &executions::Execution, more: Value) -> NewAudit {
        let mut details = json!({"job_id": self.id, "name": self.definition.name, "version": self.version});
        if let (Value::Object(details), Value::Object(more)) = (&mut details, more) {
            details.extend(more);
        }
        let entry = Entry {
            execution: Some(queued.id),
            ..Entry::new("job_run", by, details)
        };
        entry.into()
    }
}

impl Jobs<'_> {
    /// Makes a job.
    ///
    /// # Errors
    /// [`Error::Validation`], [`Error::StepType`], [`Error::StepConfig`], [`Error::Schedule`], [`Error::Duplicate`].
    pub async fn create(&self, actor: &Actor, input: Map<String, Value>) -> Result<Job> {
        let now = self.0.schedules().now().await?;
        let definition = self.checked(input, &[], now).await?;
        let name = definition.name.clone();
        let jobs = self.0.0.store.jobs();
        let made = |job: &store::Job| record(actor, "job_created", job);
        let made = jobs.insert(stored(actor, definition, now)?, made).await;
        self.shown(named(made, &name)?).await
    }

    /// One job.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, id: Uuid) -> Result<Job> {
        self.shown(found(self.0.0.store.jobs().get(id).await, id)?).await
    }

    /// Jobs, oldest first.
    ///
    /// # Errors
    /// [`Error::Store`], also for a cursor that no list gave out.
    pub async fn list(&self, filter: JobFilter, page: PageRequest) -> Result<Page<Job>> {
        let page = self.0.0.store.jobs().list(&filter, &page).await?;
        let ids: Vec<Uuid> = page.items.iter().map(|job| job.id).collect();
        let schedules = self.0.schedules().of(&ids).await?;
        page.try_map(|job| view(job, &schedules))
    }

    /// Gives a job a new definition: its next version. Executions that were queued before run the old one.
    ///
    /// # Errors
    /// As [`Self::create`], and [`Error::NotFound`].
    pub async fn replace(&self, actor: &Actor, id: Uuid, input: Map<String, Value>) -> Result<Job> {
        let before = self.get(id).await?;
        let now = self.0.schedules().now().await?;
        let definition = self.checked(input, &before.definition.schedules, now).await?;
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
        let updated = jobs
            .update(id, stored(actor, definition, now)?, None, changed)
            .await;
        self.shown(found(named(updated, &name), id)?).await
    }

    /// Deletes a job. Its executions and versions stay.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`] while an execution of it is not over.
    pub async fn delete(&self, actor: &Actor, id: Uuid) -> Result<()> {
        let job = found(self.0.0.store.jobs().get(id).await, id)?;
        if self.has_unfinished(id).await? {
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
        let execution = job.execution(NewRun {
            triggered_by: &actor.name,
            scheduled_at: None,
            timezone: None,
        });
        let run = |queued: &executions::Execution| job.run_record(&actor.name, queued, json!({}));
        let queued = match self.0.0.store.executions().enqueue(execution, run).await {
            Err(courier_store::Error::Conflict(message)) => return Err(Error::Conflict(message)),
            queued => queued?,
        };
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

    /// Reads and checks a definition; `known` are schedules that the job has already.
    async fn checked(
        &self,
        input: Map<String, Value>,
        known: &[ScheduleDefinition],
        now: Timestamp,
    ) -> Result<Definition> {
        let mut definition = definition::parse(input)?;
        steps::check(self.0, &definition).await?;
        schedule::check(&mut definition.schedules, known, now)?;
        Ok(definition)
    }

    async fn shown(&self, job: store::Job) -> Result<Job> {
        let schedules = self.0.schedules().of(&[job.id]).await?;
        view(job, &schedules)
    }

    /// Is one of a job's executions queued, running or paused?
    async fn has_unfinished(&self, id: Uuid) -> Result<bool> {
        let filter = ExecutionFilter {
            job_id: Some(id),
            states: vec![
                ExecutionState::Queued,
                ExecutionState::Running,
                ExecutionState::Paused,
            ],
            ..ExecutionFilter::default()
        };
        let executions = self.0.0.store.executions();
        Ok(!executions
            .list(&filter, &PageRequest::first(1))
            .await?
            .items
            .is_empty())
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

fn stored(actor: &Actor, definition: Definition, now: Timestamp) -> Result<store::JobInput> {
    let value =
        serde_json::to_value(&definition).map_err(|e| Error::Internal(format!("a job definition: {e}")))?;
    let schedules = definition.schedules.into_iter().map(|schedule| {
        Ok(NewSchedule {
            next_run_at: schedule.after(now).map_err(Error::Internal)?,
            cron: schedule.cron,
            timezone: schedule.timezone,
            at: schedule.at,
            missed: schedule.missed,
        })
    });
    Ok(store::JobInput {
        name: definition.name,
        description: definition.description,
        enabled: definition.enabled,
        definition: value,
        schedules: schedules.collect::<Result<_>>()?,
        by: actor.name.clone(),
    })
}

/// A stored job, with when it runs next by those of the schedules that are its own.
pub(crate) fn view(job: store::Job, schedules: &[Schedule]) -> Result<Job> {
    let own = schedules.iter().filter(|schedule| schedule.job_id == job.id);
    Ok(Job {
        id: job.id,
        version: job.version,
        definition: read(job.definition)?,
        next_run_at: own.filter_map(|schedule| schedule.next_run_at).min(),
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
