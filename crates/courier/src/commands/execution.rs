//! `courier execution`: runs of jobs, and watching them live.

use courier_api::{ExecutionState, ExecutionStates};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::audit::moment;
use super::{ListArgs, done, mapping, show_items};
use crate::api::{Api, ApiArgs};
use crate::exit::Result;
use crate::output::Output;
use crate::output::table::{self, Column};

mod traces;
mod watch;

pub(crate) use watch::watch;

/// Executions of jobs and folder mappings
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  courier execution list --job nightly
  courier execution list --state failed,cancelled --since 7d
  courier execution watch 0198c5f2-…
  courier execution cancel 0198c5f2-…
  courier execution traces 0198c5f2-… 2

`watch` ends with 0 where the execution completed, else with the code of its error.")]
pub(crate) struct Args {
    #[command(flatten)]
    api: ApiArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show executions, newest first
    List {
        /// Only of this job (name or id)
        #[arg(long)]
        job: Option<String>,
        /// Only of this folder mapping (name, CONNECTION:NAME or id)
        #[arg(long, conflicts_with = "job")]
        mapping: Option<String>,
        /// Only in these states: queued, running, paused, completed, failed, cancelled
        #[arg(long, value_delimiter = ',', value_name = "STATE,…")]
        state: Vec<ExecutionState>,
        /// Only those that this user started, or `schedule`
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
        /// Leave out scheduled pulls that found nothing
        #[arg(long)]
        eventful: bool,
        /// Only with this in the job's or the folder mapping's name
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// Only those asked for from then on: 2026-03-01T08:00:00Z, or a time ago such as 90m, 24h, 7d
        #[arg(long, value_name = "TIME", value_parser = moment)]
        since: Option<Timestamp>,
        /// Only those asked for before then
        #[arg(long, value_name = "TIME", value_parser = moment)]
        until: Option<Timestamp>,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Show one execution with its steps
    Show { id: String },
    /// Follow an execution to its end
    Watch { id: String },
    /// Stop an execution for good
    Cancel { id: String },
    /// Stop an execution at once, to be resumed where it is
    Pause { id: String },
    /// Let a paused execution go on
    Resume { id: String },
    /// Show what the function of a step wrote, as far as Log Analytics has it
    Traces {
        id: String,
        /// The step, counted from 1
        step: u32,
        /// Show at most so many lines
        #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
}

const COLUMNS: &[Column] = &[
    ("ID", "id"),
    ("OF", "job_name"),
    ("STATE", "state"),
    ("BY", "triggered_by"),
    ("QUEUED", "queued_at"),
    ("ENDED", "ended_at"),
    ("ERROR", "error.message"),
];
const STEP_COLUMNS: &[Column] = &[
    ("STEP", "index"),
    ("TYPE", "step_type"),
    ("STATE", "state"),
    ("FILES", "files_transferred"),
    ("BYTES", "bytes_transferred"),
    ("ATTEMPTS", "attempts"),
    ("AGAIN", "retry_at"),
    ("ERROR", "error.message"),
];
const HISTORY_COLUMNS: &[Column] = &[
    ("STATE", "state"),
    ("AT", "at"),
    ("NODE", "node"),
    ("REASON", "reason"),
];

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let api = Api::new(&args.api)?;
    let act = async |id: String, action: &str, did: &str| {
        let answer = api.post(&["executions", &id, action], &Value::Null).await?;
        done(
            output,
            did,
            &if answer.is_null() {
                json!({"id": id})
            } else {
                answer
            },
        )
    };
    match args.command {
        Command::List {
            job,
            mapping,
            state,
            by,
            eventful,
            search,
            since,
            until,
            list,
        } => {
            let mut query = Vec::new();
            if let Some(job) = job {
                query.push(("job_id", api.resolve("jobs", &job).await?));
            }
            if let Some(mapping) = mapping {
                query.push(("mapping_id", mapping::resolve(&api, &mapping).await?));
            }
            if !state.is_empty() {
                query.push(("state", ExecutionStates(state).into()));
            }
            query.extend(by.map(|name| ("triggered_by", name)));
            query.extend(eventful.then(|| ("uneventful", false.to_string())));
            query.extend(search.map(|text| ("search", text)));
            query.extend(since.map(|at| ("since", at.to_string())));
            query.extend(until.map(|at| ("until", at.to_string())));
            let items = api.list(&["executions"], &query, list.limit as usize).await?;
            show_items(output, COLUMNS, &items)
        }
        Command::Show { id } => {
            let mut document = api.get(&["executions", &id]).await?;
            if output.json {
                return output.document(&document);
            }
            let mut take = |name: &str| match document.as_object_mut()?.remove(name)? {
                Value::Array(items) => Some(items),
                _ => None,
            };
            let steps = take("steps").unwrap_or_default();
            let history = take("history").unwrap_or_default();
            output.line(table::fields(&document))?;
            output.line(format!("\n{}", table::rows(STEP_COLUMNS, &steps)))?;
            output.line(format!("\n{}", table::rows(HISTORY_COLUMNS, &history)))
        }
        Command::Watch { id } => watch(&api, output, &id).await,
        Command::Cancel { id } => act(id, "cancel", "cancelling").await,
        Command::Pause { id } => act(id, "pause", "pausing").await,
        Command::Resume { id } => act(id, "resume", "resumed").await,
        Command::Traces { id, step, limit } => traces::show(&api, output, &id, step, limit as usize).await,
    }
}
