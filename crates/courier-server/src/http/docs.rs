//! The OpenAPI document, and pages to read it with.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::Path,
    http::header,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use courier_api::{
    Changed, ErrorCode, ExecutionChange, ExecutionProgress, ExecutionSummary, ExportFormat, FieldError,
    Hello, Problem, Progress, StepProgress,
};
use utoipa::{
    OpenApi,
    openapi::{
        Ref, RefOr, Schema,
        schema::ArrayItems,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_swagger_ui::Config;

use super::{AppState, problem::ApiError};

const INTRODUCTION: &str = "\
Managed file transfer: connections, keys, jobs and their executions.

**Conventions.** Names and enum values are `snake_case`, times RFC 3339 in UTC, ids UUIDs. Lists come in pages: \
`?limit=&cursor=` → `{\"items\": […], \"next_cursor\": …}`; `limit` is 50 by default and 1000 at most. Unknown fields \
and unknown query parameters are errors. A field that only answers have is ignored in a request; a write-only field \
that is not given keeps its value, and `null` clears it.

**Errors** are `application/problem+json` (RFC 9457) with a `code` that never changes its meaning and, where fields \
are wrong, `errors` with one entry for each. An id that is no UUID is 400 (code 1000), one that nothing has is 404 \
(code 1030).

**Login.** `POST /api/auth/login` gives a token for `Authorization: Bearer`, and sets it as a cookie for browsers. \
API tokens are used in the same way. One with `scopes` is for some of the groups below only.";

#[derive(OpenApi)]
#[openapi(components(schemas(
    Problem,
    FieldError,
    Progress,
    StepProgress,
    ExportFormat,
    Hello,
    ExecutionChange,
    ExecutionProgress,
    ExecutionSummary,
    Changed
)))]
struct Base;

/// The document before any route is in it.
pub(crate) fn description() -> utoipa::openapi::OpenApi {
    let mut openapi = Base::openapi();
    openapi.info.title = "Courier".into();
    openapi.info.description = Some(INTRODUCTION.into());
    openapi.info.contact = None;
    let components = openapi.components.get_or_insert_default();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("The token of a session or an API token."))
        .build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    components.add_security_scheme(
        "cookie",
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
            super::cookie::NAME,
            "What a login sets; over TLS its name is __Host-courier_session. Requests from other sites don't count.",
        ))),
    );
    openapi
}

/// Pages of a list name what is on them, instead of describing it once more.
fn name_items(openapi: &mut utoipa::openapi::OpenApi) {
    let schemas = openapi
        .components
        .iter_mut()
        .flat_map(|components| &mut components.schemas);
    for (name, schema) in schemas {
        let (Some(item), RefOr::T(Schema::Object(page))) = (name.strip_prefix("Page_"), schema) else {
            continue;
        };
        if let Some(RefOr::T(Schema::Array(items))) = page.properties.get_mut("items") {
            items.items = ArrayItems::RefOrSchema(Box::new(Ref::from_schema_name(item).into()));
        }
    }
}

/// `/problems`, `/api/openapi.json` and `/api/docs`.
pub(super) fn router(mut openapi: utoipa::openapi::OpenApi) -> Router<AppState> {
    name_items(&mut openapi);
    let document = Bytes::from(openapi.to_json().unwrap_or_default());
    let config = Arc::new(Config::from("/api/openapi.json").use_base_layout());
    let document = move || async move { ([(header::CONTENT_TYPE, "application/json")], document) };
    let page = move |file: Option<Path<String>>| async move {
        let file = file.map_or_else(String::new, |Path(file)| file);
        self::page(&file, config)
    };
    Router::new()
        .route("/problems/{code}", get(problem))
        .route("/api/openapi.json", get(document))
        .route("/api/docs", get(|| async { Redirect::permanent("/api/docs/") }))
        .route("/api/docs/", get(page.clone()))
        .route("/api/docs/{*file}", get(page))
}

/// What the `type` of a problem document points to.
async fn problem(Path(code): Path<String>) -> Response {
    match code.parse().ok().and_then(ErrorCode::from_number) {
        Some(code) => format!("{code}. HTTP status {}.\n", code.status()).into_response(),
        None => super::nothing_here().into_response(),
    }
}

fn page(file: &str, config: Arc<Config<'static>>) -> Response {
    match utoipa_swagger_ui::serve(file, config) {
        Ok(Some(file)) => (
            [(header::CONTENT_TYPE, file.content_type)],
            file.bytes.into_owned(),
        )
            .into_response(),
        Ok(None) => super::nothing_here().into_response(),
        Err(error) => ApiError::internal(error).into_response(),
    }
}
