//! The places of this node: as many executions as it has may work here at once, and some more may wait.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// So many may wait aside. Each looks after its execution in the database every second.
const ASIDE: usize = 200;

/// The places of this node.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    working: Arc<Semaphore>,
    aside: Arc<Semaphore>,
}

impl Places {
    /// So many, but at least one.
    pub(crate) fn new(working: usize) -> Self {
        Self {
            working: Arc::new(Semaphore::new(working.max(1))),
            aside: Arc::new(Semaphore::new(ASIDE)),
        }
    }

    /// Waits for one. Who waited aside and wants to go on has its turn before those that come later.
    pub(crate) async fn take(&self) -> Place {
        let place = Place {
            places: self.clone(),
            taken: Mutex::default(),
            left: CancellationToken::new(),
        };
        place.retake().await;
        place
    }
}

/// The place of an execution.
#[derive(Debug)]
pub(crate) struct Place {
    places: Places,
    /// One to work, or one aside.
    taken: Mutex<Option<OwnedSemaphorePermit>>,
    left: CancellationToken,
}

impl Place {
    /// Another may have it until it is taken again; where too many wait aside already, it stays.
    pub(super) fn step_aside(&self) {
        if let Ok(aside) = self.places.aside.clone().try_acquire_owned() {
            *self.taken.lock() = Some(aside);
            self.left.cancel();
        }
    }

    /// Waits until one is free again.
    pub(super) async fn retake(&self) {
        // They are never closed.
        let taken = self.places.working.clone().acquire_owned().await.ok();
        *self.taken.lock() = taken;
    }

    /// Another may have it.
    pub(super) fn leave(&self) {
        self.taken.lock().take();
        self.left.cancel();
    }

    /// Waits until it was left, for a while or for good.
    pub(super) async fn left(&self) {
        self.left.cancelled().await;
    }

    /// Does it keep another from working?
    pub(super) fn is_taken(&self) -> bool {
        let taken = self.taken.lock();
        taken
            .as_ref()
            .is_some_and(|taken| Arc::ptr_eq(taken.semaphore(), &self.places.working))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn who_steps_aside_makes_room_and_waits_for_its_turn() {
        let places = Places::new(1);
        let first = places.take().await;
        assert!(first.is_taken());
        first.step_aside();
        first.left().await;
        assert!(!first.is_taken());
        let second = places.take().await;
        assert!(futures::poll!(pin!(first.retake())).is_pending());
        second.leave();
        first.retake().await;
        assert!(first.is_taken());
        first.leave();
        assert_eq!(places.working.available_permits(), 1);
        assert_eq!(places.aside.available_permits(), ASIDE);
    }

    #[tokio::test]
    async fn where_too_many_wait_already_a_place_is_kept() {
        let places = Places::new(ASIDE + 1);
        let mut all = Vec::new();
        for _ in 0..=ASIDE {
            let place = places.take().await;
            place.step_aside();
            all.push(place);
        }
        assert_eq!(all.iter().filter(|place| place.is_taken()).count(), 1);
    }
}
