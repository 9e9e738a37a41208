//! A connection's secret remembers the server that it was entered for.
//!
//! Secrets that are there already get theirs when the server starts, since they are sealed anew with it.

use super::statements::Statements;

pub(super) const MIGRATION: Statements = Statements {
    name: "m0004_secret_endpoints",
    statements: &["ALTER TABLE connection_secrets ADD COLUMN endpoint TEXT"],
};
