//! Files that somebody wants to be pulled anew, although the history has them.

use jiff::Timestamp;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::OnConflict,
};
use uuid::Uuid;

use super::{Entry, history};
use crate::{
    Result, Store,
    audit::NewAudit,
    entities::pull_replays::{Column, Entity, Model},
    ids::stamp,
    row,
};

/// Wishes of one statement.
const BATCH: usize = 1000;

/// A file that is to be pulled anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// The wish's id.
    pub id: Uuid,
    /// What is to be pulled anew.
    pub entry: Entry,
    /// The user that asked.
    pub asked_by: String,
    /// When.
    pub asked_at: Timestamp,
}

pub(super) async fn ask(
    store: &Store,
    entries: &[Entry],
    by: &str,
    record: impl Fn(&Entry) -> NewAudit,
) -> Result<Vec<Uuid>> {
    store
        .transact(async |db| {
            let mut asked = Vec::with_capacity(entries.len());
            let mut records = Vec::with_capacity(entries.len());
            for entries in entries.chunks(BATCH) {
                let wishes: Vec<(Model, &Entry)> =
                    entries.iter().map(|entry| (wish(entry, by), entry)).collect();
                let rows = wishes
                    .iter()
                    .map(|(row, _)| row.clone().into_active_model().reset_all());
                Entity::insert_many(rows)
                    .on_conflict(OnConflict::new().do_nothing().to_owned())
                    .exec_without_returning(db)
                    .await?;
                let ours = Entity::find()
                    .select_only()
                    .column(Column::Id)
                    .filter(Column::Id.is_in(wishes.iter().map(|(row, _)| row.id)));
                let ours: Vec<Uuid> = ours.into_tuple().all(db).await?;
                for (_, entry) in wishes.iter().filter(|(row, _)| ours.contains(&row.id)) {
                    asked.push(entry.id);
                    records.push(record(entry));
                }
            }
            store.append_audit(db, records).await?;
            Ok(asked)
        })
        .await
}

fn wish(entry: &Entry, by: &str) -> Model {
    let (id, at) = stamp();
    Model {
        id,
        entry_id: entry.id,
        mapping_id: entry.mapping_id,
        asked_by: row::clean(by),
        asked_at: at.as_microsecond(),
    }
}

pub(super) async fn open(
    store: &Store,
    mapping: Uuid,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Replay>> {
    let mut query = Entity::find().filter(Column::MappingId.eq(mapping));
    if let Some(after) = after {
        query = query.filter(Column::Id.gt(after));
    }
    let wishes = query
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(store.read())
        .await?;
    let mut entries = history::by_id(store, wishes.iter().map(|wish| wish.entry_id)).await?;
    let replays = wishes.into_iter().filter_map(|wish| {
        let entry = entries.remove(&wish.entry_id)?;
        Some((wish, entry))
    });
    replays
        .map(|(wish, entry)| {
            Ok(Replay {
                id: wish.id,
                entry,
                asked_by: wish.asked_by,
                asked_at: row::time(wish.asked_at)?,
            })
        })
        .collect()
}
