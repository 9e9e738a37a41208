//! The SSH key store.

use axum::{
    Extension,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use courier_api::{GenerateKey, ImportKey, Page, SshKey, SshKeyInput, SshKeyQuery};
use courier_engine::keys::Key;
use secrecy::SecretString;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{created, page, page_request, word};
use crate::http::{ApiResult, AppState, Caller, Json, Path, Query, typed};

/// What clients may send back without meaning it.
const READ_ONLY: &[&str] = &[
    "id",
    "key_type",
    "public_key",
    "fingerprint",
    "status",
    "created_at",
    "created_by",
    "last_used_at",
    "used_by",
];

/// List SSH keys
///
/// Those that are deleted are named with `status=deleted` only; their private halves are gone.
#[utoipa::path(get, path = "/api/ssh-keys", tag = "ssh-keys", params(SshKeyQuery),
    responses((status = 200, description = "Keys, oldest first", body = Page<SshKey>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Query(query): Query<SshKeyQuery>,
) -> ApiResult<Json<Page<SshKey>>> {
    let keys = state
        .engine
        .keys()
        .list(
            query.status.map(word).transpose()?,
            page_request(query.limit, query.cursor),
        )
        .await?;
    page(keys, shown)
}

/// Generate an SSH key
#[utoipa::path(post, path = "/api/ssh-keys/generate", tag = "ssh-keys", request_body = GenerateKey,
    responses((status = 201, description = "Generated", body = SshKey)))]
pub(crate) async fn generate(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Json(input): Json<GenerateKey>,
) -> ApiResult<impl IntoResponse> {
    let key_type = input.key_type.as_str();
    let key = state
        .engine
        .keys()
        .generate(&actor, &input.name, key_type, input.notes)
        .await?;
    Ok(created(format!("/api/ssh-keys/{}", key.id), shown(key)?))
}

/// Import an SSH key
#[utoipa::path(post, path = "/api/ssh-keys/import", tag = "ssh-keys", request_body = ImportKey,
    responses((status = 201, description = "Imported", body = SshKey)))]
pub(crate) async fn import(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Json(input): Json<ImportKey>,
) -> ApiResult<impl IntoResponse> {
    let private_key = SecretString::from(input.private_key.expose());
    let passphrase = input
        .passphrase
        .as_ref()
        .map(|text| SecretString::from(text.expose()));
    let keys = state.engine.keys();
    let key = keys
        .import(
            &actor,
            &input.name,
            &private_key,
            passphrase.as_ref(),
            input.notes,
        )
        .await?;
    Ok(created(format!("/api/ssh-keys/{}", key.id), shown(key)?))
}

/// Get an SSH key
#[utoipa::path(get, path = "/api/ssh-keys/{id}", tag = "ssh-keys",
    params(("id" = Uuid, Path, description = "The key")),
    responses((status = 200, description = "The key", body = SshKey)))]
pub(crate) async fn get(State(state): State<AppState>, Path(id): Path<Uuid>) -> ApiResult<Json<SshKey>> {
    shown(state.engine.keys().get(id).await?).map(Json)
}

/// Get the public half of an SSH key
///
/// One `authorized_keys` line.
#[utoipa::path(get, path = "/api/ssh-keys/{id}/public-key", tag = "ssh-keys",
    params(("id" = Uuid, Path, description = "The key")),
    responses((status = 200, description = "The line", body = String, content_type = "text/plain")))]
pub(crate) async fn public_key(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
) -> ApiResult<impl IntoResponse> {
    let line = state.engine.keys().public_key(id).await?;
    Ok((
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        format!("{line}\n"),
    ))
}

/// Retire an SSH key
///
/// It is kept, but no connection may use it.
#[utoipa::path(post, path = "/api/ssh-keys/{id}/retire", tag = "ssh-keys",
    params(("id" = Uuid, Path, description = "The key")),
    responses((status = 200, description = "Retired", body = SshKey)))]
pub(crate) async fn retire(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<SshKey>> {
    shown(state.engine.keys().retire(&actor, id).await?).map(Json)
}

/// Activate an SSH key
#[utoipa::path(post, path = "/api/ssh-keys/{id}/activate", tag = "ssh-keys",
    params(("id" = Uuid, Path, description = "The key")),
    responses((status = 200, description = "Active", body = SshKey)))]
pub(crate) async fn activate(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<SshKey>> {
    shown(state.engine.keys().activate(&actor, id).await?).map(Json)
}

/// Rename an SSH key, or change its notes
#[utoipa::path(patch, path = "/api/ssh-keys/{id}", tag = "ssh-keys",
    params(("id" = Uuid, Path, description = "The key")), request_body = SshKeyInput,
    responses((status = 200, description = "Changed", body = SshKey)))]
pub(crate) async fn update(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
    Json(input): Json<Map<String, Value>>,
) -> ApiResult<Json<SshKey>> {
    let input: SshKeyInput = typed(input, READ_ONLY)?;
    shown(
        state
            .engine
            .keys()
            .update(
                &actor,
                id,
                input.name.as_deref(),
                input.notes.as_ref().map(Option::as_deref),
            )
            .await?,
    )
    .map(Json)
}

/// Delete an SSH key
///
/// The private half is wiped. A key that connections use is not deleted (4005).
#[utoipa::path(delete, path = "/api/ssh-keys/{id}", tag = "ssh-keys",
    params(("id" = Uuid, Path, description = "The key")), responses((status = 204, description = "Deleted")))]
pub(crate) async fn delete(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
) -> ApiResult<StatusCode> {
    state.engine.keys().delete(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(key: Key) -> ApiResult<SshKey> {
    Ok(SshKey {
        id: key.id,
        name: key.name,
        key_type: key.key_type,
        public_key: key.public_key,
        fingerprint: key.fingerprint,
        status: word(key.status)?,
        notes: key.notes,
        created_at: key.created_at,
        created_by: key.created_by,
        last_used_at: key.last_used_at,
        used_by: key.used_by,
    })
}
