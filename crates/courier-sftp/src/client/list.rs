//! Listings, as they come in: a few READDIRs under way, never the whole directory in memory.
//!
//! A task of its own reads a little ahead of whoever takes the names, so that the directory is closed soon: on a server
//! with few handles it would be in the way of what is done with its names. Once the server has refused a handle for want
//! of a place, the task does not wait for the taker any more.

use std::sync::Arc;

use courier_transfer::{EntryKind, EntryStream, Error, ErrorKind, Listed, RemoteName, RemotePath, Result};
use futures::{StreamExt, future::BoxFuture, stream, stream::FuturesOrdered};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::{Refused, error};
use crate::{
    codec::{Request, StatusCode},
    entry::entry_of,
    session::{self, OpenHandle, Reply, Session},
};

/// READDIRs under way. One packet holds about 100 names.
const UNDER_WAY: usize = 3;
/// Answers that wait to be taken.
const AHEAD: usize = 32;
/// The memory of names that wait where the server has too few handles, in bytes, at most.
const MOST_WAITING: usize = 128 * 1024 * 1024;
/// The most names of one directory: no real one has so many.
const MOST_NAMES: usize = 20_000_000;
/// Answers without a name in a row, after which a listing is given up: no directory has them.
const MOST_EMPTY: u32 = 1000;

/// A directory that is being read.
struct Listing {
    session: Arc<Session>,
    handle: OpenHandle,
    dir: RemotePath,
    answers: FuturesOrdered<BoxFuture<'static, Result<Reply>>>,
    /// Answers in a row that held no name.
    empty: u32,
    /// Names until now.
    names: usize,
}

/// Names that wait to be taken, and their place in memory.
type Batch = (Vec<session::Entry>, Option<OwnedSemaphorePermit>);

/// Opens a directory, and lists it.
///
/// All of it happens in the task, so that a caller who does something else for a while keeps nobody from a handle.
pub(super) async fn listing(
    session: Arc<Session>,
    dir: &RemotePath,
) -> std::result::Result<EntryStream, Refused> {
    let (mut report, opened) = oneshot::channel();
    tokio::spawn({
        let (session, dir) = (Arc::clone(&session), dir.clone());
        async move {
            let request = Request::OpenDir { path: dir.as_wire() };
            let handle = tokio::select! {
                handle = super::handle(&session, &request, &dir) => handle,
                () = report.closed() => return,
            };
            let (batches, taken) = mpsc::unbounded_channel();
            let (handle, answer) = match handle {
                Ok(handle) => (Some(handle), Ok(taken)),
                Err(refused) => (None, Err(refused)),
            };
            // Fails where the caller has gone.
            if report.send(answer).is_ok()
                && let Some(handle) = handle
            {
                let listing = Listing {
                    session,
                    handle,
                    dir,
                    answers: FuturesOrdered::new(),
                    empty: 0,
                    names: 0,
                };
                listing.read(batches).await;
            }
        }
    });
    let taken = opened.await.unwrap_or_else(|_| Err(session.error().into()))?;
    let dir = dir.clone();
    let taken = stream::unfold(
        taken,
        |mut taken| async move { Some((taken.recv().await?, taken)) },
    );
    Ok(taken
        .flat_map(move |batch: Result<Batch>| {
            let dir = dir.clone();
            let (names, error) = match batch {
                Ok((names, _)) => (names, None),
                Err(e) => (Vec::new(), Some(Err(e))),
            };
            let names = names.into_iter().filter(|e| e.name != b"." && e.name != b"..");
            stream::iter(names.map(move |entry| Ok(listed(&dir, entry))).chain(error))
        })
        .boxed())
}

impl Listing {
    /// Reads until the end, or until nobody takes the names any more.
    async fn read(mut self, batches: mpsc::UnboundedSender<Result<Batch>>) {
        let room = Arc::new(Semaphore::new(AHEAD));
        let mut waiting = 0;
        loop {
            let place = tokio::select! {
                biased;
                place = Arc::clone(&room).acquire_owned() => place.ok(),
                () = self.session.is_short_of_places() => None,
                () = batches.closed() => return,
            };
            let names = tokio::select! {
                names = self.next() => names,
                () = batches.closed() => return,
            };
            let batch = match names {
                Ok(Some(names)) => {
                    let size: usize = names.iter().map(|e| size_of_val(e) + e.name.len()).sum();
                    waiting = if place.is_some() { 0 } else { waiting + size };
                    if waiting > MOST_WAITING {
                        Err(self.too_long())
                    } else {
                        Ok((names, place))
                    }
                }
                Ok(None) => return,
                Err(e) => Err(e),
            };
            // Fails where nobody takes the names any more.
            let is_last = batch.is_err();
            if batches.send(batch).is_err() || is_last {
                return;
            }
        }
    }

    async fn next(&mut self) -> Result<Option<Vec<session::Entry>>> {
        while self.answers.len() < UNDER_WAY {
            let request = Request::ReadDir {
                handle: self.handle.bytes(),
            };
            self.answers.push_back(Box::pin(self.session.call(&request)));
        }
        match self.answers.next().await.transpose()? {
            Some(Reply::Names(names)) => {
                self.empty = if names.is_empty() { self.empty + 1 } else { 0 };
                self.names += names.len();
                if self.empty > MOST_EMPTY || self.names > MOST_NAMES {
                    return Err(self.without_end());
                }
                Ok(Some(names))
            }
            Some(Reply::Status(status)) if status.code == StatusCode::EOF => Ok(None),
            Some(Reply::Status(status)) => Err(error::refusal(&status, &self.dir)),
            _ => Err(error::unexpected("READDIR", &self.dir)),
        }
    }

    fn too_long(&self) -> Error {
        Error::new(
            ErrorKind::Failed,
            "the server allows too few open handles to list so large a directory beside what else is done",
        )
        .with("path", &self.dir)
    }

    fn without_end(&self) -> Error {
        Error::new(
            ErrorKind::Protocol,
            format!(
                "the listing has no end: {} names until now, and {} answers in a row with none",
                self.names, self.empty
            ),
        )
        .with("path", &self.dir)
    }
}

fn listed(dir: &RemotePath, entry: session::Entry) -> Listed {
    match RemoteName::new(&entry.name) {
        Ok(name) => {
            let mut found = entry_of(dir.join(&name), &entry.attributes);
            if entry.attributes.file_type().is_none() {
                found.kind = kind_of_long_name(entry.kind);
            }
            Listed::Entry(found)
        }
        Err(e) => Listed::unreadable(&entry.name, e.to_string()),
    }
}

/// The first letter of what `ls -l` would print, for servers that leave the permission bits out.
fn kind_of_long_name(letter: Option<u8>) -> EntryKind {
    match letter {
        Some(b'-') => EntryKind::File,
        Some(b'd') => EntryKind::Directory,
        Some(b'l') => EntryKind::Link,
        _ => EntryKind::Other,
    }
}
