//! The sessions of one execution: one for each connection, shared by all that ask, closed on every way out
//! (specification 6.4.1).

use std::{collections::HashMap, sync::Arc, time::Duration};

use courier_transfer::{Client, Retry};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::{
    Engine, Error, Result,
    connections::{Effective, Shape},
    open::{Opening, Session, open},
    trust::Purpose,
};

/// The sessions of one execution.
#[derive(Debug)]
pub(crate) struct Sessions {
    engine: Engine,
    execution: Uuid,
    triggered_by: String,
    slots: Mutex<HashMap<Uuid, Slot>>,
}

/// One connection's session. Whoever opens it holds the lock, so that others wait and share it.
type Slot = Arc<Mutex<Option<Session>>>;

impl Sessions {
    pub(crate) fn new(engine: &Engine, execution: Uuid, triggered_by: &str) -> Self {
        Self {
            engine: engine.clone(),
            execution,
            triggered_by: triggered_by.into(),
            slots: Mutex::default(),
        }
    }

    async fn slot(&self, connection: Uuid) -> Slot {
        self.slots.lock().await.entry(connection).or_default().clone()
    }

    /// The session with a connection: the open one, or a new one. A broken one is opened again, up to
    /// `transport_retries` times.
    pub(crate) async fn get(&self, connection: Uuid) -> Result<Arc<dyn Client>> {
        let slot = self.slot(connection).await;
        let mut slot = slot.lock().await;
        if let Some(session) = slot.as_ref().filter(|s| s.client().is_connected()) {
            return Ok(session.client().clone());
        }
        let mut retries = 0;
        if let Some(broken) = slot.take() {
            broken.close().await;
            retries = self.transport_retries(connection).await?;
        }
        let mut attempt = 0;
        let session = loop {
            match self.open(connection).await {
                Ok(session) => break session,
                Err(Error::Transfer(e)) if attempt < retries && e.retry() == Retry::Later => {
                    attempt += 1;
                    tracing::info!(%connection, error = %e, attempt, "could not reconnect; trying again");
                    tokio::time::sleep(Duration::from_secs(1 << attempt)).await;
                }
                Err(e) => return Err(e),
            }
        };
        let client = session.client().clone();
        *slot = Some(session);
        Ok(client)
    }

    async fn open(&self, id: Uuid) -> Result<Session> {
        let connection = self.engine.0.store.connections().get(id).await?;
        let opening = Opening {
            purpose: Purpose::Job(self.execution),
            performed_by: &self.triggered_by,
            draft: None,
            others: Some(self),
        };
        open(&self.engine, &connection, opening).await.1
    }

    /// How often a broken session with this connection may be opened again in a row.
    pub(crate) async fn transport_retries(&self, id: Uuid) -> Result<u64> {
        let connection = self.engine.0.store.connections().get(id).await?;
        let protocol = self.engine.0.protocols.get(&connection.protocol);
        Ok(protocol.map_or(0, |p| {
            Effective::of(&Shape::of(p), &connection).number("transport_retries")
        }))
    }

    /// Gives up a session that doesn't answer any more; the next one who asks gets a new one.
    pub(crate) async fn discard(&self, connection: Uuid) {
        let slot = self.slot(connection).await;
        let slot = slot.lock().await;
        if let Some(session) = slot.as_ref() {
            // It stays in its place, so that the next one knows that it is a reconnect.
            let _ = tokio::time::timeout(Duration::from_secs(1), session.client().disconnect()).await;
        }
    }

    /// Closes those that no step uses now; who wants one again opens it again.
    pub(crate) async fn close_idle(&self) {
        let slots: Vec<Slot> = self.slots.lock().await.values().cloned().collect();
        for slot in slots {
            // One that is being opened, or waited for, is not idle.
            let Ok(mut slot) = slot.try_lock() else {
                continue;
            };
            if let Some(idle) = slot.take_if(|session| session.is_idle()) {
                idle.close().await;
            }
        }
    }

    /// Closes all of them.
    pub(crate) async fn close(&self) {
        let slots: Vec<Slot> = self.slots.lock().await.drain().map(|(_, slot)| slot).collect();
        for slot in slots {
            let session = slot.lock().await.take();
            if let Some(session) = session {
                session.close().await;
            }
        }
    }
}
