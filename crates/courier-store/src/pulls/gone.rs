//! What goes with a mapping and with a connection. The history stays.

use sea_orm::{ConnectionTrait, DbBackend};
use uuid::Uuid;

use crate::{Result, sql::Sql};

/// How a mapping saw files that weren't ready, and what it was to pull anew: another mapping may be asked for that.
pub(crate) async fn forget_mapping(db: &impl ConnectionTrait, mapping: Uuid) -> Result<()> {
    for table in ["pull_sightings", "pull_replays"] {
        let forget = format!("DELETE FROM {table} WHERE mapping_id = ");
        let forget = Sql::new(db.get_database_backend(), &forget).value(mapping);
        db.execute_raw(forget.build()).await?;
    }
    Ok(())
}

/// What was being pulled when something died: no mapping of the connection is left that could settle it, and a storage is
/// needed no longer for it.
pub(crate) async fn forget_connection(db: &impl ConnectionTrait, connection: Uuid) -> Result<()> {
    let backend = db.get_database_backend();
    let forget = Sql::new(backend, &format!("DELETE FROM {} WHERE", open(backend)))
        .text(" pulled_at IS NULL AND connection_id = ")
        .value(connection);
    db.execute_raw(forget.build()).await?;
    Ok(())
}

/// The table, for a look at a connection's intents. SQLite would go through all of its history, which begins with the same column.
pub(super) fn open(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => "pulls INDEXED BY pulls_open",
        _ => "pulls",
    }
}
