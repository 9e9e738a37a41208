//! API tokens, and what they can be held to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Role, Secret};

/// The parts of the API that a token can be for, as the document groups its routes (tags). Each alone stands for
/// everything in it that the token's role may, and with `:read` behind it for looking only (`GET`).
pub const SCOPES: &[&str] = &[
    "alerts",
    "audit",
    "auth",
    "connections",
    "executions",
    "folder-mappings",
    "jobs",
    "overview",
    "settings",
    "ssh-keys",
    "storages",
    "tokens",
    "users",
];

/// An API token, without the text that it is used by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// Its id.
    pub id: Uuid,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The parts of the API that it is for, such as `jobs` or `executions:read`; `null` for all.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// The user whom it belongs to.
    pub user_id: Uuid,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it ends; `null` for never.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// When it was last used.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
}

/// A token that was just made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewToken {
    /// For `Authorization: Bearer`. Shown here and never again.
    pub token: Secret,
    /// What is known of it.
    #[serde(flatten)]
    pub info: Token,
}

/// A token to make.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenInput {
    /// What it is for; unique.
    pub name: String,
    /// What it may do: at most, and by default, what its owner may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The parts of the API that it is for; all, if not given. A part is a tag of this document, such as `jobs`, for
    /// everything in it that the role may, or with `:read` behind it, such as `executions:read`, for `GET` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// When it ends; never, if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}
