//! Paths that cannot leave a folder, whatever links lie in it and whoever moves them meanwhile.

use std::{
    ffi::OsStr,
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
};

use courier_transfer::{Error, ErrorKind, OUT_OF_BASE, RemoteName, RemotePath, Result};
use rustix::{
    fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2, readlinkat},
    io::Errno,
};

/// How often an answer of the kernel that it saw a race is tried again.
const RACES: usize = 64;

/// A folder and everything below it.
#[derive(Debug)]
pub(crate) struct Jail {
    root: OwnedFd,
    /// For error texts.
    path: PathBuf,
    /// Does the kernel resolve paths beneath a folder? Else no link is followed.
    beneath: bool,
}

impl Jail {
    /// Opens the folder. The path's links were resolved when it was checked: one that is found on the way now was put
    /// there since, and is not followed.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        let root = open_without_links(path)?;
        // Before Linux 5.6, and in some containers, there is no such call.
        let probe = openat2(
            &root,
            ".",
            OFlags::PATH | OFlags::CLOEXEC,
            Mode::empty(),
            resolve(),
        );
        Ok(Self {
            beneath: probe.is_ok(),
            root,
            path: path.to_owned(),
        })
    }

    /// Opens what lies at `path`.
    pub(crate) fn open(&self, path: &RemotePath, flags: OFlags) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::CLOEXEC;
        let mode = if flags.contains(OFlags::CREATE) {
            Mode::from_raw_mode(0o666)
        } else {
            Mode::empty()
        };
        if !self.beneath {
            return self.walk(path, flags, mode);
        }
        let relative = relative(path);
        for _ in 0..RACES {
            match openat2(&self.root, relative, flags, mode, resolve()) {
                Err(Errno::AGAIN) => {}
                result => return Ok(result?),
            }
        }
        Err(Errno::AGAIN.into())
    }

    /// Opens the folder that `path` lies in, and gives its name there.
    pub(crate) fn parent(&self, path: &RemotePath) -> Result<(OwnedFd, RemoteName)> {
        let (Some(parent), Some(name)) = (path.parent(), path.name()) else {
            return Err(Error::new(
                ErrorKind::Denied,
                "the base path of the connection itself is not to be changed",
            ));
        };
        let folder = self
            .open(&parent, OFlags::PATH | OFlags::DIRECTORY)
            .map_err(|e| self.error(e, "open the folder of", path))?;
        Ok((folder, name))
    }

    /// Where the links of a path lead, as an absolute path in the jail.
    pub(crate) fn canonical(&self, path: &RemotePath) -> io::Result<RemotePath> {
        let fd = self.open(path, OFlags::PATH)?;
        let lexical = RemotePath::root().join_below(path);
        Ok(match (name_of(fd.as_fd()), name_of(self.root.as_fd())) {
            (Some(full), Some(root)) => match full.strip_prefix(&root) {
                Ok(below) => RemotePath::new(below.as_os_str().as_bytes())
                    .map(|below| RemotePath::root().join_below(&below))
                    .unwrap_or(lexical),
                Err(_) => lexical,
            },
            _ => lexical,
        })
    }

    /// Names the path in an error.
    pub(crate) fn error(&self, error: io::Error, doing: &str, path: &RemotePath) -> Error {
        let full = self.path.join(relative(path));
        if matches!(Errno::from_io_error(&error), Some(Errno::XDEV | Errno::LOOP)) {
            return Error::new(
                ErrorKind::Denied,
                format!(
                    "could not {doing} the local path {}: a link on the way leads outside the base path of the \
                     connection, or nowhere",
                    full.display()
                ),
            )
            .in_operation(OUT_OF_BASE)
            .with_source(error);
        }
        Error::local(error, doing, &full)
    }

    /// Opens segment by segment, and follows no link.
    fn walk(&self, path: &RemotePath, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        let mut segments = path.segments().peekable();
        let mut at: Option<OwnedFd> = None;
        while let Some(segment) = segments.next() {
            let folder = at.as_ref().map_or_else(|| self.root.as_fd(), AsFd::as_fd);
            let name = OsStr::from_bytes(segment);
            let next = if segments.peek().is_some() {
                let through = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                openat(folder, name, through, Mode::empty())?
            } else {
                let fd = openat(folder, name, flags | OFlags::NOFOLLOW, mode)?;
                // With `PATH` the link itself would be opened.
                if rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode).is_symlink() {
                    return Err(Errno::LOOP.into());
                }
                fd
            };
            at = Some(next);
        }
        match at {
            Some(fd) => Ok(fd),
            None => Ok(openat(&self.root, ".", flags, mode)?),
        }
    }
}

/// Opens a folder step by step, and follows no link.
fn open_without_links(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let here = openat(CWD, ".", flags, Mode::empty())?;
    // The first component of an absolute path is "/", which leads from anywhere to the top.
    let opened = path.components().try_fold(here, |at, component| {
        openat(&at, component.as_os_str(), flags, Mode::empty())
    });
    Ok(opened?)
}

fn resolve() -> ResolveFlags {
    ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS
}

/// The path without its leading slash.
fn relative(path: &RemotePath) -> &Path {
    let bytes = path.as_wire();
    match bytes.strip_prefix(b"/").unwrap_or(bytes) {
        b"" => Path::new("."),
        rest => Path::new(OsStr::from_bytes(rest)),
    }
}

/// What the kernel calls an open file.
fn name_of(fd: BorrowedFd<'_>) -> Option<PathBuf> {
    use std::os::fd::AsRawFd;
    let link = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let name = readlinkat(CWD, link, Vec::new()).ok()?;
    Some(PathBuf::from(OsStr::from_bytes(name.as_bytes())))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    fn path(text: &str) -> RemotePath {
        RemotePath::new(text).unwrap()
    }

    fn jail(dir: &Path, beneath: bool) -> Jail {
        let mut jail = Jail::new(dir).unwrap();
        jail.beneath &= beneath;
        jail
    }

    #[test]
    fn nothing_leads_outside() {
        let temp = tempfile::tempdir().unwrap();
        let inside = temp.path().join("in");
        fs::create_dir_all(inside.join("sub")).unwrap();
        fs::write(temp.path().join("secret"), "s").unwrap();
        symlink("../secret", inside.join("up")).unwrap();
        symlink(temp.path().join("secret"), inside.join("absolute")).unwrap();
        symlink("..", inside.join("folder")).unwrap();
        symlink("../../secret", inside.join("sub/deep")).unwrap();
        symlink("new-outside", inside.join("sub/dangling")).unwrap();
        symlink("../../new-outside", inside.join("out")).unwrap();
        for beneath in [true, false] {
            let jail = jail(&inside, beneath);
            for escape in ["up", "absolute", "folder/secret", "folder", "sub/deep"] {
                for flags in [OFlags::RDONLY, OFlags::PATH] {
                    let error = jail
                        .open(&path(escape), flags)
                        .map_err(|e| jail.error(e, "open", &path(escape)));
                    let kind = error.unwrap_err().kind();
                    assert!(
                        matches!(kind, ErrorKind::Denied | ErrorKind::WrongKind),
                        "{escape}, beneath {beneath}: {kind:?}"
                    );
                }
            }
            assert!(jail.open(&path("out"), OFlags::WRONLY | OFlags::CREATE).is_err());
            assert!(!temp.path().join("new-outside").exists());
            assert!(jail.parent(&path("folder/x")).is_err());
        }
    }

    #[test]
    fn a_link_on_the_way_to_the_folder_is_not_followed() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().canonicalize().unwrap();
        fs::create_dir_all(dir.join("real/in")).unwrap();
        symlink("real", dir.join("link")).unwrap();
        symlink("in", dir.join("real/last")).unwrap();
        assert!(Jail::new(&dir.join("real/in")).is_ok() && Jail::new(Path::new("/")).is_ok());
        assert!(Jail::new(&dir.join("link/in")).is_err() && Jail::new(&dir.join("real/last")).is_err());
    }

    #[test]
    fn what_lies_inside_opens() {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir_all(temp.path().join("a/b")).unwrap();
        fs::write(temp.path().join("a/b/f"), "x").unwrap();
        symlink("a/b", temp.path().join("link")).unwrap();
        for beneath in [true, false] {
            let jail = jail(temp.path(), beneath);
            for inside in ["a/b/f", "/a/b/f", ".", "/", "a"] {
                assert!(
                    jail.open(&path(inside), OFlags::RDONLY).is_ok(),
                    "{inside}, beneath {beneath}"
                );
            }
            assert_eq!(jail.canonical(&path("a/b")).unwrap(), path("/a/b"));
        }
        let jail = jail(temp.path(), true);
        if jail.beneath {
            assert_eq!(jail.canonical(&path("link/f")).unwrap(), path("/a/b/f"));
        }
    }
}
