//! What a server tells of an object, in the terms of the interface.

use courier_transfer::{Entry, EntryKind, RemotePath, TimePrecision};
use jiff::Timestamp;

use crate::codec::{Attributes, FileType};

/// What attributes tell of the object at `path`.
pub(crate) fn entry_of(path: RemotePath, attributes: &Attributes) -> Entry {
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
        precision: TimePrecision::Exact,
        permissions: attributes.permissions.map(|p| p & 0o7777),
    }
}
