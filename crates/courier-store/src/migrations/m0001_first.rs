//! The first schema.
//!
//! Names of unique indexes are `<table>_<field>_key`; [`Error::Duplicate`](crate::Error::Duplicate) reads the field out of them.

use super::statements::Statements;

pub(super) const MIGRATION: Statements = Statements {
    name: "m0001_first",
    statements: SCHEMA,
};

const SCHEMA: &[&str] = &[
    "CREATE TABLE connections (
        id {id} PRIMARY KEY NOT NULL,
        name TEXT NOT NULL,
        group_name TEXT,
        protocol TEXT NOT NULL,
        host TEXT,
        port INTEGER,
        auth_method TEXT NOT NULL,
        username TEXT,
        base_path TEXT,
        host_key_policy TEXT NOT NULL,
        status TEXT NOT NULL,
        settings {json} NOT NULL,
        notes TEXT,
        health TEXT NOT NULL,
        health_detail TEXT,
        waits_for_host_key BOOLEAN NOT NULL,
        last_ok_at BIGINT,
        created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL
    )",
    "CREATE UNIQUE INDEX connections_name_key ON connections (name)",
    "CREATE TABLE connection_secrets (
        connection_id {id} NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
        field TEXT NOT NULL,
        sealed {bytes} NOT NULL,
        PRIMARY KEY (connection_id, field)
    )",
    "CREATE TABLE known_hosts (
        id {id} PRIMARY KEY NOT NULL,
        connection_id {id} NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
        key_type TEXT,
        fingerprint TEXT NOT NULL,
        pinned BOOLEAN NOT NULL,
        pinned_at BIGINT,
        first_seen BIGINT NOT NULL,
        last_seen BIGINT,
        approved_by TEXT
    )",
    "CREATE UNIQUE INDEX known_hosts_fingerprint_key ON known_hosts (connection_id, fingerprint)",
    "CREATE TABLE ssh_keys (
        id {id} PRIMARY KEY NOT NULL,
        name TEXT NOT NULL,
        key_type TEXT NOT NULL,
        public_key TEXT NOT NULL,
        private_key {bytes},
        fingerprint TEXT NOT NULL,
        status TEXT NOT NULL,
        notes TEXT,
        created_at BIGINT NOT NULL,
        created_by TEXT NOT NULL,
        last_used_at BIGINT
    )",
    "CREATE UNIQUE INDEX ssh_keys_name_key ON ssh_keys (name) WHERE status <> 'deleted'",
    "CREATE UNIQUE INDEX ssh_keys_fingerprint_key ON ssh_keys (fingerprint) WHERE status <> 'deleted'",
    "CREATE TABLE connection_keys (
        id {id} PRIMARY KEY NOT NULL,
        connection_id {id} NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
        ssh_key_id {id} NOT NULL REFERENCES ssh_keys (id),
        added_at BIGINT NOT NULL,
        added_by TEXT NOT NULL,
        status TEXT NOT NULL,
        revoked_at BIGINT,
        last_used_at BIGINT
    )",
    "CREATE UNIQUE INDEX connection_keys_ssh_key_id_key ON connection_keys (connection_id, ssh_key_id)
        WHERE status = 'active'",
    "CREATE INDEX connection_keys_by_connection ON connection_keys (connection_id, id)",
    "CREATE INDEX connection_keys_by_key ON connection_keys (ssh_key_id, id)",
    "CREATE TABLE jobs (
        id {id} PRIMARY KEY NOT NULL,
        name TEXT NOT NULL,
        description TEXT,
        enabled BOOLEAN NOT NULL,
        version INTEGER NOT NULL,
        definition {json} NOT NULL,
        created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL,
        created_by TEXT NOT NULL
    )",
    "CREATE UNIQUE INDEX jobs_name_key ON jobs (name)",
    "CREATE TABLE job_versions (
        job_id {id} NOT NULL,
        version INTEGER NOT NULL,
        definition {json} NOT NULL,
        created_at BIGINT NOT NULL,
        created_by TEXT NOT NULL,
        PRIMARY KEY (job_id, version)
    )",
    "CREATE TABLE job_connections (
        job_id {id} NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        connection_id {id} NOT NULL,
        PRIMARY KEY (job_id, connection_id)
    )",
    "CREATE INDEX job_connections_by_connection ON job_connections (connection_id)",
    "CREATE TABLE executions (
        id {id} PRIMARY KEY NOT NULL,
        job_id {id} NOT NULL,
        job_version INTEGER NOT NULL,
        job_name TEXT NOT NULL,
        state TEXT NOT NULL,
        triggered_by TEXT NOT NULL,
        queued_at BIGINT NOT NULL,
        started_at BIGINT,
        ended_at BIGINT,
        node TEXT,
        attempts INTEGER NOT NULL,
        error {json},
        context {json} NOT NULL,
        request TEXT NOT NULL
    )",
    "CREATE INDEX executions_by_job ON executions (job_id, id)",
    // The queue: its head is the first entry of 'queued'.
    "CREATE INDEX executions_by_state ON executions (state, id)",
    "CREATE TABLE execution_steps (
        execution_id {id} NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
        step INTEGER NOT NULL,
        name TEXT,
        step_type TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        started_at BIGINT,
        ended_at BIGINT,
        bytes_transferred BIGINT NOT NULL,
        files_transferred BIGINT NOT NULL,
        error {json},
        PRIMARY KEY (execution_id, step)
    )",
    "CREATE TABLE audit (
        id {id} PRIMARY KEY NOT NULL,
        connection_id {id},
        operation TEXT NOT NULL,
        job_execution_id {id},
        performed_by TEXT NOT NULL,
        performed_at BIGINT NOT NULL,
        bytes_transferred BIGINT,
        duration_ms BIGINT,
        details {json} NOT NULL
    )",
    // Ids hold the time, so each of these also answers a range of time.
    "CREATE INDEX audit_by_connection ON audit (connection_id, id) WHERE connection_id IS NOT NULL",
    "CREATE INDEX audit_by_execution ON audit (job_execution_id, id) WHERE job_execution_id IS NOT NULL",
    "CREATE INDEX audit_by_operation ON audit (operation, id)",
    "CREATE INDEX audit_by_user ON audit (performed_by, id)",
    "CREATE TABLE users (
        id {id} PRIMARY KEY NOT NULL,
        username TEXT NOT NULL,
        password_hash TEXT NOT NULL,
        role TEXT NOT NULL,
        disabled BOOLEAN NOT NULL,
        failed_logins INTEGER NOT NULL,
        locked_until BIGINT,
        created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL,
        last_login_at BIGINT
    )",
    "CREATE UNIQUE INDEX users_username_key ON users (username)",
    "CREATE TABLE sessions (
        token_hash {bytes} PRIMARY KEY NOT NULL,
        user_id {id} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        created_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL,
        last_seen BIGINT NOT NULL
    )",
    "CREATE INDEX sessions_by_user ON sessions (user_id)",
    "CREATE INDEX sessions_by_end ON sessions (expires_at)",
    "CREATE TABLE tokens (
        id {id} PRIMARY KEY NOT NULL,
        name TEXT NOT NULL,
        token_hash {bytes} NOT NULL,
        user_id {id} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        role TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        expires_at BIGINT,
        last_used_at BIGINT,
        revoked_at BIGINT
    )",
    "CREATE UNIQUE INDEX tokens_name_key ON tokens (name) WHERE revoked_at IS NULL",
    "CREATE UNIQUE INDEX tokens_token_hash_key ON tokens (token_hash)",
    "CREATE INDEX tokens_by_user ON tokens (user_id, id)",
    "CREATE TABLE settings (
        key TEXT PRIMARY KEY NOT NULL,
        value {json} NOT NULL,
        updated_at BIGINT NOT NULL,
        updated_by TEXT NOT NULL
    )",
];
