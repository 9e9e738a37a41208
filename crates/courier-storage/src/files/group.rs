//! Small files are written in groups: what comes while one group goes to the disk is the next.
//!
//! A file must be on the disk before it gets its final name, and waiting for that costs the same for one file as for sixty.

use std::{collections::VecDeque, io::Write, path::PathBuf, sync::Arc};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{error, marks::Marks, place::Place};
use crate::{Error, ErrorKind, Guard, ObjectKey, Result};

/// The most files of one group.
const GROUP: usize = 64;
/// From this many files on, the whole file system is flushed at once rather than file by file.
const TOGETHER: usize = 4;
/// While one group is flushed, another is written.
const WRITERS: usize = 2;

/// A small file on its way.
#[derive(Debug)]
struct Job {
    object: Object,
    answer: oneshot::Sender<Result<()>>,
}

pub(super) struct Object {
    pub(super) key: ObjectKey,
    pub(super) mark: Uuid,
    pub(super) bytes: Bytes,
    pub(super) guard: Guard,
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Object")
            .field("key", &self.key)
            .field("mark", &self.mark)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    writers: usize,
}

/// Writes what is put into one storage.
#[derive(Debug)]
pub(super) struct Groups {
    path: PathBuf,
    links: bool,
    waiting: Mutex<Waiting>,
}

impl Groups {
    pub(super) fn new(path: PathBuf, links: bool) -> Self {
        Self {
            path,
            links,
            waiting: Mutex::default(),
        }
    }

    pub(super) async fn put(self: &Arc<Self>, object: Object) -> Result<()> {
        let (answer, answered) = oneshot::channel();
        let one_more = {
            let mut waiting = self.waiting.lock();
            waiting.jobs.push_back(Job { object, answer });
            let one_more = waiting.writers < WRITERS;
            waiting.writers += usize::from(one_more);
            one_more
        };
        if one_more {
            let groups = Arc::clone(self);
            tokio::task::spawn_blocking(move || groups.write_all());
        }
        answered.await.unwrap_or_else(|_| Err(super::gone()))
    }

    fn write_all(&self) {
        loop {
            let group: Vec<Job> = {
                let mut waiting = self.waiting.lock();
                if waiting.jobs.is_empty() {
                    waiting.writers -= 1;
                    return;
                }
                let most = waiting.jobs.len().min(GROUP);
                waiting.jobs.drain(..most).collect()
            };
            self.write(group);
        }
    }

    fn write(&self, group: Vec<Job>) {
        let opened = Place::open(&self.path).and_then(|place| {
            let marks = Marks::open(&place, self.links)?;
            Ok((place, marks))
        });
        let (place, marks) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                for job in group {
                    // Each gets an error of its own; the source goes to none.
                    job.answer
                        .send(Err(Error::new(error.kind(), error.to_string())))
                        .ok();
                }
                return;
            }
        };
        let mut written = Vec::with_capacity(group.len());
        for job in group {
            // Nobody waits any more: the put was dropped.
            if job.answer.is_closed() {
                continue;
            }
            match part(&place, &marks, &job.object) {
                Ok(part) => written.push((job, part)),
                Err(error) => drop(job.answer.send(Err(error))),
            }
        }
        let together = (written.len() >= TOGETHER).then(|| marks.flush_all());
        for (job, part) in written {
            let object = &job.object;
            let flushed = match &together {
                Some(Ok(())) => Ok(()),
                // Which of the files it was isn't said: each is asked.
                Some(Err(_)) | None => part.sync_data(),
            };
            let named = match flushed {
                _ if job.answer.is_closed() => Err(stopped()),
                Ok(()) => marks.name(&place, &object.key, object.mark, &object.guard),
                Err(e) => Err(error::object(e, "write", &place.full(&object.key))),
            };
            if named.is_err() {
                marks.discard(&place, &object.key, object.mark).ok();
            }
            job.answer.send(named).ok();
        }
    }
}

fn part(place: &Place, marks: &Marks, object: &Object) -> Result<std::fs::File> {
    let mut part = marks.begin(object.mark, place)?;
    part.write_all(&object.bytes).map_err(|e| {
        marks.discard(place, &object.key, object.mark).ok();
        error::object(e, "write", &place.full(&object.key))
    })?;
    Ok(part)
}

fn stopped() -> Error {
    Error::new(ErrorKind::Stopped, "the object is wanted no longer")
}
