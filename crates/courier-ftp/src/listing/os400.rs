//! OS/400 and IBM i in their own format (`LISTFMT 0`): owner, size, date, time, type, name.
//!
//! ```text
//! ALICE           4019 03/05/24 14:22:01 *STMF      report.txt
//! ALICE          36864 03/05/24 14:22:01 *DIR       in/
//! ALICE                                  *MEM       ORDERS.FILE/ORDERS.MBR
//! ```

use courier_transfer::EntryKind;
use jiff::Timestamp;

use super::{
    Found, NO_NAME, Reading, Reason,
    clock::{Clock, time_of_day},
    numeric::NumericDates,
    words::{Words, number},
};

const BAD_COLUMNS: Reason =
    Reason("owner, size, date and time are not in order before the type of the object (OS/400)");

/// Owner, size, date, time.
const COLUMNS: usize = 4;

/// The column of types, and the blank behind it.
const TYPE_WIDTH: usize = 11;

/// Reads lines of one listing.
#[derive(Debug)]
pub(super) struct Os400 {
    /// The job of the server chooses the order.
    dates: NumericDates,
    /// The last file: its members follow on lines of their own.
    file: Vec<u8>,
}

impl Default for Os400 {
    fn default() -> Self {
        Self {
            dates: NumericDates::with_year_first(),
            file: Vec::new(),
        }
    }
}

impl Os400 {
    pub(super) fn read(&mut self, words: &Words<'_>, clock: &Clock) -> Reading {
        let Some((at, object)) = (0..=COLUMNS).find_map(|at| Some((at, object_type(words.get(at)?)?))) else {
            return Reading::Foreign;
        };
        let Some((size, modified)) = self.columns(words, at, clock) else {
            return Reading::Wrong(BAD_COLUMNS);
        };
        let Some(name) = name(words, at, object) else {
            return Reading::Wrong(NO_NAME);
        };
        let kind = match object {
            b"DIR" | b"DDIR" | b"LIB" | b"FLR" => EntryKind::Directory,
            b"STMF" | b"DSTMF" | b"DOC" | b"FILE" | b"MEM" => EntryKind::File,
            b"SYMLNK" => EntryKind::Link,
            _ => EntryKind::Other,
        };
        let name = name.strip_suffix(b"/").unwrap_or(name);
        let Some(name) = self.within(object, name) else {
            return Reading::Nothing;
        };
        Reading::of(Found {
            // Of a database file, it is the room on the disk; what a transfer moves are records.
            size: size.filter(|_| matches!(object, b"STMF" | b"DSTMF" | b"DOC")),
            modified,
            ..Found::new(name, kind)
        })
    }

    /// Owner, size, date and time, of which any may be left out but for a date without a time.
    fn columns(
        &mut self,
        words: &Words<'_>,
        at: usize,
        clock: &Clock,
    ) -> Option<(Option<u64>, Option<Timestamp>)> {
        let mut left = at;
        let mut modified = None;
        if let Some(time) = at
            .checked_sub(1)
            .and_then(|time| words.get(time))
            .and_then(time_of_day)
        {
            let date = self.dates.read(words.get(at.checked_sub(2)?)?, clock)?;
            modified = Some(clock.moment(date, time)?);
            left = at - 2;
        }
        let size = left
            .checked_sub(1)
            .and_then(|size| words.get(size))
            .and_then(number);
        if size.is_some() {
            left -= 1;
        }
        (left <= 1).then_some((size, modified))
    }

    /// The name within the listed directory. `None`: the object is one of another directory.
    ///
    /// Names may come with their path. A member is listed below its file, as part of that file's listing or
    /// of the listing of the library.
    fn within<'a>(&mut self, object: &[u8], name: &'a [u8]) -> Option<&'a [u8]> {
        let Some(slash) = name.iter().rposition(|&b| b == b'/') else {
            if object == b"FILE" {
                self.file = name.to_vec();
            }
            return Some(name);
        };
        let (path, name_in) = (name.get(..slash)?, name.get(slash + 1..)?);
        if object == b"MEM" {
            return (path != self.file).then_some(name_in);
        }
        Some(if name.starts_with(b"/") { name_in } else { name })
    }
}

/// `*STMF` without the star.
fn object_type(word: &[u8]) -> Option<&[u8]> {
    let object = word.strip_prefix(b"*")?;
    let is_type = (2..=9).contains(&object.len())
        && object
            .iter()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    is_type.then_some(object)
}

/// The types stand in a column of ten, or no blank but one follows.
fn name<'a>(words: &Words<'a>, at: usize, object: &[u8]) -> Option<&'a [u8]> {
    let rest = words.after(at)?;
    let padding = TYPE_WIDTH.saturating_sub(object.len() + 1);
    match rest.split_at_checked(padding) {
        Some((blanks, name)) if blanks.iter().all(|&b| b == b' ') => (!name.is_empty()).then_some(name),
        _ => words.trimmed_after(at),
    }
}
