//! The local end of an upload.

use std::{
    fs::File,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use jiff::Timestamp;
use rustix::fs::OFlags;

use crate::{
    Error, ErrorKind, Result,
    ops::{Identity, plan::blocking},
};

/// The local file, as it was when the upload began.
pub(super) struct LocalSource {
    file: File,
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
        }
    }

    pub(super) async fn changed(&self, path: &Path) -> Result<bool> {
        let file = self.reader(path)?;
        let local = path.to_owned();
        let meta = blocking(move || file.metadata().map_err(|e| Error::local(e, "look at", &local))).await?;
        let modified = meta.modified().ok().and_then(|t| Timestamp::try_from(t).ok());
        Ok(meta.len() != self.size || modified != self.modified)
    }
}
