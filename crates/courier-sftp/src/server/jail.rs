//! Paths of clients, kept inside one folder.

use std::{
    ffi::OsStr,
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// A folder that no path leaves: `..` stops at its top, links that lead outside are refused.
///
/// Somebody who can change the folder from outside at the same moment could still slip a link in: this
/// serves demonstrations and tests, not strangers.
#[derive(Debug)]
pub(super) struct Jail {
    root: PathBuf,
}

impl Jail {
    pub(super) fn new(root: &Path) -> io::Result<Self> {
        let root = root.canonicalize()?;
        if !root.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self { root })
    }

    /// The client's path, absolute and without `.` and `..`.
    pub(super) fn clean(path: &[u8]) -> Vec<u8> {
        let mut segments: Vec<&[u8]> = Vec::new();
        for segment in path.split(|&b| b == b'/') {
            match segment {
                b"" | b"." => {}
                b".." => {
                    segments.pop();
                }
                name => segments.push(name),
            }
        }
        [b"/", segments.join(&b'/').as_slice()].concat()
    }

    /// The local path of what may not be there yet; a link in the last place is not followed.
    pub(super) fn entry(&self, path: &[u8]) -> io::Result<PathBuf> {
        let clean = Self::clean(path);
        let relative = Path::new(OsStr::from_bytes(clean.get(1..).unwrap_or_default()));
        match (relative.parent(), relative.file_name()) {
            (Some(parent), Some(name)) => Ok(self.inside(&self.root.join(parent))?.join(name)),
            _ => Ok(self.root.clone()),
        }
    }

    /// The local path behind all links, of what is there or of what would be made.
    pub(super) fn target(&self, path: &[u8]) -> io::Result<PathBuf> {
        let entry = self.entry(path)?;
        match entry.symlink_metadata() {
            Ok(found) if found.is_symlink() => self.inside(&entry),
            _ => Ok(entry),
        }
    }

    fn inside(&self, path: &Path) -> io::Result<PathBuf> {
        let real = path.canonicalize()?;
        if real.starts_with(&self.root) {
            Ok(real)
        } else {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_out() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        std::fs::create_dir_all(root.join("in")).unwrap();
        std::fs::write(dir.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink("../secret", root.join("out")).unwrap();
        std::os::unix::fs::symlink("..", root.join("up")).unwrap();
        std::os::unix::fs::symlink("in", root.join("within")).unwrap();
        let jail = Jail::new(&root).unwrap();
        let root = root.canonicalize().unwrap();

        assert_eq!(Jail::clean(b"a/./b/../../../c//d"), b"/c/d");
        assert_eq!(jail.target(b"../../secret").unwrap(), root.join("secret"));
        assert!(jail.target(b"out").is_err());
        assert!(jail.target(b"up/secret").is_err());
        assert!(jail.entry(b"up/secret").is_err());
        assert_eq!(jail.entry(b"out").unwrap(), root.join("out"));
        assert_eq!(jail.target(b"within/new").unwrap(), root.join("in/new"));
        assert_eq!(jail.target(b"/").unwrap(), root);
    }
}
