//! What functions wrote.

use axum::{Extension, extract::State};
use courier_api::{PageQuery, Trace, Traces};
use courier_engine::executions as engine;
use uuid::Uuid;

use super::page_request;
use crate::http::{ApiResult, AppState, Caller, Json, Path, Query};

/// Show what a step's function wrote
///
/// Of a step `azure_function.execute`, asked for in the workspace of its connection, oldest first. Lines arrive there with a
/// delay of minutes: as long as nothing is known of the run, the answer is 1050.
#[utoipa::path(get, path = "/api/executions/{id}/steps/{index}/traces", tag = "executions",
    operation_id = "traces",
    params(("id" = Uuid, Path, description = "The execution"), ("index" = u32, Path, description = "The step, from 1"), PageQuery),
    responses((status = 200, description = "Lines, the oldest first", body = Traces)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path((id, index)): Path<(Uuid, u32)>,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Traces>> {
    let page = page_request(query.limit, query.cursor);
    let traces = state.engine.executions().traces(&actor, id, index, page).await?;
    Ok(Json(Traces {
        items: traces.page.items.into_iter().map(shown).collect(),
        next_cursor: traces.page.next_cursor,
        partial: traces.partial,
    }))
}

fn shown(trace: engine::Trace) -> Trace {
    Trace {
        timestamp: trace.timestamp,
        message: trace.message,
        severity_level: trace.severity_level,
    }
}
