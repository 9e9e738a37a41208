//! What a step that was stopped has left behind, by its record in the context.

use std::{path::PathBuf, time::Duration};

use courier_transfer::{EntryKind, ErrorKind, RemotePath};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{partials::AllPartials, record::Record};
use crate::{Engine, context, definition::StepDefinition, input::uuid, sessions::Sessions};

/// How long the removal may take: whoever cancels waits for it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Removes the temporary files that a cancelled upload has left on its server, where the session still serves. Best effort:
/// what remains is named in the log.
pub(crate) async fn remove_partials(
    engine: &Engine,
    sessions: &Sessions,
    step: &StepDefinition,
    index: u32,
    context: &Map<String, Value>,
) {
    let Some(connection) = step.config.get("connection_id").and_then(uuid) else {
        return;
    };
    // Without a temporary name, what lies there may be the file of somebody else, which this upload had not begun to replace.
    if step.config.get("atomic_upload") == Some(&Value::Bool(false)) {
        return;
    }
    let paths = remote_partials(state(context, index));
    if paths.is_empty() {
        return;
    }
    let removal = remove(&engine.0.partials, sessions, connection, &paths);
    if tokio::time::timeout(PATIENCE, removal).await.is_err() {
        tracing::warn!(%connection, ?paths, "the server did not let half-made uploads be removed in time");
    }
}

async fn remove(all: &AllPartials, sessions: &Sessions, connection: Uuid, paths: &[RemotePath]) {
    let Some(client) = sessions.connected(connection).await else {
        tracing::warn!(%connection, ?paths, "half-made uploads stay on the server: there is no session with it");
        return;
    };
    for path in paths {
        // Another execution may have waited to write it.
        let Some(_claim) = all.claim_if_free(connection, path) else {
            continue;
        };
        match client.remove(path, EntryKind::File).await {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(%path, %error, "a half-made upload could not be removed"),
        }
    }
}

/// The context with which the whole job is tried again: nothing but which files have got which names, so that they are
/// replaced and not left beside. Where a step takes its sources away (`after`), the files themselves are all that is left of
/// them, and stay done.
pub(crate) fn context_of_next_try(
    context: &Map<String, Value>,
    steps: &[StepDefinition],
) -> Map<String, Value> {
    (1..)
        .zip(steps)
        .filter_map(|(index, step)| {
            let state = state(context, index)?;
            let takes = matches!(
                step.config.get("after").and_then(Value::as_str),
                Some("delete" | "move")
            );
            let left = match takes {
                true => state.clone(),
                false => Record::of_next_try(state)?,
            };
            Some((context::key(index, "transfer_state"), left))
        })
        .collect()
}

/// The local files of a download that are whole.
pub(crate) fn whole_local_files(context: &Map<String, Value>, index: u32) -> Vec<PathBuf> {
    let record = Record::resumed(state(context, index));
    record.targets().into_iter().map(PathBuf::from).collect()
}

/// The partial files of a download's files that are not whole.
pub(crate) fn begun_local_files(context: &Map<String, Value>, index: u32) -> Vec<PathBuf> {
    let Some(state) = state(context, index) else {
        return Vec::new();
    };
    let files = match state.get("files") {
        Some(Value::Array(files)) => files.as_slice(),
        _ => std::slice::from_ref(state),
    };
    let open = files
        .iter()
        .filter(|f| f.get("completed") == Some(&Value::Bool(false)));
    let paths = open.filter_map(|file| file.get("local_path")?.as_str());
    paths.map(|path| PathBuf::from(format!("{path}.part"))).collect()
}

fn state(context: &Map<String, Value>, index: u32) -> Option<&Value> {
    context.get(&context::key(index, "transfer_state"))
}

fn remote_partials(state: Option<&Value>) -> Vec<RemotePath> {
    let partials = state.and_then(|state| state.get("partials")?.as_object());
    let keys = partials.into_iter().flat_map(Map::keys);
    keys.filter_map(|key| RemotePath::new(key.strip_prefix("remote:")?).ok())
        .collect()
}
