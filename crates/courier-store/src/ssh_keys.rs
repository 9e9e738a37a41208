//! SSH keys (specification 6.8). The private half comes sealed, and leaves only by [`SshKeys::private_key`].

use jiff::Timestamp;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, NotSet, QueryFilter,
    QueryOrder, QuerySelect, Set,
    sea_query::{Expr, Query},
};
use uuid::Uuid;

use crate::{
    Error, Page, PageRequest, Result, Store,
    audit::NewAudit,
    connection_keys::KeyUse,
    connections::ConnectionStatus,
    entities::{
        connection_keys, connections,
        ssh_keys::{ActiveModel, Column, Entity, Model},
    },
    ids::{new_id, now},
    page::Order,
    row,
    words::words,
};

words! {
    /// May a key be used?
    SshKeyStatus {
        /// Yes.
        Active = "active",
        /// No, but it can be put back.
        Retired = "retired",
        /// Its private half is gone.
        Deleted = "deleted",
    }
}

/// SSH keys.
#[derive(Clone, Copy, Debug)]
pub struct SshKeys<'a>(pub(crate) &'a Store);

/// An SSH key, without its private half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshKey {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique among those not deleted.
    pub name: String,
    /// `rsa_3072`, `ed25519`, …
    pub key_type: String,
    /// The public half, OpenSSH format.
    pub public_key: String,
    /// SHA-256 of the public half, unique among those not deleted.
    pub fingerprint: String,
    /// May it be used?
    pub status: SshKeyStatus,
    /// Remarks.
    pub notes: Option<String>,
    /// When it was made or imported.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When a server accepted it last.
    pub last_used_at: Option<Timestamp>,
    /// The connections that use it.
    pub used_by: Vec<Uuid>,
}

/// A key to be kept.
#[derive(Clone)]
pub struct NewSshKey {
    /// Its id, from [`new_id`]: what seals the private half may want it before the store does.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// `rsa_3072`, `ed25519`, …
    pub key_type: String,
    /// The public half, OpenSSH format.
    pub public_key: String,
    /// The private half, sealed.
    pub private_key: Vec<u8>,
    /// SHA-256 of the public half.
    pub fingerprint: String,
    /// Remarks.
    pub notes: Option<String>,
    /// By whom.
    pub created_by: String,
}

impl NewSshKey {
    /// A key to be filled in, with a new id.
    pub fn new(name: impl Into<String>, created_by: impl Into<String>) -> Self {
        Self {
            id: new_id(),
            name: name.into(),
            key_type: String::new(),
            public_key: String::new(),
            private_key: Vec::new(),
            fingerprint: String::new(),
            notes: None,
            created_by: created_by.into(),
        }
    }
}

impl std::fmt::Debug for NewSshKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewSshKey")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A key in use, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgingKey {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl SshKeys<'_> {
    /// Active keys that were made before this, and that a connection which may be used signs in with; the oldest first, so
    /// many at most.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Unavailable`].
    pub async fn aging(&self, before: Timestamp, limit: u64) -> Result<Vec<AgingKey>> {
        let usable = Query::select()
            .column(connections::Column::Id)
            .from(connections::Entity)
            .and_where(connections::Column::Status.eq(ConnectionStatus::Active.as_str()))
            .take();
        let used = Query::select()
            .column(connection_keys::Column::SshKeyId)
            .from(connection_keys::Entity)
            .and_where(connection_keys::Column::Status.eq(KeyUse::Active.as_str()))
            .and_where(connection_keys::Column::ConnectionId.in_subquery(usable))
            .take();
        let rows: Vec<(Uuid, String, i64)> = Entity::find()
            .select_only()
            .columns([Column::Id, Column::Name, Column::CreatedAt])
            .filter(Column::Status.eq(SshKeyStatus::Active.as_str()))
            .filter(Column::CreatedAt.lt(before.as_microsecond()))
            .filter(Column::Id.in_subquery(used))
            .order_by_asc(Column::CreatedAt)
            .limit(limit)
            .into_tuple()
            .all(self.0.read())
            .await?;
        let keys = rows.into_iter().map(|(id, name, created_at)| {
            Ok(AgingKey {
                id,
                name,
                created_at: row::time(created_at)?,
            })
        });
        keys.collect()
    }

    /// Keeps a new key, active, with the audit record of it.
    ///
    /// # Errors
    /// [`Error::Duplicate`] for the name or the fingerprint.
    pub async fn insert(&self, key: NewSshKey, record: impl FnOnce(&SshKey) -> NewAudit) -> Result<SshKey> {
        let row = Model {
            id: key.id,
            name: key.name,
            key_type: key.key_type,
            public_key: key.public_key,
            private_key: Some(key.private_key),
            fingerprint: key.fingerprint,
            status: SshKeyStatus::Active.as_str().into(),
            notes: key.notes.as_deref().map(row::clean),
            created_at: now().as_microsecond(),
            created_by: key.created_by,
            last_used_at: None,
        };
        let key = SshKey::from_row(Vec::new(), row.clone())?;
        let record = record(&key);
        self.0
            .transact(async |db| {
                Entity::insert(row.into_active_model().reset_all())
                    .exec_without_returning(db)
                    .await?;
                self.0.append_audit(db, vec![record]).await
            })
            .await?;
        Ok(key)
    }

    /// One key that isn't deleted.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, id: Uuid) -> Result<SshKey> {
        one(self.0.read(), id).await
    }

    /// What these keys are and were, also those that are deleted, in no order.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Unavailable`].
    pub async fn of_any_status(&self, ids: &[Uuid]) -> Result<Vec<SshKey>> {
        let rows = Entity::find()
            .filter(Column::Id.is_in(ids.iter().copied()))
            .all(self.0.read())
            .await?;
        complete(self.0.read(), rows).await
    }

    /// The key of this fingerprint that isn't deleted.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Unavailable`].
    pub async fn by_fingerprint(&self, fingerprint: &str) -> Result<Option<SshKey>> {
        let row = Entity::find()
            .filter(Column::Fingerprint.eq(fingerprint))
            .filter(kept())
            .one(self.0.read())
            .await?;
        Ok(complete(self.0.read(), row.into_iter().collect()).await?.pop())
    }

    /// Keys of one status, oldest first, also of those that are deleted; without one, all that aren't.
    ///
    /// # Errors
    /// [`Error::BadCursor`].
    pub async fn list(&self, status: Option<SshKeyStatus>, page: &PageRequest) -> Result<Page<SshKey>> {
        let query = Entity::find().filter(match status {
            Some(status) => Column::Status.eq(status.as_str()),
            None => kept(),
        });
        let rows = page
            .apply(query, Column::Id, Order::OldestFirst)?
            .all(self.0.read())
            .await?;
        let Page { items, next_cursor } = page.page(rows, |row| row.id);
        Ok(Page {
            items: complete(self.0.read(), items).await?,
            next_cursor,
        })
    }

    /// The private half, sealed.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for a deleted key.
    pub async fn private_key(&self, id: Uuid) -> Result<Vec<u8>> {
        let sealed: Option<Option<Vec<u8>>> = Entity::find_by_id(id)
            .filter(kept())
            .select_only()
            .column(Column::PrivateKey)
            .into_tuple()
            .one(self.0.read())
            .await?;
        sealed.flatten().ok_or(NOT_FOUND)
    }

    /// Changes the name, where given, and the notes, where given (`Some(None)` clears them), with the audit record of
    /// what the key was and is.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Duplicate`] for the name.
    pub async fn update(
        &self,
        id: Uuid,
        name: Option<&str>,
        notes: Option<Option<&str>>,
        record: impl FnOnce(&SshKey, &SshKey) -> NewAudit,
    ) -> Result<SshKey> {
        let change = ActiveModel {
            name: name.map_or(NotSet, |name| Set(name.into())),
            notes: notes.map_or(NotSet, |notes| Set(notes.map(row::clean))),
            ..Default::default()
        };
        self.change(id, change, record).await
    }

    /// Retires a key, or puts it back, with the audit record of it: a connection that uses it keeps it, and goes without
    /// it until then.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] for [`SshKeyStatus::Deleted`], which is [`Self::delete`]'s.
    pub async fn set_status(
        &self,
        id: Uuid,
        status: SshKeyStatus,
        record: impl FnOnce(&SshKey) -> NewAudit,
    ) -> Result<SshKey> {
        if status == SshKeyStatus::Deleted {
            return Err(Error::Conflict(
                "a key is deleted by erasing it, not by its status".into(),
            ));
        }
        let change = ActiveModel {
            status: Set(status.as_str().into()),
            ..Default::default()
        };
        self.change(id, change, |_, key| record(key)).await
    }

    /// Erases the private half, with the audit record of it. What the key was stays, so that records of it can be
    /// understood; its name and fingerprint are free again.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::InUse`] with the names of the connections that use it.
    pub async fn delete(&self, id: Uuid, record: impl FnOnce(&SshKey) -> NewAudit) -> Result<()> {
        self.0
            .transact(async |db| {
                let row = locked(db, id).await?;
                let by = users(db, id).await?;
                if !by.is_empty() {
                    return Err(Error::InUse { what: "SSH key", by });
                }
                Entity::update_many()
                    .col_expr(Column::Status, Expr::value(SshKeyStatus::Deleted.as_str()))
                    .col_expr(Column::PrivateKey, Expr::value(None::<Vec<u8>>))
                    .filter(Column::Id.eq(id))
                    .exec(db)
                    .await?;
                let record = record(&SshKey::from_row(Vec::new(), row)?);
                self.0.append_audit(db, vec![record]).await
            })
            .await
    }

    /// Notes that a server accepted the key now.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Unavailable`]; a key that isn't there is none.
    pub async fn touch(&self, id: Uuid) -> Result<()> {
        Entity::update_many()
            .col_expr(Column::LastUsedAt, Expr::value(now().as_microsecond()))
            .filter(Column::Id.eq(id))
            .exec(self.0.write())
            .await?;
        Ok(())
    }

    async fn change(
        &self,
        id: Uuid,
        change: ActiveModel,
        record: impl FnOnce(&SshKey, &SshKey) -> NewAudit,
    ) -> Result<SshKey> {
        self.0
            .transact(async |db| {
                let before = SshKey::from_row(Vec::new(), locked(db, id).await?)?;
                if change.is_changed() {
                    Entity::update_many()
                        .set(change)
                        .filter(Column::Id.eq(id))
                        .exec(db)
                        .await?;
                }
                let after = one(db, id).await?;
                self.0.append_audit(db, vec![record(&before, &after)]).await?;
                Ok(after)
            })
            .await
    }
}

const NOT_FOUND: Error = Error::NotFound { what: "SSH key" };

fn kept() -> sea_orm::sea_query::SimpleExpr {
    Column::Status.ne(SshKeyStatus::Deleted.as_str())
}

async fn one(db: &impl ConnectionTrait, id: Uuid) -> Result<SshKey> {
    let row = Entity::find_by_id(id).filter(kept()).one(db).await?;
    complete(db, row.into_iter().collect())
        .await?
        .pop()
        .ok_or(NOT_FOUND)
}

/// A key's row, which nobody else changes or gives to a connection until the end of the transaction.
async fn locked(db: &impl ConnectionTrait, id: Uuid) -> Result<Model> {
    let row = Entity::find_by_id(id).filter(kept()).lock_exclusive().one(db);
    row.await?.ok_or(NOT_FOUND)
}

/// The keys of these rows, each with the connections that use it.
async fn complete(db: &impl ConnectionTrait, rows: Vec<Model>) -> Result<Vec<SshKey>> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let uses = active_uses(db, &ids).await?;
    let used_by = |key: Uuid| {
        uses.iter()
            .filter(|(used, _)| *used == key)
            .map(|(_, by)| *by)
            .collect()
    };
    rows.into_iter()
        .map(|row| SshKey::from_row(used_by(row.id), row))
        .collect()
}

/// The names of the connections that use a key.
async fn users(db: &impl ConnectionTrait, key: Uuid) -> Result<Vec<String>> {
    let ids = connection_keys::Entity::find()
        .select_only()
        .column(connection_keys::Column::ConnectionId)
        .filter(connection_keys::Column::SshKeyId.eq(key))
        .filter(connection_keys::Column::Status.eq(KeyUse::Active.as_str()))
        .into_tuple::<Uuid>()
        .all(db)
        .await?;
    let names = connections::Entity::find()
        .select_only()
        .column(connections::Column::Name)
        .filter(connections::Column::Id.is_in(ids))
        .order_by_asc(connections::Column::Name);
    Ok(names.into_tuple().all(db).await?)
}

/// Pairs of key and connection.
async fn active_uses(db: &impl ConnectionTrait, keys: &[Uuid]) -> Result<Vec<(Uuid, Uuid)>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let uses = connection_keys::Entity::find()
        .select_only()
        .column(connection_keys::Column::SshKeyId)
        .column(connection_keys::Column::ConnectionId)
        .filter(connection_keys::Column::SshKeyId.is_in(keys.iter().copied()))
        .filter(connection_keys::Column::Status.eq(KeyUse::Active.as_str()))
        .order_by_asc(connection_keys::Column::Id);
    Ok(uses.into_tuple().all(db).await?)
}

impl SshKey {
    fn from_row(used_by: Vec<Uuid>, row: Model) -> Result<Self> {
        Ok(Self {
            id: row.id,
            name: row.name,
            key_type: row.key_type,
            public_key: row.public_key,
            fingerprint: row.fingerprint,
            status: row::word("ssh_keys.status", &row.status)?,
            notes: row.notes,
            created_at: row::time(row.created_at)?,
            created_by: row.created_by,
            last_used_at: row::maybe_time(row.last_used_at)?,
            used_by,
        })
    }
}
