//! Connections.

use axum::{Extension, extract::State, http::StatusCode, response::IntoResponse};
use courier_api::{
    ApproveHostKey, Connection, ConnectionInput, ConnectionQuery, FileEntry, FilesQuery, KnownHost, Page,
    TestCheck, TestResult, TlsCertificate, WeakAlgorithm,
};
use courier_engine::{
    connections::ConnectionFilter,
    test_connection::{Check, TestReport},
};
use courier_transfer::{Entry, EntryKind};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{created, page, page_request, whole, word};
use crate::http::{ApiError, ApiResult, AppState, Caller, Json, Path, Query, code_of_failure};

/// What clients send; which fields there are depends on the protocol, and the engine knows.
type Input = Json<Map<String, Value>>;

/// List connections
#[utoipa::path(get, path = "/api/connections", tag = "connections", params(ConnectionQuery),
    responses((status = 200, description = "Connections, by name", body = Page<Connection>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Query(query): Query<ConnectionQuery>,
) -> ApiResult<Json<Page<Connection>>> {
    let filter = ConnectionFilter {
        search: query.search,
        group: query.group,
        protocol: query.protocol,
        status: query.status.map(word).transpose()?,
        health: query.health.map(word).transpose()?,
    };
    let connections = state
        .engine
        .connections()
        .list(filter, page_request(query.limit, query.cursor))
        .await?;
    page(connections, shown)
}

/// Make a connection
#[utoipa::path(post, path = "/api/connections", tag = "connections", request_body = ConnectionInput,
    responses((status = 201, description = "Made", body = Connection)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Json(input): Input,
) -> ApiResult<impl IntoResponse> {
    let connection = state.engine.connections().create(&actor, input).await?;
    Ok(created(
        format!("/api/connections/{}", connection.id),
        shown(connection)?,
    ))
}

/// Get a connection
#[utoipa::path(get, path = "/api/connections/{id}", tag = "connections",
    params(("id" = Uuid, Path, description = "The connection")),
    responses((status = 200, description = "The connection", body = Connection)))]
pub(crate) async fn get(State(state): State<AppState>, Path(id): Path<Uuid>) -> ApiResult<Json<Connection>> {
    shown(state.engine.connections().get(id).await?).map(Json)
}

/// Replace a connection
///
/// What is not given goes back to its default, except secrets: those stay, and `null` clears them. A change of host,
/// port or protocol clears secrets and pins unless the request brings new ones.
#[utoipa::path(put, path = "/api/connections/{id}", tag = "connections",
    params(("id" = Uuid, Path, description = "The connection")), request_body = ConnectionInput,
    responses((status = 200, description = "Replaced", body = Connection)))]
pub(crate) async fn replace(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
    Json(input): Input,
) -> ApiResult<Json<Connection>> {
    shown(state.engine.connections().replace(&actor, id, input).await?).map(Json)
}

/// Change a connection
///
/// What is not given stays, except as said of `PUT` when host, port or protocol change.
#[utoipa::path(patch, path = "/api/connections/{id}", tag = "connections",
    params(("id" = Uuid, Path, description = "The connection")), request_body = ConnectionInput,
    responses((status = 200, description = "Changed", body = Connection)))]
pub(crate) async fn patch(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
    Json(input): Input,
) -> ApiResult<Json<Connection>> {
    shown(state.engine.connections().patch(&actor, id, input).await?).map(Json)
}

/// Delete a connection
///
/// One that jobs use is not deleted (3010).
#[utoipa::path(delete, path = "/api/connections/{id}", tag = "connections",
    params(("id" = Uuid, Path, description = "The connection")),
    responses((status = 204, description = "Deleted")))]
pub(crate) async fn delete(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
) -> ApiResult<StatusCode> {
    state.engine.connections().delete(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Test a connection before it is saved
#[utoipa::path(post, path = "/api/connections/test", tag = "connections", request_body = ConnectionInput,
    responses((status = 200, description = "What the test found out; `success` says how it went", body = TestResult)))]
pub(crate) async fn test_unsaved(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Json(input): Input,
) -> ApiResult<Json<TestResult>> {
    Ok(Json(tested(
        state.engine.connections().test_unsaved(&actor, input).await?,
    )))
}

/// Test a connection
///
/// Connects, authenticates, lists the base folder, measures a round trip, and disconnects. Of a function app it asks for the
/// host's status with the key, for a token, and for an answer of the workspace, and calls no function.
#[utoipa::path(post, path = "/api/connections/{id}/test", tag = "connections",
    params(("id" = Uuid, Path, description = "The connection")),
    responses((status = 200, description = "What the test found out; `success` says how it went", body = TestResult)))]
pub(crate) async fn test(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<TestResult>> {
    Ok(Json(tested(state.engine.connections().test(&actor, id).await?)))
}

/// List the host keys that a connection knows
///
/// Those that it trusts, and those that its server has presented.
#[utoipa::path(get, path = "/api/connections/{id}/known-hosts", tag = "connections",
    params(("id" = Uuid, Path, description = "The connection")),
    responses((status = 200, description = "Host keys", body = Page<KnownHost>)))]
pub(crate) async fn known_hosts(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<Page<KnownHost>>> {
    whole(state.engine.connections().known_hosts(id).await?, |host| {
        Ok(known_host(host))
    })
}

/// Approve a host key
///
/// Only one that the server has presented. It replaces the pins of its key type, or with `add` stands beside them.
/// Needs the role admin, unless the setting `security.host_key_approval_require_admin` is false.
#[utoipa::path(post, path = "/api/connections/{id}/host-key/approve", tag = "connections",
    params(("id" = Uuid, Path, description = "The connection")), request_body = ApproveHostKey,
    responses((status = 200, description = "Approved", body = KnownHost)))]
pub(crate) async fn approve_host_key(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
    Json(input): Json<ApproveHostKey>,
) -> ApiResult<Json<KnownHost>> {
    let connections = state.engine.connections();
    let host = connections
        .approve_host_key(&actor, id, &input.fingerprint, input.add)
        .await?;
    Ok(Json(known_host(host)))
}

/// List a folder of a connection
#[utoipa::path(get, path = "/api/connections/{id}/files", tag = "connections",
    params(("id" = Uuid, Path, description = "The connection"), FilesQuery),
    responses((status = 200, description = "What the folder holds, by name", body = Page<FileEntry>)))]
pub(crate) async fn files(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
    Query(query): Query<FilesQuery>,
) -> ApiResult<Json<Page<FileEntry>>> {
    let entries = state
        .engine
        .connections()
        .browse(&actor, id, query.path.as_deref())
        .await?;
    whole(entries, |entry| Ok(file(&entry)))
}

/// The engine shows every field under its name in the API.
fn shown(connection: courier_engine::connections::Connection) -> ApiResult<Connection> {
    serde_json::to_value(connection)
        .and_then(serde_json::from_value)
        .map_err(ApiError::internal)
}

fn known_host(host: courier_engine::connections::KnownHost) -> KnownHost {
    KnownHost {
        connection_id: host.connection_id,
        fingerprint: host.fingerprint,
        key_type: host.key_type,
        first_seen: host.first_seen,
        last_seen: host.last_seen,
        approved: host.pinned,
        approved_by: host.approved_by,
    }
}

fn file(entry: &Entry) -> FileEntry {
    FileEntry {
        name: entry.name().map(|name| name.to_string()).unwrap_or_default(),
        path: entry.path.to_string(),
        size: entry.size,
        is_directory: entry.is_dir(),
        is_link: entry.kind == EntryKind::Link,
        last_modified: entry.modified,
    }
}

fn check(check: Check) -> TestCheck {
    TestCheck {
        name: check.name.into(),
        success: check.success,
        message: check.message,
    }
}

fn tested(report: TestReport) -> TestResult {
    TestResult {
        success: report.success,
        latency_ms: report.latency_ms,
        server_banner: report.server_banner,
        host_key_fingerprint: report.host_key_fingerprint,
        supported_algorithms: report.supported_algorithms,
        tls_certificate: report.tls_certificate.map(|certificate| TlsCertificate {
            policy_errors: certificate.policy_errors().unwrap_or_else(|| "None".into()),
            thumbprint_sha256: certificate.thumbprint.to_string(),
            subject: certificate.subject,
            issuer: certificate.issuer,
            not_after: certificate.not_after,
        }),
        error_code: report.error.as_ref().map(code_of_failure),
        error_message: report.error.map(|error| error.message),
        negotiated: report.negotiated,
        warnings: report.warnings,
        algorithms: report.algorithms.map(|lists| courier_api::Algorithms {
            key_exchange: lists.key_exchange,
            host_key: lists.host_key,
            encryption: lists.encryption,
            mac: lists.mac,
            compression: lists.compression,
        }),
        weak_algorithms: report
            .weak_algorithms
            .into_iter()
            .map(|(name, why)| WeakAlgorithm {
                name,
                why: why.into(),
            })
            .collect(),
        capabilities: report.capabilities.map(|can| courier_api::Capabilities {
            resume_download: can.resume_download,
            resume_upload: can.resume_upload,
            atomic_replace: can.atomic_replace,
            set_times: can.set_times,
            checksum: can.checksum,
            permissions: can.permissions,
            concurrency: can.concurrency,
        }),
        checks: report.checks.into_iter().map(check).collect(),
    }
}
