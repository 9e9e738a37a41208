//! When jobs run by themselves.

use super::statements::Statements;

pub(super) const MIGRATION: Statements = Statements {
    name: "m0006_schedules",
    statements: SCHEMA,
};

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
