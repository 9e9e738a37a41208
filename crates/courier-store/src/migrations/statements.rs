//! Migrations of plain SQL. Both databases understand nearly the same; the few types that differ are filled in.

use sea_orm_migration::{
    DbErr, MigrationName, MigrationTrait, SchemaManager,
    sea_orm::{ConnectionTrait, DbBackend},
};

/// A migration that is nothing but statements, in which `{id}`, `{bytes}` and `{json}` stand for the database's types.
#[derive(Debug)]
pub(super) struct Statements {
    /// As it is kept in the database: the name of its file.
    pub(super) name: &'static str,
    pub(super) statements: &'static [&'static str],
}

impl MigrationName for Statements {
    fn name(&self) -> &str {
        self.name
    }
}

// The trait is declared with this lifetime elided, and async-trait wants the same.
#[allow(elided_lifetimes_in_paths)]
#[async_trait::async_trait]
impl MigrationTrait for Statements {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager.get_connection(), self.statements).await
    }
}

/// Runs statements, with the database's types filled in.
pub(super) async fn run(db: &impl ConnectionTrait, statements: &[&str]) -> Result<(), DbErr> {
    let (id, bytes, json) = match db.get_database_backend() {
        DbBackend::Sqlite => ("BLOB", "BLOB", "TEXT"),
        _ => ("UUID", "BYTEA", "JSONB"),
    };
    for statement in statements {
        let statement = statement
            .replace("{id}", id)
            .replace("{bytes}", bytes)
            .replace("{json}", json);
        db.execute_unprepared(&statement).await?;
    }
    Ok(())
}
