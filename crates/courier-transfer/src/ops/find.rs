//! Listings of whole trees and of patterns, in bounded memory.

use std::{future::ready, sync::Arc};

use futures::{FutureExt, Stream, StreamExt, stream};
use tokio::sync::mpsc;

use crate::{Client, EntryStream, Error, ErrorKind, Listed, RemotePath, Result};

use super::{Pattern, RemoteGlob, directories::is_broken, waiting::Waiting};

/// Items that a producer may be ahead of its consumer.
const AHEAD: usize = 64;
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
}

/// Lists what lies below a folder.
///
/// A folder that is not there is an error of the call. An `Err` in the stream is about one folder below it and
/// doesn't end the stream, except where the session is broken. Memory grows with the number of folders
/// still to be listed, not with that of files; more than some 32 MiB of them end the stream with an error, too.
pub async fn find(client: Arc<dyn Client>, root: &RemotePath, options: FindOptions) -> Result<EntryStream> {
    let first = client.list(root).await?;
    let root = root.clone();
    Ok(produce(|items| async move {
        let mut folders = Waiting::default();
        let mut listing = Ok(first);
        loop {
            match listing {
                Ok(listing) => {
                    if search(listing, &root, &options, &mut folders, &items)
                        .await
                        .is_err()
                    {
                        return;
                    }
                }
                Err(e) => {
                    let broken = is_broken(&e);
                    if items.send(Err(e)).await.is_err() || broken {
                        return;
                    }
                }
            }
            let Some(folder) = folders.pop() else { return };
            listing = client.list(&folder).await;
        }
    })
    .boxed())
}

/// Lists what a path or a pattern names: one path as `stat` tells it (links followed), a pattern as listings do.
pub async fn glob(client: Arc<dyn Client>, glob: &RemoteGlob, directories: bool) -> Result<EntryStream> {
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
            };
            find(client, glob.base(), options).await
        }
    }
}

/// Nobody listens any more, the session is broken, or the server shows folders without end.
struct Ended;

async fn search(
    mut listing: EntryStream,
    root: &RemotePath,
    options: &FindOptions,
    folders: &mut Waiting,
    items: &mpsc::Sender<Result<Listed>>,
) -> Result<(), Ended> {
    let pattern = options.pattern.as_ref();
    while let Some(listed) = listing.next().await {
        let item = match listed {
            Ok(Listed::Entry(entry)) => {
                let relative = entry.path.strip_base(root).unwrap_or_else(|| entry.path.clone());
                if entry.is_dir() && options.recursive && pattern.is_none_or(|p| p.may_match_below(&relative))
                {
                    if entry.path.as_wire().len() > MAX_PATH {
                        send(items, Err(too_deep(&entry.path))).await?;
                    } else if let Err(e) = folders.push(entry.path.clone()) {
                        send(items, Err(e)).await?;
                        return Err(Ended);
                    }
                }
                if entry.is_dir() && !options.directories || !pattern.is_none_or(|p| p.matches(&relative)) {
                    continue;
                }
                Ok(Listed::Entry(entry))
            }
            Err(e) if is_broken(&e) => {
                send(items, Err(e)).await?;
                return Err(Ended);
            }
            other => other,
        };
        send(items, item).await?;
    }
    Ok(())
}

async fn send(items: &mpsc::Sender<Result<Listed>>, item: Result<Listed>) -> Result<(), Ended> {
    items.send(item).await.map_err(|_| Ended)
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
