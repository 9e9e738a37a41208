//! Audit entries as a table (RFC 4180).

use std::{borrow::Cow, fmt::Display};

use courier_api::AuditEntry;

/// The first line.
pub(super) const HEADING: &str = "id,performed_at,performed_by,operation,connection_id,job_execution_id,bytes_transferred,\
     duration_ms,details,chain,seq,mac\r\n";

/// An entry as a line, its end included.
pub(super) fn line(entry: &AuditEntry) -> String {
    let cells = [
        entry.id.to_string(),
        entry.performed_at.to_string(),
        cell(&entry.performed_by),
        cell(&entry.operation),
        given(entry.connection_id),
        given(entry.job_execution_id),
        given(entry.bytes_transferred),
        given(entry.duration_ms),
        cell(&entry.details.to_string()),
        given(entry.chain),
        given(entry.seq),
        given(entry.mac.as_ref()),
    ];
    let mut line = cells.join(",");
    line.push_str("\r\n");
    line
}

fn given(value: Option<impl Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// A text as a cell. One that a spreadsheet would run as a formula gets an apostrophe, which makes it a text: names of
/// users and files are chosen by others.
fn cell(text: &str) -> String {
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
