//! The queries, as text. Whatever comes from outside is checked and quoted.
//!
//! One query serves a workspace (`AppRequests`, `AppTraces`) and the scope of Application Insights (`requests`,
//! `traces`): a fuzzy union leaves out which of the two tables isn't there.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::RunId;
use crate::{Error, ErrorKind, FunctionName, Result};

/// The most runs that one query returns.
pub const MAX_RUNS: usize = 500;

/// The longest id that is taken for one.
const MAX_ID_LEN: usize = 256;

/// The columns of a run, in both vocabularies. All have one type on both sides: a union makes two columns of what hasn't.
const RUN_OF_WORKSPACE: &str = "project timestamp=TimeGenerated, id=Id, name=Name, success=tostring(Success), result_code=tostring(ResultCode), duration_ms=toreal(DurationMs), operation_id=OperationId, invocation_id=tostring(Properties.InvocationId)";
const RUN_OF_INSIGHTS: &str = "project timestamp, id, name, success=tostring(success), result_code=tostring(resultCode), duration_ms=toreal(duration), operation_id=operation_Id, invocation_id=tostring(customDimensions.InvocationId)";

/// The columns of a trace, in both vocabularies.
const TRACE_OF_WORKSPACE: &str =
    "project timestamp=TimeGenerated, message=Message, severity_level=toint(SeverityLevel)";
const TRACE_OF_INSIGHTS: &str = "project timestamp, message, severity_level=toint(severityLevel)";

/// The runs of a function that began at `since` or later, oldest first.
#[must_use]
pub fn runs(function: &FunctionName, since: Timestamp) -> String {
    let name = quoted(function.as_str());
    let since = literal(since);
    union(
        &format!("AppRequests | where TimeGenerated >= {since} | where Name =~ {name} | {RUN_OF_WORKSPACE}"),
        &format!("requests | where timestamp >= {since} | where name =~ {name} | {RUN_OF_INSIGHTS}"),
        &format!("top {MAX_RUNS} by timestamp asc"),
    )
}

/// The query for runs without any: does the workspace have what it needs?
#[must_use]
pub fn check() -> String {
    union(
        &format!("AppRequests | {RUN_OF_WORKSPACE}"),
        &format!("requests | {RUN_OF_INSIGHTS}"),
        "take 0",
    )
}

/// What a run wrote, oldest first: `limit` lines after the first `skip`.
///
/// # Errors
/// [`ErrorKind::Invalid`] where the run's id can't be one.
pub fn traces(run: &RunId, skip: u64, limit: u64) -> Result<String> {
    let (workspace, insights, id) = match run {
        RunId::Invocation(id) => (
            "tostring(Properties.InvocationId)",
            "tostring(customDimensions.InvocationId)",
            id,
        ),
        RunId::Operation(id) => ("OperationId", "operation_Id", id),
    };
    if !is_id(id) {
        let shown: String = id.chars().take(MAX_ID_LEN).collect();
        let words = format!("{shown:?} can't be the id of a run: it would change the query");
        return Err(Error::new(ErrorKind::Invalid, words));
    }
    let id = quoted(id);
    let last = skip.saturating_add(limit);
    Ok(union(
        &format!("AppTraces | where {workspace} == {id} | {TRACE_OF_WORKSPACE}"),
        &format!("traces | where {insights} == {id} | {TRACE_OF_INSIGHTS}"),
        // The message, too, so that lines of one moment have one order in all pages.
        &format!(
            "order by timestamp asc, message asc | serialize n=row_number() | where n > {skip} and n <= {last} | order by n asc | project timestamp, message, severity_level"
        ),
    ))
}

/// A time as KQL writes it. It knows no nanoseconds; what is cut off makes it a little earlier.
fn literal(time: Timestamp) -> String {
    let millisecond = time.as_nanosecond().div_euclid(1_000_000);
    let time = i64::try_from(millisecond)
        .ok()
        .and_then(|millisecond| Timestamp::from_millisecond(millisecond).ok())
        .unwrap_or(time);
    format!("datetime({time})")
}

fn union(workspace: &str, insights: &str, then: &str) -> String {
    format!("union isfuzzy=true ({workspace}), ({insights}) | {then}")
}

/// Can this be the id of a run, an operation or a request? Printable ASCII without quotes and backslashes.
#[must_use]
pub fn is_id(text: &str) -> bool {
    (1..=MAX_ID_LEN).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\'' | b'"' | b'\\' | b'`'))
}

/// A text as KQL writes it, in single quotes, with everything escaped that ends or changes it.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for c in text.chars() {
        match c {
            '\'' | '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            // Whatever may count as the end of a line ends the text.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                // Writing to a text doesn't fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_query_for_runs() {
        let name = FunctionName::new("NightlyImport").unwrap();
        let since: Timestamp = "2026-11-22T20:17:00.500999999Z".parse().unwrap();
        assert_eq!(
            runs(&name, since),
            "union isfuzzy=true (AppRequests | where TimeGenerated >= datetime(2026-11-22T20:17:00.5Z) | where Name =~ 'NightlyImport' | project timestamp=TimeGenerated, id=Id, name=Name, success=tostring(Success), result_code=tostring(ResultCode), duration_ms=toreal(DurationMs), operation_id=OperationId, invocation_id=tostring(Properties.InvocationId)), (requests | where timestamp >= datetime(2026-11-22T20:17:00.5Z) | where name =~ 'NightlyImport' | project timestamp, id, name, success=tostring(success), result_code=tostring(resultCode), duration_ms=toreal(duration), operation_id=operation_Id, invocation_id=tostring(customDimensions.InvocationId)) | top 500 by timestamp asc"
        );
    }

    #[test]
    fn the_query_for_a_page_of_traces() {
        let query = traces(&RunId::Invocation("3f-a".into()), 50, 50).unwrap();
        assert!(
            query.contains("(AppTraces | where tostring(Properties.InvocationId) == '3f-a' |"),
            "{query}"
        );
        assert!(
            query.contains("(traces | where tostring(customDimensions.InvocationId) == '3f-a' |"),
            "{query}"
        );
        assert!(query.contains("where n > 50 and n <= 100 |"), "{query}");
        let query = traces(&RunId::Operation("00ff".into()), 0, 1).unwrap();
        assert!(
            query.contains("OperationId == '00ff'") && query.contains("operation_Id == '00ff'"),
            "{query}"
        );
        assert!(traces(&RunId::Operation("1".into()), u64::MAX, 1).is_ok());
    }

    #[test]
    fn ids_that_would_change_the_query() {
        for id in ["", "a'b", "a b", "a\"", "a\\", "ä", "a\n", &"1".repeat(257)] {
            assert!(traces(&RunId::Invocation(id.into()), 0, 1).is_err(), "{id}");
        }
        assert!(is_id("|4bf92f35.77b3.") && is_id("3f2504e0-4f89-41d3-9a0c-0305e82c3301"));
    }

    /// Reads a text as KQL does; what follows it comes second.
    fn unquoted(text: &str) -> Option<(String, &str)> {
        let mut chars = text.strip_prefix('\'')?.char_indices();
        let mut out = String::new();
        while let Some((at, c)) = chars.next() {
            match c {
                '\'' => return Some((out, &text[at + 2..])),
                '\n' | '\r' => return None,
                '\\' => match chars.next()?.1 {
                    'u' => {
                        let hex: String = (0..4).filter_map(|_| chars.next()).map(|(_, c)| c).collect();
                        out.push(char::from_u32(u32::from_str_radix(&hex, 16).ok()?)?);
                    }
                    c => out.push(c),
                },
                c => out.push(c),
            }
        }
        None
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_quotes(text in "(?s).*", end in "['\"\\\\\n|;/ a]{0,6}") {
            let text = format!("{text}{end}");
            let quoted = quoted(&text);
            prop_assert_eq!(unquoted(&quoted), Some((text, "")));
        }
    }
}
