//! What is written together, and when.

use std::time::Instant;

use courier_store::pulls::{Group, NewPull, Pulled};
use futures::StreamExt;
use tokio::time::timeout;

use super::{Flow, GROUP, OPEN, Objects, PATIENCE, Stored, Underway, WAITING};
use crate::{
    Error, Result,
    pulls::{
        file::{Begun, File},
        keys::key,
        record::{Writing, free, write},
        tally::{Shown, hex},
    },
};

impl Flow<'_> {
    /// Something is to be written, soon.
    pub(super) fn note(&mut self, note: impl FnOnce(&mut Group)) {
        note(&mut self.group);
        if !self.group.is_empty() {
            self.since.get_or_insert_with(Instant::now);
        }
    }

    /// Its name is taken: it gets the next one, which is noted before an object can have it.
    pub(super) fn rename(&mut self, mut begun: Begun) {
        begun.taken += 1;
        match self.key_of(&begun.file, begun.taken) {
            Ok(key) => {
                let destination = self.pull.storage.locate(&key);
                self.note(|group| group.rekey.push((begun.id, key.as_str().into(), destination)));
                self.renamed.push(Begun { key, ..begun });
            }
            Err(error) => {
                self.tally.failed(&begun.file.path, error);
                self.note(|group| group.drop.push(begun.id));
            }
        }
    }

    /// Is anything but new files to be written?
    pub(super) fn has_news(&self) -> bool {
        !self.stored.is_empty() || !self.renamed.is_empty() || !self.group.is_empty()
    }

    /// Writes where enough is together, somebody waits for it, or it has waited for long.
    pub(super) fn write_if_due(&mut self) {
        if self.writing.is_some() {
            return;
        }
        let open = self.ready.len() + self.moving.len() + self.stored.len() + self.renamed.len();
        let is_hungry = !self.waiting.is_empty()
            && self.ready.len() < GROUP
            && open < OPEN
            && self.pulled.len() < WAITING;
        let notes =
            self.group.drop.len() + self.group.after.len() + self.group.seen.len() + self.group.vain.len();
        let is_full = self.stored.len() >= GROUP || notes >= GROUP || !self.renamed.is_empty();
        let is_late = self.since.is_some_and(|since| since.elapsed() >= PATIENCE);
        let nothing_comes = self.found_all
            && self.waiting.is_empty()
            && self.ready.is_empty()
            && self.moving.is_empty()
            && self.settling.is_empty();
        if is_hungry || is_full || is_late || (nothing_comes && self.has_news()) {
            let begun = if open < OPEN { self.begin() } else { Vec::new() };
            self.write(begun);
        }
    }

    /// The next files get their intents.
    fn begin(&mut self) -> Vec<Begun> {
        let mut begun = Vec::with_capacity(GROUP.min(self.waiting.len()));
        while begun.len() < GROUP
            && let Some(file) = self.waiting.pop_front()
        {
            match self.key_of(&file, 0) {
                Ok(key) => begun.push(Begun {
                    id: courier_store::new_id(),
                    file,
                    key,
                    taken: 0,
                }),
                Err(error) => self.tally.failed(&file.path, error),
            }
        }
        begun
    }

    fn key_of(&self, file: &File, taken: u32) -> Result<courier_storage::ObjectKey> {
        Ok(key(
            &self.pull.definition.prefix,
            file,
            taken,
            courier_store::now(),
        )?)
    }

    /// Writes what there is, with these intents. Records go in groups, and others wait for the next one.
    fn write(&mut self, begun: Vec<Begun>) {
        let stored: Vec<Stored> = self.stored.drain(..self.stored.len().min(GROUP)).collect();
        let pull = self.pull;
        let mut writing = Writing {
            group: std::mem::take(&mut self.group),
            ..Writing::default()
        };
        writing.group.begin = begun.iter().map(|begun| self.intent(begun)).collect();
        for file in &stored {
            writing.group.record.push(Pulled {
                id: file.begun.id,
                sha256: file.sha256,
                after: pull.after_state(),
            });
            writing.objects.push((file.begun.key.clone(), file.begun.id));
            writing.took.insert(file.begun.id, file.took);
        }
        self.since = (!self.stored.is_empty()).then(Instant::now);
        if writing.group.is_empty() {
            return;
        }
        let pull = pull.clone();
        self.writing = Some(Underway {
            write: tokio::spawn(async move {
                let may_begin = write(&pull, &*pull.storage, &writing).await?;
                Ok((may_begin, writing.objects))
            }),
            begun,
            stored,
            renamed: std::mem::take(&mut self.renamed),
        });
    }

    fn intent(&self, begun: &Begun) -> NewPull {
        NewPull {
            id: begun.id,
            path: begun.file.path.as_wire().to_owned(),
            size: begun.file.size,
            modified: begun.file.modified,
            storage_id: self.pull.storage_id,
            destination: self.pull.storage.locate(&begun.key),
            key: begun.key.as_str().into(),
            replay: begun.file.replay,
        }
    }

    /// A group is written.
    pub(super) fn written(&mut self, (may_begin, objects): (Vec<bool>, Objects)) {
        let Some(Underway {
            begun,
            stored,
            renamed,
            ..
        }) = self.writing.take()
        else {
            return;
        };
        let storage = self.pull.storage.clone();
        self.freeing.spawn(async move { free(&*storage, &objects).await });
        while self.freeing.try_join_next().is_some() {}
        self.ready.extend(renamed);
        for (begun, may_begin) in begun.into_iter().zip(may_begin) {
            match may_begin {
                true => self.ready.push_back(begun),
                // Another mapping of the connection was first.
                false => self.tally.seen.known += 1,
            }
        }
        let is_after_pull = self.is_after_pull();
        for Stored { begun, sha256, .. } in stored {
            self.tally.pulled(&Shown {
                path: begun.file.path.to_text(),
                size: begun.file.size,
                sha256: hex(&sha256),
                destination: self.pull.storage.locate(&begun.key),
            });
            if is_after_pull {
                self.pulled.push_back((begun.id, begun.file));
            }
        }
    }

    /// Waits for the files that move.
    async fn come_in(&mut self) {
        while let Some((begun, took, moved)) = self.moving.next().await {
            if let Ok(moved) = moved {
                self.moved(begun, took, moved);
            }
        }
    }

    /// The pull ends early: what is whole is recorded, and intents of which nothing was begun are dropped. What is left over
    /// the next pull settles.
    pub(super) async fn salvage(&mut self) {
        // An object that gets its name at this moment is whole, too; the others meet what ended the pull.
        let _ = timeout(PATIENCE, self.come_in()).await;
        self.moving.clear();
        self.settling.clear();
        self.waiting.clear();
        let mut result = written(&mut self.writing).await;
        loop {
            match result {
                Ok(written) => self.written(written),
                Err(error) => {
                    tracing::warn!(%error, "what a pull has left is settled by the next one");
                    return;
                }
            }
            let unbegun = self
                .ready
                .drain(..)
                .chain(self.renamed.drain(..))
                .map(|begun| begun.id);
            self.group.drop.extend(unbegun);
            if !self.has_news() || !self.pull.names.allows() {
                return;
            }
            self.write(Vec::new());
            result = written(&mut self.writing).await;
        }
    }
}

/// Waits for a group to be written; with none under way there is nothing to wait for. One that could not be written is over.
pub(super) async fn written(writing: &mut Option<Underway>) -> Result<(Vec<bool>, Objects)> {
    let Some(underway) = writing else {
        return Ok(Default::default());
    };
    let result = (&mut underway.write).await.unwrap_or_else(|error| {
        Err(Error::Internal(format!(
            "a group of pulled files was not written: {error}"
        )))
    });
    if result.is_err() {
        *writing = None;
    }
    result
}

/// Waits until something has waited for long enough; for ever where nothing does.
pub(super) async fn passed(since: Option<Instant>) {
    match since {
        Some(since) => tokio::time::sleep(PATIENCE.saturating_sub(since.elapsed())).await,
        None => std::future::pending().await,
    }
}
