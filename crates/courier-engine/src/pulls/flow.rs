//! Files on their way: found, noted, moved, recorded, and then deleted or moved on the server; all of it at once.
//!
//! One transaction holds the records of the files that are whole and the intents of those that come next, so that the bytes of
//! one group move while another is written. What is in memory is bounded: some thousand files that wait, and as many objects
//! as the storage takes at once.

mod group;

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use courier_storage::ObjectKey;
use courier_store::pulls::{AfterState, Group};
use futures::{StreamExt, TryStreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::task::{JoinHandle, JoinSet};
use uuid::Uuid;

use super::{
    after::{self, Settled},
    file::{Begun, File},
    find::{Batch, Find, Looked, Purpose, Verdict},
    recover::Ghosts,
    replay::{Wish, wishes},
    run::Pull,
    stages,
    tally::{Outcome, Tally},
    transfer::{Moved, Sha256, transfer},
};
use crate::{Result, folder_mappings::AfterPull};
use group::{passed, written};

/// Records, and intents, that are written together at most.
const GROUP: usize = 100;
/// The longest that a whole object waits to be recorded, or anything else to be written.
const PATIENCE: Duration = Duration::from_secs(1);
/// Intents that are open at once.
const OPEN: usize = 4 * GROUP;
/// Found files that wait, and files that wait to be deleted or moved, before no more are looked for.
const WAITING: usize = 1_000;
/// Files that are deleted or moved at once.
const SETTLED: usize = 16;

/// The files of a pull.
pub(super) struct Flow<'a> {
    pull: &'a Arc<Pull>,
    ghosts: Ghosts,
    tally: Tally,
    /// Found.
    waiting: VecDeque<File>,
    /// Their intents are noted: they may move.
    ready: VecDeque<Begun>,
    moving: FuturesUnordered<BoxFuture<'static, (Begun, Duration, Result<Moved>)>>,
    /// How many of them are too big to be held in memory.
    streams: usize,
    /// Their objects are whole.
    stored: VecDeque<Stored>,
    /// In the history, and still to be deleted or moved.
    pulled: VecDeque<(Uuid, File)>,
    settling: FuturesUnordered<BoxFuture<'static, Result<Settled>>>,
    /// What else is to be written.
    group: Group,
    /// Their intents are to get other names.
    renamed: Vec<Begun>,
    /// Since when something waits to be written.
    since: Option<Instant>,
    writing: Option<Underway>,
    /// Recorded objects lose their marks.
    freeing: JoinSet<()>,
    /// All has been found.
    found_all: bool,
}

/// A group that is being written, and whose files those are.
struct Underway {
    write: JoinHandle<Result<(Vec<bool>, Objects)>>,
    begun: Vec<Begun>,
    stored: Vec<Stored>,
    renamed: Vec<Begun>,
}

/// Objects, by key and mark.
type Objects = Vec<(ObjectKey, Uuid)>;

/// A file whose object is whole.
struct Stored {
    begun: Begun,
    sha256: Sha256,
    took: Duration,
}

/// What files come from.
enum Found {
    Batch(Batch),
    Wishes(Vec<Wish>),
}

/// What happens next.
enum Event {
    Found(Option<Result<Found>>),
    Moved(Box<Begun>, Duration, Result<Moved>),
    Settled(Result<Settled>),
    Written(Result<(Vec<bool>, Objects)>),
    Due,
}

impl<'a> Flow<'a> {
    pub(super) fn new(pull: &'a Arc<Pull>, ghosts: Ghosts, tally: Tally) -> Self {
        Self {
            pull,
            ghosts,
            tally,
            waiting: VecDeque::new(),
            ready: VecDeque::new(),
            moving: FuturesUnordered::new(),
            streams: 0,
            stored: VecDeque::new(),
            pulled: VecDeque::new(),
            settling: FuturesUnordered::new(),
            group: Group::default(),
            renamed: Vec::new(),
            since: None,
            writing: None,
            freeing: JoinSet::new(),
            found_all: false,
        }
    }

    /// Pulls all that is to be pulled anew, and all that is ready. Answers which files failed.
    ///
    /// # Errors
    /// What ended it early. What was whole by then is recorded nevertheless, as far as possible.
    pub(super) async fn run(mut self) -> Result<Outcome> {
        let result = self.all().await;
        if result.is_err() {
            self.salvage().await;
        }
        while self.freeing.join_next().await.is_some() {}
        result.map(|()| self.tally.outcome())
    }

    async fn all(&mut self) -> Result<()> {
        let pull = self.pull;
        let find = Find {
            store: &pull.engine.0.store,
            client: pull.client.clone(),
            connection: pull.puller.connection,
            mapping: pull.puller.mapping,
            definition: &pull.definition,
            purpose: Purpose::Pull,
        };
        let wished = wishes(pull).map(|wishes| wishes.map(Found::Wishes));
        let listed = find.batches().map(|batch| batch.map(Found::Batch));
        let mut found = wished.chain(listed);
        loop {
            self.start();
            self.write_if_due();
            if self.is_over() {
                // What was asked for meanwhile comes last.
                match wishes(pull).try_next().await? {
                    Some(wishes) => self.take(Found::Wishes(wishes)).await?,
                    None => return Ok(()),
                }
                continue;
            }
            let wants_more = self.wants_more();
            let due = self.since.filter(|_| self.writing.is_none());
            let event = tokio::select! {
                biased;
                written = written(&mut self.writing), if self.writing.is_some() => Event::Written(written),
                Some((begun, took, moved)) = self.moving.next() => Event::Moved(begun.into(), took, moved),
                Some(settled) = self.settling.next() => Event::Settled(settled),
                found = found.next(), if wants_more => Event::Found(found),
                () = passed(due) => Event::Due,
            };
            self.pull.state.progressed();
            match event {
                Event::Found(None) => self.found_all = true,
                Event::Found(Some(found)) => self.take(found?).await?,
                Event::Moved(begun, took, moved) => self.moved(*begun, took, moved?),
                Event::Settled(settled) => self.settled(settled?),
                Event::Written(written) => self.written(written?),
                Event::Due => {}
            }
        }
    }

    /// What was found goes where it belongs.
    async fn take(&mut self, found: Found) -> Result<()> {
        match found {
            Found::Wishes(wishes) => wishes.into_iter().for_each(|wish| self.wish(wish)),
            Found::Batch(batch) => {
                stages::reached("pull::listed");
                self.note(|group| group.seen.extend(batch.seen));
                for (folder, error) in batch.refused {
                    self.tally.failed(folder, error.into());
                }
                for line in batch.unreadable {
                    self.tally.seen.unreadable += 1;
                    let (folder, raw, reason) = (line.folder, line.raw, line.reason);
                    self.tally
                        .left_out(format!("{folder} holds what can't be read: \"{raw}\": {reason}"));
                }
                for looked in batch.looked {
                    self.look_at(looked).await?;
                }
            }
        }
        Ok(())
    }

    fn wish(&mut self, wish: Wish) {
        match wish {
            Wish::File(file) => self.found(file),
            Wish::Failed(path, error) => self.tally.failed(path, error),
            Wish::Gone(wish, entry) => {
                self.tally.not_found(&entry);
                self.note(|group| group.vain.push(wish));
            }
        }
    }

    async fn look_at(&mut self, looked: Looked) -> Result<()> {
        let seen = &mut self.tally.seen;
        match looked.verdict {
            Verdict::Pull { versions } => self.found(File {
                path: looked.path,
                relative: looked.relative,
                size: looked.size,
                modified: looked.modified,
                marker: looked.marker,
                versions,
                replay: None,
                ghost: None,
            }),
            Verdict::Known { entry, after } => {
                seen.known += 1;
                match after {
                    AfterState::Pending if self.is_after_pull() => self.settle_late(entry, looked).await?,
                    AfterState::Refused if self.is_after_pull() => self.tally.seen.refused += 1,
                    _ => {}
                }
            }
            Verdict::Begun { .. } => seen.known += 1,
            Verdict::NotYet(_) => seen.waiting += 1,
            Verdict::NotTold => {
                let path = looked.path;
                self.tally.left_out(format!(
                    "{path} is not pulled: the server doesn't tell its size, so nobody could say whether it came whole"
                ));
            }
            Verdict::Ignored { .. }
            | Verdict::Marker
            | Verdict::NotMatching
            | Verdict::Link
            | Verdict::Other => {}
        }
        Ok(())
    }

    fn found(&mut self, file: File) {
        let ghost = self.ghosts.of(&file);
        self.waiting.push_back(File { ghost, ..file });
    }

    /// Something died between a file's record and what was to become of it on the server. It is the version of the record that
    /// may be deleted or moved, and no other.
    async fn settle_late(&mut self, id: Uuid, looked: Looked) -> Result<()> {
        let entry = self.pull.engine.0.store.pulls().get(id).await?;
        let file = File {
            path: looked.path,
            relative: looked.relative,
            size: entry.size,
            modified: entry.modified,
            marker: looked.marker,
            versions: 0,
            replay: None,
            ghost: None,
        };
        self.pulled.push_back((id, file));
        Ok(())
    }

    /// Is something to become of pulled files on the server?
    fn is_after_pull(&self) -> bool {
        self.pull.definition.after_pull != AfterPull::Keep
    }

    fn wants_more(&self) -> bool {
        !self.found_all && self.waiting.len() < WAITING && self.pulled.len() < WAITING
    }

    fn is_over(&self) -> bool {
        self.found_all
            && self.writing.is_none()
            && self.waiting.is_empty()
            && self.ready.is_empty()
            && self.moving.is_empty()
            && self.settling.is_empty()
            && self.pulled.is_empty()
            && !self.has_news()
    }

    /// Sets going what may move, and what may be deleted or moved on the server.
    fn start(&mut self) {
        let most = self.pull.storage.concurrency();
        let small = self.pull.storage.small();
        let is_big = |begun: &Begun| begun.file.size > small;
        loop {
            let room = (
                self.moving.len() - self.streams < most.small,
                self.streams < most.streams,
            );
            let next = match room {
                (true, true) => 0,
                (false, false) => break,
                (takes_small, _) => match self.ready.iter().position(|begun| is_big(begun) != takes_small) {
                    Some(next) => next,
                    None => break,
                },
            };
            let Some(begun) = self.ready.remove(next) else {
                break;
            };
            self.streams += usize::from(is_big(&begun));
            let pull = self.pull.clone();
            self.moving.push(Box::pin(async move {
                let began = Instant::now();
                let moved = transfer(&pull, &begun).await;
                (begun, began.elapsed(), moved)
            }));
        }
        while self.settling.len() < SETTLED
            && let Some((entry, file)) = self.pulled.pop_front()
        {
            let pull = self.pull.clone();
            self.settling
                .push(Box::pin(async move { after::settle(&pull, entry, &file).await }));
        }
    }

    /// A file is through.
    fn moved(&mut self, begun: Begun, took: Duration, moved: Moved) {
        self.streams -= usize::from(begun.file.size > self.pull.storage.small());
        match moved {
            Moved::Stored(sha256) => {
                self.since.get_or_insert_with(Instant::now);
                self.stored.push_back(Stored { begun, sha256, took });
                return;
            }
            Moved::Taken => return self.rename(begun),
            Moved::Vanished => {
                self.tally.vanished += 1;
                if let Some(of) = begun.file.replay {
                    self.note(|group| group.vain.push(of.replay));
                }
            }
            Moved::Changed => self.tally.changed += 1,
            Moved::Failed(error) => self.tally.failed(&begun.file.path, error),
        }
        self.note(|group| group.drop.push(begun.id));
    }

    fn settled(&mut self, (entry, state, why): Settled) {
        if let (AfterState::Refused, Some(why)) = (state, &why) {
            self.tally.seen.refused += 1;
            self.tally
                .warn(format!("a pulled file could not be deleted or moved: {why}"));
        }
        self.note(|group| group.after.push((entry, state, why)));
    }
}
