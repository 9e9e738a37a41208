//! Which local paths may be used, and how what lies there is opened.
//!
//! A path that was checked may lead elsewhere a moment later: whoever may write in a folder can put a link in the place
//! of one below it. So a confined path is resolved, its folder is opened without following any link, and everything after
//! that is done in the open folder, by a bare name.

use std::{
    ffi::OsStr,
    fmt::Debug,
    fs::File,
    io,
    os::fd::OwnedFd,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use rustix::{
    fs::{CWD, Mode, OFlags, mkdirat, openat},
    io::Errno,
};

use crate::{Error, ErrorKind, Result};

/// Says which local paths may be used.
pub trait Confine: Debug + Send + Sync {
    /// The path with the links in it resolved as far as it exists, where it may be used. Blocks.
    ///
    /// Errors: [`Denied`](ErrorKind::Denied) for one that may not.
    fn resolve(&self, path: &Path) -> Result<PathBuf>;
}

/// Where local files may lie.
#[derive(Clone, Debug, Default)]
pub enum Locals {
    /// Wherever this process may read and write; links are followed as everywhere.
    #[default]
    Anywhere,
    /// Where this allows it. A link that wasn't there when it was asked is not followed.
    Within(Arc<dyn Confine>),
}

impl Locals {
    /// Opens a folder to look names up in; with `make` it is made, and what is missing above it. Blocks.
    ///
    /// Errors: those of the local file system, and of [`Confine::resolve`].
    pub fn folder(&self, path: &Path, make: bool) -> Result<OwnedFd> {
        let opened = match self {
            Self::Anywhere => follow(path, make),
            Self::Within(confine) => open_folder(&confine.resolve(path)?, make),
        };
        opened.map_err(|e| Error::local(e, "open the folder", path))
    }

    /// Opens a file for reading; whatever it is, this doesn't wait.
    pub(super) fn read(&self, path: &Path) -> Result<File> {
        // A pipe without a writer must not block.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = match self {
            Self::Anywhere => openat(CWD, path, flags, Mode::empty()),
            Self::Within(confine) => {
                let real = confine.resolve(path)?;
                let folder = open_folder(folder_of(&real), false);
                let folder = folder.map_err(|e| Error::local(e, "open the folder of", path))?;
                openat(&folder, name_of(&real)?, flags | OFlags::NOFOLLOW, Mode::empty())
            }
        };
        let file = opened.map_err(|e| Error::local(e.into(), "open", path))?;
        Ok(File::from(file))
    }
}

/// A local path, and how it is opened.
#[derive(Clone, Debug)]
pub struct LocalPath {
    /// The path.
    pub path: PathBuf,
    /// Where it may lead.
    pub locals: Locals,
}

impl From<PathBuf> for LocalPath {
    fn from(path: PathBuf) -> Self {
        let locals = Locals::Anywhere;
        Self { path, locals }
    }
}

/// The folder that a path's last name lies in.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A path's last name.
pub(super) fn name_of(path: &Path) -> Result<&OsStr> {
    path.file_name().ok_or_else(|| {
        Error::new(
            ErrorKind::Invalid,
            format!("the local path {} names no file", path.display()),
        )
    })
}

const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

fn follow(path: &Path, make: bool) -> io::Result<OwnedFd> {
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    match openat(CWD, path, FOLDER, Mode::empty()) {
        Err(Errno::NOENT) if make => {
            std::fs::create_dir_all(path)?;
            Ok(openat(CWD, path, FOLDER, Mode::empty())?)
        }
        result => Ok(result?),
    }
}

/// Opens the folder at an absolute path whose links are resolved, step by step; with `make` it makes what is missing.
/// Blocks.
///
/// Errors: those of the local file system. A link on the way is not followed, but an error.
pub fn open_folder(path: &Path, make: bool) -> io::Result<OwnedFd> {
    let mut at = openat(CWD, "/", FOLDER, Mode::empty())?;
    for component in path.components() {
        at = match component {
            Component::RootDir => continue,
            Component::Normal(name) => enter(&at, name, make)?,
            _ => return Err(Errno::INVAL.into()),
        };
    }
    Ok(at)
}

/// Opens a folder in an open one; with `make` it is made where it is missing. A link is an error.
pub(super) fn enter(at: &OwnedFd, name: &OsStr, make: bool) -> io::Result<OwnedFd> {
    let open = || openat(at, name, FOLDER | OFlags::NOFOLLOW, Mode::empty());
    match open() {
        Err(Errno::NOENT) if make => {
            match mkdirat(at, name, Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(e) => return Err(e.into()),
            }
            Ok(open()?)
        }
        result => Ok(result?),
    }
}
