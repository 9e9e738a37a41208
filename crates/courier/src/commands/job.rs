//! `courier job`: what is done, step by step.

use serde_json::{Map, Value, json};

use super::{DocumentArgs, ListArgs, done, execution, show_items, show_list};
use crate::api::{Api, ApiArgs};
use crate::exit::{Code, Failure, Result};
use crate::output::Output;
use crate::output::table::Column;

/// Jobs and their steps
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  courier job create -f nightly.json
  courier job run nightly --watch
  courier job update nightly --set enabled=false

A job: {\"name\": \"nightly\", \"steps\": [{\"step_type\": \"sftp.download\",
  \"config\": {\"connection_id\": \"…\", \"remote_path\": \"/inbox/*.csv\", \"local_path\": \"in/\"}}]}")]
pub(crate) struct Args {
    #[command(flatten)]
    api: ApiArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the jobs
    List {
        #[command(flatten)]
        list: ListArgs,
    },
    /// Show one job as it is
    Show { job: String },
    /// Make a job from a document
    Create {
        #[command(flatten)]
        document: DocumentArgs,
    },
    /// Replace what is given; the rest stays. Makes a new version
    Update {
        job: String,
        #[command(flatten)]
        document: DocumentArgs,
    },
    /// Delete a job
    Delete { job: String },
    /// Run a job now, and print the execution's id
    Run {
        job: String,
        /// Follow it to its end; the exit code tells how it went
        #[arg(long, short)]
        watch: bool,
    },
    /// Show the versions of a job
    Versions { job: String },
    /// Show the kinds of steps and their settings
    StepTypes,
}

const COLUMNS: &[Column] = &[
    ("NAME", "name"),
    ("VERSION", "version"),
    ("ENABLED", "enabled"),
    ("CHANGED", "updated_at"),
    ("ID", "id"),
];
const VERSION_COLUMNS: &[Column] = &[
    ("VERSION", "version"),
    ("BY", "created_by"),
    ("WHEN", "created_at"),
];

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let api = Api::new(&args.api)?;
    let id = async |job: &str| api.resolve("jobs", job).await;
    match args.command {
        Command::List { list } => show_list(&api, output, &["jobs"], &Vec::new(), COLUMNS, &list).await,
        Command::Show { job } => {
            let document = api.get(&["jobs", &id(&job).await?]).await?;
            // Steps don't fit into a table; the document is also what `create -f` takes.
            output.document(&document)
        }
        Command::Create { document } => {
            let request = document.document(Map::new())?;
            if request.is_empty() {
                return Err(Failure::usage(
                    "a job is made from a document: courier job create -f FILE.json",
                ));
            }
            done(output, "created", &api.post(&["jobs"], &request.into()).await?)
        }
        Command::Update { job, document } => {
            let changes = document.document(Map::new())?;
            if changes.is_empty() {
                return Err(Failure::usage(
                    "nothing to change; give -f FILE.json or --set FIELD=VALUE",
                ));
            }
            let path = ["jobs", &id(&job).await?];
            let Value::Object(mut whole) = api.get(&path).await? else {
                return Err(Failure::new(Code::Failed, "the server's answer is no job"));
            };
            whole.extend(changes);
            done(output, "changed", &api.put(&path, &whole.into()).await?)
        }
        Command::Delete { job } => {
            let id = id(&job).await?;
            api.delete(&["jobs", &id]).await?;
            done(output, "deleted", &json!({"name": job, "id": id}))
        }
        Command::Run { job, watch } => {
            let started = api.post(&["jobs", &id(&job).await?, "run"], &Value::Null).await?;
            let execution = started.get("id").and_then(Value::as_str);
            let execution =
                execution.ok_or_else(|| Failure::new(Code::Failed, "the server's answer is no execution"))?;
            if watch {
                return execution::watch(&api, output, execution).await;
            }
            if output.json {
                output.document(&started)
            } else {
                output.line(execution)
            }
        }
        Command::Versions { job } => {
            let items = api
                .list(&["jobs", &id(&job).await?, "versions"], &Vec::new(), usize::MAX)
                .await?;
            show_items(output, VERSION_COLUMNS, &items)
        }
        Command::StepTypes => step_types(&api, output).await,
    }
}

async fn step_types(api: &Api, output: Output) -> Result<()> {
    let items = api.list(&["step-types"], &Vec::new(), usize::MAX).await?;
    if output.json {
        return output.document(&items);
    }
    for step in &items {
        let empty = Vec::new();
        let text = |value: &Value, name: &str| {
            value
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        output.line(format!("{}  {}", text(step, "step_type"), text(step, "help")))?;
        for setting in step.get("settings").and_then(Value::as_array).unwrap_or(&empty) {
            let required = setting.get("required").and_then(Value::as_bool) == Some(true);
            let mark = if required { ", required" } else { "" };
            let (name, kind, help) = (
                text(setting, "name"),
                text(setting, "type"),
                text(setting, "help"),
            );
            output.line(format!("    {name} ({kind}{mark}): {help}"))?;
        }
    }
    Ok(())
}
