//! `remote.mkdir`, `remote.rmdir` and `remote.list` (specification 6.10).

use courier_transfer::{
    Entry, EntryKind, Error as TransferError, ErrorKind, Listed,
    ops::{self, FindOptions, Pattern},
    settings::{Default as Standard, Kind, Setting},
};
use futures::StreamExt;
use serde_json::{Value, json};

use super::{
    Step, StepType,
    settings::{CONNECTION, IGNORE, patterns},
};
use crate::Result;

const REMOTE_PATH: Setting = Setting::required("remote_path", Kind::RemotePath, "The folder.");

pub(super) const MKDIR: StepType = StepType {
    name: "remote.mkdir",
    protocol: None,
    settings: &[
        CONNECTION,
        REMOTE_PATH,
        Setting::optional(
            "recursive",
            Kind::Bool,
            "Make what is missing above it, too; a folder that exists is fine then.",
        )
        .or(Standard::Bool(false)),
    ],
    outputs: &[],
    lists: &[],
    help: "Makes a folder on the server.",
    run: |step| Box::pin(mkdir(step)),
};

async fn mkdir(step: &Step<'_>) -> Result<()> {
    let path = step.remote_path("remote_path")?;
    let client = step.session().await?;
    let recursive = step.flag("recursive");
    let interrupted = step.begin_changes().await?;
    let audit = step.audit("mkdir", json!({"path": path}));
    let made = if recursive {
        ops::make_dir_all(&*client, &path).await.map(|_| ())
    } else {
        ops::make_dir(&*client, &path).await
    };
    let made = match made {
        Err(e) if interrupted && e.kind() == ErrorKind::AlreadyExists => match client.stat(&path).await {
            Ok(entry) if entry.is_dir() => Ok(()),
            _ => Err(e),
        },
        made => made,
    };
    step.end_changes();
    Ok(audit.finish(made)?)
}

pub(super) const RMDIR: StepType = StepType {
    name: "remote.rmdir",
    protocol: None,
    settings: &[
        CONNECTION,
        REMOTE_PATH,
        Setting::optional(
            "recursive",
            Kind::Bool,
            "Remove all that lies in it, too; links are removed, not followed.",
        )
        .or(Standard::Bool(false)),
    ],
    outputs: &[],
    lists: &[],
    help: "Removes a folder on the server.",
    run: |step| Box::pin(rmdir(step)),
};

async fn rmdir(step: &Step<'_>) -> Result<()> {
    let path = step.remote_path("remote_path")?;
    let client = step.session().await?;
    let recursive = step.flag("recursive");
    let interrupted = step.begin_changes().await?;
    let audit = step.audit("rmdir", json!({"path": path, "recursive": recursive}));
    let removed = if recursive {
        ops::remove_tree(&*client, &path).await.map(|_| ())
    } else {
        ops::remove(&*client, &path, EntryKind::Directory, None).await
    };
    let removed = match removed {
        Err(e) if interrupted && e.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    };
    step.end_changes();
    Ok(audit.finish(removed)?)
}

/// Entries that a listing may leave in the context: it is kept in memory and in the database.
const MAX_LISTED: usize = 20_000;
/// What they may take there, in bytes.
const MAX_LISTED_BYTES: usize = 8 * 1024 * 1024;

pub(super) const LIST: StepType = StepType {
    name: "remote.list",
    protocol: None,
    settings: &[
        CONNECTION,
        REMOTE_PATH,
        Setting::optional(
            "pattern",
            Kind::Text,
            "Only what this matches: `*.csv`, or `2026/**` with `recursive`.",
        ),
        Setting::optional("recursive", Kind::Bool, "List the folders in it, too.").or(Standard::Bool(false)),
        IGNORE,
    ],
    outputs: &["files", "count"],
    lists: &[],
    help: "Lists a folder on the server into the context.",
    run: |step| Box::pin(list(step)),
};

async fn list(step: &Step<'_>) -> Result<()> {
    let path = step.remote_path("remote_path")?;
    let pattern = step.optional_text("pattern").map(Pattern::new).transpose()?;
    let client = step.session().await?;
    let options = FindOptions {
        recursive: step.flag("recursive"),
        pattern,
        directories: true,
        ignore: patterns(step, "ignore")?,
        ignore_from: None,
    };
    let mut found = ops::find(client, &path, options).await?;
    let (mut files, mut bytes) = (Vec::new(), 0usize);
    while let Some(listed) = found.next().await {
        step.state.progressed();
        match listed? {
            Listed::Entry(entry) => {
                let file = as_json(&entry);
                bytes = bytes.saturating_add(file.to_string().len());
                files.push(file);
            }
            Listed::Unreadable { raw, reason } => {
                return Err(TransferError::new(
                    ErrorKind::Protocol,
                    format!("the server lists an entry in {path} that cannot be used: {reason}"),
                )
                .with("entry", raw)
                .into());
            }
        }
        if files.len() > MAX_LISTED || bytes > MAX_LISTED_BYTES {
            let mebibytes = MAX_LISTED_BYTES / (1024 * 1024);
            return Err(TransferError::new(
                ErrorKind::Full,
                format!(
                    "{path} holds more than a job may keep, {MAX_LISTED} entries or {mebibytes} MiB of them; narrow \
                     the listing by a pattern"
                ),
            )
            .into());
        }
    }
    step.state.output("count", files.len().into());
    step.state.output("files", Value::Array(files));
    Ok(())
}

fn as_json(entry: &Entry) -> Value {
    json!({
        "name": entry.name().map(|name| String::from_utf8_lossy(name.as_bytes()).into_owned()),
        "path": entry.path,
        "size": entry.size,
        "is_directory": entry.is_dir(),
        "is_link": entry.kind == EntryKind::Link,
        "last_modified": entry.modified,
    })
}
