//! The whole database as lines of text, and back: from either kind of database into either.
//!
//! A backup is JSON lines. First what it is ([`Header`]); then each table: its name and columns, its rows as arrays, their
//! number; last the number of all rows. It is cut off where that line is missing. Sealed values stay sealed in it, but
//! hashes of passwords and all else are in the clear: who keeps it seals it as a whole.
//!
//! Logins (`sessions`) are left out. A backup of an earlier version is restored into the tables of that version, which
//! are then brought up to date.

mod restore;
mod tables;

use std::io::Write;

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};
use sea_orm_migration::MigratorTrait;
use serde::{Deserialize, Serialize, Serializer};

use crate::{Error, Result, Store, migrations::Migrator};

pub use restore::Restored;
pub(crate) use tables::{Cell, Column, Table, tables};

/// The format that this version writes and reads.
const FORMAT: u32 = 1;

/// Rows that are read at once, at most; fewer where they are long.
const PAGE: usize = 512;

/// As much as a page of rows shall hold, bytes of a backup. One row may be longer.
const PAGE_BYTES: usize = 4 << 20;

/// What a backup says of itself, in its first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The form of the lines.
    pub courier_backup: u32,
    /// The version of Courier that wrote it.
    pub version: String,
    /// When: the moment whose state it holds.
    pub made_at: Timestamp,
    /// Changes of the schema up to then, in their order.
    pub migrations: Vec<String>,
}

/// The line before a table's rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Begin {
    table: String,
    columns: Vec<Column>,
}

/// The line after a table's rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct End {
    rows: u64,
}

/// The last line.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Total {
    total_rows: u64,
}

/// How much a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contents {
    /// When: the moment whose state it holds.
    pub made_at: Timestamp,
    /// Rows of each table, in the order in which they stand there.
    #[serde(serialize_with = "by_name")]
    pub tables: Vec<(String, u64)>,
    /// Rows of all.
    pub rows: u64,
}

fn by_name<S: Serializer>(tables: &[(String, u64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(tables.iter().map(|(name, rows)| (name, rows)))
}

impl Store {
    /// Writes everything as it is at one moment, while others go on changing it. Memory is bounded, but for rows that are
    /// longer than a page.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Unavailable`], [`Error::Io`] where it can't be written.
    pub async fn back_up(&self, out: &mut (dyn Write + Send)) -> Result<Contents> {
        let snapshot = self.snapshot().await?;
        let written = write(&snapshot, out).await;
        // It only reads; the end is for the connection's sake.
        snapshot.rollback().await?;
        written
    }
}

async fn write(db: &DatabaseTransaction, out: &mut (dyn Write + Send)) -> Result<Contents> {
    // The first question decides which moment it is.
    let migrations = applied(db).await?;
    let header = Header {
        courier_backup: FORMAT,
        version: env!("CARGO_PKG_VERSION").into(),
        made_at: crate::now(),
        migrations,
    };
    line(out, &header)?;
    let mut contents = Contents {
        made_at: header.made_at,
        tables: Vec::new(),
        rows: 0,
    };
    for table in tables() {
        line(
            out,
            &Begin {
                table: table.name.clone(),
                columns: table.columns.clone(),
            },
        )?;
        let rows = write_rows(db, &table, out).await?;
        line(out, &End { rows })?;
        contents.rows += rows;
        contents.tables.push((table.name, rows));
    }
    line(
        out,
        &Total {
            total_rows: contents.rows,
        },
    )?;
    out.flush()?;
    Ok(contents)
}

async fn write_rows(db: &DatabaseTransaction, table: &Table, out: &mut (dyn Write + Send)) -> Result<u64> {
    let backend = db.get_database_backend();
    let mut written = 0;
    let mut last: Option<Vec<Cell>> = None;
    let mut limit = 1;
    loop {
        let after = table.key_of(last.as_deref());
        let question = Statement::from_sql_and_values(backend, table.page(backend, &after, limit), after);
        let page = db.query_all_raw(question).await?;
        let mut bytes = 0;
        for row in &page {
            let cells = table.read(row)?;
            bytes += line(out, &cells)?;
            last = Some(cells);
            written += 1;
        }
        if page.len() < limit {
            return Ok(written);
        }
        limit = match bytes > PAGE_BYTES / 2 {
            true => (limit / 2).max(1),
            false => (limit * 2).min(PAGE),
        };
    }
}

/// The names of the changes of the schema that this database has had, in their order.
pub(crate) async fn applied(db: &impl ConnectionTrait) -> Result<Vec<String>> {
    Ok(Migrator::get_applied_migrations_read_only(db)
        .await?
        .iter()
        .map(|migration| migration.name().to_owned())
        .collect())
}

/// Writes a line, and answers how long it is.
fn line(out: &mut (dyn Write + Send), value: &impl Serialize) -> Result<usize> {
    let mut line = serde_json::to_vec(value).map_err(|error| Error::Io(error.into()))?;
    line.push(b'\n');
    out.write_all(&line)?;
    Ok(line.len())
}
