//! z/OS: data sets, and members of a library. (Its Unix files are listed as those of any Unix.)
//!
//! ```text
//! Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname
//! USER01 3390   2024/03/05  1   15  FB      80  3200  PS  REPORT.DATA
//! USER01 3390   2024/03/05  1   15  FB      80  3200  PO  JCL.LIB
//! Migrated                                                OLD.DATA
//!
//!  Name     VV.MM   Created       Changed      Size  Init   Mod   Id
//! COPY      01.03 2023/09/12 2024/03/05 14:22    11    11     0 ALICE
//! ```
//!
//! These forms are told by their headings alone, which must come before any entry: a file's name with a line break in
//! it can't turn a Unix listing into one of these. Sizes are in tracks or records, and data sets have no time but that
//! of the last use, so neither is told.

use courier_transfer::EntryKind;

use super::{
    Found, Reading, Reason,
    clock::{Clock, time_of_day},
    numeric::NumericDates,
    words::{Words, number},
};

const NO_DATA_SET: Reason = Reason("the line is not of the form of a data set (z/OS)");
const NO_MEMBER: Reason = Reason("the line is not of the form of a member (z/OS)");
const JOB: Reason = Reason("the line is a job in the spool (z/OS), which is no file");

/// What the heading announced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Form {
    #[default]
    Unknown,
    DataSets,
    Members,
    LoadModules,
    Jobs,
}

/// Reads lines of one listing.
#[derive(Debug, Default)]
pub(super) struct Zos {
    form: Form,
}

impl Zos {
    pub(super) fn read(&mut self, words: &Words<'_>, clock: &Clock, has_begun: bool) -> Reading {
        if let Some(form) = heading(words).filter(|_| !has_begun) {
            self.form = form;
            return Reading::Nothing;
        }
        let (found, otherwise) = match self.form {
            Form::Unknown => return Reading::Foreign,
            Form::DataSets => (data_set(words), NO_DATA_SET),
            Form::Members => (member(words, clock), NO_MEMBER),
            Form::LoadModules => (load_module(words), NO_MEMBER),
            Form::Jobs => (None, JOB),
        };
        found.map_or(Reading::Wrong(otherwise), Reading::of)
    }
}

fn heading(words: &Words<'_>) -> Option<Form> {
    match (words.get(0)?, words.get(1)?, words.get(2)?, words.last()?) {
        (b"Volume", _, _, b"Dsname") => Some(Form::DataSets),
        (b"Name", b"VV.MM", ..) => Some(Form::Members),
        (b"Name", b"Size", b"TTR", _) => Some(Form::LoadModules),
        (b"JOBNAME", b"JOBID", ..) => Some(Form::Jobs),
        _ => None,
    }
}

/// The name is the last word; the kind is told by the one before, or by what stands in place of all columns.
fn data_set(words: &Words<'_>) -> Option<Found> {
    let before = words.len().checked_sub(2)?;
    let said: Vec<&[u8]> = (0..=before).filter_map(|at| words.get(at)).collect();
    let kind = match said.as_slice() {
        [b"Migrated"]
        | [_, b"Not", b"Direct", b"Access", b"Device"]
        | [_, b"Tape" | b"TAPE"]
        | [_, b"Not", b"Mounted"] => EntryKind::File,
        [b"Pseudo", b"Directory"] => EntryKind::Directory,
        [b"User", b"catalog" | b"Catalog", b"connector" | b"Connector"]
        | [b"Error", b"determining", b"attributes"]
        | [_, .., b"VSAM" | b"Path" | b"PATH" | b"HFS" | b"ZFS" | b"GDG"] => EntryKind::Other,
        // Volume and device, date of the last use or none, extents and tracks, format, organisation.
        [_, _, _, .., organisation] if said.len() >= 5 => match organisation {
            [b'P', b'O', ..] => EntryKind::Directory,
            [b'P', b'S', ..] | [b'D', b'A', ..] => EntryKind::File,
            [b'I', b'S', ..] | [b'V', b'S', ..] => EntryKind::Other,
            _ => return None,
        },
        _ => return None,
    };
    Some(Found::new(words.last()?, kind))
}

/// A member, with statistics or without.
fn member(words: &Words<'_>, clock: &Clock) -> Option<Found> {
    let mut found = Found::new(member_name(words)?, EntryKind::File);
    if words.len() > 1 {
        let [major1, major2, b'.', minor1, minor2] = words.get(1)? else {
            return None;
        };
        number::<u16>(&[*major1, *major2, *minor1, *minor2])?;
        let changed = NumericDates::default().read(words.get(3)?, clock)?;
        found.modified = Some(clock.moment(changed, time_of_day(words.get(4)?)?)?);
    }
    Some(found)
}

/// A member of a load library; its size is that in memory.
fn load_module(words: &Words<'_>) -> Option<Found> {
    let is_hex = |at| {
        words
            .get(at)
            .is_some_and(|word| word.len() == 6 && word.iter().all(u8::is_ascii_hexdigit))
    };
    let found = Found::new(member_name(words)?, EntryKind::File);
    (words.len() == 1 || is_hex(1) && is_hex(2)).then_some(found)
}

fn member_name<'a>(words: &Words<'a>) -> Option<&'a [u8]> {
    words
        .get(0)
        .filter(|name| name.len() <= 8 && !name.contains(&b'.'))
}
