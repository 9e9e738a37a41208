//! Operations whose answer was lost: what to look at, to learn whether they were carried out.

use std::{pin::pin, task::Poll};

use futures::{StreamExt, poll};

use crate::{Client, Entry, EntryKind, Error, ErrorKind, Listed, RemotePath, Result};

/// How often one change is asked for, at most.
pub(super) const ATTEMPTS: u32 = 3;

/// May the operation have been carried out nevertheless?
pub(super) fn is_lost(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Lost | ErrorKind::Timeout)
}

/// Did the session break, and is there another one in its place to go on with?
pub(super) fn may_go_on(client: &dyn Client, error: &Error) -> bool {
    error.kind() == ErrorKind::Lost && client.is_connected()
}

/// Looks at something right before it changes. Both are asked for at once, since a server answers in their order; what
/// is told after the change has ended says nothing of before.
pub(super) async fn look_beside(
    look: impl Future<Output = Result<Entry>>,
    change: impl Future<Output = Result<()>>,
) -> (Option<Entry>, Result<()>) {
    let (mut look, mut change) = (pin!(look), pin!(change));
    let known = match poll!(&mut look) {
        Poll::Ready(known) => known,
        Poll::Pending => tokio::select! {
            biased;
            result = &mut change => return (None, result),
            known = &mut look => known,
        },
    };
    (known.ok(), change.await)
}

/// What lies there now, links followed; `None` where nothing does. Where the server doesn't tell, the error says what
/// is unknown because of that.
pub(super) async fn look(
    client: &dyn Client,
    path: &RemotePath,
    unknown: &str,
    lost: &Error,
) -> Result<Option<Entry>> {
    explain(client.stat(path).await, path, unknown, lost)
}

/// As [`look`], not following a link: its folder is listed.
pub(super) async fn look_at_link(
    client: &dyn Client,
    path: &RemotePath,
    unknown: &str,
    lost: &Error,
) -> Result<Option<Entry>> {
    explain(find_in_folder(client, path).await, path, unknown, lost)
}

async fn find_in_folder(client: &dyn Client, path: &RemotePath) -> Result<Entry> {
    if let (Some(folder), Some(name)) = (path.parent(), path.name()) {
        let mut listing = client.list(&folder).await?;
        while let Some(listed) = listing.next().await {
            match listed? {
                Listed::Entry(entry) if entry.name().as_ref() == Some(&name) => return Ok(entry),
                _ => {}
            }
        }
    }
    Err(Error::new(ErrorKind::NotFound, "no such file or directory"))
}

fn explain(found: Result<Entry>, path: &RemotePath, unknown: &str, lost: &Error) -> Result<Option<Entry>> {
    match found {
        Ok(entry) => Ok(Some(entry)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        // Of the two it is the loss that made it unknown; a session that cannot be had again says more.
        Err(e) => Err(Error::new(
            if is_lost(&e) { ErrorKind::Lost } else { e.kind() },
            format!("{unknown}: {lost}; and looking at {path} failed: {e}"),
        )
        .with_retry(e.retry())
        .with_source(e)),
    }
}

/// May that be one and the same object? Compared by kind, and of files by size and time, where both are told.
pub(super) fn is_same(a: &Entry, b: &Entry) -> bool {
    let told = |differ: bool| a.kind == EntryKind::Directory || !differ;
    a.kind == b.kind
        && told(a.size.zip(b.size).is_some_and(|(a, b)| a != b))
        && told(a.modified.zip(b.modified).is_some_and(|(a, b)| a != b))
}

/// An entry in the words of an error.
pub(super) fn described(entry: Option<&Entry>) -> String {
    let Some(entry) = entry else {
        return "nothing".into();
    };
    let what = match entry.kind {
        EntryKind::File => "a file",
        EntryKind::Directory => "a folder",
        EntryKind::Link => "a link",
        EntryKind::Other => "something",
    };
    let size = entry
        .size
        .map_or_else(String::new, |size| format!(" of {size} bytes"));
    let modified = entry
        .modified
        .map_or_else(String::new, |time| format!(", modified {time}"));
    format!("{what}{size}{modified}")
}
