//! What becomes of a file on the server when it was pulled.

use std::time::Instant;

use courier_store::pulls::AfterState;
use courier_transfer::{Entry, EntryKind, Error as TransferError, ErrorKind, RemotePath, ops, ops::Replace};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    file::File,
    keys::{NAMES, moved_name},
    run::Pull,
    stages,
    transfer::hits_all,
};
use crate::{Failure, Result, audit, folder_mappings::AfterPull};

/// What has become of the file of an entry, and why where it isn't plain.
pub(super) type Settled = (Uuid, AfterState, Option<String>);

/// Deletes or moves a file that the history has, and its marker, as the mapping wants it; another version that lies there by
/// now stays.
///
/// # Errors
/// What every other file would meet, too: the line is gone, or this execution may not go on. What the server refuses is told
/// with the entry.
pub(super) async fn settle(pull: &Pull, entry: Uuid, file: &File) -> Result<Settled> {
    let told = |state, why: Option<String>| Ok((entry, state, why));
    let now = match pull.client.stat(&file.path).await {
        Ok(now) if file.is_still(&now) => now,
        Ok(_) => {
            let why = "another version lies there by now, which is left alone";
            return told(AfterState::Left, Some(why.into()));
        }
        // Deleted or moved before something died, or by its owner.
        Err(error) if error.kind() == ErrorKind::NotFound => return told(AfterState::Done, None),
        Err(error) if hits_all(&error) => return Err(error.into()),
        // It might be another version, that nobody has.
        Err(error) => {
            let why = format!("it stays, because the server doesn't tell what lies there by now: {error}");
            return told(AfterState::Refused, Some(why));
        }
    };
    // It goes first: one that is left behind says of the next file of that name that it is ready before it is.
    let mut marker_stays = None;
    if let Some(marker) = &file.marker {
        match change(pull, marker, file, None).await {
            Ok(_) => {}
            Err(error) if hits_all(&error) => return Err(error.into()),
            Err(error) => marker_stays = Some(format!("its marker is still there: {error}")),
        }
    }
    let settled = match change(pull, &file.path, file, Some(&now)).await {
        Ok(to) => to,
        Err(error) if hits_all(&error) => return Err(error.into()),
        Err(error) => return told(AfterState::Refused, Some(error.to_string())),
    };
    stages::reached("pull::after_done");
    told(
        AfterState::Done,
        marker_stays.or(settled.map(|to| format!("moved to {to}"))),
    )
}

/// Deletes or moves one path; where it is now, if it is anywhere. One that is gone is done.
async fn change(
    pull: &Pull,
    path: &RemotePath,
    file: &File,
    known: Option<&Entry>,
) -> courier_transfer::Result<Option<RemotePath>> {
    let to = match pull.definition.after_pull {
        AfterPull::Keep => return Ok(None),
        AfterPull::Delete => None,
        AfterPull::Move => pull.definition.moved_to(),
    };
    let began = Instant::now();
    pull.names.check()?;
    let (operation, mut details) = match &to {
        None => ("delete", json!({"path": path, "after": "pull"})),
        Some(_) => ("rename", json!({"path": path, "after": "pull"})),
    };
    let changed = match to {
        None => {
            let removed = ops::remove(&*pull.client, path, EntryKind::File, known).await;
            removed.map(|()| None)
        }
        Some(folder) => move_into(pull, path, file, &folder, known).await.map(Some),
    };
    let changed = match changed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        changed => changed,
    };
    if let Value::Object(details) = &mut details {
        match &changed {
            Ok(to) => details.extend(to.as_ref().map(|to| ("new_path".into(), json!(to)))),
            Err(error) => details.extend([("error".into(), json!(Failure::from(error)))]),
        }
    }
    let record = audit::Entry {
        execution: Some(pull.state.execution),
        duration: Some(began.elapsed()),
        ..audit::Entry::new(operation, &pull.triggered_by, details).on(pull.puller.connection)
    };
    pull.state.note(record.into());
    changed
}

/// Moves a file below this folder, where it keeps the folders that it lay in; where its name is taken, it gets a free one.
async fn move_into(
    pull: &Pull,
    path: &RemotePath,
    file: &File,
    folder: &RemotePath,
    known: Option<&Entry>,
) -> courier_transfer::Result<RemotePath> {
    let below = path.strip_base(&pull.definition.remote_path);
    let wanted = folder.join_below(&below.unwrap_or_else(|| file.relative.clone()));
    pull.make_folder_of(&wanted).await?;
    let at = file.modified.at.unwrap_or_else(courier_store::now);
    for taken in 0..NAMES {
        let to = moved_name(&wanted, at, taken)?;
        let guard = &*pull.names;
        match ops::rename_guarded(&*pull.client, path, &to, Replace::Never, known, guard).await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            result => return result.map(|()| to),
        }
    }
    let message = format!("{wanted} and {NAMES} other names exist already; clear the folder");
    Err(TransferError::new(ErrorKind::AlreadyExists, message))
}
