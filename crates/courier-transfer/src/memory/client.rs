//! A session with a server in memory.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::{StreamExt, stream};
use jiff::Timestamp;

use crate::{
    Algorithm, Capabilities, Checksum, ChecksumBy, Client, CreateOptions, Entry, EntryKind, EntryStream,
    Error, ErrorKind, Fetch, Listed, OpenOptions, Reader, RemoteName, RemotePath, RenameMode, Result,
    ServerInfo, Store, TimePrecision, Writer,
    piecewise::{fetch_piecewise, store_piecewise},
};

use super::{
    Carried, Memory,
    file::{Handle, MemoryReader, MemoryWriter, connected},
    tree::{Node, Tree, not_found, now, wrong_kind},
};

static SERVER: LazyLock<ServerInfo> = LazyLock::new(|| ServerInfo {
    banner: Some("memory".into()),
    ..ServerInfo::default()
});

/// A session with a [`Memory`].
#[derive(Debug)]
pub struct MemoryClient {
    memory: Memory,
    connected: std::sync::Arc<AtomicBool>,
    /// Held by the operation that is carried out, where the session does one thing after the other.
    turn: tokio::sync::Mutex<()>,
}

impl MemoryClient {
    pub(super) fn new(memory: Memory) -> Self {
        Self {
            memory,
            connected: std::sync::Arc::new(AtomicBool::new(true)),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// Breaks the session, as a network would.
    pub fn lose(&self) {
        self.connected.store(false, Ordering::Relaxed);
    }

    async fn enter(&self, operation: &'static str) -> Result<()> {
        let _turn = match self.capabilities().concurrency {
            1 => Some(self.turn.lock().await),
            _ => None,
        };
        connected(&self.connected)?;
        self.memory.enter(operation).await?;
        if self.memory.loses(operation, Carried::Nowhere) {
            self.lose();
        }
        connected(&self.connected)
    }

    /// The answer to what was carried out, if it arrives.
    fn answer<T>(&self, operation: &'static str, result: Result<T>) -> Result<T> {
        if self.memory.loses(operation, Carried::Out) {
            self.lose();
        }
        connected(&self.connected)?;
        result
    }

    fn change(&self, path: &RemotePath, change: impl FnOnce(&mut Node)) -> Result<()> {
        let mut state = self.memory.state();
        let at = state.tree.resolve(path, true)?;
        change(state.tree.get_mut(&at).ok_or_else(|| not_found(path))?);
        Ok(())
    }

    fn capable(&self, has: bool, what: &str) -> Result<()> {
        if has {
            Ok(())
        } else {
            Err(Error::new(
                ErrorKind::Unsupported,
                format!("this server cannot {what}"),
            ))
        }
    }

    pub(super) async fn open_file(&self, path: &RemotePath, options: OpenOptions) -> Result<MemoryReader> {
        self.enter("open").await?;
        self.capable(
            options.offset == 0 || self.capabilities().resume_download,
            "read from an offset",
        )?;
        let path = {
            let state = self.memory.state();
            let (at, node) = state.tree.find(path, true)?;
            if node.kind() != EntryKind::File {
                return Err(wrong_kind(path, "is not a file"));
            }
            at
        };
        Ok(MemoryReader {
            handle: self.handle(),
            path,
            offset: options.offset,
        })
    }

    pub(super) async fn create_file(
        &self,
        path: &RemotePath,
        options: CreateOptions,
    ) -> Result<MemoryWriter> {
        self.enter("create").await?;
        self.capable(
            options.offset == 0 || self.capabilities().resume_upload,
            "write at an offset",
        )?;
        let mut state = self.memory.state();
        let at = state.tree.resolve(path, true)?;
        prepare(&mut state.tree, &at, options)?;
        drop(state);
        Ok(MemoryWriter {
            handle: self.handle(),
            path: at,
            offset: options.offset,
        })
    }

    fn handle(&self) -> Handle {
        Handle {
            memory: self.memory.clone(),
            connected: self.connected.clone(),
        }
    }
}

#[async_trait]
impl Client for MemoryClient {
    fn capabilities(&self) -> Capabilities {
        self.memory.state().capabilities
    }

    fn server(&self) -> &ServerInfo {
        &SERVER
    }

    fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    fn round_trip(&self) -> Option<Duration> {
        self.memory.state().round_trip
    }

    async fn stat(&self, path: &RemotePath) -> Result<Entry> {
        self.enter("stat").await?;
        let state = self.memory.state();
        Ok(state.tree.find(path, true)?.1.entry(path.clone()))
    }

    async fn list(&self, dir: &RemotePath) -> Result<EntryStream> {
        self.enter("list").await?;
        let state = self.memory.state();
        let entries = state.tree.children(dir)?;
        let shown = state.hostile.iter().filter(|(folder, _)| folder == dir);
        let shown = shown.map(|(folder, name)| match RemoteName::new(name) {
            Ok(name) => Listed::Entry(Node::file(Vec::new()).entry(folder.join(&name))),
            Err(e) => Listed::unreadable(name, e.to_string()),
        });
        let all: Vec<Result<Listed>> = shown
            .chain(
                entries
                    .into_iter()
                    .map(|entry| Listed::Entry(roughly(entry, state.listed))),
            )
            .map(Ok)
            .collect();
        let flag = self.connected.clone();
        let told = move |listed| connected(&flag).and(listed);
        Ok(stream::iter(all).map(told).boxed())
    }

    async fn open(&self, path: &RemotePath, options: OpenOptions) -> Result<Box<dyn Reader>> {
        Ok(Box::new(self.open_file(path, options).await?))
    }

    async fn create(&self, path: &RemotePath, options: CreateOptions) -> Result<Box<dyn Writer>> {
        Ok(Box::new(self.create_file(path, options).await?))
    }

    async fn fetch(&self, path: &RemotePath, request: Fetch) -> Result<u64> {
        match request.parts.clone() {
            Some(parts) => self.fetch_parts(path, parts, &*request.sink).await,
            None => fetch_piecewise(self, path, request).await,
        }
    }

    async fn store(&self, path: &RemotePath, request: Store) -> Result<u64> {
        match request.parts.clone() {
            Some(parts) => {
                self.store_parts(path, request.options, parts, &*request.source)
                    .await
            }
            None => store_piecewise(self, path, request).await,
        }
    }

    async fn rename(&self, from: &RemotePath, to: &RemotePath, mode: RenameMode) -> Result<()> {
        self.enter("rename").await?;
        let replace = mode == RenameMode::Replace;
        self.capable(
            !replace || self.capabilities().atomic_replace,
            "replace a file in one step",
        )?;
        let result = self.memory.state().tree.rename(from, to, replace);
        self.answer("rename", result)
    }

    async fn make_dir(&self, path: &RemotePath) -> Result<()> {
        self.enter("make_dir").await?;
        let mut state = self.memory.state();
        let at = state.tree.resolve(path, false)?;
        if state.tree.get(&at).is_some() {
            return Err(Error::new(ErrorKind::AlreadyExists, "the name is taken").with("path", path));
        }
        state.tree.insert(&at, Node::directory());
        drop(state);
        self.answer("make_dir", Ok(()))
    }

    async fn remove(&self, path: &RemotePath, kind: EntryKind) -> Result<()> {
        self.enter("remove").await?;
        let result = self.memory.state().tree.remove(path, kind);
        self.answer("remove", result)
    }

    async fn set_modified(&self, path: &RemotePath, modified: Timestamp) -> Result<()> {
        self.enter("set_modified").await?;
        self.capable(self.capabilities().set_times, "set modification times")?;
        self.change(path, |node| node.modified = modified)
    }

    async fn set_permissions(&self, path: &RemotePath, mode: u32) -> Result<()> {
        self.enter("set_permissions").await?;
        self.capable(self.capabilities().permissions, "set permissions")?;
        self.change(path, |node| node.permissions = mode & 0o7777)
    }

    async fn checksum(&self, path: &RemotePath, by: ChecksumBy) -> Result<Checksum> {
        self.enter("checksum").await?;
        let offered = match by {
            ChecksumBy::Protocol => self.capabilities().checksum,
            ChecksumBy::Command => self.memory.state().shell,
        };
        self.capable(offered, "compute checksums")?;
        let state = self.memory.state();
        let content = state.tree.find(path, true)?.1.content.as_deref();
        let mut content = content.ok_or_else(|| wrong_kind(path, "is not a file"))?;
        Algorithm::Sha256
            .of(&mut content)
            .map_err(|e| Error::new(ErrorKind::Failed, e.to_string()))
    }

    async fn canonicalize(&self, path: &RemotePath) -> Result<RemotePath> {
        self.enter("canonicalize").await?;
        self.memory.state().tree.resolve(path, true)
    }

    async fn keepalive(&self) -> Result<()> {
        self.enter("keepalive").await
    }

    async fn disconnect(&self) -> Result<()> {
        self.lose();
        Ok(())
    }
}

/// As a listing shows it that tells times so roughly.
fn roughly(mut entry: Entry, precision: TimePrecision) -> Entry {
    let seconds = match precision {
        TimePrecision::Exact => return entry,
        TimePrecision::Minute => 60,
        TimePrecision::Day => 86_400,
    };
    entry.precision = precision;
    entry.modified = entry.modified.and_then(|exact| {
        let exact = exact.as_second();
        Timestamp::from_second(exact - exact.rem_euclid(seconds)).ok()
    });
    entry
}

fn prepare(tree: &mut Tree, path: &RemotePath, options: CreateOptions) -> Result<()> {
    match tree.get_mut(path) {
        Some(node) => match &mut node.content {
            None => return Err(wrong_kind(path, "is a directory")),
            Some(_) if options.create_new => {
                return Err(Error::new(ErrorKind::AlreadyExists, "the file exists").with("path", path));
            }
            Some(content) if options.offset == 0 => {
                content.clear();
                node.modified = now();
            }
            Some(_) => {}
        },
        None if options.offset > 0 => return Err(not_found(path)),
        None => tree.insert(path, Node::file(Vec::new())),
    }
    Ok(())
}
