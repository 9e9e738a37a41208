//! What a pull would take: the mapped folder is walked, and each file is compared with the mapping's rules, the history,
//! and what was seen before.

mod folder;
mod history;
mod look;
mod markers;
mod ready;
mod rules;
mod sightings;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
pub(crate) mod testing;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
mod walk;

use std::sync::Arc;

use courier_store::{
    Store,
    pulls::{AfterState, Modified, Precision},
};
use courier_transfer::{Client, Entry, RemotePath, TimePrecision};
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{Result, folder_mappings::MappingDefinition};

pub(crate) use folder::{OF_FOLDER, below_base};
use look::Looking;
pub(super) use rules::Rules;

/// A look through a mapped folder.
#[derive(Clone, Debug)]
pub(crate) struct Find<'a> {
    /// Where history and sightings are.
    pub(crate) store: &'a Store,
    /// A session with the connection's server.
    pub(crate) client: Arc<dyn Client>,
    /// The connection.
    pub(crate) connection: Uuid,
    /// The mapping.
    pub(crate) mapping: Uuid,
    /// What it says.
    pub(crate) definition: &'a MappingDefinition,
    /// What the look is for.
    pub(crate) purpose: Purpose,
}

/// What a look is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To pull what is ready: how files look that aren't is noted, and those that will be ready in a moment are waited for.
    Pull,
    /// To tell what would be pulled. Nothing is written.
    Tell,
}

impl<'a> Find<'a> {
    /// What is in the folder, at most [`Batch::MOST`] objects at a time, while the listing goes on. Memory grows with the
    /// number of folders that are still to be looked into, and, where the mapping wants markers, with the files and
    /// markers of the largest folder.
    ///
    /// Files that will be ready within ten seconds come last, when they are. An error ends the stream.
    ///
    /// # Errors
    /// [`Error::Transfer`](crate::Error::Transfer): of the operation [`OF_FOLDER`] where the mapped folder is missing,
    /// denied, no folder, or leads out of the connection's base path; of another where the session is broken or a pattern
    /// can't be read. [`Error::Store`](crate::Error::Store).
    pub(crate) fn batches(self) -> BoxStream<'a, Result<Batch>> {
        stream::once(Looking::begin(self))
            .map_ok(|looking| stream::try_unfold(looking, Looking::next))
            .try_flatten()
            .boxed()
    }
}

/// When a server says that a file was changed, as the history keeps it.
pub(crate) fn modified(entry: &Entry) -> Modified {
    // What is finer isn't kept, and would never be found again.
    let at = entry
        .modified
        .and_then(|at| Timestamp::from_microsecond(at.as_microsecond()).ok());
    Modified {
        at,
        precision: match entry.precision {
            _ if at.is_none() => Precision::Exact,
            TimePrecision::Exact => Precision::Exact,
            TimePrecision::Minute => Precision::Minute,
            TimePrecision::Day => Precision::Day,
        },
    }
}

/// One object of a mapped folder, and what is to become of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Looked {
    /// Below the mapped folder.
    pub(crate) relative: RemotePath,
    /// As the connection's client names it; with size and time, this is the file's identity.
    pub(crate) path: RemotePath,
    /// Bytes; 0 where the verdict is [`Verdict::NotTold`] or it is no file.
    pub(crate) size: u64,
    /// As exactly as the server tells it.
    pub(crate) modified: Modified,
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
