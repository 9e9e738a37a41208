//! Storages.

use axum::{Extension, extract::State, http::StatusCode, response::IntoResponse};
use courier_api::{
    Page, PageQuery, Storage, StorageDetails, StorageInput, StoragePatch, StorageTest, StorageTestInput,
};
use courier_engine::storages::StorageTrial;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{created, page, page_request};
use crate::http::{ApiResult, AppState, Caller, Json, Path, Query, code_of_failure};

/// What clients send; the engine reads it and names every problem at once.
type Input = Json<Map<String, Value>>;

/// List storages
///
/// Who is no admin sees `id`, `name` and `scheme`.
#[utoipa::path(get, path = "/api/storages", tag = "storages", params(PageQuery),
    responses((status = 200, description = "Storages, the oldest first", body = Page<Storage>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Page<Storage>>> {
    let wanted = page_request(query.limit, query.cursor);
    page(state.engine.storages().list(&actor, wanted).await?, |storage| {
        Ok(shown(storage))
    })
}

/// Make a storage
#[utoipa::path(post, path = "/api/storages", tag = "storages", request_body = StorageInput,
    responses((status = 201, description = "Made", body = Storage)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Json(input): Input,
) -> ApiResult<impl IntoResponse> {
    let storage = state.engine.storages().create(&actor, input).await?;
    Ok(created(format!("/api/storages/{}", storage.id), shown(storage)))
}

/// Get a storage
///
/// Who is no admin sees `id`, `name` and `scheme`.
#[utoipa::path(get, path = "/api/storages/{id}", tag = "storages", params(("id" = Uuid, Path, description = "The storage")),
    responses((status = 200, description = "The storage", body = Storage)))]
pub(crate) async fn get(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<Storage>> {
    Ok(Json(shown(state.engine.storages().get(&actor, id).await?)))
}

/// Change a storage
///
/// What isn't given stays, but for credentials where the storage becomes another one.
#[utoipa::path(patch, path = "/api/storages/{id}", tag = "storages", params(("id" = Uuid, Path, description = "The storage")),
    request_body = StoragePatch, responses((status = 200, description = "Changed", body = Storage)))]
pub(crate) async fn patch(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
    Json(input): Input,
) -> ApiResult<Json<Storage>> {
    let storage = state.engine.storages().patch(&actor, id, input).await?;
    Ok(Json(shown(storage)))
}

/// Delete a storage
///
/// With its credentials, and not while a folder mapping uses it (1050). What is stored there stays.
#[utoipa::path(delete, path = "/api/storages/{id}", tag = "storages",
    params(("id" = Uuid, Path, description = "The storage")), responses((status = 204, description = "Deleted")))]
pub(crate) async fn delete(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
) -> ApiResult<StatusCode> {
    state.engine.storages().delete(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Test a storage before it is kept
///
/// Writes, reads and removes a small object. A test that fails is an answer, too.
#[utoipa::path(post, path = "/api/storages/test", tag = "storages", request_body = StorageTestInput,
    responses((status = 200, description = "What the test has shown; `success` says how it went", body = StorageTest)))]
pub(crate) async fn test_unsaved(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Json(input): Input,
) -> ApiResult<Json<StorageTest>> {
    Ok(Json(tested(
        state.engine.storages().test_unsaved(&actor, input).await?,
    )))
}

/// Test a storage
///
/// Writes, reads and removes a small object. A test that fails is an answer, too.
#[utoipa::path(post, path = "/api/storages/{id}/test", tag = "storages",
    params(("id" = Uuid, Path, description = "The storage")),
    responses((status = 200, description = "What the test has shown; `success` says how it went", body = StorageTest)))]
pub(crate) async fn test(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<StorageTest>> {
    Ok(Json(tested(state.engine.storages().test(&actor, id).await?)))
}

fn shown(storage: courier_engine::storages::Storage) -> Storage {
    Storage {
        id: storage.id,
        name: storage.name,
        scheme: storage.scheme,
        details: storage.details.map(|details| StorageDetails {
            url: details.url,
            has_credentials: details.has_credentials,
            warnings: details.warnings,
            created_at: details.created_at,
            updated_at: details.updated_at,
        }),
    }
}

fn tested(trial: StorageTrial) -> StorageTest {
    StorageTest {
        success: trial.success,
        error_code: trial.error.as_ref().map(code_of_failure),
        error_message: trial.error.map(|error| error.message),
        checked: trial.checked.into_iter().map(str::to_owned).collect(),
        warnings: trial.warnings,
        duration_ms: u64::try_from(trial.duration.as_millis()).unwrap_or(u64::MAX),
    }
}
