//! `remote.rename` and `remote.delete`.

use courier_transfer::{
    EntryKind,
    ops::{self, Replace},
    settings::{Kind, Setting},
};
use serde_json::json;

use super::{Step, StepType, transfer::CONNECTION};
use crate::Result;

pub(super) const RENAME: StepType = StepType {
    name: "remote.rename",
    protocol: None,
    settings: &[
        CONNECTION,
        Setting::required("remote_path", Kind::RemotePath, "The file or folder."),
        Setting::required(
            "new_path",
            Kind::RemotePath,
            "Its new path. Nothing may have that name yet.",
        ),
    ],
    outputs: &[],
    help: "Renames or moves a file or a folder on the server.",
    run: |step| Box::pin(rename(step)),
};

async fn rename(step: &Step<'_>) -> Result<()> {
    let (from, to) = (step.remote_path("remote_path")?, step.remote_path("new_path")?);
    let client = step.session().await?;
    let audit = step.audit("rename", json!({"path": from, "new_path": to}));
    audit.finish(ops::rename(&*client, &from, &to, Replace::Never, None).await)
}

pub(super) const DELETE: StepType = StepType {
    name: "remote.delete",
    protocol: None,
    settings: &[
        CONNECTION,
        Setting::required("remote_path", Kind::RemotePath, "The file."),
    ],
    outputs: &[],
    help: "Deletes a file on the server.",
    run: |step| Box::pin(delete(step)),
};

async fn delete(step: &Step<'_>) -> Result<()> {
    let path = step.remote_path("remote_path")?;
    let client = step.session().await?;
    let audit = step.audit("delete", json!({"path": path}));
    audit.finish(ops::remove(&*client, &path, EntryKind::File, None).await)
}
