//! Sessions that are open with servers, counted over all nodes.

use super::statements::Statements;

pub(super) const MIGRATION: Statements = Statements {
    name: "m0008_session_slots",
    statements: SCHEMA,
};

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
