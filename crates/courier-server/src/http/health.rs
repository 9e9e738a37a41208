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
    match database(&state).await {
        Ok(()) => "ready\n".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")).into_response(),
    }
}

/// Does the database answer, and soon? Who asks waits for seconds only.
pub(super) async fn database(state: &AppState) -> Result<(), &'static str> {
    match tokio::time::timeout(PATIENCE, state.store.ping()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database fails");
            Err("the database fails")
        }
        Err(_) => {
            tracing::warn!("the database does not answer");
            Err("the database does not answer")
        }
    }
}
