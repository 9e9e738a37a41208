//! What a transfer step has reached, kept in the context as `transfer_state` (specification 6.5.3).

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use courier_transfer::{
    RemotePath,
    ops::{FinalName, Identity, Job, Outcome, Transferred},
};
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Map, Value, json};

use crate::Failure;

/// A file by its two ends, as texts.
type Ends = (String, String);

/// What a transfer step has reached.
#[derive(Debug, Default)]
pub(crate) struct Record {
    files: Mutex<BTreeMap<Ends, FileRecord>>,
    partials: Mutex<BTreeMap<String, Identity>>,
    /// The step came to its end without an error, also of planning.
    is_through: AtomicBool,
}

/// How far a file has come.
#[derive(Debug, Default)]
pub(super) struct Reach {
    now: AtomicU64,
    /// Bytes that moved in this attempt.
    moved: AtomicU64,
}

impl Reach {
    fn at(offset: u64) -> Arc<Self> {
        Arc::new(Self {
            now: offset.into(),
            moved: 0.into(),
        })
    }

    /// It begins, or goes on, there: what lies before does not move now.
    pub(super) fn begin(&self, offset: u64) {
        self.now.store(offset, Ordering::Relaxed);
    }

    /// It has come to there; answers how many bytes that is more than before, and where it was then.
    pub(super) fn reached(&self, offset: u64) -> (u64, u64) {
        let before = self.now.swap(offset, Ordering::Relaxed);
        let more = offset.saturating_sub(before);
        self.moved.fetch_add(more, Ordering::Relaxed);
        (more, before)
    }

    fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }
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
}

fn ends(job: &Job) -> Ends {
    (job.remote.to_text(), job.local.display().to_string())
}

impl Record {
    /// What an interrupted attempt had reached.
    pub(super) fn resumed(state: Option<&Value>) -> Self {
        let record = Self::default();
        let Some(state) = state else { return record };
        let files = match state.get("files") {
            Some(Value::Array(files)) => files.as_slice(),
            _ => std::slice::from_ref(state),
        };
        for file in files {
            let text = |name: &str| file.get(name).and_then(Value::as_str).map(String::from);
            let number = |name: &str| file.get(name).and_then(Value::as_u64);
            let (Some(remote), Some(local)) = (text("remote_path"), text("local_path")) else {
                continue;
            };
            let completed = file.get("completed") == Some(&Value::Bool(true));
            record.files.lock().insert(
                (remote, local),
                FileRecord {
                    began: None,
                    reach: Reach::at(number("bytes_transferred").unwrap_or(0)),
                    total: number("total_bytes"),
                    completed,
                    skipped: file.get("skipped") == Some(&Value::Bool(true)),
                    resumed_from: number("resumed_from"),
                    target: text("target"),
                    verified: file.get("verified").cloned(),
                    error: None,
                    warning: text("warning"),
                },
            );
        }
        if let Some(partials) = state.get("partials").cloned()
            && let Ok(partials) = serde_json::from_value(partials)
        {
            *record.partials.lock() = partials;
        }
        record
    }

    /// The identities of its partials.
    pub(super) fn partials(&self) -> MutexGuard<'_, BTreeMap<String, Identity>> {
        self.partials.lock()
    }

    /// Is this file done already, by an earlier attempt?
    pub(super) fn is_done(&self, job: &Job) -> bool {
        self.files
            .lock()
            .get(&ends(job))
            .is_some_and(|f| f.completed || f.skipped)
    }

    /// Is a file with that local end done already?
    pub(super) fn has_done_local(&self, local: &Path) -> bool {
        let local = local.display().to_string();
        self.files
            .lock()
            .iter()
            .any(|((_, l), f)| *l == local && f.completed)
    }

    /// Is a file with that remote end done already?
    pub(super) fn has_done_remote(&self, remote: &RemotePath) -> bool {
        let remote = remote.to_text();
        self.files
            .lock()
            .iter()
            .any(|((r, _), f)| *r == remote && f.completed)
    }

    /// Is it about one file only?
    pub(super) fn is_of_one_file(&self) -> bool {
        self.files.lock().len() == 1
    }

    /// A file's record; a new one where there is none.
    fn with_file<T>(&self, job: &Job, change: impl FnOnce(&mut FileRecord) -> T) -> T {
        let mut files = self.files.lock();
        change(files.entry(ends(job)).or_default())
    }

    /// A file begins; what it reaches is to be told to what is given back.
    pub(super) fn begin(&self, job: &Job) -> Arc<Reach> {
        self.with_file(job, |file| {
            (file.error, file.began) = (None, Some(Instant::now()));
            file.reach.moved.store(0, Ordering::Relaxed);
            file.reach.clone()
        })
    }

    /// The size of a file and the offset it was resumed at are known.
    pub(super) fn sized(&self, job: &Job, from: u64, size: Option<u64>) {
        if let Some(file) = self.files.lock().get_mut(&ends(job)) {
            file.total = size;
            file.resumed_from = Some(from).filter(|&at| at > 0);
        }
    }

    /// The size of a file, where it was told.
    pub(super) fn total(&self, job: &Job) -> Option<u64> {
        self.files.lock().get(&ends(job)).and_then(|file| file.total)
    }

    /// Where this attempt has gone on last with a file; 0 where it began with it and came through.
    pub(super) fn resumed_from(&self, job: &Job) -> u64 {
        let files = self.files.lock();
        files
            .get(&ends(job))
            .and_then(|file| file.resumed_from)
            .unwrap_or(0)
    }

    /// How many bytes of a file have moved in this attempt.
    pub(super) fn moved(&self, job: &Job) -> u64 {
        let files = self.files.lock();
        let file = files.get(&ends(job));
        file.map_or(0, |file| file.reach.moved.load(Ordering::Relaxed))
    }

    /// How long this attempt has been at a file.
    pub(super) fn took(&self, job: &Job) -> Duration {
        let files = self.files.lock();
        let began = files.get(&ends(job)).and_then(|file| file.began);
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
            let moved = file.reach.moved.load(Ordering::Relaxed);
            Some((remote.clone(), local.clone(), moved, file.began?.elapsed()))
        })
        .collect()
    }

    /// A file is whole, or skipped.
    pub(super) fn done(&self, job: &Job, done: &Transferred) {
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
        });
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

    /// As the context shows it: one file's own record, or the sums and each file.
    pub(crate) fn to_json(&self) -> Value {
        let files = self.files.lock();
        let mut shown: Vec<Map<String, Value>> = files
            .iter()
            .map(|((remote, local), file)| file.to_json(remote, local))
            .collect();
        let mut state = match (shown.len(), shown.pop()) {
            (1, Some(one)) => one,
            (_, last) => {
                shown.extend(last);
                let sum = |values: Vec<u64>| values.iter().sum::<u64>();
                let value = json!({
                    "bytes_transferred": sum(files.values().map(|f| f.reach.now()).collect()),
                    "total_bytes": sum(files.values().filter_map(|f| f.total).collect()),
                    "completed": self.is_through.load(Ordering::Relaxed)
                        && files.values().all(|f| f.completed || f.skipped),
                    "files": shown,
                });
                match value {
                    Value::Object(map) => map,
                    _ => Map::new(),
                }
            }
        };
        let partials = self.partials.lock();
        if !partials.is_empty() {
            state.insert("partials".into(), json!(&*partials));
        }
        Value::Object(state)
    }
}

impl FileRecord {
    fn to_json(&self, remote: &str, local: &str) -> Map<String, Value> {
        let mut map = Map::new();
        let mut put = |name: &str, value: Value| {
            map.insert(name.into(), value);
        };
        put("remote_path", json!(remote));
        put("local_path", json!(local));
        put("bytes_transferred", json!(self.reach.now()));
        put("total_bytes", json!(self.total));
        put("completed", json!(self.completed));
        put("resumed_from", json!(self.resumed_from.unwrap_or(0)));
        if let Some(target) = &self.target {
            put("target", json!(target));
        }
        if let Some(verified) = &self.verified {
            put("verified", verified.clone());
        }
        if self.skipped {
            put("skipped", json!(true));
        }
        if let Some(error) = &self.error {
            put("error", json!(error));
        }
        if let Some(warning) = &self.warning {
            put("warning", json!(warning));
        }
        map
    }
}
