//! What a pull would take: the mapped folder is walked, and each file is compared with the mapping's rules, the history,
//! and what was seen before.

use courier_store::AfterState;
use courier_transfer::{RemotePath, TimePrecision};
use jiff::Timestamp;
use uuid::Uuid;

/// One object of a mapped folder, and what is to become of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Looked {
    /// Below the mapped folder.
    pub(crate) relative: RemotePath,
    /// As the connection's client names it; with size and time, this is the file's identity.
    pub(crate) path: RemotePath,
    /// Bytes; 0 where the verdict is [`Verdict::NotTold`] or it is no file.
    pub(crate) size: u64,
    /// As exactly as the server tells it; none where it doesn't.
    pub(crate) modified: Option<Timestamp>,
    /// How exactly that is.
    pub(crate) precision: TimePrecision,
    /// The file that tells that this one is ready, where the mapping wants one. It goes the way of its file.
    pub(crate) marker: Option<RemotePath>,
    /// What is to become of it.
    pub(crate) verdict: Verdict,
}

/// What is to become of an object of a mapped folder.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// It is pulled.
    Pull {
        /// So many versions of this path are in the history already.
        versions: u32,
    },
    /// The history has it.
    Known {
        /// Its entry.
        entry: Uuid,
        /// What became of it on the server.
        after: AfterState,
    },
    /// Another pull has begun with it.
    Begun {
        /// The entry to be.
        entry: Uuid,
    },
    /// It isn't ready.
    NotYet(NotYet),
    /// This pattern says that it is never pulled.
    Ignored {
        /// The pattern.
        by: String,
    },
    /// It is a marker, which tells that another file is ready.
    Marker,
    /// The mapping's pattern has another form.
    NotMatching,
    /// A symbolic link: those aren't followed.
    Link,
    /// Neither a file nor a folder.
    Other,
    /// The server doesn't tell its size, without which nobody knows whether it came whole.
    NotTold,
}

/// Why a file isn't ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotYet {
    /// It was changed just now, or lies in the future.
    TooYoung {
        /// The earliest moment at which it can be ready, if it stays as it is.
        until: Timestamp,
    },
    /// It wasn't seen like this for long enough.
    Unstable {
        /// The earliest moment at which a next run finds it ready, if it stays as it is.
        until: Timestamp,
    },
    /// Its marker isn't there.
    NoMarker,
}

/// What was found in one go: at most [`Batch::MOST`] objects.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// In the server's order, folder by folder.
    pub(crate) looked: Vec<Looked>,
    /// What is in listings and nobody can use: the folder, what the server sent, and what is wrong with it.
    pub(crate) unreadable: Vec<Unreadable>,
    /// Folders below the mapped one that could not be listed, and why.
    pub(crate) refused: Vec<(RemotePath, courier_transfer::Error)>,
    /// Entries of the history whose files have been looked at exactly, to be noted as seen.
    pub(crate) seen: Vec<Uuid>,
}

impl Batch {
    /// So many objects are in one batch, at most.
    pub(crate) const MOST: usize = 1_000;
}

/// A line or a name that is no entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// Where it was listed.
    pub(crate) folder: RemotePath,
    /// What the server sent, escaped.
    pub(crate) raw: String,
    /// Why it isn't an entry.
    pub(crate) reason: String,
}
