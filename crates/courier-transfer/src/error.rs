//! One error for every protocol: its kind, whether to retry, the operation, context and source.

use std::{error::Error as StdError, fmt, io};

/// The result of an operation on a server or a file.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as far as a caller can act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The object does not exist.
    NotFound,
    /// The server or the file system refuses.
    Denied,
    /// The target exists already.
    AlreadyExists,
    /// A directory is not empty.
    NotEmpty,
    /// A file where a directory was expected, or the reverse.
    WrongKind,
    /// The credentials were rejected.
    Auth,
    /// The host key is not the one expected.
    HostKey,
    /// The host key is not known, and somebody must approve it first.
    HostKeyNotApproved,
    /// The certificate is not acceptable.
    Certificate,
    /// No agreement on algorithms or protocol versions.
    Negotiation,
    /// FIPS mode does not allow what the connection is set to, or all that the server has.
    NotFips,
    /// The host could not be reached.
    Unreachable,
    /// The server takes no further session now.
    Busy,
    /// No answer within the time allowed.
    Timeout,
    /// The connection broke.
    Lost,
    /// Disk, quota or memory is exhausted.
    Full,
    /// The other side broke the protocol.
    Protocol,
    /// The server or the protocol cannot do this.
    Unsupported,
    /// The source changed, or what arrived is not what was sent.
    Integrity,
    /// The request or the configuration makes no sense.
    Invalid,
    /// Somebody cancelled.
    Cancelled,
    /// A local file operation failed.
    Local,
    /// Anything else that the server said.
    Failed,
}

impl ErrorKind {
    /// In snake_case, for logs and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Denied => "denied",
            Self::AlreadyExists => "already_exists",
            Self::NotEmpty => "not_empty",
            Self::WrongKind => "wrong_kind",
            Self::Auth => "auth",
            Self::HostKey => "host_key",
            Self::HostKeyNotApproved => "host_key_not_approved",
            Self::Certificate => "certificate",
            Self::Negotiation => "negotiation",
            Self::NotFips => "not_fips",
            Self::Unreachable => "unreachable",
            Self::Busy => "busy",
            Self::Timeout => "timeout",
            Self::Lost => "lost",
            Self::Full => "full",
            Self::Protocol => "protocol",
            Self::Unsupported => "unsupported",
            Self::Integrity => "integrity",
            Self::Invalid => "invalid",
            Self::Cancelled => "cancelled",
            Self::Local => "local",
            Self::Failed => "failed",
        }
    }

    fn default_retry(self) -> Retry {
        match self {
            Self::Unreachable | Self::Busy | Self::Timeout | Self::Lost => Retry::Later,
            _ => Retry::Never,
        }
    }
}

/// The operation of errors that say that a path leads out of the connection's base path, by which they are told from those
/// of a server that refuses.
pub const OUT_OF_BASE: &str = "stay below the base path";

/// Is it any use to try again?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    /// The same request gives the same answer until somebody acts.
    Never,
    /// It may pass by itself.
    Later,
}

/// An error of a transfer operation. Never holds a secret.
///
/// Its text reads `operation: message (key: value, …)`; the source, where there is one, follows
/// after a colon.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    retry: Retry,
    operation: Option<&'static str>,
    message: String,
    context: Vec<(&'static str, String)>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of that kind; `message` names the cause, what was expected and seen, and the fix.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            retry: kind.default_retry(),
            operation: None,
            message: message.into(),
            context: Vec::new(),
            source: None,
        }))
    }

    /// A local file operation that failed; a full disk and a denied folder keep their kind.
    pub fn local(error: io::Error, doing: impl fmt::Display, path: &std::path::Path) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::Denied,
            io::ErrorKind::AlreadyExists => ErrorKind::AlreadyExists,
            io::ErrorKind::DirectoryNotEmpty => ErrorKind::NotEmpty,
            io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => ErrorKind::WrongKind,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                ErrorKind::Full
            }
            _ => ErrorKind::Local,
        };
        Self::new(
            kind,
            format!("could not {doing} the local path {}: {error}", path.display()),
        )
        .with_source(error)
    }

    /// Names the operation (`upload`, `list`, …); the innermost name stays.
    #[must_use]
    pub fn in_operation(mut self, operation: &'static str) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }

    /// Adds a pair that helps to find the cause. Never a secret. The innermost value of a key stays, and nothing is
    /// said twice under two names.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        let value = value.to_string();
        if !self.0.context.iter().any(|(k, v)| *k == key || *v == value) {
            self.0.context.push((key, value));
        }
        self
    }

    /// Keeps the cause, for logs. Its text is not repeated in `Display`.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Overrides whether a retry is of use.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Is it any use to try again?
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// The operation that failed.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// Cause, expectation and fix, without operation and context.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The pairs added with [`with`](Self::with).
    pub fn context(&self) -> &[(&'static str, String)] {
        &self.0.context
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.0.operation {
            write!(f, "{operation}: ")?;
        }
        f.write_str(&self.0.message)?;
        for (i, (key, value)) in self.0.context.iter().enumerate() {
            write!(f, "{}{key}: {value}", if i == 0 { " (" } else { ", " })?;
        }
        if self.0.context.is_empty() {
            Ok(())
        } else {
            f.write_str(")")
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({}, {:?}): {self}", self.0.kind.as_str(), self.0.retry)?;
        if let Some(source) = &self.0.source {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|s| s as _)
    }
}

impl From<crate::InvalidPath> for Error {
    fn from(error: crate::InvalidPath) -> Self {
        Self::new(ErrorKind::Invalid, error.to_string())
    }
}
