//! The history of pulled files.

mod csv;

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use courier_api::{
    AfterState, Execution, ExportFormat, HistoryExportQuery, HistoryQuery, Page, PulledFile, RefusedReplays,
    ReplayInput, Replays,
};
use courier_engine::{
    Error,
    pulls::{self as engine, Entry, HistoryFilter},
};
use futures::{StreamExt, TryStreamExt, stream};
use uuid::Uuid;

use super::{executions, page, page_request};
use crate::http::{ApiError, ApiResult, AppState, Caller, Json, Path, Query};

/// List the pulled files of a connection
///
/// Its history is kept for good, also when the connection is deleted.
#[utoipa::path(get, path = "/api/connections/{id}/history", tag = "folder-mappings",
    operation_id = "history",
    params(("id" = Uuid, Path, description = "The connection"), HistoryQuery),
    responses((status = 200, description = "Files, the last that was pulled first", body = Page<PulledFile>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    Query(query): Query<HistoryQuery>,
) -> ApiResult<Json<Page<PulledFile>>> {
    let asked = page_request(query.limit, query.cursor);
    let filter = HistoryFilter {
        path: query.path.map(String::into_bytes),
        prefix: query.prefix.map(String::into_bytes),
        mapping_id: query.mapping_id,
        execution_id: query.execution_id,
        since: query.since,
        until: query.until,
        sha256: query.sha256.as_deref().map(digest).transpose()?,
    };
    page(state.engine.pulls().list(id, &filter, &asked).await?, |entry| {
        Ok(shown(entry))
    })
}

/// Export the pulled files of a connection
///
/// The last that was pulled first, whole, whatever the length. An answer that was cut off ends without the end that HTTP
/// wants, which clients report as an error.
#[utoipa::path(get, path = "/api/connections/{id}/history/export", tag = "folder-mappings",
    operation_id = "export_history",
    params(("id" = Uuid, Path, description = "The connection"), HistoryExportQuery),
    responses((status = 200, description = "Files, the last that was pulled first", content(
        (String = "application/x-ndjson"), (String = "text/csv")))))]
pub(crate) async fn export(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    Query(query): Query<HistoryExportQuery>,
) -> ApiResult<impl IntoResponse> {
    let filter = HistoryFilter {
        path: query.path.map(String::into_bytes),
        prefix: query.prefix.map(String::into_bytes),
        mapping_id: query.mapping_id,
        execution_id: query.execution_id,
        since: query.since,
        until: query.until,
        sha256: query.sha256.as_deref().map(digest).transpose()?,
    };
    let (begin, line, content_type): (_, fn(&PulledFile) -> String, _) = match query.format {
        ExportFormat::Jsonl => ("", jsonl, "application/x-ndjson"),
        ExportFormat::Csv => (csv::HEADING, csv::line, "text/csv; charset=utf-8; header=present"),
    };
    let mut pages = Box::pin(state.engine.pulls().all(id, filter));
    // What is wrong with the question is said before anything else.
    let first = pages.try_next().await?.unwrap_or_default();
    let pages = stream::once(async move { Ok(first) }).chain(pages);
    let pages = pages.map(move |entries| {
        let lines = entries?.into_iter().map(|entry| line(&shown(entry)));
        Ok::<_, Error>(Bytes::from(lines.collect::<String>()))
    });
    let pages = pages.inspect_err(|error| tracing::error!(%error, "an export of pulled files was cut off"));
    let begin = stream::once(async move { Ok(Bytes::from_static(begin.as_bytes())) });
    let name = format!(
        "attachment; filename=\"courier-history-{}.{}\"",
        jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ"),
        query.format
    );
    let headers = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, Body::from_stream(begin.chain(pages))))
}

/// Get a pulled file of a connection
#[utoipa::path(get, path = "/api/connections/{id}/history/{entry_id}", tag = "folder-mappings",
    operation_id = "history_entry",
    params(("id" = Uuid, Path, description = "The connection"), ("entry_id" = Uuid, Path, description = "The entry")),
    responses((status = 200, description = "The file", body = PulledFile)))]
pub(crate) async fn get(
    State(state): State<AppState>,
    Path((id, entry)): Path<(Uuid, Uuid)>,
) -> ApiResult<Json<PulledFile>> {
    Ok(Json(shown(state.engine.pulls().get(id, entry).await?)))
}

/// Pull a file anew
///
/// As it lies on the server by then, to a key of its own; what was pulled before stays. It need not be ready as others must.
#[utoipa::path(post, path = "/api/connections/{id}/history/{entry_id}/replay", tag = "folder-mappings",
    params(("id" = Uuid, Path, description = "The connection"), ("entry_id" = Uuid, Path, description = "The entry")),
    responses((status = 202, description = "Queued, or running", body = Execution)))]
pub(crate) async fn replay(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path((id, entry)): Path<(Uuid, Uuid)>,
) -> ApiResult<impl IntoResponse> {
    let execution = state.engine.pulls().replay(&actor, id, entry).await?;
    let headers = [(header::LOCATION, format!("/api/executions/{}", execution.id))];
    Ok((StatusCode::ACCEPTED, headers, Json(executions::shown(execution))))
}

/// Pull files anew
///
/// All that the body names, each once, whatever number of its versions was pulled: 100,000 at most. What can't be pulled
/// anew, because its folder mapping is disabled or gone, is told of; where that is all, the answer is 409.
#[utoipa::path(post, path = "/api/connections/{id}/history/replay", tag = "folder-mappings",
    params(("id" = Uuid, Path, description = "The connection")), request_body = ReplayInput,
    responses((status = 202, description = "Queued, or running", body = Replays)))]
pub(crate) async fn replay_all(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
    Json(input): Json<ReplayInput>,
) -> ApiResult<impl IntoResponse> {
    let filter = HistoryFilter {
        path: input.path.map(String::into_bytes),
        prefix: input.prefix.map(String::into_bytes),
        mapping_id: input.mapping_id,
        execution_id: input.execution_id,
        since: input.since,
        until: input.until,
        sha256: input.sha256.as_deref().map(digest).transpose()?,
    };
    let replayed = state.engine.pulls().replay_all(&actor, id, filter).await?;
    let refused = replayed.refused.into_iter();
    let replays = Replays {
        count: replayed.count,
        executions: replayed.executions.into_iter().map(executions::shown).collect(),
        refused: refused
            .map(|(count, reason)| RefusedReplays { count, reason })
            .collect(),
    };
    Ok((StatusCode::ACCEPTED, Json(replays)))
}

fn shown(entry: Entry) -> PulledFile {
    PulledFile {
        id: entry.id,
        path: String::from_utf8_lossy(&entry.path).into_owned(),
        size: entry.size,
        modified: entry.modified.at,
        sha256: entry.sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
        destination: entry.destination,
        storage_id: entry.storage_id,
        key: entry.key,
        pulled_at: entry.pulled_at,
        execution_id: entry.execution_id,
        mapping_id: entry.mapping_id,
        after: match entry.after {
            engine::AfterState::None => AfterState::None,
            engine::AfterState::Pending => AfterState::Pending,
            engine::AfterState::Done => AfterState::Done,
            engine::AfterState::Refused => AfterState::Refused,
            engine::AfterState::Left => AfterState::Left,
        },
        after_detail: entry.after_detail,
        replay_of: entry.replay_of,
    }
}

fn jsonl(file: &PulledFile) -> String {
    // Texts and numbers can always be written as JSON.
    let mut line = serde_json::to_string(file).unwrap_or_default();
    line.push('\n');
    line
}

/// A SHA-256 as people write it.
fn digest(digits: &str) -> ApiResult<[u8; 32]> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|_| digits.len() == 64)?;
        // A sign would count as a digit.
        let is_hexadecimal = pair.bytes().all(|digit| digit.is_ascii_hexdigit());
        u8::from_str_radix(pair, 16).ok().filter(|_| is_hexadecimal)
    });
    let bytes: Option<Vec<u8>> = pairs.collect();
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| ApiError::field("sha256", "it must be 64 hexadecimal digits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_have_64_digits() {
        let digits = "0123456789abcdefABCDEF".repeat(3);
        let whole = digits.get(..64).map(digest);
        assert!(matches!(whole, Some(Ok([0x01, 0x23, .., 0xcd]))), "{whole:?}");
        for wrong in [
            "",
            "0",
            &digits[..63],
            &digits[..66],
            &"+1".repeat(32),
            &"zz".repeat(32),
            &"ä".repeat(32),
        ] {
            assert!(digest(wrong).is_err(), "{wrong}");
        }
    }
}
