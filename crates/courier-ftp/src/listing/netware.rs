//! NetWare: `d [RWCEAFMS] owner  512 Mar  5 14:22 name`.

use courier_transfer::EntryKind;

use super::{
    Found, NO_NAME, Reading, Reason, clock::Clock, ls_date::LsDates, numeric::NumericDates, unix::Columns,
    words::Words,
};

const NO_COLUMNS: Reason =
    Reason("no size with a date behind it is found in what looks like a line of NetWare");

pub(super) fn read(words: &Words<'_>, clock: &Clock) -> Reading {
    let Some((kind, first)) = head(words) else {
        return Reading::Foreign;
    };
    let mut dates = LsDates {
        clock,
        numeric: &mut NumericDates::default(),
    };
    let Some(columns) = Columns::find(words, first, &mut dates) else {
        return Reading::Wrong(NO_COLUMNS);
    };
    // No name begins with a blank there.
    let Some(name) = words.trimmed_after(columns.stamp.last) else {
        return Reading::Wrong(NO_NAME);
    };
    Reading::of(Found {
        // A directory's is always 512.
        size: columns.size.filter(|_| kind == EntryKind::File),
        modified: Some(columns.stamp.modified),
        ..Found::new(name, kind)
    })
}

/// The letter and the rights, with a blank between them or none, and the first word behind.
fn head(words: &Words<'_>) -> Option<(EntryKind, usize)> {
    let (letter, mut rights) = words.get(0)?.split_first()?;
    let kind = match letter {
        b'-' => EntryKind::File,
        b'd' => EntryKind::Directory,
        _ => return None,
    };
    let mut first = 1;
    if rights.is_empty() {
        rights = words.get(1)?;
        first = 2;
    }
    let rights = rights.strip_prefix(b"[")?.strip_suffix(b"]")?;
    let is_known = |right: &u8| b"SRWCEMFA-".contains(&right.to_ascii_uppercase());
    (rights.len() == 8 && rights.iter().all(is_known)).then_some((kind, first))
}
