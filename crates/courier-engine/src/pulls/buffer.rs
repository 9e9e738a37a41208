//! The bytes of a small file, in memory.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use courier_transfer::{Error, ErrorKind, Sink};
use parking_lot::Mutex;

use crate::{live::Moving, steps::StepState};

/// Takes a file of a known size, and not a byte more.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Mutex<Vec<u8>>,
    reached: AtomicU64,
    state: Arc<StepState>,
    moving: Arc<Moving>,
}

impl Buffer {
    pub(super) fn new(size: usize, state: Arc<StepState>, moving: Arc<Moving>) -> Self {
        Self {
            bytes: Mutex::new(vec![0; size]),
            reached: AtomicU64::new(0),
            state,
            moving,
        }
    }

    /// The bytes. A session that doesn't know yet that its transfer has ended writes nothing more.
    pub(super) fn take(&self) -> Bytes {
        std::mem::take(&mut *self.bytes.lock()).into()
    }
}

impl Sink for Buffer {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut all = self.bytes.lock();
        let place = usize::try_from(offset).ok().and_then(|from| {
            let to = from.checked_add(bytes.len())?;
            all.get_mut(from..to)
        });
        match place {
            Some(place) => place.copy_from_slice(bytes),
            None => {
                return Err(io::Error::other(
                    "there is more of it than the server told before",
                ));
            }
        }
        Ok(())
    }

    fn advance(&self, offset: u64) {
        let before = self.reached.fetch_max(offset, Ordering::Relaxed);
        self.state.moved(offset.saturating_sub(before));
        self.moving.reached(offset, before);
    }

    fn waits(&self) {
        self.state.progressed();
    }

    fn error(&self, error: io::Error) -> Error {
        Error::new(
            ErrorKind::Integrity,
            format!("the source changed while it was read: {error}"),
        )
    }
}
