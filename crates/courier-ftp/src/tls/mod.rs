//! TLS of a session (RFC 4217, specification 6.13): one control connection, and data connections that resume its session.

mod certificate;
mod client_certificate;
mod context;
mod fips;
mod handshake;
mod host;
mod options;
mod pem;
mod resumption;
mod revocation;
mod trust_store;
mod verify;

#[cfg(test)]
#[allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
mod tests;

use std::{
    fmt, future,
    io::{self, Read, Write},
    pin::Pin,
    sync::Arc,
};

use courier_transfer::{Certificate, CertificateProblem, Error, ErrorKind, Result, Thumbprint};
use jiff::Timestamp;
use openssl::{
    error::ErrorStack,
    ssl::{Ssl, SslContext, SslRef, SslStream, SslVerifyMode, SslVersion},
    x509::X509Crl,
};
use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};
use tokio::{io::ReadBuf, net::TcpStream};

pub(crate) use self::options::{TlsOptions, TlsVersion};
use self::{
    client_certificate::ClientCertificate, handshake::Handshake, host::Host, options::Rules,
    resumption::Resumption, trust_store::TrustStore, verify::Findings,
};

/// Of the server's first answer, what is looked at where a handshake fails.
const ANSWER: usize = 256;

/// Can this PEM text be used as a client certificate? The error says why not, and holds nothing of it.
pub(crate) fn check_client_certificate(pem: &SecretString) -> Result<(), String> {
    ClientCertificate::parse(pem.expose_secret()).map(drop)
}

/// When the client certificate in this PEM text ends; `None` where it can't be used at all.
pub(crate) fn client_certificate_ends(pem: &SecretString) -> Option<Timestamp> {
    ClientCertificate::parse(pem.expose_secret()).ok()?.ends()
}

/// Why this PEM text can't be used as a client certificate in FIPS mode; `None` where it can, or can't be used at all.
pub(crate) fn client_certificate_not_fips(pem: &SecretString) -> Option<String> {
    ClientCertificate::parse(pem.expose_secret()).ok()?.not_fips()
}

/// Can this PEM text be used as a list of revoked certificates? The error says why not.
pub(crate) fn check_crl(pem: &str) -> Result<(), String> {
    revocation::parse(pem).map(drop)
}

/// TLS of one session. Clones are the same session.
#[derive(Clone)]
pub(crate) struct Tls(Arc<Inner>);

struct Inner {
    host: Host,
    rules: Rules,
    revoked: Vec<X509Crl>,
    trust_store: Arc<TrustStore>,
    client_certificate: Option<ClientCertificate>,
    resumption: Resumption,
    control: SslContext,
    /// Once there is a control connection.
    agreed: Mutex<Option<Agreed>>,
}

/// What data connections take over from the control connection.
struct Agreed {
    certificate: Thumbprint,
    context: SslContext,
}

/// A control connection in TLS.
pub(crate) struct TlsControl {
    /// The line.
    pub(crate) stream: tokio_openssl::SslStream<TcpStream>,
    /// The server's certificate, and all that is wrong with it.
    pub(crate) certificate: Certificate,
    /// Version and cipher, and what is weak in them: `TLSv1.3, TLS_AES_128_GCM_SHA256`.
    pub(crate) negotiated: String,
    /// Why FIPS mode refuses the server's certificate, where it rules the session and does.
    pub(crate) not_fips: Option<String>,
}

impl Tls {
    /// TLS to a host, which may be a name or an address. Reads the system's trust store, the first time in a while.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: a host, list of revoked certificates or client certificate that is none.
    /// [`ErrorKind::NotFips`]: a client certificate that FIPS mode does not allow.
    pub(crate) fn new(
        options: &TlsOptions,
        host: &str,
        client_certificate: Option<&SecretString>,
    ) -> Result<Self> {
        Self::trusting(trust_store::system(), options, host, client_certificate)
    }

    fn trusting(
        trust_store: Arc<TrustStore>,
        options: &TlsOptions,
        host: &str,
        client_certificate: Option<&SecretString>,
    ) -> Result<Self> {
        let invalid = |message: String| Error::new(ErrorKind::Invalid, message);
        let host = Host::parse(host)?;
        let revoked = match &options.crl_pem {
            Some(pem) => revocation::parse(pem).map_err(invalid)?,
            None => Vec::new(),
        };
        let client_certificate = client_certificate
            .map(|pem| ClientCertificate::parse(pem.expose_secret()))
            .transpose()
            .map_err(invalid)?;
        let not_fips = client_certificate
            .as_ref()
            .filter(|_| options.fips)
            .and_then(ClientCertificate::not_fips);
        if let Some(why) = not_fips {
            return Err(Error::new(
                ErrorKind::NotFips,
                format!("the client certificate {why}"),
            ));
        }
        let resumption = Resumption::default();
        let rules = options.rules();
        let control = context::of_control(
            rules,
            &trust_store.certificates,
            client_certificate.as_ref(),
            &resumption,
        )
        .map_err(|error| match &client_certificate {
            Some(_) => invalid(format!(
                "the client certificate can't be used: {}",
                error
                    .errors()
                    .first()
                    .and_then(|e| e.reason())
                    .unwrap_or("unknown cause")
            )),
            None => setup(error),
        })?;
        Ok(Self(Arc::new(Inner {
            host,
            rules,
            revoked,
            trust_store,
            client_certificate,
            resumption,
            control,
            agreed: Mutex::new(None),
        })))
    }

    /// Handshake of the control connection. The certificate is verified, but none is refused: what is wrong stands in
    /// [`Certificate::problems`], and the caller asks the `TrustDecider` before anything secret is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Negotiation`], [`ErrorKind::Protocol`], [`ErrorKind::Auth`] (the client certificate) or
    /// [`ErrorKind::Lost`], in words. Sets no limit of time.
    pub(crate) async fn control(&self, tcp: TcpStream) -> Result<TlsControl> {
        let inner = &*self.0;
        inner.resumption.forget();
        *inner.agreed.lock() = None;
        let findings = Findings::default();
        let mut ssl = self.line(&inner.control).map_err(setup)?;
        findings.collect(&mut ssl, &inner.host).map_err(setup)?;
        let mut stream = tokio_openssl::SslStream::new(ssl, tcp).map_err(setup)?;
        let mut bytes = [0; ANSWER];
        let mut answer = ReadBuf::new(&mut bytes);
        let connected = future::poll_fn(|cx| {
            // Before OpenSSL takes it, the answer to the hello is looked at, or what was said without a hello.
            if answer.filled().is_empty() {
                let _ = stream.get_ref().poll_peek(cx, &mut answer);
            }
            Pin::new(&mut stream).poll_connect(cx)
        })
        .await;
        if let Err(error) = connected {
            return Err(self
                .handshake(answer.filled(), stream.ssl(), false)
                .explain(error));
        }
        let ssl = stream.ssl();
        let presented = ssl.peer_certificate().ok_or_else(no_certificate)?;
        let mut problems = findings.problems(ssl, &inner.host, &inner.revoked);
        if problems.contains(&CertificateProblem::UnknownIssuer) {
            problems.extend(inner.trust_store.problem.clone().map(CertificateProblem::Other));
        }
        let not_fips = match inner.rules.fips {
            true => {
                problems.extend(fips::problems(ssl).into_iter().map(CertificateProblem::Other));
                fips::refusal(&presented)
            }
            false => None,
        };
        let certificate = certificate::describe(&presented, problems)?;
        let client_certificate = inner.client_certificate.as_ref();
        let context = context::of_data(ssl, inner.rules, client_certificate, &inner.resumption);
        forget_errors();
        *inner.agreed.lock() = Some(Agreed {
            certificate: certificate.thumbprint,
            context: context.map_err(setup)?,
        });
        let negotiated = negotiated(ssl);
        Ok(TlsControl {
            stream,
            certificate,
            negotiated,
            not_fips,
        })
    }

    /// Handshake of a data connection, which resumes the control connection's session and must be of the same server.
    /// Blocks; a limit of time is the stream's. OpenSSL takes a record's head and body apart, so a buffer belongs below.
    ///
    /// # Errors
    /// As [`control`](Self::control); [`ErrorKind::Certificate`] where the certificate is not the control connection's,
    /// [`ErrorKind::Timeout`] where the stream's time was over.
    pub(crate) fn data<S: Read + Write>(&self, stream: S) -> Result<SslStream<S>> {
        let inner = &*self.0;
        let (expected, mut ssl) = match &*inner.agreed.lock() {
            Some(agreed) => (agreed.certificate, self.line(&agreed.context).map_err(setup)?),
            None => {
                let message = "there is no control connection in TLS";
                return Err(Error::new(ErrorKind::Invalid, message));
            }
        };
        // Compared with the control connection's below, which was decided upon.
        ssl.set_verify(SslVerifyMode::NONE);
        let offered = inner.resumption.offer(&mut ssl).map_err(setup)?;
        let mut stream = SslStream::new(ssl, stream).map_err(setup)?;
        if let Err(error) = stream.connect() {
            return Err(self.handshake(&[], stream.ssl(), offered).explain(error));
        }
        let ssl = stream.ssl();
        let presented = ssl.peer_certificate().ok_or_else(no_certificate)?;
        let presented = certificate::thumbprint(&presented).map_err(setup)?;
        if presented != expected {
            return Err(Error::new(
                ErrorKind::Certificate,
                format!(
                    "the data connection presented another certificate ({presented}) than the control connection \
                     ({expected}), so it may be of another server; nothing was sent"
                ),
            ));
        }
        tracing::trace!(
            resumed = ssl.session_reused(),
            offered,
            negotiated = negotiated(ssl),
            "data connection in TLS"
        );
        Ok(stream)
    }

    /// Why an established line can't be read or written, in words: its end ([`ErrorKind::Lost`]), or a client certificate
    /// that the server wants or rejects ([`ErrorKind::Auth`]), which with TLS 1.3 it says only after the handshake.
    pub(crate) fn line_error(&self, error: io::Error) -> Error {
        handshake::line_error(error)
    }

    /// A line of this session.
    fn line(&self, context: &SslContext) -> Result<Ssl, ErrorStack> {
        let mut ssl = Ssl::new(context)?;
        self.0.host.indicate(&mut ssl)?;
        Ok(ssl)
    }

    fn handshake<'a>(&self, answer: &'a [u8], ssl: &SslRef, resuming: bool) -> Handshake<'a> {
        Handshake {
            answer,
            rules: self.0.rules,
            resuming,
            came_to_certificates: ssl.peer_certificate().is_some(),
            has_client_certificate: self.0.client_certificate.is_some(),
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("host", &self.0.host)
            .field("rules", &self.0.rules)
            .field("has_client_certificate", &self.0.client_certificate.is_some())
            .field("resumption", &self.0.resumption)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TlsControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsControl")
            .field("certificate", &self.certificate)
            .field("negotiated", &self.negotiated)
            .finish_non_exhaustive()
    }
}

fn negotiated(ssl: &SslRef) -> String {
    let cipher = ssl.current_cipher().map_or("no cipher", |cipher| {
        cipher.standard_name().unwrap_or(cipher.name())
    });
    let version = ssl.version_str();
    let mut weak = Vec::new();
    if matches!(ssl.version2(), Some(SslVersion::TLS1 | SslVersion::TLS1_1)) {
        weak.push(version);
    }
    if cipher.starts_with("TLS_RSA_") {
        weak.push("no forward secrecy");
    }
    if cipher.contains("_CBC_") {
        weak.push("CBC mode");
    }
    let weak = match weak.is_empty() {
        true => String::new(),
        false => format!("; weak: {}", weak.join(", ")),
    };
    format!("{version}, {cipher}{weak}")
}

fn no_certificate() -> Error {
    Error::new(ErrorKind::Protocol, "the server presented no certificate")
}

/// OpenSSL notes what goes wrong in a queue of the thread, also where the answer is a plain no, and takes what lies there for
/// the error of the next line that this thread reads. So whoever asked it for a yes or no leaves nothing behind.
fn forget_errors() {
    drop(ErrorStack::get());
}

/// Nothing that a server or a setting can cause.
fn setup(error: ErrorStack) -> Error {
    Error::new(ErrorKind::Failed, "OpenSSL could not be set up").with_source(error)
}
