//! Whom to tell when something goes wrong, what they were told, and what they are still to be told.

use super::statements::Statements;

pub(super) const MIGRATION: Statements = Statements {
    name: "m0007_alerts",
    statements: SCHEMA,
};

const SCHEMA: &[&str] = &[
    // `checked_at` is the last deadline of an expected file that somebody has looked at.
    "CREATE TABLE alerts (
        id {id} PRIMARY KEY NOT NULL,
        name TEXT NOT NULL,
        enabled BOOLEAN NOT NULL,
        rule {json} NOT NULL,
        secret {bytes},
        checked_at BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL
    )",
    "CREATE UNIQUE INDEX alerts_name_key ON alerts (name)",
    // How a subject, such as a job, stands with what was told of it.
    "CREATE TABLE alert_subjects (
        alert_id {id} NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
        subject TEXT NOT NULL,
        told INTEGER NOT NULL,
        peak INTEGER NOT NULL,
        window_until BIGINT NOT NULL,
        waiting {id},
        PRIMARY KEY (alert_id, subject)
    )",
    "CREATE TABLE alert_deliveries (
        id {id} PRIMARY KEY NOT NULL,
        alert_id {id} NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        recovered BOOLEAN NOT NULL,
        facts {json} NOT NULL,
        held INTEGER NOT NULL,
        earlier {json} NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        happened_at BIGINT NOT NULL,
        due_at BIGINT NOT NULL,
        ended_at BIGINT,
        answer TEXT,
        joined_into {id}
    )",
    "CREATE INDEX alert_deliveries_by_alert ON alert_deliveries (alert_id, id)",
    // The outbox: its head is the first entry of 'pending'.
    "CREATE INDEX alert_deliveries_by_state ON alert_deliveries (state, due_at)",
    "CREATE INDEX alert_deliveries_joined ON alert_deliveries (joined_into, id) WHERE joined_into IS NOT NULL",
];
