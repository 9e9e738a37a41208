//! What happens anywhere, as server-sent events.

use std::convert::Infallible;

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, sse},
};
use courier_api::{Changed, ExecutionChange, ExecutionProgress, ExecutionSummary, Hello};
use courier_engine::{Event, Events};
use futures::{Stream, StreamExt, stream};
use serde_json::json;

use super::{super::word, answer, event, is_valid, progress, summary};
use crate::http::{AppState, Credential, console};

/// What may end a session or a token: it is looked at once more whenever one of these changes.
const ENDS: [&str; 3] = ["auth", "tokens", "users"];

/// Watch everything
///
/// Server-sent events, of all nodes. First `hello` with a `Hello`. `execution` has an `ExecutionChange`, whenever an execution or
/// one of its steps changes its state; of one that changes more often than twice a second, the newest. `progress` has an
/// `ExecutionProgress`, for each file that moves once a second at most, and at its end, though of files that are through at once not
/// for all where there are many; `summary` an `ExecutionSummary`, once a second
/// while its numbers change. `changed` has a `Changed`: what somebody or something may have changed, to be read again, once a second
/// at most for each. `gap` says that some of all this may have been missed: everything is to be read again. The stream ends when the
/// session or token that asked for it ends.
#[utoipa::path(get, path = "/api/events", tag = "overview", operation_id = "events",
    responses((status = 200, description = "The events", body = String, content_type = "text/event-stream")))]
pub(crate) async fn watch(
    State(state): State<AppState>,
    Extension(credential): Extension<Credential>,
) -> impl IntoResponse {
    let events = state.engine.watch();
    let stream = follow(state.clone(), credential.clone(), events);
    answer(state, credential, stream)
}

fn follow(
    state: AppState,
    credential: Credential,
    events: Events,
) -> impl Stream<Item = Result<sse::Event, Infallible>> + Send {
    let hello = Hello {
        node: state.engine.config().node.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        console: console::version().into(),
    };
    let watching = (state, credential, events);
    let events = stream::unfold(watching, async |(state, credential, mut events)| {
        let happened = events.next().await?;
        if let Event::Changed { what, .. } = &happened
            && ENDS.contains(&what.as_str())
            && !is_valid(&state, &credential).await
        {
            return None;
        }
        Some((Ok(told(happened)?), (state, credential, events)))
    });
    stream::iter([Ok(event("hello", &hello))]).chain(events)
}

/// As it is sent; none for a word that the API doesn't have.
fn told(happened: Event) -> Option<sse::Event> {
    Some(match happened {
        Event::Execution(change) => {
            let change = ExecutionChange {
                id: change.id,
                job_id: change.job_id,
                mapping_id: change.mapping_id,
                job_name: change.job_name,
                state: word(change.state).ok()?,
                step: change.step,
            };
            event("execution", &change)
        }
        Event::Progress(file) => {
            let progress = ExecutionProgress {
                execution_id: file.execution,
                progress: progress(file),
            };
            event("progress", &progress)
        }
        Event::Summary(step) => {
            let summary = ExecutionSummary {
                execution_id: step.execution,
                summary: summary(step),
            };
            event("summary", &summary)
        }
        Event::Changed { what, id } => event("changed", &Changed { what, id }),
        Event::Gap => event("gap", &json!({})),
    })
}
