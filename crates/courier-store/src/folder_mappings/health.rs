//! How mappings fare, and what that depends on their connections.

use std::{borrow::Cow, collections::HashMap};

use jiff::Timestamp;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
    sea_query::{Condition, Expr},
};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    Result, alerts,
    connections::{AuthMethod, ConnectionStatus, Health},
    entities::{
        connections,
        folder_mappings::{Column, Entity, Model},
    },
    row,
};

/// What of a connection decides whether its mappings can be pulled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionState {
    /// Its name.
    pub name: String,
    /// How it proves who it is.
    pub auth_method: AuthMethod,
    /// May it be used?
    pub status: ConnectionStatus,
    /// How its last uses went.
    pub health: Health,
    /// Why.
    pub health_detail: Option<String>,
    /// Does its changed host key wait for somebody's decision?
    pub waits_for_host_key: bool,
    /// All that its protocol's own settings table describes.
    pub settings: Map<String, Value>,
    /// How many pulls of its mappings run or wait in the queue; counted for ticks only.
    pub pulls: u64,
}

/// What is wrong with a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ill {
    /// Its health; none where that stays as it is.
    pub health: Option<Health>,
    /// Why, as a word for programs.
    pub code: Cow<'static, str>,
    /// Why, and what to do, in words.
    pub detail: String,
    /// Is it due at once when its connection is well, or changed?
    pub waits_for_connection: bool,
}

/// What a pull that has ended says of its mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is well.
    Well,
    /// It is well, and this is to be known of it.
    WellBut {
        /// As a word for programs.
        code: &'static str,
        /// In words, with what to do.
        detail: String,
    },
    /// It is not, and due at this time; where none is given, as it was.
    Ill(Ill, Option<Timestamp>),
}

/// Writes into a row what is wrong.
pub(super) fn apply(row: &mut Model, ill: Ill, at: Timestamp) {
    if let Some(health) = ill.health {
        row.health = health.as_str().into();
        row.failing_since = match health {
            Health::Failing | Health::RequiresAttention => row.failing_since.or(Some(at.as_microsecond())),
            Health::Healthy | Health::Unknown => None,
        };
    }
    row.health_code = Some(row::clean(&ill.code));
    row.health_detail = Some(row::clean(&ill.detail));
    row.waits_for_connection = ill.waits_for_connection;
}

/// Writes into a row that all is well.
pub(super) fn heal(row: &mut Model, at: Timestamp) {
    row.health = Health::Healthy.as_str().into();
    row.health_code = None;
    row.health_detail = None;
    row.waits_for_connection = false;
    row.last_ok_at = Some(at.as_microsecond());
    row.failing_since = None;
    row.failures = 0;
}

/// Writes all of a row that ticks and pulls change, and nothing of what people do; and tells of its health whom alerts name,
/// where that is another one now.
pub(super) async fn save(db: &impl ConnectionTrait, before: &Model, row: Model) -> Result<()> {
    if before.health != row.health {
        let health = row::word("folder_mappings.health", &row.health)?;
        let (code, detail) = (row.health_code.as_deref(), row.health_detail.as_deref());
        alerts::mapping_health_changed(db, before, health, code, detail).await?;
    }
    let id = row.id;
    let mut change = row.into_active_model().reset_all();
    for column in [
        Column::Id,
        Column::ConnectionId,
        Column::Name,
        Column::StorageId,
        Column::Enabled,
        Column::Definition,
        Column::CreatedAt,
        Column::UpdatedAt,
    ] {
        change.not_set(column);
    }
    Entity::update_many()
        .set(change)
        .filter(Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// The states of these connections.
pub(super) async fn connections(
    db: &impl ConnectionTrait,
    ids: impl Iterator<Item = Uuid>,
) -> Result<HashMap<Uuid, ConnectionState>> {
    type Row = (Uuid, String, String, String, String, Option<String>, bool, Value);
    use connections::Column;
    let mut ids: Vec<Uuid> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    let rows: Vec<Row> = connections::Entity::find()
        .select_only()
        .columns([
            Column::Id,
            Column::Name,
            Column::AuthMethod,
            Column::Status,
            Column::Health,
            Column::HealthDetail,
            Column::WaitsForHostKey,
            Column::Settings,
        ])
        .filter(Column::Id.is_in(ids))
        .into_tuple()
        .all(db)
        .await?;
    let mut states = HashMap::with_capacity(rows.len());
    for (id, name, auth_method, status, health, health_detail, waits_for_host_key, settings) in rows {
        let state = ConnectionState {
            name,
            auth_method: row::word("connections.auth_method", &auth_method)?,
            status: row::word("connections.status", &status)?,
            health: row::word("connections.health", &health)?,
            health_detail,
            waits_for_host_key,
            settings: settings.as_object().cloned().unwrap_or_default(),
            pulls: 0,
        };
        states.insert(id, state);
    }
    Ok(states)
}

/// A connection is well again, or another one: mappings that wait for that are due now.
pub(crate) async fn wake(db: &impl ConnectionTrait, connection: Uuid, at: Timestamp) -> Result<()> {
    let waiting = Condition::all()
        .add(Column::ConnectionId.eq(connection))
        .add(Column::WaitsForConnection.eq(true))
        .add(Column::NextRunAt.is_not_null());
    Entity::update_many()
        .col_expr(Column::NextRunAt, Expr::value(at.as_microsecond()))
        .col_expr(Column::LookAt, Expr::value(at.as_microsecond()))
        .filter(waiting)
        .exec(db)
        .await?;
    Ok(())
}
