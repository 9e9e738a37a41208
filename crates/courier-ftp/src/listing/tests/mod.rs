//! Tables of what servers print, and what it means. "Now" is 15 June 2026, noon, UTC.

mod dos;
mod facts;
mod old_hosts;
mod os400;
mod properties;
mod unix;
mod vms;
mod zos;

use courier_transfer::EntryKind::{self, Directory, File, Link, Other};
use jiff::{Timestamp, tz::TimeZone};

use super::{Found, Line, ListParser};

fn now() -> Timestamp {
    "2026-06-15T12:00:00Z".parse().unwrap()
}

fn parser() -> ListParser {
    ListParser::new(now(), TimeZone::UTC)
}

fn found(
    name: impl AsRef<[u8]>,
    kind: EntryKind,
    size: impl Into<Option<u64>>,
    modified: impl Into<Option<&'static str>>,
) -> Found {
    Found {
        size: size.into(),
        modified: modified.into().map(|text| {
            let text = if text.len() == 10 {
                format!("{text}T00:00")
            } else {
                text.replace(' ', "T")
            };
            let text = if text.len() == 16 {
                format!("{text}:00Z")
            } else {
                format!("{text}Z")
            };
            text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
        }),
        ..Found::new(name.as_ref(), kind)
    }
}

trait With {
    fn mode(self, bits: u32) -> Self;
    fn to(self, target: &str) -> Self;
}

impl With for Found {
    fn mode(mut self, bits: u32) -> Self {
        self.permissions = Some(bits);
        self
    }

    fn to(mut self, target: &str) -> Self {
        self.link_target = Some(target.into());
        self
    }
}

/// All that comes out of those lines.
fn read<L: AsRef<[u8]>>(lines: &[L]) -> Vec<Line> {
    let mut parser = parser();
    let mut all: Vec<Line> = lines.iter().flat_map(|line| parser.line(line.as_ref())).collect();
    all.extend(parser.finish());
    all
}

/// Each line is that object, alone in a listing.
#[track_caller]
fn assert_each<L: AsRef<[u8]>>(table: &[(L, Found)]) {
    for (line, expected) in table {
        let line = line.as_ref();
        let read = read(&[line]);
        assert_eq!(read, [Line::Found(expected.clone())], "{}", line.escape_ascii());
    }
}

/// The lines are those objects and nothing else.
#[track_caller]
fn assert_listing<L: AsRef<[u8]>>(lines: &[L], expected: &[Found]) {
    let expected: Vec<Line> = expected.iter().cloned().map(Line::Found).collect();
    assert_eq!(read(lines), expected);
}

/// Each line is unreadable, alone in a listing, for a reason with that word.
#[track_caller]
fn assert_unreadable(table: &[(&str, &str)]) {
    for (line, word) in table {
        match read(&[line]).as_slice() {
            [Line::Unreadable { raw, reason }] => {
                assert_eq!(raw, line.as_bytes());
                assert!(reason.as_str().contains(word), "{line}: {reason}");
            }
            other => panic!("{line}: {other:?}"),
        }
    }
}

/// Each line is nothing, alone in a listing.
#[track_caller]
fn assert_nothing<L: AsRef<[u8]>>(lines: &[L]) {
    for line in lines {
        let line = line.as_ref();
        assert_eq!(read(&[line]), [], "{}", line.escape_ascii());
    }
}
