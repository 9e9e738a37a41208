//! How the files of a listing stand: a question for a batch, answered from one key, and one more about what is new.

use std::cmp::Reverse;

use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};
use uuid::Uuid;

use super::{Identity, Known, Precision, Standing, Wanted, rows};
use crate::{Result, Store, row, sql::Sql};

/// Files of one question. SQLite takes 32,766 values in a statement; each has six.
const BATCH: usize = 1000;

/// How well an entry fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    is_pulled: bool,
    span: Reverse<i64>,
    modified: i64,
}

type Found = (Rank, Standing);

pub(super) async fn look_up(
    store: &Store,
    connection: Uuid,
    identity: Identity,
    files: &[Wanted<'_>],
) -> Result<Vec<Standing>> {
    let mut standings = Vec::with_capacity(files.len());
    for files in files.chunks(BATCH) {
        let mut found = vec![None; files.len()];
        for row in store
            .read()
            .query_all_raw(versions(store, connection, files))
            .await?
        {
            better(&mut found, &row)?;
        }
        let unknown = files
            .iter()
            .enumerate()
            .filter(|(at, _)| matches!(found.get(*at), Some(None)));
        let unknown: Vec<(usize, &Wanted<'_>)> = unknown.collect();
        if !unknown.is_empty() {
            let question = match identity {
                Identity::PathAndVersion => counts(store, connection, &unknown),
                Identity::Path => any_version(store, connection, &unknown),
            };
            for row in store.read().query_all_raw(question).await? {
                match identity {
                    Identity::PathAndVersion => count(&mut found, &row)?,
                    Identity::Path => better(&mut found, &row)?,
                }
            }
        }
        let new = Standing::New { versions: 0 };
        standings.extend(
            found
                .into_iter()
                .map(|found| found.map_or(new, |(_, standing)| standing)),
        );
    }
    Ok(standings)
}

/// What of a row is asked for. `CROSS JOIN` tells SQLite to go through the wanted files and find a row for each, not the other
/// way round, through ten million rows.
const COLUMNS: &str =
    "w.column1, f.id, f.mapping_id, f.size, f.modified, f.span, f.pulled_at, f.seen_at, f.after_state";

/// Entries and intents of these versions. What was told of a time may be any moment of its span, on either side; from `low` on
/// the longest span would still reach.
fn versions(store: &Store, connection: Uuid, files: &[Wanted<'_>]) -> Statement {
    let wanted = files.iter().zip(0_i64..).map(|(file, at)| -> [Value; 6] {
        let (from, span) = rows::stored_time(file.modified);
        let low = from.saturating_sub(rows::micros(Precision::Day) - 1);
        let high = from.saturating_add(span - 1);
        [
            at.into(),
            rows::path_key(file.path).into(),
            row::stored(file.size).into(),
            low.into(),
            from.into(),
            high.into(),
        ]
    });
    sql(store, "WITH w AS (SELECT * FROM (VALUES ")
        .rows(wanted)
        .text(&format!(
            ") AS w) SELECT {COLUMNS} FROM w CROSS JOIN pulls AS f
             WHERE f.path = w.column2 AND f.size = w.column3 AND f.modified BETWEEN w.column4 AND w.column6
             AND f.modified + f.span > w.column5 AND f.connection_id = "
        ))
        .value(connection)
        .build()
}

/// One of the versions of each path, whatever number there is.
fn any_version(store: &Store, connection: Uuid, files: &[(usize, &Wanted<'_>)]) -> Statement {
    sql(store, "WITH w AS (SELECT * FROM (VALUES ")
        .rows(paths(files))
        .text(&format!(
            ") AS w) SELECT {COLUMNS} FROM w CROSS JOIN pulls AS f WHERE f.id = (
                SELECT p.id FROM pulls AS p WHERE p.path = w.column2 AND p.connection_id = "
        ))
        .value(connection)
        .text(" ORDER BY p.size DESC, p.modified DESC LIMIT 1)")
        .build()
}

/// How many versions of each path there are.
fn counts(store: &Store, connection: Uuid, files: &[(usize, &Wanted<'_>)]) -> Statement {
    sql(
        store,
        "SELECT w.column1, (SELECT count(*) FROM (SELECT 1 FROM pulls AS p WHERE p.connection_id = ",
    )
    .value(connection)
    .text(&format!(
        " AND p.path = w.column2 LIMIT {}) AS v) FROM (VALUES ",
        Standing::COUNTED
    ))
    .rows(paths(files))
    .text(") AS w")
    .build()
}

fn paths(files: &[(usize, &Wanted<'_>)]) -> impl Iterator<Item = [Value; 2]> {
    let at = |at: usize| i64::try_from(at).unwrap_or(i64::MAX);
    files
        .iter()
        .map(move |(place, file)| [at(*place).into(), rows::path_key(file.path).into()])
}

fn sql(store: &Store, text: &str) -> Sql {
    Sql::new(store.read().get_database_backend(), text)
}

/// Keeps the better of what was found for a file: the finished before the begun, the exact before the rough, the late before
/// the early.
fn better(found: &mut [Option<Found>], row: &QueryResult) -> Result<()> {
    let pulled_at: Option<i64> = row.try_get_by_index(6)?;
    let rank = Rank {
        is_pulled: pulled_at.is_some(),
        span: Reverse(row.try_get_by_index(5)?),
        modified: row.try_get_by_index(4)?,
    };
    if let Some(place) = place(found, row)?
        && place.is_none_or(|(before, _)| before < rank)
    {
        *place = Some((rank, standing(row)?));
    }
    Ok(())
}

fn count(found: &mut [Option<Found>], row: &QueryResult) -> Result<()> {
    let versions: i64 = row.try_get_by_index(1)?;
    if let Some(place) = place(found, row)? {
        let versions = u32::try_from(versions).unwrap_or(Standing::COUNTED);
        *place = Some((Rank::default(), Standing::New { versions }));
    }
    Ok(())
}

/// The place of the file that a row is about.
fn place<'a>(found: &'a mut [Option<Found>], row: &QueryResult) -> Result<Option<&'a mut Option<Found>>> {
    let at: i64 = row.try_get_by_index(0)?;
    Ok(usize::try_from(at).ok().and_then(|at| found.get_mut(at)))
}

fn standing(row: &QueryResult) -> Result<Standing> {
    let entry: Uuid = row.try_get_by_index(1)?;
    let pulled_at: Option<i64> = row.try_get_by_index(6)?;
    Ok(match row::maybe_time(pulled_at)? {
        None => Standing::Begun {
            entry,
            mapping: row.try_get_by_index(2)?,
        },
        Some(pulled_at) => Standing::Pulled(Known {
            entry,
            size: row::amount(row.try_get_by_index(3)?),
            modified: rows::told_time(row.try_get_by_index(4)?, row.try_get_by_index(5)?)?,
            pulled_at,
            seen_at: row::maybe_time(row.try_get_by_index(7)?)?,
            after: row::word("pulls.after_state", &row.try_get_by_index::<String>(8)?)?,
        }),
    })
}
