//! FIPS mode on each server: what is agreed on, what is refused, and that no password leaves where something is.

use std::sync::Arc;

use courier_transfer::{CertificatePolicy, ErrorKind, testkit::BytesSink};
use openssl::{nid::Nid, pkey::PKey};
use serde_json::json;

use crate::{
    certificates::{Request, on},
    support::{Attempt, Mode, Server, Setup, Software, on_each_server},
};

on_each_server![
    approved_algorithms_do_all_the_work,
    a_server_without_them_gets_no_password,
    keys_of_certificates_count,
];

fn under_fips(server: &Server) -> Attempt {
    let mut attempt = Attempt::to(server).setting("tls_version_floor", json!("tls_1_0"));
    attempt.options.fips = true;
    attempt
}

async fn approved_algorithms_do_all_the_work(software: Software) {
    for (version, key) in [("TLSv1.2", Nid::SECP384R1), ("TLSv1.3", Nid::X9_62_PRIME256V1)] {
        let identity = Request::server(&["localhost", "127.0.0.1"])
            .key(on(key))
            .self_signed();
        let server = Setup::new(software, Mode::Explicit)
            .only(version)
            .identity(identity)
            .start();
        let client = under_fips(&server).connect().await.unwrap();
        let negotiated = client.server().negotiated.clone().unwrap();
        assert!(
            negotiated.starts_with(version) && negotiated.contains("_GCM_"),
            "{negotiated}"
        );
        assert!(!negotiated.contains("weak"), "{negotiated}");
        server.write("f", b"hello");
        // Each data connection is one more handshake.
        for _ in 0..3 {
            let sink = Arc::new(BytesSink::default());
            client
                .fetch(&server.remote("f"), sink.request(0, None))
                .await
                .unwrap();
            assert_eq!(sink.bytes(), b"hello");
        }
    }
}

async fn a_server_without_them_gets_no_password(software: Software) {
    let old = Setup::new(software, Mode::Explicit).only("TLSv1.1");
    let foreign = Setup::new(software, Mode::Explicit)
        .only("TLSv1.3")
        .openssl("Ciphersuites = TLS_CHACHA20_POLY1305_SHA256");
    // Pure-FTPd speaks no TLS before 1.2.
    let old = Some(old).filter(|_| software != Software::PureFtpd);
    for setup in old.into_iter().chain([foreign]) {
        let server = setup.start();
        let refused = under_fips(&server).connect().await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NotFips, "{refused}");
        assert!(
            refused.message().contains("FIPS mode allows TLS 1.2 and 1.3"),
            "{refused}"
        );
        assert!(refused.message().contains("fips_override"), "{refused}");
        assert!(!server.log().contains("PASS"), "{}", server.log());

        let outside = Attempt::to(&server).setting("tls_version_floor", json!("tls_1_0"));
        let negotiated = outside
            .connect()
            .await
            .unwrap()
            .server()
            .negotiated
            .clone()
            .unwrap();
        assert_eq!(
            negotiated.contains("; weak: TLSv1.1"),
            negotiated.starts_with("TLSv1.1"),
            "{negotiated}"
        );
    }
}

/// Even where it is pinned, which else outweighs all that is wrong with it.
async fn keys_of_certificates_count(software: Software) {
    for key in [
        PKey::from_rsa(openssl::rsa::Rsa::generate(1024).unwrap()).unwrap(),
        on(Nid::SECP256K1),
    ] {
        let identity = Request::server(&["127.0.0.1"]).key(key).self_signed();
        let server = Setup::new(software, Mode::Explicit).identity(identity).start();
        let pinned = CertificatePolicy::Pinned(Some(server.identity.thumbprint()));
        let refused = under_fips(&server).trust(pinned).connect().await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NotFips, "{refused}");
        assert!(!server.log().contains("PASS"), "{}", server.log());
    }
}
