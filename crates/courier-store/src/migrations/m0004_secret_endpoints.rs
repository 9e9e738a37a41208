//! A connection's secret remembers the server that it was entered for.
//!
//! Secrets that are there already get theirs when the server starts, since they are sealed anew with it.

use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager, sea_orm::ConnectionTrait};

#[derive(Debug)]
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0004_secret_endpoints"
    }
}

// The trait is declared with this lifetime elided, and async-trait wants the same.
#[allow(elided_lifetimes_in_paths)]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statement = "ALTER TABLE connection_secrets ADD COLUMN endpoint TEXT";
        manager.get_connection().execute_unprepared(statement).await?;
        Ok(())
    }
}
