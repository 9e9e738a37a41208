//! The part of Google Cloud Storage's JSON interface that Courier uses: metadata, reading, listings, uploads (in one piece, in two
//! parts with metadata, and resumable), preconditions on generation 0, and tokens for service accounts. Refusals have the
//! shape of Google's.

use std::{
    collections::{BTreeMap, HashMap},
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    Json, Router,
    body::Body,
    extract::{DefaultBodyLimit, Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

const TOKEN: &str = "ya29.token";

/// The server. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Google {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Bucket {
    objects: Mutex<BTreeMap<String, Object>>,
    sessions: Mutex<HashMap<String, Session>>,
}

#[derive(Clone, Debug, Default)]
struct Object {
    metadata: Value,
    bytes: Bytes,
}

#[derive(Debug)]
struct Session {
    name: String,
    metadata: Value,
    only_new: bool,
    bytes: Vec<u8>,
}

type Shared = State<Arc<Bucket>>;
type Parameters = Query<HashMap<String, String>>;

impl Google {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stored = Router::new()
            .route(
                "/upload/storage/v1/b/{bucket}/o",
                post(upload).put(chunk).delete(cancel),
            )
            .route("/storage/v1/b/{bucket}/o", get(list))
            .route("/storage/v1/b/{bucket}/o/{*name}", get(look).delete(remove))
            .layer(DefaultBodyLimit::disable())
            .layer(middleware::from_fn(authenticated))
            .with_state(Arc::default());
        let app = Router::new().route("/token", post(token)).merge(stored);
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, serving }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn token_uri(&self) -> String {
        format!("http://{}/token", self.address)
    }
}

impl Drop for Google {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn token(body: String) -> Response {
    let form: HashMap<String, String> = url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let grant = form
        .get("grant_type")
        .is_some_and(|grant| grant == "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let three = form
        .get("assertion")
        .is_some_and(|assertion| assertion.split('.').count() == 3);
    if !grant || !three {
        let refusal = json!({"error": "invalid_grant", "error_description": "Invalid JWT Signature."});
        return (StatusCode::BAD_REQUEST, Json(refusal)).into_response();
    }
    Json(json!({"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"})).into_response()
}

async fn authenticated(request: Request, next: Next) -> Response {
    let expected = format!("Bearer {TOKEN}");
    if request
        .headers()
        .get(header::AUTHORIZATION)
        .is_none_or(|value| value != expected.as_str())
    {
        return refused(StatusCode::UNAUTHORIZED, "authError", "Invalid Credentials");
    }
    next.run(request).await
}

async fn upload(
    State(bucket): Shared,
    Query(query): Parameters,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let name = query.get("name").cloned().unwrap_or_default();
    let only_new = query
        .get("ifGenerationMatch")
        .is_some_and(|generation| generation == "0");
    match query.get("uploadType").map(String::as_str) {
        Some("media") => bucket.store(name, Value::Null, body, only_new),
        Some("multipart") => {
            let (metadata, bytes) = related(&headers, &body);
            bucket.store(name, metadata, bytes, only_new)
        }
        Some("resumable") => {
            if only_new && bucket.objects.lock().contains_key(&name) {
                return taken();
            }
            let id = uuid::Uuid::new_v4().to_string();
            let session = Session {
                name,
                metadata: serde_json::from_slice(&body).unwrap_or_default(),
                only_new,
                bytes: Vec::new(),
            };
            bucket.sessions.lock().insert(id.clone(), session);
            let host = headers.get(header::HOST).unwrap().to_str().unwrap();
            let location =
                format!("http://{host}/upload/storage/v1/b/pulled/o?uploadType=resumable&upload_id={id}");
            (StatusCode::OK, [(header::LOCATION, location)]).into_response()
        }
        _ => refused(StatusCode::BAD_REQUEST, "invalid", "uploadType"),
    }
}

async fn chunk(State(bucket): Shared, Query(query): Parameters, headers: HeaderMap, body: Bytes) -> Response {
    let id = query.get("upload_id").cloned().unwrap_or_default();
    let mut sessions = bucket.sessions.lock();
    let Some(session) = sessions.get_mut(&id) else {
        return refused(StatusCode::NOT_FOUND, "notFound", "No such upload");
    };
    let range = headers.get(header::CONTENT_RANGE).unwrap().to_str().unwrap();
    let (span, total) = range.strip_prefix("bytes ").unwrap().split_once('/').unwrap();
    if let Some((from, _)) = span.split_once('-') {
        let from: usize = from.parse().unwrap();
        assert!(from <= session.bytes.len(), "a hole in the upload");
        session.bytes.truncate(from);
        session.bytes.extend_from_slice(&body);
    }
    if total == "*" {
        assert_eq!(body.len() % (256 << 10), 0, "chunks are multiples of 256 KiB");
        let range = format!("bytes=0-{}", session.bytes.len() - 1);
        return (StatusCode::PERMANENT_REDIRECT, [(header::RANGE, range)]).into_response();
    }
    let session = sessions.remove(&id).unwrap();
    assert_eq!(session.bytes.len().to_string(), total);
    bucket.store(
        session.name,
        session.metadata,
        session.bytes.into(),
        session.only_new,
    )
}

async fn cancel(State(bucket): Shared, Query(query): Parameters) -> Response {
    bucket
        .sessions
        .lock()
        .remove(query.get("upload_id").map_or("", String::as_str));
    StatusCode::from_u16(499).unwrap().into_response()
}

async fn list(State(bucket): Shared, Query(query): Parameters) -> Json<Value> {
    let prefix = query.get("prefix").cloned().unwrap_or_default();
    let objects = bucket.objects.lock();
    let found = objects.iter().filter(|(name, _)| name.starts_with(&prefix));
    Json(json!({"items": found.map(|(name, object)| object.describe(name)).collect::<Vec<_>>()}))
}

async fn look(
    State(bucket): Shared,
    Path((_, name)): Path<(String, String)>,
    Query(query): Parameters,
) -> Response {
    match bucket.objects.lock().get(&name) {
        Some(object) if query.get("alt").is_some_and(|alt| alt == "media") => {
            Body::from(object.bytes.clone()).into_response()
        }
        Some(object) => Json(object.describe(&name)).into_response(),
        None => refused(
            StatusCode::NOT_FOUND,
            "notFound",
            &format!("No such object: pulled/{name}"),
        ),
    }
}

async fn remove(State(bucket): Shared, Path((_, name)): Path<(String, String)>) -> Response {
    match bucket.objects.lock().remove(&name) {
        Some(_) => StatusCode::NO_CONTENT.into_response(),
        None => refused(StatusCode::NOT_FOUND, "notFound", "No such object"),
    }
}

impl Bucket {
    fn store(&self, name: String, metadata: Value, bytes: Bytes, only_new: bool) -> Response {
        let mut objects = self.objects.lock();
        if only_new && objects.contains_key(&name) {
            return taken();
        }
        let object = Object { metadata, bytes };
        let description = object.describe(&name);
        objects.insert(name, object);
        Json(description).into_response()
    }
}

impl Object {
    fn describe(&self, name: &str) -> Value {
        json!({
            "kind": "storage#object", "name": name, "bucket": "pulled", "generation": "1", "etag": "CAE=", "md5Hash": "",
            "size": self.bytes.len().to_string(), "updated": "2026-11-22T10:15:00.000Z", "contentType": "",
            "metadata": self.metadata.get("metadata").cloned().unwrap_or_else(|| json!({})),
        })
    }
}

/// The two parts of `multipart/related`: metadata, and bytes.
fn related(headers: &HeaderMap, body: &Bytes) -> (Value, Bytes) {
    let kind = headers.get(header::CONTENT_TYPE).unwrap().to_str().unwrap();
    let boundary = format!("--{}", kind.split_once("boundary=").unwrap().1.trim_matches('"'));
    let find = |what: &[u8], from: usize| {
        from + body[from..]
            .windows(what.len())
            .position(|window| window == what)
            .unwrap()
    };
    let blank = b"\r\n\r\n";
    let first = find(blank, 0) + blank.len();
    let next = find(boundary.as_bytes(), first);
    let second = find(blank, next) + blank.len();
    let last = body.len()
        - body
            .iter()
            .rev()
            .collect::<Vec<_>>()
            .windows(boundary.len())
            .position(|window| window.iter().rev().copied().eq(boundary.as_bytes()))
            .unwrap()
        - boundary.len();
    let metadata = serde_json::from_slice(&body[first..next]).unwrap();
    (metadata, body.slice(second..last - 2))
}

fn taken() -> Response {
    let why = "At least one of the pre-conditions you specified did not hold.";
    refused(StatusCode::PRECONDITION_FAILED, "conditionNotMet", why)
}

fn refused(status: StatusCode, reason: &str, message: &str) -> Response {
    let errors = json!([{"message": message, "domain": "global", "reason": reason}]);
    let error = json!({"error": {"code": status.as_u16(), "message": message, "errors": errors}});
    (status, Json(error)).into_response()
}
