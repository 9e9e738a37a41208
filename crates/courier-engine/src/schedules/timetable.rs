//! When a schedule is due: its cron expression, on the clocks of its time zone.
//!
//! The expression is matched against the clock on the wall, and this file says which moments that are. Where clocks are
//! changed there are two ways, by the hours that the expression names:
//!
//! - **Every hour** (`*/15 * * * *`): it is due whenever the clock shows a time that matches. What the clock leaves out isn't
//!   due; an hour that comes twice is gone through twice.
//! - **Certain hours** (`30 2 * * *`, `0 */6 * * *`): it is due once for each time that matches. What the clock leaves out is
//!   due once, as soon as the clock goes on; what comes twice is due at the first of the two.

use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use jiff::{
    SignedDuration, Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, Offset, TimeZone},
};

/// The longest expression, characters.
const LONGEST: usize = 200;

/// A cron expression in a time zone.
#[derive(Clone, Debug)]
pub(crate) struct Timetable {
    cron: Cron,
    zone: TimeZone,
    /// It is due in every hour, and so follows the clock through its changes.
    every_hour: bool,
}

impl Timetable {
    /// Reads an expression of five fields, or of six with seconds first.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn new(expression: &str, zone: TimeZone) -> Result<Self, String> {
        let cron = parse(expression)?;
        let every_hour = cron.pattern.hours.values().len() == 24;
        Ok(Self {
            cron,
            zone,
            every_hour,
        })
    }

    /// The first time after this one; none where the expression matches no day any more.
    pub(crate) fn after(&self, time: Timestamp) -> Option<Timestamp> {
        if self.every_hour {
            self.moment_after(time)
        } else {
            self.day_time_after(time)
        }
    }

    /// The last time that isn't after `now`, of those from `due` on, which is one.
    pub(crate) fn last(&self, due: Timestamp, now: Timestamp) -> Timestamp {
        // What is after a moment grows with it: look for the last second whose next time has come.
        let has_come = |second: i64| {
            let second = Timestamp::from_second(second).ok()?;
            self.after(second).filter(|next| *next <= now)
        };
        let (mut last, mut low, mut high) = (due, due.as_second(), now.as_second());
        while low <= high {
            let middle = low + (high - low) / 2;
            match has_come(middle) {
                Some(next) => {
                    last = last.max(next);
                    low = middle + 1;
                }
                None => high = middle - 1,
            }
        }
        last
    }

    /// Where each matching time of the wall's clock is one moment.
    fn day_time_after(&self, time: Timestamp) -> Option<Timestamp> {
        let mut wall = self.zone.to_datetime(time);
        loop {
            wall = self.wall_after(wall, false)?;
            let moment = self.moment_of(wall)?;
            if moment > time {
                return Some(moment);
            }
        }
    }

    /// The one moment for this time of the wall's clock.
    fn moment_of(&self, wall: DateTime) -> Option<Timestamp> {
        let ambiguous = self.zone.to_ambiguous_timestamp(wall);
        match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok(),
            AmbiguousOffset::Gap { before, .. } => {
                // By the clock before the change it is at or after the change, and less than the gap after it.
                let later = before.to_timestamp(wall).ok()?;
                let just_after = later.checked_add(SignedDuration::from_nanos(1)).ok()?;
                self.zone.preceding(just_after).next().map(|t| t.timestamp())
            }
        }
    }

    /// Where it is every moment at which the wall's clock matches.
    fn moment_after(&self, time: Timestamp) -> Option<Timestamp> {
        let (mut from, mut inclusive) = (time, false);
        loop {
            let offset = self.zone.to_offset(from);
            let wall = self.wall_after(offset.to_datetime(from), inclusive)?;
            let moment = offset.to_timestamp(wall).ok()?;
            match self.change_after(from, offset) {
                Some(change) if change <= moment => (from, inclusive) = (change, true),
                _ => return Some(moment),
            }
        }
    }

    /// When the clock is changed next.
    fn change_after(&self, from: Timestamp, offset: Offset) -> Option<Timestamp> {
        let mut changes = self.zone.following(from);
        changes.find(|c| c.offset() != offset).map(|c| c.timestamp())
    }

    fn wall_after(&self, wall: DateTime, inclusive: bool) -> Option<DateTime> {
        self.cron.find_next_occurrence(&wall, inclusive).ok()
    }
}

fn parse(expression: &str) -> Result<Cron, String> {
    let text = expression.trim();
    if text.is_empty() {
        return Err("is empty; expected five fields: minute hour day month weekday".into());
    }
    if !text.is_ascii() || text.len() > LONGEST {
        return Err(format!(
            "is no cron expression: it has {LONGEST} characters of ASCII at most"
        ));
    }
    let fields = text.split_ascii_whitespace().count();
    if text.starts_with('@') {
        if !NICKNAMES.contains(&text.to_ascii_lowercase().as_str()) {
            return Err(format!(
                "\"{text}\" is not known; there are {}",
                NICKNAMES.join(", ")
            ));
        }
    } else if !(5..=6).contains(&fields) {
        return Err(format!(
            "\"{text}\" has {fields} fields; expected five (minute hour day month weekday), or six with the seconds first"
        ));
    }
    let parser = CronParser::builder()
        .seconds(Seconds::Optional)
        .year(Year::Disallowed)
        .build();
    parser.parse(text).map_err(|e| match odd_field(&parser, text) {
        Some((field, (name, values))) => format!(
            "\"{field}\" is no {name}; expected {values}, as *, in lists (1,5), ranges (1-5) or steps (*/2)"
        ),
        None => format!("\"{text}\" is no cron expression: {e}"),
    })
}

/// The first field that isn't understood, and what belongs there.
fn odd_field<'t>(parser: &CronParser, text: &'t str) -> Option<(&'t str, (&'static str, &'static str))> {
    let fields: Vec<&str> = text.split_ascii_whitespace().collect();
    let described = FIELDS.iter().skip(FIELDS.len() - fields.len().min(FIELDS.len()));
    let mut described = fields.iter().zip(described).enumerate();
    described.find_map(|(at, (field, described))| {
        let alone: Vec<&str> = (0..fields.len())
            .map(|n| if n == at { *field } else { "*" })
            .collect();
        let is_odd = parser.parse(&alone.join(" ")).is_err();
        is_odd.then_some((*field, *described))
    })
}

/// What the fields are, and what stands in them.
const FIELDS: [(&str, &str); 6] = [
    ("second", "0 to 59"),
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    (
        "day of the month",
        "1 to 31, L for the last day or 15W for the weekday nearest to the 15th",
    ),
    ("month", "1 to 12 or JAN to DEC"),
    (
        "day of the week",
        "0 to 7 or SUN to SAT, FRI#2 for the second or FRI#L for the last of the month",
    ),
];

const NICKNAMES: [&str; 6] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@hourly"];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(cron: &str, zone: &str) -> Timetable {
        Timetable::new(cron, TimeZone::get(zone).unwrap()).unwrap()
    }

    /// The times after `from`, each as its zone's clocks show it.
    fn times(cron: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let table = table(cron, zone);
        let mut time: Timestamp = from.parse().unwrap();
        (0..count)
            .map(|_| {
                time = table.after(time).unwrap();
                let zoned = time.to_zoned(table.zone.clone());
                zoned.strftime("%m-%d %H:%M:%S %:z").to_string()
            })
            .collect()
    }

    // Berlin: 29 March 2026, 2:00 to 3:00; 25 October 2026, 3:00 back to 2:00.
    const BEFORE_SPRING: &str = "2026-03-28T12:00:00Z";
    const BEFORE_AUTUMN: &str = "2026-10-24T12:00:00Z";

    #[test]
    fn a_time_that_the_clock_leaves_out_is_due_when_it_goes_on() {
        assert_eq!(
            times("30 2 * * *", "Europe/Berlin", BEFORE_SPRING, 2),
            ["03-29 03:00:00 +02:00", "03-30 02:30:00 +02:00"]
        );
        // Four times in the gap, and one at its end: one run.
        assert_eq!(
            times("*/15 2,3 * * *", "Europe/Berlin", BEFORE_SPRING, 3),
            [
                "03-29 03:00:00 +02:00",
                "03-29 03:15:00 +02:00",
                "03-29 03:30:00 +02:00"
            ]
        );
        assert_eq!(
            times("30 2 8 3 *", "America/New_York", "2026-03-08T00:00:00Z", 1),
            ["03-08 03:00:00 -04:00"]
        );
        // Half an hour, from 2:00 to 2:30.
        assert_eq!(
            times(
                "0,15,45 2 * * *",
                "Australia/Lord_Howe",
                "2026-10-03T14:00:00Z",
                3
            ),
            [
                "10-04 02:30:00 +11:00",
                "10-04 02:45:00 +11:00",
                "10-05 02:00:00 +11:00"
            ]
        );
    }

    #[test]
    fn a_time_that_comes_twice_is_due_once() {
        assert_eq!(
            times("30 2 * * *", "Europe/Berlin", BEFORE_AUTUMN, 2),
            ["10-25 02:30:00 +02:00", "10-26 02:30:00 +01:00"]
        );
        // From between the two, and from the second one.
        for from in [
            "2026-10-25T00:45:00Z",
            "2026-10-25T01:15:00Z",
            "2026-10-25T01:30:00Z",
        ] {
            assert_eq!(
                times("30 2 * * *", "Europe/Berlin", from, 1),
                ["10-26 02:30:00 +01:00"]
            );
        }
        assert_eq!(
            times("*/30 1,2 * * *", "America/New_York", "2026-11-01T04:50:00Z", 4),
            [
                "11-01 01:00:00 -04:00",
                "11-01 01:30:00 -04:00",
                "11-01 02:00:00 -05:00",
                "11-01 02:30:00 -05:00"
            ]
        );
        assert_eq!(
            times("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T14:00:00Z", 2),
            ["04-05 01:45:00 +11:00", "04-06 01:45:00 +10:30"]
        );
    }

    #[test]
    fn what_is_due_in_every_hour_follows_the_clock() {
        assert_eq!(
            times("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:25:00Z", 3),
            [
                "03-29 01:30:00 +01:00",
                "03-29 03:00:00 +02:00",
                "03-29 03:30:00 +02:00"
            ]
        );
        assert_eq!(
            times("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:10:00Z", 4),
            [
                "10-25 02:30:00 +02:00",
                "10-25 02:00:00 +01:00",
                "10-25 02:30:00 +01:00",
                "10-25 03:00:00 +01:00"
            ]
        );
        assert_eq!(
            times("45 * * * *", "Australia/Lord_Howe", "2026-04-04T14:00:00Z", 4),
            [
                "04-05 01:45:00 +11:00",
                "04-05 01:45:00 +10:30",
                "04-05 02:45:00 +10:30",
                "04-05 03:45:00 +10:30"
            ]
        );
        assert_eq!(
            times("0 * * * *", "Australia/Lord_Howe", "2026-10-03T15:10:00Z", 2),
            ["10-04 03:00:00 +11:00", "10-04 04:00:00 +11:00"]
        );
    }

    #[test]
    fn reads_the_usual_forms() {
        let from = "2026-01-01T00:00:00Z";
        let first = |cron: &str| times(cron, "UTC", from, 1).remove(0);
        assert_eq!(first("@daily"), "01-02 00:00:00 +00:00");
        assert_eq!(first("0 12 L * *"), "01-31 12:00:00 +00:00");
        assert_eq!(first("0 12 * * MON#1"), "01-05 12:00:00 +00:00");
        assert_eq!(first("0 12 15W FEB *"), "02-16 12:00:00 +00:00");
        assert_eq!(first("0 12 * * FRI#L"), "01-30 12:00:00 +00:00");
        assert_eq!(first("0 6 * * FRI-SUN"), "01-02 06:00:00 +00:00");
        assert_eq!(first("*/7 * * * * *"), "01-01 00:00:07 +00:00");
        // A day of the month or a day of the week, where both are named.
        assert_eq!(first("0 0 13 * FRI"), "01-02 00:00:00 +00:00");
        assert_eq!(first("0 0 29 2 *"), "02-29 00:00:00 +00:00");
    }

    #[test]
    fn says_what_is_wrong() {
        for (cron, words) in [
            ("", "is empty"),
            ("* * * *", "has 4 fields"),
            ("0 0 0 1 1 * 2026", "has 7 fields"),
            ("@reboot", "@daily"),
            ("61 * * * *", "\"61\" is no minute; expected 0 to 59"),
            ("61 * * * * *", "\"61\" is no second"),
            ("0 25 * * *", "\"25\" is no hour"),
            ("0 0 32 * *", "\"32\" is no day of the month"),
            ("0 0 * SMARCH *", "is no month"),
            ("0 0 * * WEEKDAY", "is no day of the week"),
            ("*/0 0 * * *", "\"*/0\" is no minute"),
            ("0 0 * * Ж", "ASCII"),
        ] {
            let error = Timetable::new(cron, TimeZone::UTC).unwrap_err();
            assert!(error.contains(words), "{cron}: {error}");
        }
        let never = table("0 0 30 2 *", "Europe/Berlin");
        assert_eq!(never.after(Timestamp::UNIX_EPOCH), None);
    }

    #[test]
    fn the_last_time_is_found_however_long_ago_the_first_was() {
        let now: Timestamp = "2026-11-22T09:30:00.5Z".parse().unwrap();
        for (cron, due, last) in [
            ("* * * * * *", "2020-01-01T00:00:00Z", "2026-11-22T09:30:00Z"),
            ("* * * 6 * *", "2020-06-01T00:00:00Z", "2026-11-06T22:59:59Z"),
            ("0 2 * * *", "2026-11-22T01:00:00Z", "2026-11-22T01:00:00Z"),
            ("0 2 * * *", "2025-11-22T01:00:00Z", "2026-11-22T01:00:00Z"),
        ] {
            let found = table(cron, "Europe/Berlin").last(due.parse().unwrap(), now);
            assert_eq!(found.to_string(), last, "{cron}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "[ -~]{0,40}|[0-9*,/?LW#@A-Z -]{0,40}|\\PC{0,20}") {
            if let Ok(table) = Timetable::new(&text, TimeZone::UTC) {
                let now = Timestamp::UNIX_EPOCH;
                prop_assert!(table.after(now).is_none_or(|next| next > now));
            }
        }

        /// Through both changes of a year, the next time is after this one, and none is in between.
        #[test]
        fn times_only_grow(
            minute in 0..60u8, hours in prop::sample::select(vec!["*", "2", "1-3", "*/2", "0,2"]),
            zone in prop::sample::select(vec!["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
            start in 1_767_225_600i64..1_798_761_600, gap in 1..7200i64,
        ) {
            let table = table(&format!("{minute},30 {hours} * * *"), zone);
            let start = Timestamp::from_second(start).unwrap();
            let next = table.after(start).unwrap();
            prop_assert!(next > start);
            let later = start + SignedDuration::from_secs(gap);
            let after_later = table.after(later).unwrap();
            if later < next {
                prop_assert_eq!(after_later, next);
            } else {
                prop_assert!(after_later > next);
            }
            prop_assert!(table.last(next, after_later) == after_later);
        }
    }
}
