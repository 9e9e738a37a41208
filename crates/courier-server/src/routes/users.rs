//! Users.

use axum::{Extension, extract::State, http::StatusCode, response::IntoResponse};
use courier_api::{Page, PageQuery, Role, User, UserInput, UserPatch};
use courier_engine::users::UserChange;
use secrecy::SecretString;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{created, page, page_request};
use crate::http::{ApiResult, AppState, Caller, Json, Path, Query, typed};

/// What clients may send back without meaning it.
const READ_ONLY: &[&str] = &["id", "created_at", "updated_at", "last_login_at"];

/// List users
#[utoipa::path(get, path = "/api/users", tag = "users", params(PageQuery),
    responses((status = 200, description = "Users, oldest first", body = Page<User>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Page<User>>> {
    let users = state
        .engine
        .users()
        .list(page_request(query.limit, query.cursor))
        .await?;
    page(users, |user| Ok(shown(user)))
}

/// Make a user
#[utoipa::path(post, path = "/api/users", tag = "users", request_body = UserInput,
    responses((status = 201, description = "Made", body = User)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Json(input): Json<UserInput>,
) -> ApiResult<impl IntoResponse> {
    let password = SecretString::from(input.password.expose());
    let user = state
        .engine
        .users()
        .create(&actor, &input.username, password, engine_role(input.role))
        .await?;
    Ok(created(format!("/api/users/{}", user.id), shown(user)))
}

/// Get a user
#[utoipa::path(get, path = "/api/users/{id}", tag = "users", params(("id" = Uuid, Path, description = "The user")),
    responses((status = 200, description = "The user", body = User)))]
pub(crate) async fn get(State(state): State<AppState>, Path(id): Path<Uuid>) -> ApiResult<Json<User>> {
    Ok(Json(shown(state.engine.users().get(id).await?)))
}

/// Change a user
#[utoipa::path(patch, path = "/api/users/{id}", tag = "users", params(("id" = Uuid, Path, description = "The user")),
    request_body = UserPatch, responses((status = 200, description = "Changed", body = User)))]
pub(crate) async fn update(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
    Json(input): Json<Map<String, Value>>,
) -> ApiResult<Json<User>> {
    let patch: UserPatch = typed(input, READ_ONLY)?;
    let change = UserChange {
        password: patch
            .password
            .as_ref()
            .map(|password| SecretString::from(password.expose())),
        role: patch.role.map(engine_role),
        disabled: patch.disabled,
    };
    let has_another_password = change.password.is_some();
    let user = state.engine.users().update(&actor, id, change).await?;
    if has_another_password {
        state.initial_password.replaced(&state.engine, id).await?;
    }
    Ok(Json(shown(user)))
}

/// Delete a user
///
/// Ends the user's sessions and tokens.
#[utoipa::path(delete, path = "/api/users/{id}", tag = "users", params(("id" = Uuid, Path, description = "The user")),
    responses((status = 204, description = "Deleted")))]
pub(crate) async fn delete(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
) -> ApiResult<StatusCode> {
    state.engine.users().delete(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn shown(user: courier_engine::users::User) -> User {
    User {
        id: user.id,
        username: user.username,
        role: role(user.role),
        disabled: user.disabled,
        last_login_at: user.last_login_at,
        created_at: user.created_at,
        updated_at: user.updated_at,
    }
}

pub(super) fn role(role: courier_engine::Role) -> Role {
    match role {
        courier_engine::Role::Viewer => Role::Viewer,
        courier_engine::Role::Operator => Role::Operator,
        courier_engine::Role::Admin => Role::Admin,
    }
}

pub(super) fn engine_role(role: Role) -> courier_engine::Role {
    match role {
        Role::Viewer => courier_engine::Role::Viewer,
        Role::Operator => courier_engine::Role::Operator,
        Role::Admin => courier_engine::Role::Admin,
    }
}
