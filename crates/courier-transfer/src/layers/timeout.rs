//! A time limit on every operation: on its answer, and for bytes and listings on their progress.

use std::{
    io,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use jiff::Timestamp;
use tokio::time::{Instant, timeout, timeout_at};

use crate::{
    Capabilities, Checksum, ChecksumBy, Client, CreateOptions, Entry, EntryKind, EntryStream, Error,
    ErrorKind, Fetch, OpenOptions, Parts, Reader, RemotePath, RenameMode, Result, ServerInfo, Sink, Source,
    Store, Writer,
};

/// How many times as long as any other answer a checksum may take.
const CHECKSUM_PATIENCE: u32 = 10;

/// A session whose operations end in time.
///
/// An operation without an answer, and one that moves bytes or lists without any progress, fails with
/// [`ErrorKind::Timeout`] after the limit. A transfer that goes on may take as long as it needs.
#[derive(Debug)]
pub struct Timeouts {
    client: Arc<dyn Client>,
    limit: Duration,
}

impl Timeouts {
    /// Bounds the operations of a session.
    pub fn new(client: Arc<dyn Client>, operation_timeout: Duration) -> Self {
        Self {
            client,
            limit: operation_timeout,
        }
    }

    fn clock(&self, operation: &'static str, path: &RemotePath) -> Clock {
        Clock {
            limit: self.limit,
            operation,
            path: path.clone(),
        }
    }
}

/// The limit of one operation, and what its error says.
#[derive(Clone, Debug)]
struct Clock {
    limit: Duration,
    operation: &'static str,
    path: RemotePath,
}

impl Clock {
    async fn answer<T>(&self, answer: impl Future<Output = Result<T>>) -> Result<T> {
        match timeout(self.limit, answer).await {
            Ok(result) => result,
            Err(_) => Err(self.error("the server did not answer")),
        }
    }

    /// A session that shares a file may have to wait for the others: what they move is progress, too. One that holds them
    /// up itself doesn't profit from that for long, since nobody's progress counts beyond the first hole.
    async fn progress<T>(
        &self,
        activity: &Activity,
        parts: Option<Arc<Parts>>,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let mut work = pin!(work);
        let reached = || parts.as_ref().map_or(0, |parts| parts.reached());
        let mut reached_before = reached();
        loop {
            let last = activity.last();
            match timeout_at(last + self.limit, &mut work).await {
                Ok(result) => return result,
                Err(_) if activity.last() > last => {}
                Err(_) if reached() > reached_before => activity.note(),
                Err(_) => return Err(self.error("the transfer made no progress")),
            }
            reached_before = reached();
        }
    }

    fn error(&self, what: &str) -> Error {
        Error::new(
            ErrorKind::Timeout,
            format!("{what} for {} s", self.limit.as_secs_f64()),
        )
        .in_operation(self.operation)
        .with("path", &self.path)
    }
}

/// When something moved last.
#[derive(Debug)]
struct Activity {
    start: Instant,
    last_ms: AtomicU64,
}

impl Activity {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            last_ms: AtomicU64::new(0),
        })
    }

    fn note(&self) {
        let ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.store(ms, Ordering::Relaxed);
    }

    fn last(&self) -> Instant {
        self.start + Duration::from_millis(self.last_ms.load(Ordering::Relaxed))
    }
}

#[derive(Debug)]
struct ActiveSink {
    sink: Arc<dyn Sink>,
    activity: Arc<Activity>,
}

impl Sink for ActiveSink {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let result = self.sink.write_at(bytes, offset);
        self.activity.note();
        result
    }

    fn advance(&self, offset: u64) {
        self.sink.advance(offset);
    }

    fn waits(&self) {
        self.activity.note();
        self.sink.waits();
    }

    fn error(&self, error: io::Error) -> Error {
        self.sink.error(error)
    }
}

#[derive(Debug)]
struct ActiveSource {
    source: Arc<dyn Source>,
    activity: Arc<Activity>,
}

impl Source for ActiveSource {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let result = self.source.read_at(buffer, offset);
        self.activity.note();
        result
    }

    fn advance(&self, offset: u64) {
        self.activity.note();
        self.source.advance(offset);
    }

    fn waits(&self) {
        self.activity.note();
        self.source.waits();
    }

    fn error(&self, error: io::Error) -> Error {
        self.source.error(error)
    }
}

#[derive(Debug)]
struct TimedReader {
    reader: Box<dyn Reader>,
    clock: Clock,
}

#[async_trait]
#[warn(clippy::missing_trait_methods)]
impl Reader for TimedReader {
    async fn read(&mut self) -> Result<Option<Bytes>> {
        self.clock.answer(self.reader.read()).await
    }
}

#[derive(Debug)]
struct TimedWriter {
    writer: Box<dyn Writer>,
    clock: Clock,
}

#[async_trait]
#[warn(clippy::missing_trait_methods)]
impl Writer for TimedWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.clock.answer(self.writer.write(bytes)).await
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        self.clock.answer(self.writer.finish()).await
    }
}

#[async_trait]
#[warn(clippy::missing_trait_methods)]
impl Client for Timeouts {
    fn capabilities(&self) -> Capabilities {
        self.client.capabilities()
    }

    fn server(&self) -> &ServerInfo {
        self.client.server()
    }

    fn is_connected(&self) -> bool {
        self.client.is_connected()
    }

    fn round_trip(&self) -> Option<Duration> {
        self.client.round_trip()
    }

    fn lanes(&self, bytes: u64) -> usize {
        self.client.lanes(bytes)
    }

    async fn stat(&self, path: &RemotePath) -> Result<Entry> {
        self.clock("stat", path).answer(self.client.stat(path)).await
    }

    async fn list(&self, dir: &RemotePath) -> Result<EntryStream> {
        let clock = self.clock("list", dir);
        let listing = clock.answer(self.client.list(dir)).await?;
        let timed = stream::unfold(Some(listing), move |listing| {
            let clock = clock.clone();
            async move {
                let mut listing = listing?;
                match timeout(clock.limit, listing.next()).await {
                    Ok(listed) => Some((listed?, Some(listing))),
                    Err(_) => Some((Err(clock.error("the listing made no progress")), None)),
                }
            }
        });
        Ok(timed.boxed())
    }

    async fn open(&self, path: &RemotePath, options: OpenOptions) -> Result<Box<dyn Reader>> {
        let clock = self.clock("open", path);
        let reader = clock.answer(self.client.open(path, options)).await?;
        Ok(Box::new(TimedReader { reader, clock }))
    }

    async fn create(&self, path: &RemotePath, options: CreateOptions) -> Result<Box<dyn Writer>> {
        let clock = self.clock("create", path);
        let writer = clock.answer(self.client.create(path, options)).await?;
        Ok(Box::new(TimedWriter { writer, clock }))
    }

    async fn fetch(&self, path: &RemotePath, request: Fetch) -> Result<u64> {
        let activity = Activity::new();
        let sink = Arc::new(ActiveSink {
            sink: request.sink,
            activity: activity.clone(),
        });
        let parts = request.parts.clone();
        let fetch = self.client.fetch(path, Fetch { sink, ..request });
        self.clock("fetch", path).progress(&activity, parts, fetch).await
    }

    async fn store(&self, path: &RemotePath, request: Store) -> Result<u64> {
        let activity = Activity::new();
        let source = Arc::new(ActiveSource {
            source: request.source,
            activity: activity.clone(),
        });
        let parts = request.parts.clone();
        let store = self.client.store(path, Store { source, ..request });
        self.clock("store", path).progress(&activity, parts, store).await
    }

    async fn rename(&self, from: &RemotePath, to: &RemotePath, mode: RenameMode) -> Result<()> {
        self.clock("rename", from)
            .answer(self.client.rename(from, to, mode))
            .await
    }

    async fn make_dir(&self, path: &RemotePath) -> Result<()> {
        self.clock("make_dir", path)
            .answer(self.client.make_dir(path))
            .await
    }

    async fn remove(&self, path: &RemotePath, kind: EntryKind) -> Result<()> {
        self.clock("remove", path)
            .answer(self.client.remove(path, kind))
            .await
    }

    async fn set_modified(&self, path: &RemotePath, modified: Timestamp) -> Result<()> {
        let answer = self.client.set_modified(path, modified);
        self.clock("set_modified", path).answer(answer).await
    }

    async fn set_permissions(&self, path: &RemotePath, mode: u32) -> Result<()> {
        let answer = self.client.set_permissions(path, mode);
        self.clock("set_permissions", path).answer(answer).await
    }

    async fn checksum(&self, path: &RemotePath, by: ChecksumBy) -> Result<Checksum> {
        let mut clock = self.clock("checksum", path);
        // The server reads the whole file before it says anything.
        clock.limit *= CHECKSUM_PATIENCE;
        clock.answer(self.client.checksum(path, by)).await
    }

    async fn canonicalize(&self, path: &RemotePath) -> Result<RemotePath> {
        self.clock("canonicalize", path)
            .answer(self.client.canonicalize(path))
            .await
    }

    async fn keepalive(&self) -> Result<()> {
        let nowhere = RemotePath::home();
        self.clock("keepalive", &nowhere)
            .answer(self.client.keepalive())
            .await
    }

    async fn disconnect(&self) -> Result<()> {
        let nowhere = RemotePath::home();
        self.clock("disconnect", &nowhere)
            .answer(self.client.disconnect())
            .await
    }
}
