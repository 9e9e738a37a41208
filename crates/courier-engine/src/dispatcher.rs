//! Takes executions out of the queue, as many at once as the configuration allows.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use crate::{Engine, Result, live::Stop, runner};

/// How often the queue is looked at without having been called: for what other nodes put in.
const POLL: Duration = Duration::from_secs(2);

/// How often is looked for nodes that died.
const LOOK: Duration = Duration::from_secs(5);

/// Puts back what dead processes have left running.
pub(crate) async fn put_back(engine: &Engine) -> Result<()> {
    let mut node = engine.0.node.lock().await;
    let Some(node) = node.as_mut() else { return Ok(()) };
    for (id, state) in node.put_back().await? {
        tracing::info!(execution = %id, %state, "put back what a process that died had left running");
        if state.is_final() {
            engine.0.paths.remove_work_dir(id).await;
        }
        engine.0.live.tell_state(id, state);
        engine.0.queue.notify_one();
    }
    Ok(())
}

/// Does that until the engine shuts down.
pub(crate) async fn look_for_dead_nodes(engine: Engine) {
    loop {
        tokio::select! {
            () = engine.0.stopping.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        if let Err(error) = put_back(&engine).await {
            tracing::error!(%error, "could not look for executions that nobody is at");
        }
    }
}

/// Runs until the engine shuts down.
pub(crate) async fn dispatch(engine: Engine) {
    let permits = Arc::new(Semaphore::new(engine.config().concurrency.max(1)));
    let stopping = engine.0.stopping.clone();
    loop {
        let permit = tokio::select! {
            () = stopping.cancelled() => return,
            permit = permits.clone().acquire_owned() => permit,
        };
        let Ok(permit) = permit else { return };
        match engine
            .0
            .store
            .executions()
            .claim_next(&engine.config().node)
            .await
        {
            Ok(Some(execution)) => {
                let live = engine.0.live.begin(execution.id, engine.0.lease.lock().clone());
                if stopping.is_cancelled() {
                    live.stop(Stop::Shutdown);
                }
                let running = engine.clone();
                engine.0.tasks.spawn(async move {
                    runner::run(&running, execution, &live).await;
                    drop(permit);
                });
            }
            Ok(None) => {
                drop(permit);
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = engine.0.queue.notified() => {}
                    () = tokio::time::sleep(POLL) => {}
                }
            }
            Err(error) => {
                drop(permit);
                tracing::error!(%error, "could not look into the queue");
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep(POLL) => {}
                }
            }
        }
    }
}
