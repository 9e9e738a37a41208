//! A base path: every path, leading slash or not, lies below it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::StreamExt;
use jiff::Timestamp;

use crate::{
    Capabilities, Checksum, ChecksumBy, Client, CreateOptions, Entry, EntryKind, EntryStream, Error,
    ErrorKind, Fetch, Listed, OUT_OF_BASE, OpenOptions, Reader, RemotePath, RenameMode, Result, ServerInfo,
    Store, Writer,
};

/// A session seen from a folder of the server, which is both its root and its login folder.
///
/// It is no jail: a link on the server may lead outside. Paths come back in the caller's terms.
#[derive(Debug)]
pub struct Rooted {
    client: Arc<dyn Client>,
    base: RemotePath,
}

impl Rooted {
    /// Confines the paths of a session to a base path.
    pub fn new(client: Arc<dyn Client>, base: RemotePath) -> Self {
        Self { client, base }
    }

    fn below(&self, path: &RemotePath) -> RemotePath {
        self.base.join_below(path)
    }
}

#[async_trait]
#[warn(clippy::missing_trait_methods)]
impl Client for Rooted {
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
        let entry = self.client.stat(&self.below(path)).await?;
        Ok(Entry {
            path: path.clone(),
            ..entry
        })
    }

    async fn list(&self, dir: &RemotePath) -> Result<EntryStream> {
        let listing = self.client.list(&self.below(dir)).await?;
        let dir = dir.clone();
        let own_terms = move |listed| match listed {
            Listed::Entry(entry) => match entry.name() {
                Some(name) => Listed::Entry(Entry {
                    path: dir.join(&name),
                    ..entry
                }),
                None => Listed::unreadable(entry.path.as_wire(), "it has no name"),
            },
            unreadable @ Listed::Unreadable { .. } => unreadable,
        };
        Ok(listing.map(move |listed| listed.map(&own_terms)).boxed())
    }

    async fn open(&self, path: &RemotePath, options: OpenOptions) -> Result<Box<dyn Reader>> {
        self.client.open(&self.below(path), options).await
    }

    async fn create(&self, path: &RemotePath, options: CreateOptions) -> Result<Box<dyn Writer>> {
        self.client.create(&self.below(path), options).await
    }

    async fn fetch(&self, path: &RemotePath, request: Fetch) -> Result<u64> {
        self.client.fetch(&self.below(path), request).await
    }

    async fn store(&self, path: &RemotePath, request: Store) -> Result<u64> {
        self.client.store(&self.below(path), request).await
    }

    async fn rename(&self, from: &RemotePath, to: &RemotePath, mode: RenameMode) -> Result<()> {
        self.client.rename(&self.below(from), &self.below(to), mode).await
    }

    async fn make_dir(&self, path: &RemotePath) -> Result<()> {
        self.client.make_dir(&self.below(path)).await
    }

    async fn remove(&self, path: &RemotePath, kind: EntryKind) -> Result<()> {
        if path.is_top() {
            return Err(Error::new(
                ErrorKind::Denied,
                "the base path of the connection cannot be removed",
            ));
        }
        self.client.remove(&self.below(path), kind).await
    }

    async fn set_modified(&self, path: &RemotePath, modified: Timestamp) -> Result<()> {
        self.client.set_modified(&self.below(path), modified).await
    }

    async fn set_permissions(&self, path: &RemotePath, mode: u32) -> Result<()> {
        self.client.set_permissions(&self.below(path), mode).await
    }

    async fn checksum(&self, path: &RemotePath, by: ChecksumBy) -> Result<Checksum> {
        self.client.checksum(&self.below(path), by).await
    }

    async fn canonicalize(&self, path: &RemotePath) -> Result<RemotePath> {
        let base = self.client.canonicalize(&self.base).await?;
        let full = self.client.canonicalize(&self.below(path)).await?;
        match full.strip_base(&base) {
            Some(below) => Ok(RemotePath::root().join_below(&below)),
            None => Err(Error::new(
                ErrorKind::Denied,
                format!("{path} leads outside the base path of the connection"),
            )
            .in_operation(OUT_OF_BASE)),
        }
    }

    async fn keepalive(&self) -> Result<()> {
        self.client.keepalive().await
    }

    async fn disconnect(&self) -> Result<()> {
        self.client.disconnect().await
    }
}
