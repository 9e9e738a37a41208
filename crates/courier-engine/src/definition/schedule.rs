//! When a job runs by itself, read from JSON.

use courier_store::schedules::Missed;
use courier_transfer::settings::{Default as Standard, Kind, Problem, Setting};
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, input::Input, schedules::Timetable};

/// When a job runs by itself: at the times of a cron expression, or once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleDefinition {
    /// The cron expression, unless it is for one time.
    pub cron: Option<String>,
    /// The time zone of the expression, and of the dates in what it starts, by IANA's name.
    pub timezone: Option<String>,
    /// The one time that it is for.
    pub at: Option<Timestamp>,
    /// What becomes of runs that were due while nothing ran.
    pub missed: Missed,
}

const CRON: Setting = Setting::optional(
    "cron",
    Kind::Text,
    "A cron expression: minute, hour, day of the month, month, day of the week; or six fields with the seconds first.",
);
const TIMEZONE: Setting = Setting::optional(
    "timezone",
    Kind::Text,
    "The time zone whose clocks count, by IANA's name; UTC where none is given.",
);
const AT: Setting = Setting::optional("at", Kind::Text, "The one time to run at, as RFC 3339 has it.");
const MISSED: Setting = Setting::optional(
    "missed",
    Kind::Choice {
        choices: &["once", "skip", "all"],
    },
    "What becomes of runs that were due while nothing ran.",
)
.or(Standard::Text("once"));

/// The most schedules of a job.
const MOST: usize = 100;

/// Reads the shape of a job's schedules.
pub(crate) fn parse(input: &mut Input) -> Vec<ScheduleDefinition> {
    let given = input.objects("schedules");
    if given.len() > MOST {
        input.problem("schedules", format!("must be {MOST} at most"));
        return Vec::new();
    }
    let mut schedules: Vec<ScheduleDefinition> = Vec::with_capacity(given.len());
    for (i, values) in given.into_iter().enumerate() {
        let mut one = Input::new(format!("schedules[{i}]"), values);
        let schedule = parse_one(&mut one);
        let times = |s: &ScheduleDefinition| (s.cron.clone(), s.timezone.clone(), s.at);
        if let Some(same) = schedules.iter().position(|s| times(s) == times(&schedule)) {
            input.problem(
                &format!("schedules[{i}]"),
                format!("is for the same times as schedules[{same}]"),
            );
        }
        schedules.push(schedule);
        input.problems(one.finish());
    }
    schedules
}

fn parse_one(input: &mut Input) -> ScheduleDefinition {
    let cron = input.text(&CRON).map(|cron| cron.trim().to_owned());
    let timezone = input.text(&TIMEZONE);
    let at = input.text(&AT).and_then(|text| match text.parse::<Timestamp>() {
        // The store keeps microseconds.
        Ok(at) => Timestamp::from_microsecond(at.as_microsecond()).ok(),
        Err(_) => {
            input.problem("at", "must be a time with its offset, as in 2026-11-22T06:30:00Z");
            None
        }
    });
    let one = usize::from(cron.is_some()) + usize::from(at.is_some() || input.has_problem("at"));
    if one != 1 && !input.has_problem("cron") {
        input.problem("cron", "either cron or at must be given, and not both");
    }
    ScheduleDefinition {
        timezone: timezone.or_else(|| cron.is_some().then(|| "UTC".to_owned())),
        cron,
        at,
        missed: match input.text(&MISSED).as_deref() {
            Some("skip") => Missed::Skip,
            Some("all") => Missed::All,
            _ => Missed::Once,
        },
    }
}

/// Checks expressions, time zones and times, and gives the zones the names that IANA has for them. A time that is over is no
/// problem where it is one of `known`.
///
/// # Errors
/// [`Error::Schedule`], else [`Error::Validation`], each with every problem.
pub(crate) fn check(
    schedules: &mut [ScheduleDefinition],
    known: &[ScheduleDefinition],
    now: Timestamp,
) -> Result<()> {
    let (mut problems, mut late) = (Vec::new(), Vec::new());
    // To find that a day never comes takes a look at three thousand years: once is enough to refuse them all.
    let mut never = false;
    for (i, schedule) in schedules.iter_mut().enumerate() {
        let at = |field: &str| format!("schedules[{i}].{field}");
        let zone = match schedule.zone() {
            Ok(zone) => zone,
            Err(message) => {
                problems.push(Problem::new(at("timezone"), message));
                TimeZone::UTC
            }
        };
        if schedule.timezone.is_some() {
            schedule.timezone = zone.iana_name().map(str::to_owned);
        }
        if let Some(cron) = &schedule.cron {
            match Timetable::new(cron, zone) {
                Ok(table) if !never && table.after(now).is_none() => {
                    never = true;
                    let message = format!("\"{cron}\" matches no day: it would never run");
                    problems.push(Problem::new(at("cron"), message));
                }
                Ok(_) => {}
                Err(message) => problems.push(Problem::new(at("cron"), message)),
            }
        }
        if let Some(time) = schedule.at
            && time <= now
            && !known.iter().any(|k| k.at == Some(time))
        {
            late.push(Problem::new(
                at("at"),
                format!("{time} is over; it is {now:.0} now"),
            ));
        }
    }
    if !problems.is_empty() {
        return Err(Error::Schedule { fields: problems });
    }
    if !late.is_empty() {
        return Err(Error::Validation { fields: late });
    }
    Ok(())
}

impl ScheduleDefinition {
    /// When it is due first after this time.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn after(&self, time: Timestamp) -> Result<Option<Timestamp>, String> {
        match &self.cron {
            Some(cron) => Ok(Timetable::new(cron, self.zone()?)?.after(time)),
            None => Ok(self.at.filter(|at| *at > time)),
        }
    }

    /// Its time zone.
    ///
    /// # Errors
    /// What is wrong with its name, in words.
    pub(crate) fn zone(&self) -> Result<TimeZone, String> {
        zone(self.timezone.as_deref())
    }
}

/// The time zone of this name; UTC without one.
///
/// # Errors
/// What is wrong with the name, in words.
pub(crate) fn zone(name: Option<&str>) -> Result<TimeZone, String> {
    let Some(name) = name else {
        return Ok(TimeZone::UTC);
    };
    match TimeZone::get(name) {
        Ok(zone) if zone.iana_name().is_some() && !zone.is_unknown() => Ok(zone),
        _ => Err(format!(
            "\"{name}\" is no time zone; expected a name as Europe/Berlin or UTC"
        )),
    }
}
