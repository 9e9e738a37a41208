//! What changes something is done to its end, whoever hangs up.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{AppState, problem::ApiError};

/// Answers a request with an unsafe method from a task of its own. A client that hangs up takes its connection's task
/// with it, wherever that is just waiting: a change would stay without its audit record, or be half made.
pub(crate) async fn carry_out(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    match state.requests.spawn(next.run(request)).await {
        Ok(response) => response,
        Err(error) => ApiError::internal(error).into_response(),
    }
}
