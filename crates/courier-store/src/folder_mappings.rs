//! Folder mappings: folders of connections from which each file is pulled once, how they fare, and when they are due.
//!
//! What a mapping says is kept as it is given; the engine alone understands it.

mod claim;
mod health;
mod overview;
mod tick;

pub use claim::Held;
pub(crate) use health::wake;
pub use health::{ConnectionState, Ill, Verdict};
pub use overview::{Ailing, AilingAlone, UpcomingPull};
pub use tick::{Fired, Plan, Then};

use jiff::Timestamp;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Error, Page, PageRequest, Result, Store,
    audit::NewAudit,
    connections::Health,
    entities::{
        connections,
        folder_mappings::{Column, Entity, Model},
    },
    ids::{now, stamp},
    page::Order,
    pulls, row,
};

/// Folder mappings.
#[derive(Clone, Copy, Debug)]
pub struct FolderMappings<'a>(pub(crate) &'a Store);

/// A folder of a connection from which each file is pulled once.
#[derive(Clone, Debug, PartialEq)]
pub struct FolderMapping {
    /// Its id.
    pub id: Uuid,
    /// The connection.
    pub connection_id: Uuid,
    /// Its name, unique within the connection.
    pub name: String,
    /// The storage that files go to.
    pub storage_id: Uuid,
    /// Does it pull by itself?
    pub enabled: bool,
    /// What is pulled, when, and what becomes of it.
    pub definition: Value,
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
    /// Why, in words.
    pub health_detail: Option<String>,
    /// When a pull went well last.
    pub last_ok_at: Option<Timestamp>,
    /// Since when none has.
    pub failing_since: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// A mapping as it is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct FolderMappingInput {
    /// Its name.
    pub name: String,
    /// The storage that files go to.
    pub storage_id: Uuid,
    /// Does it pull by itself?
    pub enabled: bool,
    /// What is pulled, when, and what becomes of it.
    pub definition: Value,
}

/// What becomes of a mapping's health and time when it is changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anew {
    /// When it is due from now on; where nothing is given, as before.
    pub next_run_at: Option<Option<Timestamp>>,
    /// Nothing is known of its health any more: what failed was another one.
    pub health: bool,
}

/// Which mappings are wanted; what is `None` excludes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderMappingFilter {
    /// Of this connection.
    pub connection_id: Option<Uuid>,
    /// To this storage.
    pub storage_id: Option<Uuid>,
    /// In this health.
    pub health: Option<Health>,
    /// That pull by themselves, or don't.
    pub enabled: Option<bool>,
    /// With this in its name, in either case.
    pub search: Option<String>,
}

const NOT_FOUND: Error = Error::NotFound {
    what: "folder mapping",
};

impl FolderMappings<'_> {
    /// Makes a mapping of a connection, due at this time, with the audit record of it.
    ///
    /// # Errors
    /// [`Error::Duplicate`] for the name, [`Error::NotFound`] where the connection or the storage is gone.
    pub async fn insert(
        &self,
        connection_id: Uuid,
        input: FolderMappingInput,
        next_run_at: Option<Timestamp>,
        record: impl FnOnce(&FolderMapping) -> NewAudit,
    ) -> Result<FolderMapping> {
        let (id, at) = stamp();
        let at = at.as_microsecond();
        let due = row::micros(next_run_at);
        let row = Model {
            id,
            connection_id,
            name: row::clean(&input.name),
            storage_id: input.storage_id,
            enabled: input.enabled,
            definition: row::clean_json(input.definition),
            next_run_at: due,
            look_at: due,
            last_run_at: None,
            last_execution: None,
            failures: 0,
            health: Health::Unknown.as_str().into(),
            health_code: None,
            health_detail: None,
            last_ok_at: None,
            failing_since: None,
            created_at: at,
            updated_at: at,
            held_by: None,
            waits_for_connection: false,
        };
        let mapping = FolderMapping::try_from(row.clone())?;
        let record = record(&mapping);
        self.0
            .transact(async |db| {
                Entity::insert(row.into_active_model().reset_all())
                    .exec_without_returning(db)
                    .await?;
                self.0.append_audit(db, vec![record]).await
            })
            .await?;
        Ok(mapping)
    }

    /// Changes a mapping that was changed last at `seen`, with the audit record of what it was and is.
    ///
    /// # Errors
    /// [`Error::NotFound`], also where the storage is gone; [`Error::Duplicate`] for the name; [`Error::Conflict`] where
    /// somebody else has changed it since.
    pub async fn update(
        &self,
        id: Uuid,
        seen: Timestamp,
        input: FolderMappingInput,
        anew: Anew,
        record: impl FnOnce(&FolderMapping, &FolderMapping) -> NewAudit,
    ) -> Result<FolderMapping> {
        self.0
            .transact(async |db| {
                let before = locked(db, id).await?;
                if before.updated_at != seen.as_microsecond() {
                    let message = "somebody else changed the folder mapping in the meantime: look again";
                    return Err(Error::Conflict(message.into()));
                }
                let mut row = Model {
                    name: row::clean(&input.name),
                    storage_id: input.storage_id,
                    enabled: input.enabled,
                    definition: row::clean_json(input.definition),
                    updated_at: now().as_microsecond().max(before.updated_at.saturating_add(1)),
                    ..before.clone()
                };
                if let Some(next_run_at) = anew.next_run_at {
                    row.next_run_at = row::micros(next_run_at);
                    row.look_at = row.next_run_at;
                }
                if anew.health {
                    row.failures = 0;
                    row.health = Health::Unknown.as_str().into();
                    row.health_code = None;
                    row.health_detail = None;
                    row.failing_since = None;
                    row.waits_for_connection = false;
                }
                Entity::update_many()
                    .set(row.clone().into_active_model().reset_all())
                    .filter(Column::Id.eq(id))
                    .exec(db)
                    .await?;
                let (before, after) = (before.try_into()?, row.try_into()?);
                self.0.append_audit(db, vec![record(&before, &after)]).await?;
                Ok(after)
            })
            .await
    }

    /// Deletes a mapping, with the audit record of it. What it has pulled stays pulled; what somebody wanted it to pull anew is
    /// wanted no longer.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] while it pulls.
    pub async fn delete(&self, id: Uuid, record: impl FnOnce(&FolderMapping) -> NewAudit) -> Result<()> {
        self.0
            .transact(async |db| {
                let row = locked(db, id).await?;
                let pulling = tick::pulling(db, std::slice::from_ref(&row)).await?;
                if let Some(execution) = pulling.get(&id) {
                    return Err(Error::Conflict(format!(
                        "the folder mapping is being pulled by the execution {execution}: cancel that, or wait for its end"
                    )));
                }
                let mapping = row.try_into()?;
                Entity::delete_by_id(id).exec(db).await?;
                pulls::forget_mapping(db, id).await?;
                self.0.append_audit(db, vec![record(&mapping)]).await
            })
            .await
    }

    /// One mapping.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, id: Uuid) -> Result<FolderMapping> {
        Entity::find_by_id(id)
            .one(self.0.read())
            .await?
            .ok_or(NOT_FOUND)?
            .try_into()
    }

    /// Mappings, oldest first.
    ///
    /// # Errors
    /// [`Error::BadCursor`].
    pub async fn list(
        &self,
        filter: &FolderMappingFilter,
        page: &PageRequest,
    ) -> Result<Page<FolderMapping>> {
        let mut query = Entity::find();
        if let Some(connection) = filter.connection_id {
            query = query.filter(Column::ConnectionId.eq(connection));
        }
        if let Some(storage) = filter.storage_id {
            query = query.filter(Column::StorageId.eq(storage));
        }
        if let Some(health) = filter.health {
            query = query.filter(Column::Health.eq(health.as_str()));
        }
        if let Some(enabled) = filter.enabled {
            query = query.filter(Column::Enabled.eq(enabled));
        }
        if let Some(text) = &filter.search {
            query = query.filter(row::contains(Column::Name, text));
        }
        let rows = page
            .apply(query, Column::Id, Order::OldestFirst)?
            .all(self.0.read())
            .await?;
        page.page(rows, |row| row.id).try_map(FolderMapping::try_from)
    }

    /// All mappings of these connections, each connection's oldest first.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Unavailable`], as everywhere.
    pub async fn of_connections(&self, connections: &[Uuid]) -> Result<Vec<FolderMapping>> {
        let rows = Entity::find()
            .filter(Column::ConnectionId.is_in(connections.iter().copied()))
            .order_by_asc(Column::ConnectionId)
            .order_by_asc(Column::Id)
            .all(self.0.read())
            .await?;
        rows.into_iter().map(FolderMapping::try_from).collect()
    }

    /// The mappings whose files go to this storage, oldest first, as a refusal names them.
    ///
    /// # Errors
    /// As [`Self::of_connections`].
    pub async fn using_storage(&self, storage: Uuid) -> Result<Vec<String>> {
        using_storage(self.0.read(), storage).await
    }
}

/// The mappings whose files go to this storage, oldest first, as a refusal names them.
pub(crate) async fn using_storage(db: &impl ConnectionTrait, storage: Uuid) -> Result<Vec<String>> {
    let found: Vec<(String, Uuid)> = Entity::find()
        .select_only()
        .column(Column::Name)
        .column(Column::ConnectionId)
        .filter(Column::StorageId.eq(storage))
        .order_by_asc(Column::Id)
        .into_tuple()
        .all(db)
        .await?;
    let of: Vec<(Uuid, String)> = connections::Entity::find()
        .select_only()
        .column(connections::Column::Id)
        .column(connections::Column::Name)
        .filter(connections::Column::Id.is_in(found.iter().map(|(_, connection)| *connection)))
        .into_tuple()
        .all(db)
        .await?;
    let named = |(name, id): (String, Uuid)| match of.iter().find(|(connection, _)| *connection == id) {
        Some((_, connection)) => format!("the folder mapping \"{name}\" of \"{connection}\""),
        None => format!("the folder mapping \"{name}\""),
    };
    Ok(found.into_iter().map(named).collect())
}

/// The mappings of a connection, oldest first, as a refusal names them.
pub(crate) async fn of_connection(db: &impl ConnectionTrait, connection: Uuid) -> Result<Vec<String>> {
    let names: Vec<String> = Entity::find()
        .select_only()
        .column(Column::Name)
        .filter(Column::ConnectionId.eq(connection))
        .order_by_asc(Column::Id)
        .into_tuple()
        .all(db)
        .await?;
    let named = |name: String| format!("the folder mapping \"{name}\"");
    Ok(names.into_iter().map(named).collect())
}

async fn locked(db: &impl ConnectionTrait, id: Uuid) -> Result<Model> {
    let row = Entity::find_by_id(id).lock_exclusive().one(db).await?;
    row.ok_or(NOT_FOUND)
}

impl TryFrom<Model> for FolderMapping {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        Ok(Self {
            id: row.id,
            connection_id: row.connection_id,
            name: row.name,
            storage_id: row.storage_id,
            enabled: row.enabled,
            definition: row.definition,
            next_run_at: row::maybe_time(row.next_run_at)?,
            last_run_at: row::maybe_time(row.last_run_at)?,
            last_execution: row.last_execution,
            failures: row::number(row.failures),
            health: row::word("folder_mappings.health", &row.health)?,
            health_code: row.health_code,
            health_detail: row.health_detail,
            last_ok_at: row::maybe_time(row.last_ok_at)?,
            failing_since: row::maybe_time(row.failing_since)?,
            created_at: row::time(row.created_at)?,
            updated_at: row::time(row.updated_at)?,
        })
    }
}
