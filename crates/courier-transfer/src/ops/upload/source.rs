//! The local end of an upload.

use std::{
    fs::{File, Metadata},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use jiff::Timestamp;
use rustix::fs::{AtFlags, unlinkat};
use serde::{Deserialize, Serialize};

use crate::{
    Error, ErrorKind, Result,
    ops::{
        Identity, Locals,
        blocking::quickly,
        locals::{folder_of, name_of},
    },
};

/// One version of a local file, by what the file system tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// Opens the file at the path if this very version of it lies there.
pub(super) fn open_version(path: &Path, locals: &Locals, version: &LocalVersion) -> Result<Option<File>> {
    let file = locals.read(path)?;
    let meta = file.metadata().map_err(|e| Error::local(e, "look at", path))?;
    Ok((LocalVersion::of(&meta) == *version).then_some(file))
}

/// Deletes a local file that was uploaded, if this very version of it is what lies at the path now; answers whether it
/// was. A newer one, which somebody has put there meanwhile, stays. Of a link, the link goes. Blocks.
///
/// Errors: those of the local file system, also where nothing is there, and of [`Confine`](super::super::Confine).
pub fn remove_version(path: &Path, locals: &Locals, version: &LocalVersion) -> Result<bool> {
    if open_version(path, locals, version)?.is_none() {
        return Ok(false);
    }
    let folder = locals.folder(folder_of(path), false)?;
    unlinkat(&folder, name_of(path)?, AtFlags::empty())
        .map_err(|e| Error::local(e.into(), "delete", path))?;
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
    pub(super) fn open(path: &Path, locals: &Locals) -> Result<Self> {
        let file = locals.read(path)?;
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
