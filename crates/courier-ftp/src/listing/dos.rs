//! `dir` of DOS and Windows, which IIS and others print: date, time, `<DIR>` or size, name.

use courier_transfer::EntryKind;

use super::{
    Found, NO_NAME, Reading, Reason,
    clock::{Clock, time_of_day},
    numeric::NumericDates,
    words::{Words, size},
};

const NO_SIZE: Reason = Reason("neither a size nor a mark like <DIR> follows date and time");
const MANY_TARGETS: Reason =
    Reason("the link's name can't be told from its target: \" [\" is there more than once");

/// Reads lines of one listing.
#[derive(Debug, Default)]
pub(super) struct Dos {
    dates: NumericDates,
}

impl Dos {
    pub(super) fn read(&mut self, words: &Words<'_>, clock: &Clock) -> Reading {
        let Some((modified, last)) = self.moment(words, clock) else {
            return Reading::Foreign;
        };
        let mut found = Found::new(b"", EntryKind::File);
        found.modified = Some(modified);
        let Some(column) = words.get(last + 1) else {
            return Reading::Wrong(NO_SIZE);
        };
        // A size is at the right of its column, a mark at the left.
        let name = if let Some(bytes) = size(column) {
            found.size = Some(bytes);
            words.name_after(last + 1)
        } else {
            found.kind = match column {
                b"<DIR>" | b"<dir>" => EntryKind::Directory,
                b"<JUNCTION>" | b"<SYMLINK>" | b"<SYMLINKD>" => EntryKind::Link,
                _ => return Reading::Wrong(NO_SIZE),
            };
            words.trimmed_after(last + 1)
        };
        let Some(name) = name else {
            return Reading::Wrong(NO_NAME);
        };
        if found.kind != EntryKind::Link {
            found.name = name.to_vec();
            return Reading::of(found);
        }
        match target(name) {
            Some((name, target)) => {
                found.name = name.to_vec();
                found.link_target = target.map(<[u8]>::to_vec);
                Reading::of(found)
            }
            None => Reading::Wrong(MANY_TARGETS),
        }
    }

    /// Date and time at the start of a line, and the last word of them: `03-05-24  02:22PM`, `05.03.2024 14:22`,
    /// `2024-03-05 02:22 PM`.
    fn moment(&mut self, words: &Words<'_>, clock: &Clock) -> Option<(jiff::Timestamp, usize)> {
        let time = words.get(1)?;
        let (time, last) = match words.get(2) {
            Some(half @ (b"AM" | b"PM" | b"am" | b"pm")) => (time_of_day(&[time, half].concat())?, 2),
            _ => (time_of_day(time)?, 1),
        };
        let date = self.dates.read(words.get(0)?, clock)?;
        Some((clock.moment(date, time)?, last))
    }
}

/// Cuts `name [target]`. `None`: it can be cut in two ways.
fn target(text: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    const OPEN: &[u8] = b" [";
    let Some(inside) = text.strip_suffix(b"]") else {
        return Some((text, None));
    };
    let mut places = inside
        .windows(OPEN.len())
        .enumerate()
        .filter(|(_, window)| *window == OPEN);
    let Some((at, _)) = places.next() else {
        return Some((text, None));
    };
    if places.next().is_some() {
        return None;
    }
    let target = inside.get(at + OPEN.len()..)?;
    // Three points stand for what could not be read.
    let is_told = !matches!(target, b"" | b"...");
    Some((inside.get(..at)?, is_told.then_some(target)))
}
