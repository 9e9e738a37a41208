//! The half-made file on the server.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use tokio::sync::watch;

use crate::{Client, EntryKind, ErrorKind, Progress, RemotePath};

/// Notes how far the server has acknowledged.
#[derive(Debug)]
pub(super) struct Reach {
    inner: Arc<dyn Progress>,
    acknowledged: AtomicU64,
    /// Did the server take any bytes?
    ours: AtomicBool,
    /// Did it, over the session of the moment?
    begun: watch::Sender<bool>,
}

impl Reach {
    pub(super) fn new(inner: Arc<dyn Progress>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            acknowledged: AtomicU64::new(0),
            ours: AtomicBool::new(false),
            begun: watch::Sender::new(false),
        })
    }

    /// Everything before this has been acknowledged, or was there when this began.
    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Waits until the server has taken bytes over the session of the moment: what lay there before is gone then, where
    /// they were the first ones.
    pub(super) async fn begun(&self) {
        // Fails only where this is dropped.
        let _ = self.begun.subscribe().wait_for(|begun| *begun).await;
    }

    /// As [`begun`](Self::begun): did it?
    pub(super) fn has_begun(&self) -> bool {
        *self.begun.borrow()
    }

    /// What lies there is this upload's.
    pub(super) fn own(&self) {
        self.ours.store(true, Ordering::Relaxed);
    }
}

impl Progress for Reach {
    fn begin(&self, offset: u64, size: Option<u64>) {
        self.acknowledged.store(offset, Ordering::Relaxed);
        self.begun.send_replace(false);
        self.inner.begin(offset, size);
    }

    fn reached(&self, offset: u64) {
        // Who only waits says again where it began.
        if self.acknowledged.fetch_max(offset, Ordering::Relaxed) < offset {
            self.own();
            self.begun
                .send_if_modified(|begun| !std::mem::replace(begun, true));
        }
        self.inner.reached(offset);
    }
}

/// A half-made file on the server. Dropped while armed (its upload was cancelled), a task removes it.
pub(super) struct RemotePart {
    pub(super) client: Arc<dyn Client>,
    pub(super) path: RemotePath,
    pub(super) reach: Arc<Reach>,
    /// Does it have a name of its own?
    pub(super) atomic: bool,
    pub(super) armed: bool,
}

impl RemotePart {
    /// Is what lies there surely ours? Under a final name only once the server took bytes from us.
    fn is_ours(&self) -> bool {
        self.atomic || self.reach.ours.load(Ordering::Relaxed)
    }

    /// Best effort: the upload's own error matters more.
    pub(super) async fn remove(&self) {
        if self.is_ours()
            && let Err(e) = self.client.remove(&self.path, EntryKind::File).await
            && e.kind() != ErrorKind::NotFound
        {
            tracing::warn!(path = %self.path, error = %e, "a half-made upload could not be removed");
        }
    }
}

impl Drop for RemotePart {
    fn drop(&mut self) {
        if self.armed
            && self.is_ours()
            && self.client.is_connected()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (client, path) = (self.client.clone(), self.path.clone());
            runtime.spawn(async move { client.remove(&path, EntryKind::File).await });
        }
    }
}
