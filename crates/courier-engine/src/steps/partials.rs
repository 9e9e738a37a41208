//! Half-made files on servers: who writes them, and what is in them.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
};

use async_trait::async_trait;
use courier_transfer::{
    Error, ErrorKind, RemotePath, Retry,
    ops::{Claim, Identity, Naming, Partials},
};
use futures::FutureExt;
use parking_lot::Mutex;
use uuid::Uuid;

use super::{
    StepState,
    record::{Record, ends},
};

/// From this size on, bytes, one write to the store is little beside what a crash would have to move again.
const NOTED_AT_ONCE: u64 = 8 << 20;

/// Partials that are remembered beyond the execution that wrote them.
const REMEMBERED: usize = 10_000;

/// The partials that this process writes, over all executions: two may send to one name, and must neither write one
/// partial at once nor continue what the other has begun.
#[derive(Debug, Default)]
pub(crate) struct AllPartials(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    locks: HashMap<String, Weak<tokio::sync::Mutex<()>>>,
    /// What was written last into those that are kept to be continued.
    written: HashMap<String, Written>,
}

/// What was written into a partial.
#[derive(Clone, Debug)]
struct Written {
    by: Uuid,
    connection: Uuid,
    identity: Identity,
}

impl AllPartials {
    /// Waits for the right to write one; first come, first served.
    async fn claim(&self, key: &str) -> Claim {
        let lock = {
            let mut state = self.0.lock();
            state.locks.retain(|_, lock| lock.strong_count() > 0);
            let known = state.locks.get(key).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let lock = Arc::default();
                state.locks.insert(key.into(), Arc::downgrade(&lock));
                lock
            })
        };
        lock.lock_owned().await.into()
    }

    /// The right to write that partial on a server, where nobody else has it or waits for it.
    pub(super) fn claim_if_free(&self, connection: Uuid, partial: &RemotePath) -> Option<Claim> {
        let lock = {
            let state = self.0.lock();
            let known = state.locks.get(&format!("{connection}/remote:{partial}"));
            known.and_then(Weak::upgrade).unwrap_or_default()
        };
        Some(lock.try_lock_owned().ok()?.into())
    }

    fn wrote(&self, key: String, written: Written) {
        let mut state = self.0.lock();
        if state.written.len() >= REMEMBERED {
            state.written.clear();
        }
        state.written.insert(key, written);
    }

    /// Another node goes on with this execution, and notes in it what is in its partials from now on.
    pub(crate) fn left_to_others(&self, execution: Uuid) {
        self.0.lock().written.retain(|_, written| written.by != execution);
    }
}

/// Keeps the identities of partial files in the execution's context.
#[derive(Debug)]
pub(super) struct ContextPartials {
    pub(super) record: Arc<Record>,
    pub(super) state: Arc<StepState>,
    pub(super) connection: Uuid,
}

impl ContextPartials {
    fn all(&self) -> &AllPartials {
        &self.state.engine.0.partials
    }

    /// What is noted is in the store after this, also where the process is killed.
    async fn save_now(&self) -> courier_transfer::Result<()> {
        let saved = self.state.engine.persist(|| self.state.save().boxed()).await;
        saved.map_err(|e| {
            Error::new(
                ErrorKind::Failed,
                format!("how far a file is could not be noted: {e}"),
            )
            .with_retry(Retry::Later)
        })
    }

    /// A local partial is the same one whatever connection it comes over.
    fn key_for_all(&self, key: &str) -> String {
        if key.starts_with("local:") {
            key.into()
        } else {
            format!("{}/{key}", self.connection)
        }
    }
}

#[async_trait]
impl Partials for ContextPartials {
    async fn load(&self, key: &str) -> courier_transfer::Result<Option<Identity>> {
        let written = self.all().0.lock().written.get(&self.key_for_all(key)).cloned();
        let noted = self.record.partials().get(key).cloned();
        let Some(written) = written else { return Ok(noted) };
        let identity = written.identity;
        Ok(match noted {
            // Another node may have written it since this one did, or the other way round: its bytes are to be looked at.
            Some(noted) if !noted.is_same_source(&identity) => None,
            _ if written.connection == self.connection => Some(identity),
            // The same path on another server is another source.
            _ => Some(Identity {
                source: format!("{} over {}", identity.source, written.connection),
                ..identity
            }),
        })
    }

    /// In the store a moment later: a partial that nothing is known of is judged by its size and time. At once where the
    /// partial is about to get holes, since whoever goes on with it after a crash must know of them, and of a big file, which
    /// would be begun anew where its partial is no younger than its source by a server's whole seconds.
    async fn save(&self, key: &str, identity: &Identity) -> courier_transfer::Result<()> {
        self.record.partials().insert(key.into(), identity.clone());
        let written = Written {
            by: self.state.execution,
            connection: self.connection,
            identity: identity.clone(),
        };
        self.all().wrote(self.key_for_all(key), written);
        self.state.note_unsaved();
        let is_big = identity.size.is_some_and(|size| size >= NOTED_AT_ONCE);
        if !identity.scattered && !is_big {
            return Ok(());
        }
        self.save_now().await
    }

    /// Kept a moment longer in the store than here: what it names is no more, so it can't be continued.
    async fn forget(&self, key: &str) -> courier_transfer::Result<()> {
        self.record.partials().remove(key);
        self.all().0.lock().written.remove(&self.key_for_all(key));
        Ok(())
    }

    async fn naming(&self, remote: &RemotePath, local: &Path) -> courier_transfer::Result<Option<Naming>> {
        Ok(self.record.namings().get(&ends(remote, local)).cloned())
    }

    async fn note_naming(
        &self,
        remote: &RemotePath,
        local: &Path,
        naming: Option<Naming>,
    ) -> courier_transfer::Result<()> {
        let ends = ends(remote, local);
        match naming {
            Some(naming) => self.record.namings().insert(ends, naming),
            None => self.record.namings().remove(&ends),
        };
        self.state.note_unsaved();
        self.save_now().await
    }

    async fn sent(&self, remote: &RemotePath, local: &Path) -> courier_transfer::Result<Option<RemotePath>> {
        match self.record.sent().get(&ends(remote, local)) {
            Some(target) => Ok(Some(RemotePath::new(target)?)),
            None => Ok(None),
        }
    }

    async fn fetched(&self, remote: &RemotePath, local: &Path) -> courier_transfer::Result<Option<PathBuf>> {
        Ok(self.record.sent().get(&ends(remote, local)).map(PathBuf::from))
    }

    async fn ready(&self) -> courier_transfer::Result<()> {
        self.state.note_unsaved();
        self.save_now().await
    }

    async fn claim(&self, key: &str) -> Claim {
        self.all().claim(&self.key_for_all(key)).await
    }
}
