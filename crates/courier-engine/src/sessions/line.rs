//! What one client of an execution stands on: the session in use, those that came before it, and those beside it.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use courier_transfer::{Client, Connector, Error as TransferError, ErrorKind, Retry, Scout};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Shared;
use crate::{
    Error, Result,
    open::{Session, spare},
    trust::{Purpose, for_transfer},
};

/// Opens the sessions of one client, and closes them.
#[derive(Debug)]
pub(super) struct Line {
    execution: Weak<Shared>,
    connection: Uuid,
    /// The one in use, or the broken one that another is to replace. Held by whoever opens that.
    session: tokio::sync::Mutex<Option<Session>>,
    /// Those beside it; none once the line is closed.
    lanes: Mutex<Option<Vec<Session>>>,
    /// Opens those beside it.
    beside: Scout,
    closed: CancellationToken,
}

impl Line {
    /// A line whose first session is open.
    pub(super) fn new(execution: &Arc<Shared>, connection: Uuid, session: Session) -> Arc<Self> {
        Arc::new(Self {
            execution: Arc::downgrade(execution),
            connection,
            session: tokio::sync::Mutex::new(Some(session)),
            lanes: Mutex::new(Some(Vec::new())),
            beside: Scout::default(),
            closed: CancellationToken::new(),
        })
    }

    /// Closes its sessions, and opens no more.
    pub(super) async fn close(&self) {
        self.closed.cancel();
        let lanes = self.lanes.lock().take().unwrap_or_default();
        let session = self.session.lock().await.take();
        close_all(lanes.into_iter().chain(session)).await;
    }

    /// What `work` comes to, unless the line is closed meanwhile.
    async fn while_open<T>(&self, work: impl Future<Output = Result<T>>) -> courier_transfer::Result<T> {
        tokio::select! {
            biased;
            () = self.closed.cancelled() => Err(closed()),
            result = work => result.map_err(|error| match error {
                Error::Store(error) if error.may_pass() => TransferError::new(
                    ErrorKind::Failed,
                    format!("no session could be opened: {error}"),
                )
                .with_retry(Retry::Later),
                // They say of themselves what is wrong, and what to do.
                error @ (Error::ConnectionNotUsable(_)
                | Error::InsecureHostKeyInFips
                | Error::InsecureTlsInFips
                | Error::InsecureTrustInProduction(_)) => {
                    TransferError::new(ErrorKind::Failed, error.to_string())
                }
                error => for_transfer(error),
            }),
        }
    }

    fn execution(&self) -> Result<Arc<Shared>> {
        self.execution.upgrade().ok_or_else(|| closed().into())
    }

    async fn replace(&self, session: &mut Option<Session>) -> Result<Arc<dyn Client>> {
        let mut permit = None;
        if let Some(broken) = session {
            broken.close().await;
            permit = broken.take_permit();
            *session = None;
        }
        let execution = self.execution()?;
        let purpose = Purpose::Job(execution.claim.execution);
        let connection = execution.record(self.connection).await?;
        let opened = execution.open(&connection, purpose, permit).await?;
        // The connection may lead to another server now.
        let of_another = |lane: &mut Session| lane.version() != opened.version();
        let others: Vec<Session> = match &mut *self.lanes.lock() {
            Some(lanes) => lanes.extract_if(.., of_another).collect(),
            None => Vec::new(),
        };
        close_all(others).await;
        let client = opened.client().clone();
        *session = Some(opened);
        Ok(client)
    }

    /// Servers lock accounts: the first one tells for the others whether the credentials serve for more than one session.
    async fn add_lane(&self) -> Result<Option<Arc<dyn Client>>> {
        self.beside.open(|| self.open_lane()).await
    }

    async fn open_lane(&self) -> Result<Option<Arc<dyn Client>>> {
        let execution = self.execution()?;
        let connection = execution.record(self.connection).await?;
        let Some(version) = self.session.lock().await.as_ref().map(Session::version) else {
            return Ok(None);
        };
        let Some(permit) = spare(&execution.engine, &connection).await? else {
            return Ok(None);
        };
        let purpose = Purpose::Lane(execution.claim.execution);
        let mut lane = execution.open(&connection, purpose, Some(permit)).await?;
        if lane.version() != version {
            // It may lead to another server than the session that it is to share a file with.
            lane.close().await;
            return Ok(None);
        }
        let client = lane.client().clone();
        let late = match &mut *self.lanes.lock() {
            Some(lanes) => {
                lanes.push(lane);
                None
            }
            None => Some(lane),
        };
        match late {
            None => Ok(Some(client)),
            Some(mut lane) => {
                lane.close().await;
                Ok(None)
            }
        }
    }
}

#[async_trait]
impl Connector for Line {
    async fn connect(&self) -> courier_transfer::Result<Arc<dyn Client>> {
        self.while_open(async {
            let mut session = self.session.lock().await;
            self.replace(&mut session).await
        })
        .await
    }

    async fn another(&self) -> courier_transfer::Result<Option<Arc<dyn Client>>> {
        self.while_open(self.add_lane()).await
    }

    async fn release(&self, client: Arc<dyn Client>) {
        let ended: Vec<Session> = match &mut *self.lanes.lock() {
            Some(lanes) => lanes
                .extract_if(.., |lane| Arc::ptr_eq(lane.client(), &client))
                .collect(),
            None => Vec::new(),
        };
        close_all(ended).await;
    }

    async fn wanted(&self) {
        match self.execution.upgrade() {
            Some(execution) => execution.engine.0.slots.wanted(self.connection).await,
            None => std::future::pending().await,
        }
    }
}

async fn close_all(sessions: impl IntoIterator<Item = Session>) {
    futures::future::join_all(sessions.into_iter().map(|mut session| async move {
        session.close().await;
    }))
    .await;
}

fn closed() -> TransferError {
    TransferError::new(
        ErrorKind::Cancelled,
        "the execution has ended, or waits for another session, and this one is closed",
    )
}
