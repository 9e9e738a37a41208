//! Tokens for parts of the API only, and names of users that don't differ by case alone.

use sea_orm_migration::{
    DbErr, MigrationName, MigrationTrait, SchemaManager,
    sea_orm::{ConnectionTrait, DbBackend, Statement},
};
use uuid::Uuid;

use crate::users::folded;

#[derive(Debug)]
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0003_users_and_tokens"
    }
}

// The trait is declared with this lifetime elided, and async-trait wants the same.
#[allow(elided_lifetimes_in_paths)]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let json = match db.get_database_backend() {
            DbBackend::Sqlite => "TEXT",
            _ => "JSONB",
        };
        for statement in [
            format!("ALTER TABLE tokens ADD COLUMN scopes {json}"),
            "ALTER TABLE users ADD COLUMN username_folded TEXT".into(),
            "CREATE UNIQUE INDEX users_username_folded_key ON users (username_folded)".into(),
        ] {
            db.execute_unprepared(&statement).await?;
        }
        fold_names(db).await
    }
}

/// Of names that differ by case alone, which could be made until now, the oldest gets it. The others stay without, and log
/// in by their exact name as before.
async fn fold_names(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    let users = Statement::from_string(backend, "SELECT id, username FROM users ORDER BY id");
    for user in db.query_all_raw(users).await? {
        let (id, name) = (
            user.try_get::<Uuid>("", "id")?,
            user.try_get::<String>("", "username")?,
        );
        let fold = Statement::from_sql_and_values(
            backend,
            "UPDATE users SET username_folded = $1 WHERE id = $2
                AND NOT EXISTS (SELECT 1 FROM users AS older WHERE older.username_folded = $1)",
            [folded(&name).into(), id.into()],
        );
        db.execute_raw(fold).await?;
    }
    Ok(())
}
