//! An object that is written piece by piece.

use std::{fs::File, io::Write, path::PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{blocking, error, marks::Marks, place::Place};
use crate::{Guard, ObjectKey, Result, Upload};

/// What is collected before it is written, in bytes: a piece that comes from a wire is small.
const PIECE: usize = 1 << 20;

/// How many bytes an upload holds at most: one piece is collected while another is written.
pub(super) const MEMORY: u64 = 2 * PIECE as u64;

#[derive(Debug)]
pub(super) struct FileUpload {
    pub(super) path: PathBuf,
    pub(super) links: bool,
    pub(super) key: ObjectKey,
    pub(super) mark: Uuid,
    collected: Vec<Bytes>,
    size: usize,
    part: Part,
    done: bool,
}

#[derive(Debug)]
enum Part {
    Ready(File),
    Writing(JoinHandle<Result<File>>),
    /// An error took it.
    Gone,
}

impl FileUpload {
    pub(super) async fn begin(path: PathBuf, links: bool, key: ObjectKey, mark: Uuid) -> Result<Self> {
        let (at, mark_of) = (path.clone(), mark);
        let part = blocking(move || {
            let place = Place::open(&at)?;
            Marks::open(&place, links)?.begin(mark_of, &place)
        })
        .await?;
        Ok(Self {
            path,
            links,
            key,
            mark,
            collected: Vec::new(),
            size: 0,
            part: Part::Ready(part),
            done: false,
        })
    }

    /// The part, when what was given to it before is written.
    async fn part(&mut self) -> Result<File> {
        match std::mem::replace(&mut self.part, Part::Gone) {
            Part::Ready(part) => Ok(part),
            Part::Writing(task) => task.await.unwrap_or_else(|_| Err(super::gone())),
            Part::Gone => Err(super::gone()),
        }
    }

    async fn write_collected(&mut self) -> Result<()> {
        let mut part = self.part().await?;
        let pieces = std::mem::take(&mut self.collected);
        self.size = 0;
        let full = self.path.join(self.key.as_str());
        self.part = Part::Writing(tokio::task::spawn_blocking(move || {
            for piece in pieces {
                part.write_all(&piece)
                    .map_err(|e| error::object(e, "write", &full))?;
            }
            Ok(part)
        }));
        Ok(())
    }
}

#[async_trait]
impl Upload for FileUpload {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.size += bytes.len();
        self.collected.push(bytes);
        if self.size >= PIECE {
            self.write_collected().await
        } else {
            Ok(())
        }
    }

    async fn finish(mut self: Box<Self>, guard: &Guard) -> Result<()> {
        self.write_collected().await?;
        let part = self.part().await?;
        let (path, links, key, mark) = (self.path.clone(), self.links, self.key.clone(), self.mark);
        let guard = guard.clone();
        blocking(move || {
            let place = Place::open(&path)?;
            part.sync_data()
                .map_err(|e| error::object(e, "write", &place.full(&key)))?;
            Marks::open(&place, links)?.name(&place, &key, mark, &guard)
        })
        .await?;
        self.done = true;
        Ok(())
    }

    async fn abort(self: Box<Self>) {
        blocking(move || {
            drop(self);
            Ok(())
        })
        .await
        .ok();
    }
}

impl Drop for FileUpload {
    /// Removes the part. Should a `finish` that nobody waits for be about to name it, that fails, or the object is whole and stays.
    fn drop(&mut self) {
        if self.done {
            return;
        }
        if let Ok(place) = Place::open(&self.path)
            && let Ok(marks) = Marks::open(&place, self.links)
        {
            marks.discard(&place, &self.key, self.mark).ok();
        }
    }
}
