//! The audit log.

mod csv;

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::header,
    response::IntoResponse,
};
use courier_api::{AuditEntry, AuditExportQuery, AuditFinding, AuditQuery, AuditReport, ExportFormat, Page};
use courier_engine::{
    PageRequest,
    audit::{AuditFilter, AuditRecord, Finding},
};
use futures::{StreamExt, TryStreamExt, stream};
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
        job_execution_id: query.job_execution_id,
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
    // A connection that was never there is 404, not an empty list; one that was deleted has its records still.
    if let Err(missing) = state.engine.connections().get(id).await {
        let any = AuditFilter {
            connection_id: Some(id),
            ..AuditFilter::default()
        };
        let records = state.engine.audit().list(any, PageRequest::first(1)).await?;
        if records.items.is_empty() {
            return Err(missing.into());
        }
    }
    list(
        State(state),
        Query(AuditQuery {
            connection_id: Some(id),
            ..query
        }),
    )
    .await
}

/// Export the audit log
///
/// Oldest first, whole, whatever its length. An answer that was cut off ends without the end that HTTP wants, which clients
/// report as an error.
#[utoipa::path(get, path = "/api/audit/export", tag = "audit", params(AuditExportQuery),
    responses((status = 200, description = "Entries, the oldest first", content(
        (String = "application/x-ndjson"), (String = "text/csv")))))]
pub(crate) async fn export(
    State(state): State<AppState>,
    Query(query): Query<AuditExportQuery>,
) -> ApiResult<impl IntoResponse> {
    let filter = AuditFilter {
        operation: query.operation,
        connection_id: query.connection_id,
        job_execution_id: query.job_execution_id,
        since: query.since,
        until: query.until,
        performed_by: query.performed_by,
    };
    let (begin, line, content_type): (_, fn(&AuditEntry) -> String, _) = match query.format {
        ExportFormat::Jsonl => ("", jsonl, "application/x-ndjson"),
        ExportFormat::Csv => (csv::HEADING, csv::line, "text/csv; charset=utf-8; header=present"),
    };
    let pages = state.engine.audit().all(filter).map_ok(move |records| {
        let lines: String = records.into_iter().map(|record| line(&shown(record))).collect();
        Bytes::from(lines)
    });
    let pages = pages.inspect_err(|error| tracing::error!(%error, "an export of the audit log was cut off"));
    let begin = stream::once(async move { Ok(Bytes::from_static(begin.as_bytes())) });
    let name = format!(
        "attachment; filename=\"courier-audit-{}.{}\"",
        jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ"),
        query.format
    );
    let headers = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, Body::from_stream(begin.chain(pages))))
}

/// Verify the audit log
///
/// Reads all of it: is every entry as it was written, and none missing? That takes about ten seconds for a million entries.
#[utoipa::path(get, path = "/api/audit/verify", tag = "audit",
    responses((status = 200, description = "What was found, also where something is wrong", body = AuditReport)))]
pub(crate) async fn verify(State(state): State<AppState>) -> ApiResult<Json<AuditReport>> {
    let report = state.engine.audit().verify().await?;
    Ok(Json(AuditReport {
        ok: report.is_whole(),
        records: report.records,
        chains: report.chains,
        findings: report.findings.into_iter().map(finding).collect(),
    }))
}

fn finding(finding: Finding) -> AuditFinding {
    AuditFinding {
        message: finding.to_string(),
        what: finding.what.to_string(),
        chain: finding.chain,
        seq: finding.seq,
        record: finding.record,
        performed_at: finding.performed_at,
        operation: finding.operation,
    }
}

fn jsonl(entry: &AuditEntry) -> String {
    // What was read from JSON can be written as JSON.
    let mut line = serde_json::to_string(entry).unwrap_or_default();
    line.push('\n');
    line
}

fn shown(record: AuditRecord) -> AuditEntry {
    let (chain, seq, mac) = match record.link {
        Some(link) => (Some(link.chain), Some(link.seq), Some(link.mac)),
        None => (None, None, None),
    };
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
        chain,
        seq,
        mac,
    }
}
