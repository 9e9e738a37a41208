//! A connection that listens.

use std::time::Duration;

use sea_orm::sqlx::{
    self, Executor,
    pool::PoolOptions,
    postgres::{PgConnectOptions, PgListener, PgNotification},
};
use tokio::time::timeout;

/// How long it may be silent before it is asked whether it is still there, and how long it may take to answer.
const SILENCE: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(5);
/// A process that lost its power would otherwise stay among the listeners for hours, and PostgreSQL keeps notices until all
/// listeners have them.
const KEEPALIVE: &str =
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 4";

/// Listens to one channel until it breaks.
#[derive(Debug)]
pub(crate) struct Ear(PgListener);

impl Ear {
    /// Listens from now on, on a connection of its own.
    pub(crate) async fn open(options: &PgConnectOptions, channel: &str) -> Result<Self, sqlx::Error> {
        let pool = PoolOptions::<sqlx::Postgres>::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute(KEEPALIVE).await.map(drop) })
            })
            .connect_lazy_with(options.clone());
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.eager_reconnect(false);
        listener.listen(channel).await?;
        Ok(Self(listener))
    }

    /// The next notice. After an error there are no more.
    pub(crate) async fn next(&mut self) -> Result<PgNotification, sqlx::Error> {
        loop {
            match timeout(SILENCE, self.0.try_recv()).await {
                Ok(Ok(Some(notice))) => return Ok(notice),
                Ok(Ok(None)) => return Err(sqlx::Error::PoolClosed),
                Ok(Err(error)) => return Err(error),
                // A network that swallows packets looks like silence.
                Err(_) => match timeout(ANSWER, self.0.execute("SELECT 1")).await {
                    Ok(answer) => _ = answer?,
                    Err(_) => return Err(sqlx::Error::PoolTimedOut),
                },
            }
        }
    }
}
