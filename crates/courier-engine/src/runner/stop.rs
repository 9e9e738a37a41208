//! How an execution stops: it hears that it is to, closes its sessions, and notes where it stands.

use std::{convert::Infallible, sync::Arc, time::Duration};

use courier_store::{
    bus::{Heard, Notice},
    executions::{Execution, ExecutionRequest, ExecutionState, StepState as RowState},
};
use futures::{FutureExt, future::BoxFuture};
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior};
use uuid::Uuid;

use super::Halt;
use crate::{
    Engine, Error, Failure, Result,
    live::{Live, Stop},
    sessions::Sessions,
};

/// How often the store is asked what is wished, for the case that nobody told.
const LOOK: Duration = Duration::from_secs(1);
/// When it is asked first: for what was wished before anybody listened, but not for executions that are soon over.
const FIRST_LOOK: Duration = Duration::from_millis(200);

/// Why a work folder stays.
const KEPT: &str = "its work folder is kept: it holds files that were deleted on their server";

/// How long the end of an execution waits for its sessions; then they are closed beside it.
const CLOSING: Duration = Duration::from_millis(800);

/// Listens for what is wished of the execution, on whatever node. Never ends.
pub(super) async fn hear_wishes(engine: &Engine, execution: &Execution, live: &Live) -> Infallible {
    let mut bus = engine.0.store.bus().subscribe();
    let mut looks = tokio::time::interval_at(Instant::now() + FIRST_LOOK, LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            heard = bus.next() => match heard {
                Some(Heard::Here(notice) | Heard::Elsewhere(notice)) => match notice {
                    Notice::Wish { execution: id } if id == execution.id => {}
                    _ => continue,
                },
                Some(Heard::Gap) => {}
                None => std::future::pending().await,
            }
        }
        match engine.0.store.executions().requested(execution.id).await {
            Ok(request) => obey(live, request),
            Err(error) => {
                tracing::warn!(execution = %execution.id, %error, "could not look whether an execution is to stop");
            }
        }
    }
}

/// Stops what is wished to stop.
pub(super) fn obey(live: &Live, request: ExecutionRequest) {
    match request {
        ExecutionRequest::Cancel => live.stop(Stop::Cancel),
        ExecutionRequest::Pause => live.stop(Stop::Pause),
        ExecutionRequest::None => {}
    }
}

/// Closes the sessions. Servers that don't answer hold the end up for a moment only.
pub(super) async fn close(engine: &Engine, sessions: &Arc<Sessions>) {
    let sessions = sessions.clone();
    let closing = engine.0.tasks.spawn(async move { sessions.close().await });
    if tokio::time::timeout(CLOSING, closing).await.is_err() {
        tracing::debug!("the sessions of an execution take long to close");
    }
}

/// What an execution becomes that came to this, and the error that goes with it.
pub(super) fn outcome(execution: &Execution, halt: Option<Halt>) -> (ExecutionState, Option<Value>) {
    match halt {
        None => (ExecutionState::Completed, None),
        Some(Halt::Failed(failure) | Halt::Over(failure)) => {
            tracing::warn!(execution = %execution.id, error = %failure.message, "an execution failed");
            (ExecutionState::Failed, Some(json!(failure)))
        }
        Some(Halt::Stopped(Stop::Cancel)) => (ExecutionState::Cancelled, None),
        Some(Halt::Stopped(Stop::Pause)) => (ExecutionState::Paused, None),
        Some(Halt::Stopped(Stop::Shutdown | Stop::LeaseLost) | Halt::StartOver) => {
            (ExecutionState::Queued, None)
        }
    }
}

/// Notes where an execution stands that runs no more; answers where that is, or nothing where this node may not say. It
/// would stay running with nobody at it, so while the database fails, this goes on trying until the engine stops or the
/// lease is lost; the next start, or another node, finds it then.
pub(super) async fn leave(
    engine: &Engine,
    execution: &Execution,
    live: &Live,
    state: ExecutionState,
    error: Option<Value>,
) -> Result<Option<ExecutionState>> {
    let mut wait = Duration::from_secs(1);
    loop {
        let stopping = engine.0.stopping.is_cancelled();
        let released = tokio::select! {
            biased;
            released = release(engine, execution, state, error.clone()) => released,
            () = live.lease().lost() => return Ok(None),
        };
        let failed = match released {
            Err(Error::Store(error)) if error.may_pass() && !stopping => error,
            Err(Error::Store(courier_store::Error::Conflict(_))) => return Ok(None),
            result => return result.map(Some),
        };
        tracing::warn!(execution = %execution.id, error = %failed, "could not note how an execution ended; trying again");
        tokio::select! {
            () = live.lease().lost() => return Ok(None),
            // Once more at a shutdown.
            () = engine.0.stopping.cancelled() => {}
            () = tokio::time::sleep(wait) => {}
        }
        wait = (wait * 2).min(Duration::from_secs(30));
    }
}

async fn release(
    engine: &Engine,
    execution: &Execution,
    state: ExecutionState,
    error: Option<Value>,
) -> Result<ExecutionState> {
    let store = engine.0.store.executions();
    if state == ExecutionState::Failed {
        // Where the runner itself failed, its step still looks as if it ran.
        for mut row in store.steps(execution.id).await? {
            if row.state == RowState::Running {
                row.state = RowState::Failed;
                row.ended_at = Some(courier_store::now());
                row.error = error.clone();
                store.checkpoint(execution.claim(), &row, None).await?;
            }
        }
    }
    let undelivered = state.is_final() && state != ExecutionState::Completed;
    let reason = if undelivered && engine.0.paths.has_taken(execution.id) {
        Some(KEPT.to_owned())
    } else if state == ExecutionState::Queued && engine.0.stopping.is_cancelled() {
        let node = execution.node.as_deref().unwrap_or_default();
        Some(format!("the node {node} stops, and hands it back"))
    } else {
        None
    };
    let left = store
        .release(execution.claim(), state, error, reason.as_deref())
        .await?;
    Ok(left.state)
}

/// Removes the work folder of an execution that is over. What it has taken from servers and not delivered stays.
pub(super) async fn clear_up(engine: &Engine, id: Uuid, state: ExecutionState) {
    let paths = &engine.0.paths;
    let is_delivered = async {
        let steps = engine.0.store.executions().steps(id).await;
        steps.is_ok_and(|steps| steps.iter().all(|step| step.state == RowState::Completed))
    };
    if state == ExecutionState::Completed && paths.has_taken(id) && is_delivered.await {
        paths.discard_work_dir(id).await;
    } else {
        paths.remove_work_dir(id).await;
    }
}

impl Engine {
    /// Writes to the store, or reads from it, and again where that fails in a way that may pass: what a step has done is done, and must
    /// not fail or be forgotten because the database was away for half a minute. At a shutdown there is one more try.
    pub(crate) async fn persist<'a, T>(&self, write: impl Fn() -> BoxFuture<'a, Result<T>>) -> Result<T> {
        for wait in [1, 2, 4, 8, 16] {
            let error = match write().await {
                Err(Error::Store(error)) if error.may_pass() => error,
                result => return result,
            };
            tracing::warn!(%error, "the database did not do what it was asked for; trying again");
            let stopping = self.0.stopping.cancelled();
            if tokio::time::timeout(Duration::from_secs(wait), stopping)
                .await
                .is_ok()
            {
                break;
            }
        }
        write().await
    }

    /// This node has lost the execution. What its step did goes to the audit log all the same; what it has begun is another's.
    pub(super) fn give_up(&self, state: &Arc<crate::steps::StepState>) {
        let (engine, state) = (self.clone(), state.clone());
        self.0.partials.left_to_others(state.execution);
        self.0.tasks.spawn(async move {
            let recorded = engine.persist(|| state.record_all().boxed()).await;
            if let Err(error) = recorded {
                tracing::error!(execution = %state.execution, %error, "could not write what a step did to the audit log");
            }
        });
    }
}

/// The error of a bug, in words.
pub(super) fn bug(what: &str) -> Failure {
    Failure::from(&Error::Internal(format!(
        "the {what} stopped by a bug in Courier; the log has more"
    )))
}
