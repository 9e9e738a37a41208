//! What a server's refusal means: by its code as far as that says anything, by its text, and by a look where a caller takes
//! one.

use courier_transfer::{Error, ErrorKind, RemotePath, Retry};

use crate::codec::Reply;

/// A refusal, in the terms of the interface. Most servers say 550 for nearly everything, so the text is read.
pub(crate) fn refusal(reply: &Reply, path: &RemotePath) -> Error {
    let kind = match kind_of_text(reply, path) {
        Some(kind) => kind,
        None => kind_of_code(reply.code),
    };
    let error = Error::new(kind, format!("the server refused: {reply}")).with("path", path);
    // 4xx: the same may succeed later (RFC 959 section 4.2.1), unless the text knows better.
    match (kind, reply.code) {
        (ErrorKind::Failed, 400..=499) => error.with_retry(Retry::Later),
        _ => error,
    }
}

/// The same refusal, with a kind that was found out by looking.
pub(crate) fn of_kind(kind: ErrorKind, error: &Error, path: &RemotePath) -> Error {
    let found = match kind {
        ErrorKind::AlreadyExists => "something has that name already",
        ErrorKind::NotEmpty => "the directory is not empty",
        ErrorKind::NotFound => "nothing is there",
        ErrorKind::WrongKind => {
            "it is not of the kind that is needed (a file for a directory, or the reverse)"
        }
        _ => return Error::new(kind, error.message()).with("path", path),
    };
    Error::new(kind, format!("{found}; {}", error.message())).with("path", path)
}

/// A reply that no command of that kind has.
pub(crate) fn unexpected(what: &str, reply: &Reply, path: &RemotePath) -> Error {
    Error::new(
        ErrorKind::Protocol,
        format!("the server answered {what} with something else: {reply}"),
    )
    .with("path", path)
}

/// Is it worth a look what lies there, since the refusal does not say enough?
pub(crate) fn is_vague(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Failed | ErrorKind::NotFound | ErrorKind::Denied
    )
}

fn kind_of_code(code: u16) -> ErrorKind {
    match code {
        421 => ErrorKind::Lost,
        452 | 552 => ErrorKind::Full,
        500 | 502 | 504 => ErrorKind::Unsupported,
        521 => ErrorKind::AlreadyExists,
        530 | 532 | 533 | 534 => ErrorKind::Denied,
        _ => ErrorKind::Failed,
    }
}

/// What the text says, without the path in it: a file may be called `denied`.
fn kind_of_text(reply: &Reply, path: &RemotePath) -> Option<ErrorKind> {
    const TEXTS: [(&str, ErrorKind); 34] = [
        ("no space", ErrorKind::Full),
        ("disk full", ErrorKind::Full),
        ("quota", ErrorKind::Full),
        ("insufficient storage", ErrorKind::Full),
        ("insufficient disk", ErrorKind::Full),
        ("insufficient space", ErrorKind::Full),
        ("storage allocation", ErrorKind::Full),
        ("not empty", ErrorKind::NotEmpty),
        ("isn't empty", ErrorKind::NotEmpty),
        ("no such", ErrorKind::NotFound),
        ("not found", ErrorKind::NotFound),
        ("not exist", ErrorKind::NotFound),
        ("doesn't exist", ErrorKind::NotFound),
        ("cannot find", ErrorKind::NotFound),
        ("can't find", ErrorKind::NotFound),
        // What Pure-FTPd says of a file that is not there.
        ("can't check for file existence", ErrorKind::NotFound),
        ("exists", ErrorKind::AlreadyExists),
        ("already exist", ErrorKind::AlreadyExists),
        ("not a directory", ErrorKind::WrongKind),
        ("is a directory", ErrorKind::WrongKind),
        ("not a regular file", ErrorKind::WrongKind),
        ("only retrieve regular files", ErrorKind::WrongKind),
        ("not a plain file", ErrorKind::WrongKind),
        ("not a file", ErrorKind::WrongKind),
        ("denied", ErrorKind::Denied),
        // 521 of RFC 4217 section 7; elsewhere it is MKD's word for what exists.
        ("prot setting", ErrorKind::Denied),
        ("permission", ErrorKind::Denied),
        ("not permitted", ErrorKind::Denied),
        ("not allowed", ErrorKind::Denied),
        ("forbidden", ErrorKind::Denied),
        ("prohibited", ErrorKind::Denied),
        ("read-only", ErrorKind::Denied),
        ("not implemented", ErrorKind::Unsupported),
        ("not understood", ErrorKind::Unsupported),
    ];
    let mut text = reply.text().to_lowercase();
    let name = path.name().map(|name| name.to_text());
    for own in [path.to_text(), name.unwrap_or_default()] {
        // Shorter ones are parts of words.
        if own.len() > 3 {
            text = text.replace(&own.to_lowercase(), "");
        }
    }
    let found = TEXTS.iter().find(|(part, _)| text.contains(part));
    found.map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_texts_are_read() {
        let kind = |path: &str, code, text: &str| {
            let reply = Reply {
                code,
                lines: vec![text.into()],
            };
            refusal(&reply, &RemotePath::new(path).unwrap()).kind()
        };
        for (code, text, expected) in [
            (550, "Failed to open file.", ErrorKind::Failed),
            (550, "/a/b: No such file or directory", ErrorKind::NotFound),
            (450, "/a/b: No such file or directory", ErrorKind::NotFound),
            (550, "a: File exists", ErrorKind::AlreadyExists),
            (521, "done before", ErrorKind::AlreadyExists),
            (550, "The directory is not empty.", ErrorKind::NotEmpty),
            (550, "Permission denied.", ErrorKind::Denied),
            (553, "Could not create file.", ErrorKind::Failed),
            (552, "Requested file action aborted.", ErrorKind::Full),
            (451, "No space left on device", ErrorKind::Full),
            (530, "Please login with USER and PASS.", ErrorKind::Denied),
            (502, "Command not implemented.", ErrorKind::Unsupported),
            (425, "Can't open data connection.", ErrorKind::Failed),
        ] {
            assert_eq!(kind("/a/b", code, text), expected, "{code} {text}");
        }
        assert_eq!(kind("/x/denied", 550, "denied: failed"), ErrorKind::Failed);
    }

    #[test]
    fn what_may_pass_is_said_to() {
        let reply = |code| Reply {
            code,
            lines: vec![b"busy".to_vec()],
        };
        let path = RemotePath::home();
        assert_eq!(refusal(&reply(450), &path).retry(), Retry::Later);
        assert_eq!(refusal(&reply(550), &path).retry(), Retry::Never);
    }
}
