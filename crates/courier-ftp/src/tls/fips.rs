//! What FIPS mode leaves of TLS: version 1.2 with ECDHE and AES-GCM, and 1.3 with AES-GCM; key agreement over P-256, P-384
//! and P-521; signatures over SHA-2 by RSA keys from 2048 bits or ECDSA keys on these curves.
//!
//! It is a choice of algorithms, made here: the OpenSSL that is built in has no validated module.

use openssl::{
    nid::Nid,
    pkey::{HasPublic, Id, PKeyRef},
    ssl::SslRef,
    x509::{X509, X509Ref},
};

/// Cipher suites of TLS 1.3.
pub(super) const CIPHERS_1_3: &str = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384";

/// Cipher suites of TLS 1.2.
pub(super) const CIPHERS: &str = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:\
                                  ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";

/// Groups for the key exchange.
pub(super) const GROUPS: [&str; 3] = ["P-256", "P-384", "P-521"];

/// Algorithms that a handshake is signed with.
pub(super) const SIGNATURES: &str = "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:\
                                     rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:\
                                     rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:\
                                     RSA+SHA256:RSA+SHA384:RSA+SHA512";

/// For errors: what is allowed, and the ways out.
pub(super) const ALLOWED: &str = "FIPS mode allows TLS 1.2 and 1.3 with ECDHE over P-256, P-384 or P-521, AES-GCM and SHA-2, and \
                                  certificates with RSA keys from 2048 bits or ECDSA keys on these curves; have the server \
                                  offer them, or an admin exempt the connection (fips_override)";

/// What a key is, where FIPS mode does not allow it.
///
/// # Errors
/// Its type, in words.
pub(super) fn check_key<T: HasPublic>(key: &PKeyRef<T>) -> Result<(), String> {
    let curve = || Some(key.ec_key().ok()?.group().curve_name());
    match key.id() {
        Id::RSA | Id::RSA_PSS if key.bits() >= 2048 => Ok(()),
        Id::RSA | Id::RSA_PSS => Err(format!("RSA with {} bits", key.bits())),
        Id::EC => match curve().flatten() {
            Some(Nid::X9_62_PRIME256V1 | Nid::SECP384R1 | Nid::SECP521R1) => Ok(()),
            Some(other) => Err(format!(
                "ECDSA on {}",
                other.short_name().unwrap_or("another curve")
            )),
            None => Err("ECDSA on a curve without a name".into()),
        },
        Id::ED25519 => Err("Ed25519".into()),
        Id::ED448 => Err("Ed448".into()),
        Id::DSA => Err("DSA".into()),
        _ => Err("of another type".into()),
    }
}

/// Why FIPS mode does not allow a server to prove itself by this certificate.
pub(super) fn refusal(presented: &X509Ref) -> Option<String> {
    let key = match presented.public_key() {
        Ok(key) => check_key(&key).err()?,
        Err(_) => "not readable".to_owned(),
    };
    super::forget_errors();
    Some(format!(
        "the key of the server's certificate is {key}, which FIPS mode does not allow. No credential was sent. {ALLOWED}"
    ))
}

/// What FIPS mode does not allow among the certificates that vouch for the server, in words: keys, and signatures other than
/// those of roots, which nobody checks.
pub(super) fn problems(ssl: &SslRef) -> Vec<String> {
    let chain: Vec<X509> = match ssl.verified_chain() {
        Some(chain) if !chain.is_empty() => chain.iter().map(ToOwned::to_owned).collect(),
        _ => ssl.peer_certificate().into_iter().collect(),
    };
    let mut problems = Vec::new();
    for certificate in &chain {
        let whose = super::certificate::distinguished_name(certificate.subject_name());
        let key = certificate
            .public_key()
            .ok()
            .and_then(|key| check_key(&key).err());
        if let Some(key) = key {
            problems.push(format!("FIPS mode does not allow the key of {whose} ({key})"));
        }
        let is_root = certificate.issued(certificate) == openssl::x509::X509VerifyResult::OK;
        let signature = certificate.signature_algorithm().object();
        if !is_root && !is_approved_signature(signature.nid()) {
            problems.push(format!(
                "FIPS mode does not allow the signature of the certificate of {whose} ({signature})"
            ));
        }
    }
    super::forget_errors();
    problems
}

fn is_approved_signature(algorithm: Nid) -> bool {
    matches!(
        algorithm,
        Nid::SHA256WITHRSAENCRYPTION
            | Nid::SHA384WITHRSAENCRYPTION
            | Nid::SHA512WITHRSAENCRYPTION
            // Of its hash OpenSSL judges the strength, as of any.
            | Nid::RSASSAPSS
            | Nid::ECDSA_WITH_SHA256
            | Nid::ECDSA_WITH_SHA384
            | Nid::ECDSA_WITH_SHA512
    )
}
