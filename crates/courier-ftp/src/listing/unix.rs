//! `ls -l`, which most servers print, whatever host they run on.

use courier_transfer::EntryKind;

use super::{
    Found, NO_NAME, Reading, Reason,
    clock::Clock,
    ls_date::{LsDates, Stamp},
    numeric::NumericDates,
    unix_mode::{self, Mode},
    words::{Words, number, size},
};

const NO_COLUMNS: Reason =
    Reason("no size with a date behind it is found in what looks like a line of `ls -l`");
const MANY_ARROWS: Reason =
    Reason("the link's name can't be told from its target: \" -> \" is there more than once");

/// Owner, group, size and date stand behind that word.
const BEFORE: usize = 3;

/// What `ls` calls the sum of blocks above a listing.
const TOTALS: [&str; 22] = [
    "total",
    "insgesamt",
    "gesamt",
    "totale",
    "totaal",
    "totalt",
    "razem",
    "celkem",
    "spolu",
    "yhteensä",
    "összesen",
    "toplam",
    "итого",
    "всего",
    "загалом",
    "общо",
    "σύνολο",
    "samtals",
    "合計",
    "总用量",
    "總計",
    "합계",
];

/// Reads lines of one listing.
#[derive(Debug, Default)]
pub(super) struct Unix {
    numeric: NumericDates,
}

impl Unix {
    pub(super) fn read(&mut self, words: &Words<'_>, clock: &Clock) -> Reading {
        if is_total(words) {
            return Reading::Nothing;
        }
        // Inode and count of blocks may stand in front.
        let Some((at, mode)) = (0..BEFORE).find_map(|at| {
            let is_behind_numbers = (0..at).all(|before| words.get(before).and_then(number::<u64>).is_some());
            let mode = unix_mode::read(words.get(at)?)?;
            is_behind_numbers.then_some((at, mode))
        }) else {
            return unknown_to_ls(words);
        };
        let mut dates = LsDates {
            clock,
            numeric: &mut self.numeric,
        };
        let Some(columns) = Columns::find(words, at + 1, &mut dates) else {
            return Reading::Wrong(NO_COLUMNS);
        };
        let last = columns.stamp.last;
        let name = if columns.stamp.is_padded {
            words.trimmed_after(last)
        } else {
            words.name_after(last)
        };
        match name {
            Some(name) => entry(mode, &columns, name),
            None => Reading::Wrong(NO_NAME),
        }
    }
}

/// The columns behind the first.
#[derive(Debug)]
pub(super) struct Columns {
    /// In bytes, where the server tells it so.
    pub(super) size: Option<u64>,
    pub(super) stamp: Stamp,
}

impl Columns {
    /// Finds size and date among the columns that begin at that word.
    ///
    /// Any number of columns may stand in front of the size, since groups are left out by some servers, and names of
    /// users have spaces on others. So that a user called "jan" or a file called "5 May 2020" is not taken for a
    /// date, the usual numbers of columns come first; where one fits, none of the others could be the true one.
    pub(super) fn find(words: &Words<'_>, first: usize, dates: &mut LsDates<'_>) -> Option<Self> {
        let places = || [3, 2, 1, 0].into_iter().chain(4..words.len());
        for place in places() {
            let Some(bytes) = words.get(first + place).and_then(size) else {
                continue;
            };
            let mut stamp = dates.read(words, first + place + 1);
            if stamp.is_none() && matches!(place, 2 | 3) {
                stamp = dates.read_bare(words, first + place + 1);
            }
            if let Some(stamp) = stamp {
                let is_bytes = !is_of_a_mac(words, first, place) && i64::try_from(bytes).is_ok();
                let size = is_bytes.then_some(bytes);
                return Some(Self { size, stamp });
            }
        }
        places().find_map(|place| {
            let is_size = words.get(first + place).is_some_and(is_inexact_size);
            let stamp = is_size.then(|| dates.read(words, first + place + 1)).flatten()?;
            Some(Self { size: None, stamp })
        })
    }
}

/// Something that stands where a size should: `33.5k`, the `8,1` of a device, or a group so long that no blank is
/// left between (`longgroup123456`).
fn is_inexact_size(word: &[u8]) -> bool {
    const UNITS: [&[u8]; 12] = [
        b"", b"k", b"K", b"M", b"G", b"T", b"P", b"E", b"Ki", b"Mi", b"Gi", b"Ti",
    ];
    let is_amount = |b: &&u8| b.is_ascii_digit() || matches!(b, b'.' | b',');
    let (amount, unit) = word.split_at(word.iter().take_while(is_amount).count());
    let is_human = amount.first().is_some_and(u8::is_ascii_digit)
        && UNITS.contains(&unit.strip_suffix(b"B").unwrap_or(unit));
    let is_glued =
        word.first().is_some_and(u8::is_ascii_alphabetic) && word.last().is_some_and(u8::is_ascii_digit);
    is_human || is_glued
}

fn entry(mode: Mode, columns: &Columns, name: &[u8]) -> Reading {
    let (name, link_target) = match mode.kind {
        EntryKind::Link => match arrow(name, columns.size) {
            Some((name, target)) => (name, target.map(<[u8]>::to_vec)),
            None => return Reading::Wrong(MANY_ARROWS),
        },
        // `ls -F` marks directories, and no name has a slash in it.
        EntryKind::Directory => (name.strip_suffix(b"/").unwrap_or(name), None),
        _ => (name, None),
    };
    Reading::of(Found {
        // Devices have their numbers there.
        size: columns.size.filter(|_| mode.kind != EntryKind::Other),
        modified: Some(columns.stamp.modified),
        permissions: mode.permissions,
        link_target,
        ..Found::new(name, mode.kind)
    })
}

/// Servers on a Macintosh count the items of a folder where others tell a size, and list the sizes of a file's two
/// forks and their sum, of which a transfer moves either.
fn is_of_a_mac(words: &Words<'_>, first: usize, place: usize) -> bool {
    let column = |index| words.get(first + index);
    let forks = || [0, 1, 2].map(|index| column(index).and_then(number::<u64>));
    match place {
        1 => column(0) == Some(b"folder"),
        2 => matches!(forks(), [Some(a), Some(b), Some(sum)] if a.checked_add(b) == Some(sum)),
        _ => false,
    }
}

/// Cuts `name -> target`. Where the arrow is there more than once, the size of the link tells how long the target
/// is. `None`: it doesn't.
fn arrow(text: &[u8], size: Option<u64>) -> Option<(&[u8], Option<&[u8]>)> {
    const ARROW: &[u8] = b" -> ";
    let splits = || {
        let cut = |at| Some((text.get(..at)?, text.get(at + ARROW.len()..)?));
        let places = text
            .windows(ARROW.len())
            .enumerate()
            .filter(|(_, window)| *window == ARROW);
        places
            .filter_map(move |(at, _)| cut(at))
            .filter(|(name, target)| !name.is_empty() && !target.is_empty())
    };
    let mut all = splits();
    let Some((name, target)) = all.next() else {
        return Some((text, None));
    };
    if all.next().is_none() {
        return Some((name, Some(target)));
    }
    let size = usize::try_from(size?).ok()?;
    splits()
        .find(|(_, target)| target.len() == size)
        .map(|(name, target)| (name, Some(target)))
}

/// `total 12`, with a unit perhaps (`ls -h`), or a word of another language.
fn is_total(words: &Words<'_>) -> bool {
    let Some(word) = words.get(0) else {
        return false;
    };
    let is_sum = match (words.len(), words.get(1)) {
        (1, _) => true,
        (2, Some(sum)) => sum.first().is_some_and(u8::is_ascii_digit),
        _ => false,
    };
    is_sum
        && std::str::from_utf8(word)
            .is_ok_and(|word| TOTALS.contains(&word.trim_end_matches(':').to_lowercase().as_str()))
}

/// What `ls` can see but not look at: `d?????????  ? ?  ?  ?  ? name`.
fn unknown_to_ls(words: &Words<'_>) -> Reading {
    const COLUMNS: usize = 5;
    let kind = match words.get(0) {
        Some([kind, marks @ ..]) if marks == b"?????????" => unix_mode::kind_of(*kind),
        _ => None,
    };
    let is_row = (1..=COLUMNS).all(|at| words.get(at) == Some(b"?"));
    match (kind, words.name_after(COLUMNS)) {
        (Some(kind), Some(name)) if is_row => Reading::of(Found::new(name, kind)),
        (Some(_), _) => Reading::Wrong(NO_COLUMNS),
        _ => Reading::Foreign,
    }
}
