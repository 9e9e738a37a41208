//! The local end of an upload.

use std::{
    fs::{self, File, Metadata},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use jiff::Timestamp;
use rustix::fs::OFlags;

use crate::{
    Error, ErrorKind, Result,
    ops::{Identity, blocking::quickly},
};

/// One version of a local file, by what the file system tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalVersion {
    device: u64,
    inode: u64,
    size: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
}

impl LocalVersion {
    fn of(meta: &Metadata) -> Self {
        Self {
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.len(),
            modified: (meta.mtime(), meta.mtime_nsec()),
        }
    }
}

/// Deletes a local file that was uploaded, if this very version of it is what lies at the path now; answers whether it
/// was. A newer one, which somebody has put there meanwhile, stays. Blocks.
///
/// Errors: those of the local file system, also where nothing is there.
pub fn remove_version(path: &Path, version: &LocalVersion) -> Result<bool> {
    let meta = fs::metadata(path).map_err(|e| Error::local(e, "look at", path))?;
    if LocalVersion::of(&meta) != *version {
        return Ok(false);
    }
    fs::remove_file(path).map_err(|e| Error::local(e, "delete", path))?;
    Ok(true)
}

/// The local file, as it was when the upload began.
pub(super) struct LocalSource {
    file: File,
    pub(super) version: LocalVersion,
    pub(super) size: u64,
    pub(super) modified: Option<Timestamp>,
    pub(super) mode: u32,
}

impl LocalSource {
    pub(super) fn open(path: &Path) -> Result<Self> {
        // A pipe without a writer must not block.
        let file = File::options()
            .read(true)
            .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
            .open(path)
            .map_err(|e| Error::local(e, "open", path))?;
        let meta = file.metadata().map_err(|e| Error::local(e, "look at", path))?;
        if !meta.is_file() {
            return Err(Error::new(
                ErrorKind::WrongKind,
                format!("the local path {} is no regular file", path.display()),
            ));
        }
        Ok(Self {
            file,
            version: LocalVersion::of(&meta),
            size: meta.len(),
            modified: meta.modified().ok().and_then(|t| Timestamp::try_from(t).ok()),
            mode: meta.permissions().mode(),
        })
    }

    pub(super) fn reader(&self, path: &Path) -> Result<File> {
        self.file.try_clone().map_err(|e| Error::local(e, "open", path))
    }

    pub(super) fn identity(&self, path: &Path) -> Identity {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Identity {
            source: path.display().to_string(),
            size: Some(self.size),
            modified: self.modified,
            scattered: false,
        }
    }

    pub(super) async fn changed(&self, path: &Path) -> Result<bool> {
        let file = self.reader(path)?;
        let local = path.to_owned();
        let meta = quickly(move || file.metadata().map_err(|e| Error::local(e, "look at", &local))).await?;
        let modified = meta.modified().ok().and_then(|t| Timestamp::try_from(t).ok());
        Ok(meta.len() != self.size || modified != self.modified)
    }
}
