//! Connections as they are made and changed.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    AuthMethod, ConnectionStatus, FtpsMode, FunctionAppProperties, HostKeyPolicy, SshAlgorithms,
    TlsCertPolicy, TlsVersionFloor, TransferType,
};
use crate::Secret;

/// A connection to make, replace or change. A field of another protocol, or one that is unknown, is an error (3011);
/// fields that only answers have (`id`, `health`, …) are ignored. A write-only field that is not given keeps its value,
/// and `null` clears it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ConnectionInput {
    /// Its name; unique.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A label to group connections by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// `sftp`, `ftp`, `ftps`, `local` or `azure_function`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Host name or address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Port; by default the protocol's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How it proves who it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_method: Option<AuthMethod>,
    /// Login name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Password; the master key of a function app (Azure Functions).
    #[schema(write_only)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// The client secret of the service principal (Azure Functions).
    #[schema(write_only)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Secret>,
    /// A certificate and its unencrypted private key, as PEM, for a server that asks for one (FTPS).
    #[schema(write_only)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<Secret>,
    /// Keys of the SSH key store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh_key_ids: Option<Vec<Uuid>>,
    /// Who asks what became of a function, and where (Azure Functions).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<FunctionAppProperties>)]
    pub properties: Option<Value>,
    /// Every remote path lies below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_path: Option<String>,
    /// Which host keys are accepted (SFTP).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_key_policy: Option<HostKeyPolicy>,
    /// The pin, under the policy `manual` (SFTP). With or without colons, prefix and case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored_host_fingerprint: Option<String>,
    /// Which algorithms SSH may use (SFTP).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh_algorithms: Option<SshAlgorithms>,
    /// Does the client open data connections? (FTP)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passive_mode: Option<bool>,
    /// When TLS begins; by default at once on port 990, after `AUTH TLS` on others (FTPS).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ftps_mode: Option<FtpsMode>,
    /// The oldest TLS version that is accepted (FTPS).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_version_floor: Option<TlsVersionFloor>,
    /// Which certificates are accepted (FTPS).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_cert_policy: Option<TlsCertPolicy>,
    /// Are certificates checked at all? `false` is the policy `insecure` (FTPS).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_validate_cert: Option<bool>,
    /// SHA-256 of the certificate that is accepted (FTPS). With or without colons, prefix and case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_pinned_thumbprint: Option<String>,
    /// Certificates that are revoked, as PEM (FTPS).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_crl_pem: Option<String>,
    /// The time zone of the server's listings, an IANA name (FTP).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_timezone: Option<String>,
    /// The encoding of the server's file names, where it has no UTF-8 (FTP).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Ways around what a server gets wrong, by name (FTP).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quirks: Option<Vec<String>>,
    /// Local ports for active mode: `40000-40100` (FTP).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_port_range: Option<String>,
    /// The address that active mode announces (FTP).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_address: Option<String>,
    /// What becomes of line ends on the way (FTP).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer_type: Option<TransferType>,
    /// Time for everything until a session is ready, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_timeout_sec: Option<u32>,
    /// Time for one operation without an answer, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_timeout_sec: Option<u32>,
    /// An idle session is asked for a sign of life this often, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keepalive_interval_sec: Option<u32>,
    /// Reconnects in a row without a new byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport_retries: Option<u32>,
    /// Sessions at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_sessions: Option<u32>,
    /// Is it exempt from FIPS mode? Only an admin may say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fips_override: Option<bool>,
    /// May it be used?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<ConnectionStatus>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}
