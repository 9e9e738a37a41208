//! What the first page shows.

use axum::{Extension, extract::State};
use courier_api::{
    AttentionAction, AttentionItem, AttentionKind, ExpiringItem, ExpiringKind, Moved, Overview,
    PullsOverview, UpcomingPull, UpcomingRun,
};
use courier_engine::{
    attention,
    expiring::{self, Expiring},
};
use jiff::Timestamp;

use super::{executions, word};
use crate::http::{ApiResult, AppState, Caller, Json, code_of};

/// What is going on
#[utoipa::path(get, path = "/api/overview", tag = "overview",
    responses((status = 200, description = "What the first page shows", body = Overview)))]
pub(crate) async fn get(
    State(state): State<AppState>,
    Extension(actor): Caller,
) -> ApiResult<Json<Overview>> {
    let overview = state.engine.overview().await?;
    let attention = state.engine.attention().await?;
    let expiring = state.engine.expiring(&actor).await?;
    let warnings = state.listener.warnings(Timestamp::now());
    Ok(Json(Overview {
        node: overview.node.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        attention: overview.attention,
        needs_attention_total: attention.total + u64::try_from(warnings.len()).unwrap_or_default(),
        needs_attention: needs_attention(&overview.node, &warnings, attention.items)?,
        expiring: expires(&state, &overview.node, expiring)?,
        warnings,
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

/// What is unsafe about the server itself comes first: it is about everybody's passwords.
fn needs_attention(
    node: &str,
    warnings: &[String],
    items: Vec<attention::Item>,
) -> ApiResult<Vec<AttentionItem>> {
    let server = warnings.iter().map(|warning| {
        Ok(AttentionItem {
            kind: AttentionKind::Server,
            id: None,
            connection_id: None,
            name: node.to_owned(),
            code: None,
            reason: warning.clone(),
            since: None,
            action: AttentionAction::Open,
        })
    });
    let others = items.into_iter().map(|item| {
        Ok(AttentionItem {
            kind: word(item.kind)?,
            id: Some(item.id),
            connection_id: item.connection_id,
            name: item.name,
            code: item.code.as_deref().map(code_of),
            reason: item.reason,
            since: item.since,
            action: word(item.action)?,
        })
    });
    let at_most = usize::try_from(attention::AT_MOST).unwrap_or(usize::MAX);
    server.chain(others).take(at_most).collect()
}

fn expires(state: &AppState, node: &str, expiring: Vec<Expiring>) -> ApiResult<Vec<ExpiringItem>> {
    let mut items = expiring
        .into_iter()
        .map(|one| {
            Ok(ExpiringItem {
                kind: word(one.kind)?,
                id: Some(one.id),
                connection_id: one.connection_id,
                name: one.name,
                at: one.at,
                reason: one.reason,
            })
        })
        .collect::<ApiResult<Vec<_>>>()?;
    let own = state
        .listener
        .certificate
        .as_ref()
        .map(|certificate| certificate.not_after());
    items.extend(
        own.filter(|at| *at <= Timestamp::now() + expiring::SOON)
            .map(|at| ExpiringItem {
                kind: ExpiringKind::ListenerCertificate,
                id: None,
                connection_id: None,
                name: node.to_owned(),
                at,
                reason:
                    "The certificate of this server, by which clients know it: put a new one in its place."
                        .into(),
            }),
    );
    items.sort_by_key(|item| item.at);
    items.truncate(usize::try_from(expiring::AT_MOST).unwrap_or(usize::MAX));
    Ok(items)
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
