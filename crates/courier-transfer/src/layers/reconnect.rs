//! A session that is opened again when it breaks.

mod files;
mod listing;
mod state;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::StreamExt;
use jiff::Timestamp;

use crate::{
    Capabilities, Checksum, ChecksumBy, Client, Connector, CreateOptions, Entry, EntryKind, EntryStream,
    ErrorKind, Fetch, OpenOptions, Reader, RemotePath, RenameMode, Result, ServerInfo, Store, Writer,
};

use files::{WatchedReader, WatchedSink, WatchedSource, WatchedWriter};
use state::State;

/// A session in whose place another one is opened when it breaks (specification 6.4.2).
///
/// A session is broken when it says so, when an operation is lost, and when one is not answered in time: then it is
/// given up. The next operation opens another one, at once after a new byte, else after 1, 2, 4 … seconds.
///
/// What only looks, and what may be done twice, is done again on the new session; a listing goes on behind what it has
/// given. Where bytes move or a name changes, the loss is passed on as [`ErrorKind::Lost`] while
/// [`is_connected`](Client::is_connected) stays true: the caller must look how far it came. [`ops`](crate::ops) do.
///
/// When too many reconnects in a row brought nothing new, or the server refuses the login or shows another key, it is
/// over: `is_connected` is false and every operation says why.
#[derive(Debug)]
pub struct Reconnecting {
    state: Arc<State>,
    server: ServerInfo,
}

impl Reconnecting {
    /// Opens another session through `connector` when `first` breaks. `retries` is how many reconnects in a row, without
    /// a new byte, listing entry or changed name, are tried.
    pub fn new(first: Arc<dyn Client>, connector: Arc<dyn Connector>, retries: u32) -> Self {
        Self {
            server: first.server().clone(),
            state: Arc::new(State::new(first, connector, retries)),
        }
    }

    /// Carries out what changes a name: it is not repeated.
    async fn change<Fut: Future<Output = Result<()>> + Send>(
        &self,
        operation: impl FnOnce(Arc<dyn Client>) -> Fut + Send,
    ) -> Result<()> {
        let session = self.state.session().await?;
        let result = self
            .state
            .judge(&session, operation(session.client.clone()).await);
        if result.is_ok() {
            self.state.progress();
        }
        result
    }
}

#[async_trait]
#[warn(clippy::missing_trait_methods)]
impl Client for Reconnecting {
    fn capabilities(&self) -> Capabilities {
        self.state.current().client.capabilities()
    }

    /// Of the first session.
    fn server(&self) -> &ServerInfo {
        &self.server
    }

    fn is_connected(&self) -> bool {
        self.state.is_usable()
    }

    fn round_trip(&self) -> Option<Duration> {
        self.state.current().client.round_trip()
    }

    fn lanes(&self, bytes: u64) -> usize {
        self.state.current().client.lanes(bytes)
    }

    async fn stat(&self, path: &RemotePath) -> Result<Entry> {
        self.state
            .repeat(|client| async move { client.stat(path).await })
            .await
    }

    async fn list(&self, dir: &RemotePath) -> Result<EntryStream> {
        Ok(listing::list(self.state.clone(), dir.clone()).await?.boxed())
    }

    async fn open(&self, path: &RemotePath, options: OpenOptions) -> Result<Box<dyn Reader>> {
        let (session, reader) = self
            .state
            .repeat_on(|client| async move { client.open(path, options).await })
            .await?;
        Ok(Box::new(WatchedReader::new(self.state.clone(), session, reader)))
    }

    async fn create(&self, path: &RemotePath, options: CreateOptions) -> Result<Box<dyn Writer>> {
        let session = self.state.session().await?;
        let writer = session.client.create(path, options).await;
        let writer = self.state.judge(&session, writer)?;
        Ok(Box::new(WatchedWriter::new(self.state.clone(), session, writer)))
    }

    async fn fetch(&self, path: &RemotePath, request: Fetch) -> Result<u64> {
        let session = self.state.session().await?;
        let mark = self.state.mark("fetch", path, request.offset);
        let sink = Arc::new(WatchedSink::new(request.sink, mark.clone()));
        let result = session.client.fetch(path, Fetch { sink, ..request }).await;
        self.state.judge_transfer(&session, &mark, result)
    }

    async fn store(&self, path: &RemotePath, request: Store) -> Result<u64> {
        let session = self.state.session().await?;
        let mark = self.state.mark("store", path, request.options.offset);
        let source = Arc::new(WatchedSource::new(request.source, mark.clone()));
        let result = session.client.store(path, Store { source, ..request }).await;
        self.state.judge_transfer(&session, &mark, result)
    }

    async fn rename(&self, from: &RemotePath, to: &RemotePath, mode: RenameMode) -> Result<()> {
        self.change(|client| async move { client.rename(from, to, mode).await })
            .await
    }

    async fn make_dir(&self, path: &RemotePath) -> Result<()> {
        self.change(|client| async move { client.make_dir(path).await })
            .await
    }

    async fn remove(&self, path: &RemotePath, kind: EntryKind) -> Result<()> {
        self.change(|client| async move { client.remove(path, kind).await })
            .await
    }

    async fn set_modified(&self, path: &RemotePath, modified: Timestamp) -> Result<()> {
        self.state
            .repeat(|client| async move { client.set_modified(path, modified).await })
            .await
    }

    async fn set_permissions(&self, path: &RemotePath, mode: u32) -> Result<()> {
        self.state
            .repeat(|client| async move { client.set_permissions(path, mode).await })
            .await
    }

    /// One that takes too long says nothing about the session: servers read the whole file for it.
    async fn checksum(&self, path: &RemotePath, by: ChecksumBy) -> Result<Checksum> {
        let checksum = |client: Arc<dyn Client>| async move {
            match client.checksum(path, by).await {
                Err(e) if e.kind() == ErrorKind::Timeout => Ok(Err(e)),
                result => result.map(Ok),
            }
        };
        self.state.repeat(checksum).await?
    }

    async fn canonicalize(&self, path: &RemotePath) -> Result<RemotePath> {
        self.state
            .repeat(|client| async move { client.canonicalize(path).await })
            .await
    }

    async fn keepalive(&self) -> Result<()> {
        self.state
            .repeat(|client| async move { client.keepalive().await })
            .await
    }

    async fn disconnect(&self) -> Result<()> {
        self.state.close().await
    }
}
