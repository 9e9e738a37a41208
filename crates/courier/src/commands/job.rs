//! `courier job`: what is done, step by step.

use serde_json::{Map, Value, json};

use super::{DocumentArgs, ListArgs, done, execution, fields, show_items, show_list, text};
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
  courier job schedule nightly --cron '30 2 * * MON-FRI' --timezone Europe/Berlin
  courier job next-runs nightly

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
    /// Say when a job runs by itself, instead of what was said before. Makes a new version
    Schedule {
        job: String,
        #[command(flatten)]
        schedule: ScheduleArgs,
        /// Not at all
        #[arg(long, conflicts_with_all = ["cron", "at"])]
        none: bool,
    },
    /// Show when a job runs next, or when one with such a schedule would
    NextRuns {
        #[arg(required_unless_present_any = ["cron", "at"], conflicts_with_all = ["cron", "at"])]
        job: Option<String>,
        #[command(flatten)]
        schedule: ScheduleArgs,
        /// Show so many
        #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
        count: u32,
    },
    /// Show the versions of a job
    Versions { job: String },
    /// Show the kinds of steps and their settings
    StepTypes,
}

/// When a job runs by itself.
#[derive(Debug, clap::Args)]
struct ScheduleArgs {
    /// At the times of a cron expression: minute, hour, day, month, weekday; or six fields, with the seconds first
    #[arg(long, value_name = "EXPRESSION", conflicts_with = "at")]
    cron: Option<String>,
    /// Once, at this time (2026-11-30T06:30:00+01:00)
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// The time zone whose clocks count (Europe/Berlin); UTC where none is given
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// What becomes of runs that were due while nothing ran: made up for by one, left out, or all made up for
    #[arg(long, value_name = "HOW", value_parser = ["once", "skip", "all"])]
    missed: Option<String>,
}

impl ScheduleArgs {
    fn document(&self) -> Value {
        fields([
            ("cron", text(self.cron.as_ref())),
            ("at", text(self.at.as_ref())),
            ("timezone", text(self.timezone.as_ref())),
            ("missed", text(self.missed.as_ref())),
        ])
        .into()
    }
}

const COLUMNS: &[Column] = &[
    ("NAME", "name"),
    ("VERSION", "version"),
    ("ENABLED", "enabled"),
    ("NEXT RUN", "next_run_at"),
    ("CHANGED", "updated_at"),
    ("ID", "id"),
];
const RUN_COLUMNS: &[Column] = &[("UTC", "at"), ("LOCAL TIME", "local"), ("TIME ZONE", "timezone")];
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
            let changed = change(&api, &id(&job).await?, changes).await?;
            done(output, "changed", &changed)
        }
        Command::Schedule { job, schedule, none } => {
            let schedules = if none {
                Vec::new()
            } else {
                vec![schedule.document()]
            };
            if !none && schedule.cron.is_none() && schedule.at.is_none() {
                return Err(Failure::usage(
                    "when? give --cron EXPRESSION, --at TIME or --none",
                ));
            }
            let id = id(&job).await?;
            let changes = fields([("schedules", Some(schedules.into()))]);
            done(output, "changed", &change(&api, &id, changes).await?)?;
            match output.json || none {
                true => Ok(()),
                false => show_runs(output, next_runs(&api, &id, 3).await?),
            }
        }
        Command::NextRuns { job, schedule, count } => {
            let runs = match job {
                Some(job) => next_runs(&api, &id(&job).await?, count).await?,
                None => {
                    let request = json!({"schedules": [schedule.document()], "count": count});
                    items(&api.post(&["jobs", "next-runs"], &request).await?)?
                }
            };
            show_runs(output, runs)
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

/// Replaces fields of a job; the rest stays.
async fn change(api: &Api, id: &str, changes: Map<String, Value>) -> Result<Value> {
    let path = ["jobs", id];
    let Value::Object(mut whole) = api.get(&path).await? else {
        return Err(Failure::new(Code::Failed, "the server's answer is no job"));
    };
    whole.extend(changes);
    api.put(&path, &whole.into()).await
}

async fn next_runs(api: &Api, id: &str, count: u32) -> Result<Vec<Value>> {
    let query = vec![("count", count.to_string())];
    items(&api.query(&["jobs", id, "next-runs"], &query).await?)
}

/// Shows runs to come, each on the clocks of its time zone as well.
fn show_runs(output: Output, mut runs: Vec<Value>) -> Result<()> {
    if !output.json {
        for run in &mut runs {
            // A time in the way of the API would be shown in UTC.
            if let Some(local) = run.get_mut("local")
                && let Some((time, offset)) = local.as_str().and_then(|local| local.split_at_checked(19))
            {
                *local = format!("{} {offset}", time.replace('T', " ")).into();
            }
        }
    }
    show_items(output, RUN_COLUMNS, &runs)
}

fn items(answer: &Value) -> Result<Vec<Value>> {
    match answer.get("items").and_then(Value::as_array) {
        Some(items) => Ok(items.clone()),
        None => Err(Failure::new(Code::Failed, "the server's answer is no list")),
    }
}

async fn step_types(api: &Api, output: Output) -> Result<()> {
    let items = api.list(&["step-types"], &Vec::new(), usize::MAX).await?;
    if output.json {
        return output.document(&items);
    }
    for step in &items {
        let empty = Vec::new();
        let field = |value: &Value, name: &str| {
            value
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        output.line(format!("{}  {}", field(step, "step_type"), field(step, "help")))?;
        for setting in step.get("settings").and_then(Value::as_array).unwrap_or(&empty) {
            let required = setting.get("required").and_then(Value::as_bool) == Some(true);
            let mark = if required { ", required" } else { "" };
            let (name, kind, help) = (
                field(setting, "name"),
                field(setting, "type"),
                field(setting, "help"),
            );
            output.line(format!("    {name} ({kind}{mark}): {help}"))?;
        }
    }
    Ok(())
}
