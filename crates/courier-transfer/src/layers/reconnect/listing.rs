//! Listings that go on behind what they have given.

use std::{
    collections::{HashSet, hash_map::RandomState},
    hash::BuildHasher,
    sync::Arc,
};

use futures::{Stream, StreamExt, stream};

use crate::{EntryStream, ErrorKind, Listed, RemotePath, Result};

use super::state::{Session, State};

/// A listing of more than this is not gone on with: its names would fill the memory.
const REMEMBERED: usize = 1 << 20;

struct Listing {
    state: Arc<State>,
    dir: RemotePath,
    session: Session,
    entries: EntryStream,
    /// Hashes of the names that were given.
    given: HashSet<u64>,
    hasher: RandomState,
    /// Names that come again since the listing was begun anew.
    skips: bool,
}

pub(super) async fn list(
    state: Arc<State>,
    dir: RemotePath,
) -> Result<impl Stream<Item = Result<Listed>> + Send + 'static> {
    let (session, entries) = begin(&state, &dir).await?;
    let listing = Listing {
        state,
        dir,
        session,
        entries,
        given: HashSet::new(),
        hasher: RandomState::new(),
        skips: false,
    };
    Ok(stream::unfold(Some(listing), |listing| async {
        let mut listing = listing?;
        match listing.next().await? {
            Ok(listed) => Some((Ok(listed), Some(listing))),
            Err(e) => Some((Err(e), None)),
        }
    }))
}

async fn begin(state: &State, dir: &RemotePath) -> Result<(Session, EntryStream)> {
    state
        .repeat_on(|client| async move { client.list(dir).await })
        .await
}

impl Listing {
    async fn next(&mut self) -> Option<Result<Listed>> {
        loop {
            match self.state.judge(&self.session, self.entries.next().await?) {
                Ok(listed) => {
                    if self.is_new(&listed) {
                        self.state.progress();
                        return Some(Ok(listed));
                    }
                }
                Err(e) if e.kind() == ErrorKind::Lost && self.may_go_on() => {
                    if let Err(e) = self.begin_anew().await {
                        return Some(Err(e));
                    }
                }
                Err(e) => return Some(Err(e)),
            }
        }
    }

    fn may_go_on(&self) -> bool {
        self.given.len() < REMEMBERED && self.state.is_usable()
    }

    async fn begin_anew(&mut self) -> Result<()> {
        (self.session, self.entries) = begin(&self.state, &self.dir).await?;
        self.skips = true;
        Ok(())
    }

    fn is_new(&mut self, listed: &Listed) -> bool {
        let hash = match listed {
            Listed::Entry(entry) => self.hasher.hash_one(entry.path.as_wire()),
            Listed::Unreadable { raw, .. } => self.hasher.hash_one(raw),
        };
        let room = self.given.len() < REMEMBERED;
        let is_new = if room { self.given.insert(hash) } else { true };
        // A server that shows a name twice is not corrected.
        is_new || !self.skips
    }
}
