//! What happens to an execution: its states, its steps, and what somebody wants of it.

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Set,
    sea_query::Expr,
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Claim, Execution, ExecutionRequest, ExecutionState, Step, StepState, history,
    load::{self, NOT_FOUND},
};
use crate::{
    Error, Result, Store, alerts,
    audit::NewAudit,
    bus::Notice,
    dispatch,
    entities::{
        audit,
        executions::{ActiveModel, Column, Entity, Model},
        steps,
    },
    ids::now,
    row,
};

/// What somebody wants.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wish {
    Cancel,
    Pause,
    Resume,
}

pub(super) async fn release(
    store: &Store,
    claim: Claim,
    to: ExecutionState,
    error: Option<Value>,
    reason: Option<&str>,
) -> Result<Execution> {
    let released = store
        .transact(async |db| {
            let (row, request) = held(db, claim).await?;
            let to = settled(to, request);
            let asked = match (reason, request) {
                (None, ExecutionRequest::Cancel | ExecutionRequest::Pause)
                    if matches!(to, ExecutionState::Cancelled | ExecutionState::Paused) =>
                {
                    asked_by(db, row.id).await?
                }
                _ => None,
            };
            write_state(db, &row, to, error, reason.or(asked.as_deref())).await?;
            load::get(db, claim.execution).await
        })
        .await?;
    if released.state == ExecutionState::Queued {
        store.dispatcher().wake();
    }
    Ok(released)
}

pub(super) async fn request(
    store: &Store,
    id: Uuid,
    wish: Wish,
    record: impl FnOnce(&Execution) -> NewAudit,
) -> Result<Execution> {
    use ExecutionRequest as Request;
    use ExecutionState as State;
    let asked = store
        .transact(async |db| {
            let (row, state, request) = locked(db, id).await?;
            let audit = record(&load::get(db, id).await?);
            let by = asked_for(&audit.performed_by);
            match (wish, state, request) {
                (Wish::Cancel, State::Queued | State::Paused, _) => {
                    write_state(db, &row, State::Cancelled, row.error.clone(), Some(&by)).await?;
                }
                (Wish::Cancel, State::Running, _) => write_request(db, id, Request::Cancel).await?,
                (Wish::Pause, State::Queued, _) => {
                    write_state(db, &row, State::Paused, row.error.clone(), Some(&by)).await?;
                }
                (Wish::Pause, State::Running, Request::None | Request::Pause) => {
                    write_request(db, id, Request::Pause).await?;
                }
                (Wish::Resume, State::Paused, _) => {
                    write_state(db, &row, State::Queued, None, Some(&by)).await?;
                }
                (Wish::Resume, State::Running, Request::Pause) => {
                    write_request(db, id, Request::None).await?;
                }
                (_, State::Running, Request::Cancel) => {
                    return Err(Error::Conflict("the execution is being cancelled".into()));
                }
                (wish, state, _) => {
                    let verb = match wish {
                        Wish::Cancel => "cancelled",
                        Wish::Pause => "paused",
                        Wish::Resume => "resumed",
                    };
                    return Err(Error::Conflict(format!(
                        "the execution is {state}, and can't be {verb}"
                    )));
                }
            }
            store.append_audit(db, vec![audit]).await?;
            load::get(db, id).await
        })
        .await?;
    match asked.state {
        State::Queued => store.dispatcher().wake(),
        // Whoever has it hears so at once.
        State::Running => store.bus().publish(Notice::Wish { execution: id }),
        _ => {}
    }
    Ok(asked)
}

pub(super) async fn checkpoint(
    store: &Store,
    claim: Claim,
    step: &Step,
    context: Option<&Value>,
    records: Vec<NewAudit>,
) -> Result<()> {
    let id = claim.execution;
    store
        .transact(async |db| {
            held(db, claim).await?;
            let change = steps::ActiveModel {
                state: Set(step.state.as_str().into()),
                attempts: Set(row::small(step.attempts)),
                started_at: Set(row::micros(step.started_at)),
                ended_at: Set(row::micros(step.ended_at)),
                bytes_transferred: Set(row::stored(step.bytes_transferred)),
                files_transferred: Set(row::stored(step.files_transferred)),
                error: Set(step.error.clone().map(row::clean_json)),
                retries: Set(row::small(step.retries)),
                ..Default::default()
            };
            let written = steps::Entity::update_many()
                .set(change)
                .filter(the_step(id, step.index))
                .exec(db)
                .await?;
            if written.rows_affected == 0 {
                return Err(Error::NotFound {
                    what: "step of this execution",
                });
            }
            if let Some(context) = context {
                let change = ActiveModel {
                    context: Set(row::clean_json(context.clone())),
                    ..Default::default()
                };
                Entity::update_many()
                    .set(change)
                    .filter(Column::Id.eq(id))
                    .exec(db)
                    .await?;
            }
            store.append_audit(db, records.clone()).await
        })
        .await
}

pub(super) async fn remark(store: &Store, claim: Claim, why: &str) -> Result<()> {
    store
        .transact(async |db| {
            let (row, _) = held(db, claim).await?;
            let (state, node) = (ExecutionState::Running, row.node.as_deref());
            history::note(db, claim.execution, state, node, Some(why)).await
        })
        .await
}

pub(super) async fn progress(store: &Store, claim: Claim, step: u32, bytes: u64, files: u64) -> Result<()> {
    let is_held = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Id.eq(claim.execution))
        .filter(Column::Attempts.eq(row::small(claim.attempt)))
        .filter(Column::State.eq(ExecutionState::Running.as_str()));
    steps::Entity::update_many()
        .col_expr(steps::Column::BytesTransferred, Expr::value(row::stored(bytes)))
        .col_expr(steps::Column::FilesTransferred, Expr::value(row::stored(files)))
        .filter(the_step(claim.execution, step))
        .filter(steps::Column::State.eq(StepState::Running.as_str()))
        .filter(Expr::exists(is_held.as_query().clone()))
        .exec(store.write())
        .await?;
    Ok(())
}

pub(super) async fn start_over(store: &Store, claim: Claim, retries: u32, context: &Value) -> Result<()> {
    let id = claim.execution;
    store
        .transact(async |db| {
            held(db, claim).await?;
            let back = steps::ActiveModel {
                state: Set(StepState::Pending.as_str().into()),
                ended_at: Set(None),
                bytes_transferred: Set(0),
                files_transferred: Set(0),
                error: Set(None),
                retries: Set(0),
                ..Default::default()
            };
            steps::Entity::update_many()
                .set(back)
                .filter(steps::Column::ExecutionId.eq(id))
                .exec(db)
                .await?;
            let change = ActiveModel {
                retries: Set(row::small(retries)),
                context: Set(row::clean_json(context.clone())),
                // How far it had come before says nothing of this try.
                crash_mark: Set(0),
                ..Default::default()
            };
            Entity::update_many()
                .set(change)
                .filter(Column::Id.eq(id))
                .exec(db)
                .await?;
            Ok(())
        })
        .await
}

/// What a running execution becomes that stops before its end: what somebody has wished by now counts, not what was
/// wished when it began to stop.
pub(super) fn settled(to: ExecutionState, request: ExecutionRequest) -> ExecutionState {
    match (to, request) {
        (ExecutionState::Queued | ExecutionState::Paused, request) => match request {
            ExecutionRequest::Cancel => ExecutionState::Cancelled,
            ExecutionRequest::Pause => ExecutionState::Paused,
            ExecutionRequest::None => ExecutionState::Queued,
        },
        (to, _) => to,
    }
}

/// Puts an execution, whose row is locked and which is not to run, into another state.
pub(super) async fn write_state(
    db: &impl ConnectionTrait,
    row: &Model,
    to: ExecutionState,
    error: Option<Value>,
    reason: Option<&str>,
) -> Result<()> {
    alerts::execution_over(db, row, to, error.as_ref()).await?;
    let at = now().as_microsecond();
    let change = ActiveModel {
        state: Set(to.as_str().into()),
        error: Set(error.map(row::clean_json)),
        ended_at: Set(to.is_final().then_some(at)),
        request: Set(ExecutionRequest::None.as_str().into()),
        holder: Set(None),
        uneventful: Set(is_uneventful(db, row, to).await?),
        ..Default::default()
    };
    Entity::update_many()
        .set(change)
        .filter(Column::Id.eq(row.id))
        .exec(db)
        .await?;
    if to == ExecutionState::Queued {
        dispatch::announce(db, row.id).await?;
    }
    history::note(db, row.id, to, row.node.as_deref(), reason).await
}

/// Does an execution that becomes this leave nothing to remember? So it is with a scheduled pull that found no file.
pub(crate) async fn is_uneventful(
    db: &impl ConnectionTrait,
    row: &Model,
    to: ExecutionState,
) -> Result<bool> {
    let is_quiet = to == ExecutionState::Completed && row.mapping_id.is_some() && row.scheduled_at.is_some();
    if !is_quiet {
        return Ok(false);
    }
    let moved: Option<i32> = steps::Entity::find()
        .select_only()
        .column(steps::Column::Step)
        .filter(steps::Column::ExecutionId.eq(row.id))
        .filter(steps::Column::FilesTransferred.gt(0))
        .into_tuple()
        .one(db)
        .await?;
    Ok(moved.is_none())
}

async fn write_request(db: &impl ConnectionTrait, id: Uuid, request: ExecutionRequest) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::Request, Expr::value(request.as_str()))
        .filter(Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// Who asked last for what becomes of an execution, as the audit log has it.
async fn asked_by(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<String>> {
    let name: Option<String> = audit::Entity::find()
        .select_only()
        .column(audit::Column::PerformedBy)
        .filter(audit::Column::JobExecutionId.eq(id))
        .filter(audit::Column::Operation.is_in(["execution_paused", "execution_cancelled"]))
        .order_by_desc(audit::Column::Id)
        .into_tuple()
        .one(db)
        .await?;
    Ok(name.map(|name| asked_for(&name)))
}

fn asked_for(by: &str) -> String {
    format!("asked for by {by}")
}

async fn locked(db: &impl ConnectionTrait, id: Uuid) -> Result<(Model, ExecutionState, ExecutionRequest)> {
    let row = Entity::find_by_id(id)
        .lock_exclusive()
        .one(db)
        .await?
        .ok_or(NOT_FOUND)?;
    let state = row::word("executions.state", &row.state)?;
    let request = row::word("executions.request", &row.request)?;
    Ok((row, state, request))
}

/// The row of an execution that this claim holds, locked.
pub(crate) async fn held(db: &impl ConnectionTrait, claim: Claim) -> Result<(Model, ExecutionRequest)> {
    let (row, state, request) = locked(db, claim.execution).await?;
    if state != ExecutionState::Running || row::number(row.attempts) != claim.attempt {
        return Err(Error::Conflict(format!(
            "the execution is {state}, and no longer held by attempt {}",
            claim.attempt
        )));
    }
    Ok((row, request))
}

/// The row of an execution that nobody has taken since this claim did, locked: whether or not it still runs.
pub(crate) async fn had_last(db: &impl ConnectionTrait, claim: Claim) -> Result<Model> {
    let (row, state, _) = locked(db, claim.execution).await?;
    if row::number(row.attempts) != claim.attempt {
        return Err(Error::Conflict(format!(
            "the execution is {state}, and was taken again since attempt {}",
            claim.attempt
        )));
    }
    Ok(row)
}

fn the_step(execution: Uuid, index: u32) -> sea_orm::Condition {
    sea_orm::Condition::all()
        .add(steps::Column::ExecutionId.eq(execution))
        .add(steps::Column::Step.eq(row::small(index)))
}
