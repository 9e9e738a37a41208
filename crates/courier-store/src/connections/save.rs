//! Connections into their rows: each change with all that belongs to it, in one transaction.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, NotSet, QueryFilter,
    QuerySelect, Set, sea_query::OnConflict,
};
use serde_json::Value;
use uuid::Uuid;

use super::{Connection, ConnectionChange, Health, Secret, load};
use crate::{
    Error, Result, Store,
    audit::NewAudit,
    connection_keys,
    entities::{
        connection_secrets,
        connections::{ActiveModel, Column, Entity, Model},
    },
    folder_mappings,
    ids::now,
    jobs, known_hosts, pulls, row,
};

const NOT_FOUND: Error = Error::NotFound { what: "connection" };

pub(super) async fn insert(store: &Store, change: ConnectionChange) -> Result<Connection> {
    let id = change.record.id;
    store
        .transact(async |db| {
            Entity::insert(new_row(&change.record))
                .exec_without_returning(db)
                .await?;
            with_all(store, db, change).await?;
            load::get(db, id).await
        })
        .await
}

pub(super) async fn update(store: &Store, change: ConnectionChange) -> Result<Connection> {
    let id = change.record.id;
    store
        .transact(async |db| {
            let before = Entity::find_by_id(id)
                .lock_exclusive()
                .one(db)
                .await?
                .ok_or(NOT_FOUND)?;
            if let Some(expected) = change.if_updated_at
                && before.updated_at != expected.as_microsecond()
            {
                let message = "somebody else changed the connection in the meantime: look again";
                return Err(Error::Conflict(message.into()));
            }
            if change.reset_health && before.waits_for_host_key && !change.record.waits_for_host_key {
                let message = "its host key has changed in the meantime: look again";
                return Err(Error::Conflict(message.into()));
            }
            let mut row = new_row(&change.record);
            row.created_at = NotSet;
            // Even where another node's clock is ahead, a change is later than the one before it.
            row.updated_at = Set(now().as_microsecond().max(before.updated_at.saturating_add(1)));
            if !change.reset_health {
                row.health = NotSet;
                row.health_detail = NotSet;
                row.waits_for_host_key = NotSet;
                row.last_ok_at = NotSet;
            }
            if !change.forget_certificate {
                row.server_cert_subject = NotSet;
                row.server_cert_issuer = NotSet;
                row.server_cert_thumbprint = NotSet;
                row.server_cert_not_after = NotSet;
            }
            Entity::update_many()
                .set(row)
                .filter(Column::Id.eq(id))
                .exec(db)
                .await?;
            // Before the audit log is locked, as everywhere.
            folder_mappings::wake(db, id, now()).await?;
            with_all(store, db, change).await?;
            load::get(db, id).await
        })
        .await
}

pub(super) async fn delete(store: &Store, id: Uuid, audit: Vec<NewAudit>) -> Result<()> {
    store
        .transact(async |db| {
            Entity::find_by_id(id)
                .lock_exclusive()
                .one(db)
                .await?
                .ok_or(NOT_FOUND)?;
            let jobs = jobs::referencing(db, id).await?;
            let jobs = jobs.into_iter().map(|job| format!("the job \"{}\"", job.name));
            let mut by: Vec<String> = jobs.collect();
            by.extend(folder_mappings::of_connection(db, id).await?);
            if !by.is_empty() {
                return Err(Error::InUse {
                    what: "connection",
                    by,
                });
            }
            Entity::delete_by_id(id).exec(db).await?;
            pulls::forget_connection(db, id).await?;
            store.append_audit(db, audit).await
        })
        .await
}

/// The row of a connection that is new, or whose health begins anew.
fn new_row(record: &Connection) -> ActiveModel {
    let at = now().as_microsecond();
    let text = |text: &Option<String>| text.as_deref().map(row::clean);
    let row = Model {
        id: record.id,
        name: row::clean(&record.name),
        group: text(&record.group),
        protocol: record.protocol.clone(),
        host: text(&record.host),
        port: record.port.map(i32::from),
        auth_method: record.auth_method.as_str().into(),
        username: text(&record.username),
        base_path: text(&record.base_path),
        host_key_policy: record.host_key_policy.as_str().into(),
        status: record.status.as_str().into(),
        settings: row::clean_json(Value::Object(record.settings.clone())),
        notes: text(&record.notes),
        health: Health::Unknown.as_str().into(),
        health_detail: None,
        waits_for_host_key: false,
        last_ok_at: None,
        created_at: at,
        updated_at: at,
        server_cert_subject: None,
        server_cert_issuer: None,
        server_cert_thumbprint: None,
        server_cert_not_after: None,
        client_cert_not_after: row::micros(record.client_certificate_not_after),
    };
    row.into_active_model().reset_all()
}

async fn with_all(store: &Store, db: &impl ConnectionTrait, change: ConnectionChange) -> Result<()> {
    let id = change.record.id;
    for (field, secret) in change.secrets {
        set_secret(db, id, field, secret).await?;
    }
    if let Some(keys) = change.keys {
        connection_keys::replace(db, id, &keys, &change.by).await?;
    }
    if change.clear_pins {
        known_hosts::clear(db, id).await?;
    }
    if let Some(fingerprint) = change.pin {
        known_hosts::pin_only(db, id, &fingerprint, &change.by).await?;
    }
    store.append_audit(db, change.audit).await
}

async fn set_secret(
    db: &impl ConnectionTrait,
    connection_id: Uuid,
    field: String,
    secret: Option<Secret>,
) -> Result<()> {
    use connection_secrets::{Column, Entity, Model};
    let Some(secret) = secret else {
        Entity::delete_by_id((connection_id, field)).exec(db).await?;
        return Ok(());
    };
    let row = Model {
        connection_id,
        field,
        sealed: secret.sealed,
        endpoint: secret.endpoint,
    };
    let replace = OnConflict::columns([Column::ConnectionId, Column::Field])
        .update_columns([Column::Sealed, Column::Endpoint])
        .to_owned();
    Entity::insert(row.into_active_model().reset_all())
        .on_conflict(replace)
        .exec_without_returning(db)
        .await?;
    Ok(())
}
