//! Storages: where pulled files go.

use super::statements::Statements;

pub(super) const MIGRATION: Statements = Statements {
    name: "m0009_storages",
    statements: SCHEMA,
};

const SCHEMA: &[&str] = &[
    "CREATE TABLE storages (
        id {id} PRIMARY KEY NOT NULL,
        name TEXT NOT NULL,
        url TEXT NOT NULL,
        credentials {bytes},
        endpoint TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL
    )",
    "CREATE UNIQUE INDEX storages_name_key ON storages (name)",
];
