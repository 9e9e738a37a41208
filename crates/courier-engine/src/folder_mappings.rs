//! Folder mappings: folders of connections from which each file is pulled once.

mod definition;

use courier_store::folder_mappings as store;
pub use courier_store::{connections::Health, folder_mappings::FolderMappingFilter};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{Engine, Error, Result};

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
    /// When it is due; none where it pulls only when somebody asks.
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
    /// One.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, id: Uuid) -> Result<FolderMapping> {
        let mapping = named(self.0.0.store.folder_mappings().get(id).await, "", id)?;
        shown(mapping)
    }
}

/// What somebody has written into the database by hand may be anything.
fn definition(mapping: &store::FolderMapping) -> Result<MappingDefinition> {
    serde_json::from_value(mapping.definition.clone()).map_err(|error| {
        Error::Internal(format!(
            "what the database holds of the folder mapping {} can't be read: {error}",
            mapping.id
        ))
    })
}

fn shown(mapping: store::FolderMapping) -> Result<FolderMapping> {
    Ok(FolderMapping {
        definition: definition(&mapping)?,
        id: mapping.id,
        connection_id: mapping.connection_id,
        name: mapping.name,
        enabled: mapping.enabled,
        next_run_at: mapping.next_run_at,
        last_run_at: mapping.last_run_at,
        last_execution: mapping.last_execution,
        failures: mapping.failures,
        health: mapping.health,
        health_code: mapping.health_code,
        health_detail: mapping.health_detail,
        last_ok_at: mapping.last_ok_at,
        failing_since: mapping.failing_since,
        warnings: Vec::new(),
        created_at: mapping.created_at,
        updated_at: mapping.updated_at,
    })
}

fn named<T>(result: courier_store::Result<T>, name: &str, id: Uuid) -> Result<T> {
    match result {
        Err(courier_store::Error::Duplicate { .. }) => Err(Error::Duplicate {
            what: "folder mapping of this connection",
            name: name.into(),
        }),
        Err(courier_store::Error::NotFound {
            what: "folder mapping",
        }) => Err(Error::not_found("folder mapping", id)),
        Err(courier_store::Error::Conflict(message)) => Err(Error::Conflict(message)),
        result => Ok(result?),
    }
}
