//! Takes executions out of the queue, as many at once as the configuration allows.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use crate::{Engine, live::Stop, runner};

/// How often the queue is looked at without having been called: for what other nodes put in.
const POLL: Duration = Duration::from_secs(2);

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
                let live = engine.0.live.begin(execution.id);
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
