//! Between records and rows.

use jiff::Timestamp;
use sea_orm::{DbErr, QueryResult};
use uuid::Uuid;

use super::{Entry, Intent, Modified, Precision, ReplayOf};
use crate::{Error, Result, row};

/// What stands for a time that the server doesn't tell: before any that there is.
pub(super) const NOT_TOLD: i64 = i64::MIN;

/// PostgreSQL indexes keys up to about 2,700 bytes, and a path may be longer.
const LONGEST: usize = 512;
/// So much of a longer path stands before the digest.
const HEAD: usize = 440;

/// What stands for a path in indexes: the path itself, or the beginning of a long one, a NUL, which no path has, and a
/// digest of all of it.
pub(super) fn path_key(path: &[u8]) -> Vec<u8> {
    if path.len() <= LONGEST {
        return path.to_vec();
    }
    let mut key = path.get(..HEAD).unwrap_or(path).to_vec();
    key.push(0);
    key.extend_from_slice(&digest(path));
    key
}

fn digest(path: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    let whole = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, path);
    digest.copy_from_slice(whole.as_ref());
    digest
}

/// The whole path, where [`path_key`] isn't.
pub(super) fn long_path(path: &[u8]) -> Option<Vec<u8>> {
    (path.len() > LONGEST).then(|| path.to_vec())
}

/// A time as it is stored: its beginning, and how long it is.
pub(super) fn stored_time(modified: Modified) -> (i64, i64) {
    let from = modified.at.map_or(NOT_TOLD, Timestamp::as_microsecond);
    (from, micros(modified.precision))
}

pub(super) fn told_time(from: i64, span: i64) -> Result<Modified> {
    let at = (from != NOT_TOLD).then(|| row::time(from)).transpose()?;
    let precision = Precision::ALL
        .iter()
        .find(|precision| micros(**precision) == span);
    Ok(Modified {
        at,
        precision: *precision.ok_or_else(|| unknown(format!("pulls.span holds {span}")))?,
    })
}

pub(super) fn micros(precision: Precision) -> i64 {
    i64::try_from(precision.span().as_micros()).unwrap_or(i64::MAX)
}

/// Columns of an intent, in the order of [`intent`].
pub(super) const INTENT: &str = "id, path, long_path, size, modified, span, replay, replay_of, storage_id, \
     destination, object_key, begun_at";

pub(super) fn intent(row: &QueryResult) -> Result<Intent> {
    let replay: Uuid = row.try_get_by_index(6)?;
    let of: Option<Uuid> = row.try_get_by_index(7)?;
    Ok(Intent {
        id: row.try_get_by_index(0)?,
        path: path(row, 1)?,
        size: row::amount(row.try_get_by_index(3)?),
        modified: told_time(row.try_get_by_index(4)?, row.try_get_by_index(5)?)?,
        replay: of.map(|entry| ReplayOf { replay, entry }),
        storage_id: row.try_get_by_index(8)?,
        destination: row.try_get_by_index(9)?,
        key: row.try_get_by_index(10)?,
        begun_at: row::time(row.try_get_by_index(11)?)?,
    })
}

/// Columns of an entry, in the order of [`entry`].
pub(super) const ENTRY: &str = "id, path, long_path, size, modified, span, connection_id, mapping_id, execution_id, \
     sha256, storage_id, destination, object_key, begun_at, pulled_at, after_state, after_detail, replay_of";

pub(super) fn entry(row: &QueryResult) -> Result<Entry> {
    let sha256: Vec<u8> = row.try_get_by_index(9)?;
    let after: String = row.try_get_by_index(15)?;
    Ok(Entry {
        id: row.try_get_by_index(0)?,
        path: path(row, 1)?,
        size: row::amount(row.try_get_by_index(3)?),
        modified: told_time(row.try_get_by_index(4)?, row.try_get_by_index(5)?)?,
        connection_id: row.try_get_by_index(6)?,
        mapping_id: row.try_get_by_index(7)?,
        execution_id: row.try_get_by_index(8)?,
        sha256: sha256
            .try_into()
            .map_err(|_| unknown("pulls.sha256 isn't 32 bytes long".into()))?,
        storage_id: row.try_get_by_index(10)?,
        destination: row.try_get_by_index(11)?,
        key: row.try_get_by_index(12)?,
        begun_at: row::time(row.try_get_by_index(13)?)?,
        pulled_at: row::time(row.try_get_by_index(14)?)?,
        after: row::word("pulls.after_state", &after)?,
        after_detail: row.try_get_by_index(16)?,
        replay_of: row.try_get_by_index(17)?,
    })
}

/// The key stands in this column, the whole of a long path in the next.
fn path(row: &QueryResult, at: usize) -> Result<Vec<u8>> {
    let long: Option<Vec<u8>> = row.try_get_by_index(at + 1)?;
    match long {
        Some(long) => Ok(long),
        None => Ok(row.try_get_by_index(at)?),
    }
}

fn unknown(what: String) -> Error {
    Error::Database(DbErr::Type(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_paths_have_short_keys_of_their_own() {
        let long = vec![b'a'; 4096];
        let other = [&long[..4095], b"b"].concat();
        assert_eq!(path_key(&long[..LONGEST]), long[..LONGEST]);
        assert!(path_key(&long).len() <= LONGEST);
        assert_ne!(path_key(&long), path_key(&other));
        // A path that looks like such a key would have a NUL in it.
        assert!(path_key(&long).contains(&0));
        assert_eq!(long_path(&long), Some(long));
    }

    #[test]
    fn times_come_back_as_they_were_told() -> Result<()> {
        for precision in Precision::ALL {
            for at in [None, Some(Timestamp::MIN), Some(Timestamp::UNIX_EPOCH)] {
                let told = Modified {
                    at,
                    precision: *precision,
                };
                let (from, span) = stored_time(told);
                assert_eq!(told_time(from, span)?, told);
            }
        }
        Ok(())
    }
}
