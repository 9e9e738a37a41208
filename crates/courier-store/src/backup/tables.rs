//! What a backup holds of the schema: derived from the entities, so that a new column is in it by itself.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sea_orm::{
    ColumnTrait, ColumnType, DbBackend, DbErr, EntityTrait, IdenStatic, Iterable, PrimaryKeyToColumn,
    QueryResult, Value,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Result, entities};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Holds {
    Uuid,
    Text,
    Number,
    Boolean,
    Bytes,
    /// JSON, moved as the text that it is.
    Json,
}

/// A column: its name, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Column(pub(crate) String, pub(crate) Holds);

/// A value of a row: as it is in SQL, and as it is in a backup's line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Cell {
    Null,
    Boolean(bool),
    Number(i64),
    /// Text, JSON, an id, or bytes as base64.
    Text(String),
}

/// A table that a backup holds.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    /// Which of the columns are the primary key.
    key: Vec<usize>,
}

/// Every table but those of what is only of the moment: parents before what refers to them.
pub(crate) fn tables() -> Vec<Table> {
    vec![
        Table::of::<entities::settings::Entity>(),
        Table::of::<entities::users::Entity>(),
        Table::of::<entities::tokens::Entity>(),
        Table::of::<entities::connections::Entity>(),
        Table::of::<entities::connection_secrets::Entity>(),
        Table::of::<entities::known_hosts::Entity>(),
        Table::of::<entities::ssh_keys::Entity>(),
        Table::of::<entities::connection_keys::Entity>(),
        Table::of::<entities::storages::Entity>(),
        Table::of::<entities::jobs::Entity>(),
        Table::of::<entities::job_versions::Entity>(),
        Table::of::<entities::job_connections::Entity>(),
        Table::of::<entities::schedules::Entity>(),
        Table::of::<entities::executions::Entity>(),
        Table::of::<entities::steps::Entity>(),
        Table::of::<entities::execution_history::Entity>(),
        Table::of::<entities::function_calls::Entity>(),
        Table::of::<entities::folder_mappings::Entity>(),
        Table::of::<entities::pulls::Entity>(),
        Table::of::<entities::pull_replays::Entity>(),
        Table::of::<entities::alerts::Entity>(),
        Table::of::<entities::audit_chains::Entity>(),
        Table::of::<entities::audit::Entity>(),
    ]
}

impl Table {
    fn of<E: EntityTrait>() -> Self {
        let columns: Vec<E::Column> = E::Column::iter().collect();
        let key = E::PrimaryKey::iter().map(|key| key.into_column().as_str().to_owned());
        let key: Vec<String> = key.collect();
        Self {
            name: E::default().as_str().to_owned(),
            key: (0..columns.len())
                .filter(|at| {
                    let name = columns.get(*at).map(IdenStatic::as_str);
                    key.iter().any(|key| Some(key.as_str()) == name)
                })
                .collect(),
            columns: columns
                .iter()
                .map(|column| Column(column.as_str().to_owned(), holds(column.def().get_column_type())))
                .collect(),
        }
    }

    /// The question for rows after this key, by the key; from the first one where there is none.
    pub(super) fn page(&self, backend: DbBackend, after: &[Value], limit: usize) -> String {
        let names: Vec<String> = self
            .columns
            .iter()
            .map(|Column(name, holds)| match holds {
                Holds::Json => format!("CAST(\"{name}\" AS TEXT)"),
                _ => format!("\"{name}\""),
            })
            .collect();
        let key: Vec<String> = self
            .key_columns()
            .map(|Column(name, _)| format!("\"{name}\""))
            .collect();
        let key = key.join(", ");
        let from = if after.is_empty() {
            String::new()
        } else {
            format!("WHERE ({key}) > ({})", parameters(backend, 1, after.len()))
        };
        let (names, table) = (names.join(", "), &self.name);
        format!("SELECT {names} FROM \"{table}\" {from} ORDER BY {key} LIMIT {limit}")
    }

    /// The key of this row.
    pub(super) fn key_of(&self, row: Option<&[Cell]>) -> Vec<Value> {
        let Some(row) = row else { return Vec::new() };
        let cells = self.key.iter().filter_map(|at| row.get(*at));
        self.key_columns()
            .zip(cells)
            .filter_map(|(Column(_, holds), cell)| cell.value(*holds).ok())
            .collect()
    }

    fn key_columns(&self) -> impl Iterator<Item = &Column> {
        self.key.iter().filter_map(|at| self.columns.get(*at))
    }

    /// A row that answers [`Self::page`].
    pub(super) fn read(&self, row: &QueryResult) -> Result<Vec<Cell>> {
        let columns = self.columns.iter().enumerate();
        columns
            .map(|(at, Column(_, holds))| {
                Ok(match holds {
                    Holds::Uuid => text(row.try_get_by_index::<Option<Uuid>>(at)?.map(|id| id.to_string())),
                    Holds::Text | Holds::Json => text(row.try_get_by_index::<Option<String>>(at)?),
                    Holds::Bytes => {
                        let bytes = row.try_get_by_index::<Option<Vec<u8>>>(at)?;
                        text(bytes.map(|bytes| BASE64_STANDARD.encode(bytes)))
                    }
                    Holds::Boolean => row
                        .try_get_by_index::<Option<bool>>(at)?
                        .map_or(Cell::Null, Cell::Boolean),
                    Holds::Number => number(row, at)?,
                })
            })
            .collect()
    }
}

/// `?, ?` or `$1, $2`, the first one of this number.
pub(super) fn parameters(backend: DbBackend, first: usize, count: usize) -> String {
    let all: Vec<String> = (first..first + count)
        .map(|number| match backend {
            DbBackend::Postgres => format!("${number}"),
            _ => "?".to_owned(),
        })
        .collect();
    all.join(", ")
}

fn text(text: Option<String>) -> Cell {
    text.map_or(Cell::Null, Cell::Text)
}

/// PostgreSQL keeps some in 4 bytes, and is exact about it.
fn number(row: &QueryResult, at: usize) -> Result<Cell> {
    let wide = row.try_get_by_index::<Option<i64>>(at);
    let number = wide.or_else(|_| Ok::<_, DbErr>(row.try_get_by_index::<Option<i32>>(at)?.map(i64::from)))?;
    Ok(number.map_or(Cell::Null, Cell::Number))
}

fn holds(column: &ColumnType) -> Holds {
    match column {
        ColumnType::Uuid => Holds::Uuid,
        ColumnType::Boolean => Holds::Boolean,
        ColumnType::Json | ColumnType::JsonBinary => Holds::Json,
        ColumnType::Blob | ColumnType::Binary(_) | ColumnType::VarBinary(_) => Holds::Bytes,
        ColumnType::SmallInteger | ColumnType::Integer | ColumnType::BigInteger => Holds::Number,
        _ => Holds::Text,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use sea_orm::ConnectionTrait;

    use super::*;
    use crate::{Store, store::MIGRATIONS};

    /// Tables that a backup leaves out, on purpose.
    /// Messages and what was told are left out so that a restored system doesn't tell of what is long past.
    const LEFT_OUT: [&str; 7] = [
        "sessions",
        "nodes",
        "session_slots",
        "pull_sightings",
        "alert_subjects",
        "alert_deliveries",
        MIGRATIONS,
    ];

    /// Columns of bytes that are no sealed values.
    const NOT_SEALED: [&str; 9] = [
        "tokens.token_hash",
        "pulls.path",
        "pulls.long_path",
        "pulls.sha256",
        "audit.mac",
        "audit_chains.mac",
        "audit_chains.head_mac",
        "audit_chains.base_mac",
        "audit_chains.base_auth",
    ];

    async fn texts(store: &Store, question: &str) -> BTreeSet<String> {
        let rows = store
            .read()
            .query_all_raw(sea_orm::Statement::from_string(DbBackend::Sqlite, question));
        let rows = rows.await.unwrap();
        rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
    }

    /// Who adds a table adds it to [`tables`], or says here why a backup does without it.
    #[tokio::test]
    async fn every_table_and_column_of_the_schema_is_in_a_backup() {
        let store = Store::open("sqlite::memory:").await.unwrap();
        let there = texts(
            &store,
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        )
        .await;
        let ours: BTreeMap<String, Table> = tables().into_iter().map(|t| (t.name.clone(), t)).collect();
        for table in there.iter().filter(|table| !LEFT_OUT.contains(&table.as_str())) {
            let known = ours.get(table);
            let known: BTreeSet<String> = known
                .iter()
                .flat_map(|t| &t.columns)
                .map(|Column(name, _)| name.clone())
                .collect();
            let there = texts(&store, &format!("SELECT name FROM pragma_table_info('{table}')")).await;
            assert_eq!(
                known, there,
                "the columns of {table} that a backup has, and those of the schema"
            );
        }
        assert!(ours.keys().all(|table| there.contains(table)));
    }

    /// Who adds sealed values adds them to `sealed`, so that they move to a new key with the others.
    #[test]
    fn every_column_of_bytes_is_known_to_be_sealed_or_not() {
        for table in tables() {
            for Column(name, holds) in &table.columns {
                let name = format!("{}.{name}", table.name);
                let sealed = [
                    "connection_secrets.sealed",
                    "ssh_keys.private_key",
                    "alerts.secret",
                    "storages.credentials",
                ]
                .contains(&name.as_str());
                let other = NOT_SEALED.contains(&name.as_str());
                assert_eq!(*holds == Holds::Bytes, sealed || other, "{name}");
            }
        }
    }
}
