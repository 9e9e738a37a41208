//! Storages: where pulled files go.

use jiff::Timestamp;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QuerySelect, Set,
};
use uuid::Uuid;

use crate::{
    Error, Page, PageRequest, Result, Store,
    audit::NewAudit,
    entities::{
        pulls,
        storages::{ActiveModel, Column, Entity, Model},
    },
    folder_mappings::using_storage,
    ids::{now, stamp},
    page::Order,
    row,
};

/// Storages.
#[derive(Clone, Copy, Debug)]
pub struct Storages<'a>(pub(crate) &'a Store);

/// A place where pulled files go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// What the credentials are sealed with: scheme, server, bucket.
    pub endpoint: String,
    /// Are there credentials?
    pub has_credentials: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last; later with each change.
    pub updated_at: Timestamp,
}

/// A storage as it is to be.
#[derive(Clone)]
pub struct StorageInput {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// What credentials are sealed with.
    pub endpoint: String,
    /// Credentials, sealed with [`endpoint`](Self::endpoint), or none any more; where nothing is given, they stay.
    pub credentials: Option<Option<Vec<u8>>>,
    /// When it was changed last, as far as the one knows who changes it.
    pub if_updated_at: Option<Timestamp>,
}

impl std::fmt::Debug for StorageInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StorageInput")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

const NOT_FOUND: Error = Error::NotFound { what: "storage" };

impl Storages<'_> {
    /// Makes a storage, with the audit record of it.
    ///
    /// # Errors
    /// [`Error::Duplicate`] for the name.
    pub async fn insert(
        &self,
        new: StorageInput,
        record: impl FnOnce(&Storage) -> NewAudit,
    ) -> Result<Storage> {
        let at = stamp().1.as_microsecond();
        let row = Model {
            id: new.id,
            name: row::clean(&new.name),
            url: row::clean(&new.url),
            credentials: new.credentials.flatten(),
            endpoint: row::clean(&new.endpoint),
            created_at: at,
            updated_at: at,
        };
        let storage = Storage::try_from(row.clone())?;
        let record = record(&storage);
        self.0
            .transact(async |db| {
                Entity::insert(row.into_active_model().reset_all())
                    .exec_without_returning(db)
                    .await?;
                self.0.append_audit(db, vec![record]).await
            })
            .await?;
        Ok(storage)
    }

    /// Changes a storage, with the audit record of it, which is given what was there before and what is there now.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Duplicate`] for the name, [`Error::Conflict`] where somebody else has changed it.
    pub async fn update(
        &self,
        new: StorageInput,
        record: impl FnOnce(&Storage, &Storage) -> NewAudit,
    ) -> Result<Storage> {
        self.0
            .transact(async |db| {
                let before = locked(db, new.id).await?;
                if new
                    .if_updated_at
                    .is_some_and(|seen| seen.as_microsecond() != before.updated_at)
                {
                    let message = "somebody else changed the storage in the meantime: look again";
                    return Err(Error::Conflict(message.into()));
                }
                let mut change = ActiveModel {
                    name: Set(row::clean(&new.name)),
                    url: Set(row::clean(&new.url)),
                    endpoint: Set(row::clean(&new.endpoint)),
                    updated_at: Set(now().as_microsecond().max(before.updated_at.saturating_add(1))),
                    ..Default::default()
                };
                if let Some(credentials) = new.credentials {
                    change.credentials = Set(credentials);
                }
                Entity::update_many()
                    .set(change)
                    .filter(Column::Id.eq(new.id))
                    .exec(db)
                    .await?;
                let after = load(db, new.id).await?;
                let record = record(&before.try_into()?, &after);
                self.0.append_audit(db, vec![record]).await?;
                Ok(after)
            })
            .await
    }

    /// Deletes a storage with its credentials, with the audit record of it. What is stored there stays.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::InUse`] with the folder mappings whose files go there, and the files that are on their way.
    pub async fn delete(&self, id: Uuid, record: impl FnOnce(&Storage) -> NewAudit) -> Result<()> {
        self.0
            .transact(async |db| {
                let storage = Storage::try_from(locked(db, id).await?)?;
                let by = users(db, id).await?;
                if !by.is_empty() {
                    return Err(Error::InUse { what: "storage", by });
                }
                Entity::delete_by_id(id).exec(db).await?;
                self.0.append_audit(db, vec![record(&storage)]).await
            })
            .await
    }

    /// One storage.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, id: Uuid) -> Result<Storage> {
        load(self.0.read(), id).await
    }

    /// The storage of this name.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Unavailable`].
    pub async fn by_name(&self, name: &str) -> Result<Option<Storage>> {
        let named = Entity::find().filter(Column::Name.eq(row::clean(name)));
        named.one(self.0.read()).await?.map(Storage::try_from).transpose()
    }

    /// A storage with its credentials, sealed, as both are at one moment.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn with_credentials(&self, id: Uuid) -> Result<(Storage, Option<Vec<u8>>)> {
        let row = Entity::find_by_id(id)
            .one(self.0.read())
            .await?
            .ok_or(NOT_FOUND)?;
        let credentials = row.credentials.clone();
        Ok((row.try_into()?, credentials))
    }

    /// Storages, oldest first.
    ///
    /// # Errors
    /// [`Error::BadCursor`].
    pub async fn list(&self, page: &PageRequest) -> Result<Page<Storage>> {
        let rows = page
            .apply(Entity::find(), Column::Id, Order::OldestFirst)?
            .all(self.0.read())
            .await?;
        page.page(rows, |row| row.id).try_map(Storage::try_from)
    }

    /// How many there are.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Unavailable`].
    pub async fn count(&self) -> Result<u64> {
        Ok(Entity::find().count(self.0.read()).await?)
    }
}

async fn load(db: &impl ConnectionTrait, id: Uuid) -> Result<Storage> {
    Entity::find_by_id(id).one(db).await?.ok_or(NOT_FOUND)?.try_into()
}

/// The row, which nobody else changes before the transaction ends.
async fn locked(db: &impl ConnectionTrait, id: Uuid) -> Result<Model> {
    let row = Entity::find_by_id(id).lock_exclusive().one(db).await?;
    row.ok_or(NOT_FOUND)
}

/// Who needs the storage, in words.
async fn users(db: &impl ConnectionTrait, id: Uuid) -> Result<Vec<String>> {
    let mut users = using_storage(db, id).await?;
    let on_their_way = pulls::Entity::find()
        .filter(pulls::Column::StorageId.eq(id))
        .filter(pulls::Column::PulledAt.is_null())
        .count(db)
        .await?;
    match on_their_way {
        0 => {}
        1 => users.push("one file that is being pulled".to_owned()),
        files => users.push(format!("{files} files that are being pulled")),
    }
    Ok(users)
}

impl TryFrom<Model> for Storage {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        Ok(Self {
            has_credentials: row.credentials.is_some(),
            id: row.id,
            name: row.name,
            url: row.url,
            endpoint: row.endpoint,
            created_at: row::time(row.created_at)?,
            updated_at: row::time(row.updated_at)?,
        })
    }
}
