//! Connections out of their rows.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::Value;
use uuid::Uuid;

use super::{Connection, SeenCertificate};
use crate::{
    Error, Result,
    connection_keys::KeyUse,
    entities::{connection_keys, connection_secrets, connections, known_hosts},
    row,
};

pub(super) async fn get(db: &impl ConnectionTrait, id: Uuid) -> Result<Connection> {
    let row = connections::Entity::find_by_id(id).one(db).await?;
    complete(db, row.into_iter().collect())
        .await?
        .pop()
        .ok_or(Error::NotFound { what: "connection" })
}

/// Adds what stands in other tables, with one query for each, however many connections there are.
pub(super) async fn complete(
    db: &impl ConnectionTrait,
    rows: Vec<connections::Model>,
) -> Result<Vec<Connection>> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut secrets = by_connection(secrets(db, &ids).await?);
    let mut keys = by_connection(keys(db, &ids).await?);
    let mut pins = by_connection(pins(db, &ids).await?);
    rows.into_iter()
        .map(|row| {
            let id = row.id;
            let mut connection = plain(row)?;
            connection.secrets = secrets.remove(&id).unwrap_or_default();
            connection.ssh_key_ids = keys.remove(&id).unwrap_or_default();
            connection.pinned_fingerprint = pins.remove(&id).unwrap_or_default().into_iter().next();
            Ok(connection)
        })
        .collect()
}

fn by_connection<T>(rows: Vec<(Uuid, T)>) -> HashMap<Uuid, Vec<T>> {
    let mut sorted: HashMap<Uuid, Vec<T>> = HashMap::new();
    for (connection, value) in rows {
        sorted.entry(connection).or_default().push(value);
    }
    sorted
}

async fn secrets(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<(Uuid, String)>> {
    use connection_secrets::{Column, Entity};
    let fields = Entity::find()
        .select_only()
        .columns([Column::ConnectionId, Column::Field])
        .filter(Column::ConnectionId.is_in(ids.iter().copied()))
        .order_by_asc(Column::Field);
    Ok(fields.into_tuple().all(db).await?)
}

async fn keys(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<(Uuid, Uuid)>> {
    use connection_keys::{Column, Entity};
    let keys = Entity::find()
        .select_only()
        .columns([Column::ConnectionId, Column::SshKeyId])
        .filter(Column::ConnectionId.is_in(ids.iter().copied()))
        .filter(Column::Status.eq(KeyUse::Active.as_str()))
        .order_by_desc(Column::Id);
    Ok(keys.into_tuple().all(db).await?)
}

async fn pins(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<(Uuid, String)>> {
    use known_hosts::{Column, Entity};
    let pins = Entity::find()
        .select_only()
        .columns([Column::ConnectionId, Column::Fingerprint])
        .filter(Column::ConnectionId.is_in(ids.iter().copied()))
        .filter(Column::Pinned.eq(true))
        .order_by_desc(Column::PinnedAt);
    Ok(pins.into_tuple().all(db).await?)
}

fn plain(row: connections::Model) -> Result<Connection> {
    let settings = match row.settings {
        Value::Object(settings) => settings,
        _ => {
            return Err(Error::Database(DbErr::Type(
                "connections.settings holds no object".into(),
            )));
        }
    };
    let server_certificate = match row.server_cert_not_after {
        None => None,
        Some(not_after) => Some(SeenCertificate {
            subject: row.server_cert_subject.unwrap_or_default(),
            issuer: row.server_cert_issuer.unwrap_or_default(),
            thumbprint: row.server_cert_thumbprint.unwrap_or_default(),
            not_after: row::time(not_after)?,
        }),
    };
    Ok(Connection {
        id: row.id,
        name: row.name,
        group: row.group,
        protocol: row.protocol,
        host: row.host,
        port: row.port.and_then(|port| u16::try_from(port).ok()),
        auth_method: row::word("connections.auth_method", &row.auth_method)?,
        username: row.username,
        base_path: row.base_path,
        host_key_policy: row::word("connections.host_key_policy", &row.host_key_policy)?,
        status: row::word("connections.status", &row.status)?,
        settings,
        notes: row.notes,
        health: row::word("connections.health", &row.health)?,
        health_detail: row.health_detail,
        waits_for_host_key: row.waits_for_host_key,
        last_ok_at: row::maybe_time(row.last_ok_at)?,
        secrets: Vec::new(),
        ssh_key_ids: Vec::new(),
        pinned_fingerprint: None,
        server_certificate,
        client_certificate_not_after: row::maybe_time(row.client_cert_not_after)?,
        created_at: row::time(row.created_at)?,
        updated_at: row::time(row.updated_at)?,
    })
}
