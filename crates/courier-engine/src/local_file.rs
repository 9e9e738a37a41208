//! A file of this machine, held by its open folder.
//!
//! A path that was checked may lead elsewhere a moment later: whoever may write in a local root can put a link in the
//! place of a folder. So the folder of a resolved path is opened without following any link, and everything after that
//! is done in the open folder, by the file's bare name, again without following a link.

use std::{
    ffi::OsString,
    fs::File,
    os::{fd::OwnedFd, unix::fs::MetadataExt},
    path::PathBuf,
};

use courier_transfer::{Error, ErrorKind, Result, ops::open_folder};
use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, Stat, openat, renameat, statat, unlinkat},
    io::Errno,
};
use uuid::Uuid;

/// A name in an open folder. Nothing need lie there.
#[derive(Debug)]
pub(crate) struct LocalFile {
    folder: OwnedFd,
    name: OsString,
    /// For people.
    pub(crate) path: PathBuf,
}

impl LocalFile {
    /// Opens the folder of an absolute path whose links are resolved.
    ///
    /// # Errors
    /// A link on the way is refused as something that is no folder.
    pub(crate) fn open(path: PathBuf) -> Result<Self> {
        Self::held(path, false)
    }

    /// Like [`open`](Self::open), and makes the folders that are missing.
    pub(crate) fn open_or_make(path: PathBuf) -> Result<Self> {
        Self::held(path, true)
    }

    fn held(path: PathBuf, make: bool) -> Result<Self> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("the local path {} names no file", path.display()),
            ));
        };
        Ok(Self {
            folder: open_folder(parent, make).map_err(|e| Error::local(e, "open the folder", parent))?,
            name: name.to_owned(),
            path,
        })
    }

    /// Refuses what is no regular file, folders above all: a moved folder takes along what nobody looked at.
    pub(crate) fn check_regular(&self) -> Result<()> {
        self.stat().and_then(|stat| self.regular(&stat))
    }

    /// Opens it for reading.
    pub(crate) fn read(&self) -> Result<File> {
        // Without `NONBLOCK`, a pipe would wait for its other end.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file =
            openat(&self.folder, &self.name, flags, Mode::empty()).map_err(|e| self.error(e, "read"))?;
        let stat = rustix::fs::fstat(&file).map_err(|e| self.error(e, "look at"))?;
        self.regular(&stat)?;
        Ok(File::from(file))
    }

    /// Makes a file beside it, under a name that nobody else has.
    pub(crate) fn temporary(&self) -> Result<Temporary<'_>> {
        let name = format!(".courier-{}.part", Uuid::new_v4().simple());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&self.folder, &name, flags, Mode::from_raw_mode(0o666))
            .map_err(|e| self.error(e, "make a temporary file beside"))?;
        Ok(Temporary {
            file: File::from(file),
            name,
            target: self,
            renamed: false,
        })
    }

    /// Gives it the place of another; `false` where that is on another file system.
    pub(crate) fn rename(&self, to: &Self) -> Result<bool> {
        match renameat(&self.folder, &self.name, &to.folder, &to.name) {
            Ok(()) => Ok(true),
            Err(Errno::XDEV) => Ok(false),
            Err(e) => Err(self.error(e, format_args!("move to {}", to.path.display()))),
        }
    }

    /// Removes it.
    pub(crate) fn remove(&self) -> Result<()> {
        unlinkat(&self.folder, &self.name, AtFlags::empty()).map_err(|e| self.error(e, "delete"))
    }

    /// Removes it if it is still the file that was opened, not a newer one of the same name.
    pub(crate) fn remove_if_same(&self, opened: &File) -> Result<()> {
        let then = opened
            .metadata()
            .map_err(|e| Error::local(e, "look at", &self.path))?;
        let now = self.stat()?;
        if (now.st_dev, now.st_ino) == (then.dev(), then.ino()) {
            return self.remove();
        }
        Err(Error::new(
            ErrorKind::Local,
            format!(
                "the local path {} was replaced while it was moved; the new file was left there",
                self.path.display()
            ),
        ))
    }

    fn stat(&self) -> Result<Stat> {
        statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW).map_err(|e| self.error(e, "look at"))
    }

    fn regular(&self, stat: &Stat) -> Result<()> {
        let what = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => return Ok(()),
            FileType::Directory => "a folder",
            FileType::Symlink => "a link that was put there just now",
            _ => "no regular file",
        };
        Err(Error::new(
            ErrorKind::WrongKind,
            format!("{} is {what}; name a file", self.path.display()),
        ))
    }

    fn error(&self, error: Errno, doing: impl std::fmt::Display) -> Error {
        Error::local(error.into(), doing, &self.path)
    }
}

/// A file that becomes another when it is whole. Dropped before that, it removes itself.
#[derive(Debug)]
pub(crate) struct Temporary<'a> {
    pub(crate) file: File,
    name: String,
    target: &'a LocalFile,
    renamed: bool,
}

impl Temporary<'_> {
    /// Takes the target's place.
    pub(crate) fn finish(mut self) -> Result<()> {
        let target = self.target;
        renameat(&target.folder, &self.name, &target.folder, &target.name)
            .map_err(|e| target.error(e, "finish"))?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.renamed {
            // The error that led here counts; what can't be removed either is seen in the folder.
            let _ = unlinkat(&self.target.folder, &self.name, AtFlags::empty());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::{
        fs,
        io::{self, Write},
        os::unix::fs::symlink,
    };

    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap();
        (dir, path)
    }

    #[test]
    fn no_link_is_followed() {
        let (_keep, dir) = folder();
        fs::create_dir_all(dir.join("secret")).unwrap();
        fs::write(dir.join("secret/kek"), "kek").unwrap();
        symlink(dir.join("secret"), dir.join("way")).unwrap();
        symlink(dir.join("secret/kek"), dir.join("link")).unwrap();
        assert!(LocalFile::open(dir.join("way/kek")).is_err());
        assert!(LocalFile::open_or_make(dir.join("way/new/kek")).is_err());
        assert!(!dir.join("secret/new").exists());

        let link = LocalFile::open(dir.join("link")).unwrap();
        assert!(link.read().is_err());
        assert_eq!(link.check_regular().unwrap_err().kind(), ErrorKind::WrongKind);
        let mut temporary = link.temporary().unwrap();
        temporary.file.write_all(b"new").unwrap();
        temporary.finish().unwrap();
        assert_eq!(fs::read(dir.join("secret/kek")).unwrap(), b"kek");
        assert_eq!(fs::read(dir.join("link")).unwrap(), b"new");
    }

    #[test]
    fn what_was_opened_stays_what_it_is() {
        let (_keep, dir) = folder();
        fs::create_dir_all(dir.join("root/in")).unwrap();
        fs::create_dir_all(dir.join("secret")).unwrap();
        fs::write(dir.join("secret/file"), "secret").unwrap();
        fs::write(dir.join("root/in/file"), "file").unwrap();
        let held = LocalFile::open(dir.join("root/in/file")).unwrap();
        fs::rename(dir.join("root/in"), dir.join("root/old")).unwrap();
        symlink(dir.join("secret"), dir.join("root/in")).unwrap();
        assert_eq!(io::read_to_string(held.read().unwrap()).unwrap(), "file");
        held.remove().unwrap();
        assert!(dir.join("secret/file").exists() && !dir.join("root/old/file").exists());
    }

    #[test]
    fn a_temporary_is_alone_and_goes_when_dropped() {
        let (_keep, dir) = folder();
        let target = LocalFile::open_or_make(dir.join("a/b/target")).unwrap();
        let (one, two) = (target.temporary().unwrap(), target.temporary().unwrap());
        assert_ne!(one.name, two.name);
        drop(one);
        two.finish().unwrap();
        let names: Vec<_> = fs::read_dir(dir.join("a/b"))
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(names, ["target"]);
    }

    #[test]
    fn a_newer_file_is_not_removed() {
        let (_keep, dir) = folder();
        fs::write(dir.join("a"), "old").unwrap();
        let file = LocalFile::open(dir.join("a")).unwrap();
        let opened = file.read().unwrap();
        fs::write(dir.join("b"), "new").unwrap();
        fs::rename(dir.join("b"), dir.join("a")).unwrap();
        assert!(file.remove_if_same(&opened).is_err());
        assert!(dir.join("a").exists());
        file.remove_if_same(&file.read().unwrap()).unwrap();
        assert!(!dir.join("a").exists());
    }
}
