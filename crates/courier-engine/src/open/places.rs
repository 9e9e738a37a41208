//! The sessions of a connection on all nodes that share the database: each has a place there, besides its permit here, so
//! that together they are never more than `max_sessions`.

use std::{pin::pin, sync::Arc, time::Duration};

use courier_store::{
    Kind,
    bus::{Heard, Notice},
    session_slots::SessionSlot,
};
use tokio::{runtime::Handle, time::timeout};
use uuid::Uuid;

use super::slots::{Permit, Slot};
use crate::{Engine, Error, Result};

/// How often is asked for a place where nobody says that one is free: words get lost, and nodes die without any.
const LOOK: Duration = Duration::from_secs(1);
/// The longest pause between attempts to give a place back.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A session's place in the database. Given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    engine: Engine,
    slot: SessionSlot,
    /// It was taken, or may have been.
    is_taken: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        // Without a runtime the process ends, and its places with it.
        if self.is_taken && Handle::try_current().is_ok() {
            let give_back = give_back(self.engine.clone(), self.slot);
            self.engine.0.tasks.spawn(give_back);
        }
    }
}

/// A permit with a place, where one is free now.
pub(super) async fn try_take(
    engine: &Engine,
    mut permit: Permit,
    connection: Uuid,
    most: usize,
) -> Result<Option<Permit>> {
    if permit.has_place() || is_alone(engine) {
        return Ok(Some(permit));
    }
    let slot = permit.slot().clone();
    let Some(_turn) = slot.try_turn() else {
        return Ok(None);
    };
    if !engine.0.node.is_held() {
        return Ok(None);
    }
    Ok(match ask(engine, connection, most).await? {
        Some(place) => {
            permit.put(place);
            Some(permit)
        }
        None => None,
    })
}

/// A permit with a place. Waits for both; who waits here gets its turn in order, other nodes come in between.
pub(super) async fn take(
    engine: &Engine,
    slot: &Arc<Slot>,
    connection: Uuid,
    most: usize,
) -> Result<Option<Permit>> {
    let Some(mut permit) = slot.take().await else {
        return Ok(None);
    };
    if is_alone(engine) {
        return Ok(Some(permit));
    }
    let _turn = slot.turn().await;
    let _waiting = slot.waiting();
    loop {
        let mut freed = pin!(slot.freed().notified());
        freed.as_mut().enable();
        if let Some(place) = ask(engine, connection, most).await? {
            permit.put(place);
            return Ok(Some(permit));
        }
        engine.0.store.bus().publish(Notice::SlotWanted { connection });
        let _ = timeout(LOOK, freed).await;
    }
}

/// Has this process its database to itself?
fn is_alone(engine: &Engine) -> bool {
    engine.0.store.kind() == Kind::Sqlite
}

/// On its own, and given back unless it is certain that it was not taken: whoever asks may be dropped, or the answer be lost,
/// when the database has it already.
async fn ask(engine: &Engine, connection: Uuid, most: usize) -> Result<Option<Place>> {
    let life = engine.0.node.tenure().await.life;
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    let place = Place {
        engine: engine.clone(),
        slot: SessionSlot::new(connection),
        is_taken: true,
    };
    let asking = async move {
        let mut place = place;
        let slots = place.engine.0.store.session_slots();
        place.is_taken = slots.take(place.slot, &life, most).await?;
        Ok(Some(place).filter(|place| place.is_taken))
    };
    let asked = engine.0.tasks.spawn(asking).await;
    asked.unwrap_or_else(|error| {
        Err(Error::Internal(format!(
            "a place was not asked for to the end: {error}"
        )))
    })
}

/// A session is closed: whoever waits for its place on any node gets it. Where the database is away, as soon as it is back.
async fn give_back(engine: Engine, slot: SessionSlot) {
    let mut pause = LOOK;
    while let Err(error) = engine.0.store.session_slots().release(slot).await {
        let stopping = engine.0.stopping.is_cancelled();
        tracing::debug!(%error, connection = %slot.connection, "could not give a session's place back");
        if stopping || !error.may_pass() {
            return;
        }
        let _ = timeout(pause, engine.0.stopping.cancelled()).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Hears which places became free, and which are wanted on other nodes, until the engine stops.
pub(crate) async fn hear_of_places(engine: Engine) {
    if is_alone(&engine) {
        return;
    }
    let mut ear = engine.0.store.bus().subscribe();
    let slots = &engine.0.slots;
    loop {
        let heard = tokio::select! {
            () = engine.0.stopping.cancelled() => return,
            heard = ear.next() => heard,
        };
        match heard {
            Some(
                Heard::Here(Notice::Slots { connection }) | Heard::Elsewhere(Notice::Slots { connection }),
            ) => {
                if let Some(slot) = slots.known(connection) {
                    slot.freed().notify_waiters();
                }
            }
            Some(Heard::Elsewhere(Notice::SlotWanted { connection })) => {
                if let Some(slot) = slots.known(connection) {
                    slot.wanted_elsewhere();
                }
            }
            // Whoever waits looks again within a second.
            Some(_) => {}
            None => return,
        }
    }
}
