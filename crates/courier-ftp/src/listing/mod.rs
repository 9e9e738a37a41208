//! What FTP servers list, without I/O: MLSD and MLST in [`facts`], LIST in the dialects of many hosts here.
//!
//! A LIST has no standard form (RFC 959 section 4.1.3), so [`ListParser`] knows the forms that servers print.
//! Each recognises its own lines by their shape and is strict about the rest: a line that isn't understood is
//! reported with a reason, never turned into a file. What a server doesn't tell exactly (blocks, kilobytes,
//! tracks) is no size.

mod clock;
mod dos;
mod eplf;
pub mod facts;
mod ls_date;
mod months;
mod netware;
mod nonstop;
mod numeric;
mod os400;
mod size_first;
mod unix;
mod unix_mode;
mod vms;
mod words;
mod zos;

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
mod tests;

use std::fmt;

use courier_transfer::{EntryKind, TimePrecision};
use jiff::{Timestamp, tz::TimeZone};

use self::{
    clock::Clock, dos::Dos, os400::Os400, size_first::SizeFirst, unix::Unix, vms::Vms, words::Words, zos::Zos,
};

/// The longest line that is looked at, in bytes.
pub const MAX_LINE: usize = 16 * 1024;

/// So much of an unreadable line is kept, in bytes.
const KEPT: usize = 512;

/// What a line tells of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its name, byte for byte. It may hold what no name should (`/`, NUL): the caller checks.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
    /// Its size in bytes; `None` where the server doesn't tell it exactly.
    pub size: Option<u64>,
    /// Its last modification.
    pub modified: Option<Timestamp>,
    /// Its Unix permission bits, `0o7777` at most.
    pub permissions: Option<u32>,
    /// Where it points to, if it is a link and the server tells.
    pub link_target: Option<Vec<u8>>,
}

impl Found {
    /// Something of which no more than name and kind is known.
    fn new(name: &[u8], kind: EntryKind) -> Self {
        Self {
            name: name.to_vec(),
            kind,
            size: None,
            modified: None,
            permissions: None,
            link_target: None,
        }
    }
}

/// Why a line is not an entry, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason(&'static str);

impl Reason {
    /// The words.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// What a line of a LIST is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// An object.
    Found(Found),
    /// A line that isn't understood.
    Unreadable {
        /// The line, cut at 512 bytes.
        raw: Vec<u8>,
        /// What is wrong with it.
        reason: Reason,
    },
}

impl Line {
    fn unreadable(raw: &[u8], reason: Reason) -> Self {
        let raw = raw.get(..KEPT).unwrap_or(raw).to_vec();
        Self::Unreadable { raw, reason }
    }
}

/// What one dialect makes of a line.
#[derive(Debug)]
enum Reading {
    /// The line has another form.
    Foreign,
    /// The line has the form, and no object: a heading, a sum, `.` or `..`.
    Nothing,
    Found(Found),
    /// The line has the form, but something in it is wrong.
    Wrong(Reason),
}

impl Reading {
    /// `.` and `..` are nothing.
    fn of(found: Found) -> Self {
        match found.name.as_slice() {
            b"." | b".." => Self::Nothing,
            b"" => Self::Wrong(NO_NAME),
            _ => Self::Found(found),
        }
    }
}

const NO_NAME: Reason = Reason("there is no name in the line");
const NO_FORM: Reason = Reason("the line has no form that is known of FTP servers' listings");
const TOO_LONG: Reason = Reason("the line is longer than 16 KiB");

/// Reads a LIST line by line, whatever host printed it.
///
/// Times without a zone are in the zone given; those without a year are the latest such moment that isn't more
/// than a day after `now`.
#[derive(Debug)]
pub struct ListParser {
    clock: Clock,
    unix: Unix,
    dos: Dos,
    size_first: SizeFirst,
    os400: Os400,
    vms: Vms,
    zos: Zos,
    /// An entry was seen: headings come before the first.
    has_begun: bool,
}

impl ListParser {
    /// A parser for one listing, asked for at `now`, of a server whose clock shows the time of `zone`.
    pub fn new(now: Timestamp, zone: TimeZone) -> Self {
        Self {
            clock: Clock::new(now, zone),
            unix: Unix::default(),
            dos: Dos::default(),
            size_first: SizeFirst::default(),
            os400: Os400::default(),
            vms: Vms::default(),
            zos: Zos::default(),
            has_begun: false,
        }
    }

    /// Reads the next line; line ends may be left on it. What comes out may be of the line before, since OpenVMS
    /// breaks the line behind a long name.
    pub fn line(&mut self, raw: &[u8]) -> impl Iterator<Item = Line> + use<> {
        let line = raw.strip_suffix(b"\n").unwrap_or(raw);
        // Some servers end lines with two carriage returns.
        let ends = line.iter().rev().take_while(|&&b| b == b'\r').count();
        let line = line.get(..line.len() - ends).unwrap_or(line);
        let (before, reading) = self.read(line);
        self.has_begun |= matches!(reading, Reading::Found(_));
        let now = match reading {
            Reading::Nothing => None,
            Reading::Found(found) => Some(Line::Found(found)),
            Reading::Wrong(reason) => Some(Line::unreadable(line, reason)),
            Reading::Foreign => Some(Line::unreadable(line, NO_FORM)),
        };
        [before, now].into_iter().flatten()
    }

    /// What is left when the listing has ended.
    pub fn finish(&mut self) -> impl Iterator<Item = Line> + use<> {
        self.vms.abandoned().into_iter()
    }

    /// How exactly a LIST tells a time. What ends with a whole minute is taken for one that has no seconds, and what is
    /// midnight for one that has no time of day: rather too rough than too exact.
    pub fn precision(&self, modified: Timestamp) -> TimePrecision {
        self.clock.precision(modified)
    }

    /// What waited for this line in vain, and what the line is.
    fn read(&mut self, line: &[u8]) -> (Option<Line>, Reading) {
        if line.len() > MAX_LINE {
            return (self.vms.abandoned(), Reading::Wrong(TOO_LONG));
        }
        if let Some(reading) = self.vms.continued(line, &self.clock) {
            return (None, reading);
        }
        (self.vms.abandoned(), self.whole(&Words::of(line)))
    }

    /// The first form that recognises the line; no line has two.
    fn whole(&mut self, words: &Words<'_>) -> Reading {
        if words.len() == 0 {
            return Reading::Nothing;
        }
        let clock = &self.clock;
        let has_begun = self.has_begun;
        let mut forms: [&mut dyn FnMut() -> Reading; 9] = [
            // Knows by the heading that what follows is its own.
            &mut || self.zos.read(words, clock, has_begun),
            &mut || self.unix.read(words, clock),
            &mut || self.dos.read(words, clock),
            &mut || self.vms.read(words, clock),
            &mut || self.os400.read(words, clock),
            &mut || netware::read(words, clock),
            &mut || nonstop::read(words, clock),
            &mut || self.size_first.read(words, clock),
            &mut || eplf::read(words),
        ];
        let mut readings = forms.iter_mut().map(|read| read());
        readings
            .find(|reading| !matches!(reading, Reading::Foreign))
            .unwrap_or(Reading::Foreign)
    }
}
