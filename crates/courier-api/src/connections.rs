//! Connections: what they are, their keys, pins and files.

mod input;

pub use input::ConnectionInput;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{KeyStatus, KeyType, given::given, words::words};

words! {
    /// How a connection proves who it is.
    pub enum AuthMethod {
        /// By its password.
        Password = "password",
        /// By one of its SSH keys.
        SshKey = "ssh_key",
        /// By a key and then the password.
        PasswordAndSshKey = "password_and_ssh_key",
        /// By an Entra service principal.
        ServicePrincipal = "service_principal",
        /// Not at all.
        None = "none",
    }
}

words! {
    /// Which host keys are accepted (specification 6.7).
    pub enum HostKeyPolicy {
        /// The first one is pinned, another one later is refused.
        TrustOnFirstUse = "trust_on_first_use",
        /// Any. Insecure.
        AlwaysTrust = "always_trust",
        /// Only those that somebody approved before.
        Manual = "manual",
    }
}

words! {
    /// Which certificates are accepted (specification 6.3.2).
    pub enum TlsCertPolicy {
        /// Those that the system's trust store vouches for.
        SystemTrust = "system_trust",
        /// The pinned one, whoever vouches for it.
        PinnedThumbprint = "pinned_thumbprint",
        /// Any. Insecure.
        Insecure = "insecure",
    }
}

words! {
    /// When TLS begins.
    pub enum FtpsMode {
        /// After `AUTH TLS`.
        Explicit = "explicit",
        /// At once.
        Implicit = "implicit",
    }
}

words! {
    /// The oldest TLS version that is accepted (specification 6.13).
    pub enum TlsVersionFloor {
        /// TLS 1.0. Insecure.
        Tls10 = "tls_1_0",
        /// TLS 1.1. Insecure.
        Tls11 = "tls_1_1",
        /// TLS 1.2.
        Tls12 = "tls_1_2",
        /// TLS 1.3.
        Tls13 = "tls_1_3",
    }
}

words! {
    /// What becomes of line ends on the way.
    pub enum TransferType {
        /// Nothing.
        Binary = "binary",
        /// The server's become this machine's, and back.
        Ascii = "ascii",
    }
}

words! {
    /// Whether a connection may be used.
    pub enum ConnectionStatus {
        /// It may.
        Active = "active",
        /// It may not.
        Disabled = "disabled",
    }
}

words! {
    /// How a connection fares.
    pub enum Health {
        /// Nobody has tried it yet.
        Unknown = "unknown",
        /// The last attempt succeeded.
        Healthy = "healthy",
        /// The last attempt failed.
        Failing = "failing",
        /// Somebody must decide, for example about a changed host key; until then only tests connect.
        RequiresAttention = "requires_attention",
    }
}

/// Which algorithms SSH may use: a preset, or lists (specification 6.14), or both. A list given replaces the preset's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SshAlgorithms {
    /// `default`, `legacy` or `fips`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// Key exchange methods, the best first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_exchange: Option<Vec<String>>,
    /// Ciphers, the best first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Vec<String>>,
    /// Message authentication codes, the best first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Vec<String>>,
    /// Host key signature algorithms, the best first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_key: Option<Vec<String>>,
}

/// Who asks what became of a function's run, and where (specification 6.3.4). A name that is not known is an error (3011).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FunctionAppProperties {
    /// The Log Analytics workspace that knows of the runs; its id, not its name.
    pub workspace_id: String,
    /// The tenant of the service principal: its id, or a domain of it.
    pub tenant_id: String,
    /// The id of the service principal's application.
    pub client_id: String,
    /// Where tokens are given; by default `https://login.microsoftonline.com`. Another one clears the client secret, unless the
    /// same request brings a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority_host: Option<String>,
    /// Where workspaces are asked; by default `https://api.loganalytics.io`. Another one clears the client secret, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs_endpoint: Option<String>,
}

/// A field that only some protocols have: `None` where the protocol does not have it, `Some(None)` where it is not set.
pub type Own<T> = Option<Option<T>>;

/// A connection. Fields that its protocol does not have are absent; secrets are never in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Connection {
    /// Its id.
    pub id: Uuid,
    /// Its name; unique.
    pub name: String,
    /// A label to group connections by.
    pub group: Option<String>,
    /// `sftp`, `ftp`, `ftps`, `local` or `azure_function`.
    pub protocol: String,
    /// Host name or address.
    pub host: Option<String>,
    /// Port.
    pub port: Option<u16>,
    /// How it proves who it is.
    pub auth_method: AuthMethod,
    /// Login name.
    pub username: Option<String>,
    /// Is a password set? That of a function app is its master key.
    pub has_password: bool,
    /// Its active keys, the newest first.
    pub ssh_key_ids: Vec<Uuid>,
    /// Has it an active key?
    pub has_ssh_key: bool,
    /// Is a client secret set?
    pub has_client_secret: bool,
    /// Is a client certificate set?
    pub has_client_certificate: bool,
    /// When the client certificate ends.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub client_certificate_not_after: Option<Timestamp>,
    /// The certificate that the server presented last, trusted or not (FTPS).
    #[serde(default)]
    pub server_certificate: Option<ServerCertificate>,
    /// Who asks what became of a function, and where (Azure Functions).
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<FunctionAppProperties>, required = false)]
    pub properties: Own<Value>,
    /// Every remote path lies below it.
    pub base_path: Option<String>,
    /// Which host keys are accepted (SFTP).
    pub host_key_policy: Option<HostKeyPolicy>,
    /// The newest pin (SFTP).
    pub stored_host_fingerprint: Option<String>,
    /// Which algorithms SSH may use (SFTP).
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<SshAlgorithms>, required = false)]
    pub ssh_algorithms: Own<SshAlgorithms>,
    /// Does the client open data connections? (FTP)
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<bool>, required = false)]
    pub passive_mode: Own<bool>,
    /// When TLS begins; by default at once on port 990, after `AUTH TLS` on others (FTPS).
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<FtpsMode>, required = false)]
    pub ftps_mode: Own<FtpsMode>,
    /// The oldest TLS version that is accepted (FTPS).
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TlsVersionFloor>, required = false)]
    pub tls_version_floor: Own<TlsVersionFloor>,
    /// Which certificates are accepted (FTPS).
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TlsCertPolicy>, required = false)]
    pub tls_cert_policy: Own<TlsCertPolicy>,
    /// Are certificates checked at all? `false` is the policy `insecure` (FTPS).
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<bool>, required = false)]
    pub tls_validate_cert: Own<bool>,
    /// SHA-256 of the certificate that is accepted (FTPS).
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false)]
    pub tls_pinned_thumbprint: Own<String>,
    /// Certificates that are revoked, as PEM (FTPS).
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false)]
    pub tls_crl_pem: Own<String>,
    /// The time zone of the server's listings, an IANA name (FTP).
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false)]
    pub server_timezone: Own<String>,
    /// The encoding of the server's file names, where it has no UTF-8 (FTP).
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false)]
    pub encoding: Own<String>,
    /// Ways around what a server gets wrong, by name (FTP).
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>, required = false)]
    pub quirks: Own<Vec<String>>,
    /// Local ports for active mode: `40000-40100` (FTP).
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false)]
    pub active_port_range: Own<String>,
    /// The address that active mode announces (FTP).
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false)]
    pub external_address: Own<String>,
    /// What becomes of line ends on the way (FTP).
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TransferType>, required = false)]
    pub transfer_type: Own<TransferType>,
    /// Time for everything until a session is ready, seconds.
    pub connect_timeout_sec: Option<u32>,
    /// Time for one operation without an answer, seconds.
    pub operation_timeout_sec: Option<u32>,
    /// An idle session is asked for a sign of life this often, seconds.
    pub keepalive_interval_sec: Option<u32>,
    /// Reconnects in a row without a new byte.
    pub transport_retries: Option<u32>,
    /// Sessions at once.
    pub max_sessions: Option<u32>,
    /// Is it exempt from FIPS mode?
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = bool, required = false)]
    pub fips_override: Own<bool>,
    /// May it be used?
    pub status: ConnectionStatus,
    /// How it fares.
    pub health: Health,
    /// Why.
    pub health_detail: Option<String>,
    /// When it last connected.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_ok_at: Option<Timestamp>,
    /// Every insecure or weak choice, in words.
    pub warnings: Vec<String>,
    /// Free text.
    pub notes: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was changed last.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// A server's certificate as it was seen last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServerCertificate {
    /// Whom it is for.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// SHA-256 of the certificate, hex with colons.
    pub thumbprint_sha256: String,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    pub not_after: Timestamp,
}

/// Which connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ConnectionQuery {
    /// Connections on the page: 50 by default, 1000 at most.
    #[param(minimum = 1)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Only with this in their name or host, in either case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// Only of this group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Only of this protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Only with this status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<ConnectionStatus>,
    /// Only with this health.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
}

/// A host key that a connection trusts, or was offered (specification 6.7.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KnownHost {
    /// The connection.
    pub connection_id: Uuid,
    /// SHA-256 of the key (`SHA256:…`).
    pub fingerprint: String,
    /// The key's type as SSH names it (`ssh-ed25519`); `null` until the server presented it.
    pub key_type: Option<String>,
    /// When it was first presented, or entered.
    #[schema(value_type = String, format = DateTime)]
    pub first_seen: Timestamp,
    /// When the server last presented it; `null` until it did.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_seen: Option<Timestamp>,
    /// Is it approved? If not, the server presented it, and it waits for somebody to.
    pub approved: bool,
    /// Who approved it; `system` for trust on first use, `null` if nobody does.
    pub approved_by: Option<String>,
}

/// A host key to trust from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveHostKey {
    /// A fingerprint that the server has presented.
    pub fingerprint: String,
    /// Beside the pins of its key type, not instead of them.
    #[serde(default)]
    pub add: bool,
}

words! {
    /// Whether a connection uses a key.
    pub enum KeyUse {
        /// It does.
        Active = "active",
        /// It did.
        Revoked = "revoked",
    }
}

/// A key of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConnectionKey {
    /// The key's id in the SSH key store.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its type.
    pub key_type: String,
    /// SHA-256 of the public key.
    pub fingerprint: String,
    /// One `authorized_keys` line, to install on the server.
    pub public_key: String,
    /// Whether connections may use it at all; a deleted one keeps its name here.
    pub key_status: KeyStatus,
    /// Whether the connection uses it.
    pub status: KeyUse,
    /// When the connection got it.
    #[schema(value_type = String, format = DateTime)]
    pub added_at: Timestamp,
    /// Who gave it.
    pub added_by: String,
    /// When the server last accepted it from this connection.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
    /// When it was taken from the connection.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
}

/// A key for a connection: exactly one of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddConnectionKey {
    /// Generate one of this type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate: Option<KeyType>,
    /// Take this one of the SSH key store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_key_id: Option<Uuid>,
}

/// How to take a key from a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeKey {
    /// Even if it is the last one, or the one that was last used.
    #[serde(default)]
    pub force: bool,
}

/// Which folder to show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct FilesQuery {
    /// The folder; by default the base path or the login folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// A file or folder on a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileEntry {
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: String,
    /// Its size, bytes; `null` where the server doesn't say.
    pub size: Option<u64>,
    /// Is it a folder?
    pub is_directory: bool,
    /// Is it a symbolic link?
    pub is_link: bool,
    /// When it was last changed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_modified: Option<Timestamp>,
}
