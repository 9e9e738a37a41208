//! The mapped folder itself: is it there, and does it lie where the connection may go?

use courier_transfer::{Client, Error, ErrorKind, OUT_OF_BASE, RemotePath, Result};

use super::walk::ends_all;
use crate::folder_mappings::MappingDefinition;

/// The operation of errors that are about the mapped folder itself, by which they are told from those about what lies in
/// it.
pub(crate) const OF_FOLDER: &str = "look into the mapped folder";

/// Refuses a mapped folder, or one that pulled files are moved to, that leads out of the connection's base path; and tells
/// which folder below it is left out of the walk: the latter.
///
/// # Errors
/// Of [`OF_FOLDER`], and those that say that the session is broken.
pub(super) async fn check(client: &dyn Client, definition: &MappingDefinition) -> Result<Option<RemotePath>> {
    let root = &definition.remote_path;
    let real = match client.canonicalize(root).await {
        Ok(real) => Some(real),
        Err(e) if ends_all(&e) => return Err(e),
        Err(e) if e.kind() == ErrorKind::NotFound => return Err(named(root, &e)),
        Err(e) if e.kind() == ErrorKind::Denied => {
            let message = format!(
                "the mapped folder {root} is refused: {}; set the mapping's remote_path to a folder that lies below the \
                 connection's base path, also where links lead",
                e.message()
            );
            return Err(Error::new(ErrorKind::Denied, message).in_operation(OF_FOLDER));
        }
        // The server can't tell; listing the folder says the rest.
        Err(_) => None,
    };
    let Some(moved) = definition.moved_to() else {
        return Ok(None);
    };
    let real_moved = match below_base(client, &moved).await {
        Ok(real) => real,
        Err(e) if e.operation() == Some(OUT_OF_BASE) => {
            let message = format!(
                "the folder {moved}, to which pulled files are to be moved, is refused: {}; set the mapping's move_to to a \
                 folder that lies below the connection's base path, also where links lead",
                e.message()
            );
            return Err(Error::new(ErrorKind::Denied, message).in_operation(OF_FOLDER));
        }
        Err(e) => return Err(e),
    };
    // It may be named in another way than the walk names it, or not be there yet.
    let below = real
        .zip(real_moved)
        .and_then(|(real, moved)| moved.strip_base(&real));
    Ok(Some(below.map_or(moved, |below| root.join_below(&below))))
}

/// The path that the server knows a folder by, which is to be made where it is missing; nothing where it is, or the server
/// doesn't tell.
///
/// # Errors
/// Of [`OUT_OF_BASE`], where a link leads there out of the connection's base path; and those that say that the session is
/// broken.
pub(crate) async fn below_base(client: &dyn Client, folder: &RemotePath) -> Result<Option<RemotePath>> {
    let mut at = folder.clone();
    loop {
        match client.canonicalize(&at).await {
            Ok(real) => return Ok((at == *folder).then_some(real)),
            Err(e) if ends_all(&e) || e.operation() == Some(OUT_OF_BASE) => return Err(e),
            Err(e) if e.kind() == ErrorKind::NotFound => match at.parent() {
                Some(parent) => at = parent,
                None => return Ok(None),
            },
            Err(_) => return Ok(None),
        }
    }
}

/// An error about the mapped folder itself, with what to do.
pub(super) fn named(root: &RemotePath, error: &Error) -> Error {
    if ends_all(error) {
        return Error::new(error.kind(), error.message()).with_retry(error.retry());
    }
    let said = error.message();
    let message = match error.kind() {
        ErrorKind::NotFound => format!(
            "the mapped folder {root} is not there; make it on the server, or set the mapping's remote_path to one that \
             is ({said})"
        ),
        ErrorKind::WrongKind => {
            format!(
                "{root}, which is mapped, is not a folder; set the mapping's remote_path to the folder it lies in"
            )
        }
        ErrorKind::Denied => format!(
            "the mapped folder {root} may not be looked into: {said}; give the login the right to list it, or set the \
             mapping's remote_path to a folder that it may list"
        ),
        _ => format!("the mapped folder {root} could not be listed: {said}"),
    };
    Error::new(error.kind(), message)
        .with_retry(error.retry())
        .in_operation(OF_FOLDER)
}
