//! How many sessions each connection has on this node.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use courier_store::connections::Connection;
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::{MutexGuard, Notify, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore, watch};
use uuid::Uuid;

use super::places::Place;

/// Counts the sessions of each connection on this node.
#[derive(Debug, Default)]
pub(crate) struct Slots(Mutex<HashMap<Uuid, Arc<Slot>>>);

/// The sessions of one connection. Who waits gets its turn in order.
#[derive(Debug)]
pub(super) struct Slot {
    free: Arc<Semaphore>,
    limit: Mutex<Limit>,
    open: AtomicUsize,
    /// One was closed, here or on another node.
    freed: Notify,
    demand: watch::Sender<Demand>,
    /// Held by whoever is the next of this node to get a place among those of all nodes.
    turn: tokio::sync::Mutex<()>,
    /// Held by whoever logs in, of those that do so one after the other.
    login: Arc<tokio::sync::Mutex<()>>,
    rejected: Mutex<Option<State>>,
    /// As the connection was changed last, its server rejects a second session's credentials.
    alone: Mutex<Option<Timestamp>>,
}

/// Who waits for one.
#[derive(Debug, Default)]
struct Demand {
    /// So many here.
    here: usize,
    /// Somebody on another node, who said so then.
    elsewhere: Option<Instant>,
}

/// How long counts what another node said. While somebody waits there, it says so each second.
const HEARSAY: Duration = Duration::from_millis(1500);

impl Demand {
    fn is_there(&self) -> bool {
        self.here > 0 || self.is_elsewhere()
    }

    fn is_elsewhere(&self) -> bool {
        self.elsewhere.is_some_and(|said| said.elapsed() < HEARSAY)
    }
}

/// A connection as it was changed, and came up, last.
type State = (Timestamp, Option<Timestamp>);

fn state(connection: &Connection) -> State {
    (connection.updated_at, connection.last_ok_at)
}

#[derive(Debug)]
struct Limit {
    max: usize,
    /// So many more than `max` are in use: the maximum was lowered meanwhile. They are not given to anybody again.
    surplus: usize,
}

/// One session of a connection; dropped, it is somebody else's turn.
#[derive(Debug)]
pub(crate) struct Permit {
    slot: Arc<Slot>,
    permit: Option<OwnedSemaphorePermit>,
    /// Among the sessions of all nodes.
    place: Option<Place>,
    /// Its session is open.
    is_open: bool,
}

impl Slots {
    /// The sessions of this connection, of which there may be `max` from now on.
    pub(super) fn of(&self, connection: Uuid, max: usize) -> Arc<Slot> {
        let slot = self
            .0
            .lock()
            .entry(connection)
            .or_insert_with(|| {
                Arc::new(Slot {
                    free: Arc::new(Semaphore::new(max)),
                    limit: Mutex::new(Limit { max, surplus: 0 }),
                    open: AtomicUsize::new(0),
                    freed: Notify::new(),
                    demand: watch::Sender::default(),
                    turn: tokio::sync::Mutex::default(),
                    login: Arc::default(),
                    rejected: Mutex::default(),
                    alone: Mutex::default(),
                })
            })
            .clone();
        slot.set_max(max);
        slot
    }

    /// Those of this connection, where it has had any here.
    pub(super) fn known(&self, connection: Uuid) -> Option<Arc<Slot>> {
        self.0.lock().get(&connection).cloned()
    }

    /// Ends when somebody waits for a session of this connection.
    pub(crate) async fn wanted(&self, connection: Uuid) {
        match self.known(connection) {
            Some(slot) => slot.wanted().await,
            None => std::future::pending().await,
        }
    }
}

impl Slot {
    fn set_max(&self, max: usize) {
        let mut limit = self.limit.lock();
        if max > limit.max {
            let more = max - limit.max;
            let kept = more.min(limit.surplus);
            limit.surplus -= kept;
            self.free.add_permits(more - kept);
        } else {
            let fewer = limit.max - max;
            limit.surplus += fewer - self.free.forget_permits(fewer);
        }
        limit.max = max;
    }

    /// One, if one is free and nobody waits for it.
    pub(super) fn try_take(self: &Arc<Self>) -> Option<Permit> {
        let permit = self.free.clone().try_acquire_owned().ok()?;
        Some(self.permit(permit))
    }

    /// Waits for one. `None` is never the answer, since nobody closes the semaphore.
    pub(super) async fn take(self: &Arc<Self>) -> Option<Permit> {
        let _waiting = self.waiting();
        let permit = self.free.clone().acquire_owned().await.ok()?;
        Some(self.permit(permit))
    }

    /// So many are open here, those that are being opened left out.
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Notified when one is closed.
    pub(super) fn freed(&self) -> &Notify {
        &self.freed
    }

    /// Counts somebody who waits for one, for others to make room, until the answer is dropped.
    pub(super) fn waiting(&self) -> Waiting<'_> {
        self.demand.send_modify(|demand| demand.here += 1);
        Waiting(self)
    }

    /// Somebody waits for one on another node.
    pub(super) fn wanted_elsewhere(&self) {
        self.demand
            .send_modify(|demand| demand.elsewhere = Some(Instant::now()));
    }

    /// The turn to ask for a place among those of all nodes, where nobody has it.
    pub(super) fn try_turn(&self) -> Option<MutexGuard<'_, ()>> {
        self.turn.try_lock().ok()
    }

    /// The turn to ask for a place among those of all nodes.
    pub(super) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// The turn to log in, of those that do so one after the other.
    pub(super) async fn login(&self) -> OwnedMutexGuard<()> {
        self.login.clone().lock_owned().await
    }

    /// Ends when somebody waits for one.
    async fn wanted(&self) {
        // Fails only where this is dropped.
        let _ = self.demand.subscribe().wait_for(Demand::is_there).await;
    }

    /// Does the server take a second session beside the first, as far as is known, and nobody else want it?
    pub(super) fn takes_more(&self, connection: &Connection) -> bool {
        *self.alone.lock() != Some(connection.updated_at) && !self.demand.borrow().is_elsewhere()
    }

    /// Notes that it rejected the credentials of a second session, while the first one's are good. Such logins must not
    /// be repeated either, until somebody has changed the connection.
    pub(super) fn note_alone(&self, connection: &Connection) {
        *self.alone.lock() = Some(connection.updated_at);
    }

    fn permit(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Permit {
        Permit {
            slot: self.clone(),
            permit: Some(permit),
            place: None,
            is_open: false,
        }
    }
}

/// Counts somebody who waits, until it is dropped.
#[derive(Debug)]
pub(super) struct Waiting<'a>(&'a Slot);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0
            .demand
            .send_modify(|demand| demand.here = demand.here.saturating_sub(1));
    }
}

impl Permit {
    /// The sessions that this is one of.
    pub(super) fn slot(&self) -> &Arc<Slot> {
        &self.slot
    }

    /// Notes whether its session is open.
    pub(super) fn set_open(&mut self, is_open: bool) {
        match (self.is_open, is_open) {
            (false, true) => self.slot.open.fetch_add(1, Ordering::Relaxed),
            (true, false) => self.slot.open.fetch_sub(1, Ordering::Relaxed),
            _ => return,
        };
        self.is_open = is_open;
    }

    /// Has its session a place among those of all nodes?
    pub(super) fn has_place(&self) -> bool {
        self.place.is_some()
    }

    /// Gives its session a place among those of all nodes.
    pub(super) fn put(&mut self, place: Place) {
        self.place = Some(place);
    }

    /// Notes that the server rejected the connection's credentials, for somebody who may not change its health. Such
    /// logins must not be repeated either: servers lock accounts.
    pub(super) fn note_rejected(&self, connection: &Connection) {
        *self.slot.rejected.lock() = Some(state(connection));
    }

    /// Has that happened, and the connection neither changed nor come up since?
    pub(super) fn was_rejected(&self, connection: &Connection) -> bool {
        *self.slot.rejected.lock() == Some(state(connection))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.set_open(false);
        // Under the lock, so that nobody changes the maximum between the look and the deed.
        let mut limit = self.slot.limit.lock();
        let Some(permit) = self.permit.take() else {
            return;
        };
        if limit.surplus > 0 {
            limit.surplus -= 1;
            permit.forget();
        } else {
            drop(permit);
        }
        drop(limit);
        self.slot.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many can be taken.
    fn free(slot: &Arc<Slot>) -> usize {
        std::iter::from_fn(|| slot.try_take()).collect::<Vec<_>>().len()
    }

    #[test]
    fn a_changed_maximum_counts_those_in_use() {
        let (slots, id) = (Slots::default(), Uuid::now_v7());
        let slot = slots.of(id, 3);
        let mut used: Vec<Permit> = std::iter::from_fn(|| slot.try_take()).collect();
        assert_eq!(used.len(), 3);
        assert_eq!(free(&slots.of(id, 1)), 0);
        used.truncate(1);
        assert_eq!(free(&slots.of(id, 1)), 0, "one of one is in use");
        assert_eq!(free(&slots.of(id, 4)), 3);
        assert_eq!(free(&slots.of(id, 2)), 1);
        used.clear();
        assert_eq!(free(&slots.of(id, 2)), 2);
        assert_eq!(free(&slots.of(Uuid::now_v7(), 1)), 1, "another connection's");
    }

    #[test]
    fn a_maximum_that_goes_down_and_up_again_adds_nothing() {
        let (slots, id) = (Slots::default(), Uuid::now_v7());
        let used: Vec<Permit> = {
            let slot = slots.of(id, 2);
            std::iter::from_fn(|| slot.try_take()).collect()
        };
        for max in [1, 2, 1, 2] {
            assert_eq!(free(&slots.of(id, max)), 0);
        }
        drop(used);
        assert_eq!(free(&slots.of(id, 2)), 2);
    }

    #[tokio::test]
    async fn who_waits_is_heard_and_comes_first() {
        let slot = Slots::default().of(Uuid::now_v7(), 1);
        let used = slot.try_take().unwrap();
        let waiting = tokio::spawn({
            let slot = slot.clone();
            async move { slot.take().await }
        });
        slot.wanted().await;
        drop(used);
        assert_eq!(free(&slot), 0, "it is somebody else's turn");
        let next = waiting.await.unwrap();
        assert_eq!(slot.demand.borrow().here, 0);
        drop(next);
        assert_eq!(free(&slot), 1);
    }
}
