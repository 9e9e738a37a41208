//! Looking at what was pulled.

use std::collections::HashMap;

use jiff::Timestamp;
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::{Entry, HistoryFilter, rows};
use crate::{Error, Page, PageRequest, Result, Store, audit::Volume, row, sql::Sql};

/// Entries that are read by their ids at once.
const BATCH: usize = 1000;
/// So many entries are put in order at once without anybody noticing.
const FEW: i64 = 10_000;

pub(super) async fn list(
    store: &Store,
    connection: Uuid,
    filter: &HistoryFilter,
    page: &PageRequest,
) -> Result<Page<Entry>> {
    let db = store.read();
    let backend = db.get_database_backend();
    let limit = page.limit.clamp(1, 10_000);
    let mut sql = Sql::new(backend, &format!("SELECT {} FROM pulls", rows::ENTRY))
        .text(" WHERE pulled_at IS NOT NULL AND connection_id = ")
        .value(connection);
    if let Some(mapping) = filter.mapping_id {
        sql = sql.text(" AND mapping_id = ").value(mapping);
    }
    if let Some(execution) = filter.execution_id {
        sql = sql.text(" AND execution_id = ").value(execution);
    }
    if let Some(sha256) = filter.sha256 {
        sql = sql.text(" AND sha256 = ").value(sha256.to_vec());
    }
    if let Some(since) = filter.since {
        sql = sql.text(" AND pulled_at >= ").value(since.as_microsecond());
    }
    if let Some(until) = filter.until {
        sql = sql.text(" AND pulled_at < ").value(until.as_microsecond());
    }
    let mut order = "pulled_at";
    if let Some(prefix) = &filter.prefix {
        sql = below(sql, prefix);
        if are_few(store, connection, prefix).await? {
            // What isn't plainly a column keeps SQLite from going through all of the history in its order.
            order = "pulled_at + 0";
        }
    }
    if let Some(part) = &filter.path {
        let find = match store.kind() {
            crate::Kind::Sqlite => " AND instr(COALESCE(long_path, path), ",
            crate::Kind::Postgres => " AND position(",
        };
        sql = sql.text(find).value(part.clone());
        sql = match store.kind() {
            crate::Kind::Sqlite => sql.text(") > 0"),
            crate::Kind::Postgres => sql.text(" IN COALESCE(long_path, path)) > 0"),
        };
    }
    if let Some(cursor) = &page.cursor {
        let (at, id) = place(cursor)?;
        sql = sql
            .text(" AND (pulled_at, id) < (")
            .value(at)
            .text(", ")
            .value(id)
            .text(")");
    }
    let sql = sql
        .text(&format!(" ORDER BY {order} DESC, id DESC LIMIT "))
        .value(i64::try_from(limit + 1).unwrap_or(i64::MAX));
    let rows = db.query_all_raw(sql.build()).await?;
    let mut items: Vec<Entry> = rows.iter().map(rows::entry).collect::<Result<_>>()?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = items
        .last()
        .filter(|_| more)
        .map(|last| format!("{:x}-{}", last.pulled_at.as_microsecond(), last.id.simple()));
    Ok(Page { items, next_cursor })
}

/// Narrows a question to paths with this beginning.
fn below(sql: Sql, prefix: &[u8]) -> Sql {
    let sql = sql.text(" AND path >= ").value(prefix.to_vec());
    match end_of(prefix) {
        Some(end) => sql.text(" AND path < ").value(end),
        None => sql,
    }
}

/// Are there so few paths with this beginning that they are best found first, and then put in order?
async fn are_few(store: &Store, connection: Uuid, prefix: &[u8]) -> Result<bool> {
    let db = store.read();
    let first = Sql::new(
        db.get_database_backend(),
        "SELECT count(*) FROM (SELECT 1 FROM pulls WHERE connection_id = ",
    )
    .value(connection);
    let question = below(first, prefix).text(&format!(" LIMIT {}) AS v", FEW + 1));
    let row = db.query_one_raw(question.build()).await?;
    let count: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
    Ok(count <= FEW)
}

/// The place after which a page begins.
fn place(cursor: &str) -> Result<(i64, Uuid)> {
    let (at, id) = cursor.split_once('-').ok_or(Error::BadCursor)?;
    let at = i64::from_str_radix(at, 16).map_err(|_| Error::BadCursor)?;
    Ok((at, id.parse().map_err(|_| Error::BadCursor)?))
}

/// The first path that is behind all with this beginning; none where there is no such path.
fn end_of(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte < u8::MAX)?;
    let mut end = prefix.get(..=last)?.to_vec();
    if let Some(byte) = end.last_mut() {
        *byte += 1;
    }
    Some(end)
}

pub(super) async fn get(store: &Store, id: Uuid) -> Result<Entry> {
    let entry = by_id(store, [id]).await?.remove(&id);
    entry.ok_or(Error::NotFound {
        what: "entry of the history",
    })
}

/// Those of these entries that are there.
pub(super) async fn by_id(
    store: &Store,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, Entry>> {
    let db = store.read();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let mut entries = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(BATCH) {
        let question = Sql::new(
            db.get_database_backend(),
            &format!(
                "SELECT {} FROM pulls WHERE pulled_at IS NOT NULL AND id IN ",
                rows::ENTRY
            ),
        )
        .list(ids.iter().copied());
        for row in db.query_all_raw(question.build()).await? {
            let entry = rows::entry(&row)?;
            entries.insert(entry.id, entry);
        }
    }
    Ok(entries)
}

pub(super) async fn open_at(store: &Store, storage: Uuid) -> Result<u64> {
    let db = store.read();
    let question = Sql::new(
        db.get_database_backend(),
        "SELECT count(*) FROM pulls WHERE pulled_at IS NULL AND storage_id = ",
    )
    .value(storage);
    let row = db.query_one_raw(question.build()).await?;
    let count: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
    Ok(row::amount(count))
}

pub(super) async fn are_recorded(store: &Store, ids: &[Uuid]) -> Result<HashMap<Uuid, bool>> {
    let db = store.read();
    let mut known = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(BATCH) {
        let question = Sql::new(
            db.get_database_backend(),
            "SELECT id, pulled_at IS NOT NULL FROM pulls WHERE id IN ",
        )
        .list(ids.iter().copied());
        for row in db.query_all_raw(question.build()).await? {
            known.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        }
    }
    Ok(known)
}

pub(super) async fn volume(store: &Store, since: Timestamp) -> Result<Volume> {
    let db = store.read();
    let question = Sql::new(
        db.get_database_backend(),
        // PostgreSQL sums BIGINT as NUMERIC. SQLite keeps the order of a CROSS JOIN; otherwise it goes through all that was ever
        // pulled.
        "SELECT count(*), CAST(sum(p.size) AS BIGINT) FROM connections AS c CROSS JOIN pulls AS p \
         WHERE p.connection_id = c.id AND p.pulled_at IS NOT NULL AND p.pulled_at >= ",
    )
    .value(since.as_microsecond());
    let Some(row) = db.query_one_raw(question.build()).await? else {
        return Ok(Volume::default());
    };
    Ok(Volume {
        files: row::amount(row.try_get_by_index(0)?),
        bytes: row::amount(row.try_get_by_index::<Option<i64>>(1)?.unwrap_or(0)),
    })
}
