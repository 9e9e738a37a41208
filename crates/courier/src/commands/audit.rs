//! `courier audit`: who did what, when, and whether that is the whole truth.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

use courier_api::ExportFormat;
use futures::TryStreamExt;
use jiff::{Timestamp, Zoned};
use serde_json::Value;

use super::ListArgs;
use crate::api::{Api, ApiArgs, Query};
use crate::exit::{Code, Failure, Result};
use crate::output::table::{self, Column};
use crate::output::text::cell;
use crate::output::{Output, stdout_failed};

/// The audit log
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  courier audit list --connection partner --since 24h
  courier audit list --operation host_key_rejected --json
  courier audit export --format csv --since 2026-01-01T00:00:00Z -o audit.csv
  courier audit verify")]
pub(crate) struct Args {
    #[command(flatten)]
    api: ApiArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show entries, newest first
    List {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Write entries to a file or standard output, oldest first, all of them
    Export {
        /// jsonl, a JSON document on each line, or csv
        #[arg(long, value_name = "FORMAT", default_value_t)]
        format: ExportFormat,
        /// The file; it is made anew
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        which: Which,
    },
    /// Check that no entry was changed, removed or inserted; for admins
    Verify,
}

/// Which entries.
#[derive(Debug, clap::Args)]
struct Which {
    /// Only this operation, e.g. download, login, host_key_rejected
    #[arg(long)]
    operation: Option<String>,
    /// Only on this connection (name or id)
    #[arg(long, value_name = "CONNECTION")]
    connection: Option<String>,
    /// Only from then on: 2026-03-01T08:00:00Z, or a time ago such as 90m, 24h, 7d
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only before then
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// Only what this user did
    #[arg(long, value_name = "USER")]
    performed_by: Option<String>,
    /// Only in this execution
    #[arg(long, value_name = "EXECUTION")]
    execution: Option<String>,
}

impl Which {
    async fn query(self, api: &Api) -> Result<Query> {
        let mut query = Query::new();
        if let Some(connection) = self.connection {
            query.push(("connection_id", api.resolve("connections", &connection).await?));
        }
        query.extend(self.operation.map(|operation| ("operation", operation)));
        query.extend(self.since.map(|since| ("since", since.to_string())));
        query.extend(self.until.map(|until| ("until", until.to_string())));
        query.extend(self.performed_by.map(|user| ("performed_by", user)));
        query.extend(self.execution.map(|execution| ("job_execution_id", execution)));
        Ok(query)
    }
}

/// Where [`name_connections`] puts the name.
const CONNECTION: &str = "connection";

const COLUMNS: &[Column] = &[
    ("WHEN", "performed_at"),
    ("WHO", "performed_by"),
    ("OPERATION", "operation"),
    ("CONNECTION", CONNECTION),
    ("BYTES", "bytes_transferred"),
    ("MS", "duration_ms"),
    ("WHAT", "what"),
];

/// Details that say more to a program than to a person.
const LEFT_OUT: [&str; 6] = [
    "local_path",
    "size",
    "verified",
    "resumed_from",
    "duration_ms",
    "version",
];

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let api = Api::new(&args.api)?;
    match args.command {
        Command::List { which, list } => show(&api, &which.query(&api).await?, list, output).await,
        Command::Export {
            format,
            output: file,
            which,
        } => {
            let mut query = which.query(&api).await?;
            query.push(("format", format.to_string()));
            save(&api, &["audit", "export"], &query, file, output).await
        }
        Command::Verify => verify(&api, output).await,
    }
}

async fn show(api: &Api, query: &Query, list: ListArgs, output: Output) -> Result<()> {
    let mut entries = api.list(&["audit"], query, list.limit as usize).await?;
    if output.json {
        return output.document(&entries);
    }
    if !query.iter().any(|(name, _)| *name == "connection_id") {
        name_connections(api, &mut entries).await;
    }
    if entries.is_empty() {
        output.note("nothing to show");
        return Ok(());
    }
    output.line(lines(entries))
}

/// Says of each entry which connection it is of: by name, or by the id of one that is gone.
async fn name_connections(api: &Api, entries: &mut [Value]) {
    let mut names = BTreeMap::new();
    for entry in entries.iter_mut().filter_map(Value::as_object_mut) {
        let Some(id) = entry.get("connection_id").and_then(Value::as_str) else {
            continue;
        };
        let name = match names.get(id) {
            Some(name) => Value::clone(name),
            None => {
                let found = api.get(&["connections", id]).await.ok();
                let name = found.and_then(|mut connection| Some(connection.get_mut("name")?.take()));
                let name = name.unwrap_or_else(|| id.into());
                names.insert(id.to_owned(), name.clone());
                name
            }
        };
        entry.insert(CONNECTION.to_owned(), name);
    }
}

/// Writes what the server sends to a file, which is made anew, or to standard output.
pub(super) async fn save(
    api: &Api,
    path: &[&str],
    query: &Query,
    file: Option<PathBuf>,
    output: Output,
) -> Result<()> {
    let mut chunks = Box::pin(api.download(path, query).await?);
    let Some(path) = file else {
        let mut stdout = io::stdout().lock();
        while let Some(chunk) = chunks.try_next().await? {
            stdout.write_all(chunk.as_ref()).map_err(stdout_failed)?;
        }
        return stdout.flush().map_err(stdout_failed);
    };
    let failed = |e: io::Error| Failure::new(Code::Failed, format!("{}: {e}", path.display()));
    let mut file = std::fs::File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    while let Some(chunk) = chunks.try_next().await? {
        file.write_all(chunk.as_ref()).map_err(failed)?;
    }
    file.sync_all().map_err(failed)?;
    output.info(format!("wrote {}", path.display()))
}

async fn verify(api: &Api, output: Output) -> Result<()> {
    let report = api.get(&["audit", "verify"]).await?;
    let whole = report.get("ok") == Some(&Value::Bool(true));
    let count = |of: &str| report.get(of).and_then(Value::as_u64).unwrap_or_default();
    if output.json {
        output.document(&report)?;
    } else if whole {
        output.line(format!(
            "the audit log is whole: {} entries in {} chains",
            count("records"),
            count("chains")
        ))?;
    } else {
        let findings = report.get("findings").and_then(Value::as_array);
        for finding in findings.into_iter().flatten() {
            output.line(cell(finding.get("message").unwrap_or(&Value::Null)))?;
        }
    }
    match whole {
        true => Ok(()),
        false => Err(Failure::new(Code::Failed, "the audit log was tampered with")),
    }
}

/// Entries as a table.
pub(crate) fn lines(mut entries: Vec<Value>) -> String {
    for entry in &mut entries {
        let what = what(entry.get("details").unwrap_or(&Value::Null));
        if let Some(fields) = entry.as_object_mut() {
            fields.insert("what".to_owned(), what.into());
        }
    }
    let named = entries.iter().any(|entry| entry.get(CONNECTION).is_some());
    let columns = COLUMNS.iter().filter(|(_, field)| *field != CONNECTION || named);
    table::rows(&columns.copied().collect::<Vec<_>>(), &entries)
}

/// The details of an entry in few words.
fn what(details: &Value) -> String {
    let told = details.as_object().into_iter().flatten().filter(|(name, value)| {
        !says_nothing(value) && !name.ends_with("_id") && !LEFT_OUT.contains(&name.as_str())
            // Where the values stand beside it.
            && (*name != "changed" || details.get("changes").is_none())
    });
    let words = told.map(|(name, value)| match name.as_str() {
        "remote_path" | "path" | "name" | "changes" => in_words(value),
        _ => format!("{} {}", name.replace('_', " "), in_words(value)),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// One detail: of an error its message, of a change both values.
fn in_words(value: &Value) -> String {
    let Some(fields) = value.as_object() else {
        return cell(value);
    };
    let or_none = |value: &Value| match says_nothing(value) {
        true => "none".to_owned(),
        false => in_words(value),
    };
    match (fields.get("before"), fields.get("after"), fields.get("message")) {
        (Some(before), Some(after), _) => format!("{} -> {}", or_none(before), or_none(after)),
        (_, _, Some(message)) => cell(message),
        _ => fields
            .iter()
            .map(|(name, value)| format!("{} {}", name.replace('_', " "), or_none(value)))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// A point in time, or a time ago.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let ago = text
        .parse::<jiff::Span>()
        .ok()
        .and_then(|span| Zoned::now().checked_sub(span.abs()).ok());
    ago.map(|at| at.timestamp())
        .ok_or_else(|| "expected a time such as 2026-03-01T08:00:00Z, or a time ago such as 24h".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn details_are_few_words() {
        let details = json!({"remote_path": "/a", "size": 3, "resumed_from": null, "key_id": "x", "host_key": "SHA256:a"});
        assert_eq!(what(&details), "host key SHA256:a, /a");
    }

    #[test]
    fn what_has_parts_is_told_in_words() {
        let changed = json!({"changes": {"port": {"before": null, "after": 22}}, "secrets_set": [], "pins_cleared": true});
        assert_eq!(what(&changed), "port none -> 22, pins cleared yes");
        let failed = json!({"error": {"kind": "auth", "message": "rejected"}});
        assert_eq!(what(&failed), "error rejected");
    }

    #[test]
    fn times_are_absolute_or_ago() {
        assert!(moment("2026-03-01T08:00:00Z").is_ok());
        let hour_ago = moment("1h").map(|at| Timestamp::now().duration_since(at).as_secs());
        assert!(hour_ago.is_ok_and(|seconds| (3600..3610).contains(&seconds)));
        assert!(moment("7d").is_ok());
        assert!(moment("yesterday").is_err());
    }
}
