//! Local trees and patterns, for uploads.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use futures::{StreamExt, stream, stream::BoxStream};
use tokio::sync::mpsc;

use rustix::fs::{Dir, Mode, OFlags, openat};

use crate::{Error, ErrorKind, RemotePath, Result};

use super::{
    LocalPath, Locals, PlanOptions,
    glob::{Pattern, is_pattern, split, unescape},
    plan::{FOLDER_LINK, NO_FILE},
};

/// Items that the walk may be ahead of its consumer.
const AHEAD: usize = 256;

/// One local file or folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Where it belongs below the target folder.
    pub relative: RemotePath,
    /// Is it a folder?
    pub is_dir: bool,
}

/// Walks what a local path or pattern names, folders before what lies in them.
///
/// A path that exists is taken as it is, whatever characters are in it. Links to files count as files; links to
/// folders are left out, so there are no cycles; neither are devices, pipes and sockets given. In a recursive walk
/// `left_out` hears of each, in a sentence's beginning ("in/old is a link to a folder").
/// An `Err` is about one path and doesn't end the stream.
pub fn walk(
    from: impl Into<LocalPath>,
    options: PlanOptions,
    left_out: impl Fn(String) + Send + 'static,
) -> BoxStream<'static, Result<LocalFile>> {
    let LocalPath { path: from, locals } = from.into();
    let (items, mut receiver) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        // A failed send means that nobody listens any more.
        let _ = Walk {
            items,
            locals,
            options,
            left_out,
        }
        .start(&from);
    });
    stream::poll_fn(move |cx| receiver.poll_recv(cx)).boxed()
}

struct Walk<L> {
    items: mpsc::Sender<Result<LocalFile>>,
    locals: Locals,
    options: PlanOptions,
    left_out: L,
}

/// Nobody listens any more.
struct Ended;

impl<L: Fn(String)> Walk<L> {
    fn start(&self, from: &Path) -> Result<(), Ended> {
        match fs::metadata(from) {
            Ok(meta) if meta.is_dir() && !self.options.recursive => self.send(Err(Error::new(
                ErrorKind::WrongKind,
                format!(
                    "{} is a directory; ask for recursion to take what lies in it",
                    from.display()
                ),
            ))),
            Ok(meta) if meta.is_dir() => {
                let top = match from.file_name() {
                    Some(name) if !self.options.contents => PathBuf::from(name),
                    _ => PathBuf::new(),
                };
                self.tree(from, &top, Path::new(""))
            }
            Ok(_) => {
                let name = from.file_name().map(PathBuf::from).unwrap_or_default();
                self.give(from, &name, false)
            }
            Err(e) => match from.to_str().filter(|text| is_pattern(text)) {
                Some(text) if e.kind() == io::ErrorKind::NotFound => self.pattern(text),
                _ => self.send(Err(Error::local(e, "find", from))),
            },
        }
    }

    fn pattern(&self, text: &str) -> Result<(), Ended> {
        let segments = split(text);
        let fixed = segments.iter().take_while(|s| !is_pattern(s)).count();
        let mut base = PathBuf::from(if text.starts_with('/') { "/" } else { "." });
        base.extend(segments.iter().take(fixed).map(|s| unescape(s)));
        let rest = segments.get(fixed..).unwrap_or_default().join("/");
        // With a `/` in it, so that it means a path below the base and not a base name anywhere.
        let pattern = match Pattern::new(&format!("/{rest}")) {
            Ok(pattern) => pattern,
            Err(e) => return self.send(Err(e)),
        };
        let mut folders = vec![PathBuf::new()];
        while let Some(relative) = folders.pop() {
            let Some(children) = self.children(&base.join(&relative))? else {
                continue;
            };
            for name in children {
                let relative = relative.join(&name);
                let Some(remote) = self.remote(&base, &relative)? else {
                    continue;
                };
                if self.ignores(&remote) {
                    continue;
                }
                let matches = pattern.matches(&remote);
                let path = base.join(&relative);
                match kind(&path) {
                    Ok(Kind::Folder) if matches && self.options.recursive => {
                        self.tree(&path, &relative, &relative)?
                    }
                    Ok(Kind::Folder) if pattern.may_match_below(&remote) => folders.push(relative),
                    Ok(Kind::File) if matches => self.give(&path, &relative, false)?,
                    Ok(Kind::Other(what)) if matches => self.leave_out(&path, what),
                    Ok(_) => {}
                    Err(e) => self.send(Err(Error::local(e, "look at", &path)))?,
                }
            }
        }
        Ok(())
    }

    /// Gives a folder and all that lies in it, as `top`; it lies at `relative` below what the patterns to ignore are
    /// relative to.
    fn tree(&self, from: &Path, top: &Path, relative: &Path) -> Result<(), Ended> {
        let mut folders = vec![PathBuf::new()];
        while let Some(below) = folders.pop() {
            let folder = from.join(&below);
            if !top.join(&below).as_os_str().is_empty() {
                self.give(&folder, &top.join(&below), true)?;
            }
            let Some(children) = self.children(&folder)? else {
                continue;
            };
            for name in children {
                let path = folder.join(&name);
                let below = below.join(&name);
                if self.ignores_in_tree(&relative.join(&below)) {
                    continue;
                }
                match kind(&path) {
                    Ok(Kind::Folder) => folders.push(below),
                    Ok(Kind::File) => self.give(&path, &top.join(&below), false)?,
                    Ok(Kind::Other(what)) => self.leave_out(&path, what),
                    Err(e) => self.send(Err(Error::local(e, "look at", &path)))?,
                }
            }
        }
        Ok(())
    }

    fn ignores(&self, relative: &RemotePath) -> bool {
        self.options.ignore.iter().any(|p| p.matches(relative))
    }

    /// A name that can't be used is told later.
    fn ignores_in_tree(&self, relative: &Path) -> bool {
        RemotePath::new(relative.as_os_str().as_bytes()).is_ok_and(|relative| self.ignores(&relative))
    }

    /// The names in a folder, sorted; `None` where it could not be read, which was told.
    fn children(&self, folder: &Path) -> Result<Option<Vec<OsString>>, Ended> {
        match self.names(folder) {
            Ok(mut names) => {
                names.sort_unstable();
                Ok(Some(names))
            }
            Err(e) => {
                self.send(Err(e))?;
                Ok(None)
            }
        }
    }

    fn names(&self, folder: &Path) -> Result<Vec<OsString>> {
        let open = self.locals.folder(folder, false)?;
        let read = || -> rustix::io::Result<Vec<OsString>> {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let entries = Dir::new(openat(&open, ".", flags, Mode::empty())?)?;
            let names = entries.map(|entry| Ok(entry?.file_name().to_bytes().to_owned()));
            let own = |name: &Vec<u8>| name == b"." || name == b"..";
            names
                .filter(|name| !name.as_ref().is_ok_and(own))
                .map(|name| name.map(OsString::from_vec))
                .collect()
        };
        read().map_err(|e| Error::local(e.into(), "read", folder))
    }

    fn give(&self, path: &Path, relative: &Path, is_dir: bool) -> Result<(), Ended> {
        match self.remote(path, relative)? {
            Some(relative) => self.send(Ok(LocalFile {
                path: path.to_owned(),
                relative,
                is_dir,
            })),
            None => Ok(()),
        }
    }

    /// A relative local path as a remote one; `None` where that cannot be, which was told.
    fn remote(&self, path: &Path, relative: &Path) -> Result<Option<RemotePath>, Ended> {
        match RemotePath::new(relative.as_os_str().as_bytes()) {
            Ok(remote) => Ok(Some(remote)),
            Err(e) => {
                let name = OsString::from_vec(relative.as_os_str().as_bytes().escape_ascii().collect());
                self.send(Err(Error::from(e).with("local_path", path.join(name).display())))?;
                Ok(None)
            }
        }
    }

    fn leave_out(&self, path: &Path, what: &str) {
        if self.options.recursive {
            (self.left_out)(format!("{} is {what}", path.display()));
        }
    }

    fn send(&self, item: Result<LocalFile>) -> Result<(), Ended> {
        self.items.blocking_send(item).map_err(|_| Ended)
    }
}

enum Kind {
    File,
    Folder,
    /// Nothing to take: what it is, in words.
    Other(&'static str),
}

fn kind(path: &Path) -> io::Result<Kind> {
    let own = fs::symlink_metadata(path)?;
    if own.is_dir() {
        return Ok(Kind::Folder);
    }
    let target = if own.is_symlink() {
        fs::metadata(path).ok()
    } else {
        Some(own)
    };
    Ok(match target {
        Some(target) if target.is_file() => Kind::File,
        Some(target) if target.is_dir() => Kind::Other(FOLDER_LINK),
        Some(_) => Kind::Other(NO_FILE),
        None => Kind::Other("a link that leads nowhere"),
    })
}
