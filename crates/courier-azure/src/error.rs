//! Why a request to Azure failed.

use std::time::Duration;

/// The result of a request to Azure.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of failure it is. Decides whether another attempt helps, and who has to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The name isn't known, or nobody answers there. Nothing was sent.
    Unreachable,
    /// No answer came in time.
    Timeout,
    /// The connection broke before the answer was whole.
    Lost,
    /// The server's certificate was rejected, before anything was sent.
    Certificate,
    /// FIPS mode does not allow the TLS that the server offers. Nothing was sent.
    NotFips,
    /// The service asks to be left alone for a while.
    Busy,
    /// The service failed by its own account (5xx).
    Failed,
    /// The key, the secret, the tenant or the token was refused.
    Auth,
    /// Who asks is known, and may not.
    Denied,
    /// What was asked for doesn't exist.
    NotFound,
    /// The workspace has none of the tables that runs of functions stand in.
    NoTable,
    /// The answer is none that the service gives: something else answers there.
    Protocol,
    /// The request or a setting can't be right.
    Invalid,
}

impl ErrorKind {
    /// Can the same request succeed later without anybody's help?
    #[must_use]
    pub fn may_pass(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::Timeout | Self::Lost | Self::Busy | Self::Failed
        )
    }

    /// Did a request that failed so surely not reach the service?
    #[must_use]
    pub fn nothing_sent(self) -> bool {
        matches!(self, Self::Unreachable | Self::Certificate | Self::NotFips)
    }
}

/// Why a request failed: the cause, what was expected, and what helps. Never holds a secret.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    retry_after: Option<Duration>,
}

impl Error {
    /// An error of this kind, in words.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retry_after: None,
        }
    }

    /// How long the service wants to be left alone.
    #[must_use]
    pub fn with_retry_after(mut self, pause: Option<Duration>) -> Self {
        self.retry_after = pause;
        self
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Its words.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// How long the service wants to be left alone, where it said so (`Retry-After`, RFC 9110, 10.2.3).
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}
