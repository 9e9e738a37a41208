//! A local file that was uploaded moves out of the way.

use std::{
    fs::File,
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, Mode, OFlags, RenameFlags, openat, renameat_with, unlinkat},
    io::Errno,
};

use super::source::open_version;
use crate::{
    Error, ErrorKind, Result,
    ops::{
        LocalVersion, Locals,
        locals::{folder_of, name_of},
        names::{NUMBERED, numbered_local, with_suffix},
    },
};

/// Moves a local file that was uploaded to `to`, or where that is taken to the first free name of `name (1).ext`, …, if this
/// very version of it is what lies at the path now; answers where it lies then. A newer one, which somebody has put there
/// meanwhile, stays, and the answer is `None`. Missing folders above `to` are made. To another file system it is copied,
/// and deleted when the copy is whole. Blocks.
///
/// Errors: those of the local file system, also where nothing is there, and of [`Confine`](super::super::Confine).
pub fn move_version(
    path: &Path,
    locals: &Locals,
    version: &LocalVersion,
    to: &Path,
) -> Result<Option<PathBuf>> {
    let Some(mut file) = open_version(path, locals, version)? else {
        return Ok(None);
    };
    let from = Place::new(locals, path, false)?;
    let to = Place::new(locals, to, true)?;
    let moved = match from.take_free_name(&to) {
        Err(Errno::XDEV) => {
            let copy = Copied(Place {
                folder: to
                    .folder
                    .try_clone()
                    .map_err(|e| to.error(e, "open the folder of"))?,
                path: with_suffix(&to.path, ".moving").unwrap_or_default(),
            });
            copy.fill(&mut file)?;
            let moved = copy.0.take_free_name(&to);
            if matches!(moved, Ok(Some(_))) {
                from.remove()?;
            }
            moved
        }
        moved => moved,
    };
    match moved.map_err(|e| to.error(e.into(), "move to"))? {
        Some(target) => Ok(Some(target)),
        None => Err(Error::new(
            ErrorKind::AlreadyExists,
            format!(
                "the local path {} and its first {NUMBERED} numbered names exist already",
                to.path.display()
            ),
        )),
    }
}

/// A name in an open folder.
struct Place {
    folder: OwnedFd,
    path: PathBuf,
}

impl Place {
    fn new(locals: &Locals, path: &Path, make: bool) -> Result<Self> {
        name_of(path)?;
        Ok(Self {
            folder: locals.folder(folder_of(path), make)?,
            path: path.to_owned(),
        })
    }

    /// Gives what lies here the other's name, or the first free one beside it; `None` where all are taken.
    fn take_free_name(&self, to: &Self) -> rustix::io::Result<Option<PathBuf>> {
        let name = |path: &Path| path.file_name().unwrap_or_default().to_owned();
        for n in 0..NUMBERED {
            let target = numbered_local(&to.path, n);
            match renameat_with(
                &self.folder,
                name(&self.path),
                &to.folder,
                name(&target),
                RenameFlags::NOREPLACE,
            ) {
                Ok(()) => return Ok(Some(target)),
                Err(Errno::EXIST) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(None)
    }

    fn remove(&self) -> Result<()> {
        unlinkat(&self.folder, name_of(&self.path)?, AtFlags::empty())
            .map_err(|e| self.error(e.into(), "delete"))
    }

    fn error(&self, error: io::Error, doing: &str) -> Error {
        Error::local(error, doing, &self.path)
    }
}

/// A copy that has not got its name yet; dropped, it goes.
struct Copied(Place);

impl Copied {
    /// Writes it, with the time of the original, to the disk.
    fn fill(&self, from: &mut File) -> Result<()> {
        let error = |e| self.0.error(e, "write to");
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = openat(
            &self.0.folder,
            name_of(&self.0.path)?,
            flags,
            Mode::from_raw_mode(0o666),
        );
        let mut copy = File::from(opened.map_err(|e| error(e.into()))?);
        io::copy(from, &mut copy).map_err(error)?;
        let modified = from.metadata().and_then(|meta| meta.modified()).map_err(error)?;
        copy.set_modified(modified).map_err(error)?;
        copy.sync_all().map_err(error)
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        // Gone already where it was given its name.
        let _ = self.0.remove();
    }
}
