//! The audit log.

use axum::extract::State;
use courier_api::{AuditEntry, AuditQuery, Page};
use courier_engine::audit::{AuditFilter, AuditRecord};
use uuid::Uuid;

use super::{page, page_request};
use crate::http::{ApiResult, AppState, Json, Path, Query};

/// List audit entries
#[utoipa::path(get, path = "/api/audit", tag = "audit", params(AuditQuery),
    responses((status = 200, description = "Entries, the newest first", body = Page<AuditEntry>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Query(query): Query<AuditQuery>,
) -> ApiResult<Json<Page<AuditEntry>>> {
    let filter = AuditFilter {
        operation: query.operation,
        connection_id: query.connection_id,
        job_execution_id: None,
        since: query.since,
        until: query.until,
        performed_by: query.performed_by,
    };
    let records = state
        .engine
        .audit()
        .list(filter, page_request(query.limit, query.cursor))
        .await?;
    page(records, |record| Ok(shown(record)))
}

/// List audit entries of a connection
#[utoipa::path(get, path = "/api/connections/{id}/audit", tag = "audit",
    params(("id" = Uuid, Path, description = "The connection"), AuditQuery),
    responses((status = 200, description = "Entries, the newest first", body = Page<AuditEntry>)))]
pub(crate) async fn of_connection(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    Query(query): Query<AuditQuery>,
) -> ApiResult<Json<Page<AuditEntry>>> {
    // A connection that was never there is 404, not an empty list.
    state.engine.connections().get(id).await?;
    list(
        State(state),
        Query(AuditQuery {
            connection_id: Some(id),
            ..query
        }),
    )
    .await
}

fn shown(record: AuditRecord) -> AuditEntry {
    AuditEntry {
        id: record.id,
        connection_id: record.connection_id,
        operation: record.operation,
        job_execution_id: record.job_execution_id,
        performed_by: record.performed_by,
        performed_at: record.performed_at,
        bytes_transferred: record.bytes_transferred,
        duration_ms: record.duration_ms,
        details: record.details,
    }
}
