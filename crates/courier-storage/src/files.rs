//! A folder of the local file system.
//!
//! Written with `std::fs` and the kernel's calls in blocking tasks. Needs Linux 5.8 or newer where a disk may fail silently: before
//! that, flushing a file system told of no errors.

mod error;
mod group;
mod marks;
mod place;
mod upload;

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use rustix::fs::{AtFlags, Mode, OFlags};
use uuid::Uuid;

use crate::{
    Concurrency, Error, ErrorKind, Found, Guard, ObjectKey, Result, Storage, StorageUrl, Upload, check,
};
use group::{Groups, Object};
use marks::Marks;
use place::Place;

/// How much of an object is read at once, in bytes.
const CHUNK: usize = 256 << 10;

/// A folder of the local file system.
#[derive(Debug)]
pub(crate) struct Files {
    url: StorageUrl,
    path: PathBuf,
    links: bool,
    groups: Arc<Groups>,
}

impl Files {
    pub(crate) fn new(url: StorageUrl, path: &Path) -> Self {
        Self::with_links(url, path, true)
    }

    fn with_links(url: StorageUrl, path: &Path, links: bool) -> Self {
        Self {
            url,
            path: path.to_owned(),
            links,
            groups: Arc::new(Groups::new(path.to_owned(), links)),
        }
    }

    /// Does something with the folder and its marks where it may block.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Place, &Marks) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (path, links) = (self.path.clone(), self.links);
        blocking(move || {
            let place = Place::open(&path)?;
            let marks = Marks::open(&place, links)?;
            work(&place, &marks)
        })
        .await
    }

    async fn remove(&self, key: ObjectKey, mark: Uuid) -> Result<()> {
        self.with(move |place, marks| {
            let removed = place
                .folder_of(&key, false)
                .and_then(|(folder, name)| Ok(rustix::fs::unlinkat(folder, name, AtFlags::empty())?));
            marks.settle(mark).map_err(|e| error::marks(e, &place.path))?;
            removed.map_err(|e| error::object(e, "remove", &place.full(&key)))
        })
        .await
    }
}

#[async_trait]
impl Storage for Files {
    fn locate(&self, key: &ObjectKey) -> String {
        self.url.locate(key)
    }

    fn small(&self) -> u64 {
        1 << 20
    }

    fn concurrency(&self) -> Concurrency {
        Concurrency {
            small: 64,
            streams: 4,
            memory: upload::MEMORY,
        }
    }

    async fn put(&self, key: &ObjectKey, mark: Uuid, bytes: Bytes, guard: &Guard) -> Result<()> {
        let (key, guard) = (usable(key)?, guard.clone());
        let object = Object {
            key,
            mark,
            bytes,
            guard,
        };
        self.groups.put(object).await
    }

    async fn begin(&self, key: &ObjectKey, mark: Uuid, _size: Option<u64>) -> Result<Box<dyn Upload>> {
        let upload = upload::FileUpload::begin(self.path.clone(), self.links, usable(key)?, mark).await?;
        Ok(Box::new(upload))
    }

    async fn find(&self, key: &ObjectKey, mark: Uuid) -> Result<Found> {
        let key = usable(key)?;
        self.with(move |place, marks| {
            let failed = |e: io::Error| error::object(e, "look at", &place.full(&key));
            if let Some(size) = marks.whole(place, &key, mark).map_err(failed)? {
                return Ok(Found::Ours { size });
            }
            let found = place.look(&key).map_err(failed)?;
            Ok(found.map_or(Found::Absent, |_| Found::Foreign))
        })
        .await
    }

    async fn read(&self, key: &ObjectKey, mark: Uuid) -> Result<BoxStream<'static, Result<Bytes>>> {
        let (key, full) = (usable(key)?, self.path.join(key.as_str()));
        let file = self
            .with(move |place, marks| {
                let file = marks.read(place, &key, mark);
                file.map_err(|e| error::object(e, "read", &place.full(&key)))
            })
            .await?;
        let chunks = futures::stream::try_unfold(file, move |mut file| {
            let full = full.clone();
            blocking(move || {
                let mut chunk = Vec::with_capacity(CHUNK);
                let read = io::Read::read_to_end(&mut io::Read::take(&mut file, CHUNK as u64), &mut chunk);
                match read {
                    Ok(0) => Ok(None),
                    Ok(_) => Ok(Some((Bytes::from(chunk), file))),
                    Err(e) => Err(error::object(e, "read", &full)),
                }
            })
        });
        Ok(chunks.boxed())
    }

    async fn discard(&self, key: &ObjectKey, mark: Uuid) -> Result<()> {
        let key = usable(key)?;
        self.with(move |place, marks| {
            let discarded = marks.discard(place, &key, mark);
            discarded.map_err(|e| error::marks(e, &place.path))
        })
        .await
    }

    async fn sync(&self, objects: &[(ObjectKey, Uuid)]) -> Result<()> {
        // With each folder those above it: it may be new.
        let mut folders = BTreeSet::from([String::new()]);
        for (key, _) in objects {
            let mut folder = place::split(key).0;
            while !folder.is_empty() && folders.insert(folder.to_owned()) {
                folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
            }
        }
        self.with(move |place, marks| {
            for folder in folders {
                match sync_folder(place, &folder) {
                    // Somebody who waits for files took it away.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    other => other.map_err(|e| error::object(e, "flush", &place.path.join(&folder)))?,
                }
            }
            marks.sync().map_err(|e| error::marks(e, &place.path))
        })
        .await
    }

    async fn settle(&self, objects: &[(ObjectKey, Uuid)]) -> Result<()> {
        let marks: Vec<Uuid> = objects.iter().map(|(_, mark)| *mark).collect();
        self.forget(&marks).await
    }

    async fn marks(&self, age: Duration) -> Result<Vec<Uuid>> {
        self.with(move |place, marks| marks.list(age).map_err(|e| error::marks(e, &place.path)))
            .await
    }

    async fn forget(&self, marks: &[Uuid]) -> Result<()> {
        let forgotten = marks.to_vec();
        self.with(move |place, marks| {
            for mark in forgotten {
                marks.settle(mark).map_err(|e| error::marks(e, &place.path))?;
            }
            Ok(())
        })
        .await
    }

    async fn check(&self) -> Result<()> {
        check::round(self, |key, mark| self.remove(key, mark)).await
    }
}

/// A key that isn't that of a mark.
fn usable(key: &ObjectKey) -> Result<ObjectKey> {
    let first = key.as_str().split('/').next().unwrap_or_default();
    // There are file systems to which both cases are one name.
    if first.eq_ignore_ascii_case(place::MARKS) {
        return Err(Error::new(
            ErrorKind::Key,
            format!(
                "{key} can't be the key of an object: {} is where the storage keeps its marks",
                place::MARKS
            ),
        ));
    }
    Ok(key.clone())
}

fn sync_folder(place: &Place, folder: &str) -> io::Result<()> {
    let folder = place.folder(folder, false)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::openat(folder, ".", flags, Mode::empty())?;
    Ok(rustix::fs::fsync(folder)?)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(gone()))
}

/// What is said where a task ended without an answer, as all do when the process is ending.
fn gone() -> Error {
    Error::new(
        ErrorKind::Failed,
        "the object was not written: the process is ending",
    )
}

#[cfg(all(test, feature = "testkit"))]
mod tests {
    use super::*;
    use crate::testkit::conforms;

    #[tokio::test]
    async fn a_file_system_without_hard_links_conforms() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("file://{}", folder.path().display());
        let files = Files::with_links(url.parse().unwrap(), folder.path(), false);
        let storage: Arc<dyn Storage> = Arc::new(files);
        conforms(&storage).await;

        let (key, mark) = (ObjectKey::new("a").unwrap(), Uuid::now_v7());
        storage
            .put(&key, mark, "text".into(), &crate::always())
            .await
            .unwrap();
        std::fs::remove_file(folder.path().join("a")).unwrap();
        // That it was there is known, its bytes aren't.
        assert_eq!(storage.find(&key, mark).await.unwrap(), Found::Ours { size: 4 });
        let Err(error) = storage.read(&key, mark).await else {
            panic!("it was taken away");
        };
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}
