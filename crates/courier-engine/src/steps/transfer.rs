//! What uploads and downloads of jobs have in common: many files in one step, progress, records.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use courier_transfer::{
    Client, EntryKind, Error as TransferError, ErrorKind, Progress,
    ops::{self, BatchContext, BatchProgress, FileResult, Job, LocalVersion, OnExisting, Outcome, Verify},
    settings::{Default as Standard, Kind, Setting},
};
use futures::{FutureExt, StreamExt, stream::BoxStream};
use serde_json::{Value, json};

pub(crate) use super::record::Record;
use super::{Step, StepState, partials::ContextPartials, record::Reach, run::blocking};
use crate::{Error, Failure, Result, live::Moving};

pub(super) const CONNECTION: Setting =
    Setting::required("connection_id", Kind::Connection, "The connection.");
pub(super) const RESUME_PARTIAL: Setting = Setting::optional(
    "resume_partial",
    Kind::Bool,
    "Continue a partial file of the same source.",
)
.or(Standard::Bool(true));
pub(super) const ON_EXISTING: Setting = Setting::optional(
    "on_existing",
    Kind::Choice {
        choices: &["replace", "skip", "fail", "rename"],
    },
    "What to do where the target's name is taken; `rename` takes the first free name of `name (1).ext`, …",
)
.or(Standard::Text("replace"));
pub(super) const PRESERVE_TIMES: Setting = Setting::optional(
    "preserve_times",
    Kind::Bool,
    "Give the target the source's modification time.",
)
.or(Standard::Bool(false));
pub(super) const PRESERVE_PERMISSIONS: Setting = Setting::optional(
    "preserve_permissions",
    Kind::Bool,
    "Give the target the source's permission bits (read, write and execute), where both sides have them.",
)
.or(Standard::Bool(false));
pub(super) const VERIFY: Setting = Setting::optional(
    "verify",
    Kind::Choice {
        choices: &["size", "checksum", "command"],
    },
    "What is compared when all bytes have moved: the sizes, always; with `checksum` also the checksums, where the protocol \
     has them (SFTP's `check-file`); with `command` also where only a command in the server's shell can compute them. The \
     result says what was compared.",
)
.or(Standard::Text("checksum"));
pub(super) const AFTER: Setting = Setting::optional(
    "after",
    Kind::Choice {
        choices: &["keep", "delete"],
    },
    "What becomes of the source when its file is whole at the target.",
)
.or(Standard::Text("keep"));

/// What `on_existing` says.
pub(super) fn on_existing(step: &Step<'_>) -> OnExisting {
    match step.optional_text("on_existing") {
        Some("skip") => OnExisting::Skip,
        Some("fail") => OnExisting::Fail,
        Some("rename") => OnExisting::Rename,
        _ => OnExisting::Replace,
    }
}

/// What `verify` says.
pub(super) fn verify(step: &Step<'_>) -> Verify {
    match step.optional_text("verify") {
        Some("size") => Verify::Size,
        Some("command") => Verify::Command,
        _ => Verify::Checksum,
    }
}

/// Which way the bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Upload,
    Download,
}

impl Direction {
    fn verb(self) -> &'static str {
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
    async fn plan(
        &self,
        client: &Arc<dyn Client>,
        record: &Record,
    ) -> Result<BoxStream<'static, courier_transfer::Result<Job>>>;

    /// Moves them.
    fn start(
        &self,
        client: Arc<dyn Client>,
        jobs: BoxStream<'static, courier_transfer::Result<Job>>,
        context: BatchContext,
    ) -> BoxStream<'static, FileResult>;
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
    }
    step.state.output(&format!("{past}s"), json!(targets));
    result
}

/// Moves what is not moved yet. A session that is lost for good ends it with that error; other files' errors are
/// collected.
async fn move_files<T: Transfer>(step: &Step<'_>, transfer: &T, record: &Arc<Record>) -> Result<()> {
    let client = step.session().await?;
    let planned = transfer.plan(&client, record).await?;
    let done = record.clone();
    let jobs = planned
        .filter(move |job| std::future::ready(!job.as_ref().is_ok_and(|job| done.is_done(job))))
        .boxed();
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
        ..BatchContext::default()
    };
    // Sources are deleted beside the transfers that go on.
    let mut results = transfer
        .start(client.clone(), jobs, context)
        .map(|result| finish_file(step, T::DIRECTION, record, &client, result))
        .buffer_unordered(DELETIONS);
    let mut failures = Failures::default();
    while let Some(result) = results.next().await {
        failures.files += 1;
        if let Err(error) = result {
            failures.add(error);
        }
        step.state.record_full_batch().await?;
    }
    failures.into_result()
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

/// How many sources are deleted at once, at most.
const DELETIONS: usize = 16;

/// Errors of single files, until the step is through.
#[derive(Default)]
struct Failures {
    files: usize,
    failed: usize,
    first: Option<TransferError>,
    lost: Option<TransferError>,
}

impl Failures {
    fn add(&mut self, error: TransferError) {
        self.failed += 1;
        let slot = match error.kind() {
            ErrorKind::Lost | ErrorKind::Timeout => &mut self.lost,
            _ => &mut self.first,
        };
        slot.get_or_insert(error);
    }

    fn into_result(self) -> Result<()> {
        // A broken session counts first: it is why the other files did not even begin.
        match (self.lost, self.first) {
            (Some(lost), _) => Err(lost.into()),
            (None, Some(first)) if self.files == 1 => Err(first.into()),
            (None, Some(first)) => Err(TransferError::new(
                first.kind(),
                format!(
                    "{} of {} files failed; the first: {first}",
                    self.failed, self.files
                ),
            )
            .with_retry(first.retry())
            .into()),
            (None, None) => Ok(()),
        }
    }
}

/// One file is through: counts, audit, and what becomes of its source.
async fn finish_file(
    step: &Step<'_>,
    direction: Direction,
    record: &Record,
    client: &Arc<dyn Client>,
    FileResult { job, result }: FileResult,
) -> courier_transfer::Result<()> {
    let Some(job) = job else { return result.map(|_| ()) };
    let took = record.took(&job);
    let done = match result {
        Ok(done) => done,
        Err(error) => {
            let error = match record.total(&job) {
                Some(total) if error.kind() == ErrorKind::Lost => error.with("total_bytes", total),
                _ => error,
            };
            let error = Error::Transfer(error);
            let failure = Failure::from(&error);
            record.failed(&job, failure.clone());
            step.record(
                direction.verb(),
                details(&job, json!({"error": failure})),
                Some(record.moved(&job)),
                took,
            );
            return match error {
                Error::Transfer(error) => Err(error),
                _ => Ok(()),
            };
        }
    };
    record.done(&job, &done);
    if done.outcome == Outcome::Skipped {
        return Ok(());
    }
    step.state.file_done();
    let more =
        json!({"size": done.size, "resumed_from": record.resumed_from(&job), "verified": done.verified});
    step.record(direction.verb(), details(&job, more), Some(done.bytes), took);
    if step.optional_text("after") == Some("delete")
        && let Err(error) = delete_source(step, direction, record, client, &job, done.source).await
    {
        record.warn(&job, format!("the source could not be deleted: {error}"));
        tracing::warn!(execution = %step.state.execution, %error, "the source could not be deleted after its transfer");
    }
    Ok(())
}

/// What an audit record says of a file.
fn details(job: &Job, more: Value) -> Value {
    let mut details = json!({"remote_path": job.remote, "local_path": job.local.display().to_string()});
    if let (Value::Object(details), Value::Object(more)) = (&mut details, more) {
        details.extend(more);
    }
    details
}

async fn delete_source(
    step: &Step<'_>,
    direction: Direction,
    record: &Record,
    client: &Arc<dyn Client>,
    job: &Job,
    sent: Option<LocalVersion>,
) -> Result<()> {
    // Noted first: after a crash in between, the one file counts as moved and is not missed. Of many, a pattern just
    // doesn't find it again.
    if record.is_of_one_file() {
        step.engine().persist(|| step.state.save().boxed()).await?;
    }
    match direction {
        Direction::Upload => {
            let (path, locals) = (job.local.clone(), step.locals());
            let gone = match sent {
                Some(sent) => blocking(move || ops::remove_version(&path, &locals, &sent)).await?,
                None => false,
            };
            if !gone {
                let warning = "the source was replaced or changed while it was uploaded; what lies there now was not \
                               sent, and is kept";
                tracing::warn!(execution = %step.state.execution, path = %job.local.display(), "{warning}");
                record.warn(job, warning.into());
            }
            Ok(())
        }
        Direction::Download => {
            let audit = step.audit("delete", json!({"path": job.remote, "after": "download"}));
            audit.finish(ops::remove(&**client, &job.remote, EntryKind::File, None).await)
        }
    }
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
                self.reach.begin(offset);
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
