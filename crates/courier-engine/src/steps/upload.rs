//! `remote.upload` and its kin (specification 6.5.1, 6.6).

use std::{
    os::unix::ffi::OsStrExt,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use courier_transfer::{
    Client, RemotePath,
    ops::{self, LocalPath, Locals, OnExisting, PlanOptions, UploadOptions},
    settings::{Default as Standard, Kind, Setting},
};
use futures::{StreamExt, stream, stream::BoxStream};
use serde_json::Value;

use super::{
    Step, StepType,
    after::{After, Destination, Place},
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
        "local_path",
        Kind::LocalPath,
        "The file to upload, a pattern (`*.csv`), with `recursive` a folder, or a reference to a list of files. Relative: in \
         the execution's work folder.",
    ),
    Setting::required(
        "remote_path",
        Kind::RemotePath,
        "The file's name on the server. For a pattern or several files, and where it names a folder or ends with a slash, the folder.",
    ),
    Setting::optional(
        "atomic_upload",
        Kind::Bool,
        "Upload under a temporary name and rename when whole.",
    )
    .or(Standard::Bool(true)),
    Setting::optional(
        "atomic_suffix",
        Kind::Text,
        "What the temporary name has behind the final one.",
    )
    .or(Standard::Text(".tmp")),
    RESUME_PARTIAL,
    ON_EXISTING,
    Setting::optional(
        "replace_non_atomically",
        Kind::Bool,
        "Where the server can't replace a file in one step, remove the old one first and rename then: for a moment there \
         is no file of that name, and if the line breaks for good right then, only the temporary one.",
    )
    .or(Standard::Bool(false)),
    Setting::optional(
        "create_parents",
        Kind::Bool,
        "Make missing remote folders above the target.",
    )
    .or(Standard::Bool(false)),
    PRESERVE_TIMES,
    PRESERVE_PERMISSIONS,
    VERIFY,
    RECURSIVE,
    IGNORE,
    MIN_FILES,
    AFTER,
    Setting::optional(
        "move_to",
        Kind::LocalPath,
        "Where sources go with `after: move`, on this machine: a folder, for several files and where it ends with a slash, \
         else the new name. Where a name is taken, the file gets the first free one of `name (1).ext`, …",
    ),
];

pub(super) const fn step(name: &'static str, protocol: Option<&'static str>) -> StepType {
    StepType {
        name,
        protocol,
        settings: SETTINGS,
        outputs: &[
            "uploaded_file",
            "uploaded_files",
            "name",
            "count",
            "transfer_state",
        ],
        lists: &["local_path"],
        help: "Uploads a file, all files that a pattern matches, a folder, or the files of a list.",
        run: |step| Box::pin(run(step)),
    }
}

async fn run(step: &Step<'_>) -> Result<()> {
    transfer::run(step, Upload::new(step)?).await
}

struct Upload {
    /// The file, folder or pattern, or the files that an earlier step left.
    sources: Vec<PathBuf>,
    is_list: bool,
    target: String,
    /// Is it fine where the one file is missing?
    may_be_missing: bool,
    locals: Locals,
    plan: PlanOptions,
    options: UploadOptions,
    after: After,
}

impl Upload {
    fn new(step: &Step<'_>) -> Result<Self> {
        let is_list = step.is_list("local_path");
        let texts: Vec<&str> = match step.config.get("local_path") {
            Some(Value::Array(items)) => items.iter().filter_map(super::check::path_of).collect(),
            other => other.and_then(Value::as_str).into_iter().collect(),
        };
        let recursive = step.flag("recursive");
        let on_existing = settings::on_existing(step);
        if is_list && on_existing != OnExisting::Rename {
            let names = texts.iter().filter_map(|text| text.rsplit('/').next());
            transfer::names_differ(names.map(String::from))?;
        }
        let sources: Vec<PathBuf> = texts
            .iter()
            .map(|text| step.local_path(text))
            .collect::<Result<_>>()?;
        let base = match sources.as_slice() {
            [source] if !is_list => base(source, recursive),
            _ => None,
        };
        let several = base.is_some() || sources.len() > 1;
        let after = After::new(step, several, |text, is_folder| {
            let path = step.local_path(text)?;
            Ok(Destination::Local(Place {
                path,
                is_folder,
                base,
            }))
        })?;
        let mut ignore = settings::patterns(step, "ignore")?;
        ignore.extend(after.ignored()?);
        Ok(Self {
            sources,
            is_list,
            target: step.text("remote_path")?.into(),
            may_be_missing: step.config.get("min_files").and_then(Value::as_u64) == Some(0),
            locals: step.locals(),
            plan: PlanOptions {
                recursive,
                contents: recursive && texts.iter().all(|text| text.ends_with('/')),
                ignore,
            },
            options: UploadOptions {
                atomic: step.flag("atomic_upload"),
                atomic_suffix: step.text("atomic_suffix")?.into(),
                resume: step.flag("resume_partial"),
                go_on: step.flag("resume_partial"),
                on_existing,
                replace_non_atomically: step.flag("replace_non_atomically"),
                create_parents: step.flag("create_parents"),
                preserve_times: step.flag("preserve_times"),
                preserve_permissions: step.flag("preserve_permissions"),
                verify: settings::verify(step),
            },
            after,
        })
    }
}

/// The fixed part of a pattern, or the folder; none of a file.
fn base(path: &Path, recursive: bool) -> Option<PathBuf> {
    if path.exists() {
        return (recursive && path.is_dir()).then(|| path.to_owned());
    }
    let is_fixed = |part: &Component<'_>| !part.as_os_str().as_bytes().iter().any(|b| b"*?[{".contains(b));
    let fixed: PathBuf = path.components().take_while(is_fixed).collect();
    (fixed != path).then_some(fixed)
}

#[async_trait::async_trait]
impl Transfer for Upload {
    const DIRECTION: Direction = Direction::Upload;

    async fn plan(&self, client: &Arc<dyn Client>, record: &Record) -> Result<Jobs> {
        // Without those that were moved, and deleted right then, by an attempt that was interrupted.
        let done = record.done_locals();
        let left = self
            .sources
            .iter()
            .filter(|source| !done.contains(&source.display().to_string()));
        let left: Vec<PathBuf> = left.cloned().collect();
        let is_missing = match (left.as_slice(), self.is_list) {
            ([], _) => true,
            ([source], false) if self.may_be_missing && self.expected() == 1 => !exists(source).await,
            _ => false,
        };
        if is_missing {
            return Ok(stream::empty().boxed());
        }
        let target = RemotePath::new(&self.target).map_err(courier_transfer::Error::from)?;
        let one = match self.sources.as_slice() {
            [source] if is_file(source).await => Some(source.clone()),
            _ => None,
        };
        let into_folder = self.target.ends_with('/')
            || one.is_none()
            || client.stat(&target).await.is_ok_and(|entry| entry.is_dir());
        if into_folder && self.options.create_parents {
            ops::make_dir_all(&**client, &target).await?;
        }
        if let (Some(local), false) = (one, into_folder) {
            return Ok(stream::iter([Ok(ops::Job {
                remote: target,
                local,
                entry: None,
            })])
            .boxed());
        }
        let plan = |path| {
            let from = LocalPath {
                path,
                locals: self.locals.clone(),
            };
            ops::plan_uploads(client.clone(), from, target.clone(), self.plan.clone(), drop)
        };
        let plans: Vec<Jobs> = left.into_iter().map(plan).collect();
        Ok(stream::iter(plans).flatten().boxed())
    }

    fn expected(&self) -> usize {
        match self.sources.as_slice() {
            [source] if !self.is_list && !self.plan.recursive => usize::from(base(source, false).is_none()),
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
        ops::upload_all(client, jobs, self.options.clone(), context)
    }
}

async fn exists(path: &Path) -> bool {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || path.exists())
        .await
        .unwrap_or(true)
}

async fn is_file(path: &Path) -> bool {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || path.is_file())
        .await
        .unwrap_or(false)
}
