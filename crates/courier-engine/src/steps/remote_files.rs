//! `remote.rename` and `remote.delete`.

use courier_transfer::{
    EntryKind, Error, ErrorKind, RemotePath,
    ops::{self, Replace},
    settings::{Kind, Setting},
};
use futures::{StreamExt, stream};
use serde_json::{Map, Value, json};

use super::{Step, StepType, failures::Failures, settings::CONNECTION};
use crate::Result;

/// Files of a list that are renamed or deleted at once.
const AT_ONCE: usize = 16;
/// So many changes are noted together; those that a crash forgets are found to be done.
const NOTED: usize = 64;

pub(super) const RENAME: StepType = StepType {
    name: "remote.rename",
    protocol: None,
    settings: &[
        CONNECTION,
        Setting::required(
            "remote_path",
            Kind::RemotePath,
            "The file or folder, or a reference to a list of them.",
        ),
        Setting::required(
            "new_path",
            Kind::RemotePath,
            "Its new path, or with a slash at its end the folder to put it in, as for a list. Nothing may have that name yet.",
        ),
    ],
    outputs: &["files"],
    lists: &["remote_path"],
    help: "Renames or moves a file or a folder on the server, or all files of a list.",
    run: |step| Box::pin(rename(step)),
};

async fn rename(step: &Step<'_>) -> Result<()> {
    let into = step.remote_path("new_path")?;
    let is_folder = step.text("new_path")?.ends_with('/') || step.is_list("remote_path");
    let files = step.remote_files("remote_path")?;
    let client = step.session().await?;
    let (client, guard) = (&*client, &*step.state.guard());
    let paths = files.into_iter().map(|file| file.path).collect();
    each(step, paths, |from, interrupted| {
        let to = match from.name() {
            Some(name) if is_folder => into.join(&name),
            _ => into.clone(),
        };
        async move {
            let audit = step.audit("rename", json!({"path": from, "new_path": to}));
            let renamed = ops::rename_guarded(client, &from, &to, Replace::Never, None, guard).await;
            match renamed {
                Err(e) if interrupted && is_gone(&e) && client.stat(&to).await.is_ok() => Ok(to),
                renamed => audit.finish(renamed).map(|()| to),
            }
        }
    })
    .await
}

pub(super) const DELETE: StepType = StepType {
    name: "remote.delete",
    protocol: None,
    settings: &[
        CONNECTION,
        Setting::required(
            "remote_path",
            Kind::RemotePath,
            "The file, or a reference to a list of files; folders in the list stay.",
        ),
    ],
    outputs: &["files"],
    lists: &["remote_path"],
    help: "Deletes a file on the server, or all files of a list.",
    run: |step| Box::pin(delete(step)),
};

async fn delete(step: &Step<'_>) -> Result<()> {
    let is_list = step.is_list("remote_path");
    let files = step.remote_files("remote_path")?;
    let client = step.session().await?;
    let (client, guard) = (&*client, &*step.state.guard());
    let files = files.into_iter().filter(|file| !(is_list && file.is_dir));
    let paths = files.map(|file| file.path).collect();
    each(step, paths, |path, interrupted| async move {
        guard.check()?;
        let audit = step.audit("delete", json!({"path": path}));
        match ops::remove(client, &path, EntryKind::File, None).await {
            Err(e) if interrupted && is_gone(&e) => Ok(path),
            removed => audit.finish(removed).map(|()| path),
        }
    })
    .await
}

fn is_gone(error: &Error) -> bool {
    error.kind() == ErrorKind::NotFound
}

/// Changes one path after the other, several at once, and leaves where they lie then, or lay, as `files`. What an attempt
/// before has done is left out. Each is told whether one before was `interrupted`: noted before the first change, so that
/// after a crash what is done already is not taken for missing.
async fn each<F>(
    step: &Step<'_>,
    paths: Vec<RemotePath>,
    change: impl Fn(RemotePath, bool) -> F,
) -> Result<()>
where
    F: Future<Output = courier_transfer::Result<RemotePath>> + Send,
{
    let earlier = step.state.earlier("changed").and_then(Value::as_object);
    let mut done: Map<String, Value> = earlier.cloned().unwrap_or_default();
    let note = |done: &Map<String, Value>| {
        step.state.output("changed", Value::Object(done.clone()));
        step.state.note_unsaved();
    };
    let interrupted = step.begin_changes().await?;
    let changes: Vec<_> = paths
        .into_iter()
        .filter(|path| !done.contains_key(&path.to_text()))
        .map(|path| {
            let from = path.to_text();
            let change = change(path, interrupted);
            async move { (from, change.await) }
        })
        .collect();
    let mut results = stream::iter(changes).buffer_unordered(AT_ONCE);
    let mut failures = Failures::default();
    while let Some((from, result)) = results.next().await {
        step.state.progressed();
        let result = result.map(|to| {
            done.insert(from, json!(to));
        });
        failures.count(result);
        if done.len().is_multiple_of(NOTED) {
            note(&done);
        }
    }
    note(&done);
    step.end_changes();
    step.state.output("files", done.values().cloned().collect());
    failures.into_result()
}
