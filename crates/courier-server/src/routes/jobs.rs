//! Jobs.

use axum::{Extension, extract::State, http::StatusCode, response::IntoResponse};
use courier_api::{
    Execution, Job, JobInput, JobQuery, JobVersion, NextRun, NextRunsInput, NextRunsQuery, Page, StepType,
};
use courier_engine::jobs::JobFilter;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{created, executions, page, page_request, whole};
use crate::http::{ApiError, ApiResult, AppState, Caller, Json, Path, Query};

/// What clients send; the engine reads it and names every problem at once.
type Input = Json<Map<String, Value>>;

/// List jobs
#[utoipa::path(get, path = "/api/jobs", tag = "jobs", params(JobQuery),
    responses((status = 200, description = "Jobs, by name", body = Page<Job>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Query(query): Query<JobQuery>,
) -> ApiResult<Json<Page<Job>>> {
    let filter = JobFilter {
        search: query.search,
        enabled: query.enabled,
    };
    let jobs = state
        .engine
        .jobs()
        .list(filter, page_request(query.limit, query.cursor))
        .await?;
    page(jobs, shown)
}

/// Make a job
#[utoipa::path(post, path = "/api/jobs", tag = "jobs", request_body = JobInput,
    responses((status = 201, description = "Made", body = Job)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Json(input): Input,
) -> ApiResult<impl IntoResponse> {
    let job = state.engine.jobs().create(&actor, input).await?;
    Ok(created(format!("/api/jobs/{}", job.id), shown(job)?))
}

/// Get a job
#[utoipa::path(get, path = "/api/jobs/{id}", tag = "jobs", params(("id" = Uuid, Path, description = "The job")),
    responses((status = 200, description = "The job", body = Job)))]
pub(crate) async fn get(State(state): State<AppState>, Path(id): Path<Uuid>) -> ApiResult<Json<Job>> {
    shown(state.engine.jobs().get(id).await?).map(Json)
}

/// Replace a job
///
/// Makes a new version; executions that run go on with theirs.
#[utoipa::path(put, path = "/api/jobs/{id}", tag = "jobs", params(("id" = Uuid, Path, description = "The job")),
    request_body = JobInput, responses((status = 200, description = "Replaced", body = Job)))]
pub(crate) async fn replace(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
    Json(input): Input,
) -> ApiResult<Json<Job>> {
    shown(state.engine.jobs().replace(&actor, id, input).await?).map(Json)
}

/// Delete a job
#[utoipa::path(delete, path = "/api/jobs/{id}", tag = "jobs", params(("id" = Uuid, Path, description = "The job")),
    responses((status = 204, description = "Deleted")))]
pub(crate) async fn delete(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
) -> ApiResult<StatusCode> {
    state.engine.jobs().delete(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Run a job
#[utoipa::path(post, path = "/api/jobs/{id}/run", tag = "jobs", params(("id" = Uuid, Path, description = "The job")),
    responses((status = 202, description = "Queued", body = Execution)))]
pub(crate) async fn run(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
) -> ApiResult<impl IntoResponse> {
    let execution = state.engine.jobs().run(&actor, id).await?;
    let headers = [(
        axum::http::header::LOCATION,
        format!("/api/executions/{}", execution.id),
    )];
    Ok((StatusCode::ACCEPTED, headers, Json(executions::shown(execution))))
}

/// List the versions of a job
#[utoipa::path(get, path = "/api/jobs/{id}/versions", tag = "jobs",
    params(("id" = Uuid, Path, description = "The job")),
    responses((status = 200, description = "Versions, the newest first", body = Page<JobVersion>)))]
pub(crate) async fn versions(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<Page<JobVersion>>> {
    whole(state.engine.jobs().versions(id).await?, |version| {
        Ok(JobVersion {
            job_id: version.job_id,
            version: version.version,
            created_by: version.created_by,
            created_at: version.created_at,
            definition: definition(version.definition)?,
        })
    })
}

/// List the next runs of a job
///
/// None for a job that may not run.
#[utoipa::path(get, path = "/api/jobs/{id}/next-runs", tag = "jobs",
    params(("id" = Uuid, Path, description = "The job"), NextRunsQuery),
    responses((status = 200, description = "Runs to come, the earliest first", body = Page<NextRun>)))]
pub(crate) async fn next_runs(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    Query(query): Query<NextRunsQuery>,
) -> ApiResult<Json<Page<NextRun>>> {
    let count = usize::try_from(query.count.unwrap_or(5).clamp(1, 100)).unwrap_or(5);
    whole(state.engine.schedules().next_runs(id, count).await?, next_run)
}

/// Look when schedules would run
///
/// For schedules that no job has yet.
#[utoipa::path(post, path = "/api/jobs/next-runs", tag = "jobs",
    request_body = NextRunsInput,
    responses((status = 200, description = "Runs to come, the earliest first", body = Page<NextRun>)))]
pub(crate) async fn preview_runs(
    State(state): State<AppState>,
    Json(input): Input,
) -> ApiResult<Json<Page<NextRun>>> {
    whole(state.engine.schedules().preview(input).await?, next_run)
}

fn next_run(run: courier_engine::schedules::NextRun) -> ApiResult<NextRun> {
    Ok(NextRun {
        at: run.at,
        local: run.local,
        timezone: run.timezone,
        schedule: run.schedule as u64,
    })
}

/// List step types
///
/// Each with its settings and what it leaves for later steps.
#[utoipa::path(get, path = "/api/step-types", tag = "jobs",
    responses((status = 200, description = "Step types", body = Page<StepType>)))]
pub(crate) async fn step_types(State(state): State<AppState>) -> ApiResult<Json<Page<StepType>>> {
    whole(state.engine.jobs().step_types(), |step| {
        serde_json::to_value(step)
            .and_then(serde_json::from_value)
            .map_err(ApiError::internal)
    })
}

fn shown(job: courier_engine::jobs::Job) -> ApiResult<Job> {
    let definition = definition(job.definition)?;
    Ok(Job {
        id: job.id,
        version: job.version,
        name: definition.name,
        description: definition.description,
        enabled: definition.enabled,
        steps: definition.steps,
        failure_policy: definition.failure_policy,
        schedules: definition.schedules,
        max_instances: definition.max_instances,
        max_duration_sec: definition.max_duration_sec,
        next_run_at: job.next_run_at,
        created_at: job.created_at,
        updated_at: job.updated_at,
    })
}

/// The engine keeps a definition under the names of the API.
fn definition(definition: courier_engine::Definition) -> ApiResult<JobInput> {
    serde_json::to_value(definition)
        .and_then(serde_json::from_value)
        .map_err(ApiError::internal)
}
