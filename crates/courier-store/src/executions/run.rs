//! What happens to an execution: its states, its steps, and what somebody wants of it.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Set, sea_query::Expr};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Execution, ExecutionRequest, ExecutionState, Step, StepState,
    load::{self, NOT_FOUND},
};
use crate::{
    Error, Result, Store,
    audit::NewAudit,
    entities::{
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

pub(super) async fn transition(
    store: &Store,
    id: Uuid,
    from: &[ExecutionState],
    to: ExecutionState,
    error: Option<Value>,
) -> Result<Execution> {
    store
        .transact(async |db| {
            let (row, state, request) = locked(db, id).await?;
            if !from.contains(&state) {
                return Err(Error::Conflict(format!(
                    "the execution is {state}, and can't become {to}"
                )));
            }
            let to = match state {
                ExecutionState::Running => settled(to, request),
                _ => to,
            };
            write_state(db, &row, to, error).await?;
            load::get(db, id).await
        })
        .await
}

pub(super) async fn request(
    store: &Store,
    id: Uuid,
    wish: Wish,
    record: impl FnOnce(&Execution) -> NewAudit,
) -> Result<Execution> {
    use ExecutionRequest as Request;
    use ExecutionState as State;
    store
        .transact(async |db| {
            let (row, state, request) = locked(db, id).await?;
            match (wish, state, request) {
                (Wish::Cancel, State::Queued | State::Paused, _) => {
                    write_state(db, &row, State::Cancelled, row.error.clone()).await?;
                }
                (Wish::Cancel, State::Running, _) => write_request(db, id, Request::Cancel).await?,
                (Wish::Pause, State::Queued, _) => {
                    write_state(db, &row, State::Paused, row.error.clone()).await?;
                }
                (Wish::Pause, State::Running, Request::None | Request::Pause) => {
                    write_request(db, id, Request::Pause).await?;
                }
                (Wish::Resume, State::Paused, _) => write_state(db, &row, State::Queued, None).await?,
                (Wish::Resume, State::Running, Request::Pause) => {
                    write_request(db, id, Request::None).await?
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
            let asked = load::get(db, id).await?;
            store.append_audit(db, vec![record(&asked)]).await?;
            Ok(asked)
        })
        .await
}

pub(super) async fn checkpoint(store: &Store, id: Uuid, step: &Step, context: Option<&Value>) -> Result<()> {
    store
        .transact(async |db| {
            let (_, state, _) = locked(db, id).await?;
            if state != ExecutionState::Running {
                return Err(Error::Conflict(format!("the execution is {state}, not running")));
            }
            let change = steps::ActiveModel {
                state: Set(step.state.as_str().into()),
                attempts: Set(row::small(step.attempts)),
                started_at: Set(row::micros(step.started_at)),
                ended_at: Set(row::micros(step.ended_at)),
                bytes_transferred: Set(row::stored(step.bytes_transferred)),
                files_transferred: Set(row::stored(step.files_transferred)),
                error: Set(step.error.clone().map(row::clean_json)),
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
            Ok(())
        })
        .await
}

pub(super) async fn progress(store: &Store, id: Uuid, step: u32, bytes: u64, files: u64) -> Result<()> {
    steps::Entity::update_many()
        .col_expr(steps::Column::BytesTransferred, Expr::value(row::stored(bytes)))
        .col_expr(steps::Column::FilesTransferred, Expr::value(row::stored(files)))
        .filter(the_step(id, step))
        .filter(steps::Column::State.eq(StepState::Running.as_str()))
        .exec(store.write())
        .await?;
    Ok(())
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

/// Puts an execution, whose row is locked, into another state.
pub(super) async fn write_state(
    db: &impl ConnectionTrait,
    row: &Model,
    to: ExecutionState,
    error: Option<Value>,
) -> Result<()> {
    let at = now().as_microsecond();
    let mut change = ActiveModel {
        state: Set(to.as_str().into()),
        error: Set(error.map(row::clean_json)),
        ended_at: Set(to.is_final().then_some(at)),
        ..Default::default()
    };
    if to == ExecutionState::Running {
        change.started_at = Set(row.started_at.or(Some(at)));
    } else {
        change.request = Set(ExecutionRequest::None.as_str().into());
    }
    Entity::update_many()
        .set(change)
        .filter(Column::Id.eq(row.id))
        .exec(db)
        .await?;
    Ok(())
}

async fn write_request(db: &impl ConnectionTrait, id: Uuid, request: ExecutionRequest) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::Request, Expr::value(request.as_str()))
        .filter(Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
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

fn the_step(execution: Uuid, index: u32) -> sea_orm::Condition {
    sea_orm::Condition::all()
        .add(steps::Column::ExecutionId.eq(execution))
        .add(steps::Column::Step.eq(row::small(index)))
}
