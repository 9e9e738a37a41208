//! What a rule says: of what it tells, whom, and when it keeps quiet.

use std::{fmt, str::FromStr};

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Event;
use crate::words::words;

words! {
    /// Of what an alert tells.
    AlertKind {
        /// An execution failed; and the next one that completes, as a recovery.
        ExecutionFailed = "execution_failed",
        /// An execution completed.
        ExecutionCompleted = "execution_completed",
        /// An execution was not over in time.
        ExecutionLate = "execution_late",
        /// An expected file had not come by its time of day.
        FileMissing = "file_missing",
        /// A connection fails or waits for somebody; and that it is healthy again.
        ConnectionHealth = "connection_health",
        /// A file was pulled into its storage.
        FilePulled = "file_pulled",
        /// Somebody tried the alert out. No rule asks for it.
        Test = "test",
    }
}

words! {
    /// A day of the week.
    Weekday {
        /// Monday.
        Monday = "mon",
        /// Tuesday.
        Tuesday = "tue",
        /// Wednesday.
        Wednesday = "wed",
        /// Thursday.
        Thursday = "thu",
        /// Friday.
        Friday = "fri",
        /// Saturday.
        Saturday = "sat",
        /// Sunday.
        Sunday = "sun",
    }
}

impl Weekday {
    fn of(date: Date) -> Self {
        match date.weekday() {
            jiff::civil::Weekday::Monday => Self::Monday,
            jiff::civil::Weekday::Tuesday => Self::Tuesday,
            jiff::civil::Weekday::Wednesday => Self::Wednesday,
            jiff::civil::Weekday::Thursday => Self::Thursday,
            jiff::civil::Weekday::Friday => Self::Friday,
            jiff::civil::Weekday::Saturday => Self::Saturday,
            jiff::civil::Weekday::Sunday => Self::Sunday,
        }
    }
}

/// A time of day, to the minute: `06:30`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(Time);

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

impl FromStr for TimeOfDay {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        let number = |digits: &str| match digits.len() {
            2 if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse::<i8>().ok(),
            _ => None,
        };
        text.split_once(':')
            .and_then(|(hour, minute)| Time::new(number(hour)?, number(minute)?, 0, 0).ok())
            .map(Self)
            .ok_or(NotATime)
    }
}

/// The text is no time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a time of day from 00:00 to 23:59, such as 06:30")]
pub struct NotATime;

impl Serialize for TimeOfDay {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Channel {
    /// Posted to an address.
    Webhook {
        /// The address. It may hold what only its owner knows.
        url: String,
    },
    /// Sent by mail.
    Email {
        /// To whom.
        to: Vec<String>,
    },
}

/// A file that comes each day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expect {
    /// What its name, or with a `/` its remote path, looks like.
    pub pattern: String,
    /// The connection it comes by; any where none is given.
    pub connection_id: Option<Uuid>,
    /// The job that moves it; any where none is given.
    pub job_id: Option<Uuid>,
    /// When it must have come, counted from local midnight.
    pub by: TimeOfDay,
    /// The time zone, by its IANA name.
    pub timezone: String,
    /// On which days; every day where none is named.
    pub weekdays: Vec<Weekday>,
}

impl Expect {
    /// The last day's midnight and deadline that lie before this moment, within a week.
    pub fn last_deadline(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let zone = TimeZone::get(&self.timezone).ok()?;
        let mut day = now.to_zoned(zone.clone()).date();
        for _ in 0..=7 {
            let midnight = moment(&zone, day, Time::midnight())?;
            let deadline = moment(&zone, day, self.by.0)?;
            if deadline <= now && is_among(&self.weekdays, day) {
                return Some((midnight, deadline));
            }
            day = day.yesterday().ok()?;
        }
        None
    }

    /// The end of the local day that this moment is in.
    pub fn end_of_day(&self, at: Timestamp) -> Option<Timestamp> {
        let zone = TimeZone::get(&self.timezone).ok()?;
        let day = at.to_zoned(zone.clone()).date().tomorrow().ok()?;
        moment(&zone, day, Time::midnight())
    }
}

/// When messages wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietHours {
    /// From this time of day …
    pub from: TimeOfDay,
    /// … to this one, of the next day where it is earlier or the same.
    pub to: TimeOfDay,
    /// The time zone, by its IANA name.
    pub timezone: String,
    /// The days on which they begin; every day where none is named.
    pub weekdays: Vec<Weekday>,
}

impl QuietHours {
    /// When the quiet that this moment lies in ends; none where there is none.
    pub fn until(&self, now: Timestamp) -> Option<Timestamp> {
        let zone = TimeZone::get(&self.timezone).ok()?;
        let today = now.to_zoned(zone.clone()).date();
        let ends = [today.yesterday().ok()?, today].into_iter().filter_map(|day| {
            let last = if self.to > self.from {
                day
            } else {
                day.tomorrow().ok()?
            };
            let (from, to) = (moment(&zone, day, self.from.0)?, moment(&zone, last, self.to.0)?);
            (from <= now && now < to && is_among(&self.weekdays, day)).then_some(to)
        });
        ends.max()
    }
}

/// A time of day that a change of the clock leaves out comes right after it.
fn moment(zone: &TimeZone, day: Date, time: Time) -> Option<Timestamp> {
    let zoned = day.to_datetime(time).to_zoned(zone.clone()).ok()?;
    Some(zoned.timestamp())
}

fn is_among(weekdays: &[Weekday], day: Date) -> bool {
    weekdays.is_empty() || weekdays.contains(&Weekday::of(day))
}

/// Is this one of those that are named, where some are?
fn among(ids: &[Uuid], id: Option<Uuid>) -> bool {
    ids.is_empty() || id.is_none_or(|id| ids.contains(&id))
}

/// What a rule says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Of what it tells.
    pub on: Vec<AlertKind>,
    /// Where to.
    pub channel: Channel,
    /// Executions of these jobs, and of the mappings that are named, only; of all where none is.
    pub jobs: Vec<Uuid>,
    /// The health and the files of these connections only; of all where none is named.
    pub connections: Vec<Uuid>,
    /// The executions, the health and the files of these folder mappings only; of all where none is named.
    #[serde(default)]
    pub mappings: Vec<Uuid>,
    /// How long an execution may take, from the time that it was due, seconds.
    pub late_after_sec: Option<u32>,
    /// The file that must come.
    pub expect: Option<Expect>,
    /// When messages wait.
    pub quiet_hours: Option<QuietHours>,
    /// No more than one message about the same in this time, seconds.
    pub repeat_after_sec: u32,
}

impl Rule {
    pub(super) fn wants(&self, event: &Event) -> bool {
        use AlertKind::{ExecutionCompleted, ExecutionFailed, ExecutionLate};
        let is_meant = match (event.kind, event.job) {
            (ExecutionFailed | ExecutionCompleted | ExecutionLate, Some(origin)) => {
                self.means_executions_of(origin)
            }
            _ => among(&self.connections, event.connection) && among(&self.mappings, event.mapping),
        };
        is_meant && self.on.contains(&event.kind)
    }

    /// Are executions of this job or folder mapping among those that it tells of?
    pub fn means_executions_of(&self, origin: Uuid) -> bool {
        let (jobs, mappings) = (&self.jobs, &self.mappings);
        (jobs.is_empty() && mappings.is_empty()) || jobs.contains(&origin) || mappings.contains(&origin)
    }

    pub(super) fn wants_files_of(&self, connection: Uuid, mapping: Uuid) -> bool {
        self.on.contains(&AlertKind::FilePulled)
            && among(&self.connections, Some(connection))
            && among(&self.mappings, Some(mapping))
    }

    /// When something that is to be said at this time is said.
    pub(super) fn due(&self, at: Timestamp) -> Timestamp {
        let quiet = self.quiet_hours.as_ref().and_then(|quiet| quiet.until(at));
        quiet.unwrap_or(at)
    }

    pub(super) fn window(&self) -> SignedDuration {
        SignedDuration::from_secs(self.repeat_after_sec.into())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn quiet(from: &str, to: &str, weekdays: &[Weekday]) -> QuietHours {
        QuietHours {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            timezone: "Europe/Berlin".into(),
            weekdays: weekdays.into(),
        }
    }

    #[test]
    fn quiet_hours_go_past_midnight_and_over_a_change_of_the_clock() {
        let night = quiet("22:00", "06:30", &[]);
        for (now, end) in [
            ("2026-11-22T20:59:59Z", None),
            ("2026-11-22T21:00:00Z", Some("2026-11-23T05:30:00Z")),
            ("2026-11-23T05:29:59Z", Some("2026-11-23T05:30:00Z")),
            ("2026-11-23T05:30:00Z", None),
            // The clock goes back an hour in this night, and forward in that one.
            ("2026-10-24T23:00:00Z", Some("2026-10-25T05:30:00Z")),
            ("2026-03-28T23:00:00Z", Some("2026-03-29T04:30:00Z")),
        ] {
            assert_eq!(night.until(at(now)), end.map(at), "{now}");
        }
        let lunch = quiet("12:00", "13:00", &[Weekday::Monday]);
        assert_eq!(
            lunch.until(at("2026-11-23T11:30:00Z")),
            Some(at("2026-11-23T12:00:00Z"))
        );
        assert_eq!(lunch.until(at("2026-11-24T11:30:00Z")), None);
        let weekend = quiet("00:00", "00:00", &[Weekday::Saturday, Weekday::Sunday]);
        assert_eq!(
            weekend.until(at("2026-11-21T22:59:59Z")),
            Some(at("2026-11-21T23:00:00Z"))
        );
        assert_eq!(weekend.until(at("2026-11-22T23:00:00Z")), None);
    }

    #[test]
    fn the_last_deadline_is_of_a_day_that_counts() {
        let expect = Expect {
            pattern: "*.csv".into(),
            connection_id: None,
            job_id: None,
            by: "06:30".parse().unwrap(),
            timezone: "America/New_York".into(),
            weekdays: vec![Weekday::Monday, Weekday::Friday],
        };
        // Sunday evening there: Friday was the last.
        let friday = Some((at("2026-11-20T05:00:00Z"), at("2026-11-20T11:30:00Z")));
        assert_eq!(expect.last_deadline(at("2026-11-23T02:00:00Z")), friday);
        assert_eq!(expect.last_deadline(at("2026-11-23T11:29:59Z")), friday);
        let monday = Some((at("2026-11-23T05:00:00Z"), at("2026-11-23T11:30:00Z")));
        assert_eq!(expect.last_deadline(at("2026-11-23T11:30:00Z")), monday);
        assert_eq!(
            expect.end_of_day(at("2026-11-23T11:30:00Z")),
            Some(at("2026-11-24T05:00:00Z"))
        );
    }

    #[test]
    fn who_names_jobs_or_mappings_is_told_of_their_executions_only() {
        let (job, mapping, other) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        for (jobs, mappings, means) in [
            (vec![], vec![], [true, true, true]),
            (vec![job], vec![], [true, false, false]),
            (vec![], vec![mapping], [false, true, false]),
            (vec![job], vec![mapping], [true, true, false]),
        ] {
            let rule = Rule {
                on: vec![AlertKind::ExecutionFailed],
                channel: Channel::Email { to: Vec::new() },
                jobs,
                connections: Vec::new(),
                mappings,
                late_after_sec: None,
                expect: None,
                quiet_hours: None,
                repeat_after_sec: 0,
            };
            let event = |origin| Event {
                kind: AlertKind::ExecutionFailed,
                subject: String::new(),
                severity: crate::alerts::Severity::Problem,
                job: Some(origin),
                connection: None,
                mapping: None,
                facts: serde_json::Value::Null,
            };
            let wanted = [job, mapping, other].map(|origin| rule.wants(&event(origin)));
            assert_eq!(wanted, means, "{rule:?}");
        }
    }

    #[test]
    fn times_of_day_are_exact() {
        for wrong in [
            "", "6:30", "06:3", "24:00", "06:60", "06-30", "+6:30", "06:30:00", "0630",
        ] {
            assert!(wrong.parse::<TimeOfDay>().is_err(), "{wrong}");
        }
        assert_eq!("23:59".parse::<TimeOfDay>().unwrap().to_string(), "23:59");
    }
}
