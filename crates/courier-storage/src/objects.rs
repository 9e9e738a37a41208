//! Buckets of S3, Azure Blob and Google Cloud Storage.
//!
//! The mark of an object is its metadata `courierpull`, which stays with it. What is written piece by piece is a multipart upload (S3),
//! a list of blocks (Azure) or a resumable upload (Google), which nobody sees before it is whole; all three create the object
//! only where its name is free. What a dead process began stays in the store, invisible: Azure and Google remove it after a week, a
//! bucket of S3 needs a lifecycle rule for incomplete multipart uploads.

mod backend;
mod refusal;
mod transport;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use opendal::{Operator, Writer};
use uuid::Uuid;

use crate::{
    Concurrency, Credentials, Error, ErrorKind, Found, Guard, ObjectKey, Result, Storage, StorageUrl, Upload,
    check,
};
pub(crate) use refusal::{Refusal, Unreachable};
pub(crate) use transport::Trouble;

/// The metadata that holds an object's mark. Azure takes letters and digits only.
const MARK: &str = "courierpull";
/// The smallest part of an upload, in bytes.
const PART: u64 = 8 << 20;
/// How many parts an upload may have is 10,000 with S3; a source that grows meanwhile needs some more than were counted.
const PARTS: u64 = 9_000;
/// The biggest part, in bytes: parts are collected in memory, and a server may tell any size of a file.
const BIGGEST_PART: u64 = 128 << 20;
/// How many of the smallest parts of one upload are under way at once; of bigger ones fewer.
const AT_ONCE: u64 = 3;

/// A bucket.
#[derive(Debug)]
pub(crate) struct Objects {
    url: StorageUrl,
    operator: Operator,
}

impl Objects {
    pub(crate) fn new(url: StorageUrl, credentials: Option<&Credentials>) -> Result<Self> {
        let operator = backend::operator(&url, credentials)?;
        Ok(Self { url, operator })
    }

    #[cfg(feature = "testkit")]
    pub(crate) fn operator(&self) -> &Operator {
        &self.operator
    }

    fn error(&self, error: opendal::Error, doing: &str, key: &ObjectKey) -> Error {
        words(
            error,
            &format!("{doing} {}", self.url.locate(key)),
            self.url.bucket(),
        )
    }

    async fn remove(&self, key: ObjectKey) -> Result<()> {
        let removed = self.operator.delete(&self.url.full(&key)).await;
        removed.map_err(|error| self.error(error, "remove", &key))
    }
}

#[async_trait]
impl Storage for Objects {
    fn locate(&self, key: &ObjectKey) -> String {
        self.url.locate(key)
    }

    fn small(&self) -> u64 {
        1 << 20
    }

    fn concurrency(&self) -> Concurrency {
        Concurrency {
            small: 32,
            streams: 4,
            // The parts under way, and the one that is collected.
            memory: (AT_ONCE + 1) * PART,
        }
    }

    async fn put(&self, key: &ObjectKey, mark: Uuid, bytes: Bytes, guard: &Guard) -> Result<()> {
        check_guard(guard, &self.url, key)?;
        let written = self
            .operator
            .write_with(&self.url.full(key), bytes)
            .if_not_exists(true)
            .user_metadata(marked(mark))
            .await;
        written.map(drop).map_err(|error| self.error(error, "write", key))
    }

    async fn begin(&self, key: &ObjectKey, mark: Uuid, size: Option<u64>) -> Result<Box<dyn Upload>> {
        let part = part_size(size);
        if part > BIGGEST_PART {
            return Err(Error::new(
                ErrorKind::Failed,
                format!(
                    "{} would have {} bytes, and an object that Courier writes into a bucket has {} at most; use a folder",
                    self.url.locate(key),
                    size.unwrap_or_default(),
                    BIGGEST_PART * PARTS
                ),
            ));
        }
        let writer = self
            .operator
            .writer_with(&self.url.full(key))
            .if_not_exists(true)
            .user_metadata(marked(mark))
            .chunk(usize::try_from(part).unwrap_or(usize::MAX))
            .concurrent(at_once(part))
            .await
            .map_err(|error| self.error(error, "write", key))?;
        Ok(Box::new(ObjectUpload {
            url: self.url.clone(),
            key: key.clone(),
            writer: Some(writer),
        }))
    }

    async fn find(&self, key: &ObjectKey, mark: Uuid) -> Result<Found> {
        let found = match self.operator.stat(&self.url.full(key)).await {
            Ok(found) => found,
            Err(error) => {
                let error = self.error(error, "look at", key);
                let absent = error.kind() == ErrorKind::NotFound;
                return if absent { Ok(Found::Absent) } else { Err(error) };
            }
        };
        let ours = found.user_metadata().is_some_and(|metadata| {
            // Stores may change the case of a name.
            let mut entries = metadata.into_iter();
            entries.any(|(name, value)| name.eq_ignore_ascii_case(MARK) && value == mark.to_string())
        });
        let size = found.content_length();
        Ok(if ours {
            Found::Ours { size }
        } else {
            Found::Foreign
        })
    }

    async fn read(&self, key: &ObjectKey, mark: Uuid) -> Result<BoxStream<'static, Result<Bytes>>> {
        let doing = format!("read {}", self.url.locate(key));
        match self.find(key, mark).await? {
            Found::Ours { size: 0 } => return Ok(futures::stream::empty().boxed()),
            Found::Ours { .. } => {}
            Found::Foreign | Found::Absent => {
                return Err(Error::new(
                    ErrorKind::NotFound,
                    format!("could not {doing}: it is not there"),
                ));
            }
        }
        let failed = |error| self.error(error, "read", key);
        let reader = self.operator.reader(&self.url.full(key)).await.map_err(failed)?;
        let stream = reader.into_stream(..).await.map_err(failed)?;
        let bucket = self.url.bucket().to_owned();
        Ok(stream
            .map_ok(|buffer| buffer.to_bytes())
            .map_err(move |error| words(error, &doing, &bucket))
            .boxed())
    }

    /// Nothing that was begun is seen, and nothing tells which of the uploads of a bucket is whose.
    async fn discard(&self, _key: &ObjectKey, _mark: Uuid) -> Result<()> {
        Ok(())
    }

    /// Stores answer when an object is safe.
    async fn sync(&self, _objects: &[(ObjectKey, Uuid)]) -> Result<()> {
        Ok(())
    }

    async fn settle(&self, _objects: &[(ObjectKey, Uuid)]) -> Result<()> {
        Ok(())
    }

    async fn marks(&self, _age: Duration) -> Result<Vec<Uuid>> {
        Ok(Vec::new())
    }

    async fn forget(&self, _marks: &[Uuid]) -> Result<()> {
        Ok(())
    }

    async fn check(&self) -> Result<()> {
        check::round(self, |key, _| self.remove(key)).await
    }
}

struct ObjectUpload {
    url: StorageUrl,
    key: ObjectKey,
    /// Gone once it is closed or aborted.
    writer: Option<Writer>,
}

impl std::fmt::Debug for ObjectUpload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ObjectUpload")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl ObjectUpload {
    fn writer(&mut self) -> Result<&mut Writer> {
        let failed = || Error::new(ErrorKind::Failed, "the upload failed before");
        self.writer.as_mut().ok_or_else(failed)
    }

    fn error(&self, error: opendal::Error) -> Error {
        words(
            error,
            &format!("write {}", self.url.locate(&self.key)),
            self.url.bucket(),
        )
    }

    async fn give_up(&mut self) {
        if let Some(mut writer) = self.writer.take() {
            writer.abort().await.ok();
        }
    }
}

#[async_trait]
impl Upload for ObjectUpload {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let written = self.writer()?.write(bytes).await;
        if let Err(error) = written {
            self.give_up().await;
            return Err(self.error(error));
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>, guard: &Guard) -> Result<()> {
        if let Err(stopped) = check_guard(guard, &self.url, &self.key) {
            self.give_up().await;
            return Err(stopped);
        }
        let closed = self.writer()?.close().await;
        if let Err(error) = closed {
            self.give_up().await;
            return Err(self.error(error));
        }
        self.writer = None;
        Ok(())
    }

    async fn abort(mut self: Box<Self>) {
        self.give_up().await;
    }
}

impl Drop for ObjectUpload {
    fn drop(&mut self) {
        if let (Some(mut writer), Ok(runtime)) = (self.writer.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move { writer.abort().await });
        }
    }
}

fn check_guard(guard: &Guard, url: &StorageUrl, key: &ObjectKey) -> Result<()> {
    if guard() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Stopped,
        format!("{} was not given its name: the run was stopped", url.locate(key)),
    ))
}

fn marked(mark: Uuid) -> [(String, String); 1] {
    [(MARK.to_owned(), mark.to_string())]
}

/// Whole mebibytes, as many as let the object fit into the parts that there may be.
fn part_size(size: Option<u64>) -> u64 {
    let part = size.unwrap_or(0).div_ceil(PARTS);
    part.next_multiple_of(1 << 20).max(PART)
}

/// How many parts of this size are under way at once.
fn at_once(part: u64) -> usize {
    usize::try_from(AT_ONCE * PART / part).unwrap_or(1).max(1)
}

/// What happened, in words: of the store's own answer where there was one.
fn words(error: opendal::Error, doing: &str, bucket: &str) -> Error {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(inner) = source {
        if let Some(refusal) = inner.downcast_ref::<Refusal>() {
            return Error::new(refusal.kind(), refusal.words(doing, bucket));
        }
        if let Some(Unreachable { cause, .. }) = inner.downcast_ref::<Unreachable>() {
            return Error::new(
                ErrorKind::Unreachable,
                format!(
                    "could not {doing}: the store can't be reached: {cause}; check the endpoint and the network, and that it runs"
                ),
            );
        }
        source = inner.source();
    }
    use opendal::ErrorKind as Kind;
    let kind = match error.kind() {
        Kind::ConditionNotMatch | Kind::AlreadyExists => ErrorKind::Exists,
        Kind::NotFound => ErrorKind::NotFound,
        Kind::PermissionDenied => ErrorKind::Denied,
        Kind::RateLimited => ErrorKind::Busy,
        Kind::ConfigInvalid => ErrorKind::Invalid,
        _ if error.is_temporary() => ErrorKind::Unreachable,
        _ => ErrorKind::Failed,
    };
    Error::new(kind, format!("could not {doing}: {}", error.message()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_few_enough_and_small_enough() {
        const GIB: u64 = 1 << 30;
        for (size, part, together) in [
            (None, PART, 3),
            (Some(0), PART, 3),
            (Some(70 * GIB), PART, 3),
            (Some(100 * GIB), 12 << 20, 2),
            (Some(1000 * GIB), 114 << 20, 1),
            (Some(BIGGEST_PART * PARTS), BIGGEST_PART, 1),
        ] {
            assert_eq!((part_size(size), at_once(part)), (part, together), "{size:?}");
        }
        for told in [BIGGEST_PART * PARTS + 1, u64::MAX] {
            assert!(part_size(Some(told)) > BIGGEST_PART, "{told}");
        }
    }
}
