//! The local end of a transfer, which its caller can take away at any moment.

use std::sync::Arc;

use parking_lot::Mutex;

/// Holds a sink or a source until the transfer is over or its caller has gone.
///
/// Once [`clear`](Self::clear) has returned, nothing reads or writes the local file any more: whoever drops a
/// transfer may go on with its file at once.
#[derive(Debug)]
pub(super) struct Slot<T: ?Sized>(Arc<Mutex<Option<Arc<T>>>>);

impl<T: ?Sized> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: ?Sized> Slot<T> {
    pub(super) fn new(end: Arc<T>) -> Self {
        Self(Arc::new(Mutex::new(Some(end))))
    }

    /// Uses what it holds; `None` once it is empty.
    pub(super) fn with<R>(&self, act: impl FnOnce(&T) -> R) -> Option<R> {
        self.0.lock().as_deref().map(act)
    }

    /// Lets go of what it holds.
    pub(super) fn clear(&self) {
        let end = self.0.lock().take();
        drop(end);
    }
}
