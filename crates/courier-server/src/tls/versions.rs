//! What is offered to clients: versions, cipher suites, groups.

use std::sync::Arc;

use rustls::{
    CipherSuite, NamedGroup, ServerConfig, SignatureAlgorithm, SupportedProtocolVersion,
    crypto::{CryptoProvider, aws_lc_rs},
    sign::{CertifiedKey, SingleCertAndKey},
    version::{TLS12, TLS13},
};

use crate::config::TlsVersion;

/// What HTTP clients agree on. The server has no HTTP/2.
const ALPN: &[u8] = b"http/1.1";

/// Everything that the library offers: TLS 1.2 and 1.3, with forward secrecy and authenticated encryption only.
pub(super) fn usual(min: TlsVersion, key: &Arc<CertifiedKey>) -> Result<ServerConfig, rustls::Error> {
    config(aws_lc_rs::default_provider(), min, key)
}

/// What FIPS mode allows: AES-GCM over P-256 and P-384, in TLS 1.2 with the extended master secret (SP 800-52r2, 3.5;
/// RFC 7627). `None` where the key is not of an approved type.
pub(super) fn approved(
    min: TlsVersion,
    key: &Arc<CertifiedKey>,
) -> Option<Result<ServerConfig, rustls::Error>> {
    // AWS-LC takes no RSA key of less than 2048 bits, and no curves but P-256, P-384 and P-521.
    if !matches!(
        key.key.algorithm(),
        SignatureAlgorithm::RSA | SignatureAlgorithm::ECDSA
    ) {
        return None;
    }
    let mut provider = aws_lc_rs::default_provider();
    provider
        .cipher_suites
        .retain(|suite| is_approved_suite(suite.suite()));
    provider
        .kx_groups
        .retain(|group| matches!(group.name(), NamedGroup::secp256r1 | NamedGroup::secp384r1));
    Some(config(provider, min, key).map(|mut config| {
        config.require_ems = true;
        config
    }))
}

fn is_approved_suite(suite: CipherSuite) -> bool {
    matches!(
        suite,
        CipherSuite::TLS13_AES_128_GCM_SHA256
            | CipherSuite::TLS13_AES_256_GCM_SHA384
            | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
            | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
    )
}

fn config(
    provider: CryptoProvider,
    min: TlsVersion,
    key: &Arc<CertifiedKey>,
) -> Result<ServerConfig, rustls::Error> {
    let versions: &[&SupportedProtocolVersion] = match min {
        TlsVersion::Tls12 => &[&TLS13, &TLS12],
        TlsVersion::Tls13 => &[&TLS13],
    };
    let resolver = SingleCertAndKey::from(CertifiedKey::clone(key));
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}
