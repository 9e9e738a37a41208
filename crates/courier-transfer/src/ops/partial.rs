//! Which source a partial file is a part of. A partial is continued only for the very same source.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedMutexGuard;

use crate::{Parts, RemotePath, Result, layers::SHARED_UNASKED};

/// One version of a source, and how its partial is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its path.
    pub source: String,
    /// Its size in bytes, where known.
    pub size: Option<u64>,
    /// Its modification time, where known.
    pub modified: Option<Timestamp>,
    /// The partial is written by several sessions at once: up to [`Parts::AHEAD`](crate::Parts::AHEAD) bytes before its
    /// end there may be holes.
    #[serde(default)]
    pub scattered: bool,
}

impl Identity {
    /// Is it the same version of the same source, however its partial is written?
    pub fn is_same_source(&self, other: &Self) -> bool {
        (&self.source, self.size, self.modified) == (&other.source, other.size, other.modified)
    }
}

/// A whole partial that is about to get its final name, or has it: noted before, so that whoever comes after a crash knows
/// its own file from somebody else's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Naming {
    /// What was sent.
    pub source: Identity,
    /// The final name.
    pub target: String,
    /// The modification time of the whole partial on the server, where it is told.
    pub modified: Option<Timestamp>,
}

/// A partial file as it was found.
pub(super) struct Found {
    pub(super) len: u64,
    pub(super) modified: Option<Timestamp>,
    /// Is it seen to have holes?
    pub(super) has_holes: bool,
}

impl Found {
    /// Where it is continued, if it is the beginning of this source: with a known identity, only if that is the same one;
    /// without, only if it is not larger than the source and not older, and then the bytes themselves must be looked at.
    ///
    /// One that may have holes is continued before the first that there can be. `parts` is whether sessions share files
    /// here: where nothing is known of a partial, those of a large file have.
    pub(super) fn resumes_at(&self, source: &Identity, known: Option<&Identity>, parts: bool) -> Option<u64> {
        let (size, modified) = source.size.zip(source.modified)?;
        let is_beginning = match known {
            Some(known) => known.is_same_source(source),
            // Many servers tell whole seconds.
            None => self
                .modified
                .is_some_and(|own| own.as_second() >= modified.as_second()),
        };
        let scattered = known.map_or(parts && size >= SHARED_UNASKED, |known| known.scattered);
        let back = if scattered || self.has_holes {
            Parts::AHEAD
        } else {
            0
        };
        Some(self.len.saturating_sub(back)).filter(|_| is_beginning && self.len <= size)
    }
}

/// From this many bytes on it is worth a note to the store, at the end of a file, that it isn't moved again after a crash
/// right then, also where that would do no harm.
pub(super) const WORTH_NOTING: u64 = 1 << 20;

/// Keeps the identities of partial files between attempts: a job in its execution, the command line in
/// its state folder.
///
/// A key names the partial, not the server: `local:<path>` of a download's `.part`, `remote:<path>` of an
/// upload's temporary file. Whoever keeps partials of several servers in one place scopes the keys itself.
/// Files below 64 KiB are never continued, so nothing is kept for them.
#[async_trait]
pub trait Partials: Send + Sync + fmt::Debug {
    /// The source that the partial of this key belongs to.
    async fn load(&self, key: &str) -> Result<Option<Identity>>;

    /// Remembers it, before the first byte moves.
    async fn save(&self, key: &str, identity: &Identity) -> Result<()>;

    /// The partial is no more. Unknown keys are fine.
    async fn forget(&self, key: &str) -> Result<()>;

    /// How the upload of `local` to `remote` was about to end when it was interrupted, if it was right then.
    async fn naming(&self, _remote: &RemotePath, _local: &Path) -> Result<Option<Naming>> {
        Ok(None)
    }

    /// Notes how the upload of `local` to `remote` is about to end, or with `None` that it is not: for good before this
    /// returns. Uploads tell it that don't replace what is there, since they can't simply be made again, and those of big
    /// files.
    async fn note_naming(&self, _remote: &RemotePath, _local: &Path, _naming: Option<Naming>) -> Result<()> {
        Ok(())
    }

    /// The final name that an earlier try at the same work has given this upload. What lies there is ours, and is replaced
    /// whatever else is to be kept: a second copy of it is what nobody wants.
    async fn sent(&self, _remote: &RemotePath, _local: &Path) -> Result<Option<RemotePath>> {
        Ok(None)
    }

    /// As [`sent`](Self::sent), of a download: its local name.
    async fn fetched(&self, _remote: &RemotePath, _local: &Path) -> Result<Option<PathBuf>> {
        Ok(None)
    }

    /// Waits until notes can be kept. A big download asks before its file gets its name: while nobody could note that it is
    /// done, it stays a partial, which is continued and not made again.
    async fn ready(&self) -> Result<()> {
        Ok(())
    }

    /// Waits until nobody else writes this partial, and keeps others from it while the claim lives. Claims nothing
    /// where nobody else can be.
    async fn claim(&self, _key: &str) -> Claim {
        Claim::default()
    }
}

/// The right to write a partial, until it is dropped.
#[derive(Debug, Default)]
pub struct Claim {
    _lock: Option<OwnedMutexGuard<()>>,
}

impl From<OwnedMutexGuard<()>> for Claim {
    fn from(lock: OwnedMutexGuard<()>) -> Self {
        Self { _lock: Some(lock) }
    }
}

/// Remembers nothing: partials are judged by size and modification time, and a look at what they hold.
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
