//! TLS: whom it trusts, and what it offers.

mod own;

use std::sync::{Arc, LazyLock};

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::{CipherSuite, ClientConfig, NamedGroup, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{AlgorithmIdentifier, CertificateDer, SignatureVerificationAlgorithm, alg_id};

use crate::error::{Error, ErrorKind, Result};
pub(super) use own::is_authority;
use own::{Known, Verifier};

/// Trusts what the system does, and these authorities.
pub(super) fn config(fips: bool, authorities_pem: &[u8]) -> Result<ClientConfig> {
    let invalid = |words: String| Error::new(ErrorKind::Invalid, words);
    let provider = if fips {
        approved()
    } else {
        aws_lc_rs::default_provider()
    };
    let provider = Arc::new(provider);
    let unable = |error: &dyn std::fmt::Display| invalid(format!("https can't be spoken here: {error}"));
    let (roots, known) = roots(authorities_pem).map_err(invalid)?;
    let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .map_err(|error| unable(&error))?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unable(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier { usual, known }))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // RFC 7627, as SP 800-52r2, 3.5 wants it.
    config.require_ems = fips;
    Ok(config)
}

fn roots(authorities_pem: &[u8]) -> std::result::Result<(RootCertStore, Known), String> {
    let (mut roots, mut known) = (RootCertStore::empty(), Known::default());
    for authority in CertificateDer::pem_slice_iter(authorities_pem) {
        let added = authority.map(|authority| {
            known.add(&authority);
            roots.add(authority)
        });
        if !matches!(added, Ok(Ok(()))) {
            return Err("an authority's certificate can't be read".to_owned());
        }
    }
    #[cfg(feature = "testkit")]
    for authority in TRUSTED.lock().iter().cloned() {
        known.add(&authority);
        let _ = roots.add(authority);
    }
    let found = rustls_native_certs::load_native_certs();
    found.certs.iter().for_each(|certificate| known.add(certificate));
    // One that can't be read vouches for nothing; the others still do.
    let (_, ignored) = roots.add_parsable_certificates(found.certs);
    if ignored > 0 {
        tracing::warn!(
            ignored,
            "certificates of authorities that this machine trusts can't be read"
        );
    }
    for error in &found.errors {
        tracing::warn!("the trust store of this machine could not be read: {error}");
    }
    if roots.is_empty() {
        return Err(
            "https can't be spoken here: no certificate of an authority was found; install the package ca-certificates, \
             or see whether SSL_CERT_FILE, where it is set, holds certificates"
                .to_owned(),
        );
    }
    Ok((roots, known))
}

/// Whom tests trust, beside.
#[cfg(feature = "testkit")]
static TRUSTED: parking_lot::Mutex<Vec<CertificateDer<'static>>> = parking_lot::Mutex::new(Vec::new());

#[cfg(feature = "testkit")]
#[allow(clippy::unwrap_used)]
pub(crate) fn trust(authorities_pem: &[u8]) {
    let authorities = CertificateDer::pem_slice_iter(authorities_pem).map(|authority| authority.unwrap());
    TRUSTED.lock().extend(authorities);
}

/// What FIPS mode allows: AES-GCM over P-256 and P-384, RSA and ECDSA (SP 800-52r2, 3.3; FIPS 186-5).
fn approved() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.retain(|suite| {
        matches!(
            suite.suite(),
            CipherSuite::TLS13_AES_128_GCM_SHA256
                | CipherSuite::TLS13_AES_256_GCM_SHA384
                | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
                | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
                | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
                | CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
        )
    });
    provider
        .kx_groups
        .retain(|group| matches!(group.name(), NamedGroup::secp256r1 | NamedGroup::secp384r1));
    provider.signature_verification_algorithms = WebPkiSupportedAlgorithms {
        all: &APPROVED_SIGNATURES.0,
        mapping: &APPROVED_SIGNATURES.1,
    };
    provider
}

type Algorithm = &'static dyn SignatureVerificationAlgorithm;
type Scheme = (SignatureScheme, &'static [Algorithm]);

/// How certificates and handshakes may be signed: all that the library knows, without Ed25519 and what may come to it.
static APPROVED_SIGNATURES: LazyLock<(Vec<Algorithm>, Vec<Scheme>)> = LazyLock::new(|| {
    const KEYS: [AlgorithmIdentifier; 4] = [
        alg_id::RSA_ENCRYPTION,
        alg_id::ECDSA_P256,
        alg_id::ECDSA_P384,
        alg_id::ECDSA_P521,
    ];
    let approved = |algorithm: &Algorithm| KEYS.contains(&algorithm.public_key_alg_id());
    let known = aws_lc_rs::default_provider().signature_verification_algorithms;
    (
        known.all.iter().copied().filter(approved).collect(),
        known
            .mapping
            .iter()
            .copied()
            .filter(|(_, algorithms)| algorithms.iter().all(approved))
            .collect(),
    )
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fips_mode_leaves_what_is_approved() {
        let provider = approved();
        let suites: Vec<_> = provider.cipher_suites.iter().map(|suite| suite.suite()).collect();
        assert_eq!(suites.len(), 6, "{suites:?}");
        assert_eq!(provider.kx_groups.len(), 2);
        let schemes = provider.signature_verification_algorithms.supported_schemes();
        assert_eq!(schemes.len(), 9, "{schemes:?}");
        assert!(!schemes.contains(&SignatureScheme::ED25519));
        for algorithm in provider.signature_verification_algorithms.all {
            assert_ne!(algorithm.public_key_alg_id(), alg_id::ED25519);
        }
    }
}
