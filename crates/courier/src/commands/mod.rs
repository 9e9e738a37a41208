//! The commands that run a server, and those that talk to one.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::api::{Api, Query};
use crate::exit::{Code, Failure, Result};
use crate::output::Output;
use crate::output::table::{self, Column};

pub(crate) mod admin;
pub(crate) mod alert;
pub(crate) mod audit;
pub(crate) mod connection;
pub(crate) mod demo;
pub(crate) mod execution;
pub(crate) mod job;
pub(crate) mod key;
pub(crate) mod login;
pub(crate) mod mapping;
pub(crate) mod serve;
pub(crate) mod setting;
pub(crate) mod storage;
pub(crate) mod token;
pub(crate) mod user;

/// How much of a list is shown.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// Show at most so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// Reads and shows a list.
pub(crate) async fn show_list(
    api: &Api,
    output: Output,
    path: &[&str],
    query: &Query,
    columns: &[Column],
    list: &ListArgs,
) -> Result<()> {
    let items = api.list(path, query, list.limit as usize).await?;
    show_items(output, columns, &items)
}

/// Shows documents as an array or as a table.
pub(crate) fn show_items(output: Output, columns: &[Column], items: &[Value]) -> Result<()> {
    if output.json {
        return output.document(&items);
    }
    if items.is_empty() {
        output.note("nothing to show");
        return Ok(());
    }
    output.line(table::rows(columns, items))
}

/// Shows one document.
pub(crate) fn show(output: Output, document: &Value) -> Result<()> {
    if output.json {
        output.document(document)
    } else {
        output.line(table::fields(document))
    }
}

/// Shows what was made or changed: the document with `--json`, else one line.
pub(crate) fn done(output: Output, what: &str, document: &Value) -> Result<()> {
    if output.json {
        return output.document(document);
    }
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    let name = text("name").or_else(|| text("username")).unwrap_or_default();
    let id = text("id").unwrap_or_default();
    output.info(format!("{what} {name} {id}").trim_end().to_owned())?;
    note_warnings(output, document);
    Ok(())
}

/// Notes what is insecure or weak about what was made, changed or tested.
pub(crate) fn note_warnings(output: Output, document: &Value) {
    let warnings = document.get("warnings").and_then(Value::as_array);
    for warning in warnings.into_iter().flatten() {
        output.note(format!("warning: {}", table_text(warning)));
    }
}

fn table_text(value: &Value) -> String {
    crate::output::text::cell(value)
}

/// A request as the document that is sent.
pub(crate) fn body(request: &impl Serialize) -> Result<Value> {
    serde_json::to_value(request)
        .map_err(|e| Failure::new(Code::Failed, format!("could not write the request as JSON: {e}")))
}

/// An object from a file, or from standard input where the path is `-`.
pub(crate) fn read_object(path: &Path) -> Result<Map<String, Value>> {
    let name = if path.as_os_str() == "-" {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    };
    let text = if path.as_os_str() == "-" {
        io::read_to_string(io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    let text = text.map_err(|e| Failure::usage(format!("could not read {name}: {e}")))?;
    match serde_json::from_str(&text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Failure::usage(format!(
            "{name} holds no JSON object; expected {{\"name\": …}}"
        ))),
        Err(e) => Err(Failure::usage(format!("{name} is no JSON: {e}"))),
    }
}

/// A document given as a file, with single fields over it.
#[derive(Debug, clap::Args)]
pub(crate) struct DocumentArgs {
    /// A JSON document to start from; - is standard input
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Set one field; VALUE is JSON, or else a text. Repeatable
    #[arg(long = "set", value_name = "FIELD=VALUE", value_parser = assignment)]
    assignments: Vec<(String, Value)>,
}

impl DocumentArgs {
    /// The document, with `fields` and then the assignments over what the file holds.
    pub(crate) fn document(&self, fields: Map<String, Value>) -> Result<Map<String, Value>> {
        let mut document = match &self.file {
            Some(path) => read_object(path)?,
            None => Map::new(),
        };
        document.extend(fields);
        document.extend(self.assignments.iter().cloned());
        Ok(document)
    }
}

fn assignment(text: &str) -> Result<(String, Value), String> {
    let (field, value) = text
        .split_once('=')
        .ok_or("expected FIELD=VALUE, e.g. port=2222")?;
    if [
        "secret",
        "credentials",
        "password",
        "client_secret",
        "client_certificate",
        "private_key",
        "passphrase",
    ]
    .contains(&field)
    {
        return Err(format!(
            "{field} is a secret: an argument would show in the process list; use -f FILE, or what the help says"
        ));
    }
    Ok((field.to_owned(), json_or_text(value)))
}

/// JSON, or else a text: `22` is a number, `"22"` and `abc` are texts.
pub(crate) fn json_or_text(value: &str) -> Value {
    serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()))
}

/// Keeps the fields that are given.
pub(crate) fn fields<const N: usize>(given: [(&str, Option<Value>); N]) -> Map<String, Value> {
    given
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// An optional text as a field.
pub(crate) fn text(value: Option<&String>) -> Option<Value> {
    value.cloned().map(Value::String)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn assignments_take_json_and_text_but_no_secret() {
        assert_eq!(assignment("port=2222").unwrap(), ("port".into(), json!(2222)));
        assert_eq!(assignment("notes=a=b").unwrap(), ("notes".into(), json!("a=b")));
        assert_eq!(assignment("keys=[1]").unwrap(), ("keys".into(), json!([1])));
        assert!(assignment("port").is_err());
        let error = assignment("password=hunter2").unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
