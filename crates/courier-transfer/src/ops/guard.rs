//! Who may still change names.

use std::fmt::Debug;

use crate::{Error, ErrorKind, Result};

/// Says whether names may still be changed: whoever shares work with other processes asks it right before a file gets its
/// final name, and before a source is deleted or moved. Between two such moments nothing is done that can't be repeated.
pub trait Guard: Debug + Send + Sync {
    /// May names be changed now? Asked once or twice a file, so it must be cheap.
    fn allows(&self) -> bool;

    /// As [`allows`](Self::allows), as a result.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`].
    fn check(&self) -> Result<()> {
        if self.allows() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Cancelled,
            "the transfer was stopped before the file got its final name",
        ))
    }
}

/// Allows everything.
#[derive(Clone, Copy, Debug)]
pub struct NoGuard;

impl Guard for NoGuard {
    fn allows(&self) -> bool {
        true
    }
}
