//! What happens in an execution, as server-sent events.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse,
        sse::{Event, KeepAlive, Sse},
    },
};
use courier_api::Progress;
use courier_engine::{ExecutionEvent, ExecutionEvents};
use futures::{Stream, StreamExt, stream};
use serde::Serialize;
use uuid::Uuid;

use super::executions;
use crate::http::{ApiResult, AppState, Path};

/// Without events a comment is sent this often, so that nobody in between closes the stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Watch an execution
///
/// Server-sent events. `state` has the whole execution as its data: first as it is now, then whenever it or one of its
/// steps changes state. `progress` has a `Progress`. The stream ends after a final state.
#[utoipa::path(get, path = "/api/executions/{id}/events", tag = "executions",
    params(("id" = Uuid, Path, description = "The execution")),
    responses((status = 200, description = "The events", body = String, content_type = "text/event-stream")))]
pub(crate) async fn watch(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
) -> ApiResult<impl IntoResponse> {
    let events = state.engine.executions().subscribe(id).await?;
    let stopping = state.stopping.clone();
    let stream = follow(state, id, events).take_until(stopping.cancelled_owned());
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

fn follow(
    state: AppState,
    id: Uuid,
    events: ExecutionEvents,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    stream::unfold(Some((state, events)), move |watching| async move {
        let (state, mut events) = watching?;
        let (event, is_over) = match events.next().await? {
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
        Some((Ok(event), (!is_over).then_some((state, events))))
    })
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
