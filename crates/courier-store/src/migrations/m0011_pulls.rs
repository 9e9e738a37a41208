//! What was pulled and what is being pulled, how files looked that weren't ready, and what is to be pulled anew.

use super::statements::Statements;

pub(super) const MIGRATION: Statements = Statements {
    name: "m0011_pulls",
    statements: SCHEMA,
};

const SCHEMA: &[&str] = &[
    // No foreign keys: the history outlives connections, mappings, executions and storages. What has no `pulled_at` is an
    // intent: it is being pulled, or was when something died. `path` is the path itself up to 512 bytes, because
    // PostgreSQL indexes nothing much longer; above that a digest takes the place of its end, and `long_path` has it whole.
    "CREATE TABLE pulls (
        id {id} PRIMARY KEY NOT NULL,
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
        after_detail TEXT
    )",
    // That no file is pulled twice rests on this index, and a listing is looked up in it.
    "CREATE UNIQUE INDEX pulls_version_key ON pulls (connection_id, path, size, modified, replay)",
    "CREATE INDEX pulls_history ON pulls (connection_id, pulled_at, id, size) WHERE pulled_at IS NOT NULL",
    "CREATE INDEX pulls_by_execution ON pulls (execution_id)",
    "CREATE INDEX pulls_open ON pulls (connection_id, mapping_id) WHERE pulled_at IS NULL",
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
