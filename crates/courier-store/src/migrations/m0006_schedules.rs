//! When jobs run by themselves.

use sea_orm_migration::{
    DbErr, MigrationName, MigrationTrait, SchemaManager,
    sea_orm::{ConnectionTrait, DbBackend},
};

#[derive(Debug)]
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0006_schedules"
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
    "CREATE TABLE schedules (
        id {id} PRIMARY KEY NOT NULL,
        job_id {id} NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        cron TEXT,
        timezone TEXT,
        at BIGINT,
        missed TEXT NOT NULL,
        next_run_at BIGINT,
        look_at BIGINT,
        last_run_at BIGINT,
        last_execution {id}
    )",
    "CREATE INDEX schedules_by_job ON schedules (job_id, position)",
    "CREATE INDEX schedules_by_look_at ON schedules (look_at)",
    "CREATE INDEX schedules_by_next_run_at ON schedules (next_run_at)",
];
