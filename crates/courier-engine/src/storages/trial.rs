//! Testing a storage.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use courier_storage::{Error as StorageError, ErrorKind, Storage as Backend};
use courier_store::storages::Storage;
use serde_json::json;

use super::{input::Wanted, opened, warnings};
use crate::{Actor, Engine, Error, Failure, Result, audit::Entry};

/// A storage that has not answered by then doesn't.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a test has shown.
#[derive(Clone, Debug)]
pub struct StorageTrial {
    /// Could an object be written, read and removed?
    pub success: bool,
    /// What worked: `write`, `no_overwrite`, `read`, `remove`. Where one of them failed, the error says which.
    pub checked: Vec<&'static str>,
    /// Why it failed.
    pub error: Option<Failure>,
    /// What is insecure or doesn't work about the storage, in words.
    pub warnings: Vec<String>,
    /// How long it took.
    pub duration: Duration,
}

/// Tests a storage that is kept.
pub(super) async fn saved(engine: &Engine, actor: &Actor, storage: &Storage) -> Result<StorageTrial> {
    let begun = Instant::now();
    let opened = opened::open(engine, storage.id).await;
    let outcome = check(opened.map(|(_, backend)| backend)).await?;
    let trial = trial(outcome, warnings::of(engine.0.store.kind(), storage), begun);
    let about = json!({"storage_id": storage.id, "name": storage.name, "url": storage.url});
    record(engine, actor, about, trial).await
}

/// Tests one that is not kept.
pub(super) async fn unsaved(engine: &Engine, actor: &Actor, wanted: Wanted) -> Result<StorageTrial> {
    let begun = Instant::now();
    let credentials = wanted.credentials.flatten().map(|given| given.credentials);
    let outcome = check(opened::backend(engine, &wanted.url, credentials.as_ref()).await).await?;
    let warnings = warnings::of_url(engine.0.store.kind(), &wanted.url, credentials.is_some());
    let about = json!({"unsaved": true, "url": wanted.url.to_string()});
    record(engine, actor, about, trial(outcome, warnings, begun)).await
}

/// What the storage says; an error only where it couldn't be asked for a reason that isn't its own.
async fn check(opened: Result<Arc<dyn Backend>>) -> Result<courier_storage::Result<()>> {
    let backend = match opened {
        Ok(backend) => backend,
        Err(Error::Storage(error)) => return Ok(Err(error)),
        Err(error) => return Err(error),
    };
    let answer = tokio::time::timeout(PATIENCE, backend.check()).await;
    Ok(answer.unwrap_or_else(|_| {
        let message = format!(
            "the storage has not answered within {} seconds; check its url, and the way there",
            PATIENCE.as_secs()
        );
        Err(StorageError::new(ErrorKind::Unreachable, message))
    }))
}

fn trial(outcome: courier_storage::Result<()>, warnings: Vec<String>, begun: Instant) -> StorageTrial {
    let error = outcome.err().map(Error::Storage);
    StorageTrial {
        success: error.is_none(),
        checked: if error.is_none() {
            vec!["write", "no_overwrite", "read", "remove"]
        } else {
            Vec::new()
        },
        error: error.as_ref().map(Failure::from),
        warnings,
        duration: begun.elapsed(),
    }
}

async fn record(
    engine: &Engine,
    actor: &Actor,
    mut about: serde_json::Value,
    trial: StorageTrial,
) -> Result<StorageTrial> {
    if let Some(details) = about.as_object_mut() {
        details.insert("success".into(), json!(trial.success));
        details.insert(
            "error".into(),
            json!(trial.error.as_ref().map(|error| &error.message)),
        );
        details.insert("warnings".into(), json!(trial.warnings));
    }
    let entry = Entry {
        duration: Some(trial.duration),
        ..Entry::new("storage_tested", &actor.name, about)
    };
    engine.audit().record(entry).await?;
    Ok(trial)
}
