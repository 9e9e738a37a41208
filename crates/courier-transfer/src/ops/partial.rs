//! Which source a partial file is a part of. A partial is continued only for the very same source.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Result;

/// One version of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its path.
    pub source: String,
    /// Its size in bytes, where known.
    pub size: Option<u64>,
    /// Its modification time, where known.
    pub modified: Option<Timestamp>,
}

/// Keeps the identities of partial files between attempts: a job in its execution, the command line in
/// its state folder.
///
/// A key names the partial, not the server: `local:<path>` of a download's `.part`, `remote:<path>` of an
/// upload's temporary file. Whoever keeps partials of several servers in one place scopes the keys itself.
/// Asked only where it matters: files below 256 KiB are saved only when they break off.
#[async_trait]
pub trait Partials: Send + Sync + fmt::Debug {
    /// The source that the partial of this key belongs to.
    async fn load(&self, key: &str) -> Result<Option<Identity>>;

    /// Remembers it, before the first byte moves.
    async fn save(&self, key: &str, identity: &Identity) -> Result<()>;

    /// The partial is no more. Unknown keys are fine.
    async fn forget(&self, key: &str) -> Result<()>;
}

/// Remembers nothing: partials are judged by size and modification time alone.
#[derive(Clone, Copy, Debug)]
pub struct NoPartials;

#[async_trait]
impl Partials for NoPartials {
    async fn load(&self, _key: &str) -> Result<Option<Identity>> {
        Ok(None)
    }

    async fn save(&self, _key: &str, _identity: &Identity) -> Result<()> {
        Ok(())
    }

    async fn forget(&self, _key: &str) -> Result<()> {
        Ok(())
    }
}
