//! API tokens.

use axum::{Extension, extract::State, http::StatusCode, response::IntoResponse};
use courier_api::{FieldError, NewToken, Page, PageQuery, SCOPES, Token, TokenInput};
use courier_engine::{Scope, tokens::TokenRequest};
use secrecy::ExposeSecret;
use uuid::Uuid;

use super::{created, page, page_request, users};
use crate::http::{ApiError, ApiResult, AppState, Caller, Json, Path, Query};

/// List API tokens
///
/// An admin sees all of them, others their own.
#[utoipa::path(get, path = "/api/tokens", tag = "tokens", params(PageQuery),
    responses((status = 200, description = "Tokens, without their text", body = Page<Token>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Page<Token>>> {
    let tokens = state
        .engine
        .tokens()
        .list(&actor, page_request(query.limit, query.cursor))
        .await?;
    page(tokens, |token| Ok(shown(token)))
}

/// Make an API token
///
/// The answer shows its text, this once. Who comes by a token makes none that may do more or lasts longer.
#[utoipa::path(post, path = "/api/tokens", tag = "tokens", request_body = TokenInput,
    responses((status = 201, description = "Made", body = NewToken)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Json(input): Json<TokenInput>,
) -> ApiResult<impl IntoResponse> {
    let request = TokenRequest {
        role: input.role.map(users::engine_role),
        scopes: input.scopes.map(scopes).transpose()?,
        expires_at: input.expires_at,
    };
    let (text, token) = state.engine.tokens().create(&actor, &input.name, request).await?;
    let location = format!("/api/tokens/{}", token.id);
    Ok(created(
        location,
        NewToken {
            token: text.expose_secret().into(),
            info: shown(token),
        },
    ))
}

/// Delete an API token
///
/// It ends at once.
#[utoipa::path(delete, path = "/api/tokens/{id}", tag = "tokens",
    params(("id" = Uuid, Path, description = "The token")), responses((status = 204, description = "Ended")))]
pub(crate) async fn revoke(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
) -> ApiResult<StatusCode> {
    state.engine.tokens().revoke(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Scopes that there are; of others every one is named.
fn scopes(words: Vec<String>) -> ApiResult<Vec<Scope>> {
    let mut scopes = Vec::with_capacity(words.len());
    let mut unknown = Vec::new();
    for (place, word) in words.iter().enumerate() {
        match word.parse::<Scope>() {
            Ok(scope) if SCOPES.contains(&scope.group()) => scopes.push(scope),
            _ => unknown.push(FieldError::new(
                format!("scopes[{place}]"),
                format!(
                    "{word:?} is none of {}, or one of them with :read behind it",
                    SCOPES.join(", ")
                ),
            )),
        }
    }
    match unknown.is_empty() {
        true => Ok(scopes),
        false => Err(ApiError::fields(unknown)),
    }
}

fn shown(token: courier_engine::tokens::Token) -> Token {
    Token {
        id: token.id,
        name: token.name,
        role: users::role(token.role),
        scopes: token.scopes,
        user_id: token.user_id,
        created_at: token.created_at,
        expires_at: token.expires_at,
        last_used_at: token.last_used_at,
    }
}
