//! The SSH keys of a connection.

use axum::{Extension, extract::State, response::IntoResponse};
use courier_api::{AddConnectionKey, ConnectionKey, Page, RevokeKey};
use courier_engine::connections::AddKey;
use uuid::Uuid;

use super::{created, whole, word};
use crate::http::{ApiError, ApiResult, AppState, Caller, Json, OptionalJson, Path};

/// List the keys of a connection
#[utoipa::path(get, path = "/api/connections/{id}/keys", tag = "connections",
    params(("id" = Uuid, Path, description = "The connection")),
    responses((status = 200, description = "Keys, the newest first", body = Page<ConnectionKey>)))]
pub(crate) async fn keys(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<Page<ConnectionKey>>> {
    whole(state.engine.connections().keys(id).await?, shown)
}

/// Give a connection another key
///
/// A new one (`generate`), or one of the SSH key store (`ssh_key_id`). The others stay active.
#[utoipa::path(post, path = "/api/connections/{id}/keys", tag = "connections",
    params(("id" = Uuid, Path, description = "The connection")), request_body = AddConnectionKey,
    responses((status = 201, description = "Given", body = ConnectionKey)))]
pub(crate) async fn add_key(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
    Json(input): Json<AddConnectionKey>,
) -> ApiResult<impl IntoResponse> {
    let key = match (input.generate, input.ssh_key_id) {
        (Some(key_type), None) => AddKey::Generate(key_type.to_string()),
        (None, Some(key)) => AddKey::Existing(key),
        _ => return Err(ApiError::field("generate", "give either generate or ssh_key_id")),
    };
    let key = state.engine.connections().add_key(&actor, id, key).await?;
    Ok(created(format!("/api/connections/{id}/keys"), shown(key)?))
}

/// Take a key from a connection
///
/// The last key that works is only taken with `force`: the only active one, or the only one that the server has accepted
/// on this connection. In FIPS mode keys of other types don't count.
#[utoipa::path(post, path = "/api/connections/{id}/keys/{key_id}/revoke", tag = "connections",
    params(("id" = Uuid, Path, description = "The connection"), ("key_id" = Uuid, Path, description = "The key")),
    request_body = Option<RevokeKey>, responses((status = 200, description = "Taken", body = ConnectionKey)))]
pub(crate) async fn revoke_key(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path((id, key)): Path<(Uuid, Uuid)>,
    OptionalJson(input): OptionalJson<RevokeKey>,
) -> ApiResult<Json<ConnectionKey>> {
    shown(
        state
            .engine
            .connections()
            .revoke_key(&actor, id, key, input.force)
            .await?,
    )
    .map(Json)
}

fn shown(used: courier_engine::connections::ConnectionKey) -> ApiResult<ConnectionKey> {
    Ok(ConnectionKey {
        id: used.key.id,
        name: used.key.name,
        key_type: used.key.key_type,
        fingerprint: used.key.fingerprint,
        public_key: used.key.public_key,
        key_status: word(used.key.status)?,
        status: word(used.status)?,
        added_at: used.added_at,
        added_by: used.added_by,
        last_used_at: used.last_used_at,
        revoked_at: used.revoked_at,
    })
}
