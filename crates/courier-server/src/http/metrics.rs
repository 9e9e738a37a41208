//! Numbers for Prometheus.

use std::{fmt, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use courier_engine::figures::Figures;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusRecorder};

use super::{AppState, health};

const REQUESTS: &str = "courier_http_requests_total";
const DURATION: &str = "courier_http_request_duration_seconds";
const CONNECTIONS: &str = "courier_connections";
const EXECUTIONS: &str = "courier_executions";
const BYTES_24H: &str = "courier_transferred_bytes_24h";
const FILES_24H: &str = "courier_transferred_files_24h";
const MAPPINGS: &str = "courier_folder_mappings";
const PULLED_BYTES_24H: &str = "courier_pulled_bytes_24h";
const PULLED_FILES_24H: &str = "courier_pulled_files_24h";
const QUEUE_WAIT: &str = "courier_queue_wait_seconds";
const SCHEDULE_LAG: &str = "courier_schedule_lag_seconds";
const MESSAGES_PENDING: &str = "courier_alert_messages_pending";
const MESSAGES_FAILED: &str = "courier_alert_messages_failed_24h";
const DATABASE: &str = "courier_database_up";
const LEASE: &str = "courier_lease_held";
const RUNNING: &str = "courier_executions_running_here";
const ENDED: &str = "courier_executions_ended_total";
const PULLS_FILES: &str = "courier_pulls_files_total";
const PULLS_BYTES: &str = "courier_pulls_bytes_total";
const PULLS_FAILURES: &str = "courier_pulls_failures_total";

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
            describe_gauge!(
                CONNECTIONS,
                "Connections, by health, with that of their folder mappings"
            );
            describe_gauge!(MAPPINGS, "Folder mappings that pull by themselves, by health");
            describe_gauge!(
                PULLED_BYTES_24H,
                "Bytes pulled by folder mappings in the last 24 hours"
            );
            describe_gauge!(
                PULLED_FILES_24H,
                "Files pulled by folder mappings in the last 24 hours"
            );
            describe_gauge!(
                EXECUTIONS,
                "Executions, by state; those that are over, of the last 24 hours"
            );
            describe_gauge!(BYTES_24H, "Bytes moved in the last 24 hours");
            describe_gauge!(FILES_24H, "Files moved in the last 24 hours");
            describe_gauge!(
                QUEUE_WAIT,
                "Seconds that the first execution of the queue has waited"
            );
            describe_gauge!(SCHEDULE_LAG, "Seconds that the first schedule has been due");
            describe_gauge!(MESSAGES_PENDING, "Alert messages that wait to be delivered");
            describe_gauge!(
                MESSAGES_FAILED,
                "Alert messages that were given up in the last 24 hours"
            );
            describe_gauge!(DATABASE, "1 where the database answers this node, else 0");
            describe_gauge!(
                LEASE,
                "1 where this node has its lease, without which it runs nothing, else 0"
            );
            describe_gauge!(RUNNING, "Executions that run on this node");
            describe_counter!(
                ENDED,
                "Executions that ended on this node since its start, by state"
            );
            describe_counter!(
                PULLS_FILES,
                "Files pulled by folder mappings on this node since its start"
            );
            describe_counter!(PULLS_BYTES, "Bytes of these files");
            describe_counter!(
                PULLS_FAILURES,
                "Times that a file or folder of a folder mapping could not be pulled on this node since its start"
            );
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

/// `GET /metrics`. Without the database, what this node knows by itself; the other numbers stay as they were.
pub(crate) async fn metrics(State(state): State<AppState>) -> Response {
    // Asked first: who scrapes gives up before the store does.
    let of_all = match health::database(&state).await {
        Ok(()) => state.engine.figures().await.map_err(|error| error.to_string()),
        Err(why) => Err(why.into()),
    };
    let of_node = state.engine.node_figures();
    let recorder = &*state.metrics.recorder;
    metrics::with_local_recorder(recorder, || {
        gauge!(DATABASE).set(if of_all.is_ok() { 1.0 } else { 0.0 });
        match of_all {
            Ok(figures) => show(figures),
            Err(error) => tracing::warn!(%error, "the database could not be asked for metrics"),
        }
        gauge!(LEASE).set(if of_node.holds_lease { 1.0 } else { 0.0 });
        gauge!(RUNNING).set(of_node.running as f64);
        for (state, count) in of_node.ended {
            counter!(ENDED, "state" => state.to_string()).absolute(count);
        }
        counter!(PULLS_FILES).absolute(of_node.pulled.files);
        counter!(PULLS_BYTES).absolute(of_node.pulled.bytes);
        counter!(PULLS_FAILURES).absolute(of_node.pulled.failures);
    });
    let text = recorder.handle().render();
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    )
        .into_response()
}

/// What all nodes together have.
fn show(figures: Figures) {
    let counts = figures.counts;
    for (health, count) in counts.connections {
        gauge!(CONNECTIONS, "health" => health).set(count as f64);
    }
    for (health, count) in counts.mappings {
        gauge!(MAPPINGS, "health" => health).set(count as f64);
    }
    for (state, count) in counts.executions {
        gauge!(EXECUTIONS, "state" => state).set(count as f64);
    }
    gauge!(BYTES_24H).set(counts.moved_24h.bytes as f64);
    gauge!(FILES_24H).set(counts.moved_24h.files as f64);
    gauge!(PULLED_BYTES_24H).set(counts.pulled_24h.bytes as f64);
    gauge!(PULLED_FILES_24H).set(counts.pulled_24h.files as f64);
    gauge!(QUEUE_WAIT).set(figures.queue_wait.as_secs_f64());
    gauge!(SCHEDULE_LAG).set(figures.schedule_lag.as_secs_f64());
    gauge!(MESSAGES_PENDING).set(figures.messages.pending as f64);
    gauge!(MESSAGES_FAILED).set(figures.messages.failed_24h as f64);
}
