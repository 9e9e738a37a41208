//! How far one file has come.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

/// How far a file has come.
#[derive(Debug, Default)]
pub(in crate::steps) struct Reach {
    now: AtomicU64,
    /// Bytes that moved in this attempt.
    moved: AtomicU64,
    /// This execution has been at it before.
    known: AtomicBool,
}

impl Reach {
    /// Of a file that an interrupted attempt had noted there.
    pub(super) fn at(offset: u64) -> Arc<Self> {
        Arc::new(Self {
            now: offset.into(),
            moved: 0.into(),
            known: true.into(),
        })
    }

    /// It begins, or goes on, there: what lies before does not move now. Answers how far this execution had noted it
    /// before.
    pub(in crate::steps) fn begin(&self, offset: u64) -> Option<u64> {
        let noted = self.now.swap(offset, Ordering::Relaxed);
        self.known.swap(true, Ordering::Relaxed).then_some(noted)
    }

    /// It has come to there; answers how many bytes that is more than before, and where it was then.
    pub(in crate::steps) fn reached(&self, offset: u64) -> (u64, u64) {
        let before = self.now.swap(offset, Ordering::Relaxed);
        let more = offset.saturating_sub(before);
        self.moved.fetch_add(more, Ordering::Relaxed);
        (more, before)
    }

    pub(super) fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    /// Bytes that moved in this attempt.
    pub(super) fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    /// Another attempt begins.
    pub(super) fn anew(&self) {
        self.moved.store(0, Ordering::Relaxed);
    }
}
