//! Certificates of this side.

use courier_transfer::ErrorKind;
use openssl::{
    error::ErrorStack,
    ssl::{SslContextBuilder, SslVerifyMode, SslVersion},
    symm::Cipher,
    x509::store::X509StoreBuilder,
};

use super::*;
use crate::tls::check_client_certificate;

/// A server that wants a client certificate of that authority.
fn demanding(server: &Identity, clients: &Authority, version: SslVersion) -> SslContextBuilder {
    let mut context = server::context(server, &[]);
    context.set_max_proto_version(Some(version)).unwrap();
    context.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    let mut store = X509StoreBuilder::new().unwrap();
    store.add_cert(clients.0.certificate.clone()).unwrap();
    context.set_cert_store(store.build());
    context
}

#[tokio::test]
async fn the_server_gets_the_one_it_wants_on_each_line() {
    let authority = Authority::new("Authority");
    let identity = authority.issue(&Request::server(&[HOST]));
    let partner = authority.issue(&Request::client("partner"));
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let server = Server::of(demanding(&identity, &authority, version));
        let tls = tls_with(&authority, HOST, &TlsOptions::default(), Some(&partner));
        let _control = control(&tls, &server).await.unwrap();
        for _ in 0..3 {
            drop(
                tls.data(std::net::TcpStream::connect(server.address).unwrap())
                    .unwrap(),
            );
            assert!(server.seen().resumed);
        }
    }
}

#[tokio::test]
async fn without_one_or_with_a_wrong_one_the_server_says_so() {
    let authority = Authority::new("Authority");
    let identity = authority.issue(&Request::server(&[HOST]));
    let stranger = Authority::new("Stranger").issue(&Request::client("partner"));
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let server = Server::of(demanding(&identity, &authority, version));
        for (client, words) in [
            (None, "wants a client certificate, and the connection has none"),
            (Some(&stranger), "rejected the client certificate (unknown ca)"),
        ] {
            let tls = tls_with(&authority, HOST, &TlsOptions::default(), client);
            let refused = control(&tls, &server).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Auth, "{version:?} {refused:?}");
            assert!(refused.message().contains(words), "{version:?} {refused:?}");
        }
    }
}

#[test]
fn blocks_may_come_in_any_order() {
    let authority = Authority::new("Authority");
    let below = authority.subordinate("Subordinate");
    let partner = below.issue(&Request::client("partner"));
    let rsa = below.issue(&Request::client("partner").rsa(2048));
    let key =
        |identity: &Identity| String::from_utf8(identity.key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    let traditional = String::from_utf8(rsa.key.rsa().unwrap().private_key_to_pem().unwrap()).unwrap();
    for text in [
        partner.pem(),
        partner.certificate_pem() + &key(&partner),
        "words\n".to_owned() + &below.0.certificate_pem() + &key(&partner) + &partner.certificate_pem(),
        rsa.certificate_pem() + &traditional,
        rsa.pem().replace('\n', "\r\n"),
    ] {
        assert_eq!(check_client_certificate(&text.into()), Ok(()));
    }
    // Else the next line that this thread reads would fail for it.
    assert!(ErrorStack::get().errors().is_empty());
}

#[test]
fn what_is_missing_or_encrypted_is_told_without_its_content() {
    let authority = Authority::new("Authority");
    let partner = authority.issue(&Request::client("partner"));
    let other = authority.issue(&Request::client("other"));
    let encrypted = partner
        .key
        .private_key_to_pem_pkcs8_passphrase(Cipher::aes_128_cbc(), b"passphrase")
        .unwrap();
    let encrypted = String::from_utf8(encrypted).unwrap();
    let rsa = authority.issue(&Request::client("partner").rsa(2048));
    let traditional = rsa
        .key
        .rsa()
        .unwrap()
        .private_key_to_pem_passphrase(Cipher::aes_128_cbc(), b"passphrase")
        .unwrap();
    let traditional = String::from_utf8(traditional).unwrap();
    let key = partner.pem().replace(&partner.certificate_pem(), "");
    let secret = key.lines().nth(1).unwrap();
    let damaged = key.replace(secret, &secret.to_lowercase());
    let openssh =
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE=\n-----END OPENSSH PRIVATE KEY-----\n";
    for (text, words) in [
        (partner.certificate_pem(), "has no key"),
        (key.clone(), "no CERTIFICATE block"),
        (key.clone() + &other.certificate_pem(), "belongs to none"),
        (partner.pem() + &other.pem(), "several keys"),
        (encrypted + &partner.certificate_pem(), "encrypted"),
        (traditional + &rsa.certificate_pem(), "encrypted"),
        (damaged + &partner.certificate_pem(), "can't be read"),
        (openssh.to_owned() + &partner.certificate_pem(), "OpenSSH"),
        (partner.pem().replace("-----END CERT", "-----"), "not whole"),
        (String::new(), "has no key"),
    ] {
        let problem = check_client_certificate(&text.into()).unwrap_err();
        assert!(problem.contains(words), "{problem}");
        assert!(!problem.contains(secret) && !problem.contains("MI"), "{problem}");
    }
    assert!(ErrorStack::get().errors().is_empty());
    let shown = format!(
        "{:?}",
        tls_with(&authority, HOST, &TlsOptions::default(), Some(&partner))
    );
    assert!(!shown.contains(secret), "{shown}");
}

#[test]
fn a_weak_one_is_refused_before_it_is_used() {
    let authority = Authority::new("Authority");
    let weak = SecretString::from(authority.issue(&Request::client("partner").rsa(1024)).pem());
    let refused = Tls::new(&TlsOptions::default(), HOST, Some(&weak)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert!(refused.message().contains("key too small"), "{refused}");
    assert!(Tls::new(&floor(TlsVersion::Tls10), HOST, Some(&weak)).is_ok());
}
