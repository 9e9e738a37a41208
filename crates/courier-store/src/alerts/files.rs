//! A message for each file that was pulled, in the transaction that records the file.
//!
//! Programs live on these messages: each file has one of its own, none is held back as a repeat, and none goes out
//! together with another. In quiet hours they wait as all others do.

use jiff::Timestamp;
use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{AlertKind, DeliveryState, Rule, rule_of};
use crate::{
    Result,
    entities::{alert_deliveries, alerts, connections, folder_mappings},
    ids::stamp,
    row,
};

/// Rows of one statement: both databases take some 30,000 values in one.
const ROWS: usize = 500;

/// For what files were pulled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PulledFor {
    /// Where they come from.
    pub(crate) connection: Uuid,
    /// The mapping that they belong to.
    pub(crate) mapping: Uuid,
    /// The execution that pulled them.
    pub(crate) execution: Uuid,
}

/// A file that was pulled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PulledFile<'a> {
    /// Its entry in the history.
    pub(crate) id: Uuid,
    /// Its path on the server, as the history has it.
    pub(crate) path: &'a [u8],
    /// How large it is, bytes.
    pub(crate) size: u64,
    /// When it was changed last there.
    pub(crate) modified: Option<Timestamp>,
    /// The SHA-256 of its bytes.
    pub(crate) sha256: &'a [u8],
    /// The storage that it lies in.
    pub(crate) storage: Uuid,
    /// Where it lies, as the history has it.
    pub(crate) destination: &'a str,
    /// Its key there.
    pub(crate) key: &'a str,
    /// When it was recorded.
    pub(crate) pulled_at: Timestamp,
    /// The entry that it was pulled anew for.
    pub(crate) replay_of: Option<Uuid>,
}

/// Writes the messages about these files, of everybody who wants to know of each.
pub(crate) async fn files_pulled(
    db: &impl ConnectionTrait,
    of: PulledFor,
    files: &[PulledFile<'_>],
    at: Timestamp,
) -> Result<()> {
    let wanted = |rule: &Rule| rule.wants_files_of(of.connection, of.mapping);
    let enabled = alerts::Entity::find().filter(alerts::Column::Enabled.eq(true));
    let rows = enabled.clone().all(db).await?;
    let is_wanted = |row: &&alerts::Model| rule_of(row).is_some_and(|rule| wanted(&rule));
    let ids: Vec<Uuid> = rows.iter().filter(is_wanted).map(|row| row.id).collect();
    if ids.is_empty() || files.is_empty() {
        return Ok(());
    }
    // They stay until this is written.
    let rows = enabled
        .filter(alerts::Column::Id.is_in(ids))
        .order_by_asc(alerts::Column::Id)
        .lock(LockType::KeyShare)
        .all(db)
        .await?;
    let shared = shared_facts(db, of).await?;
    let mut messages = Vec::new();
    for row in &rows {
        let Some(rule) = rule_of(row).filter(wanted) else {
            continue;
        };
        let due = rule.due(at);
        messages.extend(files.iter().map(|file| message(row.id, file, &shared, at, due)));
    }
    for some in messages.chunks(ROWS) {
        let some = some
            .iter()
            .cloned()
            .map(|row| row.into_active_model().reset_all());
        alert_deliveries::Entity::insert_many(some)
            .exec_without_returning(db)
            .await?;
    }
    Ok(())
}

/// What all messages of a group have in common.
async fn shared_facts(db: &impl ConnectionTrait, of: PulledFor) -> Result<Value> {
    let connection = connections::Entity::find_by_id(of.connection).one(db).await?;
    let connection = connection
        .map(|row| json!({"id": row.id, "name": row.name, "protocol": row.protocol, "host": row.host}));
    let mapping = folder_mappings::Entity::find_by_id(of.mapping).one(db).await?;
    let mapping = mapping.map(|row| json!({"id": row.id, "name": row.name}));
    Ok(json!({
        "connection": connection.unwrap_or_else(|| json!({"id": of.connection})),
        "mapping": mapping.unwrap_or_else(|| json!({"id": of.mapping})),
        "execution": {"id": of.execution, "path": format!("/executions/{}", of.execution)},
    }))
}

fn message(
    alert: Uuid,
    file: &PulledFile<'_>,
    shared: &Value,
    at: Timestamp,
    due: Timestamp,
) -> alert_deliveries::Model {
    let mut facts = shared.clone();
    if let Value::Object(facts) = &mut facts {
        facts.insert("file".into(), facts_of(file));
    }
    alert_deliveries::Model {
        id: stamp().0,
        alert_id: alert,
        kind: AlertKind::FilePulled.as_str().into(),
        recovered: false,
        facts: row::clean_json(facts),
        held: 0,
        earlier: json!([]),
        state: DeliveryState::Pending.as_str().into(),
        attempts: 0,
        happened_at: at.as_microsecond(),
        due_at: due.as_microsecond(),
        ended_at: None,
        answer: None,
        joined_into: None,
    }
}

fn facts_of(file: &PulledFile<'_>) -> Value {
    let sha256: String = file.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "entry_id": file.id,
        "path": String::from_utf8_lossy(file.path),
        "size": file.size,
        "modified": file.modified,
        "sha256": sha256,
        "storage_id": file.storage,
        "destination": file.destination,
        "key": file.key,
        "pulled_at": file.pulled_at,
        "replay_of": file.replay_of,
    })
}
