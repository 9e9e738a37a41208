//! The HTTP edge: who may call what, what goes in, what comes out, what is logged and counted.

mod access;
mod brake;
mod carry_out;
mod changes;
mod client;
pub(crate) mod console;
mod cookie;
mod docs;
mod extract;
mod headers;
mod health;
mod metrics;
mod observe;
mod problem;

use std::{any::Any, sync::Arc, time::Duration};

use axum::{Extension, Router, extract::DefaultBodyLimit, middleware, response::IntoResponse, routing::get};
use courier_api::ErrorCode;
use courier_engine::Engine;
use courier_store::Store;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{first_start::InitialPassword, listen::Listener};

pub(crate) use access::{Access, Api, Caller, Credential};
pub(crate) use brake::LoginBrake;
pub(crate) use client::Client;
pub(crate) use cookie::{clear as clear_cookie, set as set_cookie};
pub(crate) use docs::description;
pub(crate) use extract::{Json, OptionalJson, Path, Query, typed};
pub(crate) use metrics::Metrics;
pub(crate) use problem::{ApiError, ApiResult, code_of, code_of_failure};

/// The longest body that is read, bytes, where a route says nothing else.
const MAX_BODY: usize = 1024 * 1024;

/// What a route reads at most, bytes; it stands in the request's extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimit(usize);

/// The layer by which a route reads at most so many bytes. Of several, the innermost counts.
pub(crate) fn body_limit(bytes: usize) -> (DefaultBodyLimit, Extension<BodyLimit>) {
    (DefaultBodyLimit::max(bytes), Extension(BodyLimit(bytes)))
}

/// How long a body may take to arrive, from its first byte to its last.
const BODY_TIME: Duration = Duration::from_secs(30);

/// What every route can reach.
#[derive(Clone, Debug)]
pub(crate) struct AppState {
    pub(crate) engine: Engine,
    pub(crate) store: Store,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) listener: Arc<Listener>,
    pub(crate) logins: Arc<LoginBrake>,
    pub(crate) initial_password: InitialPassword,
    /// Ends streams that would otherwise keep the server from stopping.
    pub(crate) stopping: CancellationToken,
    /// Requests that change something, also those that nobody waits for any more.
    pub(crate) requests: TaskTracker,
}

/// Everything that the server answers to.
pub(crate) fn app(state: AppState) -> Router {
    let (api, openapi) = crate::routes::api(state.clone()).into_parts();
    api.merge(docs::router(openapi))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::metrics))
        .fallback(console::fallback)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(body_limit(MAX_BODY))
        .layer(middleware::from_fn_with_state(state.clone(), changes::tell))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(headers::secure))
        .layer(middleware::from_fn_with_state(state.clone(), observe::observe))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            carry_out::carry_out,
        ))
        .layer(middleware::from_fn_with_state(state.clone(), client::identify))
        .with_state(state)
}

fn nothing_here() -> ApiError {
    ApiError::new(
        ErrorCode::NotFound,
        "there is nothing at this address; /api/docs lists what there is",
    )
}

async fn method_not_allowed() -> ApiError {
    ApiError::new(
        ErrorCode::MethodNotAllowed,
        "this address does not take this method; see the header allow",
    )
}

fn panicked(cause: Box<dyn Any + Send + 'static>) -> axum::response::Response {
    let cause = cause
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| cause.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "of unknown type".into());
    ApiError::internal(format_args!("panic: {cause}")).into_response()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_answered_without_its_text() {
        for cause in [
            Box::new("hunter2") as Box<dyn Any + Send>,
            Box::new(String::from("hunter2")),
        ] {
            let response = panicked(cause);
            assert_eq!(response.status(), 500);
            let body = axum::body::to_bytes(response.into_body(), MAX_BODY)
                .await
                .unwrap();
            let problem: courier_api::Problem = serde_json::from_slice(&body).unwrap();
            assert_eq!(problem.code, ErrorCode::Internal);
            assert!(!problem.detail.contains("hunter2"));
        }
    }
}
