//! `remote.download` and its kin (specification 6.5.2).

use std::{collections::HashSet, ffi::OsStr, os::unix::ffi::OsStrExt, path::PathBuf, sync::Arc};

use courier_transfer::{
    Client, ErrorKind, RemotePath,
    ops::{self, DownloadOptions, LocalPath, Locals, OnExisting, PlanOptions, RemoteGlob},
    settings::{Default as Standard, Kind, Setting},
};
use futures::{StreamExt, stream, stream::BoxStream};
use serde_json::Value;

use super::{
    Step, StepType,
    after::{After, Destination, Place},
    run::RemoteFile,
    settings::{
        self, AFTER, CONNECTION, IGNORE, MIN_FILES, ON_EXISTING, PRESERVE_PERMISSIONS, PRESERVE_TIMES,
        RECURSIVE, RESUME_PARTIAL, VERIFY,
    },
    transfer::{self, Direction, Jobs, Record, Transfer},
};
use crate::Result;

const SETTINGS: &[Setting] = &[
    CONNECTION,
    Setting::required(
        "remote_path",
        Kind::RemotePath,
        "The file to download, a pattern (`/out/*.csv`), with `recursive` a folder, or a reference to a list of files.",
    ),
    Setting::optional(
        "local_path",
        Kind::LocalPath,
        "The file's local name. For a pattern or a list, and where it names a folder or ends with a slash, the folder. \
         Relative: in the execution's work folder.",
    )
    .or(Standard::Text("./")),
    RESUME_PARTIAL,
    ON_EXISTING,
    PRESERVE_TIMES,
    PRESERVE_PERMISSIONS,
    VERIFY,
    RECURSIVE,
    IGNORE,
    MIN_FILES,
    AFTER,
    Setting::optional(
        "move_to",
        Kind::RemotePath,
        "Where sources go with `after: move`, on their server: a folder, for several files and where it ends with a slash, else \
         the new name. Where a name is taken, the file gets the first free one of `name (1).ext`, …",
    ),
];

pub(super) const fn step(name: &'static str, protocol: Option<&'static str>) -> StepType {
    StepType {
        name,
        protocol,
        settings: SETTINGS,
        outputs: &[
            "downloaded_file",
            "downloaded_files",
            "name",
            "count",
            "transfer_state",
        ],
        lists: &["remote_path"],
        help: "Downloads a file, all files that a pattern matches, a folder, or the files of a list.",
        run: |step| Box::pin(run(step)),
    }
}

async fn run(step: &Step<'_>) -> Result<()> {
    transfer::run(step, Download::new(step)?).await
}

struct Download {
    source: Source,
    target: PathBuf,
    /// The target is a folder, whether it exists or not.
    folder: bool,
    /// Is it fine where the one file is missing?
    may_be_missing: bool,
    locals: Locals,
    plan: PlanOptions,
    options: DownloadOptions,
    after: After,
}

/// What is downloaded.
enum Source {
    /// One file, a pattern, or a folder.
    Glob(RemoteGlob),
    /// What an earlier step left.
    List(Vec<RemoteFile>),
}

impl Download {
    fn new(step: &Step<'_>) -> Result<Self> {
        let target = step.text("local_path")?;
        let recursive = step.flag("recursive");
        let (source, several, contents) = if step.is_list("remote_path") {
            let files = step.remote_files("remote_path")?;
            if settings::on_existing(step) != OnExisting::Rename {
                let names = files.iter().filter(|file| recursive || !file.is_dir);
                transfer::names_differ(names.filter_map(|file| Some(file.path.name()?.to_text())))?;
            }
            (Source::List(files), true, false)
        } else {
            let text = step.text("remote_path")?;
            let glob = RemoteGlob::new(text)?;
            let several = recursive || glob.pattern().is_some();
            (Source::Glob(glob), several, text.ends_with('/'))
        };
        let mut ignore = settings::patterns(step, "ignore")?;
        let after = source.after(step, several)?;
        ignore.extend(after.ignored()?);
        Ok(Self {
            folder: target.ends_with('/') || several,
            source,
            target: step.local_path(target)?,
            may_be_missing: step.config.get("min_files").and_then(Value::as_u64) == Some(0),
            locals: step.locals(),
            plan: PlanOptions {
                recursive,
                contents,
                ignore,
            },
            options: DownloadOptions {
                resume: step.flag("resume_partial"),
                go_on: step.flag("resume_partial"),
                on_existing: settings::on_existing(step),
                create_parents: true,
                preserve_times: step.flag("preserve_times"),
                preserve_permissions: step.flag("preserve_permissions"),
                verify: settings::verify(step),
                durable: true,
            },
            after,
        })
    }
}

#[async_trait::async_trait]
impl Transfer for Download {
    const DIRECTION: Direction = Direction::Download;

    async fn plan(&self, client: &Arc<dyn Client>, record: &Record) -> Result<Jobs> {
        let done = record.done_remotes();
        let into_folder = self.goes_into_folder().await?;
        let glob = match &self.source {
            Source::Glob(glob) => glob,
            Source::List(files) => return Ok(self.plan_list(client, files, &done)),
        };
        if glob.pattern().is_none() && !self.plan.recursive {
            // Moved and deleted by an attempt that was interrupted right then.
            if done.contains(&glob.base().to_text()) {
                return Ok(stream::empty().boxed());
            }
            if self.may_be_missing
                && let Err(e) = client.stat(glob.base()).await
                && e.kind() == ErrorKind::NotFound
            {
                return Ok(stream::empty().boxed());
            }
            if !into_folder {
                return Ok(one(glob.base().clone(), self.target.clone()));
            }
        }
        Ok(self.plan_glob(client, glob.clone()))
    }

    fn expected(&self) -> usize {
        match &self.source {
            Source::Glob(glob) if glob.pattern().is_none() && !self.plan.recursive => 1,
            _ => 0,
        }
    }

    fn after(&self) -> &After {
        &self.after
    }

    fn start(
        &self,
        client: Arc<dyn Client>,
        jobs: Jobs,
        context: ops::BatchContext,
    ) -> BoxStream<'static, ops::FileResult> {
        ops::download_all(client, jobs, self.options.clone(), context)
    }
}

impl Source {
    /// The folder that patterns and folders are relative to.
    fn base(&self) -> Option<&RemotePath> {
        match self {
            Self::Glob(glob) => Some(glob.base()),
            Self::List(_) => None,
        }
    }

    fn after(&self, step: &Step<'_>, several: bool) -> Result<After> {
        let base = self.base().filter(|_| several).cloned();
        After::new(step, several, |text, is_folder| {
            let path = RemotePath::new(text).map_err(courier_transfer::Error::from)?;
            Ok(Destination::Remote(Place {
                path,
                is_folder,
                base,
            }))
        })
    }
}

/// One file, whatever lies there.
fn one(remote: RemotePath, local: PathBuf) -> Jobs {
    let job = ops::Job {
        remote,
        local,
        entry: None,
    };
    stream::iter([Ok(job)]).boxed()
}

impl Download {
    fn plan_glob(&self, client: &Arc<dyn Client>, glob: RemoteGlob) -> Jobs {
        let into = LocalPath {
            path: self.target.clone(),
            locals: self.locals.clone(),
        };
        ops::plan_downloads(client.clone(), glob, into, self.plan.clone(), drop)
    }

    /// Files go right into the folder, and are looked at when they are read.
    fn plan_list(&self, client: &Arc<dyn Client>, files: &[RemoteFile], done: &HashSet<String>) -> Jobs {
        let left = files
            .iter()
            .filter(|file| !(file.is_dir && !self.plan.recursive || done.contains(&file.path.to_text())));
        let plans: Vec<Jobs> = left
            .filter_map(|file| {
                let name = file.path.name()?;
                if self
                    .plan
                    .ignore
                    .iter()
                    .any(|p| p.matches(&RemotePath::home().join(&name)))
                {
                    return None;
                }
                Some(match file.is_dir {
                    true => self.plan_glob(client, RemoteGlob::literal(file.path.clone())),
                    false => one(
                        file.path.clone(),
                        self.target.join(OsStr::from_bytes(name.as_bytes())),
                    ),
                })
            })
            .collect();
        stream::iter(plans).flatten().boxed()
    }

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
