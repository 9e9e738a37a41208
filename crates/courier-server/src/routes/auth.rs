//! Logging in and out.

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{AppendHeaders, IntoResponse},
};
use courier_api::{LoginRequest, LoginResponse, Me};
use secrecy::{ExposeSecret, SecretString};

use super::users;
use crate::http::{ApiResult, AppState, Caller, Credential, Json, clear_cookie, set_cookie};

/// Log in
///
/// Gives a token and sets it as a cookie. After several failed logins it answers 429 for a while.
#[utoipa::path(post, path = "/api/auth/login", tag = "auth", request_body = LoginRequest,
    responses((status = 200, description = "The session has begun", body = LoginResponse)))]
pub(crate) async fn login(
    State(state): State<AppState>,
    headers: HeaderMap,
    Json(request): Json<LoginRequest>,
) -> ApiResult<impl IntoResponse> {
    let password = SecretString::from(request.password.expose());
    let login = state.engine.auth().login(&request.username, password).await?;
    let token = login.token.expose_secret();
    let cookie = set_cookie(token, login.expires_at, &headers);
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

/// Log out
///
/// Ends the session that the request came in by, and clears the cookie. An API token is not a session: it stays.
#[utoipa::path(post, path = "/api/auth/logout", tag = "auth",
    responses((status = 204, description = "The session has ended")))]
pub(crate) async fn logout(
    State(state): State<AppState>,
    Extension(Credential(token)): Extension<Credential>,
    headers: HeaderMap,
) -> ApiResult<impl IntoResponse> {
    state.engine.auth().logout(&token).await?;
    let cookie = clear_cookie(&headers);
    Ok((
        StatusCode::NO_CONTENT,
        AppendHeaders(cookie.map(|cookie| (header::SET_COOKIE, cookie))),
    ))
}

/// Who am I?
#[utoipa::path(get, path = "/api/auth/me", tag = "auth",
    responses((status = 200, description = "The caller", body = Me)))]
pub(crate) async fn me(Extension(actor): Caller) -> Json<Me> {
    Json(Me {
        id: actor.id,
        username: actor.name,
        role: users::role(actor.role),
    })
}
