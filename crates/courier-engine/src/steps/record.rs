//! What a transfer step has reached, kept in the context as `transfer_state` (specification 6.5.3).

mod json;
mod reach;

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use courier_transfer::{
    RemotePath,
    ops::{FinalName, Identity, Job, Naming, Outcome, Transferred, Version},
};
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};

use crate::Failure;
pub(super) use json::{SHOWN, SHOWN_RUNNING};
pub(super) use reach::Reach;

/// A file by its two ends, as texts.
pub(super) type Ends = (String, String);

/// What a transfer step has reached.
#[derive(Debug, Default)]
pub(crate) struct Record {
    files: Mutex<BTreeMap<Ends, FileRecord>>,
    partials: Mutex<BTreeMap<String, Identity>>,
    /// Files that are about to get their final names, or have got them right before a crash.
    namings: Mutex<BTreeMap<Ends, Naming>>,
    /// The final names that earlier tries of the whole job have made.
    sent: BTreeMap<Ends, String>,
    /// The step came to its end without an error, also of planning.
    is_through: AtomicBool,
}

/// What has become of one file.
#[derive(Debug, Default)]
pub(super) struct FileRecord {
    /// When this attempt began with it.
    began: Option<Instant>,
    /// Shared with the file's progress.
    reach: Arc<Reach>,
    total: Option<u64>,
    completed: bool,
    skipped: bool,
    resumed_from: Option<u64>,
    /// Its final name, as text.
    target: Option<String>,
    /// What was compared when it was whole.
    verified: Option<Value>,
    error: Option<Failure>,
    /// What somebody should know of a file that is whole.
    warning: Option<String>,
    /// The version of its source, while something is still to become of that.
    source: Option<Version>,
    /// Where its source lies now.
    moved_to: Option<String>,
}

/// A file that is whole, and whose source is still to be deleted or moved.
#[derive(Clone, Debug)]
pub(super) struct Leftover {
    /// The job as it was then; names that are no UTF-8 text are not known any more.
    pub(super) job: Job,
    /// The version that was moved.
    pub(super) source: Version,
}

/// A file's two ends, as texts.
pub(super) fn ends(remote: &RemotePath, local: &Path) -> Ends {
    (remote.to_text(), local.display().to_string())
}

fn of(job: &Job) -> Ends {
    ends(&job.remote, &job.local)
}

impl Record {
    /// The identities of its partials.
    pub(super) fn partials(&self) -> MutexGuard<'_, BTreeMap<String, Identity>> {
        self.partials.lock()
    }

    /// The final names that earlier tries of the whole job have made, by remote and local end.
    pub(super) fn sent(&self) -> &BTreeMap<Ends, String> {
        &self.sent
    }

    /// What is noted of files that are about to get their final names, by remote and local end.
    pub(super) fn namings(&self) -> MutexGuard<'_, BTreeMap<Ends, Naming>> {
        self.namings.lock()
    }

    /// Is this file done already, by an earlier attempt?
    pub(super) fn is_done(&self, job: &Job) -> bool {
        self.files
            .lock()
            .get(&of(job))
            .is_some_and(|f| f.completed || f.skipped)
    }

    /// The local ends of files that are whole.
    pub(super) fn done_locals(&self) -> HashSet<String> {
        let files = self.files.lock();
        let done = files.iter().filter(|(_, f)| f.completed);
        done.map(|((_, local), _)| local.clone()).collect()
    }

    /// The remote ends of files that are whole.
    pub(super) fn done_remotes(&self) -> HashSet<String> {
        let files = self.files.lock();
        let done = files.iter().filter(|(_, f)| f.completed);
        done.map(|((remote, _), _)| remote.clone()).collect()
    }

    /// Files that need not be looked at any more.
    pub(super) fn count_done(&self) -> usize {
        let files = self.files.lock();
        files.values().filter(|f| f.completed || f.skipped).count()
    }

    /// Files that are whole, and whose sources something is still to become of.
    pub(super) fn leftovers(&self) -> Vec<Leftover> {
        let files = self.files.lock();
        let leftover = |((remote, local), file): (&Ends, &FileRecord)| {
            Some(Leftover {
                job: Job {
                    remote: RemotePath::new(remote).ok()?,
                    local: local.into(),
                    entry: None,
                },
                source: file.source.clone().filter(|_| file.completed)?,
            })
        };
        files.iter().filter_map(leftover).collect()
    }

    /// A file's record; a new one where there is none.
    fn with_file<T>(&self, job: &Job, change: impl FnOnce(&mut FileRecord) -> T) -> T {
        let mut files = self.files.lock();
        change(files.entry(of(job)).or_default())
    }

    /// A file begins; what it reaches is to be told to what is given back.
    pub(super) fn begin(&self, job: &Job) -> Arc<Reach> {
        self.with_file(job, |file| {
            (file.error, file.began) = (None, Some(Instant::now()));
            file.reach.anew();
            file.reach.clone()
        })
    }

    /// The size of a file and the offset it was resumed at are known.
    pub(super) fn sized(&self, job: &Job, from: u64, size: Option<u64>) {
        if let Some(file) = self.files.lock().get_mut(&of(job)) {
            file.total = size;
            file.resumed_from = Some(from).filter(|&at| at > 0);
        }
    }

    /// The size of a file, where it was told.
    pub(super) fn total(&self, job: &Job) -> Option<u64> {
        self.files.lock().get(&of(job)).and_then(|file| file.total)
    }

    /// Where this attempt has gone on last with a file; 0 where it began with it and came through.
    pub(super) fn resumed_from(&self, job: &Job) -> u64 {
        let files = self.files.lock();
        files
            .get(&of(job))
            .and_then(|file| file.resumed_from)
            .unwrap_or(0)
    }

    /// How many bytes of a file have moved in this attempt.
    pub(super) fn moved(&self, job: &Job) -> u64 {
        let files = self.files.lock();
        let file = files.get(&of(job));
        file.map_or(0, |file| file.reach.moved())
    }

    /// How long this attempt has been at a file.
    pub(super) fn took(&self, job: &Job) -> Duration {
        let files = self.files.lock();
        let began = files.get(&of(job)).and_then(|file| file.began);
        began.map_or(Duration::ZERO, |began| began.elapsed())
    }

    /// Files that this attempt began with and did not come to an end with: remote end, local end, bytes moved, and for
    /// how long.
    pub(super) fn unfinished(&self) -> Vec<(String, String, u64, Duration)> {
        let files = self.files.lock();
        let open = files
            .iter()
            .filter(|(_, f)| !f.completed && !f.skipped && f.error.is_none());
        open.filter_map(|((remote, local), file)| {
            let moved = file.reach.moved();
            Some((remote.clone(), local.clone(), moved, file.began?.elapsed()))
        })
        .collect()
    }

    /// A file is whole, or skipped. With `keeps_source` nothing becomes of its source.
    pub(super) fn done(&self, job: &Job, done: &Transferred, keeps_source: bool) {
        self.with_file(job, |file| {
            file.completed = done.outcome == Outcome::Done;
            file.skipped = done.outcome == Outcome::Skipped;
            file.reach.begin(done.size);
            file.total = Some(done.size).filter(|_| file.completed);
            file.target = Some(match &done.target {
                FinalName::Local(path) => path.display().to_string(),
                FinalName::Remote(path) => path.to_text(),
            });
            file.verified = file.completed.then(|| json!(done.verified));
            file.source = done.source.clone().filter(|_| file.completed && !keeps_source);
        });
        self.namings.lock().remove(&of(job));
    }

    /// Something has become of a file's source, or was given up: it lies there now, if anywhere that is known.
    pub(super) fn source_done(&self, job: &Job, moved_to: Option<String>) {
        self.with_file(job, |file| (file.source, file.moved_to) = (None, moved_to));
    }

    /// A file failed.
    pub(super) fn failed(&self, job: &Job, failure: Failure) {
        self.with_file(job, |file| file.error = Some(failure));
    }

    /// A file is whole, and there is something to know about it.
    pub(super) fn warn(&self, job: &Job, warning: String) {
        self.with_file(job, |file| file.warning = Some(warning));
    }

    /// The step came to its end without an error.
    pub(super) fn end(&self) {
        self.is_through.store(true, Ordering::Relaxed);
    }

    /// The final names of the files that are whole.
    pub(super) fn targets(&self) -> Vec<String> {
        self.files
            .lock()
            .values()
            .filter(|f| f.completed)
            .filter_map(|f| f.target.clone())
            .collect()
    }
}
