//! Several sessions for one big file, or for many files.

mod member;
mod pool;
mod shared;
mod spread;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::FutureExt;
use jiff::Timestamp;

use crate::{
    Capabilities, Checksum, ChecksumBy, Client, Connector, CreateOptions, Entry, EntryKind, EntryStream,
    Fetch, OpenOptions, Reader, RemotePath, RenameMode, Result, ServerInfo, Store, Writer,
};

use shared::{LocalEnd, Role, Shared};
use spread::Spread;

/// Smaller files are not worth another session.
const SHARED: u64 = 8 * 1024 * 1024;
/// Smaller files are not worth another session that nobody asked for.
pub(crate) const SHARED_UNASKED: u64 = 64 * 1024 * 1024;
/// A shorter path is filled by one session.
const LONG_PATH: Duration = Duration::from_millis(10);

/// How many sessions share one file. Where a session does one thing after the other, many files are spread over as many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lanes {
    /// So many, from 8 MiB on.
    Exactly(usize),
    /// So many, from 64 MiB on, where the path is long: where a round trip takes 10 ms or more.
    Automatic {
        /// How many.
        most: usize,
    },
}

impl Lanes {
    /// How many sessions are to share so many bytes of one file on a path of that round trip.
    pub fn for_file(self, bytes: u64, round_trip: Option<Duration>) -> usize {
        let is_long = || round_trip.is_some_and(|time| time >= LONG_PATH);
        match self {
            Self::Exactly(all) if bytes >= SHARED => all.max(1),
            Self::Automatic { most } if bytes >= SHARED_UNASKED && is_long() => most.max(1),
            _ => 1,
        }
    }

    /// How many sessions there may be.
    fn most(self) -> usize {
        let (Self::Exactly(most) | Self::Automatic { most }) = self;
        most.max(1)
    }
}

/// A session that takes others to help with big files, and with many where it does one thing after the other.
///
/// A big file is shared where the protocol can move [parts](Capabilities::parts) of one. The further sessions come from
/// [`Connector::another`] while the first one already transfers, and go back at the end, or as soon as somebody else
/// [wants](Connector::wanted) one. One that fails gives its parts back, and the others go on.
///
/// Where the session carries one operation at a time, operations are spread over as many sessions as there may be, which are
/// opened while operations wait.
#[derive(Debug)]
pub struct Parallel {
    client: Arc<dyn Client>,
    connector: Arc<dyn Connector>,
    lanes: Lanes,
}

impl Parallel {
    /// Shares big files between `client` and sessions that `connector` gives.
    pub fn new(client: Arc<dyn Client>, connector: Arc<dyn Connector>, lanes: Lanes) -> Self {
        let client: Arc<dyn Client> = match client.capabilities().concurrency {
            1 => Arc::new(Spread::new(client, connector.clone(), lanes.most())),
            _ => client,
        };
        Self {
            client,
            connector,
            lanes,
        }
    }

    /// How many sessions beside the first one.
    fn more(&self) -> usize {
        self.lanes.most() - 1
    }
}

#[async_trait]
#[warn(clippy::missing_trait_methods)]
impl Client for Parallel {
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
        match self.capabilities().parts {
            true => self.lanes.for_file(bytes, self.round_trip()),
            false => 1,
        }
    }

    async fn stat(&self, path: &RemotePath) -> Result<Entry> {
        self.client.stat(path).await
    }

    async fn list(&self, dir: &RemotePath) -> Result<EntryStream> {
        self.client.list(dir).await
    }

    async fn open(&self, path: &RemotePath, options: OpenOptions) -> Result<Box<dyn Reader>> {
        self.client.open(path, options).await
    }

    async fn create(&self, path: &RemotePath, options: CreateOptions) -> Result<Box<dyn Writer>> {
        self.client.create(path, options).await
    }

    async fn fetch(&self, path: &RemotePath, request: Fetch) -> Result<u64> {
        let Some(parts) = request.parts.clone() else {
            return self.client.fetch(path, request).await;
        };
        let path = path.clone();
        let work = move |client: Arc<dyn Client>, _: Role| {
            let (path, request) = (path.clone(), request.clone());
            async move {
                let sink = LocalEnd::new(request.sink);
                let fetch = Fetch {
                    sink: sink.clone(),
                    ..request
                };
                let result = client.fetch(&path, fetch).await;
                (result, sink.failed())
            }
            .boxed()
        };
        Shared {
            parts,
            connector: self.connector.clone(),
            work: Arc::new(work),
            creates: false,
            at_once: matches!(self.lanes, Lanes::Exactly(_)),
        }
        .run(self.client.clone(), self.more())
        .await
    }

    async fn store(&self, path: &RemotePath, request: Store) -> Result<u64> {
        let Some(parts) = request.parts.clone() else {
            return self.client.store(path, request).await;
        };
        let path = path.clone();
        let work = move |client: Arc<dyn Client>, role: Role| {
            let (path, request) = (path.clone(), request.clone());
            async move {
                let source = LocalEnd::new(request.source);
                let options = match role {
                    Role::First => request.options,
                    // The file is there, and what is in it stays.
                    Role::Beside => CreateOptions {
                        offset: request.options.offset.max(1),
                        create_new: false,
                    },
                };
                let store = Store {
                    source: source.clone(),
                    options,
                    after: request.after.filter(|_| role == Role::First),
                    ..request
                };
                let result = client.store(&path, store).await;
                (result, source.failed())
            }
            .boxed()
        };
        Shared {
            parts,
            connector: self.connector.clone(),
            work: Arc::new(work),
            creates: true,
            at_once: true,
        }
        .run(self.client.clone(), self.more())
        .await
    }

    async fn rename(&self, from: &RemotePath, to: &RemotePath, mode: RenameMode) -> Result<()> {
        self.client.rename(from, to, mode).await
    }

    async fn make_dir(&self, path: &RemotePath) -> Result<()> {
        self.client.make_dir(path).await
    }

    async fn remove(&self, path: &RemotePath, kind: EntryKind) -> Result<()> {
        self.client.remove(path, kind).await
    }

    async fn set_modified(&self, path: &RemotePath, modified: Timestamp) -> Result<()> {
        self.client.set_modified(path, modified).await
    }

    async fn set_permissions(&self, path: &RemotePath, mode: u32) -> Result<()> {
        self.client.set_permissions(path, mode).await
    }

    async fn checksum(&self, path: &RemotePath, by: ChecksumBy) -> Result<Checksum> {
        self.client.checksum(path, by).await
    }

    async fn canonicalize(&self, path: &RemotePath) -> Result<RemotePath> {
        self.client.canonicalize(path).await
    }

    async fn keepalive(&self) -> Result<()> {
        self.client.keepalive().await
    }

    async fn disconnect(&self) -> Result<()> {
        self.client.disconnect().await
    }
}
