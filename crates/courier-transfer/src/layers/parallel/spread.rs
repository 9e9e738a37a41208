//! Many operations over several sessions, where each session does one thing after the other (FTP).

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use jiff::Timestamp;

use tokio::task::JoinSet;
use tracing::Instrument;

use crate::{
    Capabilities, Checksum, ChecksumBy, Client, Connector, CreateOptions, Entry, EntryKind, EntryStream,
    Error, ErrorKind, Fetch, OpenOptions, Reader, RemotePath, RenameMode, Result, ServerInfo, Store, Writer,
};

use super::{
    member::Place,
    pool::{Coming, Pool},
};

/// A session that takes others to help when operations queue up.
///
/// It carries as many operations at once as there may be sessions. Each goes to a free one; further ones are opened while
/// operations wait, and go back when they are idle, or as soon as somebody else [wants](Connector::wanted) one. One that
/// breaks is given up: what looked goes on over the main session, and what moved bytes or changed names comes back as
/// [`ErrorKind::Lost`](crate::ErrorKind::Lost) as from a session that was opened again. Where there may be no others, all
/// goes over the main one.
#[derive(Debug)]
pub(super) struct Spread {
    main: Arc<dyn Client>,
    pool: Arc<Pool>,
    most: usize,
}

impl Spread {
    /// Spreads operations over `main` and sessions that `connector` gives, `most` in all.
    pub(super) fn new(main: Arc<dyn Client>, connector: Arc<dyn Connector>, most: usize) -> Self {
        Self {
            pool: Pool::new(main.clone(), connector, most),
            main,
            most,
        }
    }
}

/// Carries an operation out in a task of its own, which ends when nobody asks for the result any more.
///
/// Whoever asked may not be polled for a while, as a plan isn't while enough files are under way. An operation that only went
/// on with them would keep its session from those very files.
async fn alone<T, W, Fut>(coming: Coming, work: W) -> Result<T>
where
    T: Send + 'static,
    W: FnOnce(Place) -> Fut + Send + 'static,
    Fut: Future<Output = Result<T>> + Send + 'static,
{
    let mut task = JoinSet::new();
    task.spawn(async move { work(coming.here().await?).await }.in_current_span());
    match task.join_next().await {
        Some(Ok(result)) => result,
        Some(Err(_)) | None => Err(Error::new(
            ErrorKind::Failed,
            "an operation was not carried through",
        )),
    }
}

/// A file that is read over one of the sessions, which is in use until then.
#[derive(Debug)]
struct PlacedReader {
    reader: Box<dyn Reader>,
    place: Place,
}

#[async_trait]
#[warn(clippy::missing_trait_methods)]
impl Reader for PlacedReader {
    async fn read(&mut self) -> Result<Option<Bytes>> {
        self.place.judge(self.reader.read().await)
    }
}

#[derive(Debug)]
struct PlacedWriter {
    writer: Box<dyn Writer>,
    place: Place,
}

#[async_trait]
#[warn(clippy::missing_trait_methods)]
impl Writer for PlacedWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.place.judge(self.writer.write(bytes).await)
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        self.place.judge_change(self.writer.finish().await)
    }
}

#[async_trait]
#[warn(clippy::missing_trait_methods)]
impl Client for Spread {
    /// What all sessions can do.
    fn capabilities(&self) -> Capabilities {
        let mut all = self.main.capabilities();
        for member in self.pool.members() {
            let one = member.client().capabilities();
            all.resume_download &= one.resume_download;
            all.resume_upload &= one.resume_upload;
            all.atomic_replace &= one.atomic_replace;
            all.set_times &= one.set_times;
            all.checksum &= one.checksum;
            all.parts &= one.parts;
            all.permissions &= one.permissions;
        }
        all.concurrency = self.most;
        all
    }

    fn server(&self) -> &ServerInfo {
        self.main.server()
    }

    fn is_connected(&self) -> bool {
        self.main.is_connected()
    }

    fn round_trip(&self) -> Option<Duration> {
        self.main.round_trip()
    }

    fn lanes(&self, bytes: u64) -> usize {
        self.main.lanes(bytes)
    }

    async fn stat(&self, path: &RemotePath) -> Result<Entry> {
        let (coming, path) = (self.pool.place(&[path]), path.clone());
        alone(
            coming,
            move |place| async move { place.looks().stat(&path).await },
        )
        .await
    }

    /// The session is free for others when the listing has begun: who reads it may need one for each entry.
    async fn list(&self, dir: &RemotePath) -> Result<EntryStream> {
        let (coming, dir) = (self.pool.place(&[dir]), dir.clone());
        alone(coming, move |place| async move {
            let listing = place.looks().list(&dir).await?;
            let read = place.listing();
            let read_on = listing.inspect(move |_| {
                let _ = &read;
            });
            Ok(read_on.boxed())
        })
        .await
    }

    async fn open(&self, path: &RemotePath, options: OpenOptions) -> Result<Box<dyn Reader>> {
        let (coming, path) = (self.pool.place(&[path]), path.clone());
        alone(coming, move |place| async move {
            let reader = place.looks().open(&path, options).await?;
            place.forget_paths();
            Ok(Box::new(PlacedReader { reader, place }) as Box<dyn Reader>)
        })
        .await
    }

    async fn create(&self, path: &RemotePath, options: CreateOptions) -> Result<Box<dyn Writer>> {
        let (coming, path) = (self.pool.place(&[path]), path.clone());
        alone(coming, move |place| async move {
            let writer = place.judge(place.client().create(&path, options).await)?;
            place.forget_paths();
            Ok(Box::new(PlacedWriter { writer, place }) as Box<dyn Writer>)
        })
        .await
    }

    async fn fetch(&self, path: &RemotePath, request: Fetch) -> Result<u64> {
        let (coming, path) = (self.pool.place(&[path]), path.clone());
        alone(coming, move |place| async move {
            place.judge_change(place.client().fetch(&path, request).await)
        })
        .await
    }

    async fn store(&self, path: &RemotePath, request: Store) -> Result<u64> {
        let (coming, path) = (self.pool.place(&[path]), path.clone());
        alone(coming, move |place| async move {
            place.judge_change(place.client().store(&path, request).await)
        })
        .await
    }

    async fn rename(&self, from: &RemotePath, to: &RemotePath, mode: RenameMode) -> Result<()> {
        let (coming, from, to) = (self.pool.place(&[from, to]), from.clone(), to.clone());
        alone(coming, move |place| async move {
            place.judge_change(place.client().rename(&from, &to, mode).await)
        })
        .await
    }

    async fn make_dir(&self, path: &RemotePath) -> Result<()> {
        let (coming, path) = (self.pool.place(&[path]), path.clone());
        alone(coming, move |place| async move {
            place.judge_change(place.client().make_dir(&path).await)
        })
        .await
    }

    async fn remove(&self, path: &RemotePath, kind: EntryKind) -> Result<()> {
        let (coming, path) = (self.pool.place(&[path]), path.clone());
        alone(coming, move |place| async move {
            place.judge_change(place.client().remove(&path, kind).await)
        })
        .await
    }

    async fn set_modified(&self, path: &RemotePath, modified: Timestamp) -> Result<()> {
        let (coming, path) = (self.pool.place(&[path]), path.clone());
        alone(coming, move |place| async move {
            place.looks().set_modified(&path, modified).await
        })
        .await
    }

    async fn set_permissions(&self, path: &RemotePath, mode: u32) -> Result<()> {
        let (coming, path) = (self.pool.place(&[path]), path.clone());
        alone(coming, move |place| async move {
            place.looks().set_permissions(&path, mode).await
        })
        .await
    }

    async fn checksum(&self, path: &RemotePath, by: ChecksumBy) -> Result<Checksum> {
        let (coming, path) = (self.pool.place(&[path]), path.clone());
        alone(coming, move |place| async move {
            place.looks().checksum(&path, by).await
        })
        .await
    }

    async fn canonicalize(&self, path: &RemotePath) -> Result<RemotePath> {
        let (coming, path) = (self.pool.place(&[path]), path.clone());
        alone(coming, move |place| async move {
            place.looks().canonicalize(&path).await
        })
        .await
    }

    /// Of the main session. Others that are idle go back soon.
    async fn keepalive(&self) -> Result<()> {
        self.main.keepalive().await
    }

    async fn disconnect(&self) -> Result<()> {
        self.pool.close();
        self.main.disconnect().await
    }
}
