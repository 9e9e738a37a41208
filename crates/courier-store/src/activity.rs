//! What moved and what ended, hour by hour.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, QueryResult};

use crate::{Result, Store, audit::Volume, ids::first_id_at, row, sql::Sql};

/// Microseconds.
const HOUR: i64 = 3_600_000_000;

/// What moved and what ended.
#[derive(Clone, Copy, Debug)]
pub struct Activity<'a>(pub(crate) &'a Store);

/// How much in one hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hour {
    /// Uploads that ended in it; bytes of those that failed count, too.
    pub uploads: Volume,
    /// The same of downloads.
    pub downloads: Volume,
    /// Files that were pulled.
    pub pulled: Volume,
    /// Executions that were completed, but for scheduled pulls that found nothing.
    pub completed: u64,
    /// Executions that failed.
    pub failed: u64,
}

impl Activity<'_> {
    /// Each hour from `from` until before `until`, both whole hours in UTC, in which there was anything, by its beginning.
    /// What is kept decides how far back that is complete: executions and audit records are forgotten after a while.
    ///
    /// # Errors
    /// The database's.
    pub async fn hours(&self, from: Timestamp, until: Timestamp) -> Result<BTreeMap<Timestamp, Hour>> {
        let mut hours = BTreeMap::new();
        moved(self.0, from, until, &mut hours).await?;
        pulled(self.0, from, until, &mut hours).await?;
        ended(self.0, from, until, &mut hours).await?;
        Ok(hours)
    }
}

/// From the audit log, by the index over operations and ids, in which ids stand for times.
async fn moved(
    store: &Store,
    from: Timestamp,
    until: Timestamp,
    hours: &mut BTreeMap<Timestamp, Hour>,
) -> Result<()> {
    let question = Sql::new(
        store.read().get_database_backend(),
        // PostgreSQL sums BIGINT as NUMERIC. Both write the question for an error alike.
        "SELECT performed_at / 3600000000, operation, count(CASE WHEN (details -> 'error') IS NULL THEN 1 END), \
         CAST(sum(bytes_transferred) AS BIGINT) FROM audit \
         WHERE operation IN ('upload', 'download') AND bytes_transferred IS NOT NULL AND id >= ",
    )
    .value(first_id_at(from))
    .text(" AND id < ")
    .value(first_id_at(until))
    .text(" GROUP BY 1, 2");
    for row in store.read().query_all_raw(question.build()).await? {
        let operation: String = row.try_get_by_index(1)?;
        let volume = volume(&row, 2)?;
        if let Some(hour) = hour(&row, from, until, hours)? {
            match operation.as_str() {
                "upload" => hour.uploads = volume,
                _ => hour.downloads = volume,
            }
        }
    }
    Ok(())
}

/// From the history of pulled files, which is in the order of time for each connection.
async fn pulled(
    store: &Store,
    from: Timestamp,
    until: Timestamp,
    hours: &mut BTreeMap<Timestamp, Hour>,
) -> Result<()> {
    let question = Sql::new(
        store.read().get_database_backend(),
        // SQLite keeps the order of a CROSS JOIN; otherwise it goes through all that was ever pulled.
        "SELECT p.pulled_at / 3600000000, count(*), CAST(sum(p.size) AS BIGINT) \
         FROM connections AS c CROSS JOIN pulls AS p \
         WHERE p.connection_id = c.id AND p.pulled_at IS NOT NULL AND p.pulled_at >= ",
    )
    .value(from.as_microsecond())
    .text(" AND p.pulled_at < ")
    .value(until.as_microsecond())
    .text(" GROUP BY 1");
    for row in store.read().query_all_raw(question.build()).await? {
        let volume = volume(&row, 1)?;
        if let Some(hour) = hour(&row, from, until, hours)? {
            hour.pulled = volume;
        }
    }
    Ok(())
}

/// From the states that executions came to, whose ids stand for times.
async fn ended(
    store: &Store,
    from: Timestamp,
    until: Timestamp,
    hours: &mut BTreeMap<Timestamp, Hour>,
) -> Result<()> {
    let question = Sql::new(
        store.read().get_database_backend(),
        "SELECT h.at / 3600000000, h.state, count(*) FROM execution_history AS h CROSS JOIN executions AS e \
         WHERE e.id = h.execution_id AND NOT e.uneventful AND h.state IN ('completed', 'failed') AND h.id >= ",
    )
    .value(first_id_at(from))
    .text(" AND h.id < ")
    .value(first_id_at(until))
    .text(" GROUP BY 1, 2");
    for row in store.read().query_all_raw(question.build()).await? {
        let state: String = row.try_get_by_index(1)?;
        let count = row::amount(row.try_get_by_index(2)?);
        if let Some(hour) = hour(&row, from, until, hours)? {
            match state.as_str() {
                "completed" => hour.completed = count,
                _ => hour.failed = count,
            }
        }
    }
    Ok(())
}

/// The hour that stands in the first column. A record that others wrote may tell another time than its id does.
fn hour<'a>(
    row: &QueryResult,
    from: Timestamp,
    until: Timestamp,
    hours: &'a mut BTreeMap<Timestamp, Hour>,
) -> Result<Option<&'a mut Hour>> {
    let number: i64 = row.try_get_by_index(0)?;
    let at = row::time(number.saturating_mul(HOUR))?;
    Ok((from <= at && at < until).then(|| hours.entry(at).or_default()))
}

/// Files and bytes, in this column and the next.
fn volume(row: &QueryResult, column: usize) -> Result<Volume> {
    Ok(Volume {
        files: row::amount(row.try_get_by_index(column)?),
        bytes: row::amount(row.try_get_by_index::<Option<i64>>(column + 1)?.unwrap_or(0)),
    })
}
