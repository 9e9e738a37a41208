//! The queue on PostgreSQL: `graphile_worker`, with one job for each execution that waits.
//!
//! A job is only the call to run an execution, and its key is the execution's id. It is added in the transaction that
//! queues the execution, and the commit notifies every node. A node takes a job out only while it has a free place, and
//! keeps it until the execution has ended here; the jobs of a node that died are released to the others.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use graphile_worker::{
    Database, IntoTaskHandlerResult, TaskHandler, WorkerContext, WorkerOptions, WorkerRecoveryConfig,
    WorkerUtils, worker_utils::types::CleanupTask,
};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, FromQueryResult, Statement,
    TransactionTrait,
};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Dispatcher, Handled, Handler, driver::Patient};
use crate::{Error, Result};

/// Where its tables and functions are, apart from Courier's. The role that Courier connects as makes it at the first start.
const SCHEMA: &str = "courier_queue";
/// How often is looked without a notice.
const POLL: Duration = Duration::from_secs(2);
/// How often is looked for executions that wait, and that nobody is called for.
const SWEEP: Duration = Duration::from_secs(10);
/// Those that are found at once.
const SWEPT: i64 = 500;
/// Before the worker is started again that ended by an error.
const PAUSE: Duration = Duration::from_secs(1);

/// For PostgreSQL.
#[derive(Debug)]
pub(crate) struct Postgres {
    db: DatabaseConnection,
    call: Arc<Notify>,
}

impl Postgres {
    pub(crate) fn new(db: DatabaseConnection) -> Self {
        Self {
            db,
            call: Arc::new(Notify::new()),
        }
    }

    /// Runs a worker until `stop`, or until it fails.
    async fn work(
        &self,
        places: usize,
        calls: Calls,
        stop: CancellationToken,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let pool = self.db.get_postgres_connection_pool();
        let driver = Patient::new(pool.clone(), self.call.clone(), stop.clone());
        let recovery = WorkerRecoveryConfig::default()
            .heartbeat_interval(Duration::from_secs(3))
            .sweep_interval(Duration::from_secs(5))
            .sweep_threshold(Duration::from_secs(20))
            .recovery_delay(Duration::ZERO);
        let worker = WorkerOptions::default()
            .database(Database::new(driver))
            .schema(SCHEMA)
            .concurrency(places)
            .poll_interval(POLL)
            .worker_recovery(recovery)
            .listen_os_shutdown_signals(false)
            .shutdown_signal(stop.cancelled_owned())
            .shutdown_interrupted_job_retry_delay(Duration::ZERO)
            .add_extension(calls)
            .define_job::<Run>()
            .init()
            .await?;
        Ok(worker.run().await?)
    }
}

#[async_trait]
impl Dispatcher for Postgres {
    async fn run(&self, concurrency: usize, handler: Arc<dyn Handler>, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(concurrency));
        let calls = Calls {
            db: self.db.clone(),
            call: self.call.clone(),
            places: places.clone(),
            handler,
            stop: stop.clone(),
        };
        let work = async {
            loop {
                let ended = self.work(concurrency, calls.clone(), stop.clone()).await;
                if stop.is_cancelled() {
                    return;
                }
                if let Err(error) = ended {
                    tracing::error!(%error, "the queue's worker failed, and is started again");
                }
                let _ = tokio::time::timeout(PAUSE, stop.cancelled()).await;
            }
        };
        tokio::join!(work, sweep(&self.db, &stop));
        // What a worker that ended doesn't wait for any more.
        let all = u32::try_from(concurrency).unwrap_or(u32::MAX);
        let _ = places.acquire_many(all).await;
    }

    fn wake(&self) {
        self.call.notify_one();
    }
}

/// The job: run this execution.
#[derive(Debug, Serialize, Deserialize)]
struct Run {
    execution: Uuid,
}

impl TaskHandler for Run {
    const IDENTIFIER: &'static str = "run";

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        match context.get_ext::<Calls>() {
            Some(calls) => calls.clone().handle(self.execution).await,
            None => Err(Error::Schema("the queue's worker has no handler".into())),
        }
    }
}

/// What a job needs to be done.
#[derive(Clone, Debug)]
struct Calls {
    db: DatabaseConnection,
    call: Arc<Notify>,
    /// As many as executions may run here. The worker has as many slots, but forgets what it had called for where it
    /// stops by an error.
    places: Arc<Semaphore>,
    handler: Arc<dyn Handler>,
    stop: CancellationToken,
}

impl Calls {
    async fn handle(self, execution: Uuid) -> Result<()> {
        let place = tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            place = self.places.clone().acquire_owned() => place.ok(),
        };
        let handled = match place {
            None => Handled::NotHere,
            Some(place) => {
                let handler = self.handler.clone();
                // On its own: the worker drops this when it has stopped for a while.
                let handling = tokio::spawn(async move {
                    let _place = place;
                    handler.run(execution).await
                });
                handling.await.unwrap_or(Handled::Done)
            }
        };
        if handled == Handled::NotHere {
            announce(&self.db, execution).await?;
        }
        // A worker looks for one job at each notice, so the next one has to be asked for.
        self.call.notify_one();
        Ok(())
    }
}

/// Makes the queue's tables, or brings them up to date. To be called under the lock of migrations.
pub(crate) async fn migrate(db: &DatabaseConnection) -> Result<()> {
    let utils = WorkerUtils::new(db.get_postgres_connection_pool(), SCHEMA);
    utils.migrate().await.map_err(|error| {
        Error::Schema(format!(
            "the queue's tables, in the schema {SCHEMA}, can't be made: {error}; the role that Courier connects as needs the \
             right to create schemas in the database (GRANT CREATE ON DATABASE)"
        ))
    })
}

/// Calls for an execution that waits, from the commit of this transaction on. A call that was made before is replaced;
/// where somebody is at that one, this is one more.
pub(crate) async fn announce(db: &impl ConnectionTrait, execution: Uuid) -> Result<()> {
    // The oldest first. No clock of another machine may put it off.
    let call = Statement::from_sql_and_values(
        DbBackend::Postgres,
        format!(
            "SELECT {SCHEMA}.add_job(
                'run',
                payload => json_build_object('execution', $1::uuid),
                job_key => $1::text,
                max_attempts => 1000,
                run_at => (SELECT least(now(), to_timestamp(queued_at / 1000000.0)) FROM executions WHERE id = $1)
            ) IS NULL"
        ),
        [execution.into()],
    );
    db.execute_raw(call).await?;
    Ok(())
}

/// Looks for executions that wait and that nobody is called for, until `stop`: those of a backup, and those whose call was
/// lost.
async fn sweep(db: &DatabaseConnection, stop: &CancellationToken) {
    loop {
        if let Err(error) = sweep_once(db).await {
            tracing::warn!(%error, "could not look for executions that wait and that nobody is called for");
        }
        if tokio::time::timeout(SWEEP, stop.cancelled()).await.is_ok() {
            return;
        }
    }
}

#[derive(FromQueryResult)]
struct Waiting {
    id: Uuid,
}

async fn sweep_once(db: &DatabaseConnection) -> Result<()> {
    // Somebody who has had a call for long, and left it waiting, has never heard of it. One that failed, since the database
    // was away, is put off by the queue for longer each time.
    let forgotten = Statement::from_sql_and_values(
        DbBackend::Postgres,
        format!(
            "SELECT id FROM executions WHERE state = 'queued' AND NOT EXISTS (
                SELECT FROM {SCHEMA}._private_jobs AS jobs
                WHERE jobs.key = executions.id::text AND jobs.attempts < jobs.max_attempts AND jobs.run_at <= now()
                AND (jobs.locked_at IS NULL OR jobs.locked_at > now() - $1 * interval '1 second')
            ) ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED"
        ),
        [SWEEP.as_secs_f64().into(), SWEPT.into()],
    );
    let transaction: DatabaseTransaction = db.begin().await?;
    for waiting in Waiting::find_by_statement(forgotten).all(&transaction).await? {
        announce(&transaction, waiting.id).await?;
        tracing::info!(execution = %waiting.id, "an execution waited, and nobody was called for it");
    }
    transaction.commit().await?;
    // Calls that were replaced while a node was at them that died.
    let utils = WorkerUtils::new(db.get_postgres_connection_pool(), SCHEMA);
    let cleaned = utils.cleanup(&[CleanupTask::DeletePermanentlyFailedJobs]).await;
    cleaned.map_err(|error| Error::Schema(error.to_string()))
}
