//! The local file that a download grows in: `<name>.part`, renamed when whole.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use rustix::fs::{CWD, FlockOperation, OFlags, RenameFlags, SeekFrom, flock, renameat_with, seek};

use crate::{Entry, Error, ErrorKind, Result};

use super::{
    DownloadOptions, OnExisting,
    names::{NUMBERED, numbered_local, with_suffix},
};

/// An open partial file. It is locked, so that two downloads never write into one.
///
/// Dropped without [`finish`](Self::finish) it removes itself, unless it is to be kept and holds anything.
#[derive(Debug)]
pub(super) struct Part {
    file: File,
    path: PathBuf,
    target: PathBuf,
    /// Bytes that were there already.
    pub(super) len: u64,
    /// When they were written.
    pub(super) modified: Option<Timestamp>,
    /// Several sessions have written into it, and the process was killed before it could cut it to what is whole.
    pub(super) has_holes: bool,
    /// Leave it for a later attempt?
    pub(super) keep: bool,
    renamed: bool,
}

impl Part {
    /// Opens the partial of a target; `None` where the target exists and is to be left alone.
    pub(super) fn open(target: &Path, options: &DownloadOptions) -> Result<Option<Self>> {
        let path = with_suffix(target, ".part").ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                format!("the local path {} names no file", target.display()),
            )
        })?;
        if !check_target(target, options.on_existing)? {
            return Ok(None);
        }
        let file = match open_locked(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound && options.create_parents => {
                if let Some(parent) = path.parent() {
                    fs::create_dir_all(parent).map_err(|e| Error::local(e, "make", parent))?;
                }
                open_locked(&path)?
            }
            result => result?,
        };
        let mut part = Self {
            file,
            path,
            target: target.to_owned(),
            len: 0,
            modified: None,
            has_holes: false,
            keep: options.resume,
            renamed: false,
        };
        let meta = part.file.metadata().map_err(|e| part.error(e, "look at"))?;
        if options.resume {
            part.modified = meta.modified().ok().and_then(|t| Timestamp::try_from(t).ok());
            part.len = meta.len();
            part.has_holes = part.finds_holes(meta.len());
        } else if meta.len() > 0 {
            part.start_over()?;
        }
        Ok(Some(part))
    }

    /// Does the file system tell of holes? It tells only of those that are as large as its blocks, and not exactly where
    /// they begin.
    fn finds_holes(&self, len: u64) -> bool {
        // File systems that know no holes say that the first one is at the end.
        seek(&self.file, SeekFrom::Hole(0)).is_ok_and(|hole| hole < len)
    }

    /// Throws away what is there.
    pub(super) fn start_over(&mut self) -> Result<()> {
        self.cut(0)
    }

    /// Keeps the first `len` bytes only.
    pub(super) fn cut(&mut self, len: u64) -> Result<()> {
        self.len = len;
        self.file.set_len(len).map_err(|e| self.error(e, "cut"))
    }

    /// A second handle on the same position, to write through or to read.
    pub(super) fn handle(&self) -> Result<File> {
        self.file.try_clone().map_err(|e| self.error(e, "open"))
    }

    /// Its path, for error texts.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file its attributes and its final name, which is returned; `None` where somebody else took
    /// the name meanwhile and it is to be left alone.
    pub(super) fn finish(
        mut self,
        size: u64,
        source: Option<&Entry>,
        options: &DownloadOptions,
    ) -> Result<Option<PathBuf>> {
        let meta = self.file.metadata().map_err(|e| self.error(e, "look at"))?;
        let own = fs::symlink_metadata(&self.path).map_err(|e| self.error(e, "look at"))?;
        if (own.dev(), own.ino(), meta.len()) != (meta.dev(), meta.ino(), size) {
            self.keep = true;
            return Err(Error::new(
                ErrorKind::Integrity,
                format!(
                    "somebody else changed the local path {} while it was written; expected {size} bytes, found {}",
                    self.path.display(),
                    own.len()
                ),
            ));
        }
        if let Some(mode) = source
            .and_then(|s| s.permissions)
            .filter(|_| options.preserve_permissions)
        {
            self.file
                .set_permissions(Permissions::from_mode(mode & 0o777))
                .map_err(|e| self.error(e, "set the permissions of"))?;
        }
        if let Some(modified) = source.and_then(|s| s.modified).filter(|_| options.preserve_times) {
            self.file
                .set_modified(SystemTime::from(modified))
                .map_err(|e| self.error(e, "set the time of"))?;
        }
        if options.durable {
            self.file.sync_all().map_err(|e| self.error(e, "flush"))?;
        }
        let Some(target) = self.rename(options.on_existing)? else {
            self.keep = false;
            return Ok(None);
        };
        self.renamed = true;
        if options.durable {
            let folder = match target.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent,
                _ => Path::new("."),
            };
            File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(|e| Error::local(e, "flush", folder))?;
        }
        Ok(Some(target))
    }

    fn rename(&self, on_existing: OnExisting) -> Result<Option<PathBuf>> {
        if on_existing == OnExisting::Replace {
            return match fs::rename(&self.path, &self.target) {
                Ok(()) => Ok(Some(self.target.clone())),
                Err(e) => Err(Error::local(e, "replace", &self.target)),
            };
        }
        for n in 0..NUMBERED {
            let target = numbered_local(&self.target, n);
            match rename_keeping(&self.path, &target) {
                Ok(()) => return Ok(Some(target)),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => match on_existing {
                    OnExisting::Rename => {}
                    OnExisting::Skip => return Ok(None),
                    _ => return Err(exists(&target)),
                },
                Err(e) => return Err(Error::local(e, "rename to", &target)),
            }
        }
        Err(exists(&self.target))
    }

    fn error(&self, error: io::Error, doing: &str) -> Error {
        Error::local(error, doing, &self.path)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let empty = || self.file.metadata().is_ok_and(|meta| meta.len() == 0);
        if !self.renamed && (!self.keep || empty()) {
            // Best effort: the transfer's own error matters more.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// May the target be written? `false` where it is to be left alone.
fn check_target(target: &Path, on_existing: OnExisting) -> Result<bool> {
    let Ok(meta) = fs::symlink_metadata(target) else {
        return Ok(true);
    };
    let meta = if meta.is_symlink() {
        // The link itself is replaced, never written through; but one to a folder is surely meant as the folder.
        fs::metadata(target).unwrap_or(meta)
    } else {
        meta
    };
    if meta.is_dir() {
        return Err(Error::new(
            ErrorKind::WrongKind,
            format!(
                "the local path {} is a folder; name the file in it",
                target.display()
            ),
        ));
    }
    match on_existing {
        OnExisting::Skip => Ok(false),
        OnExisting::Fail => Err(exists(target)),
        OnExisting::Replace if !meta.is_file() && !meta.is_symlink() => Err(Error::new(
            ErrorKind::WrongKind,
            format!(
                "the local path {} is no regular file, so it is not replaced",
                target.display()
            ),
        )),
        OnExisting::Replace | OnExisting::Rename => Ok(true),
    }
}

fn exists(target: &Path) -> Error {
    Error::new(
        ErrorKind::AlreadyExists,
        format!("the local path {} exists already", target.display()),
    )
}

/// Opens a partial, makes it where it is missing, and locks it. Never follows a link.
fn open_locked(path: &Path) -> Result<File> {
    let error = |e: io::Error| Error::local(e, "write to", path);
    let mut patience = 100;
    loop {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .custom_flags(flags.bits().cast_signed())
            .open(path)
            .map_err(error)?;
        let meta = file.metadata().map_err(error)?;
        if !meta.is_file() {
            return Err(Error::new(
                ErrorKind::WrongKind,
                format!("the local path {} is no regular file; remove it", path.display()),
            ));
        }
        if flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(rustix::io::Errno::WOULDBLOCK) {
            // A transfer cancelled a moment ago may still be on its way out.
            if patience > 0 {
                patience -= 1;
                std::thread::sleep(Duration::from_millis(20));
                continue;
            }
            return Err(Error::new(
                ErrorKind::Local,
                format!("another transfer is writing to the local path {}", path.display()),
            ));
        }
        // Its former owner may have renamed it between open and lock: then the name is free, or somebody's new file.
        if fs::symlink_metadata(path).is_ok_and(|own| (own.dev(), own.ino()) == (meta.dev(), meta.ino())) {
            return Ok(file);
        }
    }
}

/// Renames, never over an existing target.
fn rename_keeping(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some network file systems don't know the flag.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) if fs::symlink_metadata(to).is_ok() => {
            Err(io::ErrorKind::AlreadyExists.into())
        }
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => fs::rename(from, to),
        result => Ok(result?),
    }
}
