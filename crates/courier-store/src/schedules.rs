//! When jobs run by themselves: their schedules, and what is due.
//!
//! The store keeps times and asks no calendar: who fires a schedule says when it is due next.

mod fire;
mod save;

pub use fire::{Outcome, Plan};
pub(crate) use save::rewrite;

use jiff::Timestamp;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement,
};
use uuid::Uuid;

use crate::{
    Error, Kind, Result, Store,
    audit::NewAudit,
    entities::{
        jobs,
        schedules::{Column, Entity, Model},
    },
    ids::now,
    jobs::Job,
    row,
    words::words,
};

words! {
    /// What becomes of runs that were due while nothing ran.
    Missed {
        /// They are made up for by one run.
        Once = "once",
        /// They are left out.
        Skip = "skip",
        /// Each of them is made up for.
        All = "all",
    }
}

/// Schedules of jobs.
#[derive(Clone, Copy, Debug)]
pub struct Schedules<'a>(pub(crate) &'a Store);

/// One of a job's schedules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Its id, which it keeps while the job's definition has it.
    pub id: Uuid,
    /// Its job.
    pub job_id: Uuid,
    /// Its place in the job's definition, from 0.
    pub position: u32,
    /// Its cron expression, unless it is for one time.
    pub cron: Option<String>,
    /// Its time zone, by IANA's name.
    pub timezone: Option<String>,
    /// The one time that it is for.
    pub at: Option<Timestamp>,
    /// What becomes of runs that were due while nothing ran.
    pub missed: Missed,
    /// When it is due; none where it isn't any more, or its job may not run. One that is due for nothing begins anew: what
    /// was before has not been missed.
    pub next_run_at: Option<Timestamp>,
    /// The time that it queued its last execution for.
    pub last_run_at: Option<Timestamp>,
    /// That execution.
    pub last_execution: Option<Uuid>,
}

/// A schedule as a job's definition has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSchedule {
    /// Its cron expression, unless it is for one time.
    pub cron: Option<String>,
    /// Its time zone, by IANA's name.
    pub timezone: Option<String>,
    /// The one time that it is for.
    pub at: Option<Timestamp>,
    /// What becomes of runs that were due while nothing ran.
    pub missed: Missed,
    /// When it is due first, unless the job has the same schedule already.
    pub next_run_at: Option<Timestamp>,
}

/// A schedule that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The schedule.
    pub id: Uuid,
    /// Its job.
    pub job_id: Uuid,
}

/// What a look at the clock and at all schedules shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    /// The time now: the database server's, so that nodes agree on it; on SQLite this process's.
    pub now: Timestamp,
    /// When the first schedule is to be looked at.
    pub earliest: Option<Timestamp>,
}

impl Schedules<'_> {
    /// Looks at the clock and at the earliest schedule, by one question to an index.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Unavailable`], as everywhere.
    pub async fn glance(&self) -> Result<Glance> {
        let (backend, question) = match self.0.kind() {
            Kind::Sqlite => (
                DbBackend::Sqlite,
                "SELECT MIN(look_at) AS earliest FROM schedules",
            ),
            Kind::Postgres => (
                DbBackend::Postgres,
                "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT AS now, \
                 (SELECT MIN(look_at) FROM schedules) AS earliest",
            ),
        };
        let answer = self
            .0
            .read()
            .query_one_raw(Statement::from_string(backend, question));
        let Some(answer) = answer.await? else {
            return Ok(Glance {
                now: now(),
                earliest: None,
            });
        };
        Ok(Glance {
            now: match self.0.kind() {
                Kind::Sqlite => now(),
                Kind::Postgres => row::time(answer.try_get("", "now")?)?,
            },
            earliest: row::maybe_time(answer.try_get("", "earliest")?)?,
        })
    }

    /// Schedules that are due at this time, the longest due first, so many at most.
    ///
    /// # Errors
    /// As [`Self::glance`].
    pub async fn due(&self, now: Timestamp, limit: u64) -> Result<Vec<Due>> {
        let rows: Vec<(Uuid, Uuid)> = Entity::find()
            .select_only()
            .column(Column::Id)
            .column(Column::JobId)
            .filter(Column::LookAt.lte(now.as_microsecond()))
            .order_by_asc(Column::LookAt)
            .order_by_asc(Column::Id)
            .limit(limit)
            .into_tuple()
            .all(self.0.read())
            .await?;
        Ok(rows.into_iter().map(|(id, job_id)| Due { id, job_id }).collect())
    }

    /// Does what a schedule that is due at this time leads to, as `plan` says of the schedule and its job: queues the
    /// execution, notes when the schedule is due next, and records it, in one transaction. Of several nodes that come
    /// at once one does it. Where `plan` says nothing, the schedule is looked at again a minute later.
    ///
    /// # Errors
    /// As [`Self::glance`].
    pub async fn fire<R>(
        &self,
        due: Due,
        now: Timestamp,
        plan: impl FnOnce(&Schedule, &Job) -> Option<Plan<R>>,
    ) -> Result<Outcome>
    where
        R: FnOnce(&Outcome) -> Vec<NewAudit>,
    {
        fire::fire(self.0, due, now, plan).await
    }

    /// The schedules of these jobs, each job's in the order of its definition.
    ///
    /// # Errors
    /// As [`Self::glance`].
    pub async fn of(&self, jobs: &[Uuid]) -> Result<Vec<Schedule>> {
        let rows = Entity::find()
            .filter(Column::JobId.is_in(jobs.iter().copied()))
            .order_by_asc(Column::JobId)
            .order_by_asc(Column::Position)
            .all(self.0.read())
            .await?;
        rows.into_iter().map(Schedule::try_from).collect()
    }

    /// The schedules that are due next, the earliest first, so many at most, each with its job's name.
    ///
    /// # Errors
    /// As [`Self::glance`].
    pub async fn upcoming(&self, limit: u64) -> Result<Vec<(Schedule, String)>> {
        let rows = Entity::find()
            .filter(Column::NextRunAt.is_not_null())
            .order_by_asc(Column::NextRunAt)
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(self.0.read())
            .await?;
        let names: Vec<(Uuid, String)> = jobs::Entity::find()
            .select_only()
            .column(jobs::Column::Id)
            .column(jobs::Column::Name)
            .filter(jobs::Column::Id.is_in(rows.iter().map(|row| row.job_id)))
            .into_tuple()
            .all(self.0.read())
            .await?;
        let named = rows.into_iter().filter_map(|row| {
            let name = names.iter().find(|(id, _)| *id == row.job_id)?;
            Some((row, name.1.clone()))
        });
        named.map(|(row, name)| Ok((row.try_into()?, name))).collect()
    }
}

impl TryFrom<Model> for Schedule {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        Ok(Self {
            id: row.id,
            job_id: row.job_id,
            position: row::number(row.position),
            cron: row.cron,
            timezone: row.timezone,
            at: row::maybe_time(row.at)?,
            missed: row::word("schedules.missed", &row.missed)?,
            next_run_at: row::maybe_time(row.next_run_at)?,
            last_run_at: row::maybe_time(row.last_run_at)?,
            last_execution: row.last_execution,
        })
    }
}
