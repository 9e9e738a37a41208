//! What the operating system says, in words.

use std::{io, path::Path};

use rustix::io::Errno;

use crate::{Error, ErrorKind};

/// An error about one object.
pub(super) fn object(error: io::Error, doing: &str, path: &Path) -> Error {
    use Errno as E;
    let path = path.display();
    let (kind, why) = match Errno::from_io_error(&error) {
        Some(E::EXIST) => (ErrorKind::Exists, format!("{path} is there already")),
        Some(E::NOSPC) => (
            ErrorKind::Full,
            format!("could not {doing} {path}: the disk is full; make room, and the next try goes on"),
        ),
        Some(E::DQUOT) => (
            ErrorKind::Full,
            format!("could not {doing} {path}: the disk quota is used up; raise it or make room"),
        ),
        Some(E::ACCESS | E::PERM) => (
            ErrorKind::Denied,
            format!(
                "could not {doing} {path}: permission denied; the user that Courier runs as needs to write and search its folder"
            ),
        ),
        Some(E::ROFS) => (
            ErrorKind::Denied,
            format!("could not {doing} {path}: the file system is read-only"),
        ),
        Some(E::NOTDIR) => (
            ErrorKind::Key,
            format!(
                "could not {doing} {path}: a file lies where a folder of that name is needed; move it away"
            ),
        ),
        Some(E::LOOP | E::XDEV) => (
            ErrorKind::Key,
            format!(
                "could not {doing} {path}: a symbolic link lies on the way, and links are not followed in a storage"
            ),
        ),
        Some(E::NAMETOOLONG) => (
            ErrorKind::Key,
            format!("could not {doing} {path}: the name is too long for the file system"),
        ),
        Some(E::NOENT) => (
            ErrorKind::NotFound,
            format!("could not {doing} {path}: it is not there"),
        ),
        _ => (ErrorKind::Failed, format!("could not {doing} {path}: {error}")),
    };
    Error::new(kind, why).with_source(error)
}

/// An error about the folder that the storage is.
pub(super) fn root(error: io::Error, path: &Path) -> Error {
    let path_shown = path.display();
    let (kind, why) = match Errno::from_io_error(&error) {
        Some(Errno::NOENT) => (
            ErrorKind::NotFound,
            format!("the folder {path_shown} of the storage is not there; make or mount it"),
        ),
        Some(Errno::NOTDIR) => (
            ErrorKind::Invalid,
            format!("{path_shown}, the folder of the storage, is no folder"),
        ),
        _ => return object(error, "open", path),
    };
    Error::new(kind, why).with_source(error)
}

/// An error about the marks.
pub(super) fn marks(error: io::Error, root: &Path) -> Error {
    object(error, "use", &root.join(super::place::MARKS))
}
