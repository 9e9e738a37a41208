//! What a listing or a `stat` tells of one remote object.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{RemoteName, RemotePath};

/// The kind of a remote object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, not followed.
    Link,
    /// A device, socket, pipe, or a kind that the server did not tell.
    Other,
}

/// How exactly a modification time is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TimePrecision {
    /// As exactly as the server keeps it: to the second or better, and the same each time it is told.
    #[default]
    Exact,
    /// The minute alone, as the listings of many FTP servers tell young files.
    Minute,
    /// The day alone, as they tell old ones.
    Day,
}

impl TimePrecision {
    /// The true time is less than this behind the one that is told, and zero where they are the same.
    pub fn span(self) -> SignedDuration {
        match self {
            Self::Exact => SignedDuration::ZERO,
            Self::Minute => SignedDuration::from_mins(1),
            // The day on which summer time ends.
            Self::Day => SignedDuration::from_hours(25),
        }
    }
}

/// One remote object (`RemoteFileInfo` of specification 6.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it lies, in the caller's terms.
    pub path: RemotePath,
    /// What it is. `stat` follows links, `list` does not.
    pub kind: EntryKind,
    /// Size in bytes; `None` where the server does not tell.
    pub size: Option<u64>,
    /// Last modification; `None` where the server does not tell.
    pub modified: Option<Timestamp>,
    /// How exactly `modified` is told. Where that is roughly, it is the beginning of the minute or the day; `stat` may
    /// know better than a listing.
    pub precision: TimePrecision,
    /// Unix permission bits (`0o7777` at most); `None` where the server does not tell.
    pub permissions: Option<u32>,
}

impl Entry {
    /// The last segment of its path; `None` for a root.
    pub fn name(&self) -> Option<RemoteName> {
        self.path.name()
    }

    /// Is it a directory?
    pub fn is_dir(&self) -> bool {
        self.kind == EntryKind::Directory
    }

    /// Is it a regular file?
    pub fn is_file(&self) -> bool {
        self.kind == EntryKind::File
    }
}

/// One item of a listing. What a server sent and nobody can use is reported, never turned into a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// An object.
    Entry(Entry),
    /// A line or a name that is not understood or not safe.
    Unreadable {
        /// What the server sent, with control characters escaped, cut at 256 characters.
        raw: String,
        /// Why it is not an entry.
        reason: String,
    },
}

impl Listed {
    /// An unreadable item; escapes and cuts what the server sent.
    pub fn unreadable(raw: &[u8], reason: impl Into<String>) -> Self {
        Self::Unreadable {
            raw: raw.escape_ascii().to_string().chars().take(256).collect(),
            reason: reason.into(),
        }
    }
}
