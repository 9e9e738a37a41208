//! How a command ends: its exit code, and one line that names the cause and the fix.

use std::fmt;
use std::process::ExitCode;

use courier_transfer::{Error, ErrorKind};
use serde_json::{Value, json};

/// The exit codes, as the help text lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    /// Done.
    Done = 0,
    /// Failed for a reason without a code of its own.
    Failed = 1,
    /// The arguments make no sense.
    Usage = 2,
    /// The server rejected the credentials.
    Auth = 3,
    /// The server's host key or certificate is not trusted.
    Trust = 4,
    /// There is no such file, folder or object.
    NotFound = 5,
    /// The connection broke, could not be made, or gave no answer in time.
    Lost = 6,
    /// The server or the file system refuses.
    Denied = 7,
    /// Some of several files failed; the others are done.
    Partial = 8,
    /// Stopped by Ctrl-C.
    Interrupted = 130,
    /// Stopped by SIGTERM.
    Terminated = 143,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

impl From<ErrorKind> for Code {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::Denied => Self::Denied,
            ErrorKind::Auth => Self::Auth,
            ErrorKind::HostKey | ErrorKind::HostKeyNotApproved | ErrorKind::Certificate => Self::Trust,
            ErrorKind::Unreachable | ErrorKind::Busy | ErrorKind::Timeout | ErrorKind::Lost => Self::Lost,
            ErrorKind::Invalid => Self::Usage,
            ErrorKind::Cancelled => Self::Interrupted,
            ErrorKind::AlreadyExists
            | ErrorKind::NotEmpty
            | ErrorKind::WrongKind
            | ErrorKind::Negotiation
            | ErrorKind::NotFips
            | ErrorKind::Full
            | ErrorKind::Protocol
            | ErrorKind::Unsupported
            | ErrorKind::Integrity
            | ErrorKind::Local
            | ErrorKind::Failed => Self::Failed,
        }
    }
}

/// Why a command did not end well. Its text never holds a secret.
#[derive(Debug)]
pub(crate) struct Failure {
    code: Code,
    message: String,
    document: Value,
}

/// What a command gives back.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// A failure that ends with this code. The message is one line: cause, then fix.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        let message = message.into();
        let document = json!({ "exit_code": code as u8, "detail": message });
        Self {
            code,
            message,
            document,
        }
    }

    /// The arguments make no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        let message = message.into();
        let document = json!({ "exit_code": Code::Usage as u8, "kind": "usage", "detail": message });
        Self::new(Code::Usage, message).with_document(document)
    }

    /// With the problem document that the API answered.
    pub(crate) fn with_document(mut self, document: Value) -> Self {
        self.document = document;
        self
    }

    /// Ends with this code, and says nothing: what there was to say has been said.
    pub(crate) fn silent(code: Code) -> Self {
        Self::new(code, String::new())
    }

    /// Has everything been said already?
    pub(crate) fn is_silent(&self) -> bool {
        self.message.is_empty()
    }

    /// The exit code.
    pub(crate) fn code(&self) -> Code {
        self.code
    }

    /// What `--json` prints.
    pub(crate) fn document(&self) -> &Value {
        &self.document
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = Code::from(error.kind());
        let document = json!({
            "exit_code": code as u8,
            "kind": error.kind().as_str(),
            "detail": error.to_string(),
        });
        Self::new(code, error.to_string()).with_document(document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_the_documented_codes() {
        for (kind, code) in [
            (ErrorKind::Auth, 3),
            (ErrorKind::HostKey, 4),
            (ErrorKind::Certificate, 4),
            (ErrorKind::NotFound, 5),
            (ErrorKind::Lost, 6),
            (ErrorKind::Unreachable, 6),
            (ErrorKind::Busy, 6),
            (ErrorKind::Timeout, 6),
            (ErrorKind::Denied, 7),
            (ErrorKind::Full, 1),
        ] {
            assert_eq!(
                Failure::from(Error::new(kind, "x")).code() as u8,
                code,
                "{kind:?}"
            );
        }
    }
}
