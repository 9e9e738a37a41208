//! Dates of three numbers, whose order is not told.

use jiff::civil::Date;

use super::{
    clock::{Clock, any_year, year},
    words::short,
};

/// What comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Month,
    Day,
    Year,
}

/// Reads dates of three numbers, `03-05-24`, `5.3.2024`, `2024/03/05`, of one listing.
///
/// With a year of four digits in front the rest is month and day. Else the month is first with `-` and `/`, and the
/// day with `.`. A date that can't be of that order tells of another, which then holds for the rest of the listing.
#[derive(Debug, Default)]
pub(super) struct NumericDates {
    learned: Option<Order>,
    /// Two digits in front may be a year, on hosts whose jobs choose the order.
    year_first: bool,
}

impl NumericDates {
    /// For hosts on which two digits in front may be a year.
    pub(super) fn with_year_first() -> Self {
        Self {
            learned: None,
            year_first: true,
        }
    }

    /// The date of that word; `None`: it is none.
    pub(super) fn read(&mut self, word: &[u8], clock: &Clock) -> Option<Date> {
        let separator = *word.iter().find(|b| !b.is_ascii_digit())?;
        let mut parts = word.split(|&b| b == separator);
        let (a, b, c) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        if let Some(year) = year(a) {
            return Date::new(year, short(b)?, short(c)?).ok();
        }
        let usual = match separator {
            b'-' | b'/' => [Order::Month, Order::Day, Order::Year],
            b'.' => [Order::Day, Order::Month, Order::Year],
            _ => return None,
        };
        let date = |order| {
            let (year, month, day) = match order {
                Order::Month => (any_year(c)?, a, b),
                Order::Day => (any_year(c)?, b, a),
                Order::Year if self.year_first && a.len() == 2 => (any_year(a)?, b, c),
                Order::Year => return None,
            };
            Date::new(year, short(month)?, short(day)?).ok()
        };
        // A file of the future is likelier a date of another order, where there is one.
        let is_likely = |date: &Date| !self.year_first || !clock.is_ahead(*date);
        let possible = || usual.iter().filter_map(|&order| Some((order, date(order)?)));
        let learned = possible().find(|(order, _)| Some(*order) == self.learned);
        if let Some((_, date)) = learned.filter(|(_, date)| is_likely(date)) {
            return Some(date);
        }
        let mut likely = possible().filter(|(_, date)| is_likely(date));
        let Some((order, date)) = likely.next() else {
            return learned.or_else(|| possible().next()).map(|(_, date)| date);
        };
        // Only one order is possible: it holds from now on.
        if likely.next().is_none() {
            self.learned = Some(order);
        }
        Some(date)
    }
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, tz::TimeZone};

    use super::*;

    fn read(mut dates: NumericDates, words: &[&str]) -> Vec<Option<String>> {
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let clock = Clock::new(now, TimeZone::UTC);
        let text = |word: &&str| dates.read(word.as_bytes(), &clock).map(|date| date.to_string());
        words.iter().map(text).collect()
    }

    fn some(dates: &[&str]) -> Vec<Option<String>> {
        dates.iter().map(|date| Some((*date).to_owned())).collect()
    }

    #[test]
    fn the_separator_tells_the_order() {
        let words = ["03-05-24", "3/5/2024", "03.05.24", "2024-03-05", "24-04-2003"];
        let dates = [
            "2024-03-05",
            "2024-03-05",
            "2024-05-03",
            "2024-03-05",
            "2003-04-24",
        ];
        assert_eq!(read(NumericDates::default(), &words), some(&dates));
    }

    #[test]
    fn a_day_that_is_no_month_tells_it_for_the_rest() {
        let words = ["04-05-24", "13-05-24", "04-05-24", "05-14-24"];
        let dates = ["2024-04-05", "2024-05-13", "2024-05-04", "2024-05-14"];
        assert_eq!(read(NumericDates::default(), &words), some(&dates));
    }

    #[test]
    fn years_first_are_known_by_the_future() {
        let words = ["04/03/18", "24/03/31", "24/03/18"];
        let dates = ["2018-04-03", "2024-03-31", "2024-03-18"];
        assert_eq!(read(NumericDates::with_year_first(), &words), some(&dates));
    }

    #[test]
    fn what_is_no_date() {
        for word in [
            "",
            "03-05",
            "03-05-24-1",
            "03-05/24",
            "13-13-24",
            "a-b-c",
            "03_05_24",
            "003-05-24",
        ] {
            assert_eq!(read(NumericDates::default(), &[word]), [None], "{word}");
        }
    }
}
