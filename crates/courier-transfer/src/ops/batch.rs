//! Many files over one session, several at once: this is what fills a connection with small files.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures::{Stream, StreamExt, future::ready, stream::BoxStream};

use crate::{Client, Entry, NoProgress, Progress, Rate, RemotePath, Result};

use super::{
    Context, DownloadOptions, Guard, Locals, NoGuard, NoPartials, Outcome, Partials, Transferred,
    UploadOptions, directories::is_broken, download, upload,
};

/// One file to move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its remote end.
    pub remote: RemotePath,
    /// Its local end.
    pub local: PathBuf,
    /// What a listing has told of the remote end, for a download.
    pub entry: Option<Entry>,
}

/// What came of one file.
#[derive(Debug)]
pub struct FileResult {
    /// The file; `None` for an error of planning (a folder that cannot be listed, a name that cannot be used).
    pub job: Option<Job>,
    /// Done, skipped, or why not.
    pub result: Result<Transferred>,
}

/// Gives each file of a batch its progress.
pub trait BatchProgress: Send + Sync + std::fmt::Debug {
    /// A file begins.
    fn begin(&self, job: &Job) -> Arc<dyn Progress>;
}

impl BatchProgress for NoProgress {
    fn begin(&self, _job: &Job) -> Arc<dyn Progress> {
        Arc::new(Self)
    }
}

/// What surrounds a batch.
#[derive(Clone, Debug)]
pub struct BatchContext {
    /// Hears of every file.
    pub progress: Arc<dyn BatchProgress>,
    /// As for one file.
    pub partials: Arc<dyn Partials>,
    /// How many files move at once, at most; the session's own
    /// [`concurrency`](crate::Capabilities::concurrency) bounds it, too.
    pub at_once: usize,
    /// How fast all of it may move together.
    pub rate: Option<Arc<Rate>>,
    /// Where the local ends may lie.
    pub locals: Locals,
    /// As for one file.
    pub guard: Arc<dyn Guard>,
}

impl Default for BatchContext {
    fn default() -> Self {
        Self {
            progress: Arc::new(NoProgress),
            partials: Arc::new(NoPartials),
            at_once: 64,
            rate: None,
            locals: Locals::Anywhere,
            guard: Arc::new(NoGuard),
        }
    }
}

/// Downloads files as they are planned, in any order. A file that fails doesn't stop the others; a broken session
/// does: no more files begin then. Every file that began has its result.
pub fn download_all(
    client: Arc<dyn Client>,
    jobs: impl Stream<Item = Result<Job>> + Send + 'static,
    options: DownloadOptions,
    context: BatchContext,
) -> BoxStream<'static, FileResult> {
    let options = Arc::new(options);
    run(client.clone(), jobs, context, move |job, context| {
        let (client, options) = (client.clone(), options.clone());
        async move {
            let result = download(&client, &job.remote, &job.local, &options, &context).await;
            (job, result)
        }
    })
}

/// Uploads files as they are planned; else as [`download_all`].
pub fn upload_all(
    client: Arc<dyn Client>,
    jobs: impl Stream<Item = Result<Job>> + Send + 'static,
    options: UploadOptions,
    context: BatchContext,
) -> BoxStream<'static, FileResult> {
    let options = Arc::new(options);
    run(client.clone(), jobs, context, move |job, context| {
        let (client, options) = (client.clone(), options.clone());
        async move {
            let result = upload(&client, &job.local, &job.remote, &options, &context).await;
            (job, result)
        }
    })
}

fn run<F, Fut>(
    client: Arc<dyn Client>,
    jobs: impl Stream<Item = Result<Job>> + Send + 'static,
    batch: BatchContext,
    transfer: F,
) -> BoxStream<'static, FileResult>
where
    F: Fn(Job, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = (Job, Result<Transferred>)> + Send + 'static,
{
    let at_once = client.capabilities().concurrency.min(batch.at_once).max(1);
    let broken = Arc::new(AtomicBool::new(false));
    let ended = broken.clone();
    let transfer = Arc::new(transfer);
    jobs.take_while(move |_| ready(!ended.load(Ordering::Relaxed)))
        .map(move |planned| {
            let (transfer, batch) = (transfer.clone(), batch.clone());
            async move {
                let mut job = match planned {
                    Ok(job) => job,
                    Err(e) => {
                        return FileResult {
                            job: None,
                            result: Err(e),
                        };
                    }
                };
                let context = Context {
                    progress: batch.progress.begin(&job),
                    partials: batch.partials,
                    entry: job.entry.take(),
                    rate: batch.rate,
                    locals: batch.locals,
                    guard: batch.guard,
                };
                let (job, result) = transfer(job, context).await;
                FileResult {
                    job: Some(job),
                    result,
                }
            }
        })
        .buffer_unordered(at_once)
        .inspect(move |done| {
            if done.result.as_ref().is_err_and(is_broken) {
                broken.store(true, Ordering::Relaxed);
            }
        })
        .boxed()
}

/// Sums over a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Files that are whole now.
    pub files: u64,
    /// Files skipped, since their name was taken.
    pub skipped: u64,
    /// Files that failed, and errors of planning.
    pub failed: u64,
    /// Bytes moved.
    pub bytes: u64,
}

impl Totals {
    /// Counts one result.
    pub fn add(&mut self, result: &FileResult) {
        match &result.result {
            Ok(done) if done.outcome == Outcome::Skipped => self.skipped += 1,
            Ok(done) => {
                self.files += 1;
                self.bytes += done.bytes;
            }
            Err(_) => self.failed += 1,
        }
    }
}
