//! Forgetting executions that were over long ago.

use jiff::Timestamp;
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, LockBehavior, LockType, Query},
};
use uuid::Uuid;

use super::ExecutionState;
use crate::{
    Result, Store,
    entities::{
        executions::{Column, Entity},
        folder_mappings,
    },
    ids::first_id_at,
};

/// Executions that go in one transaction: with SQLite nothing else is written meanwhile.
const BATCH: u64 = 100;

/// One transaction's worth. Steps and history go with their executions. What another node removes at this moment is passed
/// over.
pub(super) async fn forget(store: &Store, until: Timestamp) -> Result<u64> {
    let finals = ExecutionState::ALL.iter().filter(|state| state.is_final());
    let old = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::State.is_in(finals.map(|state| state.as_str())))
        .filter(Column::Id.lt(first_id_at(until)))
        .filter(Column::EndedAt.lt(until.as_microsecond()))
        .order_by_asc(Column::Id)
        .limit(BATCH);
    remove(store, old).await
}

/// As [`forget`], of scheduled pulls that found nothing, but for each mapping's last.
pub(super) async fn forget_uneventful(store: &Store, until: Timestamp) -> Result<u64> {
    let last = Query::select()
        .column(folder_mappings::Column::LastExecution)
        .from(folder_mappings::Entity)
        .and_where(folder_mappings::Column::LastExecution.is_not_null())
        .to_owned();
    let old = Entity::find()
        .select_only()
        .column(Column::Id)
        // As the index has it: with a parameter in its place it would not be used.
        .filter(Expr::cust("uneventful"))
        .filter(Column::Id.lt(first_id_at(until)))
        .filter(Column::EndedAt.lt(until.as_microsecond()))
        .filter(Column::Id.not_in_subquery(last))
        .order_by_asc(Column::Id)
        .limit(BATCH);
    remove(store, old).await
}

async fn remove(store: &Store, old: Select<Entity>) -> Result<u64> {
    // A look without a lock first: most looks find nothing.
    let there: Option<Uuid> = old.clone().into_tuple().one(store.read()).await?;
    if there.is_none() {
        return Ok(0);
    }
    store
        .transact(async |db| {
            let ids: Vec<Uuid> = old
                .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
                .into_tuple()
                .all(db)
                .await?;
            let gone = Entity::delete_many()
                .filter(Column::Id.is_in(ids))
                .exec(db)
                .await?;
            Ok(gone.rows_affected)
        })
        .await
}
