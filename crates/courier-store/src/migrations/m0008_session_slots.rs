//! Sessions that are open with servers, counted over all nodes.

use sea_orm_migration::{
    DbErr, MigrationName, MigrationTrait, SchemaManager,
    sea_orm::{ConnectionTrait, DbBackend},
};

#[derive(Debug)]
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0008_session_slots"
    }
}

// The trait is declared with this lifetime elided, and async-trait wants the same.
#[allow(elided_lifetimes_in_paths)]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let id = match db.get_database_backend() {
            DbBackend::Sqlite => "BLOB",
            _ => "UUID",
        };
        for statement in SCHEMA {
            db.execute_unprepared(&statement.replace("{id}", id)).await?;
        }
        Ok(())
    }
}

const SCHEMA: &[&str] = &[
    // No foreign key to the connection: one that is deleted may still have sessions.
    "CREATE TABLE session_slots (
        id {id} PRIMARY KEY NOT NULL,
        connection_id {id} NOT NULL,
        node_id {id} NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
        taken_at BIGINT NOT NULL
    )",
    "CREATE INDEX session_slots_by_connection ON session_slots (connection_id)",
    "CREATE INDEX session_slots_by_node ON session_slots (node_id)",
];
