//! The schema and its changes. A migration that was released is never edited; a change is a new file.

mod m0001_first;
mod m0002_audit_chain;
mod m0003_users_and_tokens;
mod m0004_secret_endpoints;
mod m0005_executions_that_survive;
mod m0006_schedules;
mod m0007_alerts;
mod m0008_session_slots;
mod m0009_storages;
mod m0010_folder_mappings;
mod m0011_pulls;
mod m0012_executions_of_mappings;
mod m0013_outbox;
mod m0014_function_calls;
mod m0015_what_ends;
mod statements;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

#[derive(Debug)]
pub(crate) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_first::MIGRATION),
            Box::new(m0002_audit_chain::Migration),
            Box::new(m0003_users_and_tokens::Migration),
            Box::new(m0004_secret_endpoints::MIGRATION),
            Box::new(m0005_executions_that_survive::MIGRATION),
            Box::new(m0006_schedules::MIGRATION),
            Box::new(m0007_alerts::MIGRATION),
            Box::new(m0008_session_slots::MIGRATION),
            Box::new(m0009_storages::MIGRATION),
            Box::new(m0010_folder_mappings::MIGRATION),
            Box::new(m0011_pulls::Migration),
            Box::new(m0012_executions_of_mappings::MIGRATION),
            Box::new(m0013_outbox::MIGRATION),
            Box::new(m0014_function_calls::MIGRATION),
            Box::new(m0015_what_ends::MIGRATION),
        ]
    }
}
