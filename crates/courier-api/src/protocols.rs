//! The protocols, described: what a form for a connection needs to know.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{AuthMethod, words::words};

words! {
    /// Where a form shows a field.
    pub enum FieldGroup {
        /// Where the server is.
        Address = "address",
        /// Who we are, and what proves it.
        Login = "login",
        /// How the server proves who it is.
        Trust = "trust",
        /// What is special about the protocol and this server.
        Protocol = "protocol",
        /// Times, retries and sessions.
        Limits = "limits",
    }
}

/// A protocol, and all that its connections take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProtocolDescription {
    /// Its name (`sftp`).
    pub name: String,
    /// What it is, and when to take it.
    pub help: String,
    /// The port where none is given; `null` for a protocol without a host.
    pub default_port: Option<u16>,
    /// Does it move files? Then its connections can be browsed, and have folder mappings.
    pub moves_files: bool,
    /// How it can authenticate, the recommended way first.
    pub auth_methods: Vec<AuthMethod>,
    /// The fields of a connection, in the order in which somebody fills them in; without `name`, `group`, `notes` and `status`,
    /// which all have.
    pub fields: Vec<ConnectionField>,
    /// What `ssh_algorithms` may name; `null` for a protocol without it.
    pub algorithms: Option<KnownAlgorithms>,
}

/// A field of a connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConnectionField {
    /// Its name; `properties.tenant_id` is `tenant_id` in the object `properties`.
    pub name: String,
    /// What it holds: `text`, `long_text`, `bool`, `integer`, `choice`, `text_list`, `object`, `remote_path`, `local_path`; `secret`
    /// and `long_secret`, which are never shown; `keys`, a list of ids of SSH keys.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where a form shows it.
    pub group: FieldGroup,
    /// Must it be given?
    pub required: bool,
    /// Must it be given where another field is so? `null` for what `required` says.
    pub required_when: Option<FieldCondition>,
    /// What it is when not given; `null` where there is no such value.
    #[schema(value_type = Option<Value>)]
    pub default: Option<Value>,
    /// The words that it may be, for `choice`, or may hold, for `text_list`; `null` for any.
    pub choices: Option<Vec<String>>,
    /// What the words mean, by word; not all say it.
    pub choices_help: BTreeMap<String, String>,
    /// The smallest number, for `integer`.
    pub min: Option<i64>,
    /// The largest number, for `integer`.
    pub max: Option<i64>,
    /// It is of use only where another field is so; `null` for always.
    pub when: Option<FieldCondition>,
    /// What it does.
    pub help: String,
}

/// Another field of the same connection has one of these values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldCondition {
    /// The other field.
    pub field: String,
    /// The values.
    #[schema(value_type = Vec<Value>)]
    pub is: Vec<Value>,
}

/// Every SSH algorithm that there is here, the best first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KnownAlgorithms {
    /// The presets: all but the weak ones, all, and those that FIPS mode allows.
    pub presets: Vec<AlgorithmPreset>,
    /// Key exchange methods.
    pub key_exchange: Vec<KnownAlgorithm>,
    /// Ciphers.
    pub encryption: Vec<KnownAlgorithm>,
    /// Message authentication codes.
    pub mac: Vec<KnownAlgorithm>,
    /// Host key signature algorithms.
    pub host_key: Vec<KnownAlgorithm>,
}

/// A choice of algorithms that has a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlgorithmPreset {
    /// Its name (`default`).
    pub name: String,
    /// What it takes.
    pub help: String,
}

/// An SSH algorithm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KnownAlgorithm {
    /// Its name (`aes128-gcm@openssh.com`).
    pub name: String,
    /// Why nobody should need it; `null` where it is sound.
    pub weak: Option<String>,
    /// Does FIPS mode allow it?
    pub fips: bool,
}
