//! How files looked that weren't ready to be pulled.

use std::collections::HashMap;

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use super::{Wanted, rows};
use crate::{Result, Store, row, sql::Sql};

/// Files of one statement.
const BATCH: usize = 1000;

/// How a file that wasn't ready was seen last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Its size, bytes.
    pub size: u64,
    /// When it was changed, or the beginning of the minute or day.
    pub modified: Option<Timestamp>,
    /// Since when it looks so.
    pub first_seen_at: Timestamp,
    /// When it was seen last.
    pub seen_at: Timestamp,
}

pub(super) async fn of(store: &Store, mapping: Uuid, paths: &[&[u8]]) -> Result<Vec<Option<Sighting>>> {
    let db = store.read();
    let keys: Vec<Vec<u8>> = paths.iter().map(|path| rows::path_key(path)).collect();
    let mut known = HashMap::with_capacity(keys.len());
    for keys in keys.chunks(BATCH) {
        let question = Sql::new(
            db.get_database_backend(),
            "SELECT path, size, modified, first_seen_at, seen_at FROM pull_sightings WHERE mapping_id = ",
        )
        .value(mapping)
        .text(" AND path IN ")
        .list(keys.iter().cloned());
        for row in db.query_all_raw(question.build()).await? {
            let key: Vec<u8> = row.try_get_by_index(0)?;
            let modified: i64 = row.try_get_by_index(2)?;
            let sighting = Sighting {
                size: row::amount(row.try_get_by_index(1)?),
                modified: row::maybe_time((modified != rows::NOT_TOLD).then_some(modified))?,
                first_seen_at: row::time(row.try_get_by_index(3)?)?,
                seen_at: row::time(row.try_get_by_index(4)?)?,
            };
            known.insert(key, sighting);
        }
    }
    Ok(keys.iter().map(|key| known.get(key).copied()).collect())
}

pub(super) async fn note(store: &Store, mapping: Uuid, files: &[Wanted<'_>], at: Timestamp) -> Result<()> {
    let db = store.write();
    let at = at.as_microsecond();
    // A statement writes no row twice; of a path that comes twice, the last counts.
    let files: HashMap<Vec<u8>, &Wanted<'_>> = files
        .iter()
        .map(|file| (rows::path_key(file.path), file))
        .collect();
    let files: Vec<_> = files.into_iter().collect();
    for files in files.chunks(BATCH) {
        let values = files.iter().map(|(key, file)| -> [Value; 6] {
            let (modified, _) = rows::stored_time(file.modified);
            [
                mapping.into(),
                key.clone().into(),
                row::stored(file.size).into(),
                modified.into(),
                at.into(),
                at.into(),
            ]
        });
        let insert = Sql::new(
            db.get_database_backend(),
            "INSERT INTO pull_sightings (mapping_id, path, size, modified, first_seen_at, seen_at) VALUES ",
        )
        .rows(values)
        .text(
            " ON CONFLICT (mapping_id, path) DO UPDATE SET
            first_seen_at = CASE
                WHEN pull_sightings.size = excluded.size AND pull_sightings.modified = excluded.modified
                THEN pull_sightings.first_seen_at ELSE excluded.first_seen_at END,
            size = excluded.size, modified = excluded.modified, seen_at = excluded.seen_at",
        );
        db.execute_raw(insert.build()).await?;
    }
    Ok(())
}

pub(super) async fn forget(store: &Store, mapping: Uuid, before: Timestamp) -> Result<()> {
    let db = store.write();
    let delete = Sql::new(
        db.get_database_backend(),
        "DELETE FROM pull_sightings WHERE mapping_id = ",
    )
    .value(mapping)
    .text(" AND seen_at < ")
    .value(before.as_microsecond());
    db.execute_raw(delete.build()).await?;
    Ok(())
}
