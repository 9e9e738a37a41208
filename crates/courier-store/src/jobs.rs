//! Jobs and their versions.

mod failing;

pub use failing::FailingJob;
use jiff::Timestamp;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Error, Page, PageRequest, Result, Store,
    audit::NewAudit,
    entities::{
        job_connections, job_versions,
        jobs::{Column, Entity, Model},
    },
    ids::{now, stamp},
    page::Order,
    row,
    schedules::{self, NewSchedule},
};

/// Jobs.
#[derive(Clone, Copy, Debug)]
pub struct Jobs<'a>(pub(crate) &'a Store);

/// A job, as its newest version has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// May it run?
    pub enabled: bool,
    /// Counts its changes, from 1.
    pub version: u32,
    /// Steps, failure policy, schedules.
    pub definition: Value,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Who made it.
    pub created_by: String,
}

/// What a version of a job was.
#[derive(Clone, Debug, PartialEq)]
pub struct JobVersion {
    /// The job, which may be gone since.
    pub job_id: Uuid,
    /// Its number, from 1.
    pub version: u32,
    /// Steps, failure policy, schedules.
    pub definition: Value,
    /// When it came.
    pub created_at: Timestamp,
    /// Who wrote it.
    pub created_by: String,
}

/// A job as somebody wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct JobInput {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// May it run?
    pub enabled: bool,
    /// Steps, failure policy, schedules. Every `connection_id` in it, at any depth, that is an id counts as a reference
    /// to that connection.
    pub definition: Value,
    /// When it runs by itself.
    pub schedules: Vec<NewSchedule>,
    /// Who wants it.
    pub by: String,
}

/// Which jobs are wanted; what is `None` excludes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// That may run, or may not.
    pub enabled: Option<bool>,
    /// With this in its name, in either case.
    pub search: Option<String>,
}

impl Jobs<'_> {
    /// Keeps a new job, as version 1, with the audit record of it.
    ///
    /// # Errors
    /// [`Error::Duplicate`] for the name.
    pub async fn insert(&self, input: JobInput, record: impl FnOnce(&Job) -> NewAudit) -> Result<Job> {
        let (id, at) = stamp();
        let at = at.as_microsecond();
        let row = Model {
            id,
            name: input.name,
            description: input.description.as_deref().map(row::clean),
            enabled: input.enabled,
            version: 1,
            definition: row::clean_json(input.definition),
            created_at: at,
            updated_at: at,
            created_by: input.by.clone(),
        };
        self.0
            .transact(async |db| {
                Entity::insert(row.clone().into_active_model().reset_all())
                    .exec_without_returning(db)
                    .await?;
                keep_version(db, &row, input.by).await?;
                schedules::rewrite(db, id, true, row.enabled, input.schedules).await?;
                let job = row.try_into()?;
                self.0.append_audit(db, vec![record(&job)]).await?;
                Ok(job)
            })
            .await
    }

    /// Changes a job: its next version, which is kept beside the earlier ones, with the audit record of what the job was
    /// and is.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Duplicate`] for the name; [`Error::Conflict`] where `if_version` is given and the
    /// job is at another.
    pub async fn update(
        &self,
        id: Uuid,
        input: JobInput,
        if_version: Option<u32>,
        record: impl FnOnce(&Job, &Job) -> NewAudit,
    ) -> Result<Job> {
        self.0
            .transact(async |db| {
                let before = Entity::find_by_id(id)
                    .lock_exclusive()
                    .one(db)
                    .await?
                    .ok_or(NOT_FOUND)?;
                if let Some(expected) = if_version.filter(|expected| *expected != row::number(before.version))
                {
                    let message = format!(
                        "the job is at version {}, not {expected}: look again",
                        before.version
                    );
                    return Err(Error::Conflict(message));
                }
                let row = Model {
                    name: input.name,
                    description: input.description.as_deref().map(row::clean),
                    enabled: input.enabled,
                    version: before.version.saturating_add(1),
                    definition: row::clean_json(input.definition),
                    updated_at: now().as_microsecond(),
                    ..before.clone()
                };
                Entity::update_many()
                    .set(row.clone().into_active_model().reset_all())
                    .filter(Column::Id.eq(id))
                    .exec(db)
                    .await?;
                keep_version(db, &row, input.by).await?;
                schedules::rewrite(db, id, before.enabled, row.enabled, input.schedules).await?;
                let (before, after) = (before.try_into()?, row.try_into()?);
                self.0.append_audit(db, vec![record(&before, &after)]).await?;
                Ok(after)
            })
            .await
    }

    /// Forgets a job, with the audit record of it. Its executions and its versions stay.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete(&self, id: Uuid, record: impl FnOnce(&Job) -> NewAudit) -> Result<()> {
        self.0
            .transact(async |db| {
                let job = Entity::find_by_id(id).lock_exclusive().one(db).await?;
                let job = job.ok_or(NOT_FOUND)?.try_into()?;
                Entity::delete_by_id(id).exec(db).await?;
                self.0.append_audit(db, vec![record(&job)]).await
            })
            .await
    }

    /// One job.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, id: Uuid) -> Result<Job> {
        Entity::find_by_id(id)
            .one(self.0.read())
            .await?
            .ok_or(NOT_FOUND)?
            .try_into()
    }

    /// The job of this name.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Unavailable`].
    pub async fn by_name(&self, name: &str) -> Result<Option<Job>> {
        Entity::find()
            .filter(Column::Name.eq(name))
            .one(self.0.read())
            .await?
            .map(Job::try_from)
            .transpose()
    }

    /// Jobs, oldest first.
    ///
    /// # Errors
    /// [`Error::BadCursor`].
    pub async fn list(&self, filter: &JobFilter, page: &PageRequest) -> Result<Page<Job>> {
        let mut query = Entity::find();
        if let Some(enabled) = filter.enabled {
            query = query.filter(Column::Enabled.eq(enabled));
        }
        if let Some(text) = &filter.search {
            query = query.filter(row::contains(Column::Name, text));
        }
        let rows = page
            .apply(query, Column::Id, Order::OldestFirst)?
            .all(self.0.read())
            .await?;
        page.page(rows, |row| row.id).try_map(Job::try_from)
    }

    /// The versions of a job, newest first, also of one that is gone.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there never was such a job.
    pub async fn versions(&self, job: Uuid) -> Result<Vec<JobVersion>> {
        let rows = job_versions::Entity::find()
            .filter(job_versions::Column::JobId.eq(job))
            .order_by_desc(job_versions::Column::Version)
            .all(self.0.read())
            .await?;
        if rows.is_empty() {
            return Err(NOT_FOUND);
        }
        rows.into_iter().map(JobVersion::try_from).collect()
    }

    /// One version of a job, also of one that is gone.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn version(&self, job: Uuid, version: u32) -> Result<JobVersion> {
        let row = job_versions::Entity::find_by_id((job, row::small(version)))
            .one(self.0.read())
            .await?;
        row.ok_or(Error::NotFound {
            what: "version of this job",
        })?
        .try_into()
    }

    /// The jobs whose newest version refers to a connection, oldest first.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Unavailable`].
    pub async fn referencing_connection(&self, connection: Uuid) -> Result<Vec<Job>> {
        referencing(self.0.read(), connection)
            .await?
            .into_iter()
            .map(Job::try_from)
            .collect()
    }
}

const NOT_FOUND: Error = Error::NotFound { what: "job" };

/// The jobs that refer to a connection.
pub(crate) async fn referencing(db: &impl ConnectionTrait, connection: Uuid) -> Result<Vec<Model>> {
    let jobs: Vec<Uuid> = job_connections::Entity::find()
        .select_only()
        .column(job_connections::Column::JobId)
        .filter(job_connections::Column::ConnectionId.eq(connection))
        .into_tuple()
        .all(db)
        .await?;
    Ok(Entity::find()
        .filter(Column::Id.is_in(jobs))
        .order_by_asc(Column::Id)
        .all(db)
        .await?)
}

/// Keeps a version, and what the job refers to from now on.
async fn keep_version(db: &impl ConnectionTrait, job: &Model, by: String) -> Result<()> {
    let version = job_versions::Model {
        job_id: job.id,
        version: job.version,
        definition: job.definition.clone(),
        created_at: job.updated_at,
        created_by: by,
    };
    job_versions::Entity::insert(version.into_active_model().reset_all())
        .exec_without_returning(db)
        .await?;

    job_connections::Entity::delete_many()
        .filter(job_connections::Column::JobId.eq(job.id))
        .exec(db)
        .await?;
    let mut connections = Vec::new();
    find_connections(&job.definition, &mut connections);
    connections.sort_unstable();
    connections.dedup();
    for connection_id in connections {
        let row = job_connections::Model {
            job_id: job.id,
            connection_id,
        };
        job_connections::Entity::insert(row.into_active_model().reset_all())
            .exec_without_returning(db)
            .await?;
    }
    Ok(())
}

fn find_connections(value: &Value, found: &mut Vec<Uuid>) {
    match value {
        Value::Object(fields) => {
            let id = fields.get("connection_id").and_then(Value::as_str);
            found.extend(id.and_then(|id| id.parse::<Uuid>().ok()));
            fields.values().for_each(|value| find_connections(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| find_connections(item, found)),
        _ => {}
    }
}

impl TryFrom<Model> for Job {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        Ok(Self {
            id: row.id,
            name: row.name,
            description: row.description,
            enabled: row.enabled,
            version: row::number(row.version),
            definition: row.definition,
            created_at: row::time(row.created_at)?,
            updated_at: row::time(row.updated_at)?,
            created_by: row.created_by,
        })
    }
}

impl TryFrom<job_versions::Model> for JobVersion {
    type Error = Error;

    fn try_from(row: job_versions::Model) -> Result<Self> {
        Ok(Self {
            job_id: row.job_id,
            version: row::number(row.version),
            definition: row.definition,
            created_at: row::time(row.created_at)?,
            created_by: row.created_by,
        })
    }
}
