//! From a backup into a database without tables.

use std::io::BufRead;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement, Value};
use sea_orm_migration::{MigratorTrait, SchemaManager};
use serde::{Deserialize, Serialize};

use super::{
    Begin, Column, Contents, End, FORMAT, Header, PAGE_BYTES, Total,
    tables::{Cell, Holds, parameters},
};
use crate::{
    Error, Kind, Result, Store,
    dispatch::migrate_postgres,
    executions::{ExecutionRequest, ExecutionState, StepState},
    migrations::Migrator,
    sealed::{self, SealedValue},
    store::{MIGRATIONS, allow_pauses, lock_migrations},
};

/// Values in one statement; SQLite takes no more than 32766.
const VALUES: usize = 30_000;

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// The version of Courier that wrote the backup.
    pub version: String,
    /// What was in it.
    #[serde(flatten)]
    pub contents: Contents,
    /// Executions that had waited or run, and are paused now.
    pub paused: u64,
}

/// A line of a backup.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Row(Vec<Cell>),
    Begin(Begin),
    End(End),
    Total(Total),
}

impl Store {
    /// Fills a database that has no tables yet: everything, or nothing where it fails. Executions that waited or ran are
    /// paused, and no schedule has missed a run, so that nothing starts that may have run already. `check` sees all sealed values before it is done, page by page
    /// and at last an empty one, and may refuse.
    ///
    /// # Errors
    /// [`Error::Backup`] where the database has tables, the backup is of a later version, cut off or damaged; that of
    /// `check`; [`Error::Database`], [`Error::Unavailable`], [`Error::Io`].
    pub async fn restore(
        &self,
        backup: &mut (dyn BufRead + Send),
        check: impl AsyncFnMut(Vec<SealedValue>) -> Result<()>,
    ) -> Result<Restored> {
        self.transact(async |db| {
            allow_pauses(db).await?;
            let restored = fill(db, self.kind(), backup, check).await?;
            if self.kind() == Kind::Postgres {
                migrate_postgres(self.write()).await?;
            }
            Ok(restored)
        })
        .await
    }
}

async fn fill(
    db: &DatabaseTransaction,
    kind: Kind,
    backup: &mut (dyn BufRead + Send),
    mut check: impl AsyncFnMut(Vec<SealedValue>) -> Result<()>,
) -> Result<Restored> {
    lock_migrations(db, kind).await?;
    if SchemaManager::new(db).has_table(MIGRATIONS).await? {
        return refused(
            "the database has Courier's tables already; restore into a new one: another data folder, or an empty database \
             on the PostgreSQL server",
        );
    }
    let mut lines = Lines {
        backup,
        line: Vec::new(),
        number: 0,
    };
    let header: Header = lines.next()?;
    if header.courier_backup != FORMAT {
        return refused(format!(
            "it has the form {}, and this version reads {FORMAT}; use the Courier {} that wrote it",
            header.courier_backup, header.version
        ));
    }
    Migrator::up(db, Some(known(&header)?)).await?;
    let contents = rows(db, &mut lines, &header).await?;
    let paused = pause(db).await?;
    Migrator::up(db, None).await?;
    begin_schedules_anew(db).await?;
    for (table, rows) in &contents.tables {
        let found = count(db, table).await?;
        if found != *rows {
            return refused(format!(
                "the table {table} has {found} rows now, and {rows} in the backup"
            ));
        }
    }
    let mut last = None;
    loop {
        let page = sealed::page(db, last.as_ref()).await?;
        let end = page.is_empty();
        last = page.last().map(|value| value.place.clone());
        check(page).await?;
        if end {
            break;
        }
    }
    Ok(Restored {
        version: header.version,
        contents,
        paused,
    })
}

/// How many changes of the schema make the tables that the backup was written from.
fn known(header: &Header) -> Result<u32> {
    let ours = Migrator::migrations();
    let ours: Vec<&str> = ours.iter().map(|migration| migration.name()).collect();
    if ours.starts_with(&header.migrations.iter().map(String::as_str).collect::<Vec<_>>()) {
        return u32::try_from(header.migrations.len()).or_else(|_| refused("it has no end of migrations"));
    }
    refused(format!(
        "it is of Courier {}, whose tables this version doesn't know (they are at {}, and this version ends at {}); \
         restore it with that version",
        header.version,
        header.migrations.last().map_or("nothing", String::as_str),
        ours.last().unwrap_or(&"nothing"),
    ))
}

async fn rows(db: &DatabaseTransaction, lines: &mut Lines<'_>, header: &Header) -> Result<Contents> {
    let mut contents = Contents {
        made_at: header.made_at,
        tables: Vec::new(),
        rows: 0,
    };
    loop {
        match lines.next()? {
            Line::Begin(begin) => {
                let rows = table(db, lines, &begin).await?;
                contents.rows += rows;
                contents.tables.push((begin.table, rows));
            }
            Line::Total(total) if total.total_rows == contents.rows && lines.is_at_end()? => {
                return Ok(contents);
            }
            _ => return lines.damaged("expected the next table, or the number of all rows at the end"),
        }
    }
}

async fn table(db: &DatabaseTransaction, lines: &mut Lines<'_>, begin: &Begin) -> Result<u64> {
    let plain = |name: &str| !name.is_empty() && name.bytes().all(|c| c == b'_' || c.is_ascii_alphanumeric());
    if begin.columns.is_empty()
        || !plain(&begin.table)
        || !begin.columns.iter().all(|Column(name, _)| plain(name))
    {
        return lines.damaged("expected a table with names of columns");
    }
    let (mut rows, mut values, mut bytes) = (0, Vec::new(), 0);
    loop {
        match lines.next()? {
            Line::Row(row) if row.len() == begin.columns.len() => {
                for (cell, Column(name, holds)) in row.iter().zip(&begin.columns) {
                    match cell.value(*holds) {
                        Ok(value) => values.push(value),
                        Err(expected) => return lines.damaged(&format!("expected {expected} as {name}")),
                    }
                }
                rows += 1;
                bytes += lines.line.len();
                if values.len() + row.len() > VALUES || bytes > PAGE_BYTES {
                    insert(db, begin, std::mem::take(&mut values)).await?;
                    bytes = 0;
                }
            }
            Line::End(end) if end.rows == rows => {
                insert(db, begin, values).await?;
                return Ok(rows);
            }
            _ => {
                return lines.damaged(&format!(
                    "expected a row of {}, or the number of its rows",
                    begin.table
                ));
            }
        }
    }
}

async fn insert(db: &DatabaseTransaction, begin: &Begin, values: Vec<Value>) -> Result<()> {
    if values.is_empty() {
        return Ok(());
    }
    let backend = db.get_database_backend();
    let names: Vec<String> = begin
        .columns
        .iter()
        .map(|Column(name, _)| format!("\"{name}\""))
        .collect();
    let width = begin.columns.len();
    let rows: Vec<String> = (0..values.len() / width)
        .map(|row| {
            let cells: Vec<String> = begin
                .columns
                .iter()
                .enumerate()
                .map(|(at, Column(_, holds))| {
                    let parameter = parameters(backend, row * width + at + 1, 1);
                    match (holds, backend) {
                        (Holds::Json, DbBackend::Postgres) => format!("CAST({parameter} AS JSONB)"),
                        _ => parameter,
                    }
                })
                .collect();
            format!("({})", cells.join(", "))
        })
        .collect();
    let sql = format!(
        "INSERT INTO \"{}\" ({}) VALUES {}",
        begin.table,
        names.join(", "),
        rows.join(", ")
    );
    db.execute_raw(Statement::from_sql_and_values(backend, sql, values))
        .await?;
    Ok(())
}

/// What was due since the backup may have run then: schedules are due from now on, as who looks at them next says.
async fn begin_schedules_anew(db: &DatabaseTransaction) -> Result<()> {
    db.execute_unprepared("UPDATE schedules SET look_at = 0, next_run_at = NULL WHERE look_at IS NOT NULL")
        .await?;
    Ok(())
}

/// What waited or ran waits for somebody now: the partners may be others, and what it did after the backup is unknown.
async fn pause(db: &DatabaseTransaction) -> Result<u64> {
    let (paused, none) = (ExecutionState::Paused, ExecutionRequest::None);
    let (queued, running) = (ExecutionState::Queued, ExecutionState::Running);
    let executions = db
        .execute_unprepared(&format!(
            "UPDATE executions SET state = '{paused}', request = '{none}', node = NULL \
             WHERE state IN ('{queued}', '{running}')"
        ))
        .await?;
    let (pending, running) = (StepState::Pending, StepState::Running);
    db.execute_unprepared(&format!(
        "UPDATE execution_steps SET state = '{pending}' WHERE state = '{running}'"
    ))
    .await?;
    Ok(executions.rows_affected())
}

async fn count(db: &DatabaseTransaction, table: &str) -> Result<u64> {
    let question = format!("SELECT COUNT(*) FROM \"{table}\"");
    let answer = db
        .query_one_raw(Statement::from_string(db.get_database_backend(), question))
        .await?;
    let count: Option<i64> = answer.map(|row| row.try_get_by_index(0)).transpose()?;
    Ok(count.map_or(0, crate::row::amount))
}

impl Cell {
    /// As SQL has it; what was expected where it is something else.
    pub(super) fn value(&self, holds: Holds) -> Result<Value, &'static str> {
        let text = match self {
            Self::Null => None,
            Self::Text(text) => Some(text),
            Self::Boolean(value) if holds == Holds::Boolean => return Ok(Value::Bool(Some(*value))),
            Self::Number(value) if holds == Holds::Number => return Ok(Value::BigInt(Some(*value))),
            Self::Boolean(_) | Self::Number(_) => return Err("text"),
        };
        Ok(match (holds, text) {
            (Holds::Text | Holds::Json, text) => Value::String(text.cloned()),
            (Holds::Uuid, None) => Value::Uuid(None),
            (Holds::Uuid, Some(text)) => Value::Uuid(Some(text.parse().map_err(|_| "a UUID")?)),
            (Holds::Bytes, None) => Value::Bytes(None),
            (Holds::Bytes, Some(text)) => {
                Value::Bytes(Some(BASE64_STANDARD.decode(text).map_err(|_| "bytes as base64")?))
            }
            (Holds::Boolean, None) => Value::Bool(None),
            (Holds::Number, None) => Value::BigInt(None),
            (Holds::Boolean, Some(_)) => return Err("true or false"),
            (Holds::Number, Some(_)) => return Err("a number"),
        })
    }
}

/// The lines of a backup, one at a time.
struct Lines<'a> {
    backup: &'a mut (dyn BufRead + Send),
    line: Vec<u8>,
    number: u64,
}

impl Lines<'_> {
    fn next<T: for<'l> Deserialize<'l>>(&mut self) -> Result<T> {
        self.line.clear();
        self.number += 1;
        self.backup.read_until(b'\n', &mut self.line)?;
        if self.line.is_empty() {
            return refused("it ends too early: it was cut off");
        }
        match serde_json::from_slice(&self.line) {
            Ok(line) => Ok(line),
            Err(_) => self.damaged("expected a line of a backup"),
        }
    }

    fn is_at_end(&mut self) -> Result<bool> {
        Ok(self.backup.fill_buf()?.is_empty())
    }

    /// Never quotes the line.
    fn damaged<T>(&self, expected: &str) -> Result<T> {
        refused(format!("its line {} is damaged: {expected}", self.number))
    }
}

fn refused<T>(reason: impl Into<String>) -> Result<T> {
    Err(Error::Backup(reason.into()))
}
