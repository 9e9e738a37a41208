//! Cleaning up: work folders that nobody needs any more, and executions that were over long ago.

use std::time::{Duration, SystemTime};

use courier_store::executions::ExecutionState;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{
    Engine, Result,
    local_paths::WorkDir,
    settings::{EXECUTIONS_RETENTION_DAYS, IDLE_PULL_RETENTION_MINUTES},
};

/// How often is looked for work folders, and for executions that are too old.
const SWEEP: Duration = Duration::from_secs(10 * 60);
/// Between two transactions that remove executions, so that others can write.
const BREATH: Duration = Duration::from_millis(20);
/// How long a work folder stays whose execution the database doesn't know: another database may have been put in its place by
/// mistake, and be put back.
const UNKNOWN: Duration = Duration::from_secs(24 * 60 * 60);

/// Cleans up until the engine shuts down: at the start, and then from time to time.
pub(crate) async fn keep_house(engine: Engine) {
    loop {
        match sweep(&engine).await {
            Ok(0) => {}
            Ok(folders) => tracing::info!(folders, "removed work folders that nobody needs any more"),
            Err(error) => tracing::error!(%error, "could not look for work folders that nobody needs"),
        }
        match forget_idle_pulls(&engine).await {
            Ok(0) => {}
            Ok(executions) => tracing::debug!(executions, "pulls that found nothing are gone"),
            Err(error) => tracing::error!(%error, "could not remove pulls that found nothing"),
        }
        match forget(&engine).await {
            Ok(0) => {}
            Ok(executions) => tracing::info!(
                executions,
                "executions were over for longer than they are kept, and are gone"
            ),
            Err(error) => tracing::error!(%error, "could not remove executions that are too old"),
        }
        tokio::select! {
            () = engine.0.stopping.cancelled() => return,
            () = tokio::time::sleep(SWEEP) => {}
        }
    }
}

/// Removes the work folders of executions that are over, wherever they ended, and of such as are unknown for a while. A
/// folder is made after its execution was queued, and listed before that is asked for, so that none which is needed goes.
/// What an execution has taken from servers and not delivered stays for as long as the execution is known.
async fn sweep(engine: &Engine) -> Result<usize> {
    let folders = engine.0.paths.work_dirs().await?;
    let ids: Vec<Uuid> = folders.iter().map(|folder| folder.execution).collect();
    let states = engine.0.store.executions().states_of(&ids).await?;
    let now = SystemTime::now();
    let mut removed = 0;
    for folder in folders {
        let id = folder.execution;
        let state = states.iter().find(|(known, _)| *known == id);
        // What ran here under a lease that was lost may still be ending.
        let is_kept = state.is_some() && engine.0.paths.has_taken(id);
        let is_needless = is_needless(&folder, state.map(|(_, state)| *state), now) && !is_kept;
        if is_needless && engine.0.live.get(id).is_none() {
            engine.0.paths.discard_work_dir(id).await;
            removed += 1;
        }
    }
    Ok(removed)
}

fn is_needless(folder: &WorkDir, state: Option<ExecutionState>, now: SystemTime) -> bool {
    match state {
        Some(state) => state.is_final(),
        None => now.duration_since(folder.changed).is_ok_and(|age| age >= UNKNOWN),
    }
}

/// Removes executions that were over for longer than they are to be kept.
async fn forget(engine: &Engine) -> Result<u64> {
    let days = engine.settings().number(&EXECUTIONS_RETENTION_DAYS).await?;
    let age = SignedDuration::from_hours(days.saturating_mul(24));
    let Some(until) = Timestamp::now().checked_sub(age).ok().filter(|_| days > 0) else {
        return Ok(0);
    };
    remove(engine, What::Old(until)).await
}

/// Removes scheduled pulls that found nothing, and were over for longer than such are to be kept.
async fn forget_idle_pulls(engine: &Engine) -> Result<u64> {
    let minutes = engine.settings().number(&IDLE_PULL_RETENTION_MINUTES).await?;
    let age = SignedDuration::from_mins(minutes);
    let Some(until) = Timestamp::now().checked_sub(age).ok().filter(|_| minutes > 0) else {
        return Ok(0);
    };
    remove(engine, What::Idle(until)).await
}

/// Executions that were over before this time.
#[derive(Clone, Copy, Debug)]
enum What {
    /// Of any kind.
    Old(Timestamp),
    /// Scheduled pulls that found nothing.
    Idle(Timestamp),
}

/// Removes some and some, until none are left.
async fn remove(engine: &Engine, what: What) -> Result<u64> {
    let executions = engine.0.store.executions();
    let mut gone = 0;
    while !engine.0.stopping.is_cancelled() {
        let some = match what {
            What::Old(until) => executions.forget(until).await?,
            What::Idle(until) => executions.forget_uneventful(until).await?,
        };
        if some == 0 {
            break;
        }
        gone += some;
        tokio::time::sleep(BREATH).await;
    }
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_resumed_keeps_its_folder() {
        let now = SystemTime::now();
        let folder = |age: u64| WorkDir {
            execution: courier_store::new_id(),
            changed: now - Duration::from_secs(age),
        };
        for state in ExecutionState::ALL {
            assert_eq!(
                is_needless(&folder(0), Some(*state), now),
                state.is_final(),
                "{state}"
            );
            assert_eq!(
                is_needless(&folder(1 << 30), Some(*state), now),
                state.is_final(),
                "{state}"
            );
        }
        assert!(!is_needless(&folder(3600), None, now));
        assert!(is_needless(&folder(25 * 3600), None, now));
    }
}
