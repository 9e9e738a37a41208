//! Folder mappings.

use axum::{
    Extension,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use courier_api::{
    Execution, FolderMapping, FolderMappingInput, FolderMappingQuery, MappingDryRun, MappingDryRunFile, Page,
    PageQuery, RefusedFolder,
};
use courier_engine::folder_mappings::{DryRun, FolderMappingFilter};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{created, executions, page, page_request, word};
use crate::http::{ApiError, ApiResult, AppState, Caller, Json, OptionalJson, Path, Query};

/// What clients send; the engine reads it and names every problem at once.
type Input = Json<Map<String, Value>>;

/// List folder mappings
#[utoipa::path(get, path = "/api/folder-mappings", tag = "folder-mappings", params(FolderMappingQuery),
    responses((status = 200, description = "Folder mappings, the oldest first", body = Page<FolderMapping>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Query(query): Query<FolderMappingQuery>,
) -> ApiResult<Json<Page<FolderMapping>>> {
    let filter = FolderMappingFilter {
        connection_id: query.connection_id,
        storage_id: query.storage_id,
        health: query.health.map(word).transpose()?,
        enabled: query.enabled,
        search: query.search,
    };
    let mappings = state.engine.folder_mappings();
    page(
        mappings
            .list(filter, page_request(query.limit, query.cursor))
            .await?,
        shown,
    )
}

/// List the folder mappings of a connection
#[utoipa::path(get, path = "/api/connections/{id}/folder-mappings", tag = "folder-mappings",
    params(("id" = Uuid, Path, description = "The connection"), PageQuery),
    responses((status = 200, description = "Folder mappings, the oldest first", body = Page<FolderMapping>)))]
pub(crate) async fn of_connection(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Page<FolderMapping>>> {
    let mappings = state.engine.folder_mappings();
    page(
        mappings.of(id, page_request(query.limit, query.cursor)).await?,
        shown,
    )
}

/// Make a folder mapping
///
/// From then on each file of the folder is pulled once. The first look for files is one interval later; run it for one now.
#[utoipa::path(post, path = "/api/connections/{id}/folder-mappings", tag = "folder-mappings",
    params(("id" = Uuid, Path, description = "The connection")), request_body = FolderMappingInput,
    responses((status = 201, description = "Made", body = FolderMapping)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
    Json(input): Input,
) -> ApiResult<impl IntoResponse> {
    let mapping = state.engine.folder_mappings().create(&actor, id, input).await?;
    Ok(created(
        format!("/api/folder-mappings/{}", mapping.id),
        shown(mapping)?,
    ))
}

/// Get a folder mapping
#[utoipa::path(get, path = "/api/folder-mappings/{id}", tag = "folder-mappings",
    params(("id" = Uuid, Path, description = "The folder mapping")),
    responses((status = 200, description = "The folder mapping", body = FolderMapping)))]
pub(crate) async fn get(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<FolderMapping>> {
    shown(state.engine.folder_mappings().get(id).await?).map(Json)
}

/// Change a folder mapping
///
/// What isn't given stays; `null` puts a field back to what it is where nothing is said. Nothing that was pulled is pulled
/// again: what makes a file another one is kept with the connection.
#[utoipa::path(patch, path = "/api/folder-mappings/{id}", tag = "folder-mappings",
    params(("id" = Uuid, Path, description = "The folder mapping")),
    request_body(content = Object, description = "The fields of a folder mapping that change"),
    responses((status = 200, description = "Changed", body = FolderMapping)))]
pub(crate) async fn patch(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
    Json(input): Input,
) -> ApiResult<Json<FolderMapping>> {
    shown(state.engine.folder_mappings().patch(&actor, id, input).await?).map(Json)
}

/// Delete a folder mapping
///
/// What it has pulled stays in its storage and in the connection's history. One that pulls is not deleted.
#[utoipa::path(delete, path = "/api/folder-mappings/{id}", tag = "folder-mappings",
    params(("id" = Uuid, Path, description = "The folder mapping")),
    responses((status = 204, description = "Deleted")))]
pub(crate) async fn delete(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
) -> ApiResult<StatusCode> {
    state.engine.folder_mappings().delete(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Run a folder mapping
///
/// Looks for files now, also where it is not enabled. Where it pulls already, that execution is the answer.
#[utoipa::path(post, path = "/api/folder-mappings/{id}/run", tag = "folder-mappings",
    params(("id" = Uuid, Path, description = "The folder mapping")),
    responses((status = 202, description = "Queued, or running", body = Execution)))]
pub(crate) async fn run(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
) -> ApiResult<impl IntoResponse> {
    let execution = state.engine.folder_mappings().run(&actor, id).await?;
    let headers = [(header::LOCATION, format!("/api/executions/{}", execution.id))];
    Ok((StatusCode::ACCEPTED, headers, Json(executions::shown(execution))))
}

/// Look what a folder mapping would pull
///
/// Looks into the folders, for half a minute at most, and changes nothing, neither here nor on the server. With fields in the
/// body, as `PATCH` takes them, it tells what the mapping would pull if it were changed so.
#[utoipa::path(post, path = "/api/folder-mappings/{id}/dry-run", tag = "folder-mappings",
    params(("id" = Uuid, Path, description = "The folder mapping")),
    request_body(content = Option<Object>, description = "The fields that would change; none for the mapping as it is"),
    responses((status = 200, description = "What would be pulled now, and why not the rest", body = MappingDryRun)))]
pub(crate) async fn dry_run(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
    OptionalJson(changes): OptionalJson<Option<Map<String, Value>>>,
) -> ApiResult<Json<MappingDryRun>> {
    let mappings = state.engine.folder_mappings();
    let run = mappings.dry_run(&actor, id, changes.unwrap_or_default()).await?;
    Ok(Json(told(run)))
}

/// Look what a folder mapping would pull, before it is made
///
/// Takes what making one takes, and makes none: it looks into the folders, for half a minute at most, and changes nothing.
#[utoipa::path(post, path = "/api/connections/{id}/folder-mappings/dry-run", tag = "folder-mappings",
    params(("id" = Uuid, Path, description = "The connection")), request_body = FolderMappingInput,
    responses((status = 200, description = "What would be pulled, and why not the rest", body = MappingDryRun)))]
pub(crate) async fn dry_run_unsaved(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
    Json(input): Input,
) -> ApiResult<Json<MappingDryRun>> {
    let mappings = state.engine.folder_mappings();
    let run = mappings.dry_run_unsaved(&actor, id, input).await?;
    Ok(Json(told(run)))
}

fn told(run: DryRun) -> MappingDryRun {
    let files = run.files.into_iter().map(|file| MappingDryRunFile {
        path: file.path.to_text(),
        size: file.size,
        modified: file.modified,
        verdict: file.verdict.to_owned(),
        reason: file.reason,
        key: file.key,
    });
    let refused = run.refused.into_iter().map(|(path, reason)| RefusedFolder {
        path: path.to_text(),
        reason,
    });
    let counts = run.counts.into_iter();
    MappingDryRun {
        files: files.collect(),
        counts: counts
            .map(|(verdict, count)| (verdict.to_owned(), count))
            .collect(),
        bytes: run.bytes,
        unreadable: run.unreadable,
        refused: refused.collect(),
        truncated: run.truncated,
        timed_out: run.timed_out,
    }
}

/// The engine keeps a definition under the names of the API.
fn shown(mapping: courier_engine::folder_mappings::FolderMapping) -> ApiResult<FolderMapping> {
    let mut document = serde_json::to_value(&mapping.definition).map_err(ApiError::internal)?;
    if let Value::Object(document) = &mut document {
        for (field, value) in [
            ("id", serde_json::to_value(mapping.id)),
            ("connection_id", serde_json::to_value(mapping.connection_id)),
            ("name", serde_json::to_value(mapping.name)),
            ("enabled", serde_json::to_value(mapping.enabled)),
            ("next_run_at", serde_json::to_value(mapping.next_run_at)),
            ("last_run_at", serde_json::to_value(mapping.last_run_at)),
            ("last_execution", serde_json::to_value(mapping.last_execution)),
            ("failures", serde_json::to_value(mapping.failures)),
            ("health", serde_json::to_value(mapping.health)),
            ("health_code", serde_json::to_value(mapping.health_code)),
            ("health_detail", serde_json::to_value(mapping.health_detail)),
            ("last_ok_at", serde_json::to_value(mapping.last_ok_at)),
            ("failing_since", serde_json::to_value(mapping.failing_since)),
            ("warnings", serde_json::to_value(mapping.warnings)),
            ("created_at", serde_json::to_value(mapping.created_at)),
            ("updated_at", serde_json::to_value(mapping.updated_at)),
        ] {
            document.insert(field.into(), value.map_err(ApiError::internal)?);
        }
    }
    serde_json::from_value(document).map_err(ApiError::internal)
}
