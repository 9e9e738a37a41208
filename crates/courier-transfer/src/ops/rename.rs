//! Renames with a clear answer where the target exists.

use crate::{Client, EntryKind, Error, ErrorKind, RemotePath, RenameMode, Result};

/// What a rename may do to an existing target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replace {
    /// Nothing: [`ErrorKind::AlreadyExists`].
    Never,
    /// Replace it in one step; an error where the server cannot.
    Atomically,
    /// Replace it in one step where the server can, else remove it and rename then.
    NonAtomically,
}

/// Renames a file or a directory.
///
/// Servers without atomic replacement are asked to keep the target; where it exists, `replace` says
/// whether it may be removed first. A directory is never removed.
pub async fn rename(client: &dyn Client, from: &RemotePath, to: &RemotePath, replace: Replace) -> Result<()> {
    if from == to {
        return Ok(());
    }
    let result = if replace != Replace::Never && client.capabilities().atomic_replace {
        client.rename(from, to, RenameMode::Replace).await
    } else {
        client.rename(from, to, RenameMode::KeepTarget).await
    };
    let error = match result {
        Ok(()) => return Ok(()),
        Err(e) => e,
    };
    if replace == Replace::Never || matches!(error.kind(), ErrorKind::Lost | ErrorKind::NotFound) {
        return Err(error);
    }
    let target = client.stat(to).await;
    if target.as_ref().is_ok_and(crate::Entry::is_dir) {
        return Err(Error::new(
            ErrorKind::WrongKind,
            format!("cannot replace {to}: it is a directory; give the full name of the new file"),
        )
        .with_source(error));
    }
    if error.kind() != ErrorKind::AlreadyExists {
        return Err(error);
    }
    if replace == Replace::Atomically {
        return Err(cannot_replace(to).with_source(error));
    }
    client.remove(to, EntryKind::File).await?;
    client.rename(from, to, RenameMode::KeepTarget).await
}

/// The one text for a server that has no atomic replacement.
pub(super) fn cannot_replace(to: &RemotePath) -> Error {
    Error::new(
        ErrorKind::AlreadyExists,
        format!(
            "{to} exists, and this server cannot replace a file in one step. Allow it to be removed first, \
             upload under the final name (not atomic), or choose another name"
        ),
    )
}
