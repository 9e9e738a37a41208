//! What is wrong with the certificate of a control connection.
//!
//! OpenSSL checks it, but decides nothing: its callback notes each problem and lets the handshake go on, so that a refusal
//! can name all of them, and a pinned certificate is accepted whatever else is wrong with it. Who is asked then, before any
//! credential leaves, is the `TrustDecider`.

use std::sync::Arc;

use courier_transfer::CertificateProblem;
use openssl::{
    error::ErrorStack,
    ssl::{SslRef, SslVerifyMode},
    x509::{X509, X509Crl, X509Ref, X509StoreContextRef, X509VerifyResult},
};
use parking_lot::Mutex;

use super::{
    certificate::{distinguished_name, host_names, timestamp},
    host::Host,
    revocation,
};

/// Keys and hashes are judged as today, whatever the version floor lets into the handshake: 112 bits and more, no SHA-1.
const SECURITY_LEVEL: i32 = 2;

/// One thing that OpenSSL found.
struct Finding {
    /// What OpenSSL calls it (`X509_V_ERR_…`).
    result: X509VerifyResult,
    /// How far from the server's certificate, which is 0.
    depth: u32,
    /// The certificate that it concerns.
    certificate: Option<X509>,
}

/// What OpenSSL found on a line until now.
#[derive(Clone, Default)]
pub(super) struct Findings(Arc<Mutex<Vec<Finding>>>);

impl Findings {
    /// Has the server's certificate on that line checked for the host, and every problem noted.
    pub(super) fn collect(&self, ssl: &mut SslRef, host: &Host) -> Result<(), ErrorStack> {
        host.require(ssl)?;
        ssl.param_mut().set_auth_level(SECURITY_LEVEL);
        let findings = self.0.clone();
        ssl.set_verify_callback(SslVerifyMode::PEER, move |fine, checked| {
            if !fine {
                findings.lock().push(Finding::of(checked));
                // What comes later is looked for only where nothing was found before.
                checked.set_error(X509VerifyResult::OK);
            }
            true
        });
        Ok(())
    }

    /// Everything that is wrong with the certificate, each once, after the handshake.
    pub(super) fn problems(&self, ssl: &SslRef, host: &Host, lists: &[X509Crl]) -> Vec<CertificateProblem> {
        let mut problems = Vec::new();
        let mut add = |problem| {
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        };
        for finding in &*self.0.lock() {
            add(finding.problem(host));
        }
        if !lists.is_empty() {
            let chain: Vec<X509> = match ssl.verified_chain() {
                Some(chain) if !chain.is_empty() => chain.iter().map(ToOwned::to_owned).collect(),
                _ => ssl.peer_certificate().into_iter().collect(),
            };
            revocation::problems(lists, &chain).into_iter().for_each(add);
        }
        problems
    }
}

impl Finding {
    fn of(checked: &X509StoreContextRef) -> Self {
        Self {
            result: checked.error(),
            depth: checked.error_depth(),
            certificate: checked.current_cert().map(ToOwned::to_owned),
        }
    }

    /// In Courier's words. The codes are those of OpenSSL's `x509_vfy.h`.
    fn problem(&self, host: &Host) -> CertificateProblem {
        let certificate = self.certificate.as_deref();
        match self.result.as_raw() {
            9 => self.not_yet_valid(),
            10 => self.expired(),
            18 => CertificateProblem::SelfSigned,
            // No issuer in the chain and none in the trust store; or a root that is not in it.
            2 | 19 | 20 | 21 => CertificateProblem::UnknownIssuer,
            23 => CertificateProblem::Revoked,
            26 if self.depth == 0 => {
                CertificateProblem::Other("it is not meant for servers (extended key usage)".into())
            }
            62 | 64 => CertificateProblem::NameMismatch {
                host: host.to_string(),
                names: certificate.map(host_names).unwrap_or_default(),
            },
            66 | 67 => self.other(&match certificate.and_then(|c| c.public_key().ok()) {
                Some(key) => format!("its key is too weak ({} bits)", key.bits()),
                None => "its key is too weak".to_owned(),
            }),
            68 => self.other(
                &match certificate.map(|c| c.signature_algorithm().object().to_string()) {
                    Some(algorithm) => format!("it is signed with a hash that is too weak ({algorithm})"),
                    None => "it is signed with a hash that is too weak".to_owned(),
                },
            ),
            _ => self.other(self.result.error_string()),
        }
    }

    fn expired(&self) -> CertificateProblem {
        match self.certificate.as_ref().map(|c| timestamp(c.not_after())) {
            Some(Ok(at)) if self.depth == 0 => CertificateProblem::Expired(at),
            Some(Ok(at)) => self.other(&format!("expired on {at}")),
            _ => self.other("expired"),
        }
    }

    fn not_yet_valid(&self) -> CertificateProblem {
        match self.certificate.as_ref().map(|c| timestamp(c.not_before())) {
            Some(Ok(from)) if self.depth == 0 => CertificateProblem::NotYetValid(from),
            Some(Ok(from)) => self.other(&format!("not valid before {from}")),
            _ => self.other("not yet valid"),
        }
    }

    /// A problem in words, which say whose it is where it isn't the server's certificate.
    fn other(&self, what: &str) -> CertificateProblem {
        let whose = self
            .certificate
            .as_deref()
            .filter(|_| self.depth > 0)
            .map(subject);
        CertificateProblem::Other(match whose {
            Some(whose) => format!("the certificate of {whose}, in its chain: {what}"),
            None => what.to_owned(),
        })
    }
}

fn subject(certificate: &X509Ref) -> String {
    distinguished_name(certificate.subject_name())
}
