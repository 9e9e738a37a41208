//! A file that is to be pulled.

use courier_storage::ObjectKey;
use courier_store::pulls::{Modified, Precision, ReplayOf};
use courier_transfer::{Entry, RemotePath};
use jiff::Timestamp;
use uuid::Uuid;

use super::find::modified;

/// A file that is to be pulled, as it was when it was looked at.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// As the connection's client names it.
    pub(super) path: RemotePath,
    /// Relative to the mapped folder.
    pub(super) relative: RemotePath,
    /// In bytes.
    pub(super) size: u64,
    /// When it was changed, as exactly as the server tells it.
    pub(super) modified: Modified,
    /// Its marker file, which goes the same way.
    pub(super) marker: Option<RemotePath>,
    /// How many versions of it were pulled before.
    pub(super) versions: u32,
    /// The wish by which it is pulled although the history has it.
    pub(super) replay: Option<ReplayOf>,
    /// The mark of an object that a process which was stopped may still make of it.
    pub(super) ghost: Option<Uuid>,
}

impl File {
    /// Is what lies there now the same version, as far as the server tells?
    pub(super) fn is_still(&self, now: &Entry) -> bool {
        let is_same_size = now.size.is_none_or(|size| size == self.size);
        now.is_file() && is_same_size && may_be_same(self.modified, modified(now))
    }
}

/// Two tellings of a time: can they be of the same one?
fn may_be_same(a: Modified, b: Modified) -> bool {
    let (Some(from_a), Some(from_b)) = (a.at, b.at) else {
        return true;
    };
    let reaches = |from: Timestamp, precision: Precision, to: Timestamp| {
        from == to || (from < to && from.duration_until(to) < precision.span())
    };
    reaches(from_a, a.precision, from_b) || reaches(from_b, b.precision, from_a)
}

/// A file whose intent is noted.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    /// The intent: the mark of its object, and the id of its entry.
    pub(super) id: Uuid,
    pub(super) file: File,
    /// What its object is to be called.
    pub(super) key: ObjectKey,
    /// How many names before this one were taken.
    pub(super) taken: u32,
}
