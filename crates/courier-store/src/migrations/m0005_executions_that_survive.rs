//! Who holds an execution and until when, how often it crashed and was tried again, and what became of it when.

use super::statements::Statements;

pub(super) const MIGRATION: Statements = Statements {
    name: "m0005_executions_that_survive",
    statements: SCHEMA,
};

const SCHEMA: &[&str] = &[
    // No foreign key from `executions.holder`: a holder's row goes while its executions wait for another.
    "CREATE TABLE nodes (
        id {id} PRIMARY KEY NOT NULL,
        name TEXT NOT NULL,
        lease_until BIGINT NOT NULL,
        joined_at BIGINT NOT NULL
    )",
    "ALTER TABLE executions ADD COLUMN holder {id}",
    "ALTER TABLE executions ADD COLUMN scheduled_at BIGINT",
    "ALTER TABLE executions ADD COLUMN timezone TEXT",
    "ALTER TABLE executions ADD COLUMN retries INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE executions ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE executions ADD COLUMN crash_mark BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE execution_steps ADD COLUMN retries INTEGER NOT NULL DEFAULT 0",
    "CREATE TABLE execution_history (
        id {id} PRIMARY KEY NOT NULL,
        execution_id {id} NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
        state TEXT NOT NULL,
        node TEXT,
        reason TEXT,
        at BIGINT NOT NULL
    )",
    "CREATE INDEX execution_history_by_execution ON execution_history (execution_id, id)",
];
