//! `courier audit`: who did what, when.

use jiff::{Timestamp, Zoned};

use serde_json::Value;

use super::ListArgs;
use crate::api::{Api, ApiArgs};
use crate::exit::Result;
use crate::output::Output;
use crate::output::table::{self, Column};
use crate::output::text::cell;

/// The audit log
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  courier audit list --connection partner --since 24h
  courier audit list --operation host_key_rejected --json")]
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
        #[command(flatten)]
        list: ListArgs,
    },
}

const COLUMNS: &[Column] = &[
    ("WHEN", "performed_at"),
    ("WHO", "performed_by"),
    ("OPERATION", "operation"),
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
    let Command::List {
        operation,
        connection,
        since,
        until,
        performed_by,
        list,
    } = args.command;
    let mut query = Vec::new();
    if let Some(connection) = connection {
        query.push(("connection_id", api.resolve("connections", &connection).await?));
    }
    query.extend(operation.map(|operation| ("operation", operation)));
    query.extend(since.map(|since| ("since", since.to_string())));
    query.extend(until.map(|until| ("until", until.to_string())));
    query.extend(performed_by.map(|user| ("performed_by", user)));
    let entries = api.list(&["audit"], &query, list.limit as usize).await?;
    if output.json {
        return output.document(&entries);
    }
    if entries.is_empty() {
        output.note("nothing to show");
        return Ok(());
    }
    output.line(lines(entries))
}

/// Entries as a table.
pub(crate) fn lines(mut entries: Vec<Value>) -> String {
    for entry in &mut entries {
        let what = what(entry.get("details").unwrap_or(&Value::Null));
        if let Some(fields) = entry.as_object_mut() {
            fields.insert("what".to_owned(), what.into());
        }
    }
    table::rows(COLUMNS, &entries)
}

/// The details of an entry in few words.
fn what(details: &Value) -> String {
    let told = details.as_object().into_iter().flatten().filter(|(name, value)| {
        !value.is_null() && !name.ends_with("_id") && !LEFT_OUT.contains(&name.as_str())
    });
    let words = told.map(|(name, value)| match name.as_str() {
        "remote_path" | "path" | "name" => cell(value),
        _ => format!("{} {}", name.replace('_', " "), cell(value)),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// A point in time, or a time ago.
fn moment(text: &str) -> Result<Timestamp, String> {
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
    fn times_are_absolute_or_ago() {
        assert!(moment("2026-03-01T08:00:00Z").is_ok());
        let hour_ago = moment("1h").map(|at| Timestamp::now().duration_since(at).as_secs());
        assert!(hour_ago.is_ok_and(|seconds| (3600..3610).contains(&seconds)));
        assert!(moment("7d").is_ok());
        assert!(moment("yesterday").is_err());
    }
}
