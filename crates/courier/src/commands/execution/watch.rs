//! Following an execution to its end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use courier_api::{Execution, ExecutionState, ExecutionStep, StepState};
use futures::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::api::{Api, Event, code_of};
use crate::exit::{Code, Failure, Result};
use crate::output::Output;
use crate::output::progress::Moving;
use crate::output::text::{bytes, cell, files, printable};

/// How long a server that was heard before may be away: a restart takes less.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two tries to reach it.
const PAUSE: Duration = Duration::from_secs(1);

/// Follows an execution to its end, also over restarts of the server. The exit code tells how it went.
pub(crate) async fn watch(api: &Api, output: Output, id: &str) -> Result<()> {
    let mut watcher = Watcher::new(output);
    loop {
        let broken = match follow(api, id, &mut watcher).await {
            Ok(()) => None,
            Err(failure) if watcher.heard.is_some() && is_passing(&failure) => Some(failure),
            Err(failure) => {
                watcher.bars.clear();
                return Err(failure);
            }
        };
        if let Some(execution) = watcher.end.take() {
            watcher.bars.clear();
            return ended(output, &execution);
        }
        let away = watcher.heard.map_or(PATIENCE, |heard| heard.elapsed());
        if away >= PATIENCE {
            watcher.bars.clear();
            let why = broken.map(|failure| format!(": {failure}")).unwrap_or_default();
            let seconds = away.as_secs();
            return Err(Failure::new(
                Code::Lost,
                format!(
                    "nothing was heard of execution {id} for {seconds} seconds, and it may still run; watch it again \
                     with `courier execution watch {id}`{why}"
                ),
            ));
        }
        if let Some(failure) = broken
            && !std::mem::replace(&mut watcher.is_away, true)
        {
            watcher.bars.note(&format!("{failure}; trying again"));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// May the server be back in a moment?
fn is_passing(failure: &Failure) -> bool {
    let status = failure.document().get("status").and_then(Value::as_u64);
    failure.code() == Code::Lost || status.is_some_and(|status| status >= 500)
}

/// Hears the events until the end, or until the server ends them. The first one is the state, so that nothing is missed.
async fn follow(api: &Api, id: &str, watcher: &mut Watcher) -> Result<()> {
    let mut events = std::pin::pin!(api.events(&["executions", id, "events"]).await?);
    while watcher.end.is_none()
        && let Some(event) = events.next().await
    {
        watcher.hear(&event?)?;
    }
    Ok(())
}

/// What a watcher has shown until now.
#[derive(Debug)]
struct Watcher {
    output: Output,
    state: Option<ExecutionState>,
    steps: BTreeMap<u32, StepState>,
    bars: Moving,
    /// When something was heard last.
    heard: Option<Instant>,
    /// It was said that the server is away.
    is_away: bool,
    end: Option<Execution>,
}

impl Watcher {
    fn new(output: Output) -> Self {
        Self {
            output,
            state: None,
            steps: BTreeMap::new(),
            bars: Moving::new(output),
            heard: None,
            is_away: false,
            end: None,
        }
    }

    fn hear(&mut self, event: &Event) -> Result<()> {
        self.heard = Some(Instant::now());
        self.is_away = false;
        if self.output.json {
            let data: Value = read(event)?;
            self.output.line(json!({"event": event.name, "data": data}))?;
        }
        match event.name.as_str() {
            "state" => self.state(read(event)?),
            "progress" => {
                self.bars.file(&read(event)?);
                Ok(())
            }
            "summary" => {
                self.bars.step(&read(event)?);
                Ok(())
            }
            // Later servers may tell more.
            _ => Ok(()),
        }
    }

    fn state(&mut self, execution: Execution) -> Result<()> {
        for step in &execution.steps {
            let before = self.steps.insert(step.index, step.state);
            if before == Some(step.state) {
                continue;
            }
            if before == Some(StepState::Running) {
                self.bars.clear();
            }
            if step.state != StepState::Pending {
                self.bars.say(&line_of(step))?;
            }
        }
        if self.state.replace(execution.state) != Some(execution.state) && !execution.state.is_final() {
            self.bars
                .say(&format!("execution {} {}", execution.id, execution.state))?;
        }
        if execution.state.is_final() {
            self.end = Some(execution);
        }
        Ok(())
    }
}

fn read<T: DeserializeOwned>(event: &Event) -> Result<T> {
    serde_json::from_str(&event.data).map_err(|e| {
        Failure::new(
            Code::Failed,
            format!("the server sent an event that this version can't read: {e}"),
        )
    })
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
    let code = error.map_or(Code::Failed, |error| match error.kind.as_str() {
        // Among the numbers it has none of its own.
        "denied" => Code::Denied,
        _ => code_of(u64::from(error.code.number())),
    });
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
