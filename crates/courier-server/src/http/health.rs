//! Is the server alive, and can it work?

use std::time::Duration;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::AppState;

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The process answers.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// The database answers, too.
pub(crate) async fn readyz(State(state): State<AppState>) -> Response {
    match tokio::time::timeout(PATIENCE, state.store.ping()).await {
        Ok(Ok(())) => "ready\n".into_response(),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready: the database fails");
            (StatusCode::SERVICE_UNAVAILABLE, "not ready: the database fails\n").into_response()
        }
        Err(_) => {
            tracing::warn!("not ready: the database does not answer");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "not ready: the database does not answer\n",
            )
                .into_response()
        }
    }
}
