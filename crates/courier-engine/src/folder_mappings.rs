//! Folder mappings: folders of connections from which each file is pulled once.

mod definition;
mod fields;
mod input;
mod links;
mod overlap;
mod warnings;

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::PathBuf};

use courier_storage::StorageUrl;
use courier_store::{
    audit::NewAudit,
    connections::Connection,
    folder_mappings::{self as store, Anew, FolderMappingInput},
    now,
};
pub use courier_store::{connections::Health, folder_mappings::FolderMappingFilter};
use courier_transfer::settings::Problem;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    Actor, Engine, Error, Page, PageRequest, Result, audit::Entry, connections::Shape,
    local_paths::feeds_itself, pulls::dry_run::dry_run,
};
use input::{Place, Wanted, merged, read};

pub use crate::pulls::dry_run::{DryRun, DryRunFile};
pub use definition::{AfterPull, MappingDefinition, MappingIdentity, Timing};

/// Folder mappings.
#[derive(Clone, Copy, Debug)]
pub struct FolderMappings<'a>(pub(crate) &'a Engine);

/// A folder of a connection from which each file is pulled once.
#[derive(Clone, Debug, PartialEq)]
pub struct FolderMapping {
    /// Its id.
    pub id: Uuid,
    /// The connection.
    pub connection_id: Uuid,
    /// Its name, unique within the connection.
    pub name: String,
    /// Does it pull by itself?
    pub enabled: bool,
    /// What it says.
    pub definition: MappingDefinition,
    /// When it is due; none where it pulls only when somebody asks, and while its connection is disabled or requires attention.
    pub next_run_at: Option<Timestamp>,
    /// When its last pull was queued.
    pub last_run_at: Option<Timestamp>,
    /// The execution of that pull.
    pub last_execution: Option<Uuid>,
    /// How many pulls in a row have failed.
    pub failures: u32,
    /// How the last pull went.
    pub health: Health,
    /// Why, as a word for programs.
    pub health_code: Option<String>,
    /// Why, and what to do, in words.
    pub health_detail: Option<String>,
    /// When a pull went well last.
    pub last_ok_at: Option<Timestamp>,
    /// Since when none has.
    pub failing_since: Option<Timestamp>,
    /// What may not be meant so, in words.
    pub warnings: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

impl FolderMappings<'_> {
    /// Mappings, oldest first.
    ///
    /// # Errors
    /// [`Error::Store`], also for a cursor that no list gave out.
    pub async fn list(&self, filter: FolderMappingFilter, page: PageRequest) -> Result<Page<FolderMapping>> {
        let page = self.0.0.store.folder_mappings().list(&filter, &page).await?;
        Ok(Page {
            items: warnings::shown(self.0, page.items).await?,
            next_cursor: page.next_cursor,
        })
    }

    /// The mappings of a connection, oldest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the connection; [`Error::Store`], also for a cursor that no list gave out.
    pub async fn of(&self, connection: Uuid, page: PageRequest) -> Result<Page<FolderMapping>> {
        self.connection(connection).await?;
        let filter = FolderMappingFilter {
            connection_id: Some(connection),
            ..Default::default()
        };
        self.list(filter, page).await
    }

    /// One.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, id: Uuid) -> Result<FolderMapping> {
        self.shown(self.stored(id).await?).await
    }

    /// Makes one. What there is already is pulled one interval later.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the connection; [`Error::ProtocolConfig`] where that moves no files; [`Error::Validation`],
    /// [`Error::Schedule`], [`Error::Duplicate`].
    pub async fn create(
        &self,
        actor: &Actor,
        connection: Uuid,
        values: Map<String, Value>,
    ) -> Result<FolderMapping> {
        let connection = self.connection(connection).await?;
        let at = now();
        let wanted = self.read(values, &connection, None, at).await?;
        links::check(self.0, actor, &connection, None, &wanted.definition).await?;
        let (name, due) = (wanted.name.clone(), due(&wanted, at));
        let made = |mapping: &store::FolderMapping| record(actor, "folder_mapping_created", mapping, None);
        let mappings = self.0.0.store.folder_mappings();
        let made = mappings.insert(connection.id, input(wanted), due, made).await;
        self.shown(named(made, &name, connection.id)?).await
    }

    /// Changes what is given; `null` puts a field back to what it is where nothing is said. What was pulled stays pulled.
    /// Somebody else's change in between is not lost.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub async fn patch(&self, actor: &Actor, id: Uuid, changes: Map<String, Value>) -> Result<FolderMapping> {
        let mut tries = 0;
        loop {
            let before = self.stored(id).await?;
            let definition = definition(&before)?;
            let connection = self.connection(before.connection_id).await?;
            let values = merged(&before.name, before.enabled, &definition, changes.clone())?;
            let at = now();
            let wanted = self.read(values, &connection, Some(&definition), at).await?;
            links::check(self.0, actor, &connection, Some(&definition), &wanted.definition).await?;
            let (name, anew) = (wanted.name.clone(), anew(&before, &definition, &wanted, at));
            let changed = |before: &store::FolderMapping, after: &store::FolderMapping| {
                record(actor, "folder_mapping_changed", after, Some(before))
            };
            let mappings = self.0.0.store.folder_mappings();
            match mappings
                .update(id, before.updated_at, input(wanted), anew, changed)
                .await
            {
                Err(courier_store::Error::Conflict(_)) if tries < 5 => tries += 1,
                result => return self.shown(named(result, &name, id)?).await,
            }
        }
    }

    /// Deletes one. What it has pulled stays in its storage and in the connection's history.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] while it pulls.
    pub async fn delete(&self, actor: &Actor, id: Uuid) -> Result<()> {
        let deleted = |mapping: &store::FolderMapping| record(actor, "folder_mapping_deleted", mapping, None);
        let mappings = self.0.0.store.folder_mappings();
        named(mappings.delete(id, deleted).await, "", id)
    }

    /// Tells what a pull would take now, and changes nothing; with `changes`, as if the mapping had been changed so.
    ///
    /// # Errors
    /// As [`Self::patch`]; [`Error::ConnectionNotUsable`]; [`Error::Transfer`] also where the mapped folder is missing, may not
    /// be listed, or leads out of the connection's base path.
    pub async fn dry_run(&self, actor: &Actor, id: Uuid, changes: Map<String, Value>) -> Result<DryRun> {
        let mapping = self.stored(id).await?;
        let connection = self.connection(mapping.connection_id).await?;
        let mut definition = definition(&mapping)?;
        if !changes.is_empty() {
            let values = merged(&mapping.name, mapping.enabled, &definition, changes)?;
            let wanted = self.read(values, &connection, Some(&definition), now()).await?;
            links::check(self.0, actor, &connection, Some(&definition), &wanted.definition).await?;
            definition = wanted.definition;
        }
        dry_run(self.0, actor, &connection, id, &definition).await
    }

    /// Tells what a mapping of this connection would take, before there is one.
    ///
    /// # Errors
    /// As [`Self::create`] and [`Self::dry_run`].
    pub async fn dry_run_unsaved(
        &self,
        actor: &Actor,
        connection: Uuid,
        values: Map<String, Value>,
    ) -> Result<DryRun> {
        let connection = self.connection(connection).await?;
        let wanted = self.read(values, &connection, None, now()).await?;
        links::check(self.0, actor, &connection, None, &wanted.definition).await?;
        // A mapping that has never been has begun and seen nothing.
        dry_run(self.0, actor, &connection, Uuid::now_v7(), &wanted.definition).await
    }

    async fn read(
        &self,
        values: Map<String, Value>,
        connection: &Connection,
        before: Option<&MappingDefinition>,
        at: Timestamp,
    ) -> Result<Wanted> {
        if self.0.0.protocols.files(&connection.protocol).is_none() {
            let message = format!(
                "the connection \"{}\" is of the protocol {}, which moves no files: a folder mapping needs one of {}",
                connection.name,
                connection.protocol,
                self.0.0.protocols.names_of_files().join(", ")
            );
            return Err(Error::ProtocolConfig {
                fields: vec![Problem::new("connection_id", message)],
            });
        }
        let is_given = values.get("storage_id").is_some_and(|id| !id.is_null());
        let storage = match is_given {
            true => None,
            false => Some(self.0.storages().default_id().await?),
        };
        let place = Place {
            connection: connection.id,
            has_base_path: connection.base_path.is_some(),
            folder: before.map(|definition| &definition.remote_path),
            storage,
            now: at,
        };
        let wanted = read(values, place)?;
        let id = wanted.definition.storage_id;
        let storage = match self.0.0.store.storages().get(id).await {
            Ok(storage) => storage,
            Err(courier_store::Error::NotFound { .. }) => {
                return Err(Error::field("storage_id", format!("there is no storage {id}")));
            }
            Err(error) => return Err(error.into()),
        };
        match self.feeds_itself(connection, &wanted.definition, &storage.url) {
            true => Err(Error::field(
                "storage_id",
                format!(
                    "what is pulled into the storage \"{}\" arrives in the mapped folder, and would be pulled again and again; \
                     give a storage or a prefix outside it",
                    storage.name
                ),
            )),
            false => Ok(wanted),
        }
    }

    /// Is the mapped folder one on this machine in which its own files arrive?
    fn feeds_itself(&self, connection: &Connection, definition: &MappingDefinition, storage: &str) -> bool {
        let protocol = self.0.0.protocols.get(&connection.protocol);
        let is_here = protocol.is_some_and(|protocol| !Shape::of(protocol).host);
        let storage: Option<StorageUrl> = storage.parse().ok();
        let (true, Some(base), Some(folder)) = (
            is_here,
            &connection.base_path,
            storage.as_ref().and_then(StorageUrl::folder),
        ) else {
            return false;
        };
        let mut mapped = PathBuf::from(base);
        mapped.extend(definition.remote_path.segments().map(OsStr::from_bytes));
        // A folder that can't be looked at is refused by the pull itself.
        feeds_itself(&mapped, definition.recursive, &folder.join(&definition.prefix)).unwrap_or(false)
    }

    async fn shown(&self, mapping: store::FolderMapping) -> Result<FolderMapping> {
        let (id, mut shown) = (mapping.id, warnings::shown(self.0, vec![mapping]).await?);
        shown.pop().ok_or_else(|| Error::not_found(NOUN, id))
    }

    async fn stored(&self, id: Uuid) -> Result<store::FolderMapping> {
        named(self.0.0.store.folder_mappings().get(id).await, "", id)
    }

    async fn connection(&self, id: Uuid) -> Result<Connection> {
        match self.0.0.store.connections().get(id).await {
            Err(courier_store::Error::NotFound { .. }) => Err(Error::not_found("connection", id)),
            result => Ok(result?),
        }
    }
}

/// As errors call it.
const NOUN: &str = "folder mapping";

fn input(wanted: Wanted) -> FolderMappingInput {
    FolderMappingInput {
        name: wanted.name,
        storage_id: wanted.definition.storage_id,
        enabled: wanted.enabled,
        definition: json!(wanted.definition),
    }
}

fn due(wanted: &Wanted, at: Timestamp) -> Option<Timestamp> {
    wanted.enabled.then(|| wanted.definition.next_after(at)).flatten()
}

/// What a change begins anew: its times where they are others, and its health where it may have failed by what was changed.
fn anew(before: &store::FolderMapping, was: &MappingDefinition, wanted: &Wanted, at: Timestamp) -> Anew {
    let now = &wanted.definition;
    let timed_anew = before.enabled != wanted.enabled || was.timing != now.timing;
    let same_work = MappingDefinition {
        timing: now.timing.clone(),
        ..was.clone()
    } == *now;
    // Who puts it right need not wait as long as who changed nothing.
    let waits = !same_work && before.failures > 0;
    Anew {
        next_run_at: (timed_anew || waits).then(|| due(wanted, at)),
        health: !same_work,
    }
}

fn record(
    actor: &Actor,
    operation: &str,
    mapping: &store::FolderMapping,
    before: Option<&store::FolderMapping>,
) -> NewAudit {
    let told = |mapping: &store::FolderMapping| json!({"name": mapping.name, "enabled": mapping.enabled, "definition": mapping.definition});
    let mut details = json!({"mapping_id": mapping.id, "name": mapping.name, "after": told(mapping)});
    if let (Some(before), Value::Object(details)) = (before, &mut details) {
        details.insert("before".into(), told(before));
    }
    Entry::new(operation, &actor.name, details)
        .on(mapping.connection_id)
        .into()
}

/// What somebody has written into the database by hand may be anything.
pub(crate) fn definition(mapping: &store::FolderMapping) -> Result<MappingDefinition> {
    serde_json::from_value(mapping.definition.clone()).map_err(|error| {
        Error::Internal(format!(
            "what the database holds of the folder mapping {} can't be read: {error}",
            mapping.id
        ))
    })
}

fn named<T>(result: courier_store::Result<T>, name: &str, id: Uuid) -> Result<T> {
    match result {
        Err(courier_store::Error::Duplicate { .. }) => Err(Error::Duplicate {
            what: "folder mapping of this connection",
            name: name.into(),
        }),
        Err(courier_store::Error::NotFound { what }) if what == NOUN => Err(Error::not_found(NOUN, id)),
        Err(courier_store::Error::Conflict(message)) => Err(Error::Conflict(message)),
        result => Ok(result?),
    }
}
