//! A pull, from its first look to its last record.

use std::{collections::HashSet, sync::Arc};

use courier_storage::{Guard as StorageGuard, Storage};
use courier_store::{
    folder_mappings::FolderMapping,
    pulls::{AfterState, Identity, Puller},
};
use courier_transfer::{Client, RemotePath, ops, ops::Guard};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{
    find::below_base,
    flow::Flow,
    health::Ended,
    hold::Hold,
    recover,
    tally::{Outcome, Tally},
};
use crate::{
    Engine, Result,
    folder_mappings::{AfterPull, MappingDefinition, MappingIdentity, definition},
    steps::{Step, StepState},
};

/// What all files of a pull share.
#[derive(Debug)]
pub(super) struct Pull {
    pub(super) engine: Engine,
    pub(super) state: Arc<StepState>,
    pub(super) triggered_by: String,
    pub(super) puller: Puller,
    pub(super) definition: MappingDefinition,
    pub(super) client: Arc<dyn Client>,
    pub(super) storage: Arc<dyn Storage>,
    pub(super) storage_id: Uuid,
    /// Is asked before an object gets its name.
    pub(super) guard: Asked,
    /// Is asked before a name changes on the server.
    pub(super) names: Arc<dyn Guard>,
    /// A place for each file that is being read: as many as the session carries.
    pub(super) reads: Semaphore,
    /// The wish for a file to be pulled anew that was looked at last.
    pub(super) last_wish: Mutex<Option<Uuid>>,
    /// Folders that were made for moved files.
    made: Mutex<HashSet<RemotePath>>,
}

impl Pull {
    /// What is to become of a file that is recorded now.
    pub(super) fn after_state(&self) -> AfterState {
        match self.definition.after_pull {
            AfterPull::Keep => AfterState::None,
            AfterPull::Delete | AfterPull::Move => AfterState::Pending,
        }
    }

    /// Makes the folder that a file is moved to, once; one that leads out of the connection's base path is refused.
    pub(super) async fn make_folder_of(&self, path: &RemotePath) -> courier_transfer::Result<()> {
        let Some(folder) = path.parent().filter(|folder| !folder.is_top()) else {
            return Ok(());
        };
        if !self.made.lock().contains(&folder) {
            below_base(&*self.client, &folder).await?;
            ops::make_dir_all(&*self.client, &folder).await?;
            self.made.lock().insert(folder);
        }
        Ok(())
    }
}

/// Pulls what is ready in a mapped folder: settles what an interrupted pull has left, then takes what is to be pulled anew, then
/// what is found.
///
/// # Errors
/// Those of the connection and of the storage; that of the files that failed, when all others are through.
pub(crate) async fn run(step: &Step<'_>, mapping: Uuid) -> Result<()> {
    let hold = Hold::take(step, mapping).await?;
    let pulled = pull(step, &hold.mapping).await;
    let ended = match &pulled {
        Ok(Outcome::Well(left)) => Ended::Well(left.as_ref()),
        Ok(Outcome::SomeFailed(failures)) => Ended::SomeFailed {
            failed: failures.failed,
            first: &failures.first,
        },
        Err(error) => Ended::Failed(error),
    };
    let given_back = hold.give_back(ended).await;
    match pulled? {
        Outcome::SomeFailed(failures) => Err(failures.into()),
        Outcome::Well(_) => given_back,
    }
}

async fn pull(step: &Step<'_>, mapping: &FolderMapping) -> Result<Outcome> {
    let pull = Arc::new(open(step, mapping).await?);
    let mut tally = Tally::resumed(&pull.state, pull.puller).await?;
    let ghosts = recover::settle(&pull, &mut tally).await?;
    Flow::new(&pull, ghosts, tally).run().await
}

async fn open(step: &Step<'_>, mapping: &FolderMapping) -> Result<Pull> {
    let engine = step.engine();
    let definition = definition(mapping)?;
    let client = step.sessions.get(mapping.connection_id).await?;
    let (info, storage) = engine.storages().open(definition.storage_id).await?;
    let names = step.state.guard();
    Ok(Pull {
        engine: engine.clone(),
        state: step.state.clone(),
        triggered_by: step.triggered_by.into(),
        puller: Puller {
            claim: step.state.claim(),
            connection: mapping.connection_id,
            mapping: mapping.id,
            identity: match definition.identity {
                MappingIdentity::PathAndVersion => Identity::PathAndVersion,
                MappingIdentity::Path => Identity::Path,
            },
        },
        reads: Semaphore::new(client.capabilities().concurrency.max(1)),
        guard: Asked::new(names.clone()),
        names,
        definition,
        client,
        storage,
        storage_id: info.id,
        last_wish: Mutex::default(),
        made: Mutex::default(),
    })
}

/// The step's guard, as storages ask it.
#[derive(Clone)]
pub(super) struct Asked(StorageGuard);

impl Asked {
    fn new(guard: Arc<dyn Guard>) -> Self {
        Self(Arc::new(move || guard.allows()))
    }
}

impl std::ops::Deref for Asked {
    type Target = StorageGuard;

    fn deref(&self) -> &StorageGuard {
        &self.0
    }
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Asked")
    }
}
