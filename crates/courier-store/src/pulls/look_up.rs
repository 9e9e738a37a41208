//! How the files of a listing stand: one question for a batch, answered from one index.

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};
use uuid::Uuid;

use super::{Identity, Known, Precision, Standing, Wanted, rows, sql::Sql};
use crate::{Result, Store, row};

/// Files of one question. SQLite takes 32,766 values in a statement; each has six.
const BATCH: usize = 1000;

pub(super) async fn look_up(
    store: &Store,
    connection: Uuid,
    identity: Identity,
    files: &[Wanted<'_>],
) -> Result<Vec<Standing>> {
    let db = store.read();
    let mut standings = Vec::with_capacity(files.len());
    for files in files.chunks(BATCH) {
        let mut answers = vec![Standing::New { versions: 0 }; files.len()];
        for row in db
            .query_all_raw(question(db.get_database_backend(), connection, identity, files))
            .await?
        {
            let at: i64 = row.try_get_by_index(0)?;
            let place = usize::try_from(at).ok().and_then(|at| answers.get_mut(at));
            if let Some(place) = place {
                *place = standing(&row)?;
            }
        }
        standings.append(&mut answers);
    }
    Ok(standings)
}

/// What was told of the time may be any moment of its span, on either side. `low` bounds the index, from where the longest
/// span would still reach.
fn question(backend: DbBackend, connection: Uuid, identity: Identity, files: &[Wanted<'_>]) -> Statement {
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
    let same_path = "p.connection_id = c.id AND p.path = w.column2";
    let same_version = format!(
        "SELECT p.{{row}} FROM pulls AS p
         WHERE {same_path} AND p.size = w.column3 AND p.modified BETWEEN w.column4 AND w.column6
         AND p.modified + p.span > w.column5
         ORDER BY p.pulled_at IS NULL, p.span, p.modified DESC LIMIT 1"
    );
    let any_version = format!(
        "SELECT p.{{row}} FROM pulls AS p WHERE {same_path} ORDER BY p.size DESC, p.modified DESC LIMIT 1"
    );
    let found = match identity {
        Identity::PathAndVersion => same_version,
        Identity::Path => format!("SELECT COALESCE(({same_version}), ({any_version}))"),
    };
    // SQLite finds a row fastest by its number, which PostgreSQL doesn't have.
    let row = match backend {
        DbBackend::Postgres => "id",
        _ => "rowid",
    };
    let found = found.replace("{row}", row);
    let counted = Standing::COUNTED;
    Sql::new(backend, "WITH c(id) AS (VALUES (")
        .value(connection)
        .text(")), w AS (SELECT * FROM (VALUES ")
        .rows(wanted)
        .text(&format!(
            ") AS w)
            SELECT w.column1, f.id, f.mapping_id, f.size, f.modified, f.span, f.pulled_at, f.seen_at, f.after_state,
            CASE WHEN f.id IS NULL THEN
                (SELECT count(*) FROM (SELECT 1 FROM pulls AS p WHERE {same_path} LIMIT {counted}) AS v)
            ELSE 0 END
            FROM c CROSS JOIN w LEFT JOIN pulls AS f ON f.{row} = ({found})"
        ))
        .build()
}

fn standing(row: &QueryResult) -> Result<Standing> {
    let Some(entry) = row.try_get_by_index::<Option<Uuid>>(1)? else {
        let versions: i64 = row.try_get_by_index(9)?;
        return Ok(Standing::New {
            versions: u32::try_from(versions).unwrap_or(Standing::COUNTED),
        });
    };
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
