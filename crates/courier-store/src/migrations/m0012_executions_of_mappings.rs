//! Executions of folder mappings beside those of jobs, and which of them pulls a mapping.

use super::statements::Statements;

pub(super) const MIGRATION: Statements = Statements {
    name: "m0012_executions_of_mappings",
    statements: SCHEMA,
};

const SCHEMA: &[&str] = &[
    // Where it is set, `job_id` holds the mapping's id as well, so that the index by job serves both.
    "ALTER TABLE executions ADD COLUMN mapping_id {id}",
    // A scheduled pull that found nothing: there are very many of them, and they are forgotten soon.
    "ALTER TABLE executions ADD COLUMN uneventful BOOLEAN NOT NULL DEFAULT FALSE",
    "CREATE INDEX executions_uneventful ON executions (id) WHERE uneventful",
    // No foreign key: an execution that is over has lost it.
    "ALTER TABLE folder_mappings ADD COLUMN held_by {id}",
    "ALTER TABLE folder_mappings ADD COLUMN waits_for_connection BOOLEAN NOT NULL DEFAULT FALSE",
];
