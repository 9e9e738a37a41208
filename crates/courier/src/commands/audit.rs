//! `courier audit`: who did what, when.

use jiff::{Timestamp, Zoned};

use super::{ListArgs, show_list};
use crate::api::{Api, ApiArgs};
use crate::exit::Result;
use crate::output::Output;
use crate::output::table::Column;

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
    ("DETAILS", "details"),
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
    show_list(&api, output, &["audit"], &query, COLUMNS, &list).await
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
    use super::*;

    #[test]
    fn times_are_absolute_or_ago() {
        assert!(moment("2026-03-01T08:00:00Z").is_ok());
        let hour_ago = moment("1h").map(|at| Timestamp::now().duration_since(at).as_secs());
        assert!(hour_ago.is_ok_and(|seconds| (3600..3610).contains(&seconds)));
        assert!(moment("7d").is_ok());
        assert!(moment("yesterday").is_err());
    }
}
