//! The SSH key store (specification 6.8).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{Secret, given::given, words::words};

words! {
    /// The types of key that Courier makes. Imported RSA keys may have other sizes.
    pub enum KeyType {
        /// RSA with 2048 bits.
        Rsa2048 = "rsa_2048",
        /// RSA with 3072 bits.
        Rsa3072 = "rsa_3072",
        /// RSA with 4096 bits.
        Rsa4096 = "rsa_4096",
        /// Ed25519 (RFC 8709).
        Ed25519 = "ed25519",
        /// ECDSA on NIST P-256.
        Ecdsa256 = "ecdsa_256",
        /// ECDSA on NIST P-384.
        Ecdsa384 = "ecdsa_384",
        /// ECDSA on NIST P-521.
        Ecdsa521 = "ecdsa_521",
    }
}

words! {
    /// Whether a key is in use.
    pub enum KeyStatus {
        /// Connections may use it.
        Active = "active",
        /// Kept, but no connection may use it.
        Retired = "retired",
        /// The private key is gone.
        Deleted = "deleted",
    }
}

/// A key of the store; its private half never leaves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SshKey {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its type: one of those that can be generated, or `rsa_` and another size.
    pub key_type: String,
    /// One `authorized_keys` line.
    pub public_key: String,
    /// SHA-256 of the public key (`SHA256:…`).
    pub fingerprint: String,
    /// Whether connections may use it.
    pub status: KeyStatus,
    /// Free text, for example which servers accept it.
    pub notes: Option<String>,
    /// When it was generated or imported.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Who did that.
    pub created_by: String,
    /// When a server last accepted it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
    /// The connections that use it.
    #[serde(default)]
    pub used_by: Vec<Uuid>,
}

/// A key to generate.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerateKey {
    /// Its name; unique.
    pub name: String,
    /// Its type.
    pub key_type: KeyType,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

/// A key to import.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportKey {
    /// Its name; unique.
    pub name: String,
    /// The private key's file as text, in a format of OpenSSH, OpenSSL or PuTTY; of a binary file, its base64.
    #[schema(write_only)]
    pub private_key: Secret,
    /// What opens it, if it is encrypted.
    #[schema(write_only)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<Secret>,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

/// What to change of a key; what is not given stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SshKeyInput {
    /// A new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// New notes; `null` clears them.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub notes: Option<Option<String>>,
}

/// Which keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SshKeyQuery {
    /// Keys on the page: 50 by default, 1000 at most.
    #[param(minimum = 1)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Only with this status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<KeyStatus>,
}
