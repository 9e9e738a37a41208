//! Settings of the whole system.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A setting, described.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Setting {
    /// Its name (`security.fips_mode_enabled`).
    pub key: String,
    /// What it is now; `null` of a secret, which is never shown.
    #[schema(value_type = Value)]
    pub value: Value,
    /// Is there a value?
    pub has_value: bool,
    /// What it is when nobody set it.
    #[schema(value_type = Value)]
    pub default: Value,
    /// What it holds: `bool`, `integer`, `text`, `choice` …
    #[serde(rename = "type")]
    pub kind: String,
    /// The words that it may be, for `choice`.
    #[serde(default)]
    pub choices: Option<Vec<String>>,
    /// The smallest number, for `integer`.
    #[serde(default)]
    pub min: Option<i64>,
    /// The largest number, for `integer`.
    #[serde(default)]
    pub max: Option<i64>,
    /// Is it never shown?
    #[serde(default)]
    pub secret: bool,
    /// What it does.
    pub help: String,
}

/// A new value for a setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingInput {
    /// The value, of the setting's type.
    #[schema(value_type = Value)]
    pub value: Value,
}
