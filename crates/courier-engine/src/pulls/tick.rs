//! Mappings that are due are put into the queue, by the database's clock.
//!
//! Each second, or earlier where one is due earlier, one question to an index tells whether there is anything to do. No more
//! pulls wait in the queue than are begun within a moment: jobs have their turn, and what was missed while nothing ran is
//! made up for bit by bit.

use std::time::Duration;

use courier_store::{
    connections::{ConnectionStatus, Health},
    executions::{Execution as Queued, NewExecution, NewStep, Origin},
    folder_mappings::{self as store, ConnectionState, Fired, Plan, Then},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::health;
use crate::{
    Actor, Engine, Error, Result,
    audit::Entry,
    definition::PULL,
    executions::Execution,
    folder_mappings::{FolderMappings, MappingDefinition, Timing, definition},
    open::check_usable,
    trust::Purpose,
};

/// How often the clock is looked at, at least.
const TICK: Duration = Duration::from_secs(1);
/// How often it is looked at, at most: for what another node is at.
const SHORTEST: Duration = Duration::from_millis(20);
/// How soon is looked again whether the queue has room.
const FULL: Duration = Duration::from_millis(100);
/// How long it rests where the database can't be asked.
const REST: Duration = Duration::from_secs(2);
/// Mappings in one transaction.
const BATCH: u64 = 50;
/// For each execution that may run at once here, so many pulls may wait.
const WAITING: u64 = 4;
/// The sessions that a connection may have, where nobody has said more.
const SESSIONS: u64 = 4;
/// A tick comes earlier or later than its interval by no more than this, and than a tenth of the interval.
const MOST_JITTER: SignedDuration = SignedDuration::from_secs(30);

impl FolderMappings<'_> {
    /// Pulls a mapping now, whether or not it is due or pulls by itself; where it is being pulled or waits for that, answers
    /// that execution.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::ConnectionNotUsable`] where that could only fail, as ticks don't try it either.
    pub async fn run(&self, actor: &Actor, id: Uuid) -> Result<Execution> {
        let store = &self.0.0.store;
        let mapping = match store.folder_mappings().get(id).await {
            Err(courier_store::Error::NotFound { .. }) => Err(Error::not_found("folder mapping", id)),
            mapping => Ok(mapping?),
        }?;
        let connection = store.connections().get(mapping.connection_id).await?;
        check_usable(&connection, Purpose::Browse)?;
        let execution = |mapping: &store::FolderMapping| execution(mapping, &actor.name, None, None);
        let record = |mapping: &store::FolderMapping, queued: &Queued| {
            let details = json!({"mapping_id": mapping.id, "name": mapping.name});
            let entry = Entry::new("folder_mapping_run", &actor.name, details).on(mapping.connection_id);
            Entry {
                execution: Some(queued.id),
                ..entry
            }
            .into()
        };
        let run = store.folder_mappings().run(id, execution, record).await;
        match run {
            Ok((execution, _)) => self.0.executions().get(execution).await,
            Err(courier_store::Error::NotFound { .. }) => Err(Error::not_found("folder mapping", id)),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts into the queue what is due at this time, as far as it has room, and answers how many mappings have been looked
    /// at. The engine does so by itself, by the clock.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn run_due(&self, now: Timestamp) -> Result<usize> {
        let (engine, mappings) = (self.0, self.0.0.store.folder_mappings());
        let mut looked_at = 0;
        while !engine.0.stopping.is_cancelled() {
            let room = most_waiting(engine).saturating_sub(mappings.queued().await?);
            if room == 0 {
                break;
            }
            let fired = mappings
                .fire(now, room.min(BATCH), |mapping, connection| {
                    plan(mapping, connection, now)
                })
                .await?;
            if fired.is_empty() {
                break;
            }
            looked_at += fired.len();
            if fired.iter().any(|fired| matches!(fired, Fired::Queued(_))) {
                engine.0.store.dispatcher().wake();
                engine.changed("executions", None);
            }
            engine.changed("folder-mappings", None);
        }
        Ok(looked_at)
    }
}

/// Puts into the queue what is due, until the engine shuts down.
pub(crate) async fn keep_pulling(engine: Engine) {
    loop {
        let pause = tick(&engine).await.unwrap_or_else(|error| {
            tracing::error!(%error, "could not look for folder mappings that are due");
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
    let glance = engine.0.store.folder_mappings().glance().await?;
    let Some(earliest) = glance.earliest else {
        return Ok(TICK);
    };
    if earliest <= glance.now {
        return Ok(match engine.folder_mappings().run_due(glance.now).await? {
            0 => FULL,
            _ => SHORTEST,
        });
    }
    let until = glance.now.duration_until(earliest);
    Ok(Duration::try_from(until).unwrap_or(TICK).clamp(SHORTEST, TICK))
}

fn most_waiting(engine: &Engine) -> u64 {
    let concurrency = u64::try_from(engine.config().concurrency.max(1)).unwrap_or(1);
    concurrency.saturating_mul(WAITING)
}

/// What a mapping that is due leads to; nothing where what it says can't be read.
fn plan(mapping: &store::FolderMapping, connection: &ConnectionState, now: Timestamp) -> Option<Plan> {
    let definition = definition(mapping)
        .inspect_err(
            |error| tracing::error!(mapping = %mapping.id, %error, "a folder mapping can't be pulled"),
        )
        .ok()?;
    let next_run_at = next_run_at(&definition, mapping.next_run_at, now);
    let then = if connection.status == ConnectionStatus::Disabled {
        Then::Wait(health::disabled(connection))
    } else if connection.health == Health::RequiresAttention {
        Then::Wait(health::attention(mapping, connection))
    } else if connection.pulls >= most_pulls(connection) {
        Then::Queue
    } else {
        let timezone = match definition.timing {
            Timing::Interval(_) => None,
            Timing::Cron { timezone, .. } => Some(timezone),
        };
        Then::Run(Box::new(execution(
            mapping,
            "schedule",
            mapping.next_run_at,
            timezone,
        )))
    };
    Some(Plan { then, next_run_at })
}

/// No more of a connection's mappings are pulled at once than it may have sessions: else they would wait for these in places
/// that others could have.
fn most_pulls(connection: &ConnectionState) -> u64 {
    let most = connection.settings.get("max_sessions").and_then(Value::as_u64);
    most.unwrap_or(SESSIONS).max(1)
}

fn execution(
    mapping: &store::FolderMapping,
    triggered_by: &str,
    scheduled_at: Option<Timestamp>,
    timezone: Option<String>,
) -> NewExecution {
    NewExecution {
        origin: Origin::Mapping(mapping.id),
        job_name: mapping.name.clone(),
        triggered_by: triggered_by.to_owned(),
        context: json!({}),
        steps: vec![NewStep {
            name: None,
            step_type: PULL.to_owned(),
        }],
        max_instances: None,
        scheduled_at,
        timezone,
    }
}

/// When a mapping that was due then is due next. Times of a cron expression are kept to; ticks of an interval come a little
/// earlier or later each time, so that mappings that were made together don't go on to be due together.
fn next_run_at(definition: &MappingDefinition, due: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    let Timing::Interval(seconds) = definition.timing else {
        return definition.next_after(now);
    };
    let interval = SignedDuration::from_secs(i64::try_from(seconds).ok()?);
    let later = spread(interval, MOST_JITTER);
    // From when it was due, so that the interval is kept to over time; what was missed is not made up for.
    let next = due.and_then(|due| due.checked_add(later).ok());
    next.filter(|next| *next > now)
        .or_else(|| now.checked_add(later).ok())
}

/// About so long: by chance up to a tenth shorter or longer, or up to `most`.
pub(super) fn spread(about: SignedDuration, most: SignedDuration) -> SignedDuration {
    let width = (about / 10).min(most).as_millis();
    let chance = i128::try_from(Uuid::new_v4().as_u128() >> 64).unwrap_or(0);
    let jitter = chance.rem_euclid((2 * width + 1).max(1)) - width;
    about + SignedDuration::from_millis(i64::try_from(jitter).unwrap_or(0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::pulls::find::testing;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + second).unwrap()
    }

    #[test]
    fn ticks_keep_their_interval_and_spread() {
        let every = |seconds| MappingDefinition {
            timing: Timing::Interval(seconds),
            ..testing::definition()
        };
        for (seconds, most) in [(1, 0.1), (300, 30.0), (86_400, 30.0)] {
            let mut sum = 0.0;
            let mut least = f64::MAX;
            for _ in 0..1000 {
                let next = next_run_at(&every(seconds), Some(at(0)), at(0)).unwrap();
                let off = next.duration_since(at(0)).as_secs_f64() - seconds as f64;
                assert!(off.abs() <= most + 0.001, "{seconds}: {off}");
                sum += off;
                least = least.min(off);
            }
            assert!(
                (sum / 1000.0).abs() < most / 5.0 && least < -most / 2.0,
                "{seconds}"
            );
        }
        // From when it was due; what was missed is not made up for.
        let soon = next_run_at(&every(300), Some(at(-60)), at(0)).unwrap();
        assert!((at(210)..=at(270)).contains(&soon));
        let late = next_run_at(&every(300), Some(at(-9_000)), at(0)).unwrap();
        assert!((at(270)..=at(330)).contains(&late));
    }

    #[test]
    fn times_of_a_cron_expression_are_exact() {
        let nightly = MappingDefinition {
            timing: Timing::Cron {
                cron: "0 2 * * *".into(),
                timezone: "Europe/Berlin".into(),
            },
            ..testing::definition()
        };
        let next = next_run_at(&nightly, Some(at(0)), at(0)).unwrap();
        assert_eq!(next, "2026-09-22T00:00:00Z".parse().unwrap());
    }
}
