//! Local files as ends of a transfer.
//!
//! `std::fs` on purpose: every write's result is checked, and a full disk is an error at the write that
//! met it.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::RwLock;

use crate::{Error, ErrorKind, Progress, Retry, Sink, Source};

/// A local file that a download is written into.
///
/// Bytes may come out of order. When it is closed, and when the last holder drops it, what lies behind a gap is cut off:
/// a partial file holds nothing but what arrived, and its length is where to go on.
#[derive(Debug)]
pub struct FileSink {
    /// `None` once it is closed.
    file: RwLock<Option<File>>,
    path: PathBuf,
    progress: Arc<dyn Progress>,
    /// Everything before this is there.
    reached: AtomicU64,
    /// The end of the furthest byte written.
    furthest: AtomicU64,
    /// No byte is taken from there on.
    end: u64,
}

/// A server sends more than it told of: a file that grows, or one without an end.
#[derive(Debug, thiserror::Error)]
#[error("there is more of it than the server told before: {0} bytes")]
struct TooLong(u64);

impl FileSink {
    /// Writes into an open file from `offset` on; `path` is for error texts.
    pub fn new(file: File, path: &Path, offset: u64, progress: Arc<dyn Progress>) -> Self {
        Self {
            file: RwLock::new(Some(file)),
            path: path.to_owned(),
            progress,
            reached: AtomicU64::new(offset),
            furthest: AtomicU64::new(offset),
            end: u64::MAX,
        }
    }

    /// Takes no byte from `size` on, where that is known: what is longer than it was is of no use, and may have no end.
    pub fn at_most(mut self, size: Option<u64>) -> Self {
        self.end = size.unwrap_or(u64::MAX);
        self
    }

    /// Takes nothing more, also from a session that doesn't know yet that its transfer has ended, and cuts off what lies
    /// behind a gap. The length that is left.
    pub fn close(&self) -> io::Result<u64> {
        let file = self.file.write().take();
        let reached = self.reached.load(Ordering::Relaxed);
        match file {
            Some(file) if self.furthest.load(Ordering::Relaxed) > reached => file.set_len(reached)?,
            _ => {}
        }
        Ok(reached)
    }
}

impl Sink for FileSink {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let file = self.file.read();
        let file = file
            .as_ref()
            .ok_or_else(|| io::Error::other("its transfer has ended"))?;
        if offset.saturating_add(bytes.len() as u64) > self.end {
            return Err(io::Error::other(TooLong(self.end)));
        }
        // Noted first: also a write that fails half-way may have left something.
        self.furthest
            .fetch_max(offset + bytes.len() as u64, Ordering::Relaxed);
        file.write_all_at(bytes, offset)
    }

    fn advance(&self, offset: u64) {
        self.reached.fetch_max(offset, Ordering::Relaxed);
        self.progress.reached(offset);
    }

    fn error(&self, error: io::Error) -> Error {
        match error.get_ref().and_then(|e| e.downcast_ref::<TooLong>()) {
            Some(too_long) => Error::new(
                ErrorKind::Integrity,
                format!("the source changed while it was read: {too_long}"),
            )
            .with_retry(Retry::Later),
            None => Error::local(error, "write to", &self.path),
        }
    }
}

impl Drop for FileSink {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::warn!(path = %self.path.display(), %error, "a partial file could not be cut to what arrived");
        }
    }
}

/// A local file that an upload is read from.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    path: PathBuf,
    progress: Arc<dyn Progress>,
}

impl FileSource {
    /// Reads from an open file; `path` is for error texts.
    pub fn new(file: File, path: &Path, progress: Arc<dyn Progress>) -> Self {
        Self {
            file,
            path: path.to_owned(),
            progress,
        }
    }
}

impl Source for FileSource {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            match self.file.read_at(buffer, offset) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn advance(&self, offset: u64) {
        self.progress.reached(offset);
    }

    fn error(&self, error: io::Error) -> Error {
        Error::local(error, "read", &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NoProgress;

    #[test]
    fn what_lies_behind_a_gap_is_cut_off() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let sink = FileSink::new(file.reopen().unwrap(), file.path(), 0, Arc::new(NoProgress));
        sink.write_at(b"abc", 0).unwrap();
        sink.advance(3);
        sink.write_at(b"xyz", 100).unwrap();
        drop(sink);
        assert_eq!(std::fs::read(file.path()).unwrap(), b"abc");
    }

    #[test]
    fn a_source_without_end_ends() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let sink =
            FileSink::new(file.reopen().unwrap(), file.path(), 0, Arc::new(NoProgress)).at_most(Some(3));
        sink.write_at(b"abc", 0).unwrap();
        let error = sink.error(sink.write_at(b"d", 3).unwrap_err());
        assert_eq!(
            (error.kind(), error.retry()),
            (ErrorKind::Integrity, Retry::Later)
        );
    }

    #[test]
    fn what_was_there_before_stays() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"before").unwrap();
        drop(FileSink::new(
            file.reopen().unwrap(),
            file.path(),
            6,
            Arc::new(NoProgress),
        ));
        assert_eq!(std::fs::read(file.path()).unwrap(), b"before");
    }
}
