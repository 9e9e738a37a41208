//! The walk through a mapped folder: several folders at a time where the session carries that, and what is found as it
//! comes in.

use std::sync::Arc;

use courier_transfer::{Client, Entry, EntryKind, EntryStream, Error, ErrorKind, Listed, RemotePath, Result};
use futures::{FutureExt, Stream, StreamExt, stream, stream::FuturesUnordered};
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::{Unreadable, Verdict, markers::Markers, rules::Rules};

/// Folders that are listed at once, at most.
const LISTINGS: usize = 8;
/// Items that the walk may be ahead of who takes them.
const AHEAD: usize = 256;
/// What the paths of folders may take that are still to be looked into, in bytes: a quarter of a million folders. A server
/// that makes up folders without end must not fill the memory.
const FOLDERS: usize = 32 * 1024 * 1024;
/// What a folder takes besides its path.
const OVERHEAD: usize = 64;
/// Deeper paths than this, in bytes, are not followed: no server has them, but a hostile one may show them.
const DEEPEST: usize = 4096;

/// What the walk meets.
#[derive(Debug)]
pub(super) enum Met {
    /// An object.
    Object(Object),
    /// A line or a name that is no entry.
    Unreadable(Unreadable),
    /// A folder below the mapped one that could not be listed.
    Refused(RemotePath, Error),
}

/// An object of a mapped folder.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) relative: RemotePath,
    pub(super) entry: Entry,
    /// Before its folder was asked for, by our clock.
    pub(super) asked: Timestamp,
    /// Its marker, where there is one.
    pub(super) marker: Option<RemotePath>,
    /// What is to become of it, where its name, kind and folder say that alone; else it is a file that the mapping wants.
    pub(super) verdict: Option<Verdict>,
    /// It lacks the marker that the mapping wants.
    pub(super) unmarked: bool,
}

/// Walks through a folder. The first error of the stream is the last: the session is broken, or there is no end of folders.
///
/// # Errors
/// Those of the mapped folder's own listing.
pub(super) async fn walk(
    client: Arc<dyn Client>,
    root: &RemotePath,
    left_out: Option<RemotePath>,
    rules: Rules,
) -> Result<impl Stream<Item = Result<Met>> + Send + 'static + use<>> {
    let asked = Timestamp::now();
    let first = client.list(root).await?;
    let (items, mut receiver) = mpsc::channel(AHEAD);
    let walk = Walk {
        client,
        root: root.clone(),
        left_out,
        rules,
        items,
        folders: Mutex::default(),
    };
    let root = root.clone();
    let work = async move { walk.run(root, first, asked).await };
    let items = stream::poll_fn(move |cx| receiver.poll_recv(cx));
    // Whoever drops the stream drops the walk.
    let work = work.into_stream().filter_map(|()| std::future::ready(None));
    Ok(stream::select(items, work))
}

/// Nobody listens any more, or there was an error that ends all.
struct Ended;

struct Walk {
    client: Arc<dyn Client>,
    root: RemotePath,
    /// A folder that is not looked into.
    left_out: Option<RemotePath>,
    rules: Rules,
    items: mpsc::Sender<Result<Met>>,
    folders: Mutex<Folders>,
}

/// Folders that are still to be looked into, and what they take.
#[derive(Debug, Default)]
struct Folders {
    paths: Vec<RemotePath>,
    bytes: usize,
}

impl Walk {
    async fn run(self, root: RemotePath, first: EntryStream, asked: Timestamp) {
        let at_once = self.client.capabilities().concurrency.clamp(1, LISTINGS);
        let mut listings = FuturesUnordered::new();
        listings.push(self.listing(root, Ok(first), asked).boxed());
        while let Some(Ok(())) = listings.next().await {
            while listings.len() < at_once {
                let Some(folder) = self.take() else { break };
                listings.push(self.folder(folder).boxed());
            }
        }
    }

    fn take(&self) -> Option<RemotePath> {
        let mut folders = self.folders.lock();
        let folder = folders.paths.pop()?;
        folders.bytes = folders.bytes.saturating_sub(folder.as_wire().len() + OVERHEAD);
        Some(folder)
    }

    async fn folder(&self, folder: RemotePath) -> Result<(), Ended> {
        let asked = Timestamp::now();
        let listing = self.client.list(&folder).await;
        self.listing(folder, listing, asked).await
    }

    async fn listing(
        &self,
        folder: RemotePath,
        listing: Result<EntryStream>,
        asked: Timestamp,
    ) -> Result<(), Ended> {
        let mut listing = match listing {
            Ok(listing) => listing,
            Err(e) => return self.refused(folder, e).await,
        };
        let mut markers = self.rules.wants_markers().then(Markers::default);
        while let Some(listed) = listing.next().await {
            match listed {
                Ok(Listed::Entry(entry)) => self.entry(entry, asked, &mut markers).await?,
                Ok(Listed::Unreadable { raw, reason }) => {
                    let folder = folder.clone();
                    self.give(Ok(Met::Unreadable(Unreadable { folder, raw, reason })))
                        .await?;
                }
                Err(e) => return self.refused(folder, e).await,
            }
        }
        for object in markers.into_iter().flat_map(Markers::unmarked) {
            self.give(Ok(Met::Object(object))).await?;
        }
        Ok(())
    }

    /// A folder below the mapped one that is gone by now is nothing to tell of; else one that can't be listed doesn't stop
    /// the others.
    async fn refused(&self, folder: RemotePath, error: Error) -> Result<(), Ended> {
        if ends_all(&error) || folder == self.root {
            self.give(Err(error)).await?;
            return Err(Ended);
        }
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::WrongKind => Ok(()),
            _ => self.give(Ok(Met::Refused(folder, error))).await,
        }
    }

    async fn entry(
        &self,
        entry: Entry,
        asked: Timestamp,
        markers: &mut Option<Markers>,
    ) -> Result<(), Ended> {
        let Some(relative) = entry.path.strip_base(&self.root) else {
            return Ok(());
        };
        let verdict = match entry.kind {
            EntryKind::Directory => match self.rules.ignored(&relative) {
                Some(by) => Some(Verdict::Ignored { by: by.to_owned() }),
                None => return self.note(entry.path, &relative).await,
            },
            EntryKind::Link => Some(Verdict::Link),
            EntryKind::Other => Some(Verdict::Other),
            EntryKind::File => self.rules.file(&relative),
        };
        let object = Object {
            relative,
            entry,
            asked,
            marker: None,
            verdict,
            unmarked: false,
        };
        let Some(markers) = markers else {
            return self.give(Ok(Met::Object(object))).await;
        };
        match (&object.verdict, self.rules.marked(&object.relative)) {
            (Some(Verdict::Marker), Some(of)) => {
                if let Some(file) = markers.marker(of, &object.entry.path) {
                    self.give(Ok(Met::Object(file))).await?;
                }
                self.give(Ok(Met::Object(object))).await
            }
            (None, _) => match markers.file(object) {
                Ok(Some(file)) => self.give(Ok(Met::Object(file))).await,
                Ok(None) => Ok(()),
                Err(e) => {
                    self.give(Err(e)).await?;
                    Err(Ended)
                }
            },
            _ => self.give(Ok(Met::Object(object))).await,
        }
    }

    /// Notes a folder that is to be looked into.
    async fn note(&self, folder: RemotePath, relative: &RemotePath) -> Result<(), Ended> {
        if !self.rules.goes_into(relative) || self.left_out.as_ref() == Some(&folder) {
            return Ok(());
        }
        if folder.as_wire().len() > DEEPEST {
            let deep = Error::new(
                ErrorKind::Protocol,
                format!(
                    "the server lists folders within folders, deeper than {DEEPEST} bytes of path; they are left out"
                ),
            );
            return self.give(Ok(Met::Refused(folder, deep))).await;
        }
        let waiting = {
            let mut folders = self.folders.lock();
            folders.bytes += folder.as_wire().len() + OVERHEAD;
            if folders.bytes <= FOLDERS {
                folders.paths.push(folder);
                return Ok(());
            }
            folders.paths.len()
        };
        let endless = format!(
            "the server lists more folders than can be kept: {waiting} wait already; map a folder further down, or narrow \
             the pattern"
        );
        self.give(Err(Error::new(ErrorKind::Protocol, endless))).await?;
        Err(Ended)
    }

    async fn give(&self, item: Result<Met>) -> Result<(), Ended> {
        self.items.send(item).await.map_err(|_| Ended)
    }
}

/// Is this an error of the session, rather than of what was asked for?
pub(super) fn ends_all(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Lost
            | ErrorKind::Timeout
            | ErrorKind::Unreachable
            | ErrorKind::Busy
            | ErrorKind::Auth
            | ErrorKind::HostKey
            | ErrorKind::HostKeyNotApproved
            | ErrorKind::Certificate
            | ErrorKind::Cancelled
    )
}
