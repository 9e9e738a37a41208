//! Listings, as they come in: a few READDIRs under way, never the whole directory in memory.

use std::{sync::Arc, vec};

use courier_transfer::{Entry, EntryKind, EntryStream, Listed, RemoteName, RemotePath, Result};
use futures::{StreamExt, future::BoxFuture, stream, stream::FuturesOrdered};
use jiff::Timestamp;

use super::error;
use crate::{
    codec::{Attributes, FileType, Request, StatusCode},
    session::{self, OpenHandle, Reply, Session},
};

/// READDIRs under way. One packet holds about 100 names.
const UNDER_WAY: usize = 3;

/// A directory that is being read.
struct Listing {
    session: Arc<Session>,
    handle: OpenHandle,
    dir: RemotePath,
    answers: FuturesOrdered<BoxFuture<'static, Result<Reply>>>,
    batch: vec::IntoIter<session::Entry>,
}

/// The entries behind an open handle.
pub(super) fn listing(session: Arc<Session>, handle: OpenHandle, dir: &RemotePath) -> EntryStream {
    let listing = Listing {
        session,
        handle,
        dir: dir.clone(),
        answers: FuturesOrdered::new(),
        batch: Vec::new().into_iter(),
    };
    stream::try_unfold(listing, |mut listing| async move {
        Ok(listing.next().await?.map(|listed| (listed, listing)))
    })
    .boxed()
}

impl Listing {
    async fn next(&mut self) -> Result<Option<Listed>> {
        loop {
            for entry in self.batch.by_ref() {
                if entry.name != b"." && entry.name != b".." {
                    return Ok(Some(listed(&self.dir, entry)));
                }
            }
            while self.answers.len() < UNDER_WAY {
                let request = Request::ReadDir {
                    handle: self.handle.bytes(),
                };
                self.answers.push_back(Box::pin(self.session.call(&request)));
            }
            match self.answers.next().await.transpose()? {
                Some(Reply::Names(names)) => self.batch = names.into_iter(),
                Some(Reply::Status(status)) if status.code == StatusCode::EOF => return Ok(None),
                Some(Reply::Status(status)) => return Err(error::refusal(&status, &self.dir)),
                _ => return Err(error::unexpected("READDIR", &self.dir)),
            }
        }
    }
}

fn listed(dir: &RemotePath, entry: session::Entry) -> Listed {
    match RemoteName::new(&entry.name) {
        Ok(name) => {
            let mut found = entry_of(dir.join(&name), &entry.attributes);
            if entry.attributes.file_type().is_none() {
                found.kind = kind_of_long_name(entry.kind);
            }
            Listed::Entry(found)
        }
        Err(e) => Listed::unreadable(&entry.name, e.to_string()),
    }
}

/// The first letter of what `ls -l` would print, for servers that leave the permission bits out.
fn kind_of_long_name(letter: Option<u8>) -> EntryKind {
    match letter {
        Some(b'-') => EntryKind::File,
        Some(b'd') => EntryKind::Directory,
        Some(b'l') => EntryKind::Link,
        _ => EntryKind::Other,
    }
}

/// What attributes tell of the object at `path`.
pub(super) fn entry_of(path: RemotePath, attributes: &Attributes) -> Entry {
    let modified = attributes
        .times
        .and_then(|(_, modified)| Timestamp::from_second(modified.into()).ok());
    Entry {
        path,
        kind: match attributes.file_type() {
            Some(FileType::File) => EntryKind::File,
            Some(FileType::Directory) => EntryKind::Directory,
            Some(FileType::Link) => EntryKind::Link,
            Some(FileType::Other) | None => EntryKind::Other,
        },
        size: attributes.size,
        modified,
        permissions: attributes.permissions.map(|p| p & 0o7777),
    }
}
