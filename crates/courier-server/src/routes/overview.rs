//! What the first page shows.

use axum::extract::State;
use courier_api::Overview;

use super::executions;
use crate::http::{ApiResult, AppState, Json};

/// What is going on
#[utoipa::path(get, path = "/api/overview", tag = "overview",
    responses((status = 200, description = "What the first page shows", body = Overview)))]
pub(crate) async fn get(State(state): State<AppState>) -> ApiResult<Json<Overview>> {
    let overview = state.engine.overview().await?;
    Ok(Json(Overview {
        node: overview.node,
        version: env!("CARGO_PKG_VERSION").into(),
        connections: overview.connections,
        executions: overview.executions,
        running: overview.running.into_iter().map(executions::shown).collect(),
        recent_failures: overview
            .recent_failures
            .into_iter()
            .map(executions::shown)
            .collect(),
        bytes_24h: overview.bytes_24h,
        files_24h: overview.files_24h,
        bytes_7d: overview.bytes_7d,
        files_7d: overview.files_7d,
    }))
}
