//! Logging in and out.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Role, Secret, User};

/// Who wants in.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// The user's name.
    pub username: String,
    /// The user's password.
    #[schema(write_only)]
    pub password: Secret,
}

/// A session that has begun. The answer sets it as a cookie, too.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LoginResponse {
    /// For `Authorization: Bearer`. Shown here and never again.
    pub token: Secret,
    /// When the session ends.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// Who logged in.
    pub user: User,
}

/// Another password for oneself.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The password until now.
    #[schema(write_only)]
    pub current_password: Secret,
    /// The password from now on.
    #[schema(write_only)]
    pub new_password: Secret,
}

/// How to log in for the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FirstStart {
    /// Has nobody logged in yet, and is the password that the first start made up still where it was written?
    pub first_start: bool,
    /// The user whose password it is; `null` where it is over.
    pub username: Option<String>,
}

/// Who the caller is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// The user's id.
    pub id: Option<Uuid>,
    /// The user's name.
    pub username: String,
    /// What the caller may do; that of an API token may be less than its owner's.
    pub role: Role,
    /// The parts of the API that the caller's token is for; `null` for all.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// Does the caller still have the password that the first start made up? Another one is due.
    #[serde(default)]
    pub initial_password: bool,
}
