//! A session with a server in memory.

use std::sync::{
    LazyLock,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use jiff::Timestamp;

use crate::{
    Capabilities, Client, CreateOptions, Entry, EntryKind, EntryStream, Error, ErrorKind, Listed,
    OpenOptions, Reader, RemoteName, RemotePath, RenameMode, Result, ServerInfo, Writer,
};

use super::{
    Event, Memory,
    tree::{Node, Tree, not_found, now, wrong_kind},
};

/// How many bytes a read gives at most.
const BLOCK: usize = 32 * 1024;

static SERVER: LazyLock<ServerInfo> = LazyLock::new(|| ServerInfo {
    banner: Some("memory".into()),
    ..ServerInfo::default()
});

/// A session with a [`Memory`].
#[derive(Debug)]
pub struct MemoryClient {
    memory: Memory,
    connected: std::sync::Arc<AtomicBool>,
}

impl MemoryClient {
    pub(super) fn new(memory: Memory) -> Self {
        Self {
            memory,
            connected: std::sync::Arc::new(AtomicBool::new(true)),
        }
    }

    /// Breaks the session, as a network would.
    pub fn lose(&self) {
        self.connected.store(false, Ordering::Relaxed);
    }

    async fn enter(&self, operation: &'static str) -> Result<()> {
        connected(&self.connected)?;
        self.memory.enter(operation).await?;
        connected(&self.connected)
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

    fn handle(&self) -> Handle {
        Handle {
            memory: self.memory.clone(),
            connected: self.connected.clone(),
        }
    }
}

fn connected(flag: &AtomicBool) -> Result<()> {
    if flag.load(Ordering::Relaxed) {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::Lost, "the session has ended"))
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
            .chain(entries.into_iter().map(Listed::Entry))
            .map(Ok)
            .collect();
        Ok(stream::iter(all).boxed())
    }

    async fn open(&self, path: &RemotePath, options: OpenOptions) -> Result<Box<dyn Reader>> {
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
        Ok(Box::new(MemoryReader {
            handle: self.handle(),
            path,
            offset: options.offset,
        }))
    }

    async fn create(&self, path: &RemotePath, options: CreateOptions) -> Result<Box<dyn Writer>> {
        self.enter("create").await?;
        self.capable(
            options.offset == 0 || self.capabilities().resume_upload,
            "write at an offset",
        )?;
        let mut state = self.memory.state();
        let at = state.tree.resolve(path, true)?;
        prepare(&mut state.tree, &at, options)?;
        drop(state);
        Ok(Box::new(MemoryWriter {
            handle: self.handle(),
            path: at,
            offset: options.offset,
        }))
    }

    async fn rename(&self, from: &RemotePath, to: &RemotePath, mode: RenameMode) -> Result<()> {
        self.enter("rename").await?;
        let replace = mode == RenameMode::Replace;
        self.capable(
            !replace || self.capabilities().atomic_replace,
            "replace a file in one step",
        )?;
        self.memory.state().tree.rename(from, to, replace)
    }

    async fn make_dir(&self, path: &RemotePath) -> Result<()> {
        self.enter("make_dir").await?;
        let mut state = self.memory.state();
        let at = state.tree.resolve(path, false)?;
        if state.tree.get(&at).is_some() {
            return Err(Error::new(ErrorKind::AlreadyExists, "the name is taken").with("path", path));
        }
        state.tree.insert(&at, Node::directory());
        Ok(())
    }

    async fn remove(&self, path: &RemotePath, kind: EntryKind) -> Result<()> {
        self.enter("remove").await?;
        self.memory.state().tree.remove(path, kind)
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

/// What an open file holds of its session.
#[derive(Debug)]
struct Handle {
    memory: Memory,
    connected: std::sync::Arc<AtomicBool>,
}

impl Handle {
    async fn moved(&self, bytes: usize) -> Result<()> {
        connected(&self.connected)?;
        let slow = self.memory.state().slow;
        if let Some(delay) = slow {
            tokio::time::sleep(delay).await;
        }
        match self.memory.count(bytes as u64) {
            None => Ok(()),
            Some(Event::Fail(kind)) => Err(Error::new(kind, "the server refuses more")),
            Some(Event::Lose) => {
                self.connected.store(false, Ordering::Relaxed);
                connected(&self.connected)
            }
            Some(Event::Hang) => std::future::pending().await,
            Some(Event::Call(happening)) => {
                happening(&self.memory);
                Ok(())
            }
        }
    }
}

#[derive(Debug)]
struct MemoryReader {
    handle: Handle,
    path: RemotePath,
    offset: u64,
}

#[async_trait]
impl Reader for MemoryReader {
    async fn read(&mut self) -> Result<Option<Bytes>> {
        let bytes = {
            let state = self.handle.memory.state();
            let content = state
                .tree
                .get(&self.path)
                .and_then(|node| node.content.as_deref());
            let content = content.ok_or_else(|| not_found(&self.path))?;
            let rest = usize::try_from(self.offset)
                .ok()
                .and_then(|at| content.get(at..))
                .unwrap_or_default();
            Bytes::copy_from_slice(rest.get(..BLOCK).unwrap_or(rest))
        };
        self.handle.moved(bytes.len()).await?;
        self.offset += bytes.len() as u64;
        Ok(Some(bytes).filter(|b| !b.is_empty()))
    }
}

#[derive(Debug)]
struct MemoryWriter {
    handle: Handle,
    path: RemotePath,
    offset: u64,
}

#[async_trait]
impl Writer for MemoryWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        for block in bytes.chunks(BLOCK) {
            self.handle.moved(block.len()).await?;
            let mut state = self.handle.memory.state();
            let node = state
                .tree
                .get_mut(&self.path)
                .ok_or_else(|| not_found(&self.path))?;
            node.modified = now();
            let content = node.content.get_or_insert_default();
            let at = usize::try_from(self.offset).unwrap_or(usize::MAX);
            let end = at.saturating_add(block.len());
            if content.len() < end {
                content.resize(end, 0);
            }
            if let Some(place) = content.get_mut(at..end) {
                place.copy_from_slice(block);
            }
            self.offset += block.len() as u64;
        }
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        connected(&self.handle.connected)
    }
}
