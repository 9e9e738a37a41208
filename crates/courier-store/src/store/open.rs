//! Opening a database: its files, its pools, its tables.

use std::{
    path::Path,
    str::FromStr,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    SqlxPostgresConnector, SqlxSqliteConnector,
    sqlx::{
        self, ConnectOptions, Connection, Executor,
        error::DatabaseError,
        pool::PoolOptions,
        postgres::PgConnectOptions,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous},
    },
};
use sea_orm_migration::{MigratorTrait, SchemaManager};

use super::{Kind, Shared, Store};
use crate::{
    Error, Result,
    bus::Bus,
    dispatch::{Local, Postgres, migrate_postgres},
    migrations::Migrator,
};

/// How long a question waits for a connection before the database counts as unreachable.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a write waits for another process that writes the same SQLite file.
const BUSY: Duration = Duration::from_secs(10);
const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 12;
/// A node that stands still or loses its network in the middle of a transaction would otherwise hold its locks, on the audit
/// log's chain of general records for one, until PostgreSQL's TCP gives up: two hours by default. As long as its lease, after
/// which others go on with what it ran. No transaction that locks rows is without a statement for that long.
const ABANDONED: &str = "SET idle_in_transaction_session_timeout = '10s'";
/// The same for transactions that wait for somebody's file or disk between their statements.
const ABANDONED_SLOW: &str = "SET LOCAL idle_in_transaction_session_timeout = '60s'";
/// The advisory lock that holds migrations apart: "courier" in ASCII.
const MIGRATION_LOCK: i64 = 0x63_6f_75_72_69_65_72;
/// Where the names of the changes of the schema are kept.
pub(crate) const MIGRATIONS: &str = "seaql_migrations";

/// This transaction waits for something slower than a database between its statements.
pub(crate) async fn allow_pauses(db: &impl ConnectionTrait) -> Result<()> {
    if db.get_database_backend() == DbBackend::Postgres {
        db.execute_unprepared(ABANDONED_SLOW).await?;
    }
    Ok(())
}

pub(super) async fn open(url: &str) -> Result<Store> {
    let store = connect(url, true).await?;
    migrate(&store).await?;
    Ok(store)
}

/// Opens a database that is there, with the tables of this version, and leaves both as they are.
pub(super) async fn open_existing(url: &str) -> Result<Store> {
    let store = connect(url, false).await?;
    match version(store.read()).await? {
        Version::Same => Ok(store),
        Version::None => Err(Error::Schema(
            "it has none of Courier's tables; a server makes them at its first start, or a restore does"
                .into(),
        )),
        Version::Older(pending) => Err(Error::Schema(format!(
            "its tables are those of an earlier version of Courier ({} wait to be done); use the courier command of that \
             version, or start the server of this one first",
            pending.join(", ")
        ))),
        Version::Newer => Err(Error::Schema(
            "its tables are those of a later version of Courier; use the courier command of that version"
                .into(),
        )),
    }
}

/// Opens a database whatever is in it; makes SQLite's file where it is missing, and no tables.
pub(super) async fn open_bare(url: &str) -> Result<Store> {
    connect(url, true).await
}

/// Which version's tables a database has.
enum Version {
    None,
    Older(Vec<String>),
    Same,
    Newer,
}

async fn version(db: &DatabaseConnection) -> Result<Version> {
    if !SchemaManager::new(db).has_table(MIGRATIONS).await? {
        return Ok(Version::None);
    }
    match Migrator::get_pending_migrations_read_only(db).await {
        Ok(pending) if pending.is_empty() => Ok(Version::Same),
        Ok(pending) => Ok(Version::Older(
            pending
                .iter()
                .map(|migration| migration.name().to_owned())
                .collect(),
        )),
        // What was done to it isn't known here.
        Err(DbErr::Custom(_)) => Ok(Version::Newer),
        Err(error) => Err(error.into()),
    }
}

/// `make`: SQLite's file, where it is missing.
async fn connect(url: &str, make: bool) -> Result<Store> {
    let shared = if url.starts_with("sqlite:") {
        open_sqlite(url, make).await?
    } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        open_postgres(url).await?
    } else {
        return Err(Error::Address(
            "it must begin with sqlite:// or postgres://".into(),
        ));
    };
    Ok(Store(Arc::new(shared)))
}

async fn open_sqlite(url: &str, make: bool) -> Result<Shared> {
    let options = SqliteConnectOptions::from_str(url)
        .map_err(bad_address)?
        .foreign_keys(true)
        .busy_timeout(BUSY)
        // A full buffer costs two changes of threads for each row.
        .row_buffer_size(1_000);
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
            read: only.clone(),
            audit_key: OnceLock::new(),
            bus: Bus::alone(),
            dispatcher: Box::new(Local::new(only)),
        });
    }
    if make {
        make_file(options.get_filename())?;
    } else if !options.get_filename().exists() {
        let path = options.get_filename().display();
        return Err(Error::Address(format!("there is no database {path}")));
    }
    let writing = options
        .clone()
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let write = connect_writer(&writing).await?;
    let read = pool(SQLITE_READERS)
        .connect_with(options.pragma("query_only", "on"))
        .await?;
    let read = SqlxSqliteConnector::from_sqlx_sqlite_pool(read);
    Ok(Shared {
        kind: Kind::Sqlite,
        write: SqlxSqliteConnector::from_sqlx_sqlite_pool(write),
        read: read.clone(),
        audit_key: OnceLock::new(),
        bus: Bus::alone(),
        dispatcher: Box::new(Local::new(read)),
    })
}

/// Nobody waits for a lock while the log is switched on, so where several processes open a new database at once, this
/// tries again.
async fn connect_writer(options: &SqliteConnectOptions) -> Result<SqlitePool> {
    let begun = Instant::now();
    loop {
        match pool(1).connect_with(options.clone()).await {
            Err(sqlx::Error::Database(e)) if is_busy(&*e) && begun.elapsed() < BUSY => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            connected => return Ok(connected?),
        }
    }
}

/// The lower byte is the error, the others tell details.
fn is_busy(error: &dyn DatabaseError) -> bool {
    error
        .code()
        .and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| code & 0xff == 5)
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
        .after_connect(|connection, _| Box::pin(async move { connection.execute(ABANDONED).await.map(drop) }))
        .connect_with(options)
        .await?;
    let bus = Bus::shared(pool.clone());
    let pool: DatabaseConnection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
    Ok(Shared {
        kind: Kind::Postgres,
        write: pool.clone(),
        read: pool.clone(),
        audit_key: OnceLock::new(),
        bus,
        dispatcher: Box::new(Postgres::new(pool)),
    })
}

/// Makes the file where it is missing. SQLite gives its log and its index file the same mode.
///
/// A file that is there is left alone: to close any handle on it would drop the locks that SQLite has on it in this
/// process.
fn make_file(path: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(Error::Address(format!(
            "{} can't be made: {error}",
            path.display()
        ))),
        _ => Ok(()),
    }
}

/// All or nothing, and one process at a time: SQLite's write lock, PostgreSQL's advisory lock.
async fn migrate(store: &Store) -> Result<()> {
    store
        .transact(async |db| {
            lock_migrations(db, store.kind()).await?;
            Migrator::up(db, None).await?;
            match store.kind() {
                Kind::Sqlite => Ok(()),
                Kind::Postgres => migrate_postgres(store.write()).await,
            }
        })
        .await
}

/// Waits until nobody else changes the tables; they stay so until the transaction's end. SQLite's write lock does that
/// by itself.
pub(crate) async fn lock_migrations(db: &DatabaseTransaction, kind: Kind) -> Result<()> {
    if kind == Kind::Postgres {
        db.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
            .await?;
    }
    Ok(())
}

/// Without the address itself, which may hold a password.
fn bad_address(error: sqlx::Error) -> Error {
    match error {
        sqlx::Error::Configuration(reason) => Error::Address(reason.to_string()),
        _ => Error::Address("it can't be understood".into()),
    }
}
