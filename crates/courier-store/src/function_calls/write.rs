//! What happens to a call. All of it shows a claim of the execution.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait, IntoActiveModel,
    QueryFilter, Set, sea_query::Expr,
};
use uuid::Uuid;

use super::{CallAnswer, CallState, FunctionCall, FunctionRun, NewCall, tries};
use crate::{
    Error, Result, Store,
    audit::NewAudit,
    entities::function_calls::{ActiveModel, Column, Entity, Model},
    executions::{self, Claim},
    ids::{new_id, now},
    row,
};

/// The states in which a run of a call may still come.
pub(super) fn open_states() -> impl Iterator<Item = &'static str> {
    let open = CallState::ALL.iter().filter(|state| state.is_open());
    open.map(|state| state.as_str())
}

pub(super) async fn begin(store: &Store, claim: Claim, call: NewCall) -> Result<FunctionCall> {
    store
        .transact(async |db| {
            executions::held(db, claim).await?;
            let tries = tries(db, claim.execution, call.step).await?;
            let open = Entity::find()
                .filter(Column::ExecutionId.eq(claim.execution))
                .filter(Column::Step.eq(row::small(call.step)))
                .filter(Column::State.is_in(open_states()))
                .filter(Column::EndedAt.is_null())
                .one(db)
                .await?;
            match open {
                // It is noted, and the database's answer was lost.
                Some(open) if open.trace_id == call.trace_id => return open.read(tries),
                Some(open) => {
                    return Err(Error::Conflict(format!(
                        "the function {} was triggered already, and how that ended is not known yet",
                        open.function_name
                    )));
                }
                None => {}
            }
            let (job_try, step_try) = tries;
            let row = Model {
                id: new_id(),
                execution_id: claim.execution,
                step: row::small(call.step),
                job_try,
                step_try,
                connection_id: call.connection_id,
                app: call.app,
                workspace: call.workspace,
                function_name: call.function,
                trace_id: call.trace_id,
                state: CallState::Calling.as_str().into(),
                triggered_at: call.triggered_at.as_microsecond(),
                not_before: call.not_before.as_microsecond(),
                looks: 0,
                run_id: None,
                run: None,
                ended_at: None,
            };
            Entity::insert(row.clone().into_active_model().reset_all())
                .exec_without_returning(db)
                .await?;
            row.read(tries)
        })
        .await
}

pub(super) async fn answered(
    store: &Store,
    claim: Claim,
    call: Uuid,
    answer: CallAnswer,
    record: NewAudit,
) -> Result<FunctionCall> {
    let ended = Set(Some(now().as_microsecond()));
    let change = match answer {
        CallAnswer::Accepted { not_before, awaited } => ActiveModel {
            state: Set(CallState::Accepted.as_str().into()),
            not_before: Set(not_before.as_microsecond()),
            ended_at: if awaited { Set(None) } else { ended },
            ..Default::default()
        },
        CallAnswer::Unclear => ActiveModel {
            state: Set(CallState::Unclear.as_str().into()),
            ..Default::default()
        },
        CallAnswer::Refused => ActiveModel {
            state: Set(CallState::Refused.as_str().into()),
            ended_at: ended,
            ..Default::default()
        },
    };
    let calling = [CallState::Calling.as_str()];
    store
        .transact(async |db| {
            executions::had_last(db, claim).await?;
            change_open(db, claim, call, &calling, change).await?;
            store.append_audit(db, vec![record]).await?;
            let row = Entity::find_by_id(call).one(db).await?.ok_or(Error::NotFound {
                what: "function call",
            })?;
            let tries = tries(db, row.execution_id, row::number(row.step)).await?;
            row.read(tries)
        })
        .await
}

pub(super) async fn looked(store: &Store, call: Uuid, workspace: &str) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::Looks, Expr::col(Column::Looks).add(1))
        .col_expr(Column::Workspace, Expr::value(workspace))
        .filter(Column::Id.eq(call))
        .exec(store.write())
        .await?;
    Ok(())
}

pub(super) async fn claim_run(
    store: &Store,
    claim: Claim,
    call: Uuid,
    run: &FunctionRun,
    record: NewAudit,
) -> Result<bool> {
    let state = if run.success {
        CallState::Succeeded
    } else {
        CallState::Failed
    };
    let json = serde_json::to_value(run)
        .map_err(|e| Error::Database(DbErr::Type(format!("a run can't be stored: {e}"))))?;
    let change = ActiveModel {
        state: Set(state.as_str().into()),
        run_id: Set(Some(row::clean(&run.id))),
        run: Set(Some(row::clean_json(json))),
        ended_at: Set(Some(now().as_microsecond())),
        ..Default::default()
    };
    let open: Vec<&str> = open_states().collect();
    let claimed = store
        .transact(async |db| {
            executions::held(db, claim).await?;
            change_open(db, claim, call, &open, change).await?;
            store.append_audit(db, vec![record]).await
        })
        .await;
    match claimed {
        Ok(()) => Ok(true),
        Err(Error::Duplicate { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Changes a call of this execution that is in one of these states.
async fn change_open(
    db: &impl ConnectionTrait,
    claim: Claim,
    call: Uuid,
    states: &[&str],
    change: ActiveModel,
) -> Result<()> {
    let changed = Entity::update_many()
        .set(change)
        .filter(Column::Id.eq(call))
        .filter(Column::ExecutionId.eq(claim.execution))
        .filter(Column::State.is_in(states.iter().copied()))
        .exec(db)
        .await?;
    match changed.rows_affected {
        0 => Err(Error::Conflict(
            "the call of the function is not open any more".into(),
        )),
        _ => Ok(()),
    }
}
