//! One error for every storage: its kind, whether a later try helps, and what to do.

use std::{error::Error as StdError, fmt};

/// The result of an operation on a storage.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as far as a caller can act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The name is taken.
    Exists,
    /// The folder, bucket, container or object isn't there.
    NotFound,
    /// The credentials are good, but may not do this.
    Denied,
    /// The credentials are missing or were rejected.
    Auth,
    /// Disk or quota is exhausted.
    Full,
    /// The store could not be reached, or the line broke.
    Unreachable,
    /// The store asks to be called less often.
    Busy,
    /// The URL, the credentials or the store can't be used as they are.
    Invalid,
    /// No object of this storage can have this key.
    Key,
    /// The guard forbade it: somebody else may be doing this now.
    Stopped,
    /// Anything else.
    Failed,
}

impl ErrorKind {
    /// In snake_case, for logs and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exists => "exists",
            Self::NotFound => "not_found",
            Self::Denied => "denied",
            Self::Auth => "auth",
            Self::Full => "full",
            Self::Unreachable => "unreachable",
            Self::Busy => "busy",
            Self::Invalid => "invalid",
            Self::Key => "key",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What went wrong in a storage. The text names the cause and the fix and holds no secret.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of this kind. `message` is lower case, without a full stop, and names cause and fix.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// With the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What went wrong, as far as a caller can act on it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// May the same call succeed later, with nobody changing anything?
    pub fn retry(&self) -> bool {
        matches!(self.kind, ErrorKind::Unreachable | ErrorKind::Busy)
    }

    /// Would every other object meet the same error? So with all but a name that is taken, a key that can't be used, and a
    /// failure of one object.
    pub fn hits_all(&self) -> bool {
        !matches!(self.kind, ErrorKind::Exists | ErrorKind::Key | ErrorKind::Failed)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
