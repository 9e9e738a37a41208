//! The date columns of `ls -l`, in the forms of many systems and languages.

use jiff::{
    SignedDuration, Timestamp,
    civil::Date,
    tz::{Offset, TimeZone},
};

use super::{
    clock::{Clock, any_year, time_of_day, year},
    months::{self, Unit, by_name, is_weekday},
    numeric::NumericDates,
    words::{Words, number, short},
};

/// A date, and where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) modified: Timestamp,
    /// The last word of it.
    pub(super) last: usize,
    /// A column for the time may have been left empty, so that more than one blank stands before the name.
    pub(super) is_padded: bool,
}

/// Reads dates of one listing.
#[derive(Debug)]
pub(super) struct LsDates<'a> {
    pub(super) clock: &'a Clock,
    pub(super) numeric: &'a mut NumericDates,
}

impl LsDates<'_> {
    /// The date that begins with that word.
    pub(super) fn read(&mut self, words: &Words<'_>, at: usize) -> Option<Stamp> {
        let is_joined = words.get(at)?.iter().any(|b| matches!(b, b'-' | b'/' | b'.'));
        let joined = if is_joined { self.joined(words, at) } else { None };
        joined.or_else(|| self.separate(words, at))
    }

    /// A month told by its number alone, `3 29 03:26`: only where the columns before make it sure that this isn't
    /// the size or an owner's number.
    pub(super) fn read_bare(&self, words: &Words<'_>, at: usize) -> Option<Stamp> {
        let month = short(words.get(at)?).filter(|month| (1..=12).contains(month))?;
        let day = short(words.get(at + 1)?)?;
        self.year_or_time(words, at + 2, month, day)
    }

    /// A date in one word, and a time behind it: `2024-03-05 14:22`, `1999/10/12 17:12`, `2004.07.15`,
    /// `5-Mar-2024 14:22:01`, `09-26 13:45`.
    fn joined(&mut self, words: &Words<'_>, at: usize) -> Option<Stamp> {
        let word = words.get(at)?;
        if let Some(middle) = word.iter().position(|&b| b == b'T') {
            let (date, time) = word.split_at_checked(middle)?;
            let date = self.numeric.read(date, self.clock)?;
            return self.with_t(date, time.get(1..)?, at);
        }
        let Some(date) = named(word).or_else(|| self.numeric.read(word, self.clock)) else {
            let mut parts = word.split(|&b| b == b'-');
            let (month, day) = (short(parts.next()?)?, short(parts.next()?)?);
            let is_whole = parts.next().is_none();
            return is_whole.then(|| self.year_or_time(words, at + 1, month, day))?;
        };
        let clock_word = words.get(at + 1).unwrap_or_default();
        let Some(time) = time_of_day(clock_word) else {
            let modified = self.clock.moment(date, SignedDuration::ZERO)?;
            return Some(Stamp {
                modified,
                last: at,
                is_padded: true,
            });
        };
        // A zone follows where seconds are told (`ls --full-time`); else this is the name.
        let zone = words.get(at + 2).filter(|_| has_seconds(clock_word));
        let (modified, last) = match zone.and_then(offset) {
            Some(offset) => (in_offset(date, time, offset)?, at + 2),
            None => (self.clock.moment(date, time)?, at + 1),
        };
        Some(Stamp {
            modified,
            last,
            is_padded: false,
        })
    }

    /// `2024-03-05T14:22:01Z`, from what stands behind the `T`.
    fn with_t(&self, date: Date, time: &[u8], last: usize) -> Option<Stamp> {
        let modified = match time {
            [time @ .., b'Z'] => in_offset(date, time_of_day(time)?, Offset::UTC)?,
            time => match time.iter().position(|b| matches!(b, b'+' | b'-')) {
                Some(sign) => {
                    let (time, zone) = time.split_at_checked(sign)?;
                    in_offset(date, time_of_day(time)?, offset(zone)?)?
                }
                None => self.clock.moment(date, time_of_day(time)?)?,
            },
        };
        Some(Stamp {
            modified,
            last,
            is_padded: false,
        })
    }

    /// A date in words of its own: `Mar  5 14:22`, `5. Mär, 2024`, `3月 5日 14:22`, `2005년 1월 6일`,
    /// `Oct 08, 2002 09:47`, `Tue Mar  5 14:22:01 2024`.
    fn separate(&self, words: &Words<'_>, at: usize) -> Option<Stamp> {
        let at = if is_weekday(words.get(at)?) { at + 1 } else { at };
        if let Some(month) = words.get(at).and_then(by_name) {
            let day = words.get(at + 1)?;
            let (day, has_comma) = match day {
                [day @ .., b','] => (day, true),
                day => (day, false),
            };
            let day = day_of(day)?;
            return match words.get(at + 2).and_then(year) {
                Some(year) if has_comma => {
                    self.year_and_time(words, at + 2, Date::new(year, month, day).ok()?)
                }
                _ => self.year_or_time(words, at + 2, month, day),
            };
        }
        if let Some(month) = words.get(at + 1).and_then(by_name) {
            let day = words.get(at).and_then(day_of)?;
            return self.year_or_time(words, at + 2, month, day);
        }
        self.with_signs(words, at)
    }

    /// With signs for year, month and day behind the numbers, which may be left out behind year and day.
    fn with_signs(&self, words: &Words<'_>, at: usize) -> Option<Stamp> {
        let (mut year_told, mut month, mut day) = (None, None, None);
        let mut last = at;
        // A number without a sign is a year before the month, and a day behind it.
        for index in at..at + 3 {
            let mut rest = words.get(index)?;
            while !rest.is_empty() {
                let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
                let (value, behind) = rest.split_at_checked(digits)?;
                let (unit, behind) = match months::unit(behind) {
                    Some((unit, behind)) => (Some(unit), behind),
                    None if behind.is_empty() => (None, behind),
                    None => return None,
                };
                let slot_is_free = match (unit, month) {
                    (Some(Unit::Year), _) | (None, None) => {
                        year_told.replace(year(value)?).is_none() && month.is_none()
                    }
                    (Some(Unit::Month), _) => month.replace(short(value)?).is_none(),
                    (Some(Unit::Day), _) | (None, Some(_)) => day.replace(short(value)?).is_none(),
                };
                if !slot_is_free {
                    return None;
                }
                rest = behind;
            }
            last = index;
            if day.is_some() {
                break;
            }
        }
        let (month, day) = (month?, day?);
        let Some(year) = year_told else {
            return self.year_or_time(words, last + 1, month, day);
        };
        Some(Stamp {
            modified: self
                .clock
                .moment(Date::new(year, month, day).ok()?, SignedDuration::ZERO)?,
            last,
            is_padded: false,
        })
    }

    /// What follows month and day: a year, or a time; a time with seconds is followed by a year (BSD's `ls -T`).
    fn year_or_time(&self, words: &Words<'_>, at: usize, month: i8, day: i8) -> Option<Stamp> {
        let word = words.get(at)?;
        let dated = |year, time, last| {
            Some(Stamp {
                modified: self.clock.moment(Date::new(year, month, day).ok()?, time)?,
                last,
                is_padded: false,
            })
        };
        if let Some(year) = year(word).or_else(|| year_with_sign(word)) {
            return dated(year, SignedDuration::ZERO, at);
        }
        let time = time_of_day(word)?;
        if let Some(year) = words.get(at + 1).and_then(year)
            && has_seconds(word)
        {
            return dated(year, time, at + 1);
        }
        Some(Stamp {
            modified: self.clock.without_year(month, day, time)?,
            last: at,
            is_padded: false,
        })
    }

    /// A year that stands behind a comma, and a time if there is one: `Oct 08, 2002 09:47`.
    fn year_and_time(&self, words: &Words<'_>, at: usize, date: Date) -> Option<Stamp> {
        let time = words.get(at + 1).and_then(time_of_day);
        Some(Stamp {
            modified: self.clock.moment(date, time.unwrap_or_default())?,
            last: if time.is_some() { at + 1 } else { at },
            is_padded: false,
        })
    }
}

/// `5-Mar-2024`, `01-jun-99`, `Feb-28-1998`.
pub(super) fn named(word: &[u8]) -> Option<Date> {
    let mut parts = word.split(|&b| b == b'-');
    let (first, second, year) = (parts.next()?, parts.next()?, any_year(parts.next()?)?);
    if parts.next().is_some() {
        return None;
    }
    let (day, month) = match by_name(second) {
        Some(month) => (short(first)?, month),
        None => (short(second)?, by_name(first)?),
    };
    Date::new(year, month, day).ok()
}

/// A day of a month: `5`, `05`, `5.`, `5日`.
fn day_of(word: &[u8]) -> Option<i8> {
    let digits = word.iter().take_while(|b| b.is_ascii_digit()).count();
    let (day, behind) = word.split_at_checked(digits)?;
    let is_day = matches!(behind, b"" | b"." | b".,") || months::unit(behind) == Some((Unit::Day, &[]));
    short(day).filter(|_| is_day)
}

fn has_seconds(time: &[u8]) -> bool {
    time.iter().filter(|&&b| b == b':').count() == 2
}

fn year_with_sign(word: &[u8]) -> Option<i16> {
    let (digits, sign) = word.split_at_checked(4)?;
    (months::unit(sign) == Some((Unit::Year, &[]))).then(|| year(digits))?
}

/// `+0100`, `-03:30`.
fn offset(word: &[u8]) -> Option<Offset> {
    let (sign, digits) = word.split_first()?;
    let (hours, minutes) = match digits {
        [h1, h2, b':', m1, m2] | [h1, h2, m1, m2] => ([*h1, *h2], [*m1, *m2]),
        _ => return None,
    };
    let (hours, minutes): (i32, i32) = (number(&hours)?, number(&minutes)?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    let seconds = (hours * 60 + minutes) * 60;
    let seconds = match sign {
        b'+' => seconds,
        b'-' => -seconds,
        _ => return None,
    };
    Offset::from_seconds(seconds).ok()
}

fn in_offset(date: Date, time: SignedDuration, offset: Offset) -> Option<Timestamp> {
    let shown = date.at(0, 0, 0, 0).checked_add(time).ok()?;
    TimeZone::fixed(offset)
        .to_ambiguous_timestamp(shown)
        .compatible()
        .ok()
}
