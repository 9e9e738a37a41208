//! Takes executions out of the queue, and runs them.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use courier_store::{
    dispatch::{Handled, Handler},
    executions::{Execution, ExecutionState},
};
use uuid::Uuid;

use crate::{
    Engine,
    live::{Live, Stop},
    node::Tenure,
    runner,
};

/// Before the database is asked again, where it is away.
const PAUSE: Duration = Duration::from_secs(1);

/// After so many other failures the next in the queue gets its turn.
const FAILURES: u32 = 5;

/// How long what runs may take to stop after the lease was lost.
const ABANDON: Duration = Duration::from_secs(5);

/// Runs what the queue calls for, until the engine shuts down.
pub(crate) async fn dispatch(engine: Engine) {
    let concurrency = engine.config().concurrency.max(1);
    let stop = engine.0.stopping.clone();
    let handler = Arc::new(Here(engine.clone()));
    engine.0.store.dispatcher().run(concurrency, handler, stop).await;
}

/// Runs executions on this node.
#[derive(Debug)]
struct Here(Engine);

#[async_trait]
impl Handler for Here {
    async fn run(&self, id: Uuid) -> Handled {
        let engine = &self.0;
        let stopping = &engine.0.stopping;
        // It may run here still, under a lease that was lost, or be about to end. A call that was late for one that runs
        // takes no place for as long as that does.
        while let Some(last) = engine.0.live.get(id) {
            tokio::select! {
                () = stopping.cancelled() => return Handled::NotHere,
                () = last.ended() => {}
                () = tokio::time::sleep(PAUSE) => match engine.0.store.executions().get(id).await {
                    Ok(execution) if execution.state != ExecutionState::Queued => return Handled::Done,
                    _ => {}
                },
            }
        }
        // One that has waited aside may go on before it.
        let place = tokio::select! {
            () = stopping.cancelled() => return Handled::NotHere,
            place = engine.0.places.take() => place,
        };
        let (execution, tenure) = match take(engine, id).await {
            Ok(taken) => taken,
            Err(not_taken) => return not_taken,
        };
        let live = engine.0.live.begin(id, tenure.lease.clone(), place);
        // On its own, so that it ends in order whatever becomes of this call.
        engine
            .0
            .tasks
            .spawn(supervise(engine.clone(), execution, tenure, live.clone()));
        live.left_place().await;
        Handled::Done
    }
}

/// Takes an execution, if it waits still; where the database is away, as soon as it is there.
async fn take(engine: &Engine, id: Uuid) -> Result<(Execution, Tenure), Handled> {
    let stopping = &engine.0.stopping;
    let mut failures = 0;
    loop {
        let tenure = tokio::select! {
            biased;
            () = stopping.cancelled() => return Err(Handled::NotHere),
            tenure = engine.0.node.tenure() => tenure,
        };
        match engine.0.store.executions().claim(id, &tenure.life).await {
            Ok(Some(execution)) => return Ok((execution, tenure)),
            // What a life that has just lost its lease can't take waits still.
            Ok(None) if tenure.lease.is_held() => return Err(Handled::Done),
            Ok(None) => {}
            Err(error) => {
                tracing::error!(execution = %id, %error, "could not take an execution from the queue");
                // One whose row can't be read must not keep others from their turn: it is called for again.
                failures += u32::from(!matches!(error, courier_store::Error::Unavailable(_)));
                if failures >= FAILURES {
                    return Err(Handled::Done);
                }
                // Where it was taken after all, it is found to be without anybody at it.
                let _ = tokio::time::timeout(PAUSE, stopping.cancelled()).await;
            }
        }
    }
}

/// Runs an execution, whatever bugs it meets.
async fn supervise(engine: Engine, execution: Execution, tenure: Tenure, live: Arc<Live>) {
    let id = execution.id;
    let running = tokio::spawn(run(engine.clone(), execution, tenure, live));
    if let Err(error) = running.await {
        tracing::error!(execution = %id, %error, "an execution ended by a bug in Courier");
        // What is running by its row, and doesn't live here, is put back soon.
        engine.0.live.end(id);
    }
}

async fn run(engine: Engine, execution: Execution, tenure: Tenure, live: Arc<Live>) {
    let id = execution.id;
    if !live.is_held() {
        live.stop(Stop::LeaseLost);
    } else if engine.0.stopping.is_cancelled() {
        live.stop(Stop::Shutdown);
    }
    let overdue = async {
        tenure.lease.lost().await;
        tokio::time::sleep(ABANDON).await;
    };
    tokio::select! {
        () = runner::run(&engine, execution, &live) => {}
        // It waits for a database that doesn't answer, and holds a place here that others need.
        () = overdue => {
            tracing::warn!(execution = %id, "abandoned an execution that did not stop when this node lost its lease");
            engine.0.live.end(id);
        }
    }
}
