//! What was pulled from a connection, and pulling it anew.

use std::path::PathBuf;

use courier_api::ExportFormat;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::{Api, Query};
use crate::commands::{ListArgs, audit, execution, mapping, show_items};
use crate::exit::{Code, Failure, Result};
use crate::output::Output;
use crate::output::table::Column;
use crate::output::text::cell;

const COLUMNS: &[Column] = &[
    ("PULLED", "pulled_at"),
    ("PATH", "path"),
    ("SIZE", "size"),
    ("MODIFIED", "modified"),
    ("DESTINATION", "destination"),
    ("AFTER", "after"),
    ("ID", "id"),
];

/// Which pulled files.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// Only with this in the path
    #[arg(long, value_name = "TEXT")]
    path: Option<String>,
    /// Only whose path begins so, e.g. a folder; fast however long the history is
    #[arg(long, value_name = "PATH")]
    prefix: Option<String>,
    /// Only what this folder mapping pulled (name or id)
    #[arg(long)]
    mapping: Option<String>,
    /// Only what this execution pulled
    #[arg(long, value_name = "ID")]
    execution: Option<Uuid>,
    /// Only from then on: 2026-03-01T08:00:00Z, or a time ago such as 90m, 24h, 7d
    #[arg(long, value_name = "TIME", value_parser = audit::moment)]
    since: Option<Timestamp>,
    /// Only before then
    #[arg(long, value_name = "TIME", value_parser = audit::moment)]
    until: Option<Timestamp>,
    /// Only files with these bytes: 64 hexadecimal digits
    #[arg(long, value_name = "DIGEST")]
    sha256: Option<String>,
}

impl Which {
    async fn query(self, api: &Api, connection: &str) -> Result<Query> {
        let mapping = match self.mapping {
            Some(id) if id.parse::<Uuid>().is_ok() => Some(id),
            Some(name) => Some(mapping::resolve(api, &format!("{connection}:{name}")).await?),
            None => None,
        };
        let given = [
            ("path", self.path),
            ("prefix", self.prefix),
            ("mapping_id", mapping),
            ("execution_id", self.execution.map(|id| id.to_string())),
            ("since", self.since.map(|at| at.to_string())),
            ("until", self.until.map(|at| at.to_string())),
            ("sha256", self.sha256),
        ];
        Ok(given
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect())
    }
}

/// Where to write all of it, and in which form.
#[derive(Debug, clap::Args)]
pub(super) struct Export {
    /// Write all of them, as jsonl, a JSON document on each line, or as csv
    #[arg(long, value_name = "FORMAT")]
    export: Option<ExportFormat>,
    /// The file to write to, made anew; by default standard output
    #[arg(short, long, value_name = "FILE", requires = "export")]
    output: Option<PathBuf>,
}

pub(super) async fn show(
    api: &Api,
    connection: &str,
    which: Which,
    export: Export,
    list: ListArgs,
    output: Output,
) -> Result<()> {
    let mut query = which.query(api, connection).await?;
    if let Some(format) = export.export {
        query.push(("format", format.to_string()));
        let path = ["connections", connection, "history", "export"];
        return audit::save(api, &path, &query, export.output, output).await;
    }
    let path = ["connections", connection, "history"];
    let items = api.list(&path, &query, list.limit as usize).await?;
    show_items(output, COLUMNS, &items)
}

pub(super) async fn replay(
    api: &Api,
    connection: &str,
    entry: Option<Uuid>,
    which: Which,
    watch: bool,
    output: Output,
) -> Result<()> {
    let answer = match entry {
        Some(entry) => {
            let path = ["connections", connection, "history", &entry.to_string(), "replay"];
            let execution = api.post(&path, &Value::Null).await?;
            json!({"count": 1, "executions": [execution], "refused": []})
        }
        None => {
            let query = which.query(api, connection).await?;
            if query.is_empty() {
                return Err(Failure::usage(
                    "which files? give an ENTRY, or --since, --until, --path, --prefix, --mapping, --execution or --sha256",
                ));
            }
            let wanted = query
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.into()));
            let path = ["connections", connection, "history", "replay"];
            api.post(&path, &Value::Object(wanted.collect())).await?
        }
    };
    let list = |name: &str| answer.get(name).and_then(Value::as_array).into_iter().flatten();
    for refused in list("refused") {
        let part = |name: &str| cell(refused.get(name).unwrap_or(&Value::Null));
        output.note(format!(
            "warning: {} not pulled anew: {}",
            part("count"),
            part("reason")
        ));
    }
    let ids: Vec<&str> = list("executions")
        .filter_map(|execution| execution.get("id").and_then(Value::as_str))
        .collect();
    if watch {
        for id in ids {
            execution::watch(api, output, id).await?;
        }
        return Ok(());
    }
    if output.json {
        return output.document(&answer);
    }
    if ids.is_empty() {
        return Err(Failure::new(Code::NotFound, "the history has no such files"));
    }
    output.line(ids.join("\n"))
}
