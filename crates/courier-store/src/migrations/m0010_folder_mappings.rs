//! Folders of connections from which each file is pulled once, how they fare, and when they are due.

use super::statements::Statements;

pub(super) const MIGRATION: Statements = Statements {
    name: "m0010_folder_mappings",
    statements: SCHEMA,
};

const SCHEMA: &[&str] = &[
    // A connection with mappings is not deleted, nor is a storage: files would be lost silently.
    "CREATE TABLE folder_mappings (
        id {id} PRIMARY KEY NOT NULL,
        connection_id {id} NOT NULL REFERENCES connections (id),
        name TEXT NOT NULL,
        storage_id {id} NOT NULL REFERENCES storages (id),
        enabled BOOLEAN NOT NULL,
        definition {json} NOT NULL,
        next_run_at BIGINT,
        look_at BIGINT,
        last_run_at BIGINT,
        last_execution {id},
        failures INTEGER NOT NULL,
        health TEXT NOT NULL,
        health_code TEXT,
        health_detail TEXT,
        last_ok_at BIGINT,
        failing_since BIGINT,
        created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL
    )",
    "CREATE UNIQUE INDEX folder_mappings_name_key ON folder_mappings (connection_id, name)",
    "CREATE INDEX folder_mappings_by_storage ON folder_mappings (storage_id)",
    "CREATE INDEX folder_mappings_by_look_at ON folder_mappings (look_at)",
];
