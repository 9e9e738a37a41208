//! What happens in an execution, or anywhere, as server-sent events.

pub(super) mod all;

use std::{
    collections::HashMap,
    convert::Infallible,
    time::{Duration, Instant},
};

use axum::{
    Extension,
    extract::State,
    response::{
        IntoResponse,
        sse::{Event, KeepAlive, Sse},
    },
};
use courier_api::{Progress, StepProgress};
use courier_engine::{Error, ExecutionEvent, ExecutionEvents};
use futures::{Stream, StreamExt, stream};
use serde::Serialize;
use uuid::Uuid;

use super::executions;
use crate::http::{ApiResult, AppState, Credential, Path};

/// Within a file, progress is sent no more often than this. Its end is always sent.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// Files of which is remembered when they were last told of.
const FILES: usize = 1000;

/// Without events a comment is sent this often, so that nobody in between closes the stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Watch an execution
///
/// Server-sent events, on whatever node the execution runs. `state` has the execution as its data, without its `context`:
/// first as it is now, then whenever it or one of its steps changes state. `progress` has a `Progress`, for each file that
/// moves, twice a second at least. `summary` has a `StepProgress`, twice a second while its numbers change. The stream ends
/// after a final state, and when the session or token that asked for it ends; who reads it again begins with the state.
#[utoipa::path(get, path = "/api/executions/{id}/events", tag = "executions",
    params(("id" = Uuid, Path, description = "The execution")),
    responses((status = 200, description = "The events", body = String, content_type = "text/event-stream")))]
pub(crate) async fn watch(
    State(state): State<AppState>,
    Extension(credential): Extension<Credential>,
    Path(id): Path<Uuid>,
) -> ApiResult<impl IntoResponse> {
    let events = state.engine.executions().subscribe(id).await?;
    let stream = follow(state.clone(), credential.clone(), id, events);
    Ok(answer(state, credential, stream))
}

/// The events, until the server stops or the credential ends.
fn answer(
    state: AppState,
    credential: Credential,
    events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static,
) -> impl IntoResponse {
    let stopping = state.stopping.clone();
    let events = events
        .take_until(stopping.cancelled_owned())
        .take_until(ended(state, credential));
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// Waits until the credential is no longer valid.
async fn ended(state: AppState, credential: Credential) {
    loop {
        tokio::time::sleep(KEEP_ALIVE).await;
        if !is_valid(&state, &credential).await {
            return;
        }
    }
}

/// Does the credential still hold? A database that doesn't answer takes it from nobody.
async fn is_valid(state: &AppState, credential: &Credential) -> bool {
    !matches!(
        state.engine.auth().authenticate(&credential.0).await,
        Err(Error::Unauthenticated(_))
    )
}

fn follow(
    state: AppState,
    credential: Credential,
    id: Uuid,
    events: ExecutionEvents,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    let watching = (state, credential, events, HashMap::new());
    stream::unfold(Some(watching), move |watching| async move {
        let (state, credential, mut events, mut told) = watching?;
        let (event, is_over) = match next(&mut events, &mut told).await? {
            ExecutionEvent::State { .. } if !is_valid(&state, &credential).await => return None,
            ExecutionEvent::State { .. } => match state.engine.executions().get(id).await {
                Ok(execution) => {
                    let execution = executions::listed(execution);
                    (event("state", &execution), execution.state.is_final())
                }
                Err(error) => {
                    tracing::warn!(%error, execution = %id, "an execution can't be watched any more");
                    return None;
                }
            },
            ExecutionEvent::Progress(file) => (event("progress", &progress(file)), false),
            ExecutionEvent::Summary(step) => (event("summary", &summary(step)), false),
        };
        Some((Ok(event), (!is_over).then_some((state, credential, events, told))))
    })
}

/// The next event that is worth telling; `told` is when each file was last told of.
async fn next(events: &mut ExecutionEvents, told: &mut HashMap<String, Instant>) -> Option<ExecutionEvent> {
    loop {
        let event = events.next().await?;
        let ExecutionEvent::Progress(file) = &event else {
            return Some(event);
        };
        if file.total_bytes == Some(file.bytes_transferred) {
            told.remove(&file.current_file);
            return Some(event);
        }
        let now = Instant::now();
        if told
            .get(&file.current_file)
            .is_some_and(|told| now.duration_since(*told) < PROGRESS_EVERY)
        {
            continue;
        }
        // Files that failed have no end.
        if told.len() >= FILES {
            told.clear();
        }
        told.insert(file.current_file.clone(), now);
        return Some(event);
    }
}

fn progress(file: courier_engine::Progress) -> Progress {
    Progress {
        step: file.step,
        current_file: file.current_file,
        bytes_transferred: file.bytes_transferred,
        total_bytes: file.total_bytes,
        transfer_rate_bytes_per_sec: file.transfer_rate_bytes_per_sec,
        eta_sec: file.eta_sec,
    }
}

fn summary(step: courier_engine::Summary) -> StepProgress {
    StepProgress {
        step: step.step,
        bytes_transferred: step.bytes_transferred,
        files_transferred: step.files_transferred,
        transfer_rate_bytes_per_sec: step.transfer_rate_bytes_per_sec,
    }
}

fn event(name: &str, data: &impl Serialize) -> Event {
    match Event::default().event(name).json_data(data) {
        Ok(event) => event,
        Err(error) => {
            tracing::error!(%error, "an event could not be written");
            Event::default().comment("lost")
        }
    }
}
