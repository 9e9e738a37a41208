//! What Log Analytics answers: bytes in, meaning out, no I/O.

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

use super::{Found, Run, Trace, kql};
use crate::words::in_one_line;
use crate::{Error, ErrorKind, Result};

/// The columns without which a run is none. What else is asked for may be missing.
const RUN: [&str; 2] = ["timestamp", "success"];

/// The same of a trace.
const TRACE: [&str; 2] = ["timestamp", "message"];

/// Reads the runs in an answer to [`kql::runs`], each once: where both vocabularies are known, both tables have it.
///
/// # Errors
/// [`ErrorKind::Protocol`] where it is no such answer.
pub fn runs(body: &[u8]) -> Result<Found<Run>> {
    let mut found = read(body, &RUN, |row| {
        let invocation_id = row.id("invocation_id");
        let id = row.id("id").or_else(|| invocation_id.clone());
        Ok(Run {
            started_at: row.time("timestamp")?,
            id: id.ok_or_else(|| row.odd("id", "the id of a request"))?,
            name: row.text("name").unwrap_or_default(),
            success: row.truth("success")?,
            // A code: it stands in errors and records.
            result_code: in_one_line(&row.text("result_code").unwrap_or_default()),
            duration_ms: row.number("duration_ms")?.unwrap_or_default(),
            operation_id: row.id("operation_id"),
            invocation_id,
        })
    })?;
    let mut known = HashSet::new();
    found.rows.retain(|run: &Run| known.insert(run.key().to_owned()));
    Ok(found)
}

/// Reads the lines in an answer to [`kql::traces`].
///
/// # Errors
/// [`ErrorKind::Protocol`] where it is no such answer.
pub fn traces(body: &[u8]) -> Result<Found<Trace>> {
    read(body, &TRACE, |row| {
        Ok(Trace {
            timestamp: row.time("timestamp")?,
            message: row.text("message").unwrap_or_default(),
            // Whole numbers from 0 to 4, if anything.
            severity_level: row.number("severity_level")?.map(|level| level as i64),
        })
    })
}

/// Reads an answer whose rows don't matter, to [`kql::check`].
///
/// # Errors
/// [`ErrorKind::Protocol`] where it is no answer to a query.
pub fn check(body: &[u8]) -> Result<()> {
    read(body, &RUN, |_| Ok(())).map(|_| ())
}

#[derive(Deserialize)]
struct Body {
    tables: Vec<Table>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Table {
    #[serde(default)]
    name: String,
    columns: Vec<Column>,
    #[serde(default)]
    rows: Vec<Vec<Value>>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
}

fn read<T>(body: &[u8], wanted: &[&str], row: impl Fn(Row<'_>) -> Result<T>) -> Result<Found<T>> {
    let Body { tables, error } = serde_json::from_slice(body).map_err(|_| {
        odd("what came is no table of results; see whether `logs_endpoint` leads to Log Analytics".to_owned())
    })?;
    let partial = error.is_some_and(|error| is_failure(&error));
    let table = tables.iter().find(|table| table.name == "PrimaryResult");
    let Some(table) = table.or(tables.first()) else {
        return Ok(Found {
            rows: Vec::new(),
            partial,
        });
    };
    let columns = &table.columns;
    // A table without rows has them, too, or none at all. One with others answers another question.
    let has = |name: &&str| columns.iter().any(|column| column.name == *name);
    let is_void = columns.is_empty() && table.rows.is_empty();
    if let Some(missing) = wanted.iter().find(|name| !is_void && !has(name)) {
        return Err(odd(format!("its table has no column {missing:?}")));
    }
    let rows = table.rows.iter().map(|cells| row(Row { columns, cells }));
    Ok(Found {
        rows: rows.collect::<Result<_>>()?,
        partial,
    })
}

/// One row, whose cells are found by the names of their columns. Types are taken as they come: a number may be a text.
#[derive(Clone, Copy)]
struct Row<'a> {
    columns: &'a [Column],
    cells: &'a [Value],
}

impl Row<'_> {
    /// What stands in a column; `null` where the table hasn't got it.
    fn cell(&self, name: &str) -> &Value {
        let at = self.columns.iter().position(|column| column.name == name);
        at.and_then(|at| self.cells.get(at)).unwrap_or(&Value::Null)
    }

    fn odd(&self, name: &str, wanted: &str) -> Error {
        odd(format!(
            "its column {name:?} holds {} instead of {wanted}",
            in_one_line(&self.cell(name).to_string())
        ))
    }

    /// A text; what is null, or not there, is none. Empty is none, too: so KQL writes what a row hasn't.
    fn text(&self, name: &str) -> Option<String> {
        let text = match self.cell(name) {
            Value::Null => return None,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some(text).filter(|text| !text.is_empty())
    }

    /// An id that may stand in a query again.
    fn id(&self, name: &str) -> Option<String> {
        self.text(name).filter(|id| kql::is_id(id))
    }

    fn time(&self, name: &str) -> Result<Timestamp> {
        let cell = self.cell(name).as_str().unwrap_or_default();
        // Times are UTC, said or not.
        let time = cell.parse().or_else(|error: jiff::Error| {
            let time: DateTime = cell.parse().map_err(|_| error)?;
            time.to_zoned(TimeZone::UTC).map(|time| time.timestamp())
        });
        time.map_err(|_| self.odd(name, "a time"))
    }

    fn truth(&self, name: &str) -> Result<bool> {
        match self.cell(name) {
            Value::Bool(truth) => Ok(*truth),
            Value::Number(number) => Ok(number.as_f64() != Some(0.0)),
            Value::String(text) if text.eq_ignore_ascii_case("true") || text == "1" => Ok(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") || text == "0" => Ok(false),
            _ => Err(self.odd(name, "true or false")),
        }
    }

    fn number(&self, name: &str) -> Result<Option<f64>> {
        let number = match self.cell(name) {
            Value::Null => return Ok(None),
            Value::String(text) if text.is_empty() => return Ok(None),
            Value::String(text) => text.parse().ok(),
            other => other.as_f64(),
        };
        let number = number.filter(|number: &f64| number.is_finite());
        number.map(Some).ok_or_else(|| self.odd(name, "a number"))
    }
}

fn odd(what: String) -> Error {
    Error::new(
        ErrorKind::Protocol,
        format!("the workspace's answer can't be understood: {what}"),
    )
}

/// The severity from which on a detail of an error is only a warning.
const WARNING: u64 = 3;

/// Does the error that comes with results mean that some are missing? That a fuzzy union left out a table is a warning.
fn is_failure(error: &Value) -> bool {
    let details = error.get("details").and_then(Value::as_array);
    let warns = |detail: &Value| {
        let innermost = innermost(detail);
        let severity = innermost.get("severity").and_then(Value::as_u64);
        severity.is_some_and(|severity| severity >= WARNING)
    };
    !error.is_null() && !details.is_some_and(|details| !details.is_empty() && details.iter().all(warns))
}

fn innermost(mut error: &Value) -> &Value {
    while let Some(inner) = error.get("innererror").filter(|inner| inner.is_object()) {
        error = inner;
    }
    error
}

/// An error of Log Analytics': codes from the outer to the innermost, and the innermost words.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LogsError {
    /// For example `BadArgumentError`, `SemanticError`, `SEM0100`.
    pub codes: Vec<String>,
    /// What it says, in one line.
    pub message: String,
}

impl LogsError {
    /// Whatever of it the body holds.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let mut found = Self::default();
        let mut next = body.get("error");
        while let Some(error) = next {
            if let Some(code) = error.get("code").and_then(Value::as_str) {
                found.codes.push(in_one_line(code));
            }
            if let Some(message) = error.get("message").and_then(Value::as_str) {
                found.message = in_one_line(message);
            }
            next = error.get("innererror");
        }
        found
    }

    /// Is this one of its codes?
    #[must_use]
    pub fn is(&self, code: &str) -> bool {
        self.codes.iter().any(|known| known.eq_ignore_ascii_case(code))
    }

    /// Were the tables that the query names not there?
    #[must_use]
    pub fn lacks_tables(&self) -> bool {
        self.is("SemanticError")
            || self.message.contains("Failed to resolve")
            || self.message.contains("at least one operand")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::RunId;

    /// All columns that are asked for.
    const COLUMNS: [&str; 8] = [
        "timestamp",
        "id",
        "name",
        "success",
        "result_code",
        "duration_ms",
        "operation_id",
        "invocation_id",
    ];

    fn table(columns: &[&str], rows: Value) -> Vec<u8> {
        let columns: Vec<Value> = columns
            .iter()
            .map(|name| json!({ "name": name, "type": "string" }))
            .collect();
        json!({ "tables": [{ "name": "PrimaryResult", "columns": columns, "rows": rows }] })
            .to_string()
            .into_bytes()
    }

    #[test]
    fn runs_of_both_vocabularies() {
        let time = "2026-11-22T20:17:01.1234567Z";
        let body = table(
            &COLUMNS,
            json!([
                [time, "9c3f", "Nightly", "True", "0", 1234.5, "4bf92f", "3f2504e0"],
                [time, "|9c3f.1.", "nightly", "false", "500", "12", "", ""],
                [
                    "2026-11-22T20:17:01.1234567",
                    "1",
                    "n",
                    false,
                    0,
                    null,
                    null,
                    null
                ],
            ]),
        );
        let Found { rows, partial } = runs(&body).unwrap();
        assert!(!partial);
        assert!(rows.iter().all(|run| run.started_at == time.parse().unwrap()));
        assert_eq!(
            (rows[0].success, rows[0].duration_ms, rows[0].key()),
            (true, 1234.5, "3f2504e0")
        );
        assert_eq!(rows[0].traces_by(), Some(RunId::Invocation("3f2504e0".into())));
        assert_eq!(
            (rows[1].success, rows[1].duration_ms, rows[1].key()),
            (false, 12.0, "|9c3f.1.")
        );
        assert_eq!((&*rows[2].result_code, rows[2].traces_by()), ("0", None));
    }

    #[test]
    fn a_result_code_stays_short() {
        for code in ["no\r\n1 ", "x"] {
            let row = json!([
                "2026-11-22T20:17:01Z",
                "1",
                "n",
                false,
                code.repeat(10_000),
                1,
                "",
                ""
            ]);
            let found = runs(&table(&COLUMNS, json!([row]))).unwrap();
            assert!(found.rows[0].result_code.len() < 410, "{code:?}");
        }
    }

    #[test]
    fn a_run_in_both_tables_is_one() {
        let row =
            |time: &str, id: &str, invocation: &str| json!([time, id, "n", true, "0", 1, "", invocation]);
        let body = table(
            &COLUMNS,
            json!([
                row("2026-11-22T20:17:01Z", "1", "a"),
                row("2026-11-22T20:17:01Z", "1", "a"),
                row("2026-11-22T20:17:02Z", "2", ""),
                row("2026-11-22T20:17:02Z", "2", ""),
                row("2026-11-22T20:17:03Z", "1", "b"),
            ]),
        );
        let found = runs(&body).unwrap();
        let keys: Vec<_> = found.rows.iter().map(Run::key).collect();
        assert_eq!(keys, ["a", "2", "b"]);
    }

    #[test]
    fn columns_are_found_by_name() {
        let mut columns = COLUMNS;
        columns.reverse();
        let body = table(
            &columns,
            json!([["inv", "op", 1, "0", true, "n", "id", "2026-11-22T20:17:01Z"]]),
        );
        assert_eq!(runs(&body).unwrap().rows[0].id, "id");
    }

    #[test]
    fn columns_that_a_run_can_do_without() {
        let least = ["timestamp", "success", "invocation_id"];
        let body = table(&least, json!([["2026-11-22T20:17:01Z", true, "inv"]]));
        let found = runs(&body).unwrap().rows;
        assert_eq!((found[0].key(), &*found[0].id), ("inv", "inv"));
        assert!(runs(&table(&[], json!([]))).unwrap().rows.is_empty());
        let error = runs(&table(&[], json!([[1]]))).unwrap_err();
        assert!(error.message().contains("\"timestamp\""), "{error}");
    }

    #[test]
    fn other_shapes_say_what_they_hold() {
        let row =
            |time: &str, success: Value| table(&COLUMNS, json!([[time, "1", "n", success, "0", 1, "", ""]]));
        for (body, words) in [
            (b"<html>".to_vec(), "no table"),
            (b"{}".to_vec(), "no table"),
            (table(&["x"], json!([])), "no column \"timestamp\""),
            (br#"{"tables":{"name":"x"}}"#.to_vec(), "no table"),
            (row("yesterday", json!(true)), "\"yesterday\" instead of a time"),
            (
                row("2026-11-22T20:17:01Z", Value::Null),
                "null instead of true or false",
            ),
            (
                table(&COLUMNS, json!([["2026-11-22T20:17:01Z"]])),
                "\"id\" holds null",
            ),
        ] {
            let error = runs(&body).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol);
            assert!(error.message().contains(words), "{error}");
        }
        assert!(check(b"[]").is_err());
    }

    #[test]
    fn nothing_there_yet_has_several_shapes() {
        for body in [
            table(&COLUMNS, json!([])),
            table(&[], json!([])),
            br#"{"tables":[]}"#.to_vec(),
        ] {
            assert!(check(&body).is_ok());
            let nothing = runs(&body).unwrap();
            assert!(nothing.rows.is_empty() && !nothing.partial);
        }
    }

    #[test]
    fn lines_of_a_run() {
        let body = table(
            &["timestamp", "message", "severity_level"],
            json!([
                ["2026-11-22T20:17:01Z", "begun", 1],
                ["2026-11-22T20:17:02Z", null, "3"],
                ["2026-11-22T20:17:02Z", "x", null]
            ]),
        );
        let rows = traces(&body).unwrap().rows;
        let levels: Vec<_> = rows.iter().map(|trace| trace.severity_level).collect();
        assert_eq!(levels, [Some(1), Some(3), None]);
        assert_eq!((&*rows[0].message, &*rows[1].message), ("begun", ""));
    }

    #[test]
    fn a_table_that_a_union_left_out_is_no_loss() {
        let columns: Vec<Value> = COLUMNS.iter().map(|name| json!({ "name": name })).collect();
        let body = |error: Value| {
            json!({ "tables": [{ "columns": columns, "rows": [] }], "error": error }).to_string()
        };
        let detail = |severity: u64| json!({ "code": "EngineError", "innererror": { "code": "-2133196790", "message": "'union' operator: Failed to resolve table", "severity": severity } });
        for (error, partial) in [
            (Value::Null, false),
            (json!({ "code": "PartialError" }), true),
            (json!({ "code": "PartialError", "details": [] }), true),
            (json!({ "code": "PartialError", "details": [detail(3)] }), false),
            (
                json!({ "code": "PartialError", "details": [detail(3), detail(2)] }),
                true,
            ),
            (
                json!({ "code": "PartialError", "details": [{ "code": "EngineError" }] }),
                true,
            ),
        ] {
            assert_eq!(
                runs(body(error.clone()).as_bytes()).unwrap().partial,
                partial,
                "{error}"
            );
        }
    }

    #[test]
    fn what_the_workspace_says_it_refuses() {
        let body = br#"{"error":{"message":"The request had some invalid properties","code":"BadArgumentError","innererror":{"code":"SemanticError","message":"A semantic error occurred.","innererror":{"code":"SEM0100","message":"union: must have at least one operand that can be\r\n evaluated"}}}}"#;
        let error = LogsError::parse(body);
        assert_eq!(error.codes, ["BadArgumentError", "SemanticError", "SEM0100"]);
        assert_eq!(
            error.message,
            "union: must have at least one operand that can be evaluated"
        );
        assert!(error.lacks_tables());
        assert_eq!(LogsError::parse(b"<html>"), LogsError::default());
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), cells in proptest::collection::vec("\\PC{0,12}", 0..9)) {
            for body in [bytes, table(&COLUMNS, json!([cells]))] {
                let _ = runs(&body);
                let _ = traces(&body);
                let _ = LogsError::parse(&body);
            }
        }
    }
}
