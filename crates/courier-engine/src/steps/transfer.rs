//! What uploads and downloads of jobs have in common: many files in one step, progress, records.

use std::{
    collections::HashSet,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use courier_transfer::{
    Client, Error as TransferError, ErrorKind, Progress, Retry,
    ops::{BatchContext, BatchProgress, FileResult, Job, Outcome},
};
use futures::{StreamExt, stream, stream::BoxStream};
use serde_json::{Value, json};

pub(crate) use super::record::Record;
use super::{
    Step, StepState,
    after::{After, Sources},
    failures::Failures,
    partials::ContextPartials,
    record::Reach,
};
use crate::{Failure, Result, live::Moving};

/// Files to move, as they are found.
pub(super) type Jobs = BoxStream<'static, courier_transfer::Result<Job>>;

/// Which way the bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Upload,
    Download,
}

impl Direction {
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Download => "download",
        }
    }
}

/// What differs between uploads and downloads.
#[async_trait]
pub(super) trait Transfer: Send + Sync {
    /// Which way the bytes go.
    const DIRECTION: Direction;

    /// Which files to move, and where to.
    async fn plan(&self, client: &Arc<dyn Client>, record: &Record) -> Result<Jobs>;

    /// How many files there must be at least, where `min_files` doesn't say it.
    fn expected(&self) -> usize;

    /// What becomes of the sources.
    fn after(&self) -> &After;

    /// Moves them.
    fn start(
        &self,
        client: Arc<dyn Client>,
        jobs: Jobs,
        context: BatchContext,
    ) -> BoxStream<'static, FileResult>;
}

/// Refuses names that come twice: the files would lie over each other.
///
/// # Errors
/// `invalid`, with the name.
pub(super) fn names_differ(names: impl Iterator<Item = String>) -> Result<()> {
    let mut known = HashSet::new();
    for name in names {
        if let Some(twice) = known.replace(name) {
            let message = format!(
                "two files of the list are called \"{twice}\" and would go to one name; take them in two steps, or with \
                 on_existing rename"
            );
            return Err(TransferError::new(ErrorKind::Invalid, message).into());
        }
    }
    Ok(())
}

/// Runs a transfer step: moves its files, and leaves what later steps and attempts need to know of them.
pub(super) async fn run<T: Transfer>(step: &Step<'_>, transfer: T) -> Result<()> {
    let record = Arc::new(Record::resumed(step.state.earlier("transfer_state")));
    step.state.show(record.clone());
    let _noted = InterruptedNoted {
        step,
        direction: T::DIRECTION,
        record: &record,
    };
    let result = move_files(step, &transfer, &record).await;
    if result.is_ok() {
        record.end();
    }
    let targets = record.targets();
    let past = match T::DIRECTION {
        Direction::Upload => "uploaded_file",
        Direction::Download => "downloaded_file",
    };
    if let [one] = targets.as_slice() {
        step.state.output(past, json!(one));
        step.state.output("name", json!(one.rsplit('/').next()));
    }
    step.state.output(&format!("{past}s"), json!(targets));
    step.state.output("count", json!(targets.len()));
    result
}

/// Moves what is not moved yet. A session that is lost for good ends it with that error; other files' errors are
/// collected.
async fn move_files<T: Transfer>(step: &Step<'_>, transfer: &T, record: &Arc<Record>) -> Result<()> {
    let client = step.session().await?;
    let sources = Sources::new(step, T::DIRECTION, record, &client, transfer.after());
    let mut failures = Failures::default();
    // First what an attempt left that was interrupted between a file and its source.
    for leftover in record.leftovers() {
        sources.settle(&leftover.job, &leftover.source, true).await?;
        step.state.progressed();
    }
    let planned = transfer.plan(&client, record).await?;
    let (done, state) = (record.clone(), step.state.clone());
    let jobs = planned
        .filter(move |job| {
            state.progressed();
            std::future::ready(!job.as_ref().is_ok_and(|job| done.is_done(job)))
        })
        .boxed();
    let expected = step.config.get("min_files").and_then(Value::as_u64);
    let expected = expected.map_or(transfer.expected(), |n| usize::try_from(n).unwrap_or(usize::MAX));
    let jobs = at_least(jobs, expected, record.count_done()).await?;
    let context = BatchContext {
        progress: Arc::new(Files {
            state: step.state.clone(),
            record: record.clone(),
        }),
        partials: Arc::new(ContextPartials {
            record: record.clone(),
            state: step.state.clone(),
            connection: step.connection()?,
        }),
        locals: step.locals(),
        guard: step.state.guard(),
        ..BatchContext::default()
    };
    // Sources are looked after beside the transfers that go on.
    let mut results = transfer
        .start(client.clone(), jobs, context)
        .map(|result| finish_file(step, T::DIRECTION, record, &sources, result))
        .buffer_unordered(Sources::WAITING);
    while let Some(result) = results.next().await {
        failures.count(result);
        step.state.record_full_batch().await?;
    }
    failures.into_result()
}

/// The files to move, if there are so many with those that are `done`: looked at before the first of them moves, and no
/// further than needed.
async fn at_least(mut jobs: Jobs, expected: usize, done: usize) -> Result<Jobs> {
    let (mut found, mut errors, mut first) = (done, Vec::new(), Vec::new());
    while found < expected {
        match jobs.next().await {
            Some(Ok(job)) => {
                found += 1;
                first.push(Ok(job));
            }
            Some(Err(error)) => errors.push(error),
            None => break,
        }
    }
    if found >= expected {
        let known = first.into_iter().chain(errors.into_iter().map(Err));
        return Ok(stream::iter(known).chain(jobs).boxed());
    }
    // Where a folder could not be read, that is why.
    Err(match errors.into_iter().next() {
        Some(error) => error.into(),
        None => TransferError::new(
            ErrorKind::NotFound,
            format!("expected at least {expected} files (min_files), found {found}; nothing was moved"),
        )
        .with_retry(Retry::Later)
        .into(),
    })
}

/// What moved of files whose step was stopped in their middle is in the audit log, too: when the step's future goes.
struct InterruptedNoted<'a> {
    step: &'a Step<'a>,
    direction: Direction,
    record: &'a Record,
}

impl Drop for InterruptedNoted<'_> {
    fn drop(&mut self) {
        for (remote, local, moved, took) in self.record.unfinished() {
            let failure = Failure {
                kind: ErrorKind::Cancelled.as_str().into(),
                message: "the step was stopped before the file was whole".into(),
            };
            let details = json!({"remote_path": remote, "local_path": local, "error": failure});
            self.step
                .record(self.direction.verb(), details, Some(moved), took);
        }
    }
}

/// One file is through: counts, audit, and what becomes of its source.
async fn finish_file(
    step: &Step<'_>,
    direction: Direction,
    record: &Record,
    sources: &Sources<'_>,
    FileResult { job, result }: FileResult,
) -> courier_transfer::Result<()> {
    let Some(job) = job else { return result.map(|_| ()) };
    step.state.progressed();
    let took = record.took(&job);
    let done = match result {
        Ok(done) => done,
        Err(error) => {
            let error = match record.total(&job) {
                Some(total) if error.kind() == ErrorKind::Lost => error.with("total_bytes", total),
                _ => error,
            };
            let failure = Failure::from(&error);
            record.failed(&job, failure.clone());
            step.record(
                direction.verb(),
                details(&job, json!({"error": failure})),
                Some(record.moved(&job)),
                took,
            );
            return Err(error);
        }
    };
    record.done(&job, &done, sources.are_kept());
    if done.outcome == Outcome::Skipped {
        return Ok(());
    }
    step.state.file_done();
    let more =
        json!({"size": done.size, "resumed_from": record.resumed_from(&job), "verified": done.verified});
    step.record(direction.verb(), details(&job, more), Some(done.bytes), took);
    match done.source {
        Some(source) => {
            let settled = sources.settle(&job, &source, false).await;
            step.state.progressed();
            settled
        }
        None => Ok(()),
    }
}

/// What an audit record says of a file.
fn details(job: &Job, more: Value) -> Value {
    let mut details = json!({"remote_path": job.remote, "local_path": job.local.display().to_string()});
    if let (Value::Object(details), Value::Object(more)) = (&mut details, more) {
        details.extend(more);
    }
    details
}

/// Gives each file its progress.
#[derive(Debug)]
struct Files {
    state: Arc<StepState>,
    record: Arc<Record>,
}

impl BatchProgress for Files {
    fn begin(&self, job: &Job) -> Arc<dyn Progress> {
        Arc::new(FileProgress {
            state: self.state.clone(),
            reach: self.record.begin(job),
            record: self.record.clone(),
            job: job.clone(),
            moving: OnceLock::new(),
        })
    }
}

/// The progress of one file.
#[derive(Debug)]
struct FileProgress {
    state: Arc<StepState>,
    record: Arc<Record>,
    job: Job,
    reach: Arc<Reach>,
    /// Since its first byte.
    moving: OnceLock<Arc<Moving>>,
}

impl Progress for FileProgress {
    fn begin(&self, offset: u64, size: Option<u64>) {
        match self.moving.get() {
            None => {
                match self.reach.begin(offset) {
                    Some(noted) => self.state.resumed(noted, offset),
                    None => self.state.resumed_unnoted(offset),
                }
                self.moves(offset, size);
            }
            // It goes on over another session: the server may have more than it could still acknowledge.
            Some(moving) => {
                let (more, _) = self.reach.reached(offset);
                self.state.moved(more);
                moving.again(offset, size);
            }
        }
        self.record.sized(&self.job, offset, size);
    }

    fn reached(&self, offset: u64) {
        let (more, before) = self.reach.reached(offset);
        self.state.moved(more);
        self.moves(before, None).reached(offset, before);
    }
}

impl FileProgress {
    fn moves(&self, offset: u64, size: Option<u64>) -> &Moving {
        self.moving
            .get_or_init(|| self.state.file_moves(self.job.remote.to_text(), offset, size))
    }
}
