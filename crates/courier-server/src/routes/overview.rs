//! What the first page shows.

use axum::extract::State;
use courier_api::{Moved, Overview, PullsOverview, UpcomingPull, UpcomingRun};
use jiff::Timestamp;

use super::executions;
use crate::http::{ApiResult, AppState, Json};

/// What is going on
#[utoipa::path(get, path = "/api/overview", tag = "overview",
    responses((status = 200, description = "What the first page shows", body = Overview)))]
pub(crate) async fn get(State(state): State<AppState>) -> ApiResult<Json<Overview>> {
    let overview = state.engine.overview().await?;
    Ok(Json(Overview {
        node: overview.node,
        version: env!("CARGO_PKG_VERSION").into(),
        warnings: state.listener.warnings(Timestamp::now()),
        attention: overview.attention,
        needs_attention: Vec::new(),
        needs_attention_total: 0,
        expiring: Vec::new(),
        connections: overview.counts.connections,
        executions: overview.counts.executions,
        running: overview.running.into_iter().map(executions::listed).collect(),
        recent_failures: overview
            .recent_failures
            .into_iter()
            .map(executions::listed)
            .collect(),
        next_runs: overview.next_runs.into_iter().map(upcoming).collect(),
        moved_24h: moved(overview.counts.moved_24h),
        moved_7d: moved(overview.moved_7d),
        pulls: PullsOverview {
            mappings: overview.counts.mappings,
            pulled_24h: moved(overview.counts.pulled_24h),
            pulled_7d: moved(overview.pulled_7d),
            next: overview.next_pulls.into_iter().map(upcoming_pull).collect(),
        },
    }))
}

fn upcoming(next: courier_engine::schedules::Upcoming) -> UpcomingRun {
    UpcomingRun {
        job_id: next.job_id,
        job_name: next.job_name,
        at: next.run.at,
        local: next.run.local,
        timezone: next.run.timezone,
    }
}

fn upcoming_pull(next: courier_engine::overview::UpcomingPull) -> UpcomingPull {
    UpcomingPull {
        mapping_id: next.mapping_id,
        mapping_name: next.mapping_name,
        connection_id: next.connection_id,
        connection_name: next.connection_name,
        at: next.at,
    }
}

fn moved(moved: courier_engine::overview::Moved) -> Moved {
    Moved {
        files: moved.files,
        bytes: moved.bytes,
    }
}
