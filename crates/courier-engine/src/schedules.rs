//! Jobs that run by themselves: what is due is put into the queue.
//!
//! The clock is the database's, so that nodes agree on it whatever theirs say. Each second, or earlier where something is
//! due earlier, one question to an index tells whether there is anything to do.

mod plan;
mod timetable;

pub(crate) use timetable::Timetable;

use std::time::Duration;

use courier_store::schedules::{Due, Outcome, Schedule};
use courier_transfer::settings::{Default as Standard, Kind, Setting};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    Engine, Error, Result, ScheduleDefinition,
    definition::schedule::{self, zone},
    input::Input,
};

/// How often the clock is looked at, at least.
const TICK: Duration = Duration::from_secs(1);
/// How often it is looked at, at most: for what another node is at.
const SHORTEST: Duration = Duration::from_millis(20);
/// How long it rests where the database can't be asked.
const REST: Duration = Duration::from_secs(2);
/// Schedules in one question.
const BATCH: u64 = 200;

const COUNT: Setting = Setting::optional(
    "count",
    Kind::Integer { min: 1, max: 100 },
    "How many runs are wanted.",
)
.or(Standard::Integer(5));

/// Jobs that run by themselves.
#[derive(Clone, Copy, Debug)]
pub struct Schedules<'a>(pub(crate) &'a Engine);

/// A run to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextRun {
    /// When.
    pub at: Timestamp,
    /// The same on the clocks of the schedule's time zone, with its offset: `2026-11-23T02:00:00+01:00`.
    pub local: String,
    /// That time zone.
    pub timezone: String,
    /// Which of the job's schedules, from 0.
    pub schedule: usize,
}

/// A run to come, of any job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upcoming {
    /// The job.
    pub job_id: Uuid,
    /// Its name.
    pub job_name: String,
    /// The run.
    pub run: NextRun,
}

impl Schedules<'_> {
    /// The next runs of a job, the earliest first, so many at most; none for a job that may not run.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn next_runs(&self, job: Uuid, count: usize) -> Result<Vec<NextRun>> {
        let job = self.0.jobs().get(job).await?;
        let kept = self.0.0.store.schedules().of(&[job.id]).await?;
        let now = self.now().await?;
        let schedules = kept.iter().filter_map(|kept| {
            let first = kept.next_run_at?;
            let index = usize::try_from(kept.position).ok()?;
            let definition = job.definition.schedules.get(index)?;
            Some((index, definition, first))
        });
        first_of(schedules.collect(), now, count)
    }

    /// When a job with these schedules would run: `{"schedules": […], "count": 5}`.
    ///
    /// # Errors
    /// [`Error::Validation`], [`Error::Schedule`].
    pub async fn preview(&self, input: Map<String, Value>) -> Result<Vec<NextRun>> {
        let mut input = Input::new("", input);
        let mut schedules = schedule::parse(&mut input);
        let count = input.integer(&COUNT).and_then(|n| usize::try_from(n).ok());
        let fields = input.finish();
        if !fields.is_empty() {
            return Err(Error::Validation { fields });
        }
        let now = self.now().await?;
        schedule::check(&mut schedules, &[], now)?;
        let mut runs = Vec::new();
        for (index, definition) in schedules.iter().enumerate() {
            if let Some(first) = definition.after(now).map_err(Error::Internal)? {
                runs.push((index, definition, first));
            }
        }
        first_of(runs, now, count.unwrap_or(5))
    }

    /// The next run of each schedule that is due next, of any job, so many at most.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn upcoming(&self, count: u64) -> Result<Vec<Upcoming>> {
        let next = self.0.0.store.schedules().upcoming(count).await?;
        let upcoming = next.into_iter().filter_map(|(schedule, job_name)| {
            let zone = zone(schedule.timezone.as_deref()).unwrap_or(TimeZone::UTC);
            Some(Upcoming {
                job_id: schedule.job_id,
                job_name,
                run: next_run(
                    schedule.next_run_at?,
                    &zone,
                    usize::try_from(schedule.position).ok()?,
                ),
            })
        });
        Ok(upcoming.collect())
    }

    /// The schedules of these jobs.
    pub(crate) async fn of(&self, jobs: &[Uuid]) -> Result<Vec<Schedule>> {
        Ok(self.0.0.store.schedules().of(jobs).await?)
    }

    /// The time that schedules go by.
    pub(crate) async fn now(&self) -> Result<Timestamp> {
        Ok(self.0.0.store.schedules().glance().await?.now)
    }

    /// Puts into the queue what is due at this time, and answers how many executions that were. The engine does so by
    /// itself, by the clock. One that can't be fired keeps none of the others from it.
    ///
    /// # Errors
    /// [`Error::Store`], when all others have been looked at.
    pub async fn run_due(&self, now: Timestamp) -> Result<usize> {
        let mut queued = 0;
        loop {
            let due = self.0.0.store.schedules().due(now, BATCH).await?;
            let (mut moved, mut failed) = (false, None);
            for due in due {
                if self.0.0.stopping.is_cancelled() {
                    return Ok(queued);
                }
                match self.fire(due, now).await {
                    Ok(Outcome::NotDue) => {}
                    Ok(Outcome::Queued(_)) => (queued, moved) = (queued + 1, true),
                    Ok(_) => moved = true,
                    // Nothing can be fired.
                    Err(error @ Error::Store(courier_store::Error::Unavailable(_))) => return Err(error),
                    Err(error) => {
                        tracing::error!(job = %due.job_id, %error, "a schedule could not be fired");
                        failed = Some(error);
                    }
                }
            }
            if !moved {
                return failed.map_or(Ok(queued), Err);
            }
        }
    }

    async fn fire(&self, due: Due, now: Timestamp) -> Result<Outcome> {
        let schedules = self.0.0.store.schedules();
        let outcome = schedules.fire(due, now, |schedule, job| plan::plan(schedule, job, now));
        let outcome = outcome.await?;
        match &outcome {
            Outcome::Queued(execution) => {
                self.0.0.store.dispatcher().wake();
                self.0.changed("executions", None);
                tracing::info!(execution = %execution.id, job = %execution.job_name, "queued by its schedule");
            }
            Outcome::LeftOut(why) => tracing::warn!(job = %due.job_id, %why, "a scheduled run is left out"),
            _ => {}
        }
        Ok(outcome)
    }
}

/// Puts into the queue what is due, until the engine shuts down.
pub(crate) async fn keep_time(engine: Engine) {
    loop {
        let pause = tick(&engine).await.unwrap_or_else(|error| {
            tracing::error!(%error, "could not look for scheduled runs");
            REST
        });
        tokio::select! {
            () = engine.0.stopping.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Does what is due, and answers how long nothing is.
async fn tick(engine: &Engine) -> Result<Duration> {
    let glance = engine.0.store.schedules().glance().await?;
    let Some(earliest) = glance.earliest else {
        return Ok(TICK);
    };
    if earliest <= glance.now {
        engine.schedules().run_due(glance.now).await?;
        return Ok(SHORTEST);
    }
    let until = glance.now.duration_until(earliest);
    Ok(Duration::try_from(until).unwrap_or(TICK).clamp(SHORTEST, TICK))
}

/// The first runs of these schedules, each of which is known to be due at a time, but not before now.
fn first_of(
    mut next: Vec<(usize, &ScheduleDefinition, Timestamp)>,
    now: Timestamp,
    count: usize,
) -> Result<Vec<NextRun>> {
    let mut runs = Vec::new();
    while runs.len() < count {
        let earliest = next.iter().enumerate().min_by_key(|(_, (_, _, at))| *at);
        let Some((place, &(index, definition, at))) = earliest else {
            break;
        };
        runs.push(next_run(at, &definition.zone().map_err(Error::Internal)?, index));
        match definition.after(at.max(now)).map_err(Error::Internal)? {
            Some(later) => {
                if let Some(entry) = next.get_mut(place) {
                    entry.2 = later;
                }
            }
            None => drop(next.swap_remove(place)),
        }
    }
    Ok(runs)
}

fn next_run(at: Timestamp, zone: &TimeZone, schedule: usize) -> NextRun {
    NextRun {
        at,
        local: at
            .to_zoned(zone.clone())
            .strftime("%Y-%m-%dT%H:%M:%S%:z")
            .to_string(),
        timezone: zone.iana_name().unwrap_or("UTC").to_owned(),
        schedule,
    }
}
