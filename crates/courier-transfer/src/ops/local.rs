//! The local file that a download grows in: `<name>.part`, renamed when whole.

use std::{
    fs::{File, Metadata, Permissions},
    io,
    os::{
        fd::OwnedFd,
        unix::fs::{MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use rustix::{
    fs::{
        AtFlags, FileType, FlockOperation, Mode, OFlags, RenameFlags, SeekFrom, Stat, flock, openat,
        renameat, renameat_with, seek, statat, unlinkat,
    },
    io::Errno,
};

use crate::{Entry, Error, ErrorKind, Result};

use super::{
    DownloadOptions, Guard, Locals, OnExisting,
    locals::{folder_of, name_of},
    names::{NUMBERED, numbered_local, with_suffix},
};

/// An open partial file. It is locked, so that two downloads never write into one.
///
/// Dropped without [`finish`](Self::finish) it removes itself, unless it is to be kept and holds anything.
#[derive(Debug)]
pub(super) struct Part {
    file: File,
    /// What both names lie in.
    folder: OwnedFd,
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
    pub(super) fn open(target: &Path, locals: &Locals, options: &DownloadOptions) -> Result<Option<Self>> {
        name_of(target)?;
        let path = with_suffix(target, ".part").unwrap_or_default();
        let folder = locals.folder(folder_of(target), options.create_parents)?;
        if !check_target(&folder, target, options.on_existing)? {
            return Ok(None);
        }
        let file = open_locked(&folder, &path)?;
        let mut part = Self {
            file,
            folder,
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

    /// Its number in the file system, which stays when it is renamed.
    pub(super) fn number(&self) -> Result<u64> {
        let meta = self.file.metadata().map_err(|e| self.error(e, "look at"))?;
        Ok(meta.ino())
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
        guard: &dyn Guard,
    ) -> Result<Option<PathBuf>> {
        let meta = self.file.metadata().map_err(|e| self.error(e, "look at"))?;
        let own = look(&self.folder, &self.path).map_err(|e| self.error(e.into(), "look at"))?;
        if !is_same(&own, &meta) || meta.len() != size {
            self.keep = true;
            return Err(Error::new(
                ErrorKind::Integrity,
                format!(
                    "somebody else changed the local path {} while it was written; expected {size} bytes, found {}",
                    self.path.display(),
                    own.st_size
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
        guard.check()?;
        let Some(target) = self.rename(options.on_existing)? else {
            self.keep = false;
            return Ok(None);
        };
        self.renamed = true;
        if options.durable {
            openat(&self.folder, ".", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
                .and_then(rustix::fs::fsync)
                .map_err(|e| Error::local(e.into(), "flush", folder_of(&target)))?;
        }
        Ok(Some(target))
    }

    fn rename(&self, on_existing: OnExisting) -> Result<Option<PathBuf>> {
        if on_existing == OnExisting::Replace {
            let (from, to) = (name_of(&self.path)?, name_of(&self.target)?);
            return match renameat(&self.folder, from, &self.folder, to) {
                Ok(()) => Ok(Some(self.target.clone())),
                Err(e) => Err(Error::local(e.into(), "replace", &self.target)),
            };
        }
        for n in 0..NUMBERED {
            let target = numbered_local(&self.target, n);
            match self.rename_keeping(&target)? {
                Ok(()) => return Ok(Some(target)),
                Err(Errno::EXIST) => match on_existing {
                    OnExisting::Rename => {}
                    OnExisting::Skip => return Ok(None),
                    _ => return Err(exists(&target)),
                },
                Err(e) => return Err(Error::local(e.into(), "rename to", &target)),
            }
        }
        Err(exists(&self.target))
    }

    /// Renames, never over an existing target.
    fn rename_keeping(&self, to: &Path) -> Result<rustix::io::Result<()>> {
        let (from, name) = (name_of(&self.path)?, name_of(to)?);
        let renamed = renameat_with(&self.folder, from, &self.folder, name, RenameFlags::NOREPLACE);
        Ok(match renamed {
            // Some network file systems don't know the flag.
            Err(Errno::INVAL | Errno::NOSYS) if look(&self.folder, to).is_ok() => Err(Errno::EXIST),
            Err(Errno::INVAL | Errno::NOSYS) => renameat(&self.folder, from, &self.folder, name),
            result => result,
        })
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
            let _ = name_of(&self.path).map(|name| unlinkat(&self.folder, name, AtFlags::empty()));
        }
    }
}

/// What lies under the path's name in its open folder; a link is looked at itself.
fn look(folder: &OwnedFd, path: &Path) -> rustix::io::Result<Stat> {
    statat(
        folder,
        path.file_name().unwrap_or_default(),
        AtFlags::SYMLINK_NOFOLLOW,
    )
}

/// Is what was looked at the open file?
fn is_same(own: &Stat, open: &Metadata) -> bool {
    (own.st_dev, own.st_ino) == (open.dev(), open.ino())
}

/// May the target be written? `false` where it is to be left alone.
fn check_target(folder: &OwnedFd, target: &Path, on_existing: OnExisting) -> Result<bool> {
    let Ok(own) = look(folder, target) else {
        return Ok(true);
    };
    let own = FileType::from_raw_mode(own.st_mode);
    // The link itself is replaced, never written through; but one to a folder is surely meant as the folder.
    let kind = match statat(folder, name_of(target)?, AtFlags::empty()) {
        Ok(behind) if own.is_symlink() => FileType::from_raw_mode(behind.st_mode),
        _ => own,
    };
    if kind.is_dir() {
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
        OnExisting::Replace if !kind.is_file() && !kind.is_symlink() => Err(Error::new(
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
fn open_locked(folder: &OwnedFd, path: &Path) -> Result<File> {
    let error = |e: io::Error| Error::local(e, "write to", path);
    let name = name_of(path)?;
    let mut patience = 100;
    loop {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = openat(folder, name, flags, Mode::from_raw_mode(0o666));
        let file = File::from(opened.map_err(|e| error(e.into()))?);
        let meta = file.metadata().map_err(error)?;
        if !meta.is_file() {
            return Err(Error::new(
                ErrorKind::WrongKind,
                format!("the local path {} is no regular file; remove it", path.display()),
            ));
        }
        if flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK) {
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
        if look(folder, path).is_ok_and(|own| is_same(&own, &meta)) {
            return Ok(file);
        }
    }
}
