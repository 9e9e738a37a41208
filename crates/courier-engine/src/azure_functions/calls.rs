//! Making a call: at most once, whatever dies meanwhile.
//!
//! A call is noted before it is made. What is noted and has no answer may have been made, and is looked up in the logs; only
//! what surely triggered nothing is made again.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use courier_azure::{Error as AzureError, ErrorKind, FunctionName, Trigger};
use courier_store::{
    audit::NewAudit,
    connections::Connection,
    executions::Claim,
    function_calls::{CallAnswer, CallState, FunctionCall, NewCall},
};
use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::{PROTOCOL, azure_error, matching::SLACK, note, open, open::Opened};
use crate::{
    Engine, Error, Failure, Result, audit::Entry, connections::endpoint, steps::Step, trust::Purpose,
};

/// As far as the date of an answer may be behind the clock that it is of: it has no fractions, and is made once a second.
const STALE: SignedDuration = SignedDuration::from_secs(2);

/// How long the logs are tried before a call.
const TRY_LOGS: Duration = Duration::from_secs(30);

/// And how long the app.
const TRY_APP: Duration = Duration::from_secs(10);

/// What is to be called, and whether somebody waits for its end.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) function: FunctionName,
    /// What the function gets.
    pub(crate) input: Option<String>,
    pub(crate) wait: bool,
}

/// The step's connection, opened as it is now.
pub(super) async fn open_now(step: &Step<'_>) -> Result<(Connection, Arc<Opened>)> {
    let engine = step.engine();
    let connection = engine.0.store.connections().get(step.connection()?).await?;
    let purpose = Purpose::Job(step.state.execution);
    let opened = open(engine, &connection, purpose, step.triggered_by).await?;
    Ok((connection, opened))
}

/// Makes a call. Where somebody will wait for its end, it is tried first whether that can be known.
///
/// # Errors
/// Nothing was triggered, surely: what the function app or the workspace said, [`Error::ConnectionNotUsable`],
/// [`Error::Transfer`] where the execution is told to stop. [`Error::Store`]: it may have been, and [`take_up`] goes on with it.
pub(crate) async fn make(step: &Step<'_>, order: &Order) -> Result<FunctionCall> {
    let engine = step.engine();
    let (connection, opened) = open_now(step).await?;
    if order.wait {
        try_logs(step, order, &connection, &opened).await?;
    }
    let ahead = greet(&opened).await;
    step.state.guard().check()?;
    let triggered_at = courier_store::now();
    let server = endpoint(engine, &connection);
    let scheme = format!("{PROTOCOL}://");
    let call = NewCall {
        step: step.state.index,
        connection_id: connection.id,
        app: server.strip_prefix(&scheme).unwrap_or(&server).to_owned(),
        workspace: opened.workspace_name.clone(),
        function: order.function.as_str().to_owned(),
        trace_id: Uuid::new_v4().simple().to_string(),
        triggered_at,
        not_before: not_before(triggered_at, ahead),
    };
    let claim = step.state.claim();
    let calls = engine.0.store.function_calls();
    let begin = || {
        let call = call.clone();
        async move { Ok(calls.begin(claim, call).await?) }.boxed()
    };
    let call = engine.persist(begin).await?;
    let making = Making {
        engine: engine.clone(),
        claim,
        call,
        connection,
        opened,
        order: order.clone(),
        triggered_by: step.triggered_by.to_owned(),
    };
    // In a task of its own: where the execution is told to stop, the answer is still heard.
    let made = engine.0.tasks.spawn(making.make()).await;
    made.unwrap_or_else(|e| Err(Error::Internal(format!("a call of a function did not end: {e}"))))
}

/// Makes the very query by which the run will be looked for. That the logs can't be reached just now is no reason not to begin:
/// they may be back when the function has ended.
async fn try_logs(step: &Step<'_>, order: &Order, connection: &Connection, opened: &Opened) -> Result<()> {
    let deadline = opened.deadline().min(tokio::time::Instant::now() + TRY_LOGS);
    let found = opened
        .workspace
        .runs(&order.function, courier_store::now(), deadline)
        .await;
    let Err(error) = found else { return Ok(()) };
    let may_pass = error.kind().may_pass();
    let error = azure_error(&error);
    tell(
        step.engine(),
        connection,
        step.state.execution,
        step.triggered_by,
        Some(&error),
    )
    .await;
    match may_pass {
        true => {
            tracing::warn!(execution = %step.state.execution, %error, "the logs can't be asked just now; the function is triggered nevertheless");
            Ok(())
        }
        false => Err(error),
    }
}

/// Lets the app awake, and learns how far its clock is ahead. What else it says is no reason not to begin: some apps hide their
/// state, and the answer to the call tells a wrong key as well.
///
/// The call that follows goes over the connection that is open then, so that there is hardly a moment between the note that it is
/// made and the call.
async fn greet(opened: &Opened) -> SignedDuration {
    let deadline = opened.deadline().min(tokio::time::Instant::now() + TRY_APP);
    let theirs = opened.app.greet(deadline).await;
    theirs
        .map(|theirs| ahead(theirs, courier_store::now()))
        .unwrap_or_default()
}

/// Notes what an answer says of the connection's health. That this fails is no reason to forget the answer.
pub(super) async fn tell(
    engine: &Engine,
    connection: &Connection,
    execution: Uuid,
    by: &str,
    error: Option<&Error>,
) {
    let noted = note(engine, connection, Purpose::Job(execution), by, error).await;
    if let Err(error) = noted {
        tracing::warn!(%execution, %error, "could not note the health of a connection");
    }
}

/// Goes on with a call that a step has made before. Where it was interrupted, it is unclear what came of it.
///
/// # Errors
/// [`Error::Store`].
pub(crate) async fn take_up(step: &Step<'_>, call: FunctionCall) -> Result<FunctionCall> {
    if call.state != CallState::Calling {
        return Ok(call);
    }
    let engine = step.engine();
    let record = triggered(&call, CallAnswer::Unclear, None, step.triggered_by);
    let details = json!({"message": "Courier stopped, or was told to, before the answer was there"});
    let record = with_error(record, details);
    answered(engine, step.state.claim(), &call, CallAnswer::Unclear, record).await
}

/// A call that is being made.
struct Making {
    engine: Engine,
    claim: Claim,
    call: FunctionCall,
    connection: Connection,
    opened: Arc<Opened>,
    order: Order,
    triggered_by: String,
}

impl Making {
    async fn make(self) -> Result<FunctionCall> {
        let Self {
            engine,
            call,
            opened,
            order,
            ..
        } = &self;
        let began = Instant::now();
        let result = opened
            .app
            .trigger(
                &order.function,
                order.input.as_deref(),
                &call.trace_id,
                opened.deadline(),
            )
            .await;
        let took = began.elapsed();
        let (answer, error) = match result {
            Ok(Trigger::Accepted { server_time }) => {
                let accepted = CallAnswer::Accepted {
                    not_before: match server_time {
                        Some(theirs) => not_before(call.triggered_at, ahead(theirs, courier_store::now())),
                        None => call.not_before,
                    },
                    awaited: order.wait,
                };
                (accepted, None)
            }
            Ok(Trigger::Unclear(error)) => (CallAnswer::Unclear, Some(error)),
            Err(error) => (CallAnswer::Refused, Some(error)),
        };
        let says_of_connection = error.as_ref().is_none_or(concerns_connection);
        let error = error.as_ref().map(azure_error);
        let record = NewAudit {
            duration_ms: Some(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            ..triggered(call, answer, error.as_ref(), &self.triggered_by)
        };
        let call = answered(engine, self.claim, call, answer, record).await?;
        if says_of_connection {
            let execution = self.claim.execution;
            tell(
                engine,
                &self.connection,
                execution,
                &self.triggered_by,
                error.as_ref(),
            )
            .await;
        }
        match (call.state, error) {
            (CallState::Refused, Some(error)) => Err(error),
            (_, error) => {
                if let Some(error) = error {
                    tracing::warn!(execution = %self.claim.execution, %error, "it is unclear whether a function was triggered; its run is looked for");
                    let why = format!(
                        "it is unclear whether step {} has triggered its function, whose run is looked for: {error}",
                        call.step
                    );
                    let executions = engine.0.store.executions();
                    if let Err(error) = executions.remark(self.claim, &why).await {
                        tracing::warn!(execution = %self.claim.execution, %error, "could not note that a call is unclear");
                    }
                }
                Ok(call)
            }
        }
    }
}

/// Can the connection help it? Not that there is no such function, nor what the step gave it.
fn concerns_connection(error: &AzureError) -> bool {
    !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Invalid)
}

/// Notes what came of a call. Where somebody has done so before, that counts: the database may have lost its answer only.
async fn answered(
    engine: &Engine,
    claim: Claim,
    call: &FunctionCall,
    answer: CallAnswer,
    record: NewAudit,
) -> Result<FunctionCall> {
    let calls = engine.0.store.function_calls();
    let note = || {
        let record = record.clone();
        async move { Ok(calls.answered(claim, call.id, answer, record).await?) }.boxed()
    };
    match engine.persist(note).await {
        Err(Error::Store(courier_store::Error::Conflict(why))) => {
            let latest = calls.latest(call.execution_id, call.step).await?;
            let noted = latest.filter(|latest| latest.id == call.id && latest.state != CallState::Calling);
            noted.ok_or(Error::Store(courier_store::Error::Conflict(why)))
        }
        noted => noted,
    }
}

/// The record of a call.
fn triggered(call: &FunctionCall, answer: CallAnswer, error: Option<&Error>, by: &str) -> NewAudit {
    let result = match answer {
        CallAnswer::Accepted { .. } => CallState::Accepted,
        CallAnswer::Unclear => CallState::Unclear,
        CallAnswer::Refused => CallState::Refused,
    };
    let details = json!({
        "function": call.function,
        "app": call.app,
        "step": call.step,
        "triggered_at": call.triggered_at,
        "trace_id": call.trace_id,
        "result": result,
    });
    let record = NewAudit::from(entry(call, "function_triggered", by, details));
    match error {
        Some(error) => with_error(record, json!(Failure::from(error))),
        None => record,
    }
}

/// Begins a record of what happens to a call.
pub(super) fn entry<'a>(
    call: &FunctionCall,
    operation: &'a str,
    by: &'a str,
    details: serde_json::Value,
) -> Entry<'a> {
    Entry {
        connection: Some(call.connection_id),
        execution: Some(call.execution_id),
        ..Entry::new(operation, by, details)
    }
}

fn with_error(mut record: NewAudit, error: serde_json::Value) -> NewAudit {
    if let serde_json::Value::Object(details) = &mut record.details {
        details.insert("error".into(), error);
    }
    record
}

/// Before when no run can be that of a call made then: what the logs say is by the function app's clock.
fn not_before(triggered_at: Timestamp, ahead: SignedDuration) -> Timestamp {
    let since = triggered_at.checked_add(ahead).unwrap_or(triggered_at);
    since.checked_sub(SLACK).unwrap_or(since)
}

/// How far the clock is ahead of ours that showed this time in an answer that came now. Where both may agree, they do.
fn ahead(theirs: Timestamp, now: Timestamp) -> SignedDuration {
    let least = theirs.duration_since(now);
    SignedDuration::ZERO.clamp(least, least.saturating_add(STALE))
}

/// What is to be said of a function that nobody waits for any more, because the execution was told to stop; nothing where none
/// can run.
pub(crate) async fn left_running(engine: &Engine, execution: Uuid, step: u32) -> Option<String> {
    let latest = engine.0.store.function_calls().latest(execution, step).await;
    let call = latest.ok().flatten().filter(|call| call.ended_at.is_none())?;
    Some(format!(
        "the function \"{}\", which was triggered at {}, is not stopped by that, and goes on in Azure",
        call.function, call.triggered_at
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_apps_clock_counts_where_ours_is_wrong() {
        let at = |second: i64| Timestamp::new(1_800_000_000 + second, 0).unwrap();
        let corrected = |theirs: i64| not_before(at(10), ahead(at(theirs), at(11)));
        for theirs in [9, 10, 11] {
            assert_eq!(corrected(theirs), at(8), "{theirs}");
        }
        assert_eq!(corrected(12), at(9));
        assert_eq!(corrected(71), at(68));
        assert_eq!(corrected(8), at(7));
        assert_eq!(corrected(-49), at(-50));
        let far = not_before(at(10), ahead(Timestamp::MAX, Timestamp::MIN));
        assert_eq!(far, at(8), "a clock that shows nonsense");
    }
}
