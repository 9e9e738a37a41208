//! What FIPS mode makes of TLS.

use courier_azure::testkit::{Issued, KeyKind, Meeting};
use courier_azure::{Error, ErrorKind};
use openssl::ssl::{SslAcceptorBuilder, SslOptions, SslVersion};

use crate::scripted::{IMPATIENT, Scripted, soon};

/// What comes of a request without FIPS mode and with it.
async fn both(kind: KeyKind, set_up: impl FnOnce(&mut SslAcceptorBuilder)) -> [Result<(), Error>; 2] {
    let certificate = Issued::with_key(kind);
    let tls = certificate.acceptor_with(set_up);
    let server = Scripted::with(certificate, Some(tls), Meeting::Talk, []);
    let mut outcomes = [Ok(()), Ok(())];
    for (fips, outcome) in [false, true].into_iter().zip(&mut outcomes) {
        let http = server.http(IMPATIENT, fips);
        *outcome = http.send_once("it", soon(), server.get(&http)).await.map(drop);
    }
    let answered = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(server.asked().len(), answered, "what fails has sent nothing");
    outcomes
}

#[tokio::test]
async fn usual_servers_suit_fips_mode() {
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let outcomes = both(KeyKind::P256, |tls| {
            tls.set_max_proto_version(Some(version)).unwrap();
        });
        let [plain, fips] = outcomes.await;
        plain.unwrap();
        fips.unwrap();
    }
}

#[tokio::test]
async fn servers_without_what_fips_mode_allows_are_refused_by_it() {
    let chacha = |tls: &mut SslAcceptorBuilder| {
        tls.set_min_proto_version(Some(SslVersion::TLS1_3)).unwrap();
        tls.set_ciphersuites("TLS_CHACHA20_POLY1305_SHA256").unwrap();
    };
    let old_chacha = |tls: &mut SslAcceptorBuilder| {
        tls.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
        tls.set_cipher_list("ECDHE-ECDSA-CHACHA20-POLY1305").unwrap();
    };
    let x25519 = |tls: &mut SslAcceptorBuilder| tls.set_groups_list("X25519").unwrap();
    let without_extended_secret = |tls: &mut SslAcceptorBuilder| {
        tls.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
        // SSL_OP_NO_EXTENDED_MASTER_SECRET, which has no name here.
        tls.set_options(SslOptions::from_bits_retain(1));
    };
    for (what, outcomes) in [
        ("ChaCha20", both(KeyKind::P256, chacha).await),
        ("ChaCha20 of TLS 1.2", both(KeyKind::P256, old_chacha).await),
        ("X25519", both(KeyKind::P256, x25519).await),
        (
            "no extended master secret",
            both(KeyKind::P256, without_extended_secret).await,
        ),
        ("Ed25519", both(KeyKind::Ed25519, |_| {}).await),
    ] {
        let [plain, fips] = outcomes;
        plain.unwrap_or_else(|error| panic!("{what}: {error}"));
        let error = fips.expect_err(what);
        assert_eq!(error.kind(), ErrorKind::NotFips, "{what}: {error}");
        assert!(error.message().contains("FIPS mode"), "{what}: {error}");
        assert!(error.kind().nothing_sent() && !error.kind().may_pass());
    }
}

#[tokio::test]
async fn a_server_may_show_an_authoritys_certificate_that_is_itself_trusted() {
    for (certificate, expected) in [
        (Issued::by_itself("localhost", 0), None),
        (Issued::by_itself("elsewhere.test", 0), Some("not valid for name")),
        (Issued::by_itself("localhost", 3), Some("expired")),
    ] {
        let tls = certificate.acceptor();
        let server = Scripted::with(certificate, Some(tls), Meeting::Talk, []);
        for fips in [false, true] {
            let http = server.http(IMPATIENT, fips);
            let outcome = http.send_once("it", soon(), server.get(&http)).await;
            match (outcome, expected) {
                (outcome, None) => drop(outcome.unwrap()),
                (Ok(_), Some(words)) => panic!("{words}"),
                (Err(error), Some(words)) => {
                    assert_eq!(error.kind(), ErrorKind::Certificate, "{error}");
                    assert!(error.message().contains(words), "{error}");
                }
            }
        }
    }
    let certificate = Issued::by_itself("localhost", 0);
    let tls = certificate.acceptor();
    let other = Issued::for_loopback().authority_pem();
    let server = Scripted::with(certificate, Some(tls), Meeting::Talk, []);
    let http = courier_azure::Http::trusting(IMPATIENT, false, &other).unwrap();
    let error = http.send_once("it", soon(), server.get(&http)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Certificate, "{error}");
    assert!(error.message().contains("CA:FALSE"), "{error}");
}
