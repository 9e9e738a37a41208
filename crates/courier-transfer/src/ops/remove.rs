//! Removes and new folders whose answer may be lost.

use crate::{Client, Entry, EntryKind, Error, ErrorKind, RemotePath, Result};

use super::lost::{ATTEMPTS, described, is_lost, is_same, look, look_at_link, look_beside};

/// Removes a file, a link, or an empty directory.
///
/// Where the answer is lost, the name is looked at: what is gone was removed; what still lies there, and is as `known`
/// tells (without it, as a look beside the removal told), is removed once more; something else has come in its place and
/// stays. An error says what lies there where that cannot be told.
pub async fn remove(
    client: &dyn Client,
    path: &RemotePath,
    kind: EntryKind,
    known: Option<&Entry>,
) -> Result<()> {
    let (known, mut result) = match known {
        Some(known) => (Some(known.clone()), client.remove(path, kind).await),
        // A look would follow it.
        None if kind == EntryKind::Link => (None, client.remove(path, kind).await),
        None => look_beside(client.stat(path), client.remove(path, kind)).await,
    };
    for _ in 1..ATTEMPTS {
        let lost = match result {
            Err(e) if is_lost(&e) => e,
            result => return result,
        };
        if is_removed(client, path, kind, known.as_ref(), &lost).await? {
            return Ok(());
        }
        result = match client.remove(path, kind).await {
            // The one before was carried out after the look.
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
            result => result,
        };
    }
    result
}

/// Has it been removed? `false` where it still lies there.
async fn is_removed(
    client: &dyn Client,
    path: &RemotePath,
    kind: EntryKind,
    known: Option<&Entry>,
    lost: &Error,
) -> Result<bool> {
    let unknown = format!("whether {path} was removed is not known, the answer was lost");
    let now = if kind == EntryKind::Link {
        look_at_link(client, path, &unknown, lost).await?
    } else {
        look(client, path, &unknown, lost).await?
    };
    match (now, known) {
        (None, _) => Ok(true),
        (Some(now), Some(known)) => Ok(!is_same(&now, known)),
        // As a link, only a link is removed; for a folder the server says that it is none.
        (Some(now), None) if kind == EntryKind::Link => {
            Ok(!matches!(now.kind, EntryKind::Link | EntryKind::Directory))
        }
        (Some(now), None) => Err(Error::new(
            ErrorKind::Lost,
            format!(
                "{unknown} ({lost}). Now {} lies there, and what it was before was not told",
                described(Some(&now))
            ),
        )),
    }
}

/// Makes one directory; its parent must exist. Where the answer is lost, a directory that lies there was made.
pub async fn make_dir(client: &dyn Client, path: &RemotePath) -> Result<()> {
    let mut result = client.make_dir(path).await;
    for _ in 1..ATTEMPTS {
        let lost = match result {
            Err(e) if is_lost(&e) => e,
            result => return result,
        };
        let unknown = format!("whether the directory {path} was made is not known, the answer was lost");
        let is_there = async || {
            let now = look(client, path, &unknown, &lost).await?;
            Ok::<_, Error>(now.is_some_and(|now| now.is_dir()))
        };
        if is_there().await? {
            return Ok(());
        }
        result = match client.make_dir(path).await {
            // The one before was carried out after the look.
            Err(e) if e.kind() == ErrorKind::AlreadyExists && is_there().await? => Ok(()),
            result => result,
        };
    }
    result
}
