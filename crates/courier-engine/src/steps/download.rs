//! `remote.download` and its kin (specification 6.5.2).

use std::{path::PathBuf, sync::Arc};

use courier_transfer::{
    Client,
    ops::{self, DownloadOptions, LocalPath, Locals, PlanOptions, RemoteGlob},
    settings::{Default as Standard, Kind, Setting},
};
use futures::{StreamExt, stream, stream::BoxStream};

use super::{
    Step, StepType,
    transfer::{
        self, AFTER, CONNECTION, Direction, ON_EXISTING, PRESERVE_PERMISSIONS, PRESERVE_TIMES,
        RESUME_PARTIAL, Record, Transfer, VERIFY,
    },
};
use crate::Result;

const SETTINGS: &[Setting] = &[
    CONNECTION,
    Setting::required(
        "remote_path",
        Kind::RemotePath,
        "The file to download, or a pattern (`/out/*.csv`).",
    ),
    Setting::optional(
        "local_path",
        Kind::LocalPath,
        "The file's local name. For a pattern, and where it names a folder or ends with a slash, the folder. \
         Relative: in the execution's work folder.",
    )
    .or(Standard::Text("./")),
    RESUME_PARTIAL,
    ON_EXISTING,
    PRESERVE_TIMES,
    PRESERVE_PERMISSIONS,
    VERIFY,
    AFTER,
];

pub(super) const fn step(name: &'static str, protocol: Option<&'static str>) -> StepType {
    StepType {
        name,
        protocol,
        settings: SETTINGS,
        outputs: &["downloaded_file", "downloaded_files", "transfer_state"],
        help: "Downloads a file, or all files that a pattern matches.",
        run: |step| Box::pin(run(step)),
    }
}

async fn run(step: &Step<'_>) -> Result<()> {
    transfer::run(step, Download::new(step)?).await
}

struct Download {
    source: RemoteGlob,
    target: PathBuf,
    /// The target is a folder, whether it exists or not.
    folder: bool,
    locals: Locals,
    options: DownloadOptions,
}

impl Download {
    fn new(step: &Step<'_>) -> Result<Self> {
        let target = step.text("local_path")?;
        let source = RemoteGlob::new(step.text("remote_path")?)?;
        Ok(Self {
            folder: target.ends_with('/') || source.pattern().is_some(),
            source,
            target: step.local_path(target)?,
            locals: step.locals(),
            options: DownloadOptions {
                resume: step.flag("resume_partial"),
                go_on: step.flag("resume_partial"),
                on_existing: transfer::on_existing(step),
                create_parents: true,
                preserve_times: step.flag("preserve_times"),
                preserve_permissions: step.flag("preserve_permissions"),
                verify: transfer::verify(step),
                durable: true,
            },
        })
    }
}

#[async_trait::async_trait]
impl Transfer for Download {
    const DIRECTION: Direction = Direction::Download;

    async fn plan(
        &self,
        client: &Arc<dyn Client>,
        record: &Record,
    ) -> Result<BoxStream<'static, courier_transfer::Result<ops::Job>>> {
        // Moved and deleted by an attempt that was interrupted right then.
        if self.source.pattern().is_none() && record.has_done_remote(self.source.base()) {
            return Ok(stream::empty().boxed());
        }
        if self.goes_into_folder().await? {
            return Ok(ops::plan_downloads(
                client.clone(),
                self.source.clone(),
                LocalPath {
                    path: self.target.clone(),
                    locals: self.locals.clone(),
                },
                PlanOptions::default(),
                drop,
            ));
        }
        let job = ops::Job {
            remote: self.source.base().clone(),
            local: self.target.clone(),
            entry: None,
        };
        Ok(stream::iter([Ok(job)]).boxed())
    }

    fn start(
        &self,
        client: Arc<dyn Client>,
        jobs: BoxStream<'static, courier_transfer::Result<ops::Job>>,
        context: ops::BatchContext,
    ) -> BoxStream<'static, ops::FileResult> {
        ops::download_all(client, jobs, self.options.clone(), context)
    }
}

impl Download {
    /// Is the target a folder? Makes it where it has to be one.
    async fn goes_into_folder(&self) -> Result<bool> {
        let (path, folder, locals) = (self.target.clone(), self.folder, self.locals.clone());
        let look = move || match folder {
            true => locals.folder(&path, true).map(|_| true),
            false => Ok(path.is_dir()),
        };
        Ok(super::run::blocking(look).await?)
    }
}
