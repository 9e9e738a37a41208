//! Until when this node may do anything for the executions that it has taken.
//!
//! A node's life has a lease in the database, by the database's clock. The node itself counts from the moment before it
//! asked for it, and with a margin, so that it has stopped by the time that another may go on. Where the clocks of two
//! machines stand doesn't matter.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio_util::sync::CancellationToken;

/// The lease of one life of this node. Clones are the same lease. Once lost, it stays so: the node goes on with another
/// life, and another lease.
#[derive(Clone, Debug)]
pub(crate) struct Lease(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// By [`clock`], in milliseconds.
    until: AtomicU64,
    lost: CancellationToken,
}

impl Lease {
    /// A lease that ends at this time of [`clock`]; at [`Duration::MAX`] never, which is SQLite's, where nobody else can
    /// take anything.
    pub(crate) fn until(until: Duration) -> Self {
        Self(Arc::new(Shared {
            until: AtomicU64::new(millis(until)),
            lost: CancellationToken::new(),
        }))
    }

    /// May this node still act? To be asked right before what can't be taken back, like giving a file its final name.
    pub(crate) fn is_held(&self) -> bool {
        !self.0.lost.is_cancelled() && millis(clock()) < self.0.until.load(Ordering::Acquire)
    }

    /// Waits until the lease is lost; for ever where it never is.
    pub(crate) async fn lost(&self) {
        self.0.lost.cancelled().await;
    }

    /// The database has renewed it. One that has ended is not held again.
    pub(crate) fn extend(&self, until: Duration) {
        if self.is_held() {
            self.0.until.fetch_max(millis(until), Ordering::AcqRel);
        } else {
            self.lose();
        }
    }

    /// It has ended, or another has taken over.
    pub(crate) fn lose(&self) {
        self.0.lost.cancel();
    }

    /// How long it is still held, if it is not renewed.
    pub(crate) fn left(&self) -> Duration {
        match self.0.lost.is_cancelled() {
            true => Duration::ZERO,
            false => Duration::from_millis(self.0.until.load(Ordering::Acquire)).saturating_sub(clock()),
        }
    }
}

/// The time since some moment in the past, which goes on while the machine sleeps.
#[cfg(target_os = "linux")]
pub(crate) fn clock() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(
        now.tv_sec.try_into().unwrap_or(0),
        now.tv_nsec.try_into().unwrap_or(0),
    )
}

/// The time since the first call.
#[cfg(not(target_os = "linux"))]
pub(crate) fn clock() -> Duration {
    static FIRST: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    FIRST.elapsed()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_held_until_its_end_and_never_again() {
        let lease = Lease::until(clock() + Duration::from_secs(60));
        assert!(lease.is_held() && lease.left() > Duration::from_secs(50));
        lease.extend(clock() + Duration::from_secs(120));
        assert!(lease.left() > Duration::from_secs(100));
        // An answer that was overtaken shortens nothing.
        lease.extend(clock() + Duration::from_secs(60));
        assert!(lease.left() > Duration::from_secs(100));
        lease.lose();
        lease.lost().await;
        lease.extend(clock() + Duration::from_secs(60));
        assert!(!lease.is_held() && lease.left() == Duration::ZERO);
    }

    #[tokio::test]
    async fn an_answer_that_comes_after_the_end_is_too_late() {
        let lease = Lease::until(clock());
        assert!(!lease.is_held());
        lease.extend(clock() + Duration::from_secs(60));
        assert!(!lease.is_held());
        lease.lost().await;
    }

    #[test]
    fn one_without_an_end_is_always_held() {
        let lease = Lease::until(Duration::MAX);
        assert!(lease.is_held() && lease.left() > Duration::from_secs(1 << 40));
    }
}
