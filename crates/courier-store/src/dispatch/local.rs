//! The queue of a process that is alone: a look into the table at each call, and every few seconds without one.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Dispatcher, Handler};
use crate::{
    Result,
    entities::executions::{Column, Entity},
    executions::ExecutionState,
};

/// How often is looked without a call.
const POLL: Duration = Duration::from_secs(2);

/// For SQLite.
#[derive(Debug)]
pub(crate) struct Local {
    db: DatabaseConnection,
    call: Notify,
}

impl Local {
    pub(crate) fn new(db: DatabaseConnection) -> Self {
        Self {
            db,
            call: Notify::new(),
        }
    }

    /// The oldest that wait.
    async fn waiting(&self, limit: usize) -> Result<Vec<Uuid>> {
        let ids = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::State.eq(ExecutionState::Queued.as_str()))
            .order_by_asc(Column::Id)
            .limit(u64::try_from(limit).ok())
            .into_tuple()
            .all(&self.db)
            .await?;
        Ok(ids)
    }
}

#[async_trait]
impl Dispatcher for Local {
    async fn run(&self, concurrency: usize, handler: Arc<dyn Handler>, stop: CancellationToken) {
        let mut calls = JoinSet::new();
        // Until the handler has taken it, an execution that it was called for waits still.
        let mut called: HashMap<tokio::task::Id, Uuid> = HashMap::new();
        loop {
            if called.len() < concurrency {
                match self.waiting(concurrency).await {
                    Ok(waiting) => {
                        for id in waiting {
                            if called.len() < concurrency && !called.values().any(|other| *other == id) {
                                let handler = handler.clone();
                                let call = calls.spawn(async move { handler.run(id).await });
                                called.insert(call.id(), id);
                            }
                        }
                    }
                    Err(error) => tracing::error!(%error, "could not look into the queue"),
                }
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = calls.join_next_with_id() => {
                    called.remove(&ended.map_or_else(|panic| panic.id(), |(task, _)| task));
                }
                () = self.call.notified(), if called.len() < concurrency => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
        while calls.join_next().await.is_some() {}
    }

    fn wake(&self) {
        self.call.notify_one();
    }
}
