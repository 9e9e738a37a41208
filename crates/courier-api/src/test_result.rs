//! What testing a connection finds out.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ErrorCode;

/// The result of a test (specification 6.11). A test that fails tells whatever was learnt until then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TestResult {
    /// Did it connect, authenticate and list the base folder; for Azure Functions, did every check succeed?
    pub success: bool,
    /// Round trip of one request, milliseconds.
    pub latency_ms: Option<u64>,
    /// How the server names itself (`OpenSSH_9.6`, `Azure Functions 4.1037.0 (Running)`).
    pub server_banner: Option<String>,
    /// The host key that the server presented (SFTP).
    pub host_key_fingerprint: Option<String>,
    /// All of the server's algorithms in one list (SFTP).
    pub supported_algorithms: Vec<String>,
    /// The server's certificate (FTPS).
    pub tls_certificate: Option<TlsCertificate>,
    /// Why it failed, as a number.
    pub error_code: Option<ErrorCode>,
    /// Why it failed, what was expected and seen, and what helps.
    pub error_message: Option<String>,
    /// What was agreed on with the server, and what of that is weak.
    #[serde(default)]
    pub negotiated: Option<String>,
    /// What is insecure or weak about the connection, in words.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The server's algorithms by purpose, in its order (SFTP).
    pub algorithms: Option<Algorithms>,
    /// Those of the server's algorithms, and of the agreed ones, that are weak.
    #[serde(default)]
    pub weak_algorithms: Vec<WeakAlgorithm>,
    /// What the session can do; `null` if there was none.
    pub capabilities: Option<Capabilities>,
    /// What was looked at one by one, each whatever the others say (Azure Functions: `host`, `token`, `workspace`); empty for
    /// servers with files.
    #[serde(default)]
    pub checks: Vec<TestCheck>,
}

/// One thing that a test looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TestCheck {
    /// Which: `host` (the function app and its key), `token` (tenant, client and secret), `workspace` (Log Analytics).
    pub name: String,
    /// Is it as it should be?
    pub success: bool,
    /// What was found, or what is wrong and what helps.
    pub message: String,
}

/// A server's certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TlsCertificate {
    /// Whom it is for.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// SHA-256 of the certificate, hex with colons.
    pub thumbprint_sha256: String,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    pub not_after: Timestamp,
    /// What the system's trust store, the time and the name say against it, in words, or `None`.
    pub policy_errors: String,
}

/// The algorithm lists of a server's key exchange message (RFC 4253 section 7.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Algorithms {
    /// Key exchange methods.
    pub key_exchange: Vec<String>,
    /// Host key signature algorithms.
    pub host_key: Vec<String>,
    /// Ciphers.
    pub encryption: Vec<String>,
    /// Message authentication codes.
    pub mac: Vec<String>,
    /// Compression methods.
    pub compression: Vec<String>,
}

/// An algorithm that nobody should need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WeakAlgorithm {
    /// Its name (`3des-cbc`).
    pub name: String,
    /// What is wrong with it.
    pub why: String,
}

/// What a session can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Capabilities {
    /// A download can go on where it stopped.
    pub resume_download: bool,
    /// An upload can go on where it stopped.
    pub resume_upload: bool,
    /// A rename replaces an existing target in one step.
    pub atomic_replace: bool,
    /// Modification times can be set.
    pub set_times: bool,
    /// The server computes checksums.
    pub checksum: bool,
    /// Listings show permission bits.
    pub permissions: bool,
    /// Operations that the session carries at once.
    pub concurrency: usize,
}
