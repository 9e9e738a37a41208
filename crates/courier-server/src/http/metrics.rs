//! Numbers for Prometheus.

use std::{fmt, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusRecorder};

use super::{ApiResult, AppState};

const REQUESTS: &str = "courier_http_requests_total";
const DURATION: &str = "courier_http_request_duration_seconds";
const CONNECTIONS: &str = "courier_connections";
const EXECUTIONS: &str = "courier_executions";
const BYTES_24H: &str = "courier_transferred_bytes_24h";
const FILES_24H: &str = "courier_transferred_files_24h";

/// Bounds of the buckets for [`DURATION`], seconds.
const BUCKETS: &[f64] = &[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// The numbers of one server. Not global, so that two servers in one process don't mix theirs.
pub(crate) struct Metrics {
    recorder: Arc<PrometheusRecorder>,
}

impl Metrics {
    pub(crate) fn new(node: &str) -> Result<Self, BuildError> {
        let recorder = PrometheusBuilder::new()
            .add_global_label("node", node)
            .set_buckets_for_metric(Matcher::Full(DURATION.into()), BUCKETS)?
            .build_recorder();
        metrics::with_local_recorder(&recorder, || {
            describe_counter!(REQUESTS, "Requests answered, by method, route and status");
            describe_histogram!(DURATION, "Time until a request was answered, by method and route");
            describe_gauge!(CONNECTIONS, "Connections, by health");
            describe_gauge!(
                EXECUTIONS,
                "Executions, by state; those that are over, of the last 24 hours"
            );
            describe_gauge!(BYTES_24H, "Bytes moved in the last 24 hours");
            describe_gauge!(FILES_24H, "Files moved in the last 24 hours");
        });
        Ok(Self {
            recorder: Arc::new(recorder),
        })
    }

    /// Counts a request that was answered.
    pub(crate) fn request(&self, method: &Method, route: &str, status: StatusCode, elapsed: Duration) {
        // Methods can be made up by clients; only those that there are make a series.
        let method = match *method {
            Method::GET => "GET",
            Method::HEAD => "HEAD",
            Method::POST => "POST",
            Method::PUT => "PUT",
            Method::PATCH => "PATCH",
            Method::DELETE => "DELETE",
            _ => "other",
        };
        let labels = [("method", method.to_owned()), ("route", route.to_owned())];
        metrics::with_local_recorder(&*self.recorder, || {
            histogram!(DURATION, &labels).record(elapsed.as_secs_f64());
            let [method, route] = labels;
            counter!(
                REQUESTS,
                &[method, route, ("status", status.as_u16().to_string())]
            )
            .increment(1);
        });
    }

    /// Folds what was recorded into the buckets; otherwise it piles up until somebody looks.
    pub(crate) fn fold(&self) {
        self.recorder.handle().run_upkeep();
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// `GET /metrics`.
pub(crate) async fn metrics(State(state): State<AppState>) -> ApiResult<Response> {
    let counts = state.engine.counts().await?;
    let recorder = &*state.metrics.recorder;
    metrics::with_local_recorder(recorder, || {
        for (health, count) in counts.connections {
            gauge!(CONNECTIONS, "health" => health).set(count as f64);
        }
        for (state, count) in counts.executions {
            gauge!(EXECUTIONS, "state" => state).set(count as f64);
        }
        gauge!(BYTES_24H).set(counts.moved_24h.bytes as f64);
        gauge!(FILES_24H).set(counts.moved_24h.files as f64);
    });
    let text = recorder.handle().render();
    Ok((
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    )
        .into_response())
}
