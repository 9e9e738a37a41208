//! The places of this node: as many executions as it has may work here at once.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// The place of an execution. Free when the execution has ended here.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Semaphore>,
    taken: Mutex<Option<OwnedSemaphorePermit>>,
    /// It was left once.
    left: CancellationToken,
}

impl Place {
    /// Waits for one. Who left one and wants to go on has its turn before those that come later.
    pub(crate) async fn take(places: &Arc<Semaphore>) -> Self {
        let place = Self {
            places: places.clone(),
            taken: Mutex::default(),
            left: CancellationToken::new(),
        };
        place.retake().await;
        place
    }

    /// Another may have it until it is taken again.
    pub(super) fn leave(&self) {
        self.taken.lock().take();
        self.left.cancel();
    }

    /// Waits until one is free again.
    pub(super) async fn retake(&self) {
        // They are never closed.
        let taken = self.places.clone().acquire_owned().await.ok();
        *self.taken.lock() = taken;
    }

    /// Waits until it is left.
    pub(super) async fn left(&self) {
        self.left.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_leaves_a_place_makes_room_and_waits_for_its_turn() {
        let places = Arc::new(Semaphore::new(1));
        let first = Place::take(&places).await;
        assert_eq!(places.available_permits(), 0);
        first.leave();
        first.left().await;
        let second = Place::take(&places).await;
        assert!(futures::poll!(std::pin::pin!(first.retake())).is_pending());
        second.leave();
        first.retake().await;
        assert_eq!(places.available_permits(), 0);
        drop((first, second));
        assert_eq!(places.available_permits(), 1);
    }
}
