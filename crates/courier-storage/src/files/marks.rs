//! The marks of a folder: how an object's maker knows it again.
//!
//! An object is written as `.courier/<mark>.part`, gets its final name by a hard link, which fails where that name is taken, and
//! then its mark becomes `<mark>.whole`. The mark is the object under a second name, so it also proves that the object was there, and
//! keeps its bytes, when somebody who waits for files takes it away at once.
//!
//! A file system without hard links gets a note `<mark>.moved` instead, before the part is renamed to its final name: a note without
//! its part tells that this was done. What is lost there is the second name: of an object that was taken away before its maker could
//! write it down, and whose maker died in between, the bytes can't be read again.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::{Duration, SystemTime},
};

use rustix::{
    fs::{
        AtFlags, Dir, Mode, OFlags, RenameFlags, Stat, fstat, linkat, openat, renameat, renameat_with,
        statat, unlinkat,
    },
    io::Errno,
};
use uuid::Uuid;

use super::{
    error,
    place::{Place, look, same},
};
use crate::{Error, ErrorKind, Guard, ObjectKey, Result};

/// How often a folder that somebody removes at the wrong moment is made again.
const TRIES: usize = 3;

const PART: &str = "part";
const WHOLE: &str = "whole";
const MOVED: &str = "moved";
/// A part that is being discarded.
const DEAD: &str = "dead";
/// The note goes before the part: without it, it says that the part was renamed.
const ALL: [&str; 4] = [MOVED, PART, DEAD, WHOLE];

/// The folder of the marks, open.
#[derive(Debug)]
pub(super) struct Marks {
    folder: OwnedFd,
    /// Are there hard links? Only tests say no; else it is found out.
    links: bool,
}

impl Marks {
    pub(super) fn open(place: &Place, links: bool) -> Result<Self> {
        Ok(Self {
            folder: place.marks()?,
            links,
        })
    }

    /// Makes the file that an object is written to.
    pub(super) fn begin(&self, mark: Uuid, place: &Place) -> Result<File> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let mode = Mode::from_raw_mode(0o666);
        match openat(&self.folder, name(mark, PART), flags, mode) {
            Ok(part) => Ok(File::from(part)),
            // Whoever writes it may still do so; nobody else may go on with it.
            Err(Errno::EXIST) => Err(Error::new(
                ErrorKind::Failed,
                format!(
                    "an object with the mark {mark} is being written already, or was left by a process that is gone"
                ),
            )),
            Err(error) => Err(error::marks(error.into(), &place.path)),
        }
    }

    /// Has everything that was written on the disk.
    pub(super) fn flush_all(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(&self.folder)?)
    }

    /// Gives the part that is whole and on the disk its final name.
    pub(super) fn name(&self, place: &Place, key: &ObjectKey, mark: Uuid, guard: &Guard) -> Result<()> {
        let failed = |error: io::Error| error::object(error, "write", &place.full(key));
        for _ in 0..TRIES {
            let (folder, name) = place.folder_of(key, true).map_err(failed)?;
            if !guard() {
                return Err(Error::new(
                    ErrorKind::Stopped,
                    format!(
                        "{} was not given its name: the run was stopped",
                        place.full(key).display()
                    ),
                ));
            }
            match self.link(folder.as_fd(), name, mark) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => return other.map_err(failed),
            }
        }
        Err(Error::new(
            ErrorKind::Failed,
            format!(
                "could not write {}: its folder is removed again and again",
                place.full(key).display()
            ),
        ))
    }

    fn link(&self, folder: BorrowedFd<'_>, to: &str, mark: Uuid) -> io::Result<()> {
        let part = name(mark, PART);
        let linked = if self.links {
            linkat(&self.folder, &part, folder, to, AtFlags::empty())
        } else {
            Err(Errno::OPNOTSUPP)
        };
        match linked {
            Ok(()) => {
                // Should this fail, the part is still the same file as the object, and tells as much.
                renameat(&self.folder, &part, &self.folder, name(mark, WHOLE)).ok();
                Ok(())
            }
            // What file systems without hard links answer; also the kernel, where it doesn't let this user link.
            Err(Errno::OPNOTSUPP | Errno::PERM | Errno::NOSYS) => self.rename(folder, to, mark),
            Err(error) => Err(error.into()),
        }
    }

    fn rename(&self, folder: BorrowedFd<'_>, to: &str, mark: Uuid) -> io::Result<()> {
        let part = name(mark, PART);
        let stat = statat(&self.folder, &part, AtFlags::SYMLINK_NOFOLLOW)?;
        let flags = OFlags::CREATE | OFlags::TRUNC | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let mut note = File::from(openat(
            &self.folder,
            name(mark, MOVED),
            flags,
            Mode::from_raw_mode(0o600),
        )?);
        note.write_all(stat.st_size.to_string().as_bytes())?;
        note.sync_all()?;
        rustix::fs::fsync(&self.folder)?;
        match renameat_with(&self.folder, &part, folder, to, RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS) => Err(io::Error::other(
                "the file system has neither hard links nor renaming that replaces nothing; use another for the storage",
            )),
            other => Ok(other?),
        }
    }

    /// The size of the object with this mark, if it got its final name.
    pub(super) fn whole(&self, place: &Place, key: &ObjectKey, mark: Uuid) -> io::Result<Option<u64>> {
        if let Some(whole) = self.look(mark, WHOLE)? {
            return Ok(Some(size(&whole)));
        }
        match (self.part(mark)?, self.look(mark, MOVED)?) {
            // Named, and not yet marked so.
            (Some(part), _) => Ok(place
                .look(key)?
                .filter(|object| same(&part, object))
                .map(|object| size(&object))),
            (None, Some(_)) => {
                let mut text = String::new();
                let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
                let note = File::from(openat(&self.folder, name(mark, MOVED), flags, Mode::empty())?);
                note.take(32).read_to_string(&mut text)?;
                // Without a size the note wasn't finished, so there was no part at all.
                Ok(text.parse().ok())
            }
            (None, None) => Ok(None),
        }
    }

    /// Opens the object with this mark, also where its final name is gone.
    pub(super) fn read(&self, place: &Place, key: &ObjectKey, mark: Uuid) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        match openat(&self.folder, name(mark, WHOLE), flags, Mode::empty()) {
            Err(Errno::NOENT) => {}
            other => return Ok(File::from(other?)),
        }
        let (folder, name) = place.folder_of(key, false)?;
        let file = openat(folder, name, flags, Mode::empty())?;
        // What has the name now may be another's.
        let ours = match (self.part(mark)?, self.whole(place, key, mark)?) {
            (Some(part), _) => same(&part, &fstat(&file)?),
            (None, Some(expected)) => size(&fstat(&file)?) == expected,
            (None, None) => false,
        };
        if ours {
            Ok(File::from(file))
        } else {
            Err(Errno::NOENT.into())
        }
    }

    /// Removes what was begun. An object that is whole keeps its mark.
    pub(super) fn discard(&self, place: &Place, key: &ObjectKey, mark: Uuid) -> io::Result<()> {
        // Under this name nobody gives it its final one any more.
        match renameat(&self.folder, name(mark, PART), &self.folder, name(mark, DEAD)) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(dead) = self.look(mark, DEAD)?
            && place.look(key)?.is_some_and(|object| same(&dead, &object))
        {
            return Ok(renameat(
                &self.folder,
                name(mark, DEAD),
                &self.folder,
                name(mark, WHOLE),
            )?);
        }
        if self.whole(place, key, mark)?.is_some() {
            return Ok(());
        }
        self.remove(mark, &[MOVED, DEAD])
    }

    /// Removes every trace of a mark.
    pub(super) fn settle(&self, mark: Uuid) -> io::Result<()> {
        self.remove(mark, &ALL)
    }

    fn remove(&self, mark: Uuid, kinds: &[&str]) -> io::Result<()> {
        for kind in kinds {
            match unlinkat(&self.folder, name(mark, kind), AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Has the names in this folder on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.folder)?)
    }

    /// The marks that were last changed at least `age` ago.
    pub(super) fn list(&self, age: Duration) -> io::Result<Vec<Uuid>> {
        let mut found = BTreeSet::new();
        for entry in Dir::read_from(&self.folder)? {
            let entry = entry?;
            let Some((mark, kind)) = entry
                .file_name()
                .to_str()
                .ok()
                .and_then(|name| name.split_once('.'))
            else {
                continue;
            };
            let (Ok(mark), true) = (mark.parse::<Uuid>(), ALL.contains(&kind)) else {
                continue;
            };
            let Some(stat) = look(
                self.folder.as_fd(),
                entry.file_name().to_str().unwrap_or_default(),
            )?
            else {
                continue;
            };
            // Naming an object changes its link count, and with that this time.
            let changed = Duration::from_secs(stat.st_ctime.try_into().unwrap_or_default());
            let now = SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default();
            if now.saturating_sub(changed) >= age {
                found.insert(mark);
            }
        }
        Ok(found.into_iter().collect())
    }

    fn part(&self, mark: Uuid) -> io::Result<Option<Stat>> {
        match self.look(mark, PART)? {
            None => self.look(mark, DEAD),
            part => Ok(part),
        }
    }

    fn look(&self, mark: Uuid, kind: &str) -> io::Result<Option<Stat>> {
        look(self.folder.as_fd(), &name(mark, kind))
    }
}

fn name(mark: Uuid, kind: &str) -> String {
    format!("{mark}.{kind}")
}

fn size(stat: &Stat) -> u64 {
    stat.st_size.try_into().unwrap_or_default()
}
