//! Easily Parsed LIST Format of publicfile and anonftpd: `+i8388621.29609,m824255902,/,<TAB>name`.
//!
//! Described at <https://cr.yp.to/ftp/list/eplf.html>.

use courier_transfer::EntryKind;
use jiff::Timestamp;

use super::{
    Found, Reading,
    words::{Words, number},
};

pub(super) fn read(words: &Words<'_>) -> Reading {
    let line = words.line();
    let Some(facts) = line.strip_prefix(b"+") else {
        return Reading::Foreign;
    };
    let mut halves = facts.splitn(2, |&b| b == b'\t');
    let (Some(facts), Some(name)) = (halves.next(), halves.next()) else {
        return Reading::Foreign;
    };
    let mut found = Found::new(name, EntryKind::Other);
    for fact in facts.split(|&b| b == b',') {
        match fact {
            b"/" => found.kind = EntryKind::Directory,
            // What can be retrieved.
            b"r" => found.kind = EntryKind::File,
            [b's', size @ ..] => found.size = number(size),
            [b'm', seconds @ ..] => {
                found.modified = number(seconds).and_then(|seconds| Timestamp::from_second(seconds).ok());
            }
            [b'u', b'p', mode @ ..] => {
                let mode = std::str::from_utf8(mode).ok();
                let mode = mode.and_then(|mode| u32::from_str_radix(mode, 8).ok());
                found.permissions = mode.map(|mode| mode & 0o7777);
            }
            _ => {}
        }
    }
    Reading::of(found)
}
