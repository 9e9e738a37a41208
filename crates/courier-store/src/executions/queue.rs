//! The queue: into it, and out of it.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, ExprTrait, Func},
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Execution, ExecutionRequest, ExecutionState, NewExecution, Origin, StepState, history,
    node::{self, Life},
};
use crate::{
    Error, Kind, Result, Store,
    audit::NewAudit,
    dispatch,
    entities::{
        executions::{Column, Entity, Model},
        jobs, steps,
    },
    ids::{now, stamp},
    row,
};

/// Steps in one statement; their parameters stay well under what SQLite takes.
const BATCH: usize = 500;

pub(super) async fn enqueue(
    store: &Store,
    new: NewExecution,
    record: impl FnOnce(&Execution) -> NewAudit,
) -> Result<Execution> {
    let queued = store
        .transact(async |db| {
            let queued = insert(db, new).await?;
            store.append_audit(db, vec![record(&queued)]).await?;
            Ok(queued)
        })
        .await?;
    store.dispatcher().wake();
    Ok(queued)
}

/// Puts an execution into the queue, in a transaction that goes on, and without an audit record. After the commit the
/// dispatcher is to be woken.
pub(crate) async fn insert(db: &DatabaseTransaction, new: NewExecution) -> Result<Execution> {
    let (job_id, job_version, mapping_id) = match new.origin {
        Origin::Job { id, version } => (id, version, None),
        Origin::Mapping(id) => (id, 0, Some(id)),
    };
    if let Some(max) = new.max_instances {
        check_instances(db, job_id, &new.job_name, max).await?;
    }
    let (id, queued_at) = stamp();
    let row = Model {
        id,
        job_id,
        job_version: row::small(job_version),
        job_name: row::clean(&new.job_name),
        state: ExecutionState::Queued.as_str().into(),
        triggered_by: row::clean(&new.triggered_by),
        queued_at: queued_at.as_microsecond(),
        started_at: None,
        ended_at: None,
        node: None,
        attempts: 0,
        error: None,
        context: row::clean_json(new.context),
        request: ExecutionRequest::None.as_str().into(),
        holder: None,
        scheduled_at: row::micros(new.scheduled_at),
        timezone: new.timezone,
        retries: 0,
        crashes: 0,
        crash_mark: 0,
        mapping_id,
        uneventful: false,
    };
    let steps: Vec<steps::ActiveModel> = (1..)
        .zip(new.steps)
        .map(|(step, new)| {
            let row = steps::Model {
                execution_id: id,
                step,
                name: new.name.as_deref().map(row::clean),
                step_type: new.step_type,
                state: StepState::Pending.as_str().into(),
                attempts: 0,
                started_at: None,
                ended_at: None,
                bytes_transferred: 0,
                files_transferred: 0,
                error: None::<Value>,
                retries: 0,
            };
            row.into_active_model().reset_all()
        })
        .collect();
    Entity::insert(row.clone().into_active_model().reset_all())
        .exec_without_returning(db)
        .await?;
    for batch in steps.chunks(BATCH) {
        steps::Entity::insert_many(batch.to_vec())
            .exec_without_returning(db)
            .await?;
    }
    history::note(db, id, ExecutionState::Queued, None, None).await?;
    dispatch::announce(db, id).await?;
    row.try_into()
}

/// Under the job's lock, so that of two who come at once the second counts the first.
async fn check_instances(db: &impl ConnectionTrait, job: Uuid, name: &str, max: u32) -> Result<()> {
    let lock = jobs::Entity::find_by_id(job)
        .select_only()
        .column(jobs::Column::Id);
    lock.lock_exclusive().into_tuple::<Uuid>().one(db).await?;
    let unfinished = ExecutionState::ALL.iter().filter(|state| !state.is_final());
    let there = Entity::find()
        .filter(Column::JobId.eq(job))
        .filter(Column::State.is_in(unfinished.map(|state| state.as_str())))
        .count(db)
        .await?;
    if there >= u64::from(max) {
        return Err(Error::Conflict(format!(
            "the job \"{name}\" has {there} executions that are not over, and its max_instances is {max}"
        )));
    }
    Ok(())
}

/// Takes this one, if it waits still. PostgreSQL asks besides whether the life has its lease: one that has lost it takes
/// nothing.
pub(super) async fn claim(store: &Store, id: Uuid, life: &Life) -> Result<Option<Execution>> {
    store
        .transact(async |db| {
            if store.kind() == Kind::Postgres && !node::is_leased(db, life.id).await? {
                return Ok(None);
            }
            let taken = Entity::update_many()
                .col_expr(Column::State, Expr::value(ExecutionState::Running.as_str()))
                .col_expr(Column::Node, Expr::value(life.node.as_str()))
                .col_expr(Column::Holder, Expr::value(life.id))
                .col_expr(
                    Column::StartedAt,
                    Func::coalesce([Expr::col(Column::StartedAt), Expr::value(now().as_microsecond())])
                        .into(),
                )
                .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
                .filter(Column::Id.eq(id))
                .filter(Column::State.eq(ExecutionState::Queued.as_str()))
                .exec_with_returning(db)
                .await?;
            let Some(row) = taken.into_iter().next() else {
                return Ok(None);
            };
            history::note(db, id, ExecutionState::Running, Some(&life.node), None).await?;
            row.try_into().map(Some)
        })
        .await
}
