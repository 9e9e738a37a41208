//! How connections and their folder mappings fare is told of where it changes, in the transaction that writes it.

use sea_orm::{ConnectionTrait, EntityTrait};
use serde_json::{Value, json};

use super::{AlertKind, Event, Severity, raise::raise};
use crate::{
    Result,
    connections::Health,
    entities::{connections, folder_mappings},
    ids::now,
};

/// A connection's health was written.
pub(crate) async fn health_changed(
    db: &impl ConnectionTrait,
    before: &connections::Model,
    after: Health,
    detail: Option<&str>,
) -> Result<()> {
    let Some(severity) = severity(after) else {
        return Ok(());
    };
    let event = Event {
        kind: AlertKind::ConnectionHealth,
        subject: format!("health:{}", before.id),
        severity,
        job: None,
        connection: Some(before.id),
        mapping: None,
        facts: json!({"connection": {
            "id": before.id,
            "name": before.name,
            "protocol": before.protocol,
            "host": before.host,
            "health": after,
            "health_before": before.health,
            "health_detail": detail,
        }}),
    };
    raise(db, &event, now()).await
}

/// A folder mapping's health was written. What its connection's own health says already is not said again.
pub(crate) async fn mapping_health_changed(
    db: &impl ConnectionTrait,
    before: &folder_mappings::Model,
    after: Health,
    code: Option<&str>,
    detail: Option<&str>,
) -> Result<()> {
    let Some(severity) = severity(after) else {
        return Ok(());
    };
    let connection = connections::Entity::find_by_id(before.connection_id)
        .one(db)
        .await?;
    let Some(connection) = connection else {
        return Ok(());
    };
    let ails = [Health::Failing, Health::RequiresAttention].map(Health::as_str);
    if severity != Severity::Recovered && ails.contains(&connection.health.as_str()) {
        return Ok(());
    }
    let event = Event {
        kind: AlertKind::ConnectionHealth,
        subject: format!("health:mapping:{}", before.id),
        severity,
        job: None,
        connection: Some(connection.id),
        mapping: Some(before.id),
        facts: json!({
            "connection": {
                "id": connection.id,
                "name": connection.name,
                "protocol": connection.protocol,
                "host": connection.host,
                "health": connection.health,
                "health_before": connection.health,
                "health_detail": Value::Null,
            },
            "mapping": {
                "id": before.id,
                "name": before.name,
                "health": after,
                "health_before": before.health,
                "health_code": code,
                "health_detail": detail,
            },
        }),
    };
    raise(db, &event, now()).await
}

fn severity(after: Health) -> Option<Severity> {
    match after {
        Health::Healthy => Some(Severity::Recovered),
        Health::Failing => Some(Severity::Problem),
        Health::RequiresAttention => Some(Severity::Grave),
        Health::Unknown => None,
    }
}
