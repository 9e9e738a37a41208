//! Executions out of their rows.

use jiff::Timestamp;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, Iterable, QueryFilter, QueryOrder, QuerySelect,
    Select, sea_query::Expr,
};
use serde_json::json;
use uuid::Uuid;

use super::{Claim, Execution, ExecutionFilter, ExecutionRequest, ExecutionState, Life, Name, Step};
use crate::{
    Error, Page, PageRequest, Result, Store,
    entities::{
        executions::{Column, Entity, Model},
        steps,
    },
    ids::first_id_at,
    page::Order,
    row,
};

/// Ids in one question.
const ASKED: usize = 500;

pub(super) const NOT_FOUND: Error = Error::NotFound { what: "execution" };

pub(super) async fn get(db: &impl ConnectionTrait, id: Uuid) -> Result<Execution> {
    Entity::find_by_id(id).one(db).await?.ok_or(NOT_FOUND)?.try_into()
}

pub(super) async fn requested(store: &Store, id: Uuid) -> Result<ExecutionRequest> {
    let word: Option<String> = Entity::find_by_id(id)
        .select_only()
        .column(Column::Request)
        .into_tuple()
        .one(store.read())
        .await?;
    row::word("executions.request", &word.ok_or(NOT_FOUND)?)
}

pub(super) async fn held_by(store: &Store, life: &Life) -> Result<Vec<Claim>> {
    let held: Vec<(Uuid, i32)> = Entity::find()
        .select_only()
        .columns([Column::Id, Column::Attempts])
        .filter(Column::State.eq(ExecutionState::Running.as_str()))
        .filter(Column::Holder.eq(life.id))
        .into_tuple()
        .all(store.read())
        .await?;
    let claim = |(execution, attempts)| Claim {
        execution,
        attempt: row::number(attempts),
    };
    Ok(held.into_iter().map(claim).collect())
}

pub(super) async fn steps(store: &Store, ids: &[Uuid]) -> Result<Vec<(Uuid, Step)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = steps::Entity::find()
        .filter(steps::Column::ExecutionId.is_in(ids.iter().copied()))
        .order_by_asc(steps::Column::ExecutionId)
        .order_by_asc(steps::Column::Step)
        .all(store.read())
        .await?;
    rows.into_iter()
        .map(|row| Ok((row.execution_id, row.try_into()?)))
        .collect()
}

/// Executions with an empty context: it may be large, and many are asked for.
pub(crate) fn without_context() -> Select<Entity> {
    let columns = Column::iter().filter(|column| !matches!(column, Column::Context));
    Entity::find()
        .select_only()
        .columns(columns)
        .expr_as(Expr::value(json!({})), "context")
}

pub(super) async fn list(
    store: &Store,
    filter: &ExecutionFilter,
    page: &PageRequest,
) -> Result<Page<Execution>> {
    let mut query = without_context();
    if let Some(job) = filter.job_id {
        query = query.filter(Column::JobId.eq(job));
    }
    if let Some(mapping) = filter.mapping_id {
        // The index is over the other column, which holds the same.
        query = query
            .filter(Column::JobId.eq(mapping))
            .filter(Column::MappingId.eq(mapping));
    }
    match filter.states.as_slice() {
        [] => {}
        [state] => query = query.filter(Column::State.eq(state.as_str())),
        states => query = query.filter(Column::State.is_in(states.iter().map(|state| state.as_str()))),
    }
    if let Some(since) = filter.since {
        query = query.filter(Column::Id.gte(first_id_at(since)));
    }
    if let Some(until) = filter.until {
        query = query.filter(Column::Id.lt(first_id_at(until)));
    }
    if let Some(text) = &filter.search {
        query = query.filter(row::contains(Column::JobName, text));
    }
    if let Some(name) = &filter.triggered_by {
        query = query.filter(Column::TriggeredBy.eq(name.as_str()));
    }
    if let Some(uneventful) = filter.uneventful {
        query = query.filter(Column::Uneventful.eq(uneventful));
    }
    let rows = page
        .apply(query, Column::Id, Order::NewestFirst)?
        .all(store.read())
        .await?;
    page.page(rows, |row| row.id).try_map(Execution::try_from)
}

pub(super) async fn states_of(store: &Store, ids: &[Uuid]) -> Result<Vec<(Uuid, ExecutionState)>> {
    let mut states = Vec::with_capacity(ids.len());
    for ids in ids.chunks(ASKED) {
        let rows: Vec<(Uuid, String)> = Entity::find()
            .select_only()
            .columns([Column::Id, Column::State])
            .filter(Column::Id.is_in(ids.iter().copied()))
            .into_tuple()
            .all(store.read())
            .await?;
        for (id, word) in rows {
            states.push((id, row::word("executions.state", &word)?));
        }
    }
    Ok(states)
}

pub(super) async fn names_of(store: &Store, ids: &[Uuid]) -> Result<Vec<Name>> {
    let mut names = Vec::with_capacity(ids.len());
    for ids in ids.chunks(ASKED) {
        let rows: Vec<(Uuid, Uuid, Option<Uuid>, String)> = Entity::find()
            .select_only()
            .columns([Column::Id, Column::JobId, Column::MappingId, Column::JobName])
            .filter(Column::Id.is_in(ids.iter().copied()))
            .into_tuple()
            .all(store.read())
            .await?;
        names.extend(rows.into_iter().map(|(id, origin, mapping_id, name)| Name {
            id,
            job_id: mapping_id.is_none().then_some(origin),
            mapping_id,
            name,
        }));
    }
    Ok(names)
}

/// By the id, the first is the next to run, though one that was paused may have waited for less time.
pub(super) async fn waiting_since(store: &Store) -> Result<Option<Timestamp>> {
    let first: Option<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::State.eq(ExecutionState::Queued.as_str()))
        .order_by_asc(Column::Id)
        .into_tuple()
        .one(store.read())
        .await?;
    let Some(first) = first else { return Ok(None) };
    let history = super::history::of(store, first).await?;
    Ok(history.last().map(|queued| queued.at))
}

/// Those that live are few and counted whole; those that are over only since then. Two queries, because each is a range
/// of the index, and together they would be a walk over all of it.
pub(super) async fn count_by_state(store: &Store, since: Timestamp) -> Result<Vec<(ExecutionState, u64)>> {
    let words = |over: bool| {
        let states = ExecutionState::ALL
            .iter()
            .filter(move |state| state.is_final() == over);
        Column::State.is_in(states.map(|state| state.as_str()))
    };
    let mut rows = count(store, Condition::all().add(words(false))).await?;
    rows.extend(
        count(
            store,
            Condition::all()
                .add(words(true))
                .add(Column::Id.gte(first_id_at(since))),
        )
        .await?,
    );
    let count = |state: ExecutionState| {
        rows.iter()
            .find(|(word, _)| word == state.as_str())
            .map_or(0, |(_, count)| row::amount(*count))
    };
    Ok(ExecutionState::ALL
        .iter()
        .map(|state| (*state, count(*state)))
        .collect())
}

async fn count(store: &Store, which: Condition) -> Result<Vec<(String, i64)>> {
    let counts = Entity::find()
        .select_only()
        .column(Column::State)
        .column_as(Column::Id.count(), "count")
        .filter(which)
        .group_by(Column::State);
    Ok(counts.into_tuple().all(store.read()).await?)
}

pub(super) async fn last_of(store: &Store, origin: Uuid) -> Result<Option<Execution>> {
    let newest = Entity::find()
        .filter(Column::JobId.eq(origin))
        .order_by_desc(Column::Id);
    newest
        .one(store.read())
        .await?
        .map(Execution::try_from)
        .transpose()
}

impl TryFrom<Model> for Execution {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        Ok(Self {
            id: row.id,
            job_id: row.mapping_id.is_none().then_some(row.job_id),
            job_version: row::number(row.job_version),
            mapping_id: row.mapping_id,
            job_name: row.job_name,
            state: row::word("executions.state", &row.state)?,
            triggered_by: row.triggered_by,
            queued_at: row::time(row.queued_at)?,
            started_at: row::maybe_time(row.started_at)?,
            ended_at: row::maybe_time(row.ended_at)?,
            node: row.node,
            attempts: row::number(row.attempts),
            error: row.error,
            context: row.context,
            request: row::word("executions.request", &row.request)?,
            scheduled_at: row::maybe_time(row.scheduled_at)?,
            timezone: row.timezone,
            retries: row::number(row.retries),
        })
    }
}

impl TryFrom<steps::Model> for Step {
    type Error = Error;

    fn try_from(row: steps::Model) -> Result<Self> {
        Ok(Self {
            index: row::number(row.step),
            name: row.name,
            step_type: row.step_type,
            state: row::word("execution_steps.state", &row.state)?,
            attempts: row::number(row.attempts),
            started_at: row::maybe_time(row.started_at)?,
            ended_at: row::maybe_time(row.ended_at)?,
            bytes_transferred: row::amount(row.bytes_transferred),
            files_transferred: row::amount(row.files_transferred),
            error: row.error,
            retries: row::number(row.retries),
        })
    }
}
