//! Why there is no answer.

use std::error::Error as StdError;
use std::io;
use std::iter;

use super::Limits;
use super::tls::is_authority;
use crate::error::{Error, ErrorKind};

/// In words, and of which kind.
pub(super) fn of(whom: &str, error: &reqwest::Error, limits: Limits, fips: bool) -> Error {
    let cause = innermost(error);
    // After it has connected, what was sent may have arrived, whatever TLS has to say.
    let tls = tls_error(error).filter(|_| error.is_connect());
    let (kind, words) = match tls {
        Some(rustls::Error::InvalidCertificate(why)) if is_authority(why) => (
            ErrorKind::Certificate,
            format!(
                "the certificate of {whom} was rejected: it is an authority's own, used as a server's; give the server one of its own (basicConstraints CA:FALSE), or name this very one by SSL_CERT_FILE"
            ),
        ),
        Some(rustls::Error::InvalidCertificate(why)) if !(fips && is_algorithm(why)) => (
            ErrorKind::Certificate,
            format!(
                "the certificate of {whom} was rejected ({cause}); if the address is right and it has certificates of an authority of your own, name that one's file by SSL_CERT_FILE"
            ),
        ),
        Some(tls) if fips && is_disagreement(tls) => (
            ErrorKind::NotFips,
            format!(
                "{whom} offers no TLS that FIPS mode allows ({cause}); AES-GCM over P-256 or P-384 and a certificate with RSA or ECDSA are needed"
            ),
        ),
        Some(rustls::Error::InvalidMessage(_)) => (
            ErrorKind::Unreachable,
            format!("{whom} does not speak TLS there ({cause}); see the port"),
        ),
        _ if error.is_builder() => (
            ErrorKind::Invalid,
            format!("the request to {whom} can't be made: {cause}"),
        ),
        // What ends while it connects, in whatever way, has sent nothing.
        _ if error.is_connect() && error.is_timeout() => (
            ErrorKind::Unreachable,
            format!(
                "{whom} can't be reached: no connection within {} seconds",
                limits.connect.as_secs_f32()
            ),
        ),
        _ if error.is_connect() => (
            ErrorKind::Unreachable,
            format!("{whom} can't be reached: {cause}"),
        ),
        _ if error.is_timeout() => (ErrorKind::Timeout, format!("{whom} did not answer in time")),
        _ if is_end(error) => (
            ErrorKind::Lost,
            format!("{whom} ended the connection before its answer was whole"),
        ),
        _ => (
            ErrorKind::Lost,
            format!("the connection to {whom} broke: {cause}"),
        ),
    };
    Error::new(kind, words)
}

/// Is it the certificate's algorithm that is not supported, and not the certificate?
fn is_algorithm(why: &rustls::CertificateError) -> bool {
    matches!(
        why,
        rustls::CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | rustls::CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
    )
}

/// Do both sides find nothing that they have in common?
fn is_disagreement(error: &rustls::Error) -> bool {
    match error {
        rustls::Error::PeerIncompatible(_) | rustls::Error::PeerMisbehaved(_) => true,
        rustls::Error::AlertReceived(alert) => matches!(
            alert,
            rustls::AlertDescription::HandshakeFailure
                | rustls::AlertDescription::InsufficientSecurity
                | rustls::AlertDescription::ProtocolVersion
                | rustls::AlertDescription::IllegalParameter
        ),
        rustls::Error::InvalidCertificate(why) => is_algorithm(why),
        _ => false,
    }
}

/// Did the other side end the connection without a word?
pub(super) fn is_end(error: &reqwest::Error) -> bool {
    below(error).any(|cause| {
        let io = cause.downcast_ref::<io::Error>();
        io.is_some_and(|io| io.kind() == io::ErrorKind::UnexpectedEof)
    })
}

/// The TLS library's own error, where it is at the bottom of this.
fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    below(error).find_map(|cause| cause.downcast_ref())
}

/// What is below an error, layer by layer.
fn below(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    iter::successors(error.source(), |&cause| {
        // An I/O error passes over the one that it holds.
        let io = cause.downcast_ref::<io::Error>();
        match io.and_then(io::Error::get_ref) {
            Some(held) => Some(held as &(dyn StdError + 'static)),
            None => cause.source(),
        }
    })
}

/// What is at the bottom of an error: each layer repeats the one below it, and the innermost says it best.
pub(super) fn innermost(error: &dyn StdError) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
