//! What happens anywhere, as server-sent events.

use std::convert::Infallible;

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, sse::Event},
};
use courier_api::Hello;
use futures::{Stream, StreamExt, stream};

use super::{answer, event};
use crate::http::{ApiResult, AppState, Credential, console};

/// Watch everything
///
/// Server-sent events, of all nodes. First `hello` with a `Hello`. `execution` has an `ExecutionChange`, whenever an execution or
/// one of its steps changes its state; of one that changes more often than twice a second, the newest. `progress` has an
/// `ExecutionProgress`, for each file that moves once a second at most, and its end; `summary` an `ExecutionSummary`, once a second
/// while its numbers change. `changed` has a `Changed`: what somebody or something may have changed, to be read again, once a second
/// at most for each. `gap` says that some of all this may have been missed: everything is to be read again. The stream ends when the
/// session or token that asked for it ends.
#[utoipa::path(get, path = "/api/events", tag = "overview", operation_id = "events",
    responses((status = 200, description = "The events", body = String, content_type = "text/event-stream")))]
pub(crate) async fn watch(
    State(state): State<AppState>,
    Extension(credential): Extension<Credential>,
) -> ApiResult<impl IntoResponse> {
    let stream = follow(&state);
    Ok(answer(state, credential, stream))
}

fn follow(state: &AppState) -> impl Stream<Item = Result<Event, Infallible>> + Send + use<> {
    let hello = Hello {
        node: state.engine.config().node.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        console: console::version().into(),
    };
    stream::iter([Ok(event("hello", &hello))]).chain(stream::pending())
}
