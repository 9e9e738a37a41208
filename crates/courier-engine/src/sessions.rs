//! The sessions of one execution: one for each connection, shared by all that ask, closed on every way out
//! (specification 6.4.1); a broken one is opened again below its client (6.4.2).

mod line;

use std::{collections::HashMap, pin::pin, sync::Arc, time::Duration};

use courier_store::{
    connections::Connection,
    executions::{Claim, Execution},
};
use courier_transfer::{
    Client,
    layers::{Lanes, Parallel, Reconnecting},
};
use tokio::{sync::Mutex, time::timeout};
use uuid::Uuid;

use crate::{
    Engine, Result,
    connections::{Effective, Shape},
    open::{CLOSING, Opening, Permit, Session, open},
    trust::Purpose,
};
use line::Line;

/// The sessions of one execution.
#[derive(Debug)]
pub(crate) struct Sessions(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    engine: Engine,
    claim: Claim,
    triggered_by: String,
    /// Is it the pull of a folder mapping, which is tried again by itself?
    is_pull: bool,
    slots: Mutex<HashMap<Uuid, Slot>>,
}

/// One connection's client. Whoever opens it holds the lock, so that others wait and share it.
type Slot = Arc<Mutex<Option<Shown>>>;

/// A connection's client, as steps use it, and what it stands on.
#[derive(Debug)]
struct Shown {
    client: Arc<dyn Client>,
    line: Arc<Line>,
}

/// Sessions that share one file, at most, however many a connection may have: more bring nothing, and servers take many
/// at once for an attack.
const MOST_LANES: usize = 8;
/// How often a step that waits for a place is excused; less than the shortest `timeout_sec`.
const EXCUSE: Duration = Duration::from_millis(250);

impl Sessions {
    pub(crate) fn new(engine: &Engine, execution: &Execution) -> Self {
        Self(Arc::new(Shared {
            engine: engine.clone(),
            claim: execution.claim(),
            triggered_by: execution.triggered_by.clone(),
            is_pull: execution.mapping_id.is_some(),
            slots: Mutex::default(),
        }))
    }

    /// The client of a connection: the one that is there, or a new one over a new session. It opens its session again
    /// by itself where that breaks, and shares big files among several, within the connection's settings.
    pub(crate) async fn get(&self, connection: Uuid) -> Result<Arc<dyn Client>> {
        self.0.get(connection).await
    }

    /// Is it the pull of a folder mapping? That waits for no place longer than a moment, which others could have meanwhile: the
    /// next tick tries again.
    pub(crate) fn is_pull(&self) -> bool {
        self.0.is_pull
    }

    /// Notes in the execution's history what it waits for, and why.
    pub(crate) async fn note_wait(&self, why: &str) {
        let (engine, claim) = (&self.0.engine, self.0.claim);
        tracing::info!(execution = %claim.execution, why, "an execution waits");
        if let Err(error) = engine.0.store.executions().remark(claim, why).await {
            tracing::debug!(execution = %claim.execution, %error, "could not note why an execution waits");
        }
    }

    /// What a wait for a place comes to. A step that waits for its turn doesn't fail for want of progress.
    pub(crate) async fn wait<T>(&self, wait: impl Future<Output = T>) -> T {
        let mut wait = pin!(wait);
        loop {
            let waited = timeout(EXCUSE, &mut wait).await;
            if let Some(live) = self.0.engine.0.live.get(self.0.claim.execution) {
                live.excuse();
            }
            if let Ok(done) = waited {
                return done;
            }
        }
    }

    /// The client of a connection, where one is there and has its session.
    pub(crate) async fn connected(&self, connection: Uuid) -> Option<Arc<dyn Client>> {
        let slot = self.0.slots.lock().await.get(&connection)?.clone();
        let shown = slot.lock().await;
        let client = shown.as_ref().map(|shown| shown.client.clone());
        client.filter(|client| client.is_connected())
    }

    /// Closes those that no step uses now; who wants one again opens it again.
    pub(crate) async fn close_idle(&self) {
        self.0.close_idle().await;
    }

    /// Closes all of them.
    pub(crate) async fn close(&self) {
        let slots: Vec<Slot> = self.0.slots.lock().await.drain().map(|(_, slot)| slot).collect();
        let all = slots.into_iter().map(|slot| async move {
            let shown = slot.lock().await.take();
            if let Some(shown) = shown {
                shown.close().await;
            }
        });
        futures::future::join_all(all).await;
    }
}

impl Shared {
    async fn get(self: &Arc<Self>, id: Uuid) -> Result<Arc<dyn Client>> {
        let slot = self.slots.lock().await.entry(id).or_default().clone();
        let mut slot = slot.lock().await;
        if let Some(shown) = slot.as_ref().filter(|shown| shown.client.is_connected()) {
            return Ok(shown.client.clone());
        }
        // Its reconnects were used up, or are not wanted: whoever asks begins anew.
        if let Some(broken) = slot.take() {
            broken.close().await;
        }
        let connection = self.record(id).await?;
        let purpose = Purpose::Job(self.claim.execution);
        let session = self.open(&connection, purpose, None).await?;
        let first = session.client().clone();
        let line = Line::new(self, id, session);
        let (retries, most) = self.limits(&connection);
        let client: Arc<dyn Client> = Arc::new(Reconnecting::new(first, line.clone(), retries));
        let client: Arc<dyn Client> =
            Arc::new(Parallel::new(client, line.clone(), Lanes::Automatic { most }));
        *slot = Some(Shown {
            client: client.clone(),
            line,
        });
        Ok(client)
    }

    async fn record(&self, connection: Uuid) -> Result<Connection> {
        Ok(self.engine.0.store.connections().get(connection).await?)
    }

    async fn open(
        self: &Arc<Self>,
        connection: &Connection,
        purpose: Purpose,
        permit: Option<Permit>,
    ) -> Result<Session> {
        let others = Sessions(self.clone());
        let opening = Opening {
            purpose,
            performed_by: &self.triggered_by,
            draft: None,
            others: Some(&others),
            permit,
        };
        // Boxed, since it is a large future.
        Box::pin(open(&self.engine, connection, opening)).await.1
    }

    /// Reconnects in a row without progress, and sessions for one file, at most.
    fn limits(&self, connection: &Connection) -> (u32, usize) {
        let Some(protocol) = self.engine.0.protocols.get(&connection.protocol) else {
            return (0, 1);
        };
        let effective = Effective::of(&Shape::of(protocol), connection);
        let number = |name| u32::try_from(effective.number(name)).unwrap_or(u32::MAX);
        let most = usize::try_from(number("max_sessions")).unwrap_or(MOST_LANES);
        (number("transport_retries"), most.min(MOST_LANES))
    }

    async fn close_idle(&self) {
        let slots: Vec<Slot> = self.slots.lock().await.values().cloned().collect();
        for slot in slots {
            // One that is being opened, or waited for, is not idle.
            let Ok(mut slot) = slot.try_lock() else {
                continue;
            };
            if let Some(idle) = slot.take_if(|shown| shown.is_idle()) {
                idle.close().await;
            }
        }
    }
}

impl Shown {
    /// Does nobody use it now?
    fn is_idle(&self) -> bool {
        Arc::strong_count(&self.client) <= 1
    }

    async fn close(self) {
        // A transfer that was dropped may still be removing what it left on the server.
        let others_done = async {
            while !self.is_idle() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let _ = timeout(CLOSING, others_done).await;
        self.line.close().await;
    }
}
