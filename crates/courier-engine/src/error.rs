//! Why the engine refuses or fails. The server alone turns these into statuses and codes.

use std::fmt;

use courier_transfer::{ErrorKind, Retry, settings::Problem};

/// The result of an engine call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call was refused or failed. Never holds a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request is wrong; every problem at once (1000).
    #[error("{}", Problems(.fields))]
    Validation {
        /// What is wrong, field by field.
        fields: Vec<Problem>,
    },
    /// A step type that doesn't exist (2010).
    #[error("{}", Problems(.fields))]
    StepType {
        /// The steps that name it: `steps[0].step_type`.
        fields: Vec<Problem>,
    },
    /// A step's configuration is wrong (2011).
    #[error("{}", Problems(.fields))]
    StepConfig {
        /// What is wrong: `steps[1].config.remote_path`.
        fields: Vec<Problem>,
    },
    /// A cron expression or a time zone is wrong (2012).
    #[error("{}", Problems(.fields))]
    Schedule {
        /// What is wrong: `schedules[0].cron`.
        fields: Vec<Problem>,
    },
    /// A connection's settings are wrong for its protocol (3011).
    #[error("{}", Problems(.fields))]
    ProtocolConfig {
        /// What is wrong, field by field.
        fields: Vec<Problem>,
    },
    /// What was asked for doesn't exist (1030).
    #[error("there is no {what} {id}")]
    NotFound {
        /// The kind of thing: `connection`, `job`, …
        what: &'static str,
        /// How it was asked for.
        id: String,
    },
    /// The name is taken (1052).
    #[error("another {what} named \"{name}\" exists already; choose another name")]
    Duplicate {
        /// The kind of thing.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The state doesn't allow it (1050).
    #[error("{0}")]
    Conflict(String),
    /// The connection is used by a job (3010).
    #[error("the connection is used by {}; change or delete {} first", .jobs.join(", "), if .jobs.len() == 1 { "it" } else { "them" })]
    ConnectionInUse {
        /// What uses it, in words: `the job "nightly"`.
        jobs: Vec<String>,
    },
    /// No valid session or token, or a wrong password (1010).
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The role doesn't suffice (1020).
    #[error("{0}")]
    Forbidden(String),
    /// Too many failed logins (1060).
    #[error(
        "too many failed logins under this name or from this address; try again in {retry_after_sec} seconds"
    )]
    RateLimited {
        /// When to try again, in seconds.
        retry_after_sec: u64,
    },
    /// More passwords wait to be hashed than is good (1060).
    #[error("too many logins wait for their turn already; try again in {retry_after_sec} seconds")]
    Busy {
        /// When to try again, in seconds.
        retry_after_sec: u64,
    },
    /// `always_trust` set by a non-admin (3004).
    #[error(
        "the host key policy always_trust turns off the protection against a server in the middle, and only an \
         admin may set it; choose trust_on_first_use or manual, or ask an admin"
    )]
    InsecureHostKeyNeedsAdmin,
    /// `always_trust` while FIPS mode is on (3005).
    #[error(
        "the host key policy always_trust is not allowed while FIPS mode is on; choose trust_on_first_use or manual"
    )]
    InsecureHostKeyInFips,
    /// The certificate policy `insecure` set by a non-admin (3006).
    #[error(
        "the certificate policy insecure turns off the protection against a server in the middle, and only an \
         admin may set it; pin the certificate's thumbprint, or ask an admin"
    )]
    InsecureTlsNeedsAdmin,
    /// The certificate policy `insecure` while FIPS mode is on (3007).
    #[error(
        "the certificate policy insecure is not allowed while FIPS mode is on; choose system_trust or pinned_thumbprint"
    )]
    InsecureTlsInFips,
    /// A policy that accepts any server, in production (3008). Names the policy, and those to choose instead.
    #[error("{0}, or have an admin set security.insecure_trust_allow_production")]
    InsecureTrustInProduction(&'static str),
    /// `fips_override` set by a non-admin (3012).
    #[error("only an admin may exempt a connection from FIPS mode (fips_override)")]
    FipsOverrideNeedsAdmin,
    /// A private key can't be read (4000).
    #[error("the key could not be imported: {0}")]
    KeyImport(String),
    /// A private key's passphrase is missing or wrong (4001).
    #[error("{0}")]
    Passphrase(String),
    /// The same key is stored already (4002).
    #[error("this key is stored already, as \"{name}\"; use that one")]
    KeyExists {
        /// The stored key's name.
        name: String,
    },
    /// A retired key was to be used (4003).
    #[error("the SSH key \"{name}\" is {status}; activate it, or choose another")]
    KeyNotActive {
        /// The key's name.
        name: String,
        /// Its status.
        status: String,
    },
    /// A key that connections use was to be deleted (4005).
    #[error("the SSH key is used by {}; take it from them first", .connections.join(", "))]
    KeyInUse {
        /// What uses it, in words: `the connection "partner"`.
        connections: Vec<String>,
    },
    /// A key type that FIPS mode doesn't allow (4011).
    #[error(
        "keys of type {key_type} are not allowed in FIPS mode; use rsa_3072, rsa_4096, ecdsa_256, ecdsa_384 or ecdsa_521"
    )]
    FipsKeyType {
        /// The key type.
        key_type: String,
    },
    /// A connection asks for what FIPS mode doesn't allow (4011).
    #[error("{}; an admin may exempt the connection from FIPS mode (fips_override)", Problems(.fields))]
    NotFips {
        /// What, field by field.
        fields: Vec<Problem>,
    },
    /// The connection may not be used now: it is disabled, or waits for somebody's decision (1050).
    #[error("{0}")]
    ConnectionNotUsable(String),
    /// A function ran, and failed; in words that name the run.
    #[error("{0}")]
    FunctionFailed(String),
    /// A function was triggered, or may have been, and nobody can tell how that ended. In words that say when.
    #[error("{0}")]
    FunctionOutcomeUnknown(String),
    /// The transfer layer failed; its kind says how.
    #[error(transparent)]
    Transfer(#[from] courier_transfer::Error),
    /// A storage failed; its kind says how.
    #[error(transparent)]
    Storage(#[from] courier_storage::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] courier_store::Error),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] courier_vault::Error),
    /// Stored secrets need keys that can't be had. Names each key, how many values need it, and why it doesn't open.
    #[error("stored secrets can't be opened: {0}")]
    KeysMissing(String),
    /// A file of an administrator's, such as a backup, can't be read or written.
    #[error("{0}")]
    File(String),
    /// Something inside went wrong that nobody can act on; the log has more.
    #[error("{0}")]
    Internal(String),
}

/// Problems in one line, for logs and for errors kept in the store.
struct Problems<'a>(&'a [Problem]);

impl fmt::Display for Problems<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { "; " };
            write!(f, "{separator}{}: {}", problem.field, problem.message)?;
        }
        Ok(())
    }
}

impl Error {
    /// A validation error of one field.
    pub(crate) fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Validation {
            fields: vec![Problem::new(field, message)],
        }
    }

    /// What doesn't exist.
    pub(crate) fn not_found(what: &'static str, id: impl fmt::Display) -> Self {
        Self::NotFound {
            what,
            id: id.to_string(),
        }
    }

    /// A word for what went wrong, as it is kept with an execution, a step or a connection's health.
    ///
    /// For an error of the transfer layer it is [`ErrorKind::as_str`].
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Validation { .. } => "validation",
            Self::StepType { .. } => "step_type",
            Self::StepConfig { .. } => "step_config",
            Self::Schedule { .. } => "cron_expression",
            Self::ProtocolConfig { .. } => "protocol_config",
            Self::NotFound { .. } => "no_such_record",
            Self::Duplicate { .. } => "duplicate",
            Self::Conflict(_) => "conflict",
            Self::ConnectionInUse { .. } => "connection_in_use",
            Self::Unauthenticated(_) => "unauthenticated",
            Self::Forbidden(_) => "forbidden",
            Self::RateLimited { .. } | Self::Busy { .. } => "rate_limited",
            Self::InsecureHostKeyNeedsAdmin => "insecure_host_key_needs_admin",
            Self::InsecureHostKeyInFips => "insecure_host_key_in_fips",
            Self::InsecureTlsNeedsAdmin => "insecure_tls_needs_admin",
            Self::InsecureTlsInFips => "insecure_tls_in_fips",
            Self::InsecureTrustInProduction(_) => "insecure_trust_in_production",
            Self::FipsOverrideNeedsAdmin => "fips_override_needs_admin",
            Self::KeyImport(_) => "key_import",
            Self::Passphrase(_) => "passphrase",
            Self::KeyExists { .. } => "key_exists",
            Self::KeyNotActive { .. } => "key_not_active",
            Self::KeyInUse { .. } => "key_in_use",
            Self::FipsKeyType { .. } => "fips_key_type",
            Self::NotFips { .. } => "not_fips",
            Self::ConnectionNotUsable(_) => "connection_not_usable",
            Self::FunctionFailed(_) => "function_failed",
            Self::FunctionOutcomeUnknown(_) => "function_outcome_unknown",
            Self::Transfer(e) => e.kind().as_str(),
            Self::Storage(e) => storage_kind(e),
            Self::Store(_) => "store",
            Self::Vault(_) | Self::KeysMissing(_) => "vault",
            Self::File(_) => "file",
            Self::Internal(_) => "internal",
        }
    }

    /// The transfer layer's kind, where it is its error.
    pub fn transfer_kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Transfer(e) => Some(e.kind()),
            _ => None,
        }
    }

    /// Can the same request succeed later without anybody's help? Decides whether a failure policy retries.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Transfer(e) => transfer_may_pass(e),
            // A disk may be cleared.
            Self::Storage(e) => e.retry() || e.kind() == courier_storage::ErrorKind::Full,
            Self::Store(e) => e.may_pass(),
            // An unknown outcome is not among them: the function may run, and another trigger would be one too many.
            Self::FunctionFailed(_) | Self::Vault(_) | Self::Internal(_) => true,
            _ => false,
        }
    }
}

/// The word for a storage's error.
fn storage_kind(error: &courier_storage::Error) -> &'static str {
    use courier_storage::ErrorKind;
    match error.kind() {
        ErrorKind::Exists => "storage_exists",
        ErrorKind::NotFound => "storage_not_found",
        ErrorKind::Denied => "storage_denied",
        ErrorKind::Auth => "storage_auth",
        ErrorKind::Full => "storage_full",
        ErrorKind::Unreachable => "storage_unreachable",
        ErrorKind::Busy => "storage_busy",
        ErrorKind::Invalid => "storage_invalid",
        ErrorKind::Key => "storage_key",
        ErrorKind::Stopped => "storage_stopped",
        ErrorKind::Failed => "storage_failed",
    }
}

/// What the error says of itself counts, but for what must not be repeated and for what it can't know.
fn transfer_may_pass(error: &courier_transfer::Error) -> bool {
    match error.kind() {
        // Repeated, it locks accounts, or asks a server that is not the right one.
        ErrorKind::Auth
        | ErrorKind::HostKey
        | ErrorKind::HostKeyNotApproved
        | ErrorKind::Certificate
        | ErrorKind::NotFips
        | ErrorKind::Cancelled => false,
        // A disk may be cleared, a source rest, and what a server says by this it rarely means for ever.
        ErrorKind::Full
        | ErrorKind::Integrity
        | ErrorKind::Local
        | ErrorKind::Protocol
        | ErrorKind::Failed => true,
        ErrorKind::NotFound
        | ErrorKind::Denied
        | ErrorKind::AlreadyExists
        | ErrorKind::NotEmpty
        | ErrorKind::WrongKind
        | ErrorKind::Negotiation
        | ErrorKind::Unreachable
        | ErrorKind::Busy
        | ErrorKind::Timeout
        | ErrorKind::Lost
        | ErrorKind::Unsupported
        | ErrorKind::Invalid => error.retry() == Retry::Later,
    }
}

/// An error as it is kept with an execution, a step or a test.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Failure {
    /// [`Error::kind`].
    pub kind: String,
    /// Cause, expectation and fix, in words.
    pub message: String,
}

impl From<&courier_transfer::Error> for Failure {
    fn from(error: &courier_transfer::Error) -> Self {
        Self {
            kind: error.kind().as_str().into(),
            message: error.to_string(),
        }
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self {
            kind: error.kind().into(),
            message: error.to_string(),
        }
    }
}
