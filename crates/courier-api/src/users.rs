//! Users and their roles.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Secret, words::words};

words! {
    /// What somebody may do. Each role may all that the one before it may.
    #[derive(PartialOrd, Ord)]
    pub enum Role {
        /// Looks.
        Viewer = "viewer",
        /// Makes, changes and runs connections, keys, jobs and mappings.
        Operator = "operator",
        /// Decides about insecure trust, FIPS override, users, tokens of others and settings, and approves host keys.
        Admin = "admin",
    }
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// Its id.
    pub id: Uuid,
    /// The name to log in with.
    pub username: String,
    /// What the user may do.
    pub role: Role,
    /// May the user not log in?
    pub disabled: bool,
    /// The last login.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_login_at: Option<Timestamp>,
    /// When the user was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// A user to make.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserInput {
    /// The name to log in with; unique without regard to case.
    pub username: String,
    /// The password.
    #[schema(write_only)]
    pub password: Secret,
    /// What the user may do.
    pub role: Role,
}

/// What to change of a user; what is not given stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPatch {
    /// A new password. Sessions of the user end.
    #[schema(write_only)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// A new role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// May the user not log in? `true` ends the user's sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}
