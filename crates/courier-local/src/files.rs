//! Open files and listings.

use std::{
    fs::File,
    os::{fd::OwnedFd, unix::fs::FileExt},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use courier_transfer::{
    Entry, EntryKind, EntryStream, Listed, Reader, RemoteName, RemotePath, Result, TimePrecision, Writer,
};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use rustix::{
    fs::{AtFlags, Dir, FileType, Stat, statat},
    io::Errno,
};
use tokio::sync::mpsc;

use crate::{
    client::{BLOCK, blocking, closed, read_at},
    jail::Jail,
};

/// Entries that a listing hands over at once.
const BATCH: usize = 256;
/// Batches that a listing may be ahead of its reader.
const AHEAD: usize = 4;

/// What `stat` told, as an entry.
pub(crate) fn entry(path: RemotePath, stat: &Stat) -> Entry {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Directory,
        FileType::Symlink => EntryKind::Link,
        _ => EntryKind::Other,
    };
    // The types of these fields differ between platforms.
    #[allow(clippy::useless_conversion)]
    let (seconds, nanos) = (
        i64::from(stat.st_mtime),
        i32::try_from(stat.st_mtime_nsec).unwrap_or(0),
    );
    Entry {
        path,
        kind,
        size: u64::try_from(stat.st_size).ok(),
        modified: Timestamp::new(seconds, nanos).ok(),
        precision: TimePrecision::Exact,
        permissions: Some(stat.st_mode & 0o7777),
    }
}

/// Lists an open folder.
pub(crate) fn list(folder: OwnedFd, path: RemotePath, jail: Arc<Jail>) -> EntryStream {
    let (batches, mut receiver) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        let error = |e: Errno| jail.error(e.into(), "list", &path);
        let entries = match Dir::read_from(&folder) {
            Ok(entries) => entries,
            Err(e) => {
                let _ = batches.blocking_send(vec![Err(error(e))]);
                return;
            }
        };
        let mut batch = Vec::with_capacity(BATCH);
        for found in entries {
            let listed = match found {
                Ok(found) => look_at(&folder, &path, found.file_name().to_bytes()).transpose(),
                Err(e) => Some(Err(e)),
            };
            let Some(listed) = listed else { continue };
            let failed = listed.is_err();
            batch.push(listed.map_err(error));
            // A failed send means that nobody listens any more.
            if failed || batch.len() == BATCH && batches.blocking_send(std::mem::take(&mut batch)).is_err() {
                break;
            }
        }
        let _ = batches.blocking_send(batch);
    });
    stream::poll_fn(move |cx| receiver.poll_recv(cx))
        .flat_map(stream::iter)
        .boxed()
}

/// One name of a folder; nothing for the folder itself, and for what is gone by now.
fn look_at(folder: &OwnedFd, path: &RemotePath, name: &[u8]) -> Result<Option<Listed>, Errno> {
    if matches!(name, b"." | b"..") {
        return Ok(None);
    }
    let checked = match RemoteName::new(name) {
        Ok(checked) => checked,
        Err(e) => return Ok(Some(Listed::unreadable(name, e.to_string()))),
    };
    match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(Listed::Entry(entry(path.join(&checked), &stat)))),
        Err(Errno::NOENT) => Ok(None),
        Err(e) => Err(e),
    }
}

/// What open files have in common.
#[derive(Debug)]
pub(crate) struct Open {
    file: Arc<File>,
    path: RemotePath,
    offset: u64,
    jail: Arc<Jail>,
    ended: Arc<AtomicBool>,
}

impl Open {
    pub(crate) fn new(
        file: File,
        path: &RemotePath,
        offset: u64,
        jail: Arc<Jail>,
        ended: Arc<AtomicBool>,
    ) -> Self {
        Self {
            file: Arc::new(file),
            path: path.clone(),
            offset,
            jail,
            ended,
        }
    }

    fn check(&self) -> Result<()> {
        if self.ended.load(Ordering::Relaxed) {
            return Err(closed());
        }
        Ok(())
    }
}

/// A file opened for reading.
#[derive(Debug)]
pub(crate) struct LocalReader(pub(crate) Open);

#[async_trait]
impl Reader for LocalReader {
    async fn read(&mut self) -> Result<Option<Bytes>> {
        let open = &mut self.0;
        open.check()?;
        let (file, at) = (open.file.clone(), open.offset);
        let (jail, path) = (open.jail.clone(), open.path.clone());
        let bytes = blocking(move || {
            let mut buffer = vec![0; BLOCK];
            let read = read_at(&file, &mut buffer, at)
                .map_err(|e| jail.error(e, "read", &path))?
                .len();
            buffer.truncate(read);
            Ok(Bytes::from(buffer))
        })
        .await?;
        open.offset += bytes.len() as u64;
        Ok(Some(bytes).filter(|b| !b.is_empty()))
    }
}

/// A file opened for writing.
#[derive(Debug)]
pub(crate) struct LocalWriter(pub(crate) Open);

#[async_trait]
impl Writer for LocalWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let open = &mut self.0;
        open.check()?;
        let (file, at, len) = (open.file.clone(), open.offset, bytes.len() as u64);
        let (jail, path) = (open.jail.clone(), open.path.clone());
        blocking(move || {
            file.write_all_at(&bytes, at)
                .map_err(|e| jail.error(e, "write to", &path))
        })
        .await?;
        open.offset += len;
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        self.0.check()
    }
}
