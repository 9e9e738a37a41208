//! What a function wrote while it ran, asked for when somebody wants to see it.

use std::time::Duration;

pub use courier_azure::logs::Trace;
use courier_azure::logs::{Found, RunId};
use courier_store::{
    connections::Connection,
    executions::StepState,
    function_calls::{CallState, FunctionCall},
};
use courier_transfer::{Error as TransferError, ErrorKind, Retry};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};
use uuid::Uuid;

use super::{STEP, note, open, open::of_connection};
use crate::{Actor, Engine, Error, Page, PageRequest, Result, trust::Purpose};

/// How long somebody who looks waits for the workspace.
const PATIENCE: Duration = Duration::from_secs(45);

/// Those who are answered at once: an answer may have 16 MiB, and everybody may ask.
static AT_ONCE: Semaphore = Semaphore::const_new(4);

/// Some lines of what a function wrote, oldest first.
#[derive(Clone, Debug)]
pub struct Traces {
    /// The lines.
    pub page: Page<Trace>,
    /// The workspace answered only for a part of what it holds.
    pub partial: bool,
}

/// What the function wrote that a step called last, asked of the workspace of the step's connection.
///
/// # Errors
/// [`Error::NotFound`] where there is no such step, [`Error::Conflict`] where it has called no function, or nothing is known of the
/// run; as [`open`]; and what the workspace answers.
pub(crate) async fn of_step(
    engine: &Engine,
    actor: &Actor,
    execution: Uuid,
    index: u32,
    page: PageRequest,
) -> Result<Traces> {
    let limit = page.limit.max(1);
    // A cursor is how many lines stand before the page.
    let skip = match page.cursor.as_deref().map(str::parse::<u32>) {
        None => 0,
        Some(Ok(skip)) => u64::from(skip),
        Some(Err(_)) => return Err(courier_store::Error::BadCursor.into()),
    };
    let (call, is_over) = called(engine, execution, index).await?;
    let deadline = Instant::now() + PATIENCE;
    let turn = timeout_at(deadline, AT_ONCE.acquire()).await;
    let _turn = turn.map_err(|_| {
        TransferError::new(
            ErrorKind::Timeout,
            "too many ask for traces just now; try again later",
        )
        .with_retry(Retry::Later)
    })?;
    let connection = connection_of(engine, &call).await?;
    let purpose = match actor.only_looks("executions") {
        true => Purpose::Look,
        false => Purpose::Browse,
    };
    let opened = open(engine, &connection, purpose, &actor.name).await?;
    // One more tells whether there is another page.
    let found = opened
        .workspace
        .traces(&run_of(&call), skip, limit.saturating_add(1), deadline)
        .await
        .map_err(|error| of_connection(&error));
    note(engine, &connection, purpose, &actor.name, found.as_ref().err()).await?;
    let Found { mut rows, partial } = found?;
    if rows.is_empty() && skip == 0 && call.run.is_none() {
        let at = call.triggered_at;
        return Err(Error::Conflict(match is_over && call.ended_at.is_none() {
            true => format!(
                "the run that step {index} triggered at {at} was not found while it was waited for, and nothing that the logs have bears \
                 its trace {}; see the invocations of the function \"{}\" in Azure",
                call.trace_id, call.function
            ),
            false => format!(
                "nothing of the run that step {index} triggered at {at} is in the logs yet; ask again in a few minutes"
            ),
        }));
    }
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let next_cursor = (rows.len() > shown).then(|| skip.saturating_add(limit).to_string());
    rows.truncate(shown);
    Ok(Traces {
        page: Page {
            items: rows,
            next_cursor,
        },
        partial,
    })
}

/// The newest call of a step, where it may have triggered something; and whether the step is over.
async fn called(engine: &Engine, execution: Uuid, index: u32) -> Result<(FunctionCall, bool)> {
    let steps = engine.0.store.executions().steps(execution).await?;
    if steps.is_empty() {
        return Err(Error::not_found("execution", execution));
    }
    let Some(step) = steps.into_iter().find(|step| step.index == index) else {
        return Err(Error::not_found(
            "step",
            format!("{index} of the execution {execution}"),
        ));
    };
    let call = match step.step_type == STEP {
        true => engine.0.store.function_calls().latest(execution, index).await?,
        false => None,
    };
    let why = match call {
        Some(call) if call.state != CallState::Refused => {
            return Ok((call, matches!(step.state, StepState::Failed | StepState::Skipped)));
        }
        Some(_) => "the function app has refused the call, so that nothing ran".to_owned(),
        None if step.step_type != STEP => format!("{} calls no function", step.step_type),
        None => "it has called no function until now".to_owned(),
    };
    Err(Error::Conflict(format!("step {index} has no traces: {why}")))
}

/// By what its traces are found. Before its run is known, and where nobody waits for it, only what took over our trace.
fn run_of(call: &FunctionCall) -> RunId {
    let run = call.run.as_ref();
    match run.and_then(|run| run.invocation_id.clone()) {
        Some(id) => RunId::Invocation(id),
        None => RunId::Operation(
            run.and_then(|run| run.operation_id.clone())
                .unwrap_or_else(|| call.trace_id.clone()),
        ),
    }
}

async fn connection_of(engine: &Engine, call: &FunctionCall) -> Result<Connection> {
    match engine.0.store.connections().get(call.connection_id).await {
        Err(courier_store::Error::NotFound { .. }) => Err(Error::Conflict(
            "the connection that the step used is deleted, and with it the way to the workspace".into(),
        )),
        found => Ok(found?),
    }
}
