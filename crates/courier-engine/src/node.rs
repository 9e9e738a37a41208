//! This process among those that share the database: it keeps its lease, and takes over from those that died.

use std::{
    collections::HashSet,
    sync::{Arc, OnceLock},
    time::Duration,
};

use courier_store::{
    Kind, Store,
    executions::{Claim, LEASE, Life, Node},
};
use tokio::{
    sync::{Mutex, watch},
    task::AbortHandle,
    time::{sleep, timeout},
};

use crate::{
    Engine, Error, Result,
    lease::{Lease, clock},
    live::Stop,
};

/// How much earlier than the database this node counts its lease as over: long enough to stop what runs, and for two
/// clocks that don't run alike.
const MARGIN: Duration = Duration::from_secs(2);
/// How often the lease is renewed.
const RENEW: Duration = Duration::from_secs(2);
/// How soon after a renewal that failed the next one is tried: a database that is back in time is not to be missed.
const RENEW_AGAIN: Duration = Duration::from_millis(500);
/// How often is looked for nodes that died.
const LOOK: Duration = Duration::from_secs(2);

/// One life of this node, and its lease.
#[derive(Clone, Debug)]
pub(crate) struct Tenure {
    pub(crate) life: Life,
    pub(crate) lease: Lease,
}

/// This process's place among its like.
#[derive(Debug)]
pub(crate) struct Membership {
    node: Arc<Mutex<Option<Node>>>,
    tenure: watch::Sender<Tenure>,
    keeper: OnceLock<AbortHandle>,
}

impl Membership {
    /// Takes a place under this name.
    pub(crate) async fn join(store: &Store, name: &str) -> Result<Self> {
        let asked = clock();
        let node = store.executions().join(name).await.map_err(|e| match e {
            courier_store::Error::Conflict(message) => Error::Conflict(message),
            e => e.into(),
        })?;
        let lease = Lease::until(match store.kind() {
            Kind::Sqlite => Duration::MAX,
            Kind::Postgres => hold(asked),
        });
        let life = node.life();
        Ok(Self {
            node: Arc::new(Mutex::new(Some(node))),
            tenure: watch::Sender::new(Tenure { life, lease }),
            keeper: OnceLock::new(),
        })
    }

    /// The life and the lease of this node, as soon as it has one that is held.
    pub(crate) async fn tenure(&self) -> Tenure {
        let mut changes = self.tenure.subscribe();
        loop {
            let tenure = changes.borrow_and_update().clone();
            if tenure.lease.is_held() {
                return tenure;
            }
            // The sender is in this, and lives.
            let _ = changes.changed().await;
        }
    }

    /// Has it its lease at this moment?
    pub(crate) fn is_held(&self) -> bool {
        self.tenure.borrow().lease.is_held()
    }

    /// Renews the lease from now on, until [`Self::leave`].
    pub(crate) fn keep(&self, engine: &Engine) {
        if engine.0.store.kind() == Kind::Postgres {
            let keeper = tokio::spawn(keep_lease(engine.clone()));
            if self.keeper.set(keeper.abort_handle()).is_err() {
                keeper.abort();
            }
        }
    }

    /// Gives name and lease up. What ran here must have ended, or is about to be put back by others.
    pub(crate) async fn leave(&self) {
        if let Some(keeper) = self.keeper.get() {
            keeper.abort();
        }
        if let Some(node) = self.node.lock().await.take()
            && let Err(error) = node.leave().await
        {
            tracing::debug!(%error, "could not say goodbye to the database");
        }
    }
}

/// Until when a lease is held that was asked for at this time.
fn hold(asked: Duration) -> Duration {
    asked + LEASE.saturating_sub(MARGIN)
}

/// Renews the lease, and begins another life where it was lost. Never ends.
async fn keep_lease(engine: Engine) {
    let membership = &engine.0.node;
    loop {
        let lease = membership.tenure.borrow().lease.clone();
        let asked = clock();
        let mut node = membership.node.lock().await;
        let Some(node) = node.as_mut() else { return };
        let mut wait = RENEW_AGAIN;
        match timeout(RENEW.min(lease.left()), node.renew()).await {
            Ok(Ok(true)) => {
                lease.extend(hold(asked));
                wait = RENEW;
            }
            Ok(Ok(false)) => lease.lose(),
            Ok(Err(error)) => tell_trouble(&lease, &error.to_string()),
            Err(_) => tell_trouble(&lease, "the database doesn't answer"),
        }
        if lease.is_held() {
            let next = (asked + wait).saturating_sub(clock());
            sleep(next.min(lease.left())).await;
        }
        if !lease.is_held() {
            stop_all(&engine, &lease);
            begin_again(membership, node).await;
        }
    }
}

fn tell_trouble(lease: &Lease, error: &str) {
    let left = lease.left().as_secs_f32();
    tracing::warn!(%error, "could not renew this node's lease; what runs here goes on for {left:.1} s");
}

/// Another node may begin soon with what runs here.
fn stop_all(engine: &Engine, lease: &Lease) {
    lease.lose();
    let running = engine.0.live.all();
    tracing::error!(
        executions = running.len(),
        "this node lost its lease: what runs here stops, and is taken up again when the database is there"
    );
    for live in running {
        if !live.is_held() {
            live.stop(Stop::LeaseLost);
        }
    }
}

/// Until it works.
async fn begin_again(membership: &Membership, node: &mut Node) {
    loop {
        let asked = clock();
        let error = match timeout(LEASE, node.begin_again()).await {
            Ok(Ok(())) => {
                tracing::info!("this node has a lease again");
                let (life, lease) = (node.life(), Lease::until(hold(asked)));
                membership.tenure.send_replace(Tenure { life, lease });
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the database doesn't answer".into(),
        };
        tracing::warn!(%error, "this node has no lease, and runs nothing; trying again");
        sleep(RENEW).await;
    }
}

/// Puts back what dead processes have left running.
pub(crate) async fn put_back(engine: &Engine) -> Result<()> {
    for (id, state) in engine.0.store.executions().put_back().await? {
        tracing::warn!(execution = %id, %state, "put back what a process that died had left running");
        engine.0.live.tell_state(id, state);
    }
    Ok(())
}

/// Looks for executions that nobody is at, until the engine shuts down.
pub(crate) async fn look_for_abandoned(engine: Engine) {
    let mut lost = HashSet::new();
    loop {
        tokio::select! {
            () = engine.0.stopping.cancelled() => return,
            () = sleep(LOOK) => {}
        }
        let looked = async {
            // On SQLite nobody else is there.
            if engine.0.store.kind() == Kind::Postgres {
                put_back(&engine).await?;
            }
            put_back_lost(&engine, &mut lost).await
        };
        if let Err(error) = looked.await {
            tracing::error!(%error, "could not look for executions that nobody is at");
        }
    }
}

/// Puts back what this node has taken and doesn't run, at two looks in a row: the database did what it was asked for, and
/// could not say so.
async fn put_back_lost(engine: &Engine, lost: &mut HashSet<Claim>) -> Result<()> {
    let life = engine.0.node.tenure.borrow().life.clone();
    let executions = engine.0.store.executions();
    let mut taken: HashSet<Claim> = executions.held_by(&life).await?.into_iter().collect();
    taken.retain(|claim| engine.0.live.get(claim.execution).is_none());
    for claim in taken.intersection(lost) {
        if let Some(state) = executions.put_back_lost(*claim).await? {
            tracing::warn!(execution = %claim.execution, %state, "put back what nobody was at");
            engine.0.live.tell_state(claim.execution, state);
        }
    }
    *lost = taken;
    Ok(())
}
