//! The time of a listing's server: its zone, and how late it is.

use courier_transfer::TimePrecision;
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

/// How far a file's time may lie ahead of our clock before a year is taken off.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// 29 February comes once in eight years at the least.
const YEARS: i16 = 8;

/// The clock of a server.
#[derive(Debug)]
pub(super) struct Clock {
    zone: TimeZone,
    /// No moment without a year is later.
    latest: Timestamp,
}

impl Clock {
    pub(super) fn new(now: Timestamp, zone: TimeZone) -> Self {
        let latest = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
        Self { zone, latest }
    }

    /// The moment at which the server's clock showed that much past midnight of that date. What it showed
    /// twice, or never, on a change between summer and winter time is resolved the way RFC 5545 does it.
    pub(super) fn moment(&self, date: Date, past_midnight: SignedDuration) -> Option<Timestamp> {
        let shown = date.at(0, 0, 0, 0).checked_add(past_midnight).ok()?;
        self.zone.to_ambiguous_timestamp(shown).compatible().ok()
    }

    /// How exactly that moment is told, by what its clock shows.
    pub(super) fn precision(&self, moment: Timestamp) -> TimePrecision {
        let shown = moment.to_zoned(self.zone.clone());
        if shown.second() != 0 || shown.subsec_nanosecond() != 0 {
            return TimePrecision::Exact;
        }
        // Some days begin later than at midnight, where summer time does.
        match shown.start_of_day() {
            Ok(midnight) if midnight == shown => TimePrecision::Day,
            _ => TimePrecision::Minute,
        }
    }

    /// The latest such moment that isn't more than a day after now.
    pub(super) fn without_year(
        &self,
        month: i8,
        day: i8,
        past_midnight: SignedDuration,
    ) -> Option<Timestamp> {
        let year = self.latest.to_zoned(self.zone.clone()).year();
        (year.saturating_sub(YEARS)..=year)
            .rev()
            .filter_map(|year| self.moment(Date::new(year, month, day).ok()?, past_midnight))
            .find(|moment| *moment <= self.latest)
    }

    /// Is midnight of that date more than a day after now?
    pub(super) fn is_ahead(&self, date: Date) -> bool {
        self.moment(date, SignedDuration::ZERO)
            .is_none_or(|moment| moment > self.latest)
    }
}

/// A time of day, as time since midnight: `14:22`, `9:05:07`, `14:22:01.123456789`, `02:22PM`, `2:22p`.
/// `24:00` is the end of a day, and the leap second `:60` the second before.
pub(super) fn time_of_day(word: &[u8]) -> Option<SignedDuration> {
    use super::words::{number, short};

    let (digits, afternoon) = match word {
        [digits @ .., half, b'M' | b'm'] | [digits @ .., half]
            if matches!(half.to_ascii_lowercase(), b'a' | b'p') =>
        {
            (digits, Some(half.eq_ignore_ascii_case(&b'p')))
        }
        _ => (word, None),
    };
    let mut parts = digits.split(|&b| b == b':');
    let hour = i64::from(short(parts.next()?)?);
    let minute = two_digits(parts.next()?)?;
    let (second, nanos) = match parts.next() {
        None => (0, 0),
        Some(second) => {
            let mut halves = second.split(|&b| b == b'.');
            let second = two_digits(halves.next()?)?;
            let fraction = match halves.next() {
                None => 0,
                Some(digits) if digits.len() <= 9 => {
                    let places = u32::try_from(9 - digits.len()).ok()?;
                    number::<i64>(digits)? * 10_i64.pow(places)
                }
                Some(_) => return None,
            };
            if halves.next().is_some() {
                return None;
            }
            (second.min(59), fraction)
        }
    };
    if parts.next().is_some() || minute > 59 {
        return None;
    }
    let hour = match (afternoon, hour) {
        (Some(pm), 1..=12) => hour % 12 + if pm { 12 } else { 0 },
        (None, 0..=23) => hour,
        (None, 24) if (minute, second, nanos) == (0, 0, 0) => hour,
        _ => return None,
    };
    Some(SignedDuration::from_secs((hour * 60 + minute) * 60 + second) + SignedDuration::from_nanos(nanos))
}

fn two_digits(word: &[u8]) -> Option<i64> {
    let value: i64 = if word.len() == 2 {
        super::words::number(word)?
    } else {
        return None;
    };
    (value <= 60).then_some(value)
}

/// A year in four digits.
pub(super) fn year(word: &[u8]) -> Option<i16> {
    let year: i16 = if word.len() == 4 {
        super::words::number(word)?
    } else {
        return None;
    };
    (year >= 1600).then_some(year)
}

/// A year in two digits (1970 to 2069), in three (those since 1900, on hosts that missed the year 2000), or four.
pub(super) fn any_year(word: &[u8]) -> Option<i16> {
    let value: i16 = super::words::number(word)?;
    match word.len() {
        2 if value < 70 => Some(2000 + value),
        2 => Some(1900 + value),
        3 => (value >= 100).then_some(1900 + value),
        _ => year(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(now: &str, zone: &str) -> Clock {
        Clock::new(now.parse().unwrap(), TimeZone::get(zone).unwrap())
    }

    fn hm(hour: i64, minute: i64) -> SignedDuration {
        SignedDuration::from_mins(hour * 60 + minute)
    }

    fn at(text: &str) -> Option<Timestamp> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_year_is_the_latest_that_is_not_ahead() {
        let clock = clock("2026-01-02T12:00:00Z", "UTC");
        assert_eq!(clock.without_year(1, 2, hm(12, 0)), at("2026-01-02T12:00:00Z"));
        assert_eq!(clock.without_year(1, 3, hm(12, 0)), at("2026-01-03T12:00:00Z"));
        assert_eq!(clock.without_year(1, 3, hm(12, 1)), at("2025-01-03T12:01:00Z"));
        assert_eq!(clock.without_year(12, 31, hm(23, 59)), at("2025-12-31T23:59:00Z"));
        assert_eq!(clock.without_year(2, 29, hm(0, 0)), at("2024-02-29T00:00:00Z"));
        assert_eq!(clock.without_year(2, 30, hm(0, 0)), None);
    }

    #[test]
    fn leap_days_come_from_eight_years_back() {
        let clock = clock("2104-02-01T00:00:00Z", "UTC");
        assert_eq!(clock.without_year(2, 29, hm(0, 0)), at("2096-02-29T00:00:00Z"));
    }

    #[test]
    fn new_year_comes_earlier_in_the_east() {
        let clock = clock("2025-12-31T12:00:00Z", "Pacific/Auckland");
        assert_eq!(clock.without_year(1, 1, hm(1, 0)), at("2025-12-31T12:00:00Z"));
    }

    #[test]
    fn what_a_clock_shows_twice_or_never_is_a_moment() {
        let clock = clock("2026-01-02T12:00:00Z", "Europe/Berlin");
        let day = |month, day| Date::new(2024, month, day).unwrap();
        assert_eq!(
            clock.moment(day(3, 31), hm(2, 30)),
            at("2024-03-31T01:30:00Z"),
            "a gap"
        );
        assert_eq!(
            clock.moment(day(10, 27), hm(2, 30)),
            at("2024-10-27T00:30:00Z"),
            "twice"
        );
        assert_eq!(clock.moment(day(12, 31), hm(24, 0)), at("2024-12-31T23:00:00Z"));
    }

    #[test]
    fn what_shows_no_seconds_or_no_time_is_rough() {
        let clock = clock("2026-01-02T12:00:00Z", "Europe/Berlin");
        for (moment, precision) in [
            ("2024-03-05T14:22:01Z", TimePrecision::Exact),
            ("2024-03-05T14:22:00.5Z", TimePrecision::Exact),
            ("2024-03-05T14:22:00Z", TimePrecision::Minute),
            ("2024-03-05T00:00:00Z", TimePrecision::Minute),
            ("2024-03-04T23:00:00Z", TimePrecision::Day),
            ("2024-07-04T22:00:00Z", TimePrecision::Day),
        ] {
            assert_eq!(clock.precision(moment.parse().unwrap()), precision, "{moment}");
        }
    }

    #[test]
    fn a_day_that_begins_at_one_is_a_day() {
        let clock = clock("2026-01-02T12:00:00Z", "America/Sao_Paulo");
        let date = Date::new(2018, 11, 4).unwrap();
        let moment = clock.moment(date, SignedDuration::ZERO).unwrap();
        assert_eq!(clock.precision(moment), TimePrecision::Day);
    }

    #[test]
    fn times_of_day() {
        for (word, expected) in [
            ("14:22", Some(hm(14, 22))),
            ("0:23", Some(hm(0, 23))),
            ("24:00", Some(hm(24, 0))),
            ("12:08AM", Some(hm(0, 8))),
            ("12:09PM", Some(hm(12, 9))),
            ("02:22pm", Some(hm(14, 22))),
            ("2:22p", Some(hm(14, 22))),
            ("10:30:13.64", Some(SignedDuration::new(37_813, 640_000_000))),
            ("23:59:60", Some(SignedDuration::from_secs(86_399))),
            ("24:01", None),
            ("30:01", None),
            ("18:79", None),
            ("1:2", None),
            ("13:00PM", None),
            ("0:00AM", None),
            ("14:22:", None),
            ("14:22:01:02", None),
            ("14:22:01.1.2", None),
            ("14:22:01.1234567890", None),
            ("14", None),
            (":22", None),
            ("PM", None),
            ("", None),
        ] {
            assert_eq!(time_of_day(word.as_bytes()), expected, "{word}");
        }
    }

    #[test]
    fn years() {
        assert_eq!(any_year(b"99"), Some(1999));
        assert_eq!(any_year(b"24"), Some(2024));
        assert_eq!(any_year(b"103"), Some(2003));
        assert_eq!(any_year(b"2024"), Some(2024));
        assert_eq!(any_year(b"010"), None);
        assert_eq!(any_year(b"20245"), None);
        assert_eq!(year(b"0000"), None);
    }
}
