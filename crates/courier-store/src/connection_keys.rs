//! Which SSH keys a connection uses: several may be active, so that a key can be replaced without a gap.

use jiff::Timestamp;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, sea_query::Expr,
};
use uuid::Uuid;

use crate::{
    Error, Result, Store,
    audit::NewAudit,
    entities::{
        connection_keys::{Column, Entity, Model},
        connections, ssh_keys,
    },
    ids::{now, stamp},
    row,
    ssh_keys::SshKeyStatus,
    words::words,
};

words! {
    /// Does a connection use the key?
    KeyUse {
        /// Yes.
        Active = "active",
        /// Not any more.
        Revoked = "revoked",
    }
}

/// Keys of connections.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionKeys<'a>(pub(crate) &'a Store);

/// A key that a connection uses or has used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionKey {
    /// The connection.
    pub connection_id: Uuid,
    /// The key.
    pub ssh_key_id: Uuid,
    /// Since when.
    pub added_at: Timestamp,
    /// By whom.
    pub added_by: String,
    /// Does it still?
    pub status: KeyUse,
    /// Until when.
    pub revoked_at: Option<Timestamp>,
    /// When the server accepted the key on this connection last.
    pub last_used_at: Option<Timestamp>,
}

/// A key that a connection may log in with now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsableKey {
    /// The key.
    pub ssh_key_id: Uuid,
    /// Its name.
    pub name: String,
    /// `rsa_3072`, `ed25519`, …
    pub key_type: String,
    /// When the server accepted it on this connection last.
    pub last_used_at: Option<Timestamp>,
}

impl ConnectionKeys<'_> {
    /// Lets a connection use a key, with the audit record of it.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the connection or the key; [`Error::Conflict`] for a key that isn't active;
    /// [`Error::Duplicate`] where it uses the key already.
    pub async fn add(
        &self,
        connection: Uuid,
        key: Uuid,
        by: &str,
        record: NewAudit,
    ) -> Result<ConnectionKey> {
        self.0
            .transact(async |db| {
                let known = connections::Entity::find_by_id(connection)
                    .lock_shared()
                    .one(db)
                    .await?;
                known.ok_or(Error::NotFound { what: "connection" })?;
                let row = add(db, connection, key, by).await?;
                self.0.append_audit(db, vec![record]).await?;
                row.try_into()
            })
            .await
    }

    /// Takes a key from a connection, with the audit record of it. The entry stays, revoked.
    ///
    /// `decide` is given what the connection may log in with until then, newest first, and answers with the record, or
    /// with the reason why the key stays. Of two that are taken at once, the second is decided about without the first.
    ///
    /// # Errors
    /// [`Error::NotFound`] where the connection doesn't use the key; [`Error::Conflict`] with that reason.
    pub async fn revoke(
        &self,
        connection: Uuid,
        key: Uuid,
        decide: impl FnOnce(&[UsableKey]) -> std::result::Result<NewAudit, String>,
    ) -> Result<ConnectionKey> {
        const NOT_FOUND: Error = Error::NotFound {
            what: "key of this connection",
        };
        self.0
            .transact(async |db| {
                connections::Entity::find_by_id(connection)
                    .lock_exclusive()
                    .one(db)
                    .await?
                    .ok_or(NOT_FOUND)?;
                let usable = usable(db, connection).await?;
                if revoke(db, connection, &[key]).await? == 0 {
                    return Err(NOT_FOUND);
                }
                let record = decide(&usable).map_err(Error::Conflict)?;
                let row = of(connection).filter(Column::SshKeyId.eq(key)).one(db).await?;
                self.0.append_audit(db, vec![record]).await?;
                row.ok_or(NOT_FOUND)?.try_into()
            })
            .await
    }

    /// The keys that a connection uses or has used, newest first.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Unavailable`].
    pub async fn list(&self, connection: Uuid) -> Result<Vec<ConnectionKey>> {
        of(connection)
            .all(self.0.read())
            .await?
            .into_iter()
            .map(ConnectionKey::try_from)
            .collect()
    }

    /// The keys that a connection uses and that are themselves active, newest first: what it may log in with.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub async fn usable(&self, connection: Uuid) -> Result<Vec<Uuid>> {
        let usable = usable(self.0.read(), connection).await?;
        Ok(usable.into_iter().map(|key| key.ssh_key_id).collect())
    }

    /// Notes that the server accepted the key on this connection now, here and on the key itself.
    ///
    /// # Errors
    /// As [`Self::list`]; a key that isn't there is none.
    pub async fn touch(&self, connection: Uuid, key: Uuid) -> Result<()> {
        let at = now().as_microsecond();
        self.0
            .transact(async |db| {
                Entity::update_many()
                    .col_expr(Column::LastUsedAt, Expr::value(at))
                    .filter(Column::ConnectionId.eq(connection))
                    .filter(Column::SshKeyId.eq(key))
                    .filter(Column::Status.eq(KeyUse::Active.as_str()))
                    .exec(db)
                    .await?;
                ssh_keys::Entity::update_many()
                    .col_expr(ssh_keys::Column::LastUsedAt, Expr::value(at))
                    .filter(ssh_keys::Column::Id.eq(key))
                    .exec(db)
                    .await?;
                Ok(())
            })
            .await
    }
}

/// Makes exactly these keys the active ones of a connection; those that stay keep their entries.
pub(crate) async fn replace(
    db: &impl ConnectionTrait,
    connection: Uuid,
    keys: &[Uuid],
    by: &str,
) -> Result<()> {
    let before = active(db, connection).await?;
    let gone: Vec<Uuid> = before.iter().copied().filter(|key| !keys.contains(key)).collect();
    revoke(db, connection, &gone).await?;
    for (place, key) in keys.iter().enumerate() {
        let twice = keys.iter().take(place).any(|earlier| earlier == key);
        if !twice && !before.contains(key) {
            add(db, connection, *key, by).await?;
        }
    }
    Ok(())
}

/// What a connection may log in with, newest first.
async fn usable(db: &impl ConnectionTrait, connection: Uuid) -> Result<Vec<UsableKey>> {
    let used = of(connection)
        .filter(Column::Status.eq(KeyUse::Active.as_str()))
        .all(db)
        .await?;
    let active: Vec<(Uuid, String, String)> = ssh_keys::Entity::find()
        .select_only()
        .columns([
            ssh_keys::Column::Id,
            ssh_keys::Column::Name,
            ssh_keys::Column::KeyType,
        ])
        .filter(ssh_keys::Column::Id.is_in(used.iter().map(|entry| entry.ssh_key_id)))
        .filter(ssh_keys::Column::Status.eq(SshKeyStatus::Active.as_str()))
        .into_tuple()
        .all(db)
        .await?;
    used.into_iter()
        .filter_map(|entry| {
            let (id, name, key_type) = active.iter().find(|(id, ..)| *id == entry.ssh_key_id)?;
            Some(row::maybe_time(entry.last_used_at).map(|last_used_at| UsableKey {
                ssh_key_id: *id,
                name: name.clone(),
                key_type: key_type.clone(),
                last_used_at,
            }))
        })
        .collect()
}

/// The keys that a connection uses, newest first.
async fn active(db: &impl ConnectionTrait, connection: Uuid) -> Result<Vec<Uuid>> {
    let keys = of(connection)
        .select_only()
        .column(Column::SshKeyId)
        .filter(Column::Status.eq(KeyUse::Active.as_str()));
    Ok(keys.into_tuple().all(db).await?)
}

async fn add(db: &impl ConnectionTrait, connection: Uuid, key: Uuid, by: &str) -> Result<Model> {
    // Locked, so that nobody deletes the key in between.
    let known = ssh_keys::Entity::find_by_id(key).lock_shared().one(db).await?;
    let known = known.filter(|key| key.status != SshKeyStatus::Deleted.as_str());
    let known = known.ok_or(Error::NotFound { what: "SSH key" })?;
    if known.status != SshKeyStatus::Active.as_str() {
        return Err(Error::Conflict(format!(
            "the SSH key \"{}\" is {}, not active",
            known.name, known.status
        )));
    }
    let (id, added_at) = stamp();
    let row = Model {
        id,
        connection_id: connection,
        ssh_key_id: key,
        added_at: added_at.as_microsecond(),
        added_by: by.into(),
        status: KeyUse::Active.as_str().into(),
        revoked_at: None,
        last_used_at: None,
    };
    Entity::insert(row.clone().into_active_model().reset_all())
        .exec_without_returning(db)
        .await?;
    Ok(row)
}

async fn revoke(db: &impl ConnectionTrait, connection: Uuid, keys: &[Uuid]) -> Result<u64> {
    let revoked = Entity::update_many()
        .col_expr(Column::Status, Expr::value(KeyUse::Revoked.as_str()))
        .col_expr(Column::RevokedAt, Expr::value(now().as_microsecond()))
        .filter(Column::ConnectionId.eq(connection))
        .filter(Column::SshKeyId.is_in(keys.iter().copied()))
        .filter(Column::Status.eq(KeyUse::Active.as_str()))
        .exec(db)
        .await?;
    Ok(revoked.rows_affected)
}

fn of(connection: Uuid) -> sea_orm::Select<Entity> {
    Entity::find()
        .filter(Column::ConnectionId.eq(connection))
        .order_by_desc(Column::Id)
}

impl TryFrom<Model> for ConnectionKey {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        Ok(Self {
            connection_id: row.connection_id,
            ssh_key_id: row.ssh_key_id,
            added_at: row::time(row.added_at)?,
            added_by: row.added_by,
            status: row::word("connection_keys.status", &row.status)?,
            revoked_at: row::maybe_time(row.revoked_at)?,
            last_used_at: row::maybe_time(row.last_used_at)?,
        })
    }
}
