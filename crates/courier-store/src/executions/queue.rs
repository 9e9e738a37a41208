//! The queue: into it, out of it, and back after a crash.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockBehavior, LockType},
};
use serde_json::Value;
use uuid::Uuid;

use super::{Execution, ExecutionRequest, ExecutionState, NewExecution, StepState, history, run};
use crate::{
    Error, Result, Store,
    audit::NewAudit,
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
    store
        .transact(async |db| {
            let queued = insert(db, new).await?;
            store.append_audit(db, vec![record(&queued)]).await?;
            Ok(queued)
        })
        .await
}

/// Puts an execution into the queue, in a transaction that goes on, and without an audit record.
pub(crate) async fn insert(db: &DatabaseTransaction, new: NewExecution) -> Result<Execution> {
    if let Some(max) = new.max_instances {
        check_instances(db, new.job_id, &new.job_name, max).await?;
    }
    let (id, queued_at) = stamp();
    let row = Model {
        id,
        job_id: new.job_id,
        job_version: row::small(new.job_version),
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

/// The head of the queue, passing over what another node is taking at this moment (PostgreSQL); on SQLite the
/// transaction has the write lock already.
pub(super) async fn claim_next(store: &Store, node: &str) -> Result<Option<Execution>> {
    let queued = Entity::find()
        .filter(Column::State.eq(ExecutionState::Queued.as_str()))
        .order_by_asc(Column::Id);
    // A look without a lock first: most looks find nothing.
    if queued
        .clone()
        .select_only()
        .column(Column::Id)
        .into_tuple::<Uuid>()
        .one(store.read())
        .await?
        .is_none()
    {
        return Ok(None);
    }
    store
        .transact(async |db| {
            let head = queued
                .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
                .one(db)
                .await?;
            let Some(before) = head else { return Ok(None) };
            let row = Model {
                state: ExecutionState::Running.as_str().into(),
                node: Some(row::clean(node)),
                started_at: before.started_at.or_else(|| Some(now().as_microsecond())),
                attempts: before.attempts.saturating_add(1),
                ..before
            };
            Entity::update_many()
                .col_expr(Column::State, Expr::value(row.state.as_str()))
                .col_expr(Column::Node, Expr::value(row.node.clone()))
                .col_expr(Column::StartedAt, Expr::value(row.started_at))
                .col_expr(Column::Attempts, Expr::value(row.attempts))
                .filter(Column::Id.eq(row.id))
                .exec(db)
                .await?;
            history::note(db, row.id, ExecutionState::Running, row.node.as_deref(), None).await?;
            row.try_into().map(Some)
        })
        .await
}

/// Puts back what runs: of this node, or of all.
pub(super) async fn requeue_running(
    db: &impl ConnectionTrait,
    node: Option<&str>,
) -> Result<Vec<(Uuid, ExecutionState)>> {
    let mut running = Entity::find().filter(Column::State.eq(ExecutionState::Running.as_str()));
    if let Some(node) = node {
        running = running.filter(Column::Node.eq(node));
    }
    let left = running.order_by_asc(Column::Id).lock_exclusive().all(db).await?;
    let mut put_back = Vec::with_capacity(left.len());
    for row in &left {
        let request = row::word("executions.request", &row.request)?;
        let to = run::settled(ExecutionState::Queued, request);
        let reason = format!(
            "the node {} died or lost its lease",
            row.node.as_deref().unwrap_or("that had it")
        );
        run::write_state(db, row, to, None, Some(&reason)).await?;
        stop_steps(db, row.id).await?;
        put_back.push((row.id, to));
    }
    Ok(put_back)
}

async fn stop_steps(db: &impl ConnectionTrait, execution: Uuid) -> Result<()> {
    steps::Entity::update_many()
        .col_expr(steps::Column::State, Expr::value(StepState::Pending.as_str()))
        .filter(steps::Column::ExecutionId.eq(execution))
        .filter(steps::Column::State.eq(StepState::Running.as_str()))
        .exec(db)
        .await?;
    Ok(())
}
