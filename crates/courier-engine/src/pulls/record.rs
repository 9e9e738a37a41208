//! Groups of files, on their way into the history.

use std::{collections::HashMap, time::Duration};

use courier_storage::{ObjectKey, Storage};
use courier_store::{
    audit::NewAudit,
    pulls::{Entry, Group},
};
use futures::FutureExt;
use serde_json::json;
use uuid::Uuid;

use super::{run::Pull, stages, tally::hex};
use crate::{Result, audit};

/// What is written together.
#[derive(Debug, Default)]
pub(super) struct Writing {
    pub(super) group: Group,
    /// The objects of the entries.
    pub(super) objects: Vec<(ObjectKey, Uuid)>,
    /// How long each of them took.
    pub(super) took: HashMap<Uuid, Duration>,
}

/// Writes a group, whose objects outlast a power cut before. Answers which of its intents may be pulled.
///
/// # Errors
/// Those of the storage; those of the store, where the claim is lost, or the database stays away.
pub(super) async fn write(pull: &Pull, storage: &dyn Storage, writing: &Writing) -> Result<Vec<bool>> {
    let Writing { group, objects, took } = writing;
    if !objects.is_empty() {
        storage.sync(objects).await?;
        stages::reached("pull::before_record");
    }
    let pulls = pull.engine.0.store.pulls();
    let commit = || {
        let commit = pulls.commit(pull.puller, group, |entry| {
            audited(pull, entry, took.get(&entry.id))
        });
        async move { Ok(commit.await?) }.boxed()
    };
    let may_begin = pull.engine.persist(commit).await?;
    if !group.begin.is_empty() {
        stages::reached("pull::intent");
    }
    if !objects.is_empty() {
        stages::reached("pull::recorded");
    }
    Ok(may_begin)
}

/// Frees recorded objects of their marks.
pub(super) async fn free(storage: &dyn Storage, objects: &[(ObjectKey, Uuid)]) {
    if !objects.is_empty()
        && let Err(error) = storage.settle(objects).await
    {
        tracing::warn!(%error, "marks of pulled files stay in the storage for a while");
    }
}

/// The audit record of a pulled file.
fn audited(pull: &Pull, entry: &Entry, took: Option<&Duration>) -> NewAudit {
    let details = json!({
        "entry": entry.id,
        "path": String::from_utf8_lossy(&entry.path),
        "size": entry.size,
        "modified": entry.modified.at,
        "sha256": hex(&entry.sha256),
        "destination": entry.destination,
        "mapping_id": entry.mapping_id,
        "replay_of": entry.replay_of,
    });
    let record = audit::Entry {
        connection: Some(entry.connection_id),
        execution: Some(entry.execution_id),
        bytes: Some(entry.size),
        duration: took.copied(),
        ..audit::Entry::new("file_pulled", &pull.triggered_by, details)
    };
    record.into()
}
