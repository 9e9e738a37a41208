//! What was pulled and what is being pulled, how files looked that weren't ready, and what is to be pulled anew.

use sea_orm_migration::{
    DbErr, MigrationName, MigrationTrait, SchemaManager,
    sea_orm::{ConnectionTrait, DbBackend},
};

use super::statements;

#[derive(Debug)]
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0011_pulls"
    }
}

// The trait is declared with this lifetime elided, and async-trait wants the same.
#[allow(elided_lifetimes_in_paths)]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let own = match db.get_database_backend() {
            DbBackend::Sqlite => SQLITE,
            _ => POSTGRES,
        };
        let [keys, table, index] = own;
        let pulls = PULLS.replace("{keys}", keys).replace("{table}", table);
        statements::run(db, &[&pulls]).await?;
        statements::run(db, &[index]).await?;
        statements::run(db, SCHEMA).await
    }
}

/// That no file is pulled twice rests on one key: connection, path, size, time, replay. A listing is looked up in it, so what
/// that asks for lies beside it: files of one folder that came over the years are not all over the disk. SQLite keeps whole
/// rows in that order, PostgreSQL the few columns that matter. Each: the table's key, its kind, and an index.
const SQLITE: [&str; 3] = [
    "PRIMARY KEY (connection_id, path, size, modified, replay)",
    "WITHOUT ROWID",
    "CREATE UNIQUE INDEX pulls_id_key ON pulls (id)",
];
const POSTGRES: [&str; 3] = [
    "PRIMARY KEY (id)",
    "",
    "CREATE UNIQUE INDEX pulls_version_key ON pulls (connection_id, path, size, modified, replay)
        INCLUDE (id, mapping_id, span, pulled_at, seen_at, after_state)",
];

/// No foreign keys: the history outlives connections, mappings, executions and storages. What has no `pulled_at` is an
/// intent: it is being pulled, or was when something died. `path` is the path itself up to 512 bytes, because PostgreSQL
/// indexes nothing much longer; above that a digest takes the place of its end, and `long_path` has it whole.
const PULLS: &str = "CREATE TABLE pulls (
        id {id} NOT NULL,
        connection_id {id} NOT NULL,
        mapping_id {id} NOT NULL,
        execution_id {id} NOT NULL,
        path {bytes} NOT NULL,
        long_path {bytes},
        size BIGINT NOT NULL,
        modified BIGINT NOT NULL,
        span BIGINT NOT NULL,
        replay {id} NOT NULL,
        replay_of {id},
        storage_id {id} NOT NULL,
        destination TEXT NOT NULL,
        object_key TEXT NOT NULL,
        sha256 {bytes},
        begun_at BIGINT NOT NULL,
        pulled_at BIGINT,
        seen_at BIGINT,
        after_state TEXT NOT NULL,
        after_detail TEXT,
        {keys}
    ) {table}";

const SCHEMA: &[&str] = &[
    "CREATE INDEX pulls_history ON pulls (connection_id, pulled_at, id, size) WHERE pulled_at IS NOT NULL",
    "CREATE INDEX pulls_by_execution ON pulls (execution_id, connection_id, pulled_at, id) WHERE pulled_at IS NOT NULL",
    // With `pulled_at`, because SQLite takes the index with more columns that it can use.
    "CREATE INDEX pulls_open ON pulls (pulled_at, connection_id, mapping_id) WHERE pulled_at IS NULL",
    "CREATE TABLE pull_sightings (
        mapping_id {id} NOT NULL,
        path {bytes} NOT NULL,
        size BIGINT NOT NULL,
        modified BIGINT NOT NULL,
        first_seen_at BIGINT NOT NULL,
        seen_at BIGINT NOT NULL,
        PRIMARY KEY (mapping_id, path)
    )",
    "CREATE TABLE pull_replays (
        id {id} PRIMARY KEY NOT NULL,
        entry_id {id} NOT NULL,
        mapping_id {id} NOT NULL,
        asked_by TEXT NOT NULL,
        asked_at BIGINT NOT NULL
    )",
    "CREATE UNIQUE INDEX pull_replays_entry_id_key ON pull_replays (entry_id)",
    "CREATE INDEX pull_replays_by_mapping ON pull_replays (mapping_id, id)",
];
