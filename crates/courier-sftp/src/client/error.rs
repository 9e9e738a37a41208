//! What a server's refusal means.

use courier_transfer::{Error, ErrorKind, RemotePath};

use crate::codec::{Status, StatusCode};

/// A refusal, in the terms of the interface. Servers say FAILURE for nearly everything, so its text is read, too.
pub(super) fn refusal(status: &Status, path: &RemotePath) -> Error {
    let kind = match status.code {
        StatusCode::NO_SUCH_FILE | StatusCode::NO_SUCH_PATH => ErrorKind::NotFound,
        StatusCode::PERMISSION_DENIED | StatusCode::WRITE_PROTECT => ErrorKind::Denied,
        StatusCode::OP_UNSUPPORTED => ErrorKind::Unsupported,
        StatusCode::FILE_ALREADY_EXISTS => ErrorKind::AlreadyExists,
        StatusCode::NO_SPACE_ON_FILESYSTEM | StatusCode::QUOTA_EXCEEDED => ErrorKind::Full,
        StatusCode::DIR_NOT_EMPTY => ErrorKind::NotEmpty,
        StatusCode::NOT_A_DIRECTORY | StatusCode::FILE_IS_A_DIRECTORY => ErrorKind::WrongKind,
        StatusCode::BAD_MESSAGE => ErrorKind::Protocol,
        StatusCode::NO_CONNECTION | StatusCode::CONNECTION_LOST => ErrorKind::Lost,
        _ => kind_of_text(&status.message.to_lowercase()),
    };
    let says = match status.message.as_str() {
        "" => format!("the server refused with status {}", status.code.0),
        message => format!("the server refused: {message}"),
    };
    Error::new(kind, says).with("path", path)
}

fn kind_of_text(text: &str) -> ErrorKind {
    const TEXTS: [(&str, ErrorKind); 11] = [
        ("no space", ErrorKind::Full),
        ("disk full", ErrorKind::Full),
        ("quota", ErrorKind::Full),
        ("not empty", ErrorKind::NotEmpty),
        ("exists", ErrorKind::AlreadyExists),
        ("not a directory", ErrorKind::WrongKind),
        ("is a directory", ErrorKind::WrongKind),
        ("no such file", ErrorKind::NotFound),
        ("permission", ErrorKind::Denied),
        ("denied", ErrorKind::Denied),
        ("read-only", ErrorKind::Denied),
    ];
    TEXTS
        .iter()
        .find(|(part, _)| text.contains(part))
        .map_or(ErrorKind::Failed, |(_, kind)| *kind)
}

/// An answer that no request of that kind has.
pub(super) fn unexpected(what: &str, path: &RemotePath) -> Error {
    Error::new(
        ErrorKind::Protocol,
        format!("the server answered {what} with something else"),
    )
    .with("path", path)
}

/// The same refusal, with a kind that was found out by looking.
pub(super) fn of_kind(kind: ErrorKind, error: &Error, path: &RemotePath) -> Error {
    let found = match kind {
        ErrorKind::AlreadyExists => "something has that name already",
        ErrorKind::NotEmpty => "the directory is not empty",
        ErrorKind::WrongKind => {
            "it is not of the kind that is needed (a file for a directory, or the reverse)"
        }
        _ => "",
    };
    Error::new(kind, format!("{found}; {}", error.message())).with("path", path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_is_read() {
        let path = RemotePath::home();
        let kind = |code, message: &str| {
            refusal(
                &Status {
                    code,
                    message: message.into(),
                },
                &path,
            )
            .kind()
        };
        assert_eq!(
            kind(StatusCode::FAILURE, "write: No space left on device"),
            ErrorKind::Full
        );
        assert_eq!(
            kind(StatusCode::FAILURE, "Directory not empty"),
            ErrorKind::NotEmpty
        );
        assert_eq!(kind(StatusCode::FAILURE, "Failure"), ErrorKind::Failed);
        assert_eq!(kind(StatusCode(99), ""), ErrorKind::Failed);
    }
}
