//! What moved and what ended, hour by hour.

use axum::extract::State;
use courier_api::{ActivityHour, ActivityQuery, Page};
use courier_engine::activity::Hour;
use jiff::Timestamp;

use super::whole;
use crate::http::{ApiResult, AppState, Json, Query};

/// Hours when nobody says: a week.
const DEFAULT_HOURS: u64 = 168;

/// Get the activity of the last hours
///
/// An item for each hour, the oldest first and the one that runs last, also where nothing happened. What was forgotten by now
/// (`executions.retention_days`, `audit.retention_days`) is missing.
#[utoipa::path(get, path = "/api/activity", tag = "overview", operation_id = "activity", params(ActivityQuery),
    responses((status = 200, description = "The hours", body = Page<ActivityHour>)))]
pub(crate) async fn get(
    State(state): State<AppState>,
    Query(query): Query<ActivityQuery>,
) -> ApiResult<Json<Page<ActivityHour>>> {
    let hours = query.hours.unwrap_or(DEFAULT_HOURS);
    let hours = state
        .engine
        .activity(u32::try_from(hours).unwrap_or(u32::MAX))
        .await?;
    whole(hours, |(at, hour)| Ok(shown(at, hour)))
}

fn shown(at: Timestamp, hour: Hour) -> ActivityHour {
    let moved = [hour.uploads, hour.downloads, hour.pulled];
    ActivityHour {
        at,
        files: moved.iter().map(|volume| volume.files).sum(),
        bytes: moved.iter().map(|volume| volume.bytes).sum(),
        uploads: hour.uploads.files,
        downloads: hour.downloads.files,
        pulled: hour.pulled.files,
        completed: hour.completed,
        failed: hour.failed,
    }
}
