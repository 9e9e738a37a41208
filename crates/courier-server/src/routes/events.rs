//! What happens in an execution, as server-sent events.

use std::{
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
use courier_api::Progress;
use courier_engine::{Error, ExecutionEvent, ExecutionEvents};
use futures::{Stream, StreamExt, stream};
use serde::Serialize;
use uuid::Uuid;

use super::executions;
use crate::http::{ApiResult, AppState, Credential, Path};

/// Within a file, progress is sent no more often than this. Its end is always sent.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// Without events a comment is sent this often, so that nobody in between closes the stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Watch an execution
///
/// Server-sent events. `state` has the whole execution as its data: first as it is now, then whenever it or one of its
/// steps changes state. `progress` has a `Progress`. The stream ends after a final state, and when the session or token that asked for
/// it ends.
#[utoipa::path(get, path = "/api/executions/{id}/events", tag = "executions",
    params(("id" = Uuid, Path, description = "The execution")),
    responses((status = 200, description = "The events", body = String, content_type = "text/event-stream")))]
pub(crate) async fn watch(
    State(state): State<AppState>,
    Extension(credential): Extension<Credential>,
    Path(id): Path<Uuid>,
) -> ApiResult<impl IntoResponse> {
    let events = state.engine.executions().subscribe(id).await?;
    let stopping = state.stopping.clone();
    let ended = ended(state.clone(), credential.clone());
    let stream = follow(state, credential, id, events)
        .take_until(stopping.cancelled_owned())
        .take_until(ended);
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
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
    let watching = (state, credential, events, None);
    stream::unfold(Some(watching), move |watching| async move {
        let (state, credential, mut events, mut told) = watching?;
        let (event, is_over) = match next(&mut events, &mut told).await? {
            ExecutionEvent::State { .. } if !is_valid(&state, &credential).await => return None,
            ExecutionEvent::State { .. } => match state.engine.executions().get(id).await {
                Ok(execution) => {
                    let execution = executions::shown(execution);
                    (event("state", &execution), execution.state.is_final())
                }
                Err(error) => {
                    tracing::warn!(%error, execution = %id, "an execution can't be watched any more");
                    return None;
                }
            },
            ExecutionEvent::Progress {
                step,
                current_file,
                bytes_transferred,
                total_bytes,
                transfer_rate_bytes_per_sec,
            } => {
                let progress = Progress {
                    step,
                    current_file,
                    bytes_transferred,
                    total_bytes,
                    transfer_rate_bytes_per_sec,
                };
                (event("progress", &progress), false)
            }
        };
        Some((Ok(event), (!is_over).then_some((state, credential, events, told))))
    })
}

/// The next event that is worth telling; `told` is when progress was last told.
async fn next(events: &mut ExecutionEvents, told: &mut Option<Instant>) -> Option<ExecutionEvent> {
    loop {
        let event = events.next().await?;
        if let ExecutionEvent::Progress {
            bytes_transferred,
            total_bytes,
            ..
        } = &event
        {
            let is_end = *total_bytes == Some(*bytes_transferred);
            if !is_end && told.is_some_and(|told| told.elapsed() < PROGRESS_EVERY) {
                continue;
            }
            *told = Some(Instant::now());
        }
        return Some(event);
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
