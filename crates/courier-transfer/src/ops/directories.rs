//! `mkdir -p` and recursive delete.

use futures::{StreamExt, stream};

use crate::{Client, Entry, EntryKind, Error, ErrorKind, Listed, RemotePath, Result};

use super::{
    find::MAX_PATH,
    remove::{make_dir, remove},
    waiting::Waiting,
};

/// How many removals run at once, at most.
const REMOVALS: usize = 16;
/// Entries removed between two looks at the stream of a listing.
const BATCH: usize = 512;

/// Makes a directory and what is missing above it; returns how many were made. Existing ones are fine, also
/// when somebody else makes them at the same moment.
pub async fn make_dir_all(client: &dyn Client, path: &RemotePath) -> Result<u64> {
    let mut missing = Vec::new();
    let mut at = Some(path.clone());
    while let Some(dir) = at.filter(|d| !d.is_top()) {
        match client.stat(&dir).await {
            Ok(entry) if entry.is_dir() => break,
            Ok(_) => return Err(not_a_directory(&dir)),
            Err(e) if is_broken(&e) => return Err(e),
            // Upper folders may be hidden from this login; making the lower ones tells.
            Err(_) => {
                at = dir.parent();
                missing.push(dir);
            }
        }
    }
    let mut made = 0;
    while let Some(dir) = missing.pop() {
        match make_dir(client, &dir).await {
            Ok(()) => made += 1,
            Err(e) if is_broken(&e) => return Err(e),
            Err(e) => match client.stat(&dir).await {
                Ok(entry) if entry.is_dir() => {}
                Ok(_) => return Err(not_a_directory(&dir)),
                // A hidden upper folder: the next one may still be made.
                Err(_) if e.kind() == ErrorKind::AlreadyExists && !missing.is_empty() => {}
                Err(_) => return Err(e),
            },
        }
    }
    Ok(made)
}

/// What a recursive delete removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Files, links and others.
    pub files: u64,
    /// Directories, the root of the tree among them.
    pub directories: u64,
}

/// Removes a file, a link, or a directory with all that lies in it. Links are removed, never followed, not
/// even where `path` itself is one.
///
/// Fails at the first object that cannot be removed; what was removed by then stays removed.
pub async fn remove_tree(client: &dyn Client, path: &RemotePath) -> Result<Removed> {
    if path.is_top() {
        return Err(Error::new(
            ErrorKind::Invalid,
            "refused to remove the top folder of the connection; name the folder to remove",
        ));
    }
    let mut removed = Removed::default();
    // A link to a directory looks like one in `stat`; removing it as a link settles what it is.
    let as_link = match client.stat(path).await {
        Ok(entry) if !entry.is_dir() => remove(client, path, entry.kind, Some(&entry)).await,
        Ok(_) => remove(client, path, EntryKind::Link, None).await,
        // A dangling link is not found by `stat`.
        Err(e) if e.kind() == ErrorKind::NotFound => {
            remove(client, path, EntryKind::Link, None).await.map_err(|_| e)
        }
        Err(e) => Err(e),
    };
    match as_link {
        Ok(()) => {
            removed.files = 1;
            return Ok(removed);
        }
        Err(e) if is_broken(&e) => return Err(e),
        Err(e) => match client.stat(path).await {
            Ok(entry) if entry.is_dir() => {}
            _ => return Err(e),
        },
    }

    let mut open = Waiting::default();
    open.push(path.clone())?;
    while let Some(dir) = open.last().cloned() {
        let (before, known) = (removed, open.len());
        empty(client, &dir, &mut removed, &mut open).await?;
        if open.len() > known {
            continue;
        }
        match remove(client, &dir, EntryKind::Directory, None).await {
            Ok(()) => {
                removed.directories += 1;
                open.pop();
            }
            // Some servers skip entries of a listing while others are removed: look again while it helps.
            Err(e) if e.kind() == ErrorKind::NotEmpty && removed != before => {}
            Err(e) => return Err(e),
        }
    }
    Ok(removed)
}

/// Removes what is no directory in `dir`, and adds the directories in it to those that are to be removed first.
async fn empty(
    client: &dyn Client,
    dir: &RemotePath,
    removed: &mut Removed,
    open: &mut Waiting,
) -> Result<()> {
    let at_once = client.capabilities().concurrency.clamp(1, REMOVALS);
    let mut listing = client.list(dir).await?.chunks(BATCH);
    while let Some(batch) = listing.next().await {
        let mut others: Vec<Entry> = Vec::new();
        for listed in batch {
            match listed? {
                Listed::Entry(entry) if entry.path.as_wire().len() > MAX_PATH => {
                    return Err(Error::new(
                        ErrorKind::Protocol,
                        format!(
                            "the server shows folders within folders, deeper than {MAX_PATH} bytes of path"
                        ),
                    )
                    .with("path", dir.to_text().chars().take(256).collect::<String>()));
                }
                Listed::Entry(entry) if entry.is_dir() => open.push(entry.path)?,
                Listed::Entry(entry) => others.push(entry),
                Listed::Unreadable { raw, reason } => {
                    return Err(Error::new(
                        ErrorKind::Protocol,
                        format!(
                            "{dir} holds an entry that cannot be named, so it cannot be removed: {reason}"
                        ),
                    )
                    .with("entry", raw));
                }
            }
        }
        let mut removals = stream::iter(others)
            .map(|entry| async move {
                match remove(client, &entry.path, entry.kind, Some(&entry)).await {
                    Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
                    result => result,
                }
            })
            .buffer_unordered(at_once);
        while let Some(result) = removals.next().await {
            result?;
            removed.files += 1;
        }
    }
    Ok(())
}

pub(super) fn not_a_directory(path: &RemotePath) -> Error {
    Error::new(
        ErrorKind::WrongKind,
        format!("{path} exists and is not a directory"),
    )
}

/// Is it of no use to ask this session anything more?
pub(super) fn is_broken(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Lost
            | ErrorKind::Auth
            | ErrorKind::HostKey
            | ErrorKind::HostKeyNotApproved
            | ErrorKind::Certificate
            | ErrorKind::Cancelled
    )
}
