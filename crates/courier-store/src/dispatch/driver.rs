//! The database as the queue's worker sees it.
//!
//! A worker ends at the first statement that fails, which would end its calls whenever the database is away for a moment.
//! So statements are repeated here while the database is away. And a worker hears of new jobs by notices, which come from
//! PostgreSQL and from this process alike, and go on after a connection that breaks.

use std::{any::Any, sync::Arc, time::Duration};

use futures::stream;
use graphile_worker::{
    BoxFuture, DatabaseDriver, DbError, DbExecutor, DbParams, DbRow, DbTransaction, Notification,
    NotificationStream, sqlx::SqlxDatabase,
};
use sea_orm::sqlx::{self, PgPool, postgres::PgConnectOptions};
use tokio::{sync::Notify, task::AbortHandle};
use tokio_util::sync::CancellationToken;

use crate::bus::ear::Ear;

/// Before a statement is repeated, or a connection opened again.
const PAUSE: Duration = Duration::from_millis(500);

/// A driver that waits for the database.
#[derive(Debug)]
pub(super) struct Patient {
    driver: SqlxDatabase,
    call: Arc<Notify>,
    stop: CancellationToken,
}

impl Patient {
    /// `call` is notified where there may be something in the queue.
    pub(super) fn new(pool: PgPool, call: Arc<Notify>, stop: CancellationToken) -> Self {
        Self {
            driver: SqlxDatabase::new(pool),
            call,
            stop,
        }
    }

    /// What is lost with an answer can be done again: a job that was taken so is found by the sweep, and all else comes to
    /// the same.
    async fn patiently<'a, T>(
        &self,
        statement: impl Fn() -> BoxFuture<'a, Result<T, DbError>>,
    ) -> Result<T, DbError> {
        loop {
            match statement().await {
                Err(error) if may_pass(&error) && !self.stop.is_cancelled() => {
                    tracing::debug!(%error, "the queue waits for the database");
                    let _ = tokio::time::timeout(PAUSE, self.stop.cancelled()).await;
                }
                result => return result,
            }
        }
    }
}

impl DbExecutor for Patient {
    fn execute<'a>(&'a self, sql: &'a str, params: DbParams) -> BoxFuture<'a, Result<u64, DbError>> {
        Box::pin(self.patiently(move || self.driver.execute(sql, params.clone())))
    }

    fn fetch_all<'a>(&'a self, sql: &'a str, params: DbParams) -> BoxFuture<'a, Result<Vec<DbRow>, DbError>> {
        Box::pin(self.patiently(move || self.driver.fetch_all(sql, params.clone())))
    }
}

impl DatabaseDriver for Patient {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn begin<'a>(&'a self) -> BoxFuture<'a, Result<DbTransaction, DbError>> {
        self.driver.begin()
    }

    fn listen<'a>(&'a self, channel: &'a str) -> BoxFuture<'a, Result<Option<NotificationStream>, DbError>> {
        let options = PgConnectOptions::clone(&self.driver.pool().connect_options());
        let listening = tokio::spawn(listen(options, channel.to_owned(), self.call.clone()));
        let notices = Notices {
            channel: channel.to_owned(),
            call: self.call.clone(),
            listening: listening.abort_handle(),
        };
        let stream = stream::unfold(notices, |notices| async {
            notices.call.notified().await;
            let notification = Notification {
                channel: notices.channel.clone(),
                payload: String::new(),
            };
            Some((Ok(notification), notices))
        });
        Box::pin(async { Ok(Some(Box::pin(stream) as NotificationStream)) })
    }
}

/// Notices for one worker.
struct Notices {
    channel: String,
    call: Arc<Notify>,
    listening: AbortHandle,
}

impl Drop for Notices {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Passes notices on, for ever.
async fn listen(options: PgConnectOptions, channel: String, call: Arc<Notify>) {
    loop {
        if let Err(error) = listen_once(&options, &channel, &call).await {
            tracing::debug!(%error, "the queue can't hear PostgreSQL's notices");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Until the connection breaks.
async fn listen_once(options: &PgConnectOptions, channel: &str, call: &Notify) -> Result<(), sqlx::Error> {
    let mut ear = Ear::open(options, channel).await?;
    loop {
        // At first too, for what was missed.
        call.notify_one();
        ear.next().await?;
    }
}

/// Is the database away, or was this only bad luck? Without a code it is the connection that failed.
fn may_pass(error: &DbError) -> bool {
    match error.code() {
        None => true,
        // Connection exceptions, too many connections, a server that stops or starts, conflicts.
        Some(code) => {
            code.starts_with("08") || ["53300", "57P01", "57P02", "57P03", "40001", "40P01"].contains(&code)
        }
    }
}
