//! The history of pulled files, which is what says that a file was pulled, and the intents of what is being pulled.
//!
//! Both are rows of one table, and one unique index over connection, path, size and modification time holds that each
//! version of a file is there once. An *intent* is written before its object can exist, and becomes an *entry* of the
//! history when the object is whole. Its id is the mark of the object, names the entry, and is what a replay asks for.

mod commit;
mod gone;
mod history;
mod look_up;
mod replays;
mod rows;
mod sightings;

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{
    Page, PageRequest, Result, Store,
    audit::{NewAudit, Volume},
    executions::Claim,
    words::words,
};

pub(crate) use gone::{forget_connection, forget_mapping};
pub use replays::Replay;
pub use sightings::Sighting;

words! {
    /// What makes a file another one.
    Identity {
        /// Another path, size or modification time.
        PathAndVersion = "path_and_version",
        /// Another path.
        Path = "path",
    }
}

words! {
    /// How exact a server's listing tells a time.
    Precision {
        /// To the second or better.
        Exact = "exact",
        /// To the minute.
        Minute = "minute",
        /// To the day.
        Day = "day",
    }
}

impl Precision {
    /// From the time that is told on, so long the true time may be.
    pub fn span(self) -> SignedDuration {
        match self {
            Self::Exact => SignedDuration::from_micros(1),
            Self::Minute => SignedDuration::from_mins(1),
            Self::Day => SignedDuration::from_hours(24),
        }
    }
}

words! {
    /// What became of the file on the server after it was pulled.
    AfterState {
        /// It stays as it is.
        None = "none",
        /// It is still to be deleted or moved.
        Pending = "pending",
        /// It was deleted or moved, or is gone.
        Done = "done",
        /// The server refused to delete or move it; it is not tried again.
        Refused = "refused",
        /// It was left alone, because it is another version by now.
        Left = "left",
    }
}

/// When a file was changed last, as far as the server says. Kept to the microsecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Modified {
    /// The time, or the beginning of the minute or day. None where the server doesn't say.
    pub at: Option<Timestamp>,
    /// How exact it is.
    pub precision: Precision,
}

impl Modified {
    /// Exactly at this time.
    pub fn exact(at: Timestamp) -> Self {
        Self {
            at: Some(at),
            precision: Precision::Exact,
        }
    }

    /// The server doesn't say.
    pub const UNKNOWN: Self = Self {
        at: None,
        precision: Precision::Exact,
    };
}

/// A file of a listing, to be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Its path below the connection's base path.
    pub path: &'a [u8],
    /// Its size, bytes.
    pub size: u64,
    /// When it was changed.
    pub modified: Modified,
}

/// How a file of a listing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It was not pulled.
    New {
        /// How many versions of this path were pulled or begun, counted to [`Standing::COUNTED`].
        versions: u32,
    },
    /// The history has it.
    Pulled(Known),
    /// It is being pulled, or was when something died.
    Begun {
        /// Its intent.
        entry: Uuid,
        /// Which mapping's.
        mapping: Uuid,
    },
}

impl Standing {
    /// Versions of a path are counted to this.
    pub const COUNTED: u32 = 100;
}

/// The entry of the history that a file of a listing was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its id.
    pub entry: Uuid,
    /// What became of the file.
    pub after: AfterState,
    /// Its size as it was pulled, bytes. Another one than the listing's only with [`Identity::Path`].
    pub size: u64,
    /// Its time as it was pulled. Where this or the listing's is rough, they agree as far as they tell.
    pub modified: Modified,
    /// When it was recorded.
    pub pulled_at: Timestamp,
    /// When it was confirmed last, with [`Group::seen`].
    pub seen_at: Option<Timestamp>,
}

/// A file that is about to be pulled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPull {
    /// A [`new_id`](crate::new_id): the mark of its object, and its entry's id.
    pub id: Uuid,
    /// Its path below the connection's base path, as the listing names it.
    pub path: Vec<u8>,
    /// Its size, bytes.
    pub size: u64,
    /// When it was changed.
    pub modified: Modified,
    /// Where it goes.
    pub storage_id: Uuid,
    /// Where it goes in words: the storage's address with the key, as people are shown it.
    pub destination: String,
    /// Its object's key.
    pub key: String,
    /// The wish by which it is pulled although the history has it.
    pub replay: Option<ReplayOf>,
}

/// The wish by which a file is pulled anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayOf {
    /// The wish: [`Replay::id`].
    pub replay: Uuid,
    /// The entry that is pulled anew.
    pub entry: Uuid,
}

/// A file whose object is whole and survives a power cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// Its intent.
    pub id: Uuid,
    /// The SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// What is to become of the file on the server: [`AfterState::Pending`], or [`AfterState::None`] where it stays.
    pub after: AfterState,
}

/// What one transaction writes of a mapping's pull. It can be committed again where the answer was lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Files that are about to be pulled.
    pub begin: Vec<NewPull>,
    /// Intents that become entries.
    pub record: Vec<Pulled>,
    /// Intents that came to nothing.
    pub drop: Vec<Uuid>,
    /// Intents whose object gets another key: id, key, destination.
    pub rekey: Vec<(Uuid, String, String)>,
    /// What became of files on the server: entry, state, and why where it isn't plain.
    pub after: Vec<(Uuid, AfterState, Option<String>)>,
    /// Entries that a listing with rough times has shown again.
    pub seen: Vec<Uuid>,
    /// Replays that came to nothing: the file is gone.
    pub vain: Vec<Uuid>,
}

impl Group {
    /// Is there nothing to write?
    pub fn is_empty(&self) -> bool {
        let Self {
            begin,
            record,
            drop,
            rekey,
            after,
            seen,
            vain,
        } = self;
        begin.is_empty()
            && record.is_empty()
            && drop.is_empty()
            && rekey.is_empty()
            && after.is_empty()
            && seen.is_empty()
            && vain.is_empty()
    }
}

/// For whom a [`Group`] is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Puller {
    /// The execution, held.
    pub claim: Claim,
    /// The connection.
    pub connection: Uuid,
    /// The mapping.
    pub mapping: Uuid,
    /// What makes a file another one, by this mapping.
    pub identity: Identity,
}

/// A file that is being pulled, or was when something died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The mark of its object.
    pub id: Uuid,
    /// Its path below the connection's base path.
    pub path: Vec<u8>,
    /// Its size, bytes.
    pub size: u64,
    /// When it was changed.
    pub modified: Modified,
    /// Where it goes.
    pub storage_id: Uuid,
    /// Where it goes in words.
    pub destination: String,
    /// Its object's key.
    pub key: String,
    /// The wish by which it is pulled although the history has it.
    pub replay: Option<ReplayOf>,
    /// When it was begun.
    pub begun_at: Timestamp,
}

/// A file that was pulled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id: the mark of its object, too.
    pub id: Uuid,
    /// The connection it came from.
    pub connection_id: Uuid,
    /// The mapping that pulled it, which may be gone since.
    pub mapping_id: Uuid,
    /// The execution that recorded it, which may be gone since.
    pub execution_id: Uuid,
    /// Its path below the connection's base path.
    pub path: Vec<u8>,
    /// Its size, bytes.
    pub size: u64,
    /// When it was changed on the server.
    pub modified: Modified,
    /// The SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// The storage it lies in, which may be gone since.
    pub storage_id: Uuid,
    /// Where it was put, in words.
    pub destination: String,
    /// Its object's key.
    pub key: String,
    /// When its pull began.
    pub begun_at: Timestamp,
    /// When it was recorded.
    pub pulled_at: Timestamp,
    /// What became of the file on the server.
    pub after: AfterState,
    /// Why, where it isn't plain.
    pub after_detail: Option<String>,
    /// The entry that it was pulled anew for.
    pub replay_of: Option<Uuid>,
}

/// Which entries are wanted; what is `None` excludes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    /// With these bytes in the path. All of the connection's history may be read for it.
    pub path: Option<Vec<u8>>,
    /// With these bytes at the beginning of the path, which an index finds.
    pub prefix: Option<Vec<u8>>,
    /// Pulled by this mapping.
    pub mapping_id: Option<Uuid>,
    /// Recorded by this execution.
    pub execution_id: Option<Uuid>,
    /// Recorded at this time or later.
    pub since: Option<Timestamp>,
    /// Recorded before this time.
    pub until: Option<Timestamp>,
    /// With these bytes, by their SHA-256.
    pub sha256: Option<[u8; 32]>,
}

/// Pulled files.
#[derive(Clone, Copy, Debug)]
pub struct Pulls<'a>(pub(crate) &'a Store);

impl Pulls<'_> {
    /// How files of a listing stand, in their order; one question for each thousand.
    ///
    /// With [`Identity::PathAndVersion`] a file is known by path, size and modification time. Where one of the times is
    /// rough, they are the same if they can be; where several entries fit, the most exact is told.
    ///
    /// # Errors
    /// [`Error::Database`](crate::Error::Database), [`Error::Unavailable`](crate::Error::Unavailable), as everywhere.
    pub async fn look_up(
        &self,
        connection: Uuid,
        identity: Identity,
        files: &[Wanted<'_>],
    ) -> Result<Vec<Standing>> {
        look_up::look_up(self.0, connection, identity, files).await
    }

    /// Writes a group, in one transaction, as long as the claim holds. `record` makes the audit record of each entry that
    /// is new; with it go the messages to whom wants to know of each file.
    ///
    /// Answers for each of [`Group::begin`] whether it may be pulled. It may not where the history has that version (or that
    /// path, with [`Identity::Path`]), or another mapping has begun it.
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::Error::Conflict) where the claim is lost, or an intent is gone that is to be recorded;
    /// nothing is written then.
    pub async fn commit(
        &self,
        puller: Puller,
        group: &Group,
        record: impl Fn(&Entry) -> NewAudit,
    ) -> Result<Vec<bool>> {
        commit::commit(self.0, puller, group, record).await
    }

    /// The intents that are left over for this mapping: its own, and those of the connection's mappings that are gone, or
    /// disabled and not being pulled, which are its own from now on: else nobody would settle them, and their files would
    /// wait. To be asked before the mapping begins anything.
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::Error::Conflict) where the claim is lost.
    pub async fn open(&self, puller: Puller) -> Result<Vec<Intent>> {
        commit::open(self.0, puller).await
    }

    /// How many files are being pulled into this storage, or were when something died.
    ///
    /// # Errors
    /// As [`Self::look_up`].
    pub async fn open_at(&self, storage: Uuid) -> Result<u64> {
        history::open_at(self.0, storage).await
    }

    /// How the mapping saw these paths last, in their order; none for those that it didn't note.
    ///
    /// # Errors
    /// As [`Self::look_up`].
    pub async fn sightings(&self, mapping: Uuid, paths: &[&[u8]]) -> Result<Vec<Option<Sighting>>> {
        sightings::of(self.0, mapping, paths).await
    }

    /// Notes how the mapping sees files that aren't ready: a path, its size and time. Where that is as before, it was first
    /// seen as before.
    ///
    /// # Errors
    /// As [`Self::look_up`].
    pub async fn note_sightings(&self, mapping: Uuid, files: &[Wanted<'_>], at: Timestamp) -> Result<()> {
        sightings::note(self.0, mapping, files, at).await
    }

    /// Forgets what the mapping noted last before this time.
    ///
    /// # Errors
    /// As [`Self::look_up`].
    pub async fn forget_sightings(&self, mapping: Uuid, before: Timestamp) -> Result<()> {
        sightings::forget(self.0, mapping, before).await
    }

    /// Which of these there are: `true` for an entry of the history, `false` for what is being pulled, or was when something died.
    ///
    /// # Errors
    /// As [`Self::look_up`].
    pub async fn are_recorded(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, bool>> {
        history::are_recorded(self.0, ids).await
    }

    /// The history of a connection, the newest first.
    ///
    /// # Errors
    /// [`Error::BadCursor`](crate::Error::BadCursor).
    pub async fn list(
        &self,
        connection: Uuid,
        filter: &HistoryFilter,
        page: &PageRequest,
    ) -> Result<Page<Entry>> {
        history::list(self.0, connection, filter, page).await
    }

    /// One entry of the history.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound), also for what is only begun.
    pub async fn get(&self, id: Uuid) -> Result<Entry> {
        history::get(self.0, id).await
    }

    /// How much was pulled since then, from connections that are still there.
    ///
    /// # Errors
    /// As [`Self::look_up`].
    pub async fn volume(&self, since: Timestamp) -> Result<Volume> {
        history::volume(self.0, since).await
    }

    /// Asks for entries to be pulled anew, each by the mapping that it names here, with an audit record of each. Answers
    /// which of them nobody had asked for already.
    ///
    /// # Errors
    /// As [`Self::look_up`].
    pub async fn ask_replays(
        &self,
        entries: &[Entry],
        by: &str,
        record: impl Fn(&Entry) -> NewAudit,
    ) -> Result<Vec<Uuid>> {
        replays::ask(self.0, entries, by, record).await
    }

    /// What the mapping is to pull anew: some of it, the first that was asked for first. Each goes when an entry is recorded
    /// for it, or with [`Group::vain`]. Those with an id up to `after` are left out.
    ///
    /// # Errors
    /// As [`Self::look_up`].
    pub async fn open_replays(&self, mapping: Uuid, after: Option<Uuid>, limit: u64) -> Result<Vec<Replay>> {
        replays::open(self.0, mapping, after, limit).await
    }
}
