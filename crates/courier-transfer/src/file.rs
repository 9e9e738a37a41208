//! Local files as ends of a transfer.
//!
//! `std::fs` on purpose: every write's result is checked, and a full disk is an error at the write that
//! met it.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{Error, Progress, Sink, Source};

/// A local file that a download is written into.
#[derive(Debug)]
pub struct FileSink {
    file: File,
    path: PathBuf,
    progress: Arc<dyn Progress>,
}

impl FileSink {
    /// Writes into an open file; `path` is for error texts.
    pub fn new(file: File, path: &Path, progress: Arc<dyn Progress>) -> Self {
        Self {
            file,
            path: path.to_owned(),
            progress,
        }
    }

    /// The file, to be flushed or cut.
    pub fn file(&self) -> &File {
        &self.file
    }
}

impl Sink for FileSink {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn advance(&self, offset: u64) {
        self.progress.reached(offset);
    }

    fn error(&self, error: io::Error) -> Error {
        Error::local(error, "write to", &self.path)
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
