//! What every storage does.

use std::{fmt::Debug, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use uuid::Uuid;

use crate::{ObjectKey, Result};

/// Says whether an object may get its final name now. It is asked right before, so it must be cheap.
pub type Guard = Arc<dyn Fn() -> bool + Send + Sync>;

/// A guard that allows everything.
pub fn always() -> Guard {
    Arc::new(|| true)
}

/// How much is worth writing at once. Together with [`Storage::small`] and the parts of a stream this bounds the memory: at most
/// `small × Storage::small()` bytes that the caller holds, and [`memory`](Self::memory) bytes that the storage does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concurrency {
    /// How many objects by [`Storage::put`].
    pub small: usize,
    /// How many uploads by [`Storage::begin`].
    pub streams: usize,
    /// How many bytes one upload holds at most; in a bucket up to 256 MiB for an object of more than 140 GiB, whose parts
    /// must be bigger.
    pub memory: u64,
}

/// Whose object is under a key?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The one with this mark. It is whole.
    Ours {
        /// In bytes.
        size: u64,
    },
    /// Somebody else's.
    Foreign,
    /// None.
    Absent,
}

/// A place for objects, below the prefix of its URL.
///
/// An object is made by [`put`](Self::put) or [`begin`](Self::begin), made to last by [`sync`](Self::sync), and, when its maker
/// has written down that it is there, freed by [`settle`](Self::settle). Between the first and the last, and after a crash in
/// between, [`find`](Self::find) knows it by its mark. A mark is for one object: whoever tries again after a failure
/// may keep it, two at the same time may not.
#[async_trait]
pub trait Storage: Debug + Send + Sync {
    /// The URL of an object, as people and the history see it.
    fn locate(&self, key: &ObjectKey) -> String;

    /// Files up to this size, in bytes, are for [`put`](Self::put).
    fn small(&self) -> u64;

    /// How much is worth writing at once.
    fn concurrency(&self) -> Concurrency;

    /// Makes an object of these bytes, if its name is free. Dropped before it answers, it may have made it or not.
    ///
    /// # Errors
    /// [`ErrorKind::Exists`](crate::ErrorKind::Exists) where the name is taken, be it by this same object: [`find`](Self::find)
    /// tells. After any other error the object is there whole or not at all.
    async fn put(&self, key: &ObjectKey, mark: Uuid, bytes: Bytes, guard: &Guard) -> Result<()>;

    /// Begins an object that is written piece by piece. `size`, in bytes, where it is known, is how long it will become at least
    /// roughly: object stores cut the parts by it.
    ///
    /// # Errors
    /// Where nothing can be written. A name that is taken shows at [`Upload::finish`].
    async fn begin(&self, key: &ObjectKey, mark: Uuid, size: Option<u64>) -> Result<Box<dyn Upload>>;

    /// Whose object is under the key?
    ///
    /// # Errors
    /// Where that can't be told now.
    async fn find(&self, key: &ObjectKey, mark: Uuid) -> Result<Found>;

    /// The bytes of the object that [`find`](Self::find) called ours.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound), or where it can't be read. The stream ends with its first error.
    async fn read(&self, key: &ObjectKey, mark: Uuid) -> Result<BoxStream<'static, Result<Bytes>>>;

    /// Removes what a process that is gone has left of this upload. An object that is whole stays.
    ///
    /// # Errors
    /// Where it can't be removed.
    async fn discard(&self, key: &ObjectKey, mark: Uuid) -> Result<()>;

    /// After this the objects outlast a power cut. One call for a group of objects, before they are written down.
    ///
    /// # Errors
    /// Where that can't be promised.
    async fn sync(&self, objects: &[(ObjectKey, Uuid)]) -> Result<()>;

    /// Their maker has written down that these are there: their marks are needed no longer.
    ///
    /// # Errors
    /// Where a mark can't be removed. Nothing is lost by that but the space of an object that is deleted later.
    async fn settle(&self, objects: &[(ObjectKey, Uuid)]) -> Result<()>;

    /// The marks that lie in the storage for at least `age`: of uploads that a dead process began, or of objects that it didn't
    /// settle any more. Whoever knows that such an object is written down, or will never be, gives its mark to
    /// [`forget`](Self::forget). Empty where marks are part of the objects.
    ///
    /// # Errors
    /// Where they can't be listed.
    async fn marks(&self, age: Duration) -> Result<Vec<Uuid>>;

    /// Removes these marks, and what was begun under them. Whole objects stay.
    ///
    /// # Errors
    /// Where one can't be removed.
    async fn forget(&self, marks: &[Uuid]) -> Result<()>;

    /// Writes, reads and removes a small object, in both ways of writing.
    ///
    /// # Errors
    /// Says which of these failed, why, and what to do.
    async fn check(&self) -> Result<()>;
}

/// An object that is being written. After an error only [`abort`](Self::abort) makes sense. Dropped, it leaves no object, though
/// maybe parts that the store keeps for a while.
#[async_trait]
pub trait Upload: Debug + Send {
    /// Appends. Returns when the bytes are taken over, in bounded memory.
    ///
    /// # Errors
    /// Where the storage refused these bytes or those before.
    async fn write(&mut self, bytes: Bytes) -> Result<()>;

    /// Gives the object its final name, if that is free.
    ///
    /// # Errors
    /// As [`Storage::put`]. What was begun is removed, as far as possible.
    async fn finish(self: Box<Self>, guard: &Guard) -> Result<()>;

    /// Removes what was begun, as far as possible.
    async fn abort(self: Box<Self>);
}
