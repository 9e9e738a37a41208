//! Open files of a server in memory.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Error, ErrorKind, Reader, RemotePath, Result, Writer};

use super::{
    Event, Memory,
    tree::{not_found, now},
};

/// How many bytes a read gives at most.
const BLOCK: usize = 32 * 1024;

pub(super) fn connected(flag: &AtomicBool) -> Result<()> {
    if flag.load(Ordering::Relaxed) {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::Lost, "the session has ended"))
    }
}

/// What an open file holds of its session.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) memory: Memory,
    pub(super) connected: Arc<AtomicBool>,
}

impl Handle {
    pub(super) async fn moved(&self, bytes: usize) -> Result<()> {
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
                connected(&self.connected)
            }
        }
    }
}

#[derive(Debug)]
pub(super) struct MemoryReader {
    pub(super) handle: Handle,
    pub(super) path: RemotePath,
    pub(super) offset: u64,
}

#[async_trait]
impl Reader for MemoryReader {
    async fn read(&mut self) -> Result<Option<Bytes>> {
        let bytes = self.read_at(self.offset, BLOCK).await?;
        self.offset += bytes.len() as u64;
        Ok(Some(bytes).filter(|b| !b.is_empty()))
    }
}

impl MemoryReader {
    /// At most so many bytes; fewer, or none, only at the end.
    pub(super) async fn read_at(&self, offset: u64, most: usize) -> Result<Bytes> {
        let bytes = {
            let state = self.handle.memory.state();
            let content = state
                .tree
                .get(&self.path)
                .and_then(|node| node.content.as_deref());
            let content = content.ok_or_else(|| not_found(&self.path))?;
            let rest = usize::try_from(offset)
                .ok()
                .and_then(|at| content.get(at..))
                .unwrap_or_default();
            Bytes::copy_from_slice(rest.get(..most).unwrap_or(rest))
        };
        self.handle.moved(bytes.len()).await?;
        Ok(bytes)
    }
}

#[derive(Debug)]
pub(super) struct MemoryWriter {
    pub(super) handle: Handle,
    pub(super) path: RemotePath,
    pub(super) offset: u64,
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
