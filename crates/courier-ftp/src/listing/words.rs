//! A line cut into words, and the numbers among them.

/// No more words of a line are looked at: what a listing says stands in its first dozen.
const MAX_WORDS: usize = 32;

/// The words of a line, cut at spaces and tabs.
#[derive(Debug)]
pub(super) struct Words<'a> {
    line: &'a [u8],
    /// Where each begins and ends.
    spans: Vec<(usize, usize)>,
}

impl<'a> Words<'a> {
    pub(super) fn of(line: &'a [u8]) -> Self {
        let mut spans = Vec::with_capacity(12);
        let mut start = None;
        for (at, &byte) in line.iter().enumerate() {
            match (start, is_blank(byte)) {
                (None, false) => start = Some(at),
                (Some(from), true) => {
                    spans.push((from, at));
                    start = None;
                    if spans.len() == MAX_WORDS {
                        break;
                    }
                }
                _ => {}
            }
        }
        if let Some(from) = start {
            spans.push((from, line.len()));
        }
        Self { line, spans }
    }

    /// The whole line.
    pub(super) fn line(&self) -> &'a [u8] {
        self.line
    }

    pub(super) fn len(&self) -> usize {
        self.spans.len()
    }

    pub(super) fn get(&self, index: usize) -> Option<&'a [u8]> {
        let &(from, to) = self.spans.get(index)?;
        self.line.get(from..to)
    }

    pub(super) fn last(&self) -> Option<&'a [u8]> {
        self.get(self.len().checked_sub(1)?)
    }

    /// Where the word begins in the line.
    pub(super) fn start(&self, index: usize) -> Option<usize> {
        self.spans.get(index).map(|&(from, _)| from)
    }

    /// The rest of the line behind the word, with the blank between.
    pub(super) fn after(&self, index: usize) -> Option<&'a [u8]> {
        let &(_, to) = self.spans.get(index)?;
        self.line.get(to..)
    }

    /// The rest of the line behind the word and the one blank that ends it: a name that may begin with blanks.
    pub(super) fn name_after(&self, index: usize) -> Option<&'a [u8]> {
        let [_, name @ ..] = self.after(index)? else {
            return None;
        };
        (!name.is_empty()).then_some(name)
    }

    /// The rest of the line behind the word and all blanks: a name in a padded column.
    pub(super) fn trimmed_after(&self, index: usize) -> Option<&'a [u8]> {
        let from = self.start(index + 1)?;
        self.line.get(from..)
    }
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Without blanks at both ends.
pub(super) fn trim(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_blank(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_blank(*last)
    {
        text = rest;
    }
    text
}

/// Digits and nothing else, as many as fit.
pub(super) fn number<T: std::str::FromStr>(word: &[u8]) -> Option<T> {
    if word.is_empty() || !word.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// A number of one or two digits.
pub(super) fn short(word: &[u8]) -> Option<i8> {
    if word.len() > 2 { None } else { number(word) }
}

/// What servers put between thousands, so that no decimal point is taken for one: each must come before
/// three digits, and all must be the same. Spaces are no-break ones, in UTF-8, Latin-1 and the code pages of DOS.
const THOUSANDS: [&[u8]; 8] = [
    b",",
    b".",
    b"'",
    b"\xC2\xA0",
    b"\xE2\x80\xAF",
    b"\xE2\x80\x99",
    b"\xA0",
    b"\xFF",
];

/// A size in bytes, perhaps with separators between thousands.
pub(super) fn size(word: &[u8]) -> Option<u64> {
    number(word).or_else(|| THOUSANDS.iter().find_map(|separator| grouped(word, separator)))
}

fn grouped(word: &[u8], separator: &[u8]) -> Option<u64> {
    let lead = word.iter().position(|b| !b.is_ascii_digit())?;
    let (first, mut rest) = word.split_at_checked(lead)?;
    let mut sum: u64 = if first.len() <= 3 {
        number(first)?
    } else {
        return None;
    };
    while !rest.is_empty() {
        let (group, behind) = rest.strip_prefix(separator)?.split_at_checked(3)?;
        sum = sum.checked_mul(1000)?.checked_add(number(group)?)?;
        rest = behind;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_know_what_stands_behind_them() {
        let words = Words::of(b"  one two\tthree  x ");
        assert_eq!(words.len(), 4);
        assert_eq!(words.get(0), Some(b"one".as_slice()));
        assert_eq!(words.name_after(2), Some(b" x ".as_slice()));
        assert_eq!(words.trimmed_after(2), Some(b"x ".as_slice()));
        assert_eq!(words.name_after(3), None);
        assert_eq!(words.trimmed_after(3), None);
        assert_eq!(words.last(), Some(b"x".as_slice()));
    }

    #[test]
    fn few_words_are_looked_at() {
        assert_eq!(Words::of(&b"a ".repeat(10_000)).len(), MAX_WORDS);
    }

    #[test]
    fn sizes() {
        for (word, bytes) in [
            ("0", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("9,730", Some(9_730)),
            ("1.234.567", Some(1_234_567)),
            ("1'234", Some(1_234)),
            ("9\u{a0}730", Some(9_730)),
            ("12\u{202f}730", Some(12_730)),
            ("1,234.567", None),
            ("1,23", None),
            ("1234,567", None),
            ("1,", None),
            (",123", None),
            ("-1", None),
            ("+1", None),
            ("33.5k", None),
            ("", None),
        ] {
            assert_eq!(size(word.as_bytes()), bytes, "{word}");
        }
        assert_eq!(size(b"9\xFF730"), Some(9_730));
    }
}
