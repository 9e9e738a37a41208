//! What all lines of a session have in common: versions, ciphers, trusted certificates, this side's certificate.

use openssl::{
    error::ErrorStack,
    nid::Nid,
    pkey::Id,
    ssl::{SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslRef},
    x509::{X509, store::X509StoreBuilder},
};

use super::{
    client_certificate::ClientCertificate,
    fips,
    options::{Rules, TlsVersion},
    resumption::Resumption,
};

/// TLS 1.3. AES-128-GCM is the fastest where the processor has AES, and strong enough for anything.
const CIPHERS_1_3: &str = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

/// Up to TLS 1.2: forward secrecy and authenticated encryption first; then what servers of ten years ago have.
const CIPHERS: &str = "ECDHE+AES128+AESGCM:ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AES128+AESGCM:DHE+AESGCM:DHE+CHACHA20:\
                       ECDHE+AES128:ECDHE+AES:DHE+AES128:DHE+AES:kRSA+AES128+AESGCM:kRSA+AESGCM:kRSA+AES128:kRSA+AES:\
                       !aNULL:!eNULL:!PSK:!SRP:!aDSS:!AESCCM";

/// `SSL_OP_LEGACY_SERVER_CONNECT`, which the `openssl` crate doesn't name.
const LEGACY_SERVER_CONNECT: u64 = 0x4;

/// Groups for the key exchange on a control connection: OpenSSL's own, with a key share (`*`) also of the one that many
/// servers have alone. Without it those ask for a second hello (RFC 8446 section 4.1.4).
const OFFERED: &str = "*X25519MLKEM768:*X25519:*P-256:X448:P-384:P-521:ffdhe2048:ffdhe3072";

/// Groups on a data connection, behind the one that was agreed on, which alone has a key share.
const GROUPS: [&str; 5] = ["X25519", "P-256", "P-384", "P-521", "X448"];

/// The context of a session's control connection.
pub(super) fn of_control(
    rules: Rules,
    trusted: &[X509],
    client_certificate: Option<&ClientCertificate>,
    resumption: &Resumption,
) -> Result<SslContext, ErrorStack> {
    let mut context = build(rules, client_certificate, resumption)?;
    match rules.fips {
        true => context.set_groups_list(&fips::GROUPS.join(":"))?,
        false => context.set_groups_list(OFFERED)?,
    }
    let mut store = X509StoreBuilder::new()?;
    for certificate in trusted {
        store.add_cert(certificate.clone())?;
    }
    context.set_cert_store(store.build());
    Ok(context.build())
}

/// The context of its data connections, which begin with the group that the control connection agreed on: a server that
/// has no other asks for a second hello otherwise (RFC 8446 section 4.1.4), one round trip more for each file.
pub(super) fn of_data(
    control: &SslRef,
    rules: Rules,
    client_certificate: Option<&ClientCertificate>,
    resumption: &Resumption,
) -> Result<SslContext, ErrorStack> {
    let mut context = build(rules, client_certificate, resumption)?;
    let known: &[&str] = match rules.fips {
        true => &fips::GROUPS,
        false => &GROUPS,
    };
    let agreed = group(control).filter(|agreed| known.contains(agreed));
    // Without one, OpenSSL's own order; in FIPS mode there is none.
    if agreed.is_some() || rules.fips {
        let others = known.iter().copied().filter(|group| Some(*group) != agreed);
        let groups: Vec<_> = agreed.into_iter().chain(others).collect();
        context.set_groups_list(&groups.join(":"))?;
    }
    Ok(context.build())
}

/// The group that a connection agreed on. `None` where OpenSSL's own order is right: for the hybrid that it offers first,
/// and for a key exchange without any.
fn group(ssl: &SslRef) -> Option<&'static str> {
    let key = ssl.peer_tmp_key().ok()?;
    match key.id() {
        Id::X25519 => Some("X25519"),
        Id::X448 => Some("X448"),
        Id::EC => match key.ec_key().ok()?.group().curve_name()? {
            Nid::X9_62_PRIME256V1 => Some("P-256"),
            Nid::SECP384R1 => Some("P-384"),
            Nid::SECP521R1 => Some("P-521"),
            _ => None,
        },
        _ => None,
    }
}

/// What both have in common.
fn build(
    rules: Rules,
    client_certificate: Option<&ClientCertificate>,
    resumption: &Resumption,
) -> Result<SslContextBuilder, ErrorStack> {
    let mut context = SslContext::builder(SslMethod::tls_client())?;
    allow(&mut context, rules)?;
    if let Some(certificate) = client_certificate {
        certificate.present(&mut context)?;
    }
    resumption.learn_from(&mut context);
    // A read that meets a ticket or a key update goes on to the data behind it.
    context.set_mode(SslMode::AUTO_RETRY);
    Ok(context)
}

/// Versions and ciphers. Only a floor below 1.2 lets in what its servers have: SHA-1, keys of 1024 bits, and
/// renegotiation as it was before RFC 5746.
fn allow(context: &mut SslContextBuilder, rules: Rules) -> Result<(), ErrorStack> {
    // Both bounds, so that no openssl.cnf of the machine has a say.
    context.set_min_proto_version(Some(rules.floor.ssl()))?;
    context.set_max_proto_version(Some(TlsVersion::Tls13.ssl()))?;
    if rules.fips {
        context.set_ciphersuites(fips::CIPHERS_1_3)?;
        context.set_cipher_list(fips::CIPHERS)?;
        context.set_sigalgs_list(fips::SIGNATURES)?;
    } else {
        context.set_ciphersuites(CIPHERS_1_3)?;
        context.set_cipher_list(CIPHERS)?;
    }
    if rules.floor.is_legacy() {
        context.set_security_level(0);
        context.set_options(SslOptions::from_bits_retain(LEGACY_SERVER_CONNECT));
    } else {
        context.set_security_level(2);
    }
    Ok(())
}
