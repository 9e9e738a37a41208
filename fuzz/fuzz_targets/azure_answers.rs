//! What Azure answers, and names and ids on their way into a query: no panic, words in one line, and no text that leaves its
//! quotes.
#![no_main]

use courier_azure::functions::answer as functions;
use courier_azure::logs::{RunId, answer as logs, kql};
use courier_azure::{Error, FunctionName, words};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

/// Errors quote foreign words: briefly, and in one line.
fn short<T>(read: Result<T, Error>) -> Option<T> {
    read.map_err(|error| {
        assert!(error.message().len() < 2048 && !error.message().contains(char::is_control));
    })
    .ok()
}

/// Where a text in quotes ends, as KQL reads it.
fn end_of_text(literal: &str) -> Option<usize> {
    let mut chars = literal.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' => return Some(at + 1),
            '\n' | '\r' => return None,
            '\\' => {
                chars.next();
            }
            _ => {}
        }
    }
    None
}

fuzz_target!(|data: &[u8]| {
    for run in short(logs::runs(data)).into_iter().flat_map(|found| found.rows) {
        assert!(kql::is_id(run.key()));
        if let Some(by) = run.traces_by() {
            assert!(kql::traces(&by, 0, 1).is_ok(), "what comes back finds its traces");
        }
    }
    short(logs::traces(data));
    short(logs::check(data));
    assert!(logs::LogsError::parse(data).message.len() < 500);
    if let Some(status) = functions::status(data) {
        assert!(status.id.is_some() || status.state.is_some());
    }
    let _ = functions::names(data);
    assert!(functions::reason(data).is_none_or(|reason| reason.len() < 500));

    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    assert!(!words::in_one_line(text).contains(char::is_control));
    let quoted = kql::quoted(text);
    assert_eq!(end_of_text(&quoted), Some(quoted.len()));
    if let Some(name) = short(FunctionName::new(text)) {
        let query = kql::runs(&name, Timestamp::UNIX_EPOCH);
        assert_eq!(
            query.matches('\'').count(),
            4,
            "a name needs no quotes of its own"
        );
    }
    if let Ok(query) = kql::traces(&RunId::Operation(text.to_owned()), 0, 1) {
        assert_eq!(query.matches('\'').count(), 4);
    }
});
