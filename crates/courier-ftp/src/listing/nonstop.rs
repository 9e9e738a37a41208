//! HP NonStop, Guardian files: name, code, end of file, date, time, owner, security.
//!
//! ```text
//! File         Code             EOF  Last Modification    Owner  RWEP
//! ACCTS    O     101            16354 14-Mar-24 15:09:12 244, 10 "NUNU"
//! ```

use courier_transfer::EntryKind;

use super::{
    Found, Reading,
    clock::{Clock, time_of_day},
    ls_date::named,
    words::{Words, number},
};

pub(super) fn read(words: &Words<'_>, clock: &Clock) -> Reading {
    if words.get(0) == Some(b"File") && words.get(1) == Some(b"Code") && words.last() == Some(b"RWEP") {
        return Reading::Nothing;
    }
    match entry(words, clock) {
        Some(found) => Reading::Found(found),
        None => Reading::Foreign,
    }
}

fn entry(words: &Words<'_>, clock: &Clock) -> Option<Found> {
    let security = words.last()?.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let name = words.get(0)?;
    let is_name = name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'#');
    // An `O` tells that the file is open.
    let code = if words.get(1)? == b"O" { 2 } else { 1 };
    number::<u32>(words.get(code)?)?;
    let size = number(words.get(code + 1)?)?;
    let date = named(words.get(code + 2)?)?;
    let time = time_of_day(words.get(code + 3)?)?;
    (is_name && security.len() == 4).then_some(Found {
        size: Some(size),
        modified: Some(clock.moment(date, time)?),
        ..Found::new(name, EntryKind::File)
    })
}
