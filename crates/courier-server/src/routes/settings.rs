//! Settings of the whole system.

use axum::{Extension, extract::State};
use courier_api::{Page, Setting, SettingInput};
use courier_engine::settings::SystemSetting;
use courier_transfer::settings::Kind;
use serde_json::{Map, Value};

use super::whole;
use crate::http::{ApiError, ApiResult, AppState, Caller, Json, Path, typed};

/// What clients may send back without meaning it.
const READ_ONLY: &[&str] = &[
    "key",
    "default",
    "type",
    "help",
    "has_value",
    "choices",
    "min",
    "max",
    "secret",
];

/// List settings
#[utoipa::path(get, path = "/api/settings", tag = "settings",
    responses((status = 200, description = "All settings", body = Page<Setting>)))]
pub(crate) async fn list(State(state): State<AppState>) -> ApiResult<Json<Page<Setting>>> {
    whole(state.engine.settings().list().await?, shown)
}

/// Get a setting
#[utoipa::path(get, path = "/api/settings/{key}", tag = "settings",
    params(("key" = String, Path, description = "The setting's name")),
    responses((status = 200, description = "The setting", body = Setting)))]
pub(crate) async fn get(State(state): State<AppState>, Path(key): Path<String>) -> ApiResult<Json<Setting>> {
    shown(state.engine.settings().get(&key).await?).map(Json)
}

/// Change a setting
///
/// `null` goes back to the default.
#[utoipa::path(put, path = "/api/settings/{key}", tag = "settings",
    params(("key" = String, Path, description = "The setting's name")), request_body = SettingInput,
    responses((status = 200, description = "Changed", body = Setting)))]
pub(crate) async fn set(
    State(state): State<AppState>,
    Extension(actor): Caller,
    Path(key): Path<String>,
    Json(input): Json<Map<String, Value>>,
) -> ApiResult<Json<Setting>> {
    let input: SettingInput = typed(input, READ_ONLY)?;
    shown(state.engine.settings().set(&actor, &key, input.value).await?).map(Json)
}

fn shown(setting: SystemSetting) -> ApiResult<Setting> {
    let described = serde_json::to_value(setting.setting).map_err(ApiError::internal)?;
    let kind = described
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let (choices, bounds) = match setting.setting.kind {
        Kind::Choice { choices } => (Some(choices), None),
        Kind::Integer { min, max } => (None, Some((min, max))),
        _ => (None, None),
    };
    Ok(Setting {
        key: setting.setting.name.into(),
        value: setting.value,
        has_value: setting.has_value,
        default: described.get("default").cloned().unwrap_or_default(),
        kind,
        choices: choices.map(|words| words.iter().map(|word| (*word).to_owned()).collect()),
        min: bounds.map(|(min, _)| min),
        max: bounds.map(|(_, max)| max),
        secret: setting.secret,
        help: setting.setting.help.into(),
    })
}
