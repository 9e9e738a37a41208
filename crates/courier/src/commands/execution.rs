//! `courier execution`: runs of jobs, and watching them live.

use std::collections::BTreeMap;
use std::time::Duration;

use courier_api::{Execution, ExecutionState, ExecutionStep, Progress, StepState};
use futures::StreamExt;
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::{ListArgs, done, show_items};
use crate::api::{Api, ApiArgs, Event, code_of};
use crate::exit::{Code, Failure, Result};
use crate::output::Output;
use crate::output::progress::file_bar;
use crate::output::table::{self, Column};
use crate::output::text::{bytes, cell, files, printable};

/// Executions of jobs
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  courier execution list --job nightly
  courier execution watch 0198c5f2-…
  courier execution cancel 0198c5f2-…

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
        /// Only in this state: queued, running, paused, completed, failed or cancelled
        #[arg(long)]
        state: Option<ExecutionState>,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Show one execution with its steps
    Show { id: String },
    /// Follow an execution to its end
    Watch { id: String },
    /// Stop an execution for good
    Cancel { id: String },
    /// Stop an execution after the step it is at
    Pause { id: String },
    /// Let a paused execution go on
    Resume { id: String },
}

const COLUMNS: &[Column] = &[
    ("ID", "id"),
    ("JOB", "job"),
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
    ("ERROR", "error.message"),
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
        Command::List { job, state, list } => {
            let mut query = Vec::new();
            if let Some(job) = job {
                query.push(("job_id", api.resolve("jobs", &job).await?));
            }
            query.extend(state.map(|state| ("state", state.to_string())));
            let mut items = api.list(&["executions"], &query, list.limit as usize).await?;
            if !output.json {
                name_jobs(&api, &mut items).await?;
            }
            show_items(output, COLUMNS, &items)
        }
        Command::Show { id } => {
            let mut document = api.get(&["executions", &id]).await?;
            if output.json {
                return output.document(&document);
            }
            let steps = document.as_object_mut().and_then(|fields| fields.remove("steps"));
            output.line(table::fields(&document))?;
            let steps = steps
                .as_ref()
                .and_then(Value::as_array)
                .map(Vec::as_slice)
                .unwrap_or_default();
            output.line(format!("\n{}", table::rows(STEP_COLUMNS, steps)))
        }
        Command::Watch { id } => watch(&api, output, &id).await,
        Command::Cancel { id } => act(id, "cancel", "cancelling").await,
        Command::Pause { id } => act(id, "pause", "pausing").await,
        Command::Resume { id } => act(id, "resume", "resumed").await,
    }
}

/// Says the names of jobs beside their ids, which tell nobody anything.
async fn name_jobs(api: &Api, executions: &mut [Value]) -> Result<()> {
    if executions.is_empty() {
        return Ok(());
    }
    let jobs = api.list(&["jobs"], &Vec::new(), usize::MAX).await?;
    for execution in executions {
        let id = execution.get("job_id").cloned().unwrap_or_default();
        let job = jobs
            .iter()
            .find(|job| job.get("id") == Some(&id))
            .and_then(|job| job.get("name"));
        // A job that was deleted has no name any more.
        let name = job.cloned().unwrap_or(id);
        if let Some(fields) = execution.as_object_mut() {
            fields.insert("job".to_owned(), name);
        }
    }
    Ok(())
}

/// Follows an execution to its end. The exit code tells how it went.
pub(crate) async fn watch(api: &Api, output: Output, id: &str) -> Result<()> {
    let mut watcher = Watcher::new(output);
    let mut breaks = 0;
    loop {
        let mut events = std::pin::pin!(api.events(&["executions", id, "events"]).await?);
        while let Some(event) = events.next().await {
            // A stream that breaks off is taken up again; what was missed is in the next state.
            let Ok(event) = event else { break };
            breaks = 0;
            watcher.hear(&event)?;
            if watcher.end.is_some() {
                break;
            }
        }
        if let Some(execution) = watcher.end.take() {
            watcher.clear();
            return ended(output, &execution);
        }
        let current = api.get(&["executions", id]).await?;
        watcher.hear(&Event {
            name: "state".to_owned(),
            data: current.to_string(),
        })?;
        breaks += 1;
        if breaks > 5 {
            return Err(Failure::new(
                Code::Lost,
                format!("the server ends the events of execution {id} again and again; it may still run"),
            ));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// What a watcher has shown until now.
#[derive(Debug)]
struct Watcher {
    output: Output,
    state: Option<ExecutionState>,
    steps: BTreeMap<u32, StepState>,
    bar: Option<(String, ProgressBar)>,
    end: Option<Execution>,
}

impl Watcher {
    fn new(output: Output) -> Self {
        Self {
            output,
            state: None,
            steps: BTreeMap::new(),
            bar: None,
            end: None,
        }
    }

    fn hear(&mut self, event: &Event) -> Result<()> {
        let unreadable = |e| {
            Failure::new(
                Code::Failed,
                format!("the server sent an event that this version can't read: {e}"),
            )
        };
        if self.output.json {
            let data: Value = serde_json::from_str(&event.data).map_err(unreadable)?;
            self.output.line(json!({"event": event.name, "data": data}))?;
        }
        match event.name.as_str() {
            "state" => self.state(serde_json::from_str(&event.data).map_err(unreadable)?),
            "progress" => {
                self.progress(&serde_json::from_str(&event.data).map_err(unreadable)?);
                Ok(())
            }
            // Later servers may tell more.
            _ => Ok(()),
        }
    }

    fn state(&mut self, execution: Execution) -> Result<()> {
        for step in &execution.steps {
            let before = self.steps.insert(step.index, step.state);
            if before != Some(step.state) && step.state != StepState::Pending {
                self.say(&line_of(step))?;
            }
        }
        if self.state.replace(execution.state) != Some(execution.state) && !execution.state.is_final() {
            self.say(&format!("execution {} {}", execution.id, execution.state))?;
        }
        if execution.state.is_final() {
            self.end = Some(execution);
        }
        Ok(())
    }

    fn progress(&mut self, progress: &Progress) {
        if !self.output.has_bars() {
            return;
        }
        let name = printable(&progress.current_file);
        if self.bar.as_ref().is_none_or(|(shown, _)| *shown != name) {
            self.clear();
            self.bar = Some((name.clone(), file_bar(name, progress.total_bytes)));
        }
        if let Some((_, bar)) = &self.bar {
            bar.set_position(progress.bytes_transferred);
        }
    }

    /// A line above the bar.
    fn say(&self, line: &str) -> Result<()> {
        match &self.bar {
            Some((_, bar)) => bar.suspend(|| self.output.info(line)),
            None => self.output.info(line),
        }
    }

    fn clear(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn line_of(step: &ExecutionStep) -> String {
    let name = step
        .name
        .as_ref()
        .map(|name| format!(" ({})", printable(name)))
        .unwrap_or_default();
    let mut line = format!("step {} {}{name} {}", step.index, step.step_type, step.state);
    if matches!(step.state, StepState::Completed) && step.files_transferred > 0 {
        line.push_str(&format!(
            ": {}, {}",
            files(step.files_transferred),
            bytes(step.bytes_transferred)
        ));
    }
    if let Some(error) = &step.error {
        line.push_str(&format!(": {}", printable(&error.message)));
    }
    line
}

fn ended(output: Output, execution: &Execution) -> Result<()> {
    let state = execution.state;
    if state == ExecutionState::Completed {
        let moved: u64 = execution.steps.iter().map(|step| step.bytes_transferred).sum();
        return output.info(format!(
            "execution {} completed, {} moved",
            execution.id,
            bytes(moved)
        ));
    }
    let error = execution.error.as_ref();
    let code = error.map_or(Code::Failed, |error| code_of(u64::from(error.code.number())));
    if output.json {
        return Err(Failure::silent(code));
    }
    let why = error
        .map(|error| format!(": {}", cell(&json!(error.message))))
        .unwrap_or_default();
    Err(Failure::new(
        code,
        format!("execution {} {state}{why}", execution.id),
    ))
}
