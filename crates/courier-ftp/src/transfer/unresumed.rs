//! Servers that want data connections to resume the control connection's TLS session, and don't take it.

use std::{sync::atomic::Ordering, time::Duration};

use courier_transfer::{Error, ErrorKind};

use super::Failed;
use crate::{codec::Reply, session::Session};

/// So young a session is forgotten by no server.
const YOUNG: Duration = Duration::from_secs(60);

/// What a failure in TLS means. Servers forget a TLS session after a while, most after an hour or two: then another session
/// is the way on, and this one is lost. Where it was never taken, there is no other way.
pub(super) fn judge(session: &Session, failed: Failed) -> Failed {
    if session.data_tls.is_none() {
        return failed;
    }
    let why = match &failed {
        Failed::Refused(reply) | Failed::Ended(reply) if misses_session(reply) => reply.to_string(),
        Failed::Error(error) if error.kind() == ErrorKind::Negotiation => error.message().to_owned(),
        _ => return failed,
    };
    if session.learnt.has_resumed.load(Ordering::Relaxed) || session.since.elapsed() > YOUNG {
        let health = session.health();
        health.lose(format!(
            "the server takes the control connection's TLS session for data connections no longer: {why}"
        ));
        return health.error().into();
    }
    match failed {
        Failed::Error(_) => failed,
        _ => Error::new(
            ErrorKind::Negotiation,
            format!(
                "the server does not take the data connection's TLS, which is to resume the control connection's session: \
                 {why}. Have its operator see to the sessions that it keeps, or switch off that it demands this (vsftpd: \
                 require_ssl_reuse=NO, ProFTPD: TLSOptions NoSessionReuseRequired)"
            ),
        )
        .into(),
    }
}

/// Does the reply say that a data connection's TLS failed, or resumes no session? vsftpd says 522 (RFC 4217 section 9),
/// ProFTPD that the operation is not permitted, FileZilla Server that the session was not resumed.
pub(super) fn misses_session(reply: &Reply) -> bool {
    const WORDS: [&str; 3] = ["session reuse", "resum", "operation not permitted"];
    let text = reply.text().to_lowercase();
    reply.code == 522 || reply.code == 425 && WORDS.iter().any(|word| text.contains(word))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn servers_say_it_in_their_ways() {
        let misses = |code, text: &str| {
            let lines = vec![text.into()];
            misses_session(&Reply { code, lines })
        };
        for (code, text) in [
            (
                522,
                "SSL connection failed; session reuse required: see require_ssl_reuse option",
            ),
            (425, "Unable to build data connection: Operation not permitted"),
            (
                425,
                "Unable to build data connection: TLS session of data connection not resumed.",
            ),
        ] {
            assert!(misses(code, text), "{text}");
        }
        for (code, text) in [
            (425, "Can't open data connection."),
            (425, "Unable to build data connection: Connection refused"),
            (550, "/resume.txt: Operation not permitted"),
        ] {
            assert!(!misses(code, text), "{text}");
        }
    }
}
