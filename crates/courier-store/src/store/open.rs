//! Opening a database: its files, its pools, its tables.

use std::{path::Path, str::FromStr, sync::Arc, time::Duration};

use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DbErr, SqlxPostgresConnector, SqlxSqliteConnector,
    sqlx::{
        self, ConnectOptions, Connection,
        pool::PoolOptions,
        postgres::PgConnectOptions,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
    },
};
use sea_orm_migration::MigratorTrait;

use super::{Kind, Shared, Store};
use crate::{Error, Result, migrations::Migrator};

/// How long a question waits for a connection before the database counts as unreachable.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a write waits for another process that writes the same SQLite file.
const BUSY: Duration = Duration::from_secs(10);
const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 12;
/// The advisory lock that holds migrations apart: "courier" in ASCII.
const MIGRATION_LOCK: i64 = 0x63_6f_75_72_69_65_72;

pub(super) async fn open(url: &str) -> Result<Store> {
    let shared = if url.starts_with("sqlite:") {
        open_sqlite(url).await?
    } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        open_postgres(url).await?
    } else {
        return Err(Error::Address(
            "it must begin with sqlite:// or postgres://".into(),
        ));
    };
    let store = Store(Arc::new(shared));
    migrate(&store).await?;
    Ok(store)
}

async fn open_sqlite(url: &str) -> Result<Shared> {
    let options = SqliteConnectOptions::from_str(url)
        .map_err(bad_address)?
        .foreign_keys(true)
        .busy_timeout(BUSY);
    // In memory every connection would have a database of its own, so there is one, and it stays.
    if options
        .get_filename()
        .to_string_lossy()
        .starts_with("file:sqlx-in-memory")
    {
        let only = pool(1).connect_with(options).await?;
        let only = SqlxSqliteConnector::from_sqlx_sqlite_pool(only);
        return Ok(Shared {
            kind: Kind::Sqlite,
            write: only.clone(),
            read: only,
        });
    }
    make_file(options.get_filename())?;
    let writing = options
        .clone()
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let write = pool(1).connect_with(writing).await?;
    let read = pool(SQLITE_READERS)
        .connect_with(options.pragma("query_only", "on"))
        .await?;
    Ok(Shared {
        kind: Kind::Sqlite,
        write: SqlxSqliteConnector::from_sqlx_sqlite_pool(write),
        read: SqlxSqliteConnector::from_sqlx_sqlite_pool(read),
    })
}

/// SQLite's pools keep their connections: opening one costs more than holding it.
fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

async fn open_postgres(url: &str) -> Result<Shared> {
    let options = PgConnectOptions::from_str(url).map_err(bad_address)?;
    let options = options.application_name("courier");
    // The pool would go on trying for all its patience where nobody listens; the start shall fail at once.
    match tokio::time::timeout(PATIENCE, options.connect()).await {
        Ok(connection) => connection?.close().await?,
        Err(_) => {
            return Err(Error::Unavailable(DbErr::ConnectionAcquire(
                ConnAcquireErr::Timeout,
            )));
        }
    }
    let pool = PoolOptions::<sqlx::Postgres>::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .connect_with(options)
        .await?;
    let pool: DatabaseConnection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
    Ok(Shared {
        kind: Kind::Postgres,
        write: pool.clone(),
        read: pool,
    })
}

/// SQLite gives its log and its index file the mode of the database file, so one mode is enough.
fn make_file(path: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::Address(format!(
            "{} can't be opened: {error}",
            path.display()
        ))),
    }
}

/// All or nothing, and one process at a time: SQLite's write lock, PostgreSQL's advisory lock.
async fn migrate(store: &Store) -> Result<()> {
    let transaction = store.begin().await?;
    if store.kind() == Kind::Postgres {
        transaction
            .execute_unprepared(&format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
            .await?;
    }
    Migrator::up(&transaction, None).await?;
    Ok(transaction.commit().await?)
}

/// Without the address itself, which may hold a password.
fn bad_address(error: sqlx::Error) -> Error {
    match error {
        sqlx::Error::Configuration(reason) => Error::Address(reason.to_string()),
        _ => Error::Address("it can't be understood".into()),
    }
}
