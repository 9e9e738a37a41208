//! The calls that say whose a run is.

use jiff::Timestamp;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, Func, SimpleExpr, UnionType},
};

use super::{FunctionCall, write::open_states};
use crate::{
    Result, Store,
    entities::function_calls::{Column, Entity},
    row,
};

pub(super) async fn of(
    store: &Store,
    call: &FunctionCall,
    since: Timestamp,
    runs: &[String],
    traces: &[String],
) -> Result<Vec<FunctionCall>> {
    // One statement, so that a call that takes its run meanwhile is seen as it was before or after; and each part has an index.
    let part = |condition: Condition| {
        Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(condition)
            .into_query()
    };
    let mut concerned = part(
        Condition::all()
            .add(Column::Workspace.eq(call.workspace.as_str()))
            .add(is_of_function(call))
            .add(Column::NotBefore.gte(since.as_microsecond()))
            .add(Column::RunId.is_null())
            .add(Column::State.is_in(open_states())),
    );
    let have = Condition::all()
        .add(Column::Workspace.eq(call.workspace.as_str()))
        .add(Column::RunId.is_in(runs.iter().map(|id| row::clean(id))));
    let traced = Column::TraceId.is_in(traces.iter().map(|id| row::clean(id)));
    concerned
        .union(UnionType::All, part(have))
        .union(UnionType::All, part(Condition::all().add(traced)));
    let rows = Entity::find()
        .filter(Column::Id.in_subquery(concerned))
        .order_by_asc(Column::Id)
        .all(store.read())
        .await?;
    // Which try made them is of no interest here.
    rows.into_iter()
        .map(|row| {
            let tries = (row.job_try, row.step_try);
            row.read(tries)
        })
        .collect()
}

pub(super) async fn bears_traces(store: &Store, call: &FunctionCall) -> Result<bool> {
    let last = Entity::find()
        .filter(Column::App.eq(call.app.as_str()))
        .filter(Column::RunId.is_not_null())
        .filter(is_of_function(call))
        .order_by_desc(Column::NotBefore)
        .order_by_desc(Column::Id)
        .one(store.read())
        .await?;
    let Some(last) = last else { return Ok(false) };
    let tries = (last.job_try, last.step_try);
    let last = last.read(tries)?;
    let operation = last.run.and_then(|run| run.operation_id);
    Ok(operation.is_some_and(|id| id.eq_ignore_ascii_case(&last.trace_id)))
}

/// Letters of either case are the same to Azure, and all are ASCII.
fn is_of_function(call: &FunctionCall) -> SimpleExpr {
    Expr::expr(Func::lower(Expr::col(Column::FunctionName))).eq(call.function.to_ascii_lowercase())
}
