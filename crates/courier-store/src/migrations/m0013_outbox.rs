//! Each alert's messages that wait, in the order in which they go out: one whose receiver doesn't answer, and who has
//! thousands, is passed over at once.

use super::statements::Statements;

pub(super) const MIGRATION: Statements = Statements {
    name: "m0013_outbox",
    statements: SCHEMA,
};

const SCHEMA: &[&str] =
    &["CREATE INDEX alert_deliveries_due ON alert_deliveries (alert_id, due_at, id) WHERE state = 'pending'"];
