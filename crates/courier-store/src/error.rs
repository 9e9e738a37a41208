//! What can go wrong.

use sea_orm::{DbErr, RuntimeErr, SqlErr, sqlx};

/// The result of everything that asks the store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the store refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such record.
    #[error("there is no such {what}")]
    NotFound {
        /// The noun, in words: `connection`, `SSH key`, …
        what: &'static str,
    },
    /// Another record has this value already.
    #[error("another {what} has this {field} already")]
    Duplicate {
        /// The noun, in words.
        what: &'static str,
        /// The field that must be unique, as the records call it.
        field: &'static str,
    },
    /// The record isn't in a state that allows this, or somebody else changed it first.
    #[error("{0}")]
    Conflict(String),
    /// The cursor is none that a list gave out.
    #[error("the cursor is none that a list gave out; begin again without one")]
    BadCursor,
    /// Others need this record.
    #[error("the {what} is in use by {}", by.join(", "))]
    InUse {
        /// The noun, in words.
        what: &'static str,
        /// The names of those that use it.
        by: Vec<String>,
    },
    /// Nothing can be recorded: a chain of the audit log isn't as Courier left it, or its key is missing.
    #[error("the audit log can't be continued: {0}")]
    AuditChain(String),
    /// The database can't be reached; trying again later may help.
    #[error("the database can't be reached")]
    Unavailable(#[source] DbErr),
    /// The address names no database that Courier can use, or its file can't be made.
    #[error("the database address can't be used: {0}")]
    Address(String),
    /// The database's tables aren't those of this version.
    #[error("the database can't be used: {0}")]
    Schema(String),
    /// The backup can't be restored.
    #[error("the backup can't be restored: {0}")]
    Backup(String),
    /// A backup can't be read or written.
    #[error("the backup can't be read or written: {0}")]
    Io(#[from] std::io::Error),
    /// The database failed, or holds what no version of Courier wrote.
    #[error("the database failed")]
    Database(#[source] DbErr),
}

impl Error {
    /// Can the same call succeed later without anybody's help?
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Database(_))
    }
}

/// Every value that must be unique: table, column, and the noun in words. The unique constraint or index on it is named
/// `<table>_<column>_key`; SQLite reports columns instead, `<table>.<column>`. What is `<field>_folded` is a field without
/// regard to case.
const UNIQUE: &[(&str, &str, &str)] = &[
    ("connections", "name", "connection"),
    ("ssh_keys", "name", "SSH key"),
    ("ssh_keys", "fingerprint", "SSH key"),
    ("connection_keys", "ssh_key_id", "key of this connection"),
    ("jobs", "name", "job"),
    ("users", "username", "user"),
    ("users", "username_folded", "user"),
    ("tokens", "name", "API token"),
    ("alerts", "name", "alert"),
    ("folder_mappings", "name", "folder mapping"),
    ("storages", "name", "storage"),
    ("function_calls", "run_id", "call of a function"),
];

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(message)) => match duplicate(&message) {
                Some((what, field)) => Self::Duplicate { what, field },
                None => Self::Database(error),
            },
            // Rows are only ever inserted below a parent; what a delete would orphan goes with it.
            Some(SqlErr::ForeignKeyConstraintViolation(_)) => Self::NotFound {
                what: "record that this one belongs to",
            },
            _ if is_unreachable(&error) => Self::Unavailable(error),
            _ => Self::Database(error),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        DbErr::Conn(RuntimeErr::SqlxError(error.into())).into()
    }
}

fn duplicate(message: &str) -> Option<(&'static str, &'static str)> {
    UNIQUE
        .iter()
        .find(|(table, column, _)| {
            // SQLite lists all columns of the index with a comma; the telling one stands last.
            message.ends_with(&format!(" {table}.{column}"))
                || message.contains(&format!("\"{table}_{column}_key\""))
        })
        .map(|(_, column, what)| (*what, column.strip_suffix("_folded").unwrap_or(column)))
}

fn is_unreachable(error: &DbErr) -> bool {
    let sqlx = match error {
        DbErr::ConnectionAcquire(_) => return true,
        DbErr::Conn(RuntimeErr::SqlxError(sqlx))
        | DbErr::Exec(RuntimeErr::SqlxError(sqlx))
        | DbErr::Query(RuntimeErr::SqlxError(sqlx)) => sqlx,
        _ => return false,
    };
    match &**sqlx {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Tls(_) => {
            true
        }
        // PostgreSQL: connection exceptions, too many connections, and a server that stops or starts.
        sqlx::Error::Database(db) => db.code().is_some_and(|code| {
            code.starts_with("08") || matches!(&*code, "53300" | "57P01" | "57P02" | "57P03")
        }),
        _ => false,
    }
}
