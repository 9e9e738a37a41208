//! The folder of a storage, and the ways below it.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, Stat, mkdirat, openat, openat2, statat},
    io::Errno,
};

use super::error;
use crate::{ObjectKey, Result};

/// The folder of the marks, below that of the storage.
pub(super) const MARKS: &str = ".courier";

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);

/// The folder of a storage, open. Below it no symbolic link is followed, so that nobody who may write there can lead an object
/// elsewhere.
#[derive(Debug)]
pub(super) struct Place {
    root: OwnedFd,
    pub(super) path: PathBuf,
}

impl Place {
    /// Opens the folder. It is opened for each piece of work, so that one that is mounted anew is seen.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = openat(CWD, path, flags, Mode::empty()).map_err(|e| error::root(e.into(), path))?;
        Ok(Self {
            root,
            path: path.to_owned(),
        })
    }

    /// The folder of the marks, which is made where it is missing.
    pub(super) fn marks(&self) -> Result<OwnedFd> {
        let open = || openat(&self.root, MARKS, FOLDER | OFlags::RDONLY, Mode::empty());
        let opened = match open() {
            Err(Errno::NOENT) => make(self.root.as_fd(), MARKS, Mode::RWXU).and_then(|()| open()),
            other => other,
        };
        opened.map_err(|e| error::marks(e.into(), &self.path))
    }

    /// The folder of an object, and its name there. With `make`, missing folders are made.
    pub(super) fn folder_of<'k>(&self, key: &'k ObjectKey, make: bool) -> io::Result<(OwnedFd, &'k str)> {
        let (folder, name) = split(key);
        Ok((self.folder(folder, make)?, name))
    }

    /// A folder below the root; `""` is the root.
    pub(super) fn folder(&self, folder: &str, make: bool) -> io::Result<OwnedFd> {
        let folder = if folder.is_empty() { "." } else { folder };
        let flags = OFlags::PATH | FOLDER;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        match openat2(&self.root, folder, flags, Mode::empty(), resolve) {
            Ok(found) => Ok(found),
            Err(Errno::NOENT) if !make => Err(Errno::NOENT.into()),
            // Before Linux 5.6 and in some containers there is no such call. And the walk knows what is in the way.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::NOSYS | Errno::PERM | Errno::AGAIN) => {
                Ok(self.walk(folder, make)?)
            }
            Err(other) => Err(other.into()),
        }
    }

    fn walk(&self, folder: &str, make_it: bool) -> rustix::io::Result<OwnedFd> {
        let mut at = openat(&self.root, ".", OFlags::PATH | FOLDER, Mode::empty())?;
        for segment in folder.split('/') {
            let open = |at: &OwnedFd| openat(at, segment, OFlags::PATH | FOLDER, Mode::empty());
            at = match open(&at) {
                Err(Errno::NOENT) if make_it => {
                    make(at.as_fd(), segment, Mode::RWXU | Mode::RWXG | Mode::RWXO)?;
                    open(&at)?
                }
                // With `PATH` and `DIRECTORY`, a link is no folder.
                Err(Errno::NOTDIR) if is_link(&at, segment) => return Err(Errno::LOOP),
                other => other?,
            };
        }
        Ok(at)
    }

    /// What lies under a key, if anything does.
    pub(super) fn look(&self, key: &ObjectKey) -> io::Result<Option<Stat>> {
        match self.folder_of(key, false) {
            Ok((folder, name)) => look(folder.as_fd(), name),
            // A link or a file in the place of its folder: no object can be there.
            Err(error) => match Errno::from_io_error(&error) {
                Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// The full path of an object, for texts.
    pub(super) fn full(&self, key: &ObjectKey) -> PathBuf {
        self.path.join(key.as_str())
    }
}

/// What lies there under this name, if anything does; a link itself, not what it leads to.
pub(super) fn look(folder: BorrowedFd<'_>, name: &str) -> io::Result<Option<Stat>> {
    match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Folder and name of a key.
pub(super) fn split(key: &ObjectKey) -> (&str, &str) {
    key.as_str().rsplit_once('/').unwrap_or(("", key.as_str()))
}

/// Are both the same file?
pub(super) fn same(one: &Stat, other: &Stat) -> bool {
    one.st_dev == other.st_dev && one.st_ino == other.st_ino
}

fn make(folder: BorrowedFd<'_>, name: &str, mode: Mode) -> rustix::io::Result<()> {
    match mkdirat(folder, name, mode) {
        // Somebody else was quicker.
        Err(Errno::EXIST) => Ok(()),
        other => other,
    }
}

fn is_link(folder: &OwnedFd, name: &str) -> bool {
    statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_symlink())
}
