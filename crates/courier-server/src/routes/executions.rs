//! Executions.

use axum::{Extension, extract::State};
use courier_api::{
    Execution, ExecutionError, ExecutionQuery, ExecutionState, ExecutionStep, Page, StateChange, StepState,
};
use courier_engine::{Failure, executions as engine};
use uuid::Uuid;

use super::{page, page_request, word};
use crate::http::{ApiResult, AppState, Caller, Json, Path, Query, code_of_failure};

/// List executions
///
/// Without their `context`, which may be large.
#[utoipa::path(get, path = "/api/executions", tag = "executions", params(ExecutionQuery),
    responses((status = 200, description = "Executions, the newest first", body = Page<Execution>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Query(query): Query<ExecutionQuery>,
) -> ApiResult<Json<Page<Execution>>> {
    let filter = engine::ExecutionFilter {
        job_id: query.job_id,
        mapping_id: query.mapping_id,
        states: match query.state {
            Some(states) => states.0.into_iter().map(word).collect::<ApiResult<_>>()?,
            None => Vec::new(),
        },
        triggered_by: query.triggered_by,
        uneventful: query.uneventful,
        search: query.search,
        since: query.since,
        until: query.until,
    };
    let executions = state
        .engine
        .executions()
        .list(filter, page_request(query.limit, query.cursor))
        .await?;
    page(executions, |execution| Ok(listed(execution)))
}

/// Get an execution
#[utoipa::path(get, path = "/api/executions/{id}", tag = "executions",
    params(("id" = Uuid, Path, description = "The execution")),
    responses((status = 200, description = "The execution", body = Execution)))]
pub(crate) async fn get(State(state): State<AppState>, Path(id): Path<Uuid>) -> ApiResult<Json<Execution>> {
    Ok(Json(shown(state.engine.executions().get(id).await?)))
}

/// Pause an execution
#[utoipa::path(post, path = "/api/executions/{id}/pause", tag = "executions",
    params(("id" = Uuid, Path, description = "The execution")),
    responses((status = 200, description = "It pauses", body = Execution)))]
pub(crate) async fn pause(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<Execution>> {
    Ok(Json(shown(state.engine.executions().pause(&actor, id).await?)))
}

/// Resume a paused execution
#[utoipa::path(post, path = "/api/executions/{id}/resume", tag = "executions",
    params(("id" = Uuid, Path, description = "The execution")),
    responses((status = 200, description = "It is queued again", body = Execution)))]
pub(crate) async fn resume(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<Execution>> {
    Ok(Json(shown(state.engine.executions().resume(&actor, id).await?)))
}

/// Cancel an execution
#[utoipa::path(post, path = "/api/executions/{id}/cancel", tag = "executions",
    params(("id" = Uuid, Path, description = "The execution")),
    responses((status = 200, description = "It ends", body = Execution)))]
pub(crate) async fn cancel(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<Execution>> {
    Ok(Json(shown(state.engine.executions().cancel(&actor, id).await?)))
}

pub(super) fn shown(execution: engine::Execution) -> Execution {
    Execution {
        id: execution.id,
        job_id: execution.job_id,
        job_version: execution.job_version,
        mapping_id: execution.mapping_id,
        job_name: execution.job_name,
        state: state(execution.state),
        triggered_by: execution.triggered_by,
        queued_at: execution.queued_at,
        started_at: execution.started_at,
        ended_at: execution.ended_at,
        node: execution.node,
        attempts: execution.attempts,
        retries: execution.retries,
        scheduled_at: execution.scheduled_at,
        timezone: execution.timezone,
        error: execution.error.map(failure),
        history: Some(execution.history.into_iter().map(change).collect()),
        steps: execution.steps.into_iter().map(step).collect(),
        context: Some(execution.context),
    }
}

/// As it stands in a list.
pub(super) fn listed(execution: engine::Execution) -> Execution {
    Execution {
        context: None,
        history: None,
        ..shown(execution)
    }
}

fn state(state: engine::ExecutionState) -> ExecutionState {
    match state {
        engine::ExecutionState::Queued => ExecutionState::Queued,
        engine::ExecutionState::Running => ExecutionState::Running,
        engine::ExecutionState::Paused => ExecutionState::Paused,
        engine::ExecutionState::Completed => ExecutionState::Completed,
        engine::ExecutionState::Failed => ExecutionState::Failed,
        engine::ExecutionState::Cancelled => ExecutionState::Cancelled,
    }
}

fn change(change: engine::Transition) -> StateChange {
    StateChange {
        state: state(change.state),
        at: change.at,
        node: change.node,
        reason: change.reason,
    }
}

fn step(step: engine::Step) -> ExecutionStep {
    ExecutionStep {
        index: step.index,
        name: step.name,
        step_type: step.step_type,
        state: match step.state {
            engine::StepState::Pending => StepState::Pending,
            engine::StepState::Running => StepState::Running,
            engine::StepState::Completed => StepState::Completed,
            engine::StepState::Failed => StepState::Failed,
            engine::StepState::Skipped => StepState::Skipped,
        },
        attempts: step.attempts,
        retries: step.retries,
        retry_at: step.retry_at,
        started_at: step.started_at,
        ended_at: step.ended_at,
        bytes_transferred: step.bytes_transferred,
        files_transferred: step.files_transferred,
        error: step.error.map(failure),
    }
}

fn failure(failure: Failure) -> ExecutionError {
    ExecutionError {
        code: code_of_failure(&failure),
        kind: failure.kind,
        message: failure.message,
    }
}
