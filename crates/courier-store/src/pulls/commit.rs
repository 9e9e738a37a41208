//! What a pull writes: groups of intents and entries, each in one transaction that shows the execution's claim.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DbBackend, Value};
use uuid::Uuid;

use super::{Entry, Group, Identity, Intent, NewPull, Pulled, Puller, gone, rows};
use crate::{
    Error, Result, Store,
    alerts::{self, PulledFile, PulledFor},
    audit::NewAudit,
    executions,
    ids::now,
    row,
    sql::Sql,
};

/// Keeps the locks on connections' intents apart from others: "pull" in ASCII.
const SPACE: i64 = 0x70_75_6c_6c;
/// Rows of one statement: both databases take some 30,000 values in one.
const BATCH: usize = 500;

pub(super) async fn commit(
    store: &Store,
    puller: Puller,
    group: &Group,
    record: impl Fn(&Entry) -> NewAudit,
) -> Result<Vec<bool>> {
    store
        .transact(async |db| {
            executions::held(db, puller.claim).await?;
            let write = Write { db, puller };
            if !group.begin.is_empty() {
                write.lock().await?;
            }
            let entries = write.record(&group.record).await?;
            write.drop(&group.drop).await?;
            write.rekey(&group.rekey).await?;
            write.after(&group.after).await?;
            write.seen(&group.seen).await?;
            write.answer_replays(&entries, &group.vain).await?;
            let begun = write.begin(&group.begin).await?;
            write.tell(&entries).await?;
            store
                .append_audit(db, entries.iter().map(&record).collect())
                .await?;
            Ok(begun)
        })
        .await
}

pub(super) async fn open(store: &Store, puller: Puller) -> Result<Vec<Intent>> {
    store
        .transact(async |db| {
            executions::held(db, puller.claim).await?;
            // Whoever begins to pull a mapping that is disabled sees whether its intents are somebody else's by now.
            Write { db, puller }.lock().await?;
            let Puller {
                connection, mapping, ..
            } = puller;
            let backend = db.get_database_backend();
            let open = gone::open(backend);
            let adopt = Sql::new(backend, &format!("UPDATE {open} SET mapping_id = "))
                .value(mapping)
                .text(" WHERE pulled_at IS NULL AND connection_id = ")
                .value(connection)
                .text(
                    " AND NOT EXISTS (SELECT 1 FROM folder_mappings AS m WHERE m.id = pulls.mapping_id AND (m.enabled OR
                    EXISTS (SELECT 1 FROM executions AS e WHERE e.id = m.held_by AND e.state = 'running')))",
                );
            db.execute_raw(adopt.build()).await?;
            let of = Sql::new(backend, &format!("SELECT {} FROM {open}", rows::INTENT))
                .text(" WHERE pulled_at IS NULL AND connection_id = ")
                .value(connection)
                .text(" AND mapping_id = ")
                .value(mapping)
                .text(" ORDER BY id");
            let intents = db.query_all_raw(of.build()).await?;
            intents.iter().map(rows::intent).collect()
        })
        .await
}

/// The parts of a group, within its transaction.
///
/// Rows are found by their ids alone. With the connection beside, SQLite would go through all of its history for each group: it
/// takes the few rows of a group for more than those.
struct Write<'a, C> {
    db: &'a C,
    puller: Puller,
}

impl<C: ConnectionTrait> Write<'_, C> {
    fn sql(&self, text: &str) -> Sql {
        Sql::new(self.db.get_database_backend(), text)
    }

    /// Intents become entries; those that are new are answered. What was recorded before stays as it is: the group was
    /// committed, and the answer lost.
    async fn record(&self, pulled: &[Pulled]) -> Result<Vec<Entry>> {
        let mut entries = Vec::with_capacity(pulled.len());
        let at = now().as_microsecond();
        for pulled in pulled.chunks(BATCH) {
            let values = pulled.iter().map(|file| -> [Value; 3] {
                [
                    file.id.into(),
                    file.sha256.to_vec().into(),
                    file.after.as_str().into(),
                ]
            });
            let update = self
                .sql("UPDATE pulls SET sha256 = v.column2, after_state = v.column3, pulled_at = ")
                .value(at)
                .text(", execution_id = ")
                .value(self.puller.claim.execution)
                .text(" FROM (VALUES ")
                .rows(values)
                .text(&format!(
                    ") AS v WHERE pulls.id = v.column1 AND pulls.pulled_at IS NULL RETURNING {}",
                    rows::ENTRY
                ));
            let before = entries.len();
            for row in self.db.query_all_raw(update.build()).await? {
                entries.push(rows::entry(&row)?);
            }
            if entries.len() - before < pulled.len() {
                let ids: Vec<Uuid> = pulled.iter().map(|file| file.id).collect();
                let there = self.ids("pulled_at IS NOT NULL", &ids).await?;
                if let Some(gone) = ids.iter().find(|id| !there.contains(id)) {
                    return Err(Error::Conflict(format!(
                        "the file of intent {gone} can't be recorded: the intent is gone"
                    )));
                }
            }
        }
        entries.sort_by_key(|entry| entry.id);
        Ok(entries)
    }

    async fn drop(&self, ids: &[Uuid]) -> Result<()> {
        for ids in ids.chunks(BATCH) {
            let delete = self
                .sql("DELETE FROM pulls WHERE pulled_at IS NULL AND id IN ")
                .list(ids.iter().copied());
            self.db.execute_raw(delete.build()).await?;
        }
        Ok(())
    }

    async fn rekey(&self, keys: &[(Uuid, String, String)]) -> Result<()> {
        for keys in keys.chunks(BATCH) {
            let values = keys.iter().map(|(id, key, destination)| -> [Value; 3] {
                [
                    (*id).into(),
                    row::clean(key).into(),
                    row::clean(destination).into(),
                ]
            });
            let update = self
                .sql("UPDATE pulls SET object_key = v.column2, destination = v.column3 FROM (VALUES ")
                .rows(values)
                .text(") AS v WHERE pulls.id = v.column1 AND pulls.pulled_at IS NULL");
            self.db.execute_raw(update.build()).await?;
        }
        Ok(())
    }

    async fn after(&self, states: &[(Uuid, super::AfterState, Option<String>)]) -> Result<()> {
        for states in states.chunks(BATCH) {
            let values = states.iter().map(|(id, state, detail)| -> [Value; 3] {
                [
                    (*id).into(),
                    state.as_str().into(),
                    detail.as_deref().map(row::clean).into(),
                ]
            });
            let update = self
                .sql("UPDATE pulls SET after_state = v.column2, after_detail = v.column3 FROM (VALUES ")
                .rows(values)
                .text(") AS v WHERE pulls.id = v.column1");
            self.db.execute_raw(update.build()).await?;
        }
        Ok(())
    }

    async fn seen(&self, ids: &[Uuid]) -> Result<()> {
        for ids in ids.chunks(BATCH) {
            let update = self
                .sql("UPDATE pulls SET seen_at = ")
                .value(now().as_microsecond())
                .text(" WHERE id IN ")
                .list(ids.iter().copied());
            self.db.execute_raw(update.build()).await?;
        }
        Ok(())
    }

    /// A replay is over when its entry is recorded, or there is nothing to record.
    async fn answer_replays(&self, entries: &[Entry], vain: &[Uuid]) -> Result<()> {
        let answered: Vec<Uuid> = entries.iter().filter_map(|entry| entry.replay_of).collect();
        for entries in answered.chunks(BATCH) {
            let delete = self
                .sql("DELETE FROM pull_replays WHERE entry_id IN ")
                .list(entries.iter().copied());
            self.db.execute_raw(delete.build()).await?;
        }
        for ids in vain.chunks(BATCH) {
            let delete = self
                .sql("DELETE FROM pull_replays WHERE id IN ")
                .list(ids.iter().copied());
            self.db.execute_raw(delete.build()).await?;
        }
        Ok(())
    }

    /// Intents, where nothing is there yet that they would pull again. To be called with the lock.
    async fn begin(&self, files: &[NewPull]) -> Result<Vec<bool>> {
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let Puller {
            claim,
            connection,
            mapping,
            identity,
        } = self.puller;
        let at = now().as_microsecond();
        let mut paths = HashSet::with_capacity(files.len());
        let version = |file: &NewPull| (file.path.clone(), file.size, file.modified);
        // What somebody wants anew may be a version that isn't pulled yet.
        let replays = files.iter().filter(|file| file.replay.is_some());
        let replayed: HashSet<_> = replays.map(version).collect();
        let mut ours = HashSet::with_capacity(files.len());
        for files in files.chunks(BATCH) {
            // A statement doesn't see what it writes, so of a path that comes twice it is told once.
            let files = files.iter().filter(|file| {
                file.replay.is_some()
                    || match identity {
                        Identity::PathAndVersion => replayed.is_empty() || !replayed.contains(&version(file)),
                        Identity::Path => paths.insert(file.path.as_slice()),
                    }
            });
            let files: Vec<&NewPull> = files.collect();
            let values = files.iter().map(|file| -> [Value; 12] {
                let (from, span) = rows::stored_time(file.modified);
                [
                    file.id.into(),
                    rows::path_key(&file.path).into(),
                    rows::long_path(&file.path).into(),
                    row::stored(file.size).into(),
                    from.into(),
                    span.into(),
                    file.replay.map_or(Uuid::nil(), |of| of.replay).into(),
                    file.replay.map(|of| of.entry).into(),
                    file.storage_id.into(),
                    row::clean(&file.destination).into(),
                    row::clean(&file.key).into(),
                    at.into(),
                ]
            });
            let insert = self
                .sql(
                    "INSERT INTO pulls (connection_id, mapping_id, execution_id, after_state, id, path, long_path, size, \
                     modified, span, replay, replay_of, storage_id, destination, object_key, begun_at) SELECT ",
                )
                .value(connection)
                .text(", ")
                .value(mapping)
                .text(", ")
                .value(claim.execution)
                .text(", 'none', v.* FROM (VALUES ")
                .rows(values)
                .text(") AS v WHERE ");
            let insert = insert
                .text(
                    "v.column8 IS NOT NULL OR NOT EXISTS (SELECT 1 FROM pulls AS p WHERE p.connection_id = ",
                )
                .value(connection)
                .text(match identity {
                    Identity::PathAndVersion => {
                        " AND p.path = v.column2 AND p.size = v.column4 AND p.modified = v.column5)"
                    }
                    Identity::Path => " AND p.path = v.column2)",
                });
            self.db
                .execute_raw(insert.text(" ON CONFLICT DO NOTHING").build())
                .await?;
            let ids: Vec<Uuid> = files.iter().map(|file| file.id).collect();
            ours.extend(self.ids("pulled_at IS NULL", &ids).await?);
        }
        Ok(files.iter().map(|file| ours.contains(&file.id)).collect())
    }

    /// Those who begin files of one connection do so one after the other, so that each sees what the others have begun, and
    /// none waits for another in a circle. SQLite has one writer anyway.
    async fn lock(&self) -> Result<()> {
        if self.db.get_database_backend() == DbBackend::Postgres {
            let lock = self
                .sql("SELECT pg_advisory_xact_lock(hashtextextended(")
                .value(self.puller.connection.to_string())
                .text(", ")
                .value(SPACE)
                .text("))");
            self.db.execute_raw(lock.build()).await?;
        }
        Ok(())
    }

    /// Which of these are there, in this state.
    async fn ids(&self, state: &str, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
        let which = self
            .sql(&format!("SELECT id FROM pulls WHERE {state} AND id IN "))
            .list(ids.iter().copied());
        let rows = self.db.query_all_raw(which.build()).await?;
        rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }

    /// Messages about the entries, to whom wants one of each file.
    async fn tell(&self, entries: &[Entry]) -> Result<()> {
        let files: Vec<PulledFile<'_>> = entries
            .iter()
            .map(|entry| PulledFile {
                id: entry.id,
                path: &entry.path,
                size: entry.size,
                modified: entry.modified.at,
                sha256: &entry.sha256,
                storage: entry.storage_id,
                destination: &entry.destination,
                key: &entry.key,
                pulled_at: entry.pulled_at,
                replay_of: entry.replay_of,
            })
            .collect();
        let of = PulledFor {
            connection: self.puller.connection,
            mapping: self.puller.mapping,
            execution: self.puller.claim.execution,
        };
        alerts::files_pulled(self.db, of, &files, now()).await
    }
}
