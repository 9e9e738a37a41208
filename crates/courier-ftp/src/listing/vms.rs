//! OpenVMS: name with version, and blocks, date, owner and protection in an order that differs.
//!
//! ```text
//! Directory USER1:[ALICE]
//!
//! REPORT.TXT;3             9/12          5-MAR-2024 14:22:01  [STAFF,ALICE]   (RWED,RWED,RE,)
//! IN.DIR;1                   1           5-MAR-2024 14:22     [STAFF,ALICE]   (RWE,RWE,RE,RE)
//! A_NAME_THAT_IS_TOO_LONG_FOR_ITS_COLUMN.TXT;1
//!                          4/15          5-MAR-2024 14:22:01  [STAFF,ALICE]   (RWED,RWED,RE,)
//! SECRET.TXT;1  %RMS-E-PRV, insufficient privilege or file protection violation
//!
//! Total of 4 files, 28/54 blocks.
//! ```
//!
//! The version is not part of the name here: a name without one means the newest, which is listed first. Older
//! ones are passed over.

use courier_transfer::EntryKind;
use jiff::{SignedDuration, Timestamp};

use super::{
    Found, Line, Reading, Reason,
    clock::{Clock, time_of_day},
    ls_date::named,
    words::{Words, is_blank, number, trim},
};

const NO_DETAILS: Reason = Reason("no date follows the file and its version (OpenVMS)");

/// Reads lines of one listing.
#[derive(Debug, Default)]
pub(super) struct Vms {
    /// A name with its version, alone on its line; the rest is on the next.
    waiting: Option<Vec<u8>>,
    /// The last entry's name, to know older versions by.
    last: Vec<u8>,
}

impl Vms {
    pub(super) fn read(&mut self, words: &Words<'_>, clock: &Clock) -> Reading {
        if is_around(words) {
            return Reading::Nothing;
        }
        let Some(name) = words.get(0).and_then(without_version) else {
            return Reading::Foreign;
        };
        let rest = trim(words.after(0).unwrap_or_default());
        if rest.is_empty() {
            self.waiting = words.get(0).map(<[u8]>::to_vec);
            return Reading::Nothing;
        }
        self.entry(name, rest, clock).unwrap_or(Reading::Foreign)
    }

    /// Whether the line is the rest of the entry whose name stood on the line before, and what both are.
    pub(super) fn continued(&mut self, line: &[u8], clock: &Clock) -> Option<Reading> {
        let waiting = self.waiting.take()?;
        let reading = without_version(&waiting).and_then(|name| self.entry(name, trim(line), clock));
        if reading.is_none() {
            self.waiting = Some(waiting);
        }
        reading
    }

    /// The name that waited in vain.
    pub(super) fn abandoned(&mut self) -> Option<Line> {
        self.waiting
            .take()
            .map(|name| Line::unreadable(&name, NO_DETAILS))
    }

    fn entry(&mut self, name: &[u8], rest: &[u8], clock: &Clock) -> Option<Reading> {
        // An error in place of the details: the file is there, but may not be looked at.
        let modified = if rest.starts_with(b"%") {
            None
        } else {
            details(rest, clock)?
        };
        if self.last == name {
            return Some(Reading::Nothing);
        }
        self.last = name.to_vec();
        let is_directory = name.len() > 4
            && name
                .last_chunk::<4>()
                .is_some_and(|end| end.eq_ignore_ascii_case(b".DIR"));
        let (name, kind) = match name.split_last_chunk::<4>() {
            Some((name, _)) if is_directory => (name, EntryKind::Directory),
            _ => (name, EntryKind::File),
        };
        Some(Reading::of(Found {
            modified,
            ..Found::new(name, kind)
        }))
    }
}

/// `REPORT.TXT;3` without its version.
fn without_version(word: &[u8]) -> Option<&[u8]> {
    let semicolon = word.iter().rposition(|&b| b == b';')?;
    let (name, version) = word.split_at_checked(semicolon)?;
    let is_version = number::<u32>(version.get(1..)?).is_some();
    (is_version && !name.is_empty()).then_some(name)
}

/// Heading, sums, and what stands in an empty directory.
fn is_around(words: &Words<'_>) -> bool {
    match (words.get(0), words.get(1), words.get(2)) {
        (Some(b"Directory"), Some(directory), None) => directory.ends_with(b"]") || directory.ends_with(b">"),
        (Some(b"Total"), Some(b"of"), Some(count)) => number::<u64>(count).is_some(),
        (Some(b"Grand"), Some(b"total"), Some(b"of")) => true,
        (Some(b"%DIRECT-W-NOFILES,"), ..) => true,
        _ => false,
    }
}

/// The date among the details. `None`: they are something else. `Some(None)`: its month has a name that two months
/// share, or none has.
fn details(mut rest: &[u8], clock: &Clock) -> Option<Option<Timestamp>> {
    let (mut date, mut time, mut owner, mut protection, mut blocks) = (None, None, None, None, None);
    while let Some(&first) = rest.first() {
        let end = match first {
            b'(' => rest.iter().position(|&b| b == b')')? + 1,
            // An owner that is too long loses its bracket.
            b'[' => match rest.iter().position(|&b| b == b']') {
                Some(bracket) => bracket + 1,
                None => word_len(rest),
            },
            _ => word_len(rest),
        };
        let (word, behind) = rest.split_at_checked(end)?;
        let is_new = if first == b'(' {
            protection.replace(()).is_none()
        } else if first == b'[' {
            owner.replace(()).is_none()
        } else if is_size(word) {
            blocks.replace(()).is_none()
        } else if is_date(word) {
            date.replace(named(word)).is_none()
        } else if let Some(shown) = time_of_day(word) {
            time.replace(shown).is_none()
        } else {
            is_identifier(word) && owner.replace(()).is_none()
        };
        if !is_new {
            return None;
        }
        rest = trim(behind);
    }
    let date = date?;
    Some(date.and_then(|date| clock.moment(date, time.unwrap_or(SignedDuration::ZERO))))
}

fn word_len(text: &[u8]) -> usize {
    text.iter().position(|&b| is_blank(b)).unwrap_or(text.len())
}

/// `5-MAR-2024`, whatever the month is called.
fn is_date(word: &[u8]) -> bool {
    let mut parts = word.split(|&b| b == b'-');
    let (day, month, year) = (parts.next(), parts.next(), parts.next());
    let is_number =
        |part: Option<&[u8]>, len| part.is_some_and(|p| p.len() <= len && number::<u16>(p).is_some());
    let is_name = month.is_some_and(|month| !month.is_empty() && !month.iter().any(u8::is_ascii_digit));
    parts.next().is_none() && is_number(day, 2) && is_name && is_number(year, 4)
}

/// Blocks used, or used and allocated (`9/12`); or something about as exact (`2KB`).
fn is_size(word: &[u8]) -> bool {
    let word = word
        .strip_suffix(b"KB")
        .or(word.strip_suffix(b"MB"))
        .unwrap_or(word);
    let mut parts = word.split(|&b| b == b'/');
    parts.by_ref().take(2).all(|part| number::<u64>(part).is_some()) && parts.next().is_none()
}

/// An owner without brackets.
fn is_identifier(word: &[u8]) -> bool {
    word.first().is_some_and(u8::is_ascii_alphabetic)
        && word
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$'))
}
