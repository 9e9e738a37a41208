//! Hosts that print the size first: OS/2, VxWorks, and old VShell.
//!
//! ```text
//!      0           DIR   12-30-97   12:32  in
//!  33280      A          02-09-97   13:49  OS2LDR
//!   2048    Feb-28-1998  05:23:30   in         <DIR>
//!    512    Feb-28-1998  05:23:30   bootrom.hex
//! 206876  Apr 04, 2000 21:06 report.txt
//!      0  Dec 12, 2002 02:13 in/
//! ```

use courier_transfer::EntryKind;
use jiff::Timestamp;

use super::{
    Found, NO_NAME, Reading,
    clock::{Clock, time_of_day},
    ls_date::{LsDates, named},
    months::by_name,
    numeric::NumericDates,
    words::{Words, number, trim},
};

/// Reads lines of one listing.
#[derive(Debug, Default)]
pub(super) struct SizeFirst {
    dates: NumericDates,
}

impl SizeFirst {
    pub(super) fn read(&mut self, words: &Words<'_>, clock: &Clock) -> Reading {
        if is_heading(words) {
            return Reading::Nothing;
        }
        let Some(size) = words.get(0).and_then(number) else {
            return Reading::Foreign;
        };
        let read = self
            .os2(words, clock)
            .or_else(|| vxworks(words, clock))
            .or_else(|| self.vshell(words, clock));
        match read {
            None => Reading::Foreign,
            Some((_, _, b"")) => Reading::Wrong(NO_NAME),
            Some((kind, modified, name)) => Reading::of(Found {
                size: Some(size).filter(|_| kind == EntryKind::File),
                modified: Some(modified),
                ..Found::new(name, kind)
            }),
        }
    }

    fn os2<'a>(&mut self, words: &Words<'a>, clock: &Clock) -> Option<(EntryKind, Timestamp, &'a [u8])> {
        let mut kind = EntryKind::File;
        let mut at = 1;
        loop {
            match words.get(at)? {
                b"DIR" => kind = EntryKind::Directory,
                attributes if attributes.iter().all(|b| b"RSHA".contains(b)) => {}
                _ => break,
            }
            at += 1;
        }
        let time = time_of_day(words.get(at + 1)?)?;
        let modified = clock.moment(self.dates.read(words.get(at)?, clock)?, time)?;
        Some((kind, modified, words.trimmed_after(at + 1).unwrap_or_default()))
    }

    fn vshell<'a>(&mut self, words: &Words<'a>, clock: &Clock) -> Option<(EntryKind, Timestamp, &'a [u8])> {
        // Only with the comma of this server; a line of this little shape is too easily something else.
        let has_comma = words.get(2)?.ends_with(b",") && by_name(words.get(1)?).is_some();
        let mut dates = LsDates {
            clock,
            numeric: &mut self.dates,
        };
        let stamp = has_comma.then(|| dates.read(words, 1)).flatten()?;
        let name = words.name_after(stamp.last).unwrap_or_default();
        Some(match name.strip_suffix(b"/") {
            Some(name) => (EntryKind::Directory, stamp.modified, name),
            None => (EntryKind::File, stamp.modified, name),
        })
    }
}

fn vxworks<'a>(words: &Words<'a>, clock: &Clock) -> Option<(EntryKind, Timestamp, &'a [u8])> {
    let modified = clock.moment(named(words.get(1)?)?, time_of_day(words.get(2)?)?)?;
    let name = words.trimmed_after(2).unwrap_or_default();
    Some(match trim(name).strip_suffix(b"<DIR>") {
        Some(name) => (EntryKind::Directory, modified, trim(name)),
        None => (EntryKind::File, modified, name),
    })
}

/// What VxWorks prints above: `size date time name`, and a line of dashes.
fn is_heading(words: &Words<'_>) -> bool {
    const HEADING: [&[u8]; 4] = [b"size", b"date", b"time", b"name"];
    let is_rule = |word: Option<&[u8]>| word.is_some_and(|word| word.iter().all(|&b| b == b'-'));
    words.len() == 4
        && (HEADING
            .iter()
            .enumerate()
            .all(|(at, word)| words.get(at) == Some(word))
            || (0..4).all(|at| is_rule(words.get(at))))
}
