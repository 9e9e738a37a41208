//! Storages: where pulled files go.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::ErrorCode;

/// A place where pulled files go. Only an admin sees more of it than `id`, `name` and `scheme`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Storage {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique. Folder mappings that name no storage use the one that is called `default`.
    pub name: String,
    /// What kind it is: `file`, `s3`, `azblob`, `gcs`.
    pub scheme: String,
    /// The rest, for admins.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub details: Option<StorageDetails>,
}

/// What only an admin sees of a storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StorageDetails {
    /// Where it is.
    pub url: String,
    /// Are there credentials?
    pub has_credentials: bool,
    /// What is insecure or doesn't work about it, in words.
    pub warnings: Vec<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was changed last.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// A storage to make.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StorageInput {
    /// Its name, unique.
    pub name: String,
    /// `file:///folder`, `s3://bucket/prefix`, `azblob://container/prefix` or `gcs://bucket/prefix`; stores elsewhere than the
    /// provider's own have `?endpoint=https://…`, and S3 a `region=…`.
    pub url: String,
    /// What it is opened with. `s3`: `access_key_id`, `secret_access_key`, `session_token`; `azblob`: `account_name` and
    /// `account_key` or `sas_token`; `gcs`: `service_account`, the key file's JSON; `file`: none.
    #[schema(value_type = Option<Object>, write_only)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Value>,
}

/// What changes of a storage; the rest stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct StoragePatch {
    /// Its name, unique.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it is. Credentials are for one server and bucket: those that were there are forgotten where that changes, unless
    /// new ones are given. What was pulled until now stays where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What it is opened with; `null` takes it away.
    #[schema(value_type = Option<Object>, write_only)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Value>,
}

/// A storage to test before it is kept.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StorageTestInput {
    /// Where it is.
    pub url: String,
    /// What it is opened with.
    #[schema(value_type = Option<Object>, write_only)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Value>,
}

/// What a test of a storage has shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StorageTest {
    /// Could a small object be written, read and removed?
    pub success: bool,
    /// Why not, as a number.
    pub error_code: Option<ErrorCode>,
    /// Why not, and what helps.
    pub error_message: Option<String>,
    /// What worked: `write`, `no_overwrite`, `read`, `remove`. Where one of them failed, the message says which.
    pub checked: Vec<String>,
    /// What is insecure or doesn't work about the storage, in words.
    pub warnings: Vec<String>,
    /// How long it took, milliseconds.
    pub duration_ms: u64,
}
