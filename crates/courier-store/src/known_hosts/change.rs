//! Changes of what a connection trusts. Each holds the connection's row locked, so that they come one after the other.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Set,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::{KnownHost, pins};
use crate::{
    Error, Result, Store,
    audit::NewAudit,
    connections::{self, Seen},
    entities::{
        connections::{Entity as Connections, Model as Connection},
        known_hosts::{ActiveModel, Column, Entity, Model},
    },
    ids::{now, stamp},
    row,
};

/// How many keys without trust a connection remembers: a server that shows a new one each time fills no disk.
const REMEMBERED: u64 = 16;

pub(super) async fn pin_first(
    store: &Store,
    seen: Seen,
    key_type: &str,
    fingerprint: &str,
    record: NewAudit,
) -> Result<bool> {
    store
        .transact(async |db| {
            let connection = lock_unchanged(db, seen).await?;
            let pins = Entity::find()
                .filter(Column::ConnectionId.eq(connection))
                .filter(Column::Pinned.eq(true));
            if pins.count(db).await? > 0 {
                return Ok(false);
            }
            present(db, connection, key_type, fingerprint).await?;
            pin(db, connection, fingerprint, "system").await?;
            store.append_audit(db, vec![record]).await?;
            Ok(true)
        })
        .await
}

pub(super) async fn record_presented(
    store: &Store,
    seen: Seen,
    key_type: &str,
    fingerprint: &str,
) -> Result<()> {
    store
        .transact(async |db| {
            let connection = lock_unchanged(db, seen).await?;
            present(db, connection, key_type, fingerprint).await?;
            let too_old: Vec<Uuid> = Entity::find()
                .select_only()
                .column(Column::Id)
                .filter(Column::ConnectionId.eq(connection))
                .filter(Column::Pinned.eq(false))
                .order_by_desc(Column::LastSeen)
                .offset(REMEMBERED)
                .limit(1000)
                .into_tuple()
                .all(db)
                .await?;
            if !too_old.is_empty() {
                Entity::delete_many()
                    .filter(Column::Id.is_in(too_old))
                    .exec(db)
                    .await?;
            }
            Ok(())
        })
        .await
}

pub(super) async fn touch(store: &Store, connection: Uuid, key_type: &str, fingerprint: &str) -> Result<()> {
    Entity::update_many()
        .set(presented_now(key_type))
        .filter(Column::ConnectionId.eq(connection))
        .filter(Column::Fingerprint.eq(fingerprint))
        .exec(store.write())
        .await?;
    Ok(())
}

pub(super) async fn approve(
    store: &Store,
    connection: Uuid,
    fingerprint: &str,
    by: &str,
    add: bool,
    record: impl FnOnce(&[KnownHost], &KnownHost) -> NewAudit,
) -> Result<KnownHost> {
    store
        .transact(async |db| {
            lock(db, connection).await?;
            let before = pins(db, connection).await?;
            let presented = find(db, connection, fingerprint)
                .await?
                .filter(|row| row.last_seen.is_some());
            let presented = presented.ok_or(Error::NotFound {
                what: "host key that this connection's server has presented",
            })?;
            if !add {
                // A pin of unknown type was entered by hand and never seen: it goes as well.
                let same_type = Column::KeyType
                    .eq(presented.key_type)
                    .or(Column::KeyType.is_null());
                let others = Column::ConnectionId
                    .eq(connection)
                    .and(same_type)
                    .and(Column::Fingerprint.ne(fingerprint));
                unpin(db, others).await?;
            }
            pin(db, connection, fingerprint, by).await?;
            connections::decided(db, connection).await?;
            let row = find(db, connection, fingerprint).await?;
            let approved = row.ok_or(Error::NotFound { what: "host key" })?.try_into()?;
            store.append_audit(db, vec![record(&before, &approved)]).await?;
            Ok(approved)
        })
        .await
}

/// Makes a fingerprint the only pin of a connection, within a transaction that has it locked.
pub(crate) async fn pin_only(
    db: &impl ConnectionTrait,
    connection: Uuid,
    fingerprint: &str,
    by: &str,
) -> Result<()> {
    unpin(
        db,
        Column::ConnectionId
            .eq(connection)
            .and(Column::Fingerprint.ne(fingerprint)),
    )
    .await?;
    if find(db, connection, fingerprint).await?.is_none() {
        insert(db, connection, None, fingerprint).await?;
    }
    pin(db, connection, fingerprint, by).await
}

/// Forgets all host keys of a connection.
pub(crate) async fn clear(db: &impl ConnectionTrait, connection: Uuid) -> Result<()> {
    Entity::delete_many()
        .filter(Column::ConnectionId.eq(connection))
        .exec(db)
        .await?;
    Ok(())
}

/// From here on to the end of the transaction nobody else changes what this connection trusts.
async fn lock(db: &impl ConnectionTrait, connection: Uuid) -> Result<Connection> {
    let found = Connections::find_by_id(connection)
        .lock_exclusive()
        .one(db)
        .await?;
    found.ok_or(Error::NotFound { what: "connection" })
}

/// The same, for what a server has shown: it counts only while the connection is as it was when it connected there.
async fn lock_unchanged(db: &impl ConnectionTrait, seen: Seen) -> Result<Uuid> {
    let now = lock(db, seen.id).await?;
    if now.updated_at != seen.updated_at.as_microsecond() {
        let message = "the connection was changed while it connected; connect again";
        return Err(Error::Conflict(message.into()));
    }
    Ok(now.id)
}

async fn find(db: &impl ConnectionTrait, connection: Uuid, fingerprint: &str) -> Result<Option<Model>> {
    let row = Entity::find()
        .filter(Column::ConnectionId.eq(connection))
        .filter(Column::Fingerprint.eq(fingerprint));
    Ok(row.one(db).await?)
}

/// Remembers that a key was presented now.
async fn present(
    db: &impl ConnectionTrait,
    connection: Uuid,
    key_type: &str,
    fingerprint: &str,
) -> Result<()> {
    match find(db, connection, fingerprint).await? {
        None => insert(db, connection, Some(key_type), fingerprint).await,
        Some(row) => {
            Entity::update_many()
                .set(presented_now(key_type))
                .filter(Column::Id.eq(row.id))
                .exec(db)
                .await?;
            Ok(())
        }
    }
}

fn presented_now(key_type: &str) -> ActiveModel {
    ActiveModel {
        key_type: Set(Some(row::clean(key_type))),
        last_seen: Set(Some(now().as_microsecond())),
        ..Default::default()
    }
}

/// A key type that is known was presented.
async fn insert(
    db: &impl ConnectionTrait,
    connection: Uuid,
    key_type: Option<&str>,
    fingerprint: &str,
) -> Result<()> {
    let (id, at) = stamp();
    let row = Model {
        id,
        connection_id: connection,
        key_type: key_type.map(row::clean),
        fingerprint: row::clean(fingerprint),
        pinned: false,
        pinned_at: None,
        first_seen: at.as_microsecond(),
        last_seen: key_type.map(|_| at.as_microsecond()),
        approved_by: None,
    };
    Entity::insert(row.into_active_model().reset_all())
        .exec_without_returning(db)
        .await?;
    Ok(())
}

async fn pin(db: &impl ConnectionTrait, connection: Uuid, fingerprint: &str, by: &str) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::Pinned, Expr::value(true))
        .col_expr(Column::PinnedAt, Expr::value(now().as_microsecond()))
        .col_expr(Column::ApprovedBy, Expr::value(by))
        .filter(Column::ConnectionId.eq(connection))
        .filter(Column::Fingerprint.eq(fingerprint))
        .exec(db)
        .await?;
    Ok(())
}

/// Takes the trust away. A key that was presented is remembered and can be approved again; one that was only entered
/// goes.
async fn unpin(db: &impl ConnectionTrait, which: Expr) -> Result<()> {
    Entity::delete_many()
        .filter(which.clone())
        .filter(Column::LastSeen.is_null())
        .exec(db)
        .await?;
    Entity::update_many()
        .col_expr(Column::Pinned, Expr::value(false))
        .col_expr(Column::PinnedAt, Expr::value(None::<i64>))
        .col_expr(Column::ApprovedBy, Expr::value(None::<String>))
        .filter(which)
        .filter(Column::Pinned.eq(true))
        .exec(db)
        .await?;
    Ok(())
}
