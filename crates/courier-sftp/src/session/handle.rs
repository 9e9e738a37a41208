//! An open file or directory on the server, closed on every way out.

use bytes::Bytes;
use tokio::sync::mpsc::WeakUnboundedSender;

use super::{Command, places::Place};

/// A handle. Dropping it closes it on the server; its place among the open ones is free once the server
/// has answered that.
#[derive(Debug)]
pub(crate) struct OpenHandle {
    bytes: Bytes,
    place: Option<Place>,
    queue: WeakUnboundedSender<Command>,
}

impl OpenHandle {
    pub(super) fn new(bytes: Bytes, place: Option<Place>, queue: WeakUnboundedSender<Command>) -> Self {
        Self { bytes, place, queue }
    }

    /// What the server calls it.
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Gives it up without closing: the caller closes it and waits for the answer.
    pub(crate) fn into_parts(mut self) -> (Bytes, Option<Place>) {
        (std::mem::take(&mut self.bytes), self.place.take())
    }
}

impl Drop for OpenHandle {
    fn drop(&mut self) {
        if self.bytes.is_empty() && self.place.is_none() {
            return;
        }
        if let Some(queue) = self.queue.upgrade() {
            // Fails only where the session has ended, and the handle with it.
            let _ = queue.send(Command::Close {
                handle: self.bytes.clone(),
                place: self.place.take(),
            });
        }
    }
}
