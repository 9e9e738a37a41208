//! Why a handshake failed, in words.
//!
//! OpenSSL's own words ("wrong version number") name the symptom. The cause follows from them together with the first
//! bytes of the server's answer, and with how far the handshake came.

use std::io;

use courier_transfer::{Error, ErrorKind};
use openssl::ssl;

use super::{
    fips,
    options::{Rules, TlsVersion},
};

/// What is known of a handshake beside OpenSSL's error.
pub(super) struct Handshake<'a> {
    /// The first bytes of the server's answer, as far as they were seen.
    pub(super) answer: &'a [u8],
    /// What the connection accepts.
    pub(super) rules: Rules,
    /// A session was offered, so version and cipher were agreed upon before.
    pub(super) resuming: bool,
    /// The server's certificate is known, so version and cipher were agreed upon, now or before.
    pub(super) came_to_certificates: bool,
    /// There is a certificate of this side.
    pub(super) has_client_certificate: bool,
}

impl Handshake<'_> {
    /// The error.
    pub(super) fn explain(&self, error: ssl::Error) -> Error {
        if let Some(words) = self.plain_text() {
            return Error::new(
                ErrorKind::Protocol,
                format!(
                    "the server answered in plain text where TLS was expected: {words:?}. If it is a port for explicit \
                     TLS (usually 21), set ftps_mode to explicit (ftpes://)"
                ),
            )
            .with_source(error);
        }
        if let Some(io) = error.io_error() {
            return broken(io).with_source(error);
        }
        let reason = reason(&error);
        let (kind, message) = match alert(&reason) {
            "" | EOF => (
                ErrorKind::Lost,
                "the server closed the connection during the TLS handshake".to_owned(),
            ),
            "wrong version number" | "http request" | "packet length too long" => (
                ErrorKind::Protocol,
                "the server answered with something else than TLS. If it is a port for explicit TLS (usually 21), set \
                 ftps_mode to explicit (ftpes://)"
                    .to_owned(),
            ),
            "unsupported protocol" | "protocol version" | "wrong ssl version" => self.version(),
            "handshake failure" if self.resuming => (
                ErrorKind::Negotiation,
                "the server refused to resume the control connection's TLS session".to_owned(),
            ),
            "handshake failure" if self.came_to_certificates => self.unaccepted(&reason),
            "handshake failure" if self.version_of_answer().is_some_and(|v| v < self.rules.floor) => {
                self.version()
            }
            "handshake failure" | "insufficient security" => (
                self.disagreement(),
                format!(
                    "the server and Courier have no cipher in common; {}",
                    self.older()
                ),
            ),
            "dh key too small" | "ee key too small" | "bad dh value" => (
                self.disagreement(),
                format!(
                    "the server's key exchange is too weak ({reason}); {}",
                    self.older()
                ),
            ),
            "legacy sigalg disallowed or unsupported"
            | "wrong signature type"
            | "no suitable signature algorithm" => (
                self.disagreement(),
                format!(
                    "the server signs its handshake with a hash that is too weak ({reason}); {}",
                    self.older()
                ),
            ),
            "unsafe legacy renegotiation disabled" => (
                ErrorKind::Negotiation,
                format!(
                    "the server does not know secure renegotiation (RFC 5746); {}",
                    self.older()
                ),
            ),
            "tlsv1 unrecognized name" => (
                ErrorKind::Negotiation,
                "the server has no host of that name: use the name that its certificate has".to_owned(),
            ),
            alert if is_about_client_certificate(alert) => client_certificate(&reason),
            _ => (
                ErrorKind::Negotiation,
                format!("the TLS handshake failed: {reason}"),
            ),
        };
        Error::new(kind, message).with_source(error)
    }

    /// The answer, where it isn't TLS: a record begins with a content type of 20 to 23 (RFC 8446 section 5.1).
    fn plain_text(&self) -> Option<String> {
        let first = self.answer.first()?;
        if (20..=23).contains(first) {
            return None;
        }
        let line = self.answer.split(|b| matches!(b, b'\r' | b'\n')).next()?;
        Some(String::from_utf8_lossy(line).chars().take(120).collect())
    }

    /// The version that the server speaks: that of its hello, else of the record that holds its alert.
    fn version_of_answer(&self) -> Option<TlsVersion> {
        match *self.answer {
            [22, _, _, _, _, 2, _, _, _, major, minor, ..] => TlsVersion::from_wire([major, minor]),
            // An alert to a hello that was not understood repeats the hello's 1.2.
            [21, major, minor, ..] => TlsVersion::from_wire([major, minor]).filter(|v| v.is_legacy()),
            _ => None,
        }
    }

    fn version(&self) -> (ErrorKind, String) {
        let demanded = self.rules.floor.number();
        if self.rules.fips {
            let message = format!("the server speaks no TLS {demanded} or newer; {}", fips::ALLOWED);
            return (ErrorKind::NotFips, message);
        }
        let message = match self.version_of_answer().filter(|v| *v < self.rules.floor) {
            Some(spoken) => format!(
                "the server speaks at most TLS {}, the connection demands {demanded}; lower tls_version_floor to {} if the \
                 partner can't do better",
                spoken.number(),
                spoken.as_str(),
            ),
            None => format!(
                "the server speaks no TLS {demanded} or newer, which the connection demands; lower tls_version_floor if the \
                 partner can't do better"
            ),
        };
        (ErrorKind::Negotiation, message)
    }

    /// A failure behind the certificates, which has no other cause than ours.
    fn unaccepted(&self, reason: &str) -> (ErrorKind, String) {
        client_certificate(if self.has_client_certificate {
            reason
        } else {
            "certificate required"
        })
    }

    /// Both sides have nothing in common.
    fn disagreement(&self) -> ErrorKind {
        match self.rules.fips {
            true => ErrorKind::NotFips,
            false => ErrorKind::Negotiation,
        }
    }

    /// The way out for servers that know nothing better.
    fn older(&self) -> String {
        if self.rules.fips {
            fips::ALLOWED.to_owned()
        } else if self.rules.floor.is_legacy() {
            "this version of Courier can't do with less".to_owned()
        } else {
            "if the partner can't do better, tls_version_floor tls_1_1 lets in what older servers have"
                .to_owned()
        }
    }
}

/// Why an established line broke. With TLS 1.3 a server says only now what it thinks of the client certificate.
pub(super) fn line_error(error: io::Error) -> Error {
    let reason = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<ssl::Error>())
        .map(reason);
    let (kind, message) = match reason.as_deref() {
        None => return broken(&error).with_source(error),
        Some("" | EOF) => (ErrorKind::Lost, "the server closed the connection".to_owned()),
        Some(reason) if is_about_client_certificate(reason) => client_certificate(reason),
        Some(reason @ ("bad record type" | "wrong version number")) => (
            ErrorKind::Lost,
            format!(
                "the TLS connection broke: the server sent something else in the middle of it ({reason}), as vsftpd does with \
                 \"500 OOPS\" where it can't go on; its own log or settings tell why"
            ),
        ),
        Some(reason) => (ErrorKind::Lost, format!("the TLS connection broke: {reason}")),
    };
    Error::new(kind, message).with_source(error)
}

/// What OpenSSL calls the end of a connection that was not announced.
const EOF: &str = "unexpected eof while reading";

/// OpenSSL's words for the first thing that went wrong; empty where it has none.
fn reason(error: &ssl::Error) -> String {
    let first = error.ssl_error().and_then(|stack| stack.errors().first());
    first.and_then(|e| e.reason()).unwrap_or_default().to_owned()
}

fn client_certificate(reason: &str) -> (ErrorKind, String) {
    let message = match alert(reason) {
        "certificate required" => {
            "the server wants a client certificate, and the connection has none: set client_certificate"
                .to_owned()
        }
        alert => format!(
            "the server rejected the client certificate ({alert}): have the partner register it, or replace it"
        ),
    };
    (ErrorKind::Auth, message)
}

/// An alert's own name, without what OpenSSL puts before it: `sslv3`, `ssl/tls` or a version, from one release to the next
/// another.
fn alert(reason: &str) -> &str {
    reason.split_once(" alert ").map_or(reason, |(_, name)| name)
}

/// Alerts that a server sends for a client's certificate (RFC 8446 section 6.2); this side never refuses one by an alert.
fn is_about_client_certificate(reason: &str) -> bool {
    matches!(
        alert(reason),
        "certificate required"
            | "bad certificate"
            | "unsupported certificate"
            | "certificate revoked"
            | "certificate expired"
            | "certificate unknown"
            | "unknown ca"
            | "access denied"
            | "no certificate"
    )
}

fn broken(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            Error::new(ErrorKind::Timeout, "the server did not answer in time during TLS")
        }
        _ => Error::new(ErrorKind::Lost, format!("the connection broke: {error}")),
    }
}
