//! What FIPS mode lets through, and that nothing else gets through.

use courier_transfer::ErrorKind;
use openssl::{
    nid::Nid,
    pkey::PKey,
    ssl::{SslContextBuilder, SslVersion},
};

use super::{certificates::on, *};

/// What a server is restricted to.
type Limit = fn(&mut SslContextBuilder);

fn fips() -> TlsOptions {
    TlsOptions {
        // The mode raises it.
        floor: TlsVersion::Tls10,
        fips: true,
        ..TlsOptions::default()
    }
}

/// What is agreed on with a server of that certificate that takes `limit`, or why nothing is.
async fn meet(request: &Request, limit: impl Fn(&mut SslContextBuilder)) -> Result<TlsControl> {
    let authority = Authority::new("Authority");
    let mut context = server::context(&authority.issue(request), &[]);
    limit(&mut context);
    let server = Server::of(context);
    control(&tls_with(&authority, HOST, &fips(), None), &server).await
}

fn rsa() -> Request {
    Request::server(&[HOST]).rsa(2048)
}

#[tokio::test]
async fn approved_ciphers_and_groups_are_agreed_on_also_by_data_connections() {
    let authority = Authority::new("Authority");
    for (version, cipher, group, agreed) in [
        (
            SslVersion::TLS1_3,
            "ALL",
            "X25519:P-256",
            "TLSv1.3, TLS_AES_256_GCM_SHA384",
        ),
        (
            SslVersion::TLS1_3,
            "ALL",
            "X448:P-521",
            "TLSv1.3, TLS_AES_256_GCM_SHA384",
        ),
        (
            SslVersion::TLS1_2,
            "ALL",
            "P-384",
            "TLSv1.2, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        ),
        (
            SslVersion::TLS1_2,
            "ECDHE-RSA-AES256-GCM-SHA384",
            "P-256",
            "TLSv1.2, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        ),
    ] {
        let mut context = server::context(&authority.issue(&rsa()), &[]);
        context.set_max_proto_version(Some(version)).unwrap();
        context.set_cipher_list(cipher).unwrap();
        context.set_groups_list(group).unwrap();
        context
            .set_ciphersuites("TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384")
            .unwrap();
        let server = Server::of(context);
        let tls = tls_with(&authority, HOST, &fips(), None);
        let control = control(&tls, &server).await.unwrap();
        assert_eq!(control.negotiated, agreed);
        assert_eq!(control.not_fips, None);
        assert_eq!(control.certificate.problems, []);
        let data = tls
            .data(std::net::TcpStream::connect(server.address).unwrap())
            .unwrap();
        assert!(data.ssl().session_reused(), "{agreed}");
        assert_eq!(negotiated(data.ssl()), agreed);
    }
}

#[tokio::test]
async fn servers_without_an_approved_one_are_refused() {
    let limits: [(&str, Limit); 7] = [
        ("TLS 1.1", |c| {
            c.set_max_proto_version(Some(SslVersion::TLS1_1)).unwrap()
        }),
        ("X25519", |c| {
            c.set_groups_list("X25519:X25519MLKEM768:ffdhe2048").unwrap()
        }),
        ("X25519 in 1.2", |c| {
            c.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
            c.set_groups_list("X25519").unwrap();
        }),
        ("ChaCha20", |c| {
            c.set_min_proto_version(Some(SslVersion::TLS1_3)).unwrap();
            c.set_ciphersuites("TLS_CHACHA20_POLY1305_SHA256").unwrap();
        }),
        ("CBC", |c| {
            c.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
            c.set_cipher_list("ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA384")
                .unwrap();
        }),
        ("no forward secrecy", |c| {
            c.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
            c.set_cipher_list("AES128-GCM-SHA256").unwrap();
        }),
        ("SHA-1 signatures", |c| {
            c.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
            c.set_sigalgs_list("RSA+SHA1").unwrap();
        }),
    ];
    for (what, limit) in limits {
        let refused = meet(&rsa(), limit)
            .await
            .err()
            .unwrap_or_else(|| panic!("{what}"));
        assert_eq!(refused.kind(), ErrorKind::NotFips, "{what}: {refused}");
        assert!(
            refused.message().contains("FIPS mode allows TLS 1.2 and 1.3"),
            "{what}: {refused}"
        );
    }
}

#[tokio::test]
async fn the_key_of_the_certificate_counts() {
    for curve in [Nid::X9_62_PRIME256V1, Nid::SECP384R1, Nid::SECP521R1] {
        let control = meet(&Request::server(&[HOST]).key(on(curve)), |_| ())
            .await
            .unwrap();
        assert_eq!((control.not_fips, control.certificate.problems), (None, vec![]));
    }
    // Such a key can't sign by any algorithm that is offered.
    for key in [PKey::generate_ed25519().unwrap(), on(Nid::SECP256K1)] {
        let refused = meet(&Request::server(&[HOST]).key(key), |_| ())
            .await
            .unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NotFips, "{refused}");
    }
    // One that can is refused for what it is, before any policy for certificates is asked.
    let short = meet(&Request::server(&[HOST]).rsa(1024), |_| ()).await.unwrap();
    let why = short.not_fips.unwrap();
    assert!(
        why.contains("RSA with 1024 bits") && why.contains("No credential was sent"),
        "{why}"
    );
}

#[tokio::test]
async fn those_who_vouch_count_as_well() {
    let root = Authority::with("Root", PKey::generate_ed25519().unwrap());
    let server = Server::with(&root.issue(&Request::server(&[HOST])));
    let tls = tls_with(&root, HOST, &fips(), None);
    let problems = problems(&tls, &server).await;
    let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        [
            "FIPS mode does not allow the signature of the certificate of CN=ftp.partner.com (ED25519)",
            "FIPS mode does not allow the key of CN=Root (Ed25519)",
        ]
    );
    let outside = tls_with(&root, HOST, &TlsOptions::default(), None);
    assert_eq!(super::problems(&outside, &server).await, []);
}

#[test]
fn client_certificates_count_too() {
    let authority = Authority::new("Authority");
    let of = |key| SecretString::from(authority.issue(&Request::client("partner").key(key)).pem());
    let modern = of(PKey::generate_ed25519().unwrap());
    let refused = Tls::new(&fips(), HOST, Some(&modern)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFips);
    assert!(refused.message().contains("it is Ed25519"), "{refused}");
    assert!(client_certificate_not_fips(&modern).is_some());
    assert!(Tls::new(&TlsOptions::default(), HOST, Some(&modern)).is_ok());
    let approved = of(on(Nid::SECP384R1));
    assert!(Tls::new(&fips(), HOST, Some(&approved)).is_ok());
    assert_eq!(client_certificate_not_fips(&approved), None);
}
