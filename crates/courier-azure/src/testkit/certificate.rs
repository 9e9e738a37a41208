//! Certificates: of an authority, of a server, of an application.

use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{SslAcceptor, SslAcceptorBuilder, SslMethod};
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509NameBuilder};

/// What a server's certificate has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA over P-256.
    P256,
    /// Ed25519, which FIPS mode does not allow.
    Ed25519,
}

/// A server's certificate for `localhost` and `127.0.0.1`, from an authority of its own.
pub struct Issued {
    authority: X509,
    certificate: X509,
    key: PKey<Private>,
}

impl Issued {
    /// With a key as servers have it.
    #[must_use]
    pub fn for_loopback() -> Self {
        Self::with_key(KeyKind::P256)
    }

    /// With this kind of key.
    #[must_use]
    pub fn with_key(kind: KeyKind) -> Self {
        let (authority_key, key) = (p256(), new_key(kind));
        let mut authority = builder("Fake authority", &authority_key);
        authority
            .append_extension(BasicConstraints::new().critical().ca().build().unwrap())
            .unwrap();
        let usage = KeyUsage::new()
            .critical()
            .key_cert_sign()
            .crl_sign()
            .build()
            .unwrap();
        authority.append_extension(usage).unwrap();
        authority.sign(&authority_key, MessageDigest::sha256()).unwrap();
        let authority = authority.build();

        let mut certificate = builder("localhost", &key);
        certificate.set_issuer_name(authority.subject_name()).unwrap();
        let names = SubjectAlternativeName::new()
            .dns("localhost")
            .ip("127.0.0.1")
            .build(&certificate.x509v3_context(Some(&authority), None))
            .unwrap();
        certificate.append_extension(names).unwrap();
        certificate
            .append_extension(ExtendedKeyUsage::new().server_auth().build().unwrap())
            .unwrap();
        certificate.sign(&authority_key, MessageDigest::sha256()).unwrap();
        Self {
            authority,
            certificate: certificate.build(),
            key,
        }
    }

    /// For this name, signed by itself and called an authority's, as `openssl req -x509` makes it; good for a day from so many
    /// days ago on.
    #[must_use]
    pub fn by_itself(name: &str, days_ago: u32) -> Self {
        let key = p256();
        let mut certificate = builder(name, &key);
        let now = jiff::Timestamp::now().as_second();
        let day = |days_ago: i64| Asn1Time::from_unix(now - days_ago * 86_400).unwrap();
        let from = i64::from(days_ago);
        certificate.set_not_before(&day(from)).unwrap();
        certificate.set_not_after(&day(from - 1)).unwrap();
        certificate
            .append_extension(BasicConstraints::new().critical().ca().build().unwrap())
            .unwrap();
        let names = SubjectAlternativeName::new()
            .dns(name)
            .build(&certificate.x509v3_context(None, None))
            .unwrap();
        certificate.append_extension(names).unwrap();
        certificate.sign(&key, MessageDigest::sha256()).unwrap();
        let certificate = certificate.build();
        Self {
            authority: certificate.clone(),
            certificate,
            key,
        }
    }

    /// The authority's certificate, as PEM: what `SSL_CERT_FILE` may name.
    #[must_use]
    pub fn authority_pem(&self) -> Vec<u8> {
        self.authority.to_pem().unwrap()
    }

    /// TLS for a server, as servers are usually set up.
    #[must_use]
    pub fn acceptor(&self) -> SslAcceptor {
        self.acceptor_with(|_| {})
    }

    /// The same, set up further.
    #[must_use]
    pub fn acceptor_with(&self, set_up: impl FnOnce(&mut SslAcceptorBuilder)) -> SslAcceptor {
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
        acceptor.set_certificate(&self.certificate).unwrap();
        acceptor.set_private_key(&self.key).unwrap();
        set_up(&mut acceptor);
        acceptor.build()
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued").finish_non_exhaustive()
    }
}

/// A certificate that an application signs itself: with its RSA key as PEM, and as it is registered.
#[must_use]
pub fn for_client() -> (Vec<u8>, X509) {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut certificate = builder("Fake application", &key);
    certificate.sign(&key, MessageDigest::sha256()).unwrap();
    let certificate = certificate.build();
    let pem = [
        key.private_key_to_pem_pkcs8().unwrap(),
        certificate.to_pem().unwrap(),
    ]
    .concat();
    (pem, certificate)
}

/// Writes a file of mode 0600.
pub fn write_private(path: &Path, bytes: &[u8]) {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .unwrap();
    file.write_all(bytes).unwrap();
}

fn new_key(kind: KeyKind) -> PKey<Private> {
    match kind {
        KeyKind::P256 => p256(),
        KeyKind::Ed25519 => PKey::generate_ed25519().unwrap(),
    }
}

fn p256() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

/// A certificate of this name, for this key, by itself, for a day.
fn builder(name: &str, key: &PKey<Private>) -> X509Builder {
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    let mut serial = BigNum::new().unwrap();
    serial.rand(128, MsbOption::MAYBE_ZERO, false).unwrap();
    builder
        .set_serial_number(&serial.to_asn1_integer().unwrap())
        .unwrap();
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(&subject).unwrap();
    builder
        .set_not_before(&Asn1Time::days_from_now(0).unwrap())
        .unwrap();
    builder
        .set_not_after(&Asn1Time::days_from_now(1).unwrap())
        .unwrap();
    builder.set_pubkey(key).unwrap();
    builder
}
