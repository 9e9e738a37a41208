//! Listings of whole trees and of patterns, in bounded memory.

use std::{future::ready, sync::Arc};

use futures::{FutureExt, Stream, StreamExt, stream, stream::FuturesUnordered};
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::{Client, Entry, EntryStream, Error, ErrorKind, Listed, RemotePath, Result};

use super::{Pattern, RemoteGlob, directories::is_broken, waiting::Waiting};

/// Items that a producer may be ahead of its consumer.
const AHEAD: usize = 64;
/// Folders that are listed at once, at most.
const LISTINGS: usize = 16;
/// Deeper paths than this, in bytes, are not followed: no server has them, but a hostile one may show them.
pub(super) const MAX_PATH: usize = 4096;

/// What [`find`] gives.
#[derive(Clone, Debug, Default)]
pub struct FindOptions {
    /// Go into the directories. Links to directories are not followed, so cycles cannot be.
    pub recursive: bool,
    /// Only what this matches, relative to the folder searched; folders that cannot hold matches are not listed.
    pub pattern: Option<Pattern>,
    /// Give directories, too.
    pub directories: bool,
    /// Leave out what one of these matches, relative to the folder searched, and all that lies in it.
    pub ignore: Vec<Pattern>,
    /// The folder that `ignore` is relative to instead.
    pub ignore_from: Option<RemotePath>,
}

/// Lists what lies below a folder, several folders at a time where the session carries that.
///
/// A folder that is not there is an error of the call. An `Err` in the stream is about one folder below it and
/// doesn't end the stream, except where the session is broken. A folder comes before what lies in it. Memory grows with
/// the number of folders still to be listed, not with that of files; more than some 32 MiB of them end the stream with an
/// error, too.
pub async fn find(client: Arc<dyn Client>, root: &RemotePath, options: FindOptions) -> Result<EntryStream> {
    let first = client.list(root).await?;
    let root = root.clone();
    Ok(produce(|items| async move {
        let at_once = client.capabilities().concurrency.clamp(1, LISTINGS);
        let search = Search {
            client,
            root,
            options,
            items,
            folders: Mutex::default(),
        };
        let mut listings = FuturesUnordered::new();
        listings.push(search.listing(Ok(first)).boxed());
        while let Some(Ok(())) = listings.next().await {
            while listings.len() < at_once {
                let Some(folder) = search.folders.lock().pop() else {
                    break;
                };
                listings.push(search.folder(folder).boxed());
            }
        }
    })
    .boxed())
}

/// Lists what a path or a pattern names: one path as `stat` tells it (links followed), a pattern as listings do.
///
/// What `ignore` matches is left out as in [`find`]; it doesn't concern one path.
pub async fn glob(
    client: Arc<dyn Client>,
    glob: &RemoteGlob,
    directories: bool,
    ignore: &[Pattern],
) -> Result<EntryStream> {
    match glob.pattern() {
        None => {
            let entry = client.stat(glob.base()).await?;
            Ok(stream::once(ready(Ok(Listed::Entry(entry)))).boxed())
        }
        Some(pattern) => {
            let options = FindOptions {
                recursive: true,
                pattern: Some(pattern.clone()),
                directories,
                ignore: ignore.to_vec(),
                ignore_from: None,
            };
            find(client, glob.base(), options).await
        }
    }
}

/// Nobody listens any more, the session is broken, or the server shows folders without end.
struct Ended;

struct Search {
    client: Arc<dyn Client>,
    root: RemotePath,
    options: FindOptions,
    items: mpsc::Sender<Result<Listed>>,
    /// Still to be listed.
    folders: Mutex<Waiting>,
}

impl Search {
    async fn folder(&self, folder: RemotePath) -> Result<(), Ended> {
        self.listing(self.client.list(&folder).await).await
    }

    async fn listing(&self, listing: Result<EntryStream>) -> Result<(), Ended> {
        let mut listing = match listing {
            Ok(listing) => listing,
            Err(e) => return self.give(Err(e)).await,
        };
        while let Some(listed) = listing.next().await {
            match listed {
                Ok(Listed::Entry(entry)) => self.entry(entry).await?,
                other => self.give(other).await?,
            }
        }
        Ok(())
    }

    /// Gives an entry that is wanted, and notes a folder that is to be gone into.
    async fn entry(&self, entry: Entry) -> Result<(), Ended> {
        let pattern = self.options.pattern.as_ref();
        let path = entry.path.clone();
        let relative = path.strip_base(&self.root).unwrap_or_else(|| path.clone());
        let is_dir = entry.is_dir();
        let from = self.options.ignore_from.as_ref();
        let below = from.and_then(|from| path.strip_base(from));
        let below = below.as_ref().unwrap_or(&relative);
        if self.options.ignore.iter().any(|p| p.matches(below)) {
            return Ok(());
        }
        if (!is_dir || self.options.directories) && pattern.is_none_or(|p| p.matches(&relative)) {
            self.give(Ok(Listed::Entry(entry))).await?;
        }
        if !is_dir || !self.options.recursive || !pattern.is_none_or(|p| p.may_match_below(&relative)) {
            return Ok(());
        }
        if path.as_wire().len() > MAX_PATH {
            return self.give(Err(too_deep(&path))).await;
        }
        let noted = self.folders.lock().push(path);
        match noted {
            Ok(()) => Ok(()),
            Err(e) => {
                self.give(Err(e)).await?;
                Err(Ended)
            }
        }
    }

    /// The error of a broken session is the last thing that is given.
    async fn give(&self, item: Result<Listed>) -> Result<(), Ended> {
        let broken = item.as_ref().is_err_and(is_broken);
        match self.items.send(item).await {
            Ok(()) if !broken => Ok(()),
            _ => Err(Ended),
        }
    }
}

pub(super) fn too_deep(path: &RemotePath) -> Error {
    Error::new(
        ErrorKind::Protocol,
        format!(
            "the server lists folders within folders, deeper than {MAX_PATH} bytes of path; they are left out"
        ),
    )
    .with("path", path.to_text().chars().take(256).collect::<String>())
}

/// A stream out of an async function that sends its items. Dropping the stream drops the function.
pub(super) fn produce<T, F, Fut>(producer: F) -> impl Stream<Item = T> + Send + 'static
where
    T: Send + 'static,
    F: FnOnce(mpsc::Sender<T>) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let (sender, mut receiver) = mpsc::channel(AHEAD);
    let items = stream::poll_fn(move |cx| receiver.poll_recv(cx));
    let work = producer(sender).into_stream().filter_map(|()| ready(None));
    stream::select(items, work)
}
