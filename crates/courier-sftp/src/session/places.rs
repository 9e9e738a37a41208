//! How many handles may be open at once.
//!
//! Few servers tell. Most have a limit all the same, and refuse one handle more with a plain FAILURE; some allow a
//! single one. What is open at that moment is the limit from then on, and whoever was refused waits for a place.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::timeout,
};

/// Who waits for a place says so this often.
const BEAT: Duration = Duration::from_secs(1);

/// The places of one session.
#[derive(Clone, Debug)]
pub(super) struct Places(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    free: Arc<Semaphore>,
    counts: Mutex<Counts>,
    /// How many wait for a place now, and one more once the server has refused a handle for want of one.
    wanting: watch::Sender<usize>,
}

#[derive(Debug)]
struct Counts {
    total: usize,
    /// The server told its limit: what it refuses, it refuses for another reason.
    is_told: bool,
    /// Places whose handle is open.
    open: usize,
    /// Those among them whose handle the server was asked to close.
    closing: usize,
    /// Places that are taken, and too many: they are not free again when they come back.
    owed: usize,
    /// The server has refused a handle for want of a place.
    was_short: bool,
}

impl Shared {
    /// From now on there are so many places, or as few as there were.
    fn shrink(&self, counts: &mut Counts, total: usize) {
        let excess = counts.total.saturating_sub(total);
        counts.owed += excess - self.free.forget_permits(excess);
        counts.total -= excess;
    }
}

impl Places {
    pub(super) fn new(total: usize) -> Self {
        let total = total.max(1);
        Self(Arc::new(Shared {
            free: Arc::new(Semaphore::new(total)),
            counts: Mutex::new(Counts {
                total,
                is_told: false,
                open: 0,
                closing: 0,
                owed: 0,
                was_short: false,
            }),
            wanting: watch::Sender::new(0),
        }))
    }

    /// The server has told how many there are.
    pub(super) fn told(&self, total: usize) {
        let mut counts = self.0.counts.lock();
        counts.is_told = true;
        self.0.shrink(&mut counts, total.max(1));
    }

    /// Takes a place, and calls `waiting` from time to time until there is one, but not while all that it waits for is
    /// that the server answers to CLOSE. `None` never comes.
    pub(super) async fn take(&self, waiting: impl Fn()) -> Option<Place> {
        if let Some(place) = self.take_now() {
            return Some(place);
        }
        let _wanting = Wanting::new(&self.0);
        let mut taking = std::pin::pin!(Arc::clone(&self.0.free).acquire_owned());
        loop {
            match timeout(BEAT, &mut taking).await {
                Ok(permit) => return Some(self.place(permit.ok()?)),
                Err(_) if self.are_in_use() => waiting(),
                Err(_) => {}
            }
        }
    }

    /// Does somebody use one of those that are taken?
    fn are_in_use(&self) -> bool {
        let counts = self.0.counts.lock();
        counts.closing < counts.total + counts.owed
    }

    /// Takes a place, where one is free.
    pub(super) fn take_now(&self) -> Option<Place> {
        let permit = Arc::clone(&self.0.free).try_acquire_owned().ok()?;
        Some(self.place(permit))
    }

    fn place(&self, permit: OwnedSemaphorePermit) -> Place {
        Place {
            permit: Some(permit),
            is_open: false,
            is_closing: false,
            shared: Arc::clone(&self.0),
        }
    }

    /// How many there are, taken ones included.
    pub(super) fn total(&self) -> usize {
        self.0.counts.lock().total
    }

    /// It was no want of a place: there are as many as before.
    pub(super) fn restore(&self, before: usize) {
        let mut counts = self.0.counts.lock();
        let more = before.saturating_sub(counts.total);
        let forgiven = more.min(counts.owed);
        counts.owed -= forgiven;
        counts.total += more;
        self.0.free.add_permits(more - forgiven);
    }

    /// Ends once the server has refused a handle for want of a place, or while somebody waits for one.
    pub(super) async fn are_short(&self) {
        // Fails only where the session has gone.
        let _ = self.0.wanting.subscribe().wait_for(|wanting| *wanting > 0).await;
    }
}

/// Counts somebody who waits, until it is dropped.
struct Wanting<'a>(&'a Shared);

impl<'a> Wanting<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.wanting.send_modify(|wanting| *wanting += 1);
        Self(shared)
    }
}

impl Drop for Wanting<'_> {
    fn drop(&mut self) {
        self.0.wanting.send_modify(|wanting| *wanting -= 1);
    }
}

/// A place for one open handle; free again once it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    permit: Option<OwnedSemaphorePermit>,
    is_open: bool,
    is_closing: bool,
    shared: Arc<Shared>,
}

impl Place {
    /// The handle is open.
    pub(super) fn open(&mut self) {
        if !std::mem::replace(&mut self.is_open, true) {
            self.shared.counts.lock().open += 1;
        }
    }

    /// The server was asked to close the handle.
    pub(super) fn close(&mut self) {
        if !std::mem::replace(&mut self.is_closing, true) {
            self.shared.counts.lock().closing += 1;
        }
    }

    /// The server refused the handle with a FAILURE. True where that may be for want of a place: what is open now is
    /// all that may be.
    pub(super) fn was_refused(&self) -> bool {
        let mut counts = self.shared.counts.lock();
        if counts.is_told || counts.open == 0 {
            return false;
        }
        let open = counts.open;
        self.shared.shrink(&mut counts, open);
        if !std::mem::replace(&mut counts.was_short, true) {
            self.shared.wanting.send_modify(|wanting| *wanting += 1);
        }
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.shared.counts.lock();
        if self.is_open {
            counts.open -= 1;
        }
        if self.is_closing {
            counts.closing -= 1;
        }
        if counts.owed > 0
            && let Some(permit) = self.permit.take()
        {
            counts.owed -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_open_when_one_more_is_refused_is_the_limit() {
        let places = Places::new(10);
        let take = || async { places.take(|| {}).await.unwrap() };
        let (mut first, under_way, refused) = (take().await, take().await, take().await);
        assert!(
            !refused.was_refused(),
            "nothing is open: it is no want of a place"
        );
        first.open();
        assert!(refused.was_refused());
        drop(refused);
        assert_eq!(places.total(), 1);
        drop(under_way);
        assert!(timeout(Duration::from_millis(20), take()).await.is_err());
        drop(first);
        let last = take().await;
        assert!(timeout(Duration::from_millis(20), take()).await.is_err());
        places.restore(10);
        assert_eq!(places.0.free.available_permits(), 9);
        drop(last);
        assert_eq!((places.total(), places.0.free.available_permits()), (10, 10));
    }

    #[test]
    fn who_waits_for_the_server_only_waits_for_nobody() {
        let places = Places::new(2);
        let (mut first, mut second) = (places.take_now().unwrap(), places.take_now().unwrap());
        first.open();
        second.open();
        first.close();
        assert!(places.are_in_use());
        second.close();
        assert!(!places.are_in_use());
        drop(first);
        let third = places.take_now().unwrap();
        assert!(places.are_in_use());
        drop((second, third));
        assert_eq!(places.0.counts.lock().closing, 0);
    }

    #[tokio::test]
    async fn whoever_waits_is_heard() {
        let places = Places::new(1);
        let is_short = || futures::FutureExt::now_or_never(places.are_short()).is_some();
        let used = places.take_now().unwrap();
        assert!(!is_short());
        let waiting = tokio::spawn({
            let places = places.clone();
            async move { places.take(|| {}).await }
        });
        places.are_short().await;
        drop(used);
        waiting.await.unwrap();
        assert!(!is_short());
    }

    #[tokio::test]
    async fn a_limit_that_was_told_is_kept() {
        let places = Places::new(12);
        places.told(10);
        let mut first = places.take(|| {}).await.unwrap();
        first.open();
        assert!(!places.take(|| {}).await.unwrap().was_refused());
        assert_eq!(places.total(), 10);
    }
}
