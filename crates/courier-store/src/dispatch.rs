//! The queue's other end: calls whoever runs executions for each that waits.
//!
//! What goes through here is only an execution's id. That it waits is written in its row, and who runs it is decided
//! there, by [`Executions::claim`](crate::executions::Executions::claim): a call that is lost or comes twice does no harm.

mod driver;
mod local;
mod postgres;

use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use sea_orm::{ConnectionTrait, DbBackend};

pub(crate) use local::Local;
pub(crate) use postgres::{Postgres, migrate as migrate_postgres};

use crate::Result;

/// Calls for executions that wait.
#[async_trait]
pub trait Dispatcher: Debug + Send + Sync {
    /// Calls the handler for each execution that waits, the oldest first, at most `concurrency` at once, until `stop`;
    /// then waits for the calls that are under way.
    async fn run(&self, concurrency: usize, handler: Arc<dyn Handler>, stop: CancellationToken);

    /// Something was put into the queue by this process, or a place here is free.
    fn wake(&self);
}

/// Who runs executions.
#[async_trait]
pub trait Handler: Debug + Send + Sync {
    /// Runs this execution, if it waits still, and answers when it runs here no more, or takes no place for a while.
    async fn run(&self, execution: Uuid) -> Handled;
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handled {
    /// The execution was taken here, or didn't wait any more.
    Done,
    /// It waits still, and can't be run here: somebody else is to be called.
    NotHere,
}

/// An execution waits, from the commit of this transaction on. On PostgreSQL all nodes are called; on SQLite there is only
/// this process, whose dispatcher is to be woken after the commit.
pub(crate) async fn announce(db: &impl ConnectionTrait, execution: Uuid) -> Result<()> {
    match db.get_database_backend() {
        DbBackend::Postgres => postgres::announce(db, execution).await,
        _ => Ok(()),
    }
}
