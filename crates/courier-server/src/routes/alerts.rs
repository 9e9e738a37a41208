//! Alerts.

use axum::{Extension, extract::State, http::StatusCode, response::IntoResponse};
use courier_api::{Alert, AlertDelivery, AlertInput, AlertTrial, Page, PageQuery};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{created, page, page_request, word};
use crate::http::{ApiError, ApiResult, AppState, Caller, Json, Path, Query};

/// What clients send; the engine reads it and names every problem at once.
type Input = Json<Map<String, Value>>;

/// List alerts
#[utoipa::path(get, path = "/api/alerts", tag = "alerts", params(PageQuery),
    responses((status = 200, description = "Alerts, the oldest first", body = Page<Alert>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Page<Alert>>> {
    let alerts = state.engine.alerts();
    page(alerts.list(page_request(query.limit, query.cursor)).await?, shown)
}

/// Make an alert
#[utoipa::path(post, path = "/api/alerts", tag = "alerts", request_body = AlertInput,
    responses((status = 201, description = "Made", body = Alert)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Json(input): Input,
) -> ApiResult<impl IntoResponse> {
    let alert = state.engine.alerts().create(&actor, input).await?;
    Ok(created(format!("/api/alerts/{}", alert.id), shown(alert)?))
}

/// Get an alert
#[utoipa::path(get, path = "/api/alerts/{id}", tag = "alerts", params(("id" = Uuid, Path, description = "The alert")),
    responses((status = 200, description = "The alert", body = Alert)))]
pub(crate) async fn get(State(state): State<AppState>, Path(id): Path<Uuid>) -> ApiResult<Json<Alert>> {
    shown(state.engine.alerts().get(id).await?).map(Json)
}

/// Replace an alert
///
/// A webhook's secret stays where none is given.
#[utoipa::path(put, path = "/api/alerts/{id}", tag = "alerts", params(("id" = Uuid, Path, description = "The alert")),
    request_body = AlertInput, responses((status = 200, description = "Replaced", body = Alert)))]
pub(crate) async fn replace(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
    Json(input): Input,
) -> ApiResult<Json<Alert>> {
    shown(state.engine.alerts().replace(&actor, id, input).await?).map(Json)
}

/// Change an alert
///
/// What isn't given stays; so do the fields of a channel of the same type.
#[utoipa::path(patch, path = "/api/alerts/{id}", tag = "alerts", params(("id" = Uuid, Path, description = "The alert")),
    request_body(content = Object, description = "The fields of an alert that change"),
    responses((status = 200, description = "Changed", body = Alert)))]
pub(crate) async fn patch(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
    Json(input): Input,
) -> ApiResult<Json<Alert>> {
    shown(state.engine.alerts().patch(&actor, id, input).await?).map(Json)
}

/// Delete an alert
///
/// What of its messages has not been sent, isn't.
#[utoipa::path(delete, path = "/api/alerts/{id}", tag = "alerts", params(("id" = Uuid, Path, description = "The alert")),
    responses((status = 204, description = "Deleted")))]
pub(crate) async fn delete(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
) -> ApiResult<StatusCode> {
    state.engine.alerts().delete(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Test an alert
///
/// Sends a message now, also where the alert is disabled or its quiet hours are, and answers what the other side said.
#[utoipa::path(post, path = "/api/alerts/{id}/test", tag = "alerts",
    params(("id" = Uuid, Path, description = "The alert")),
    responses((status = 200, description = "What became of it", body = AlertTrial)))]
pub(crate) async fn test(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<AlertTrial>> {
    let trial = state.engine.alerts().test(&actor, id).await?;
    Ok(Json(AlertTrial {
        delivered: trial.delivered,
        answer: trial.answer,
        duration_ms: trial.duration_ms,
    }))
}

/// List the messages of an alert
///
/// What became of them is kept for 30 days.
#[utoipa::path(get, path = "/api/alerts/{id}/deliveries", tag = "alerts",
    params(("id" = Uuid, Path, description = "The alert"), PageQuery),
    responses((status = 200, description = "Messages, the newest first", body = Page<AlertDelivery>)))]
pub(crate) async fn deliveries(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Page<AlertDelivery>>> {
    let alerts = state.engine.alerts();
    let deliveries = alerts
        .deliveries(id, page_request(query.limit, query.cursor))
        .await?;
    page(deliveries, |delivery| {
        Ok(AlertDelivery {
            id: delivery.id,
            kind: word(delivery.kind)?,
            recovered: delivery.recovered,
            state: word(delivery.state)?,
            attempts: delivery.attempts,
            held: delivery.held,
            at: delivery.happened_at,
            due_at: delivery.due_at,
            ended_at: delivery.ended_at,
            answer: delivery.answer,
            joined_into: delivery.joined_into,
            facts: delivery.facts,
        })
    })
}

/// The engine keeps a rule under the names of the API.
fn shown(alert: courier_engine::alerts::Alert) -> ApiResult<Alert> {
    let mut document = serde_json::to_value(&alert.rule).map_err(ApiError::internal)?;
    if let Some(Value::Object(channel)) = document.get_mut("channel")
        && channel.get("type").is_some_and(|kind| kind == "webhook")
    {
        channel.insert("has_secret".into(), alert.has_secret.into());
    }
    if let Value::Object(document) = &mut document {
        for (field, value) in [
            ("id", serde_json::to_value(alert.id)),
            ("name", serde_json::to_value(alert.name)),
            ("enabled", serde_json::to_value(alert.enabled)),
            ("warnings", serde_json::to_value(alert.warnings)),
            ("created_at", serde_json::to_value(alert.created_at)),
            ("updated_at", serde_json::to_value(alert.updated_at)),
        ] {
            document.insert(field.into(), value.map_err(ApiError::internal)?);
        }
    }
    serde_json::from_value(document).map_err(ApiError::internal)
}
