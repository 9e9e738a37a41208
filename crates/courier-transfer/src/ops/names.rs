//! Names beside a taken one.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use crate::{InvalidPath, RemoteName, RemotePath};

/// How many numbered names are tried before giving up.
pub(super) const NUMBERED: u32 = 10_000;

/// `name (n).ext`.
fn numbered(name: &[u8], n: u32) -> Vec<u8> {
    let dot = name.iter().rposition(|&b| b == b'.').filter(|&at| at > 0);
    let (stem, extension) = name.split_at(dot.unwrap_or(name.len()));
    [stem, format!(" ({n})").as_bytes(), extension].concat()
}

/// The local path itself for 0, else `name (n).ext` beside it.
pub(super) fn numbered_local(path: &Path, n: u32) -> PathBuf {
    match path.file_name() {
        Some(name) if n > 0 => path.with_file_name(OsString::from_vec(numbered(name.as_bytes(), n))),
        _ => path.to_owned(),
    }
}

/// The remote path itself for 0, else `name (n).ext` beside it.
pub(super) fn numbered_remote(path: &RemotePath, n: u32) -> Result<RemotePath, InvalidPath> {
    match (path.parent(), path.name()) {
        (Some(parent), Some(name)) if n > 0 => {
            Ok(parent.join(&RemoteName::new(numbered(name.as_bytes(), n))?))
        }
        _ => Ok(path.clone()),
    }
}

/// The local path with a suffix behind its last name.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> Option<PathBuf> {
    let mut name: OsString = path.file_name()?.to_owned();
    name.push(OsStr::new(suffix));
    Some(path.with_file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_before_the_extension() {
        assert_eq!(numbered(b"a.csv", 1), b"a (1).csv");
        assert_eq!(numbered(b"a", 2), b"a (2)");
        assert_eq!(numbered(b".profile", 3), b".profile (3)");
        assert_eq!(
            numbered_remote(&RemotePath::new("/in/a.b").unwrap(), 1)
                .unwrap()
                .to_text(),
            "/in/a (1).b"
        );
        assert_eq!(numbered_local(Path::new("/x/a.b"), 0), Path::new("/x/a.b"));
    }
}
