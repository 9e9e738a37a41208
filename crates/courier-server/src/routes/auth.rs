//! Logging in and out.

use std::time::Instant;

use axum::{
    Extension,
    extract::State,
    http::{StatusCode, header},
    response::{AppendHeaders, IntoResponse},
};
use courier_api::{FirstStart, LoginRequest, LoginResponse, Me, PasswordChange};
use courier_engine::Error;
use secrecy::{ExposeSecret, SecretString};

use super::users;
use crate::http::{ApiResult, AppState, Caller, Client, Credential, Json, clear_cookie, set_cookie};

/// Log in
///
/// Gives a token and sets it as a cookie. After several failed logins under one name, or from
/// one address, it answers 429 for a while.
#[utoipa::path(post, path = "/api/auth/login", tag = "auth", request_body = LoginRequest,
    responses((status = 200, description = "The session has begun", body = LoginResponse)))]
pub(crate) async fn login(
    State(state): State<AppState>,
    client: Client,
    Json(request): Json<LoginRequest>,
) -> ApiResult<impl IntoResponse> {
    let password = SecretString::from(request.password.expose());
    state.logins.begin(client.address, Instant::now())?;
    let auth = state.engine.auth();
    let login = auth
        .login(&request.username, password, Some(client.address))
        .await;
    if !matches!(login, Err(Error::Unauthenticated(_))) {
        state.logins.forgive(client.address);
    }
    let login = login?;
    let token = login.token.expose_secret();
    let cookie = set_cookie(token, login.expires_at, client);
    let body = LoginResponse {
        token: token.into(),
        expires_at: login.expires_at,
        user: users::shown(login.user),
    };
    Ok((
        AppendHeaders(cookie.map(|cookie| (header::SET_COOKIE, cookie))),
        Json(body),
    ))
}

/// Is this the first start?
///
/// Whose password the first start made up and wrote to a file, as long as that file is there and nobody has logged in.
#[utoipa::path(get, path = "/api/auth/first-start", tag = "auth",
    responses((status = 200, description = "How to log in for the first time", body = FirstStart)))]
pub(crate) async fn first_start(State(state): State<AppState>) -> ApiResult<Json<FirstStart>> {
    let owner = state.initial_password.owner(&state.engine).await?;
    let waits = owner.filter(|owner| owner.last_login_at.is_none());
    Ok(Json(FirstStart {
        first_start: waits.is_some(),
        username: waits.map(|owner| owner.username),
    }))
}

/// Log out
///
/// Ends the session that the request came in by, and clears the cookie. An API token is not a session: it stays.
#[utoipa::path(post, path = "/api/auth/logout", tag = "auth",
    responses((status = 204, description = "The session has ended")))]
pub(crate) async fn logout(
    State(state): State<AppState>,
    Extension(Credential(token)): Extension<Credential>,
    client: Client,
) -> ApiResult<impl IntoResponse> {
    state.engine.auth().logout(&token).await?;
    let cookie = clear_cookie(client);
    Ok((
        StatusCode::NO_CONTENT,
        AppendHeaders(cookie.map(|cookie| (header::SET_COOKIE, cookie))),
    ))
}

/// Change one's own password
///
/// The caller's other sessions end. Wrong current passwords count as failed logins do (429).
#[utoipa::path(post, path = "/api/auth/password", tag = "auth", request_body = PasswordChange,
    responses((status = 204, description = "Changed")))]
pub(crate) async fn change_password(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Extension(Credential(token)): Extension<Credential>,
    Json(change): Json<PasswordChange>,
) -> ApiResult<StatusCode> {
    let current = SecretString::from(change.current_password.expose());
    let new = SecretString::from(change.new_password.expose());
    let auth = state.engine.auth();
    auth.change_password(&actor, &token, current, new).await?;
    if let Some(user) = actor.id {
        state.initial_password.replaced(&state.engine, user).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Who am I?
///
/// A token may always ask this, whatever its scopes.
#[utoipa::path(get, path = "/api/auth/me", tag = "auth",
    responses((status = 200, description = "The caller", body = Me)))]
pub(crate) async fn me(State(state): State<AppState>, Extension(actor): Caller) -> ApiResult<Json<Me>> {
    let owner = state.initial_password.owner(&state.engine).await?;
    Ok(Json(Me {
        initial_password: owner.is_some_and(|owner| Some(owner.id) == actor.id),
        id: actor.id,
        username: actor.name,
        role: users::role(actor.role),
        scopes: actor.token.and_then(|token| token.scopes).map(|scopes| {
            let words = scopes.iter().map(ToString::to_string);
            words.collect()
        }),
    }))
}
