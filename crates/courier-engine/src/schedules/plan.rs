//! What a schedule that is due leads to: which run, and which are left out.

use courier_store::{
    audit::NewAudit,
    jobs,
    schedules::{Missed, Outcome, Plan, Schedule},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::Timetable;
use crate::{
    audit::Entry,
    definition::schedule::zone,
    jobs::{NewRun, view},
};

/// What executions that a schedule starts are triggered by.
const BY: &str = "schedule";
/// A run that is so late wasn't missed: a server needs a moment to be started again.
const LATE: SignedDuration = SignedDuration::from_mins(1);
/// So many runs of a schedule that makes up for all are made up for.
const MOST: usize = 100;

/// Which run is made, and when the next one is due.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Choice {
    /// The run's time; none where all that was due is left out.
    run: Option<Timestamp>,
    /// When the first of those was due that are left out, and why.
    left_out: Option<(Timestamp, &'static str)>,
    next: Option<Timestamp>,
}

/// What a schedule of a job leads to at this time. Nothing where the stored schedule or job can't be understood.
pub(super) fn plan(
    schedule: &Schedule,
    job: &jobs::Job,
    now: Timestamp,
) -> Option<Plan<impl FnOnce(&Outcome) -> Vec<NewAudit> + use<>>> {
    let failed = |error: &dyn std::fmt::Display| {
        tracing::error!(job = %job.name, schedule = schedule.position, %error, "a schedule can't be understood");
    };
    let job = view(job.clone(), &[]).inspect_err(|e| failed(e)).ok()?;
    let choice = match &schedule.cron {
        None => choose_once(schedule, now),
        Some(cron) => {
            let zone = zone(schedule.timezone.as_deref());
            let table = zone.and_then(|zone| Timetable::new(cron, zone));
            choose(&table.inspect_err(|e| failed(e)).ok()?, schedule, now)
        }
    };
    let run = choice.run.map(|at| NewRun {
        triggered_by: BY,
        scheduled_at: Some(at),
        timezone: schedule.timezone.clone(),
    });
    let position = schedule.position;
    Some(Plan {
        execution: run.map(|run| job.execution(run)),
        next_run_at: choice.next,
        waits: schedule.missed == Missed::All,
        record: move |outcome: &Outcome| {
            let mut records = Vec::new();
            if let (Outcome::Queued(execution), Some(at)) = (outcome, choice.run) {
                let more = json!({"schedule": position, "scheduled_at": at});
                records.push(job.run_record(BY, execution, more));
            }
            let skipped = |since: Timestamp, why: &str| {
                let details = json!({
                    "job_id": job.id, "name": job.definition.name, "schedule": position,
                    "scheduled_at": since, "reason": why,
                });
                Entry::new("schedule_skipped", BY, details).into()
            };
            if let (Outcome::LeftOut(why), Some(at)) = (outcome, choice.run) {
                records.push(skipped(at, why));
            }
            if let (false, Some((since, why))) = (*outcome == Outcome::Waits, choice.left_out) {
                records.push(skipped(since, why));
            }
            records
        },
    })
}

const NOTHING_RAN: &str = "nothing ran when it was due, and missed runs are left out";
const ONE_RUN: &str = "nothing ran when it was due, and missed runs are made up for by one run";
const TOO_MANY: &str = "nothing ran when it was due, and 100 missed runs at most are made up for";

impl Choice {
    /// For one that doesn't know when it is due, as after a restore: what was before now is none of its business.
    fn begin(next: Option<Timestamp>) -> Self {
        Self {
            run: None,
            left_out: None,
            next,
        }
    }
}

/// Of a schedule for one time.
fn choose_once(schedule: &Schedule, now: Timestamp) -> Choice {
    let Some(due) = schedule.next_run_at else {
        return Choice::begin(schedule.at.filter(|at| *at > now));
    };
    let is_missed = schedule.missed == Missed::Skip && now.duration_since(due) > LATE;
    Choice {
        run: (!is_missed).then_some(due),
        left_out: is_missed.then_some((due, NOTHING_RAN)),
        next: None,
    }
}

/// Of one with a timetable.
fn choose(table: &Timetable, schedule: &Schedule, now: Timestamp) -> Choice {
    let Some(due) = schedule.next_run_at else {
        return Choice::begin(table.after(now));
    };
    let last = table.last(due, now);
    match schedule.missed {
        Missed::Skip if now.duration_since(last) > LATE => Choice {
            run: None,
            left_out: Some((due, NOTHING_RAN)),
            next: table.after(now),
        },
        Missed::Skip | Missed::Once => {
            let why = match schedule.missed {
                Missed::Skip => NOTHING_RAN,
                _ => ONE_RUN,
            };
            Choice {
                run: Some(last),
                left_out: (last != due).then_some((due, why)),
                next: table.after(last),
            }
        }
        Missed::All => {
            let first = first_of_the_last(table, due, last);
            Choice {
                run: Some(first),
                left_out: (first != due).then_some((due, TOO_MANY)),
                next: table.after(first),
            }
        }
    }
}

/// The first of the last hundred times up to `last`; `due` where there are less.
fn first_of_the_last(table: &Timetable, due: Timestamp, last: Timestamp) -> Timestamp {
    let mut first = last;
    for _ in 1..MOST {
        if first <= due {
            return due;
        }
        first = table.last(due, first - SignedDuration::from_secs(1));
    }
    first
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use jiff::tz::TimeZone;
    use uuid::Uuid;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn schedule(missed: Missed, due: Option<&str>) -> Schedule {
        Schedule {
            id: Uuid::nil(),
            job_id: Uuid::nil(),
            position: 0,
            cron: None,
            timezone: None,
            at: Some(at(DUE)),
            missed,
            next_run_at: due.map(at),
            last_run_at: None,
            last_execution: None,
        }
    }

    fn chosen(cron: &str, missed: Missed, due: &str, now: &str) -> (Option<String>, Option<String>, String) {
        let table = Timetable::new(cron, TimeZone::UTC).unwrap();
        let choice = choose(&table, &schedule(missed, Some(due)), at(now));
        (
            choice.run.map(|at| at.to_string()),
            choice.left_out.map(|(since, _)| since.to_string()),
            choice.next.unwrap().to_string(),
        )
    }

    const DUE: &str = "2026-03-01T02:00:00Z";

    #[test]
    fn a_run_in_time_is_made_whatever_becomes_of_missed_ones() {
        for missed in Missed::ALL {
            let choice = chosen("0 2 * * *", *missed, DUE, "2026-03-01T02:00:30Z");
            assert_eq!(choice, (Some(DUE.into()), None, "2026-03-02T02:00:00Z".into()));
        }
    }

    #[test]
    fn missed_runs_are_left_out_or_made_up_for_by_one_or_by_as_many() {
        let now = "2026-03-04T09:00:00Z";
        let last = "2026-03-04T02:00:00Z";
        let next = "2026-03-05T02:00:00Z".to_owned();
        let chosen = |missed| chosen("0 2 * * *", missed, DUE, now);
        assert_eq!(chosen(Missed::Skip), (None, Some(DUE.into()), next.clone()));
        assert_eq!(chosen(Missed::Once), (Some(last.into()), Some(DUE.into()), next));
        assert_eq!(
            chosen(Missed::All),
            (Some(DUE.into()), None, "2026-03-02T02:00:00Z".into())
        );
    }

    #[test]
    fn of_very_many_the_last_hundred_are_made_up_for() {
        let (run, left_out, next) = chosen("* * * * *", Missed::All, DUE, "2026-03-04T09:00:30Z");
        assert_eq!(run.unwrap(), "2026-03-04T07:21:00Z");
        assert_eq!(left_out.unwrap(), DUE);
        assert_eq!(next, "2026-03-04T07:22:00Z");
        let (run, left_out, _) = chosen("* * * * *", Missed::All, DUE, "2026-03-01T03:39:30Z");
        assert_eq!((run.unwrap().as_str(), left_out), (DUE, None));
    }

    #[test]
    fn one_time_is_late_or_left_out() {
        let run = |missed, now| choose_once(&schedule(missed, Some(DUE)), at(now)).run;
        let later = "2026-03-01T02:05:00Z";
        assert_eq!(run(Missed::Once, later), Some(at(DUE)));
        assert_eq!(run(Missed::Skip, later), None);
        assert_eq!(run(Missed::Skip, DUE), Some(at(DUE)));
    }

    #[test]
    fn one_that_begins_has_missed_nothing() {
        let (new, table) = (
            schedule(Missed::All, None),
            Timetable::new("0 2 * * *", TimeZone::UTC).unwrap(),
        );
        let choice = choose(&table, &new, at("2026-03-04T09:00:00Z"));
        assert_eq!(choice, Choice::begin(Some(at("2026-03-05T02:00:00Z"))));
        assert_eq!(choose_once(&new, at(DUE)), Choice::begin(None));
        assert_eq!(choose_once(&new, at("2026-02-28T00:00:00Z")).next, Some(at(DUE)));
    }
}
