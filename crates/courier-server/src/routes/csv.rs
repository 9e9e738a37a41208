//! Cells of tables (RFC 4180).

use std::{borrow::Cow, fmt::Display};

/// What is given, and nothing where it isn't.
pub(super) fn given(value: Option<impl Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// A text as a cell. One that a spreadsheet would run as a formula gets an apostrophe, which makes it a text: names of
/// users and files are chosen by others.
pub(super) fn cell(text: &str) -> String {
    let text = match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => Cow::Owned(format!("'{text}")),
        false => Cow::Borrowed(text),
    };
    match text.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_texts() {
        for (text, expected) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            ("@SUM(A1,A2)", "\"'@SUM(A1,A2)\""),
            ("-1", "'-1"),
            ("\tx", "'\tx"),
            ("", ""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
