//! Certificates: of an authority, of the key vault, of the application.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509NameBuilder};

/// A certificate of the key vault's, from an authority of its own.
pub(super) struct Issued {
    pub(super) authority_pem: Vec<u8>,
    certificate: X509,
    key: PKey<Private>,
}

impl Issued {
    pub(super) fn for_loopback() -> Self {
        let (authority_key, key) = (new_key(), new_key());
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
            authority_pem: authority.to_pem().unwrap(),
            certificate: certificate.build(),
            key,
        }
    }

    pub(super) fn acceptor(&self) -> SslAcceptor {
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
        acceptor.set_certificate(&self.certificate).unwrap();
        acceptor.set_private_key(&self.key).unwrap();
        acceptor.build()
    }
}

/// A certificate that an application signs itself, with its key as PEM.
pub(super) fn for_client() -> (Vec<u8>, X509) {
    let key = new_key();
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

pub(super) fn write_private(path: &Path, bytes: &[u8]) {
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

fn new_key() -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()
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
