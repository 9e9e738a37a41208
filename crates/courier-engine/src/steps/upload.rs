//! `remote.upload` and its kin (specification 6.5.1, 6.6).

use std::{path::PathBuf, sync::Arc};

use courier_transfer::{
    Client, RemotePath,
    ops::{self, LocalPath, Locals, PlanOptions, UploadOptions},
    settings::{Default as Standard, Kind, Setting},
};
use futures::{StreamExt, stream, stream::BoxStream};
use serde_json::Value;

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
        "local_path",
        Kind::LocalPath,
        "The file to upload, or a pattern (`*.csv`). Relative: in the execution's work folder.",
    ),
    Setting::required(
        "remote_path",
        Kind::RemotePath,
        "The file's name on the server. For a pattern, and where it names a folder or ends with a slash, the folder.",
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
    AFTER,
];

pub(super) const fn step(name: &'static str, protocol: Option<&'static str>) -> StepType {
    StepType {
        name,
        protocol,
        settings: SETTINGS,
        outputs: &["uploaded_file", "uploaded_files", "transfer_state"],
        help: "Uploads a file, or all files that a pattern matches.",
        run: |step| Box::pin(run(step)),
    }
}

async fn run(step: &Step<'_>) -> Result<()> {
    transfer::run(step, Upload::new(step)?).await
}

struct Upload {
    /// The file or pattern, or the files that an earlier step left.
    sources: Vec<PathBuf>,
    target: String,
    locals: Locals,
    options: UploadOptions,
}

impl Upload {
    fn new(step: &Step<'_>) -> Result<Self> {
        let texts: Vec<&str> = match step.config.get("local_path") {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            other => other.and_then(Value::as_str).into_iter().collect(),
        };
        Ok(Self {
            sources: texts
                .into_iter()
                .map(|text| step.local_path(text))
                .collect::<Result<_>>()?,
            target: step.text("remote_path")?.into(),
            locals: step.locals(),
            options: UploadOptions {
                atomic: step.flag("atomic_upload"),
                atomic_suffix: step.text("atomic_suffix")?.into(),
                resume: step.flag("resume_partial"),
                go_on: step.flag("resume_partial"),
                on_existing: transfer::on_existing(step),
                replace_non_atomically: step.flag("replace_non_atomically"),
                create_parents: step.flag("create_parents"),
                preserve_times: step.flag("preserve_times"),
                preserve_permissions: step.flag("preserve_permissions"),
                verify: transfer::verify(step),
            },
        })
    }
}

#[async_trait::async_trait]
impl Transfer for Upload {
    const DIRECTION: Direction = Direction::Upload;

    async fn plan(
        &self,
        client: &Arc<dyn Client>,
        record: &Record,
    ) -> Result<BoxStream<'static, courier_transfer::Result<ops::Job>>> {
        // Moved and deleted by an attempt that was interrupted right then.
        if self.sources.iter().all(|source| record.has_done_local(source)) {
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
        let plans: Vec<_> = self
            .sources
            .iter()
            .map(|source| {
                ops::plan_uploads(
                    client.clone(),
                    LocalPath {
                        path: source.clone(),
                        locals: self.locals.clone(),
                    },
                    target.clone(),
                    PlanOptions::default(),
                    drop,
                )
            })
            .collect();
        Ok(stream::iter(plans).flatten().boxed())
    }

    fn start(
        &self,
        client: Arc<dyn Client>,
        jobs: BoxStream<'static, courier_transfer::Result<ops::Job>>,
        context: ops::BatchContext,
    ) -> BoxStream<'static, ops::FileResult> {
        ops::upload_all(client, jobs, self.options.clone(), context)
    }
}

async fn is_file(path: &std::path::Path) -> bool {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || path.is_file())
        .await
        .unwrap_or(false)
}
