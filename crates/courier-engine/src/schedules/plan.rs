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
    let due = schedule.next_run_at?;
    let choice = match &schedule.cron {
        None => choose_once(schedule.missed, due, now),
        Some(cron) => {
            let zone = zone(schedule.timezone.as_deref());
            let table = zone.and_then(|zone| Timetable::new(cron, zone));
            choose(&table.inspect_err(|e| failed(e)).ok()?, schedule.missed, due, now)
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

/// Of a schedule for one time.
fn choose_once(missed: Missed, due: Timestamp, now: Timestamp) -> Choice {
    let is_missed = missed == Missed::Skip && now.duration_since(due) > LATE;
    Choice {
        run: (!is_missed).then_some(due),
        left_out: is_missed.then_some((due, NOTHING_RAN)),
        next: None,
    }
}

const NOTHING_RAN: &str = "nothing ran when it was due, and missed runs are left out";
const ONE_RUN: &str = "nothing ran when it was due, and missed runs are made up for by one run";
const TOO_MANY: &str = "nothing ran when it was due, and 100 missed runs at most are made up for";

/// Of one with a timetable, that was due first at `due`.
fn choose(table: &Timetable, missed: Missed, due: Timestamp, now: Timestamp) -> Choice {
    let last = table.last(due, now);
    match missed {
        Missed::Skip if now.duration_since(last) > LATE => Choice {
            run: None,
            left_out: Some((due, NOTHING_RAN)),
            next: table.after(now),
        },
        Missed::Skip | Missed::Once => Choice {
            run: Some(last),
            left_out: (last != due).then_some(match missed {
                Missed::Skip => (due, NOTHING_RAN),
                _ => (due, ONE_RUN),
            }),
            next: table.after(last),
        },
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

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn chosen(cron: &str, missed: Missed, due: &str, now: &str) -> (Option<String>, Option<String>, String) {
        let table = Timetable::new(cron, TimeZone::UTC).unwrap();
        let choice = choose(&table, missed, at(due), at(now));
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
        assert_eq!(
            chosen(Missed::Once),
            (Some(last.into()), Some(DUE.into()), next)
        );
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
        let (due, later) = (at(DUE), at("2026-03-01T02:05:00Z"));
        assert_eq!(choose_once(Missed::Once, due, later).run, Some(due));
        assert_eq!(choose_once(Missed::Skip, due, later).run, None);
        assert_eq!(choose_once(Missed::Skip, due, due).run, Some(due));
        assert_eq!(choose_once(Missed::All, due, due).next, None);
    }
}
