//! What is wrong with a certificate, and which policy minds.

use courier_transfer::{CertificatePolicy, CertificateProblem as Problem, ErrorKind};

use super::*;

async fn problems_of(authority: &Authority, identity: &Identity) -> Vec<Problem> {
    problems(&tls(authority), &Server::with(identity)).await
}

#[tokio::test]
async fn a_good_certificate_has_no_problems_and_is_described() {
    let authority = Authority::new("Authority, Test");
    let identity = authority.issue(&Request::server(&[HOST, "192.0.2.1"]));
    let control = control(&tls(&authority), &Server::with(&identity)).await.unwrap();
    let certificate = control.certificate;
    assert_eq!(certificate.problems, []);
    assert_eq!(certificate.subject, "CN=ftp.partner.com");
    assert_eq!(certificate.issuer, r"CN=Authority\, Test");
    assert_eq!(certificate.thumbprint, identity.thumbprint());
    let days = |t: jiff::Timestamp| (t.as_second() - jiff::Timestamp::now().as_second()) as f64 / 86_400.0;
    assert_eq!(days(certificate.not_before).round(), -1.0);
    assert_eq!(days(certificate.not_after).round(), 30.0);
    assert_eq!(control.negotiated, "TLSv1.3, TLS_AES_128_GCM_SHA256");
}

#[tokio::test]
async fn time_is_checked() {
    let authority = Authority::new("Authority");
    let request = Request::server(&[HOST]);
    let expired = authority.issue(&request.clone().valid(-9, -2));
    let early = authority.issue(&request.valid(2, 9));
    let found = problems_of(&authority, &expired).await;
    assert!(
        matches!(found[..], [Problem::Expired(at)] if at < jiff::Timestamp::now()),
        "{found:?}"
    );
    let found = problems_of(&authority, &early).await;
    assert!(
        matches!(found[..], [Problem::NotYetValid(from)] if from > jiff::Timestamp::now()),
        "{found:?}"
    );
}

#[tokio::test]
async fn who_vouches_is_checked() {
    let authority = Authority::new("Authority");
    let own = Request::server(&[HOST]).self_signed();
    assert_eq!(problems_of(&authority, &own).await, [Problem::SelfSigned]);

    let stranger = Authority::new("Stranger");
    let foreign = stranger.issue(&Request::server(&[HOST]));
    assert_eq!(problems_of(&authority, &foreign).await, [Problem::UnknownIssuer]);
    // With the root beside it, too.
    let server = Server::of(server::context(&foreign, &[&stranger.0]));
    assert_eq!(
        problems(&tls(&authority), &server).await,
        [Problem::UnknownIssuer]
    );

    let below = authority.subordinate("Subordinate");
    let identity = below.issue(&Request::server(&[HOST]));
    let server = Server::of(server::context(&identity, &[&below.0]));
    assert_eq!(problems(&tls(&authority), &server).await, []);
    let server = Server::with(&identity);
    assert_eq!(
        problems(&tls(&authority), &server).await,
        [Problem::UnknownIssuer]
    );
}

#[tokio::test]
async fn names_and_addresses_are_checked() {
    let authority = Authority::new("Authority");
    let many = ["ftp.partner.com", "*.example.com", "192.0.2.7", "2001:db8::7"];
    let identity = authority.issue(&Request::server(&many));
    let server = Server::with(&identity);
    for host in [
        "ftp.partner.com",
        "FTP.Partner.COM.",
        "a.example.com",
        "192.0.2.7",
        "[2001:db8:0::7]",
        "2001:db8::7",
    ] {
        let tls = tls_with(&authority, host, &TlsOptions::default(), None);
        assert_eq!(problems(&tls, &server).await, [], "{host}");
    }
    for host in [
        "partner.com",
        "a.b.example.com",
        "example.com",
        "192.0.2.8",
        "2001:db8::8",
    ] {
        let tls = tls_with(&authority, host, &TlsOptions::default(), None);
        let names = many.map(str::to_owned).to_vec();
        let host = host.to_owned();
        assert_eq!(
            problems(&tls, &server).await,
            [Problem::NameMismatch { host, names }]
        );
    }
}

#[tokio::test]
async fn a_common_name_counts_where_there_is_no_other() {
    let authority = Authority::new("Authority");
    let old = authority.issue(&Request::common_name(HOST));
    assert_eq!(problems_of(&authority, &old).await, []);
    let other = authority.issue(&Request::common_name("ftp.other.com"));
    let found = problems_of(&authority, &other).await;
    assert_eq!(
        found[0].to_string(),
        "name mismatch: it is for ftp.other.com, not for ftp.partner.com"
    );
    // An address is never looked for in it.
    let address = authority.issue(&Request::common_name("127.0.0.1"));
    let tls = tls_with(&authority, "127.0.0.1", &TlsOptions::default(), None);
    let found = problems(&tls, &Server::with(&address)).await;
    assert!(matches!(found[..], [Problem::NameMismatch { .. }]), "{found:?}");
}

#[tokio::test]
async fn the_server_hears_names_and_no_addresses() {
    let authority = Authority::new("Authority");
    let server = Server::with(&authority.issue(&Request::server(&[HOST])));
    for (host, told) in [
        ("ftp.partner.com.", Some("ftp.partner.com")),
        ("127.0.0.1", None),
        ("[::1]", None),
    ] {
        let tls = tls_with(&authority, host, &TlsOptions::default(), None);
        drop(control(&tls, &server).await.unwrap());
        assert_eq!(server.seen().name.as_deref(), told);
    }
}

#[tokio::test]
async fn purpose_keys_and_hashes_are_checked_below_1_2_too() {
    let authority = Authority::new("Authority");
    let below = authority.subordinate("Subordinate");
    let client = authority.issue(&Request::client(HOST));
    let weak = authority.issue(&Request::server(&[HOST]).rsa(1024));
    let hashed = below.issue(&Request::server(&[HOST]).sha1());
    for floor in [floor(TlsVersion::Tls12), floor(TlsVersion::Tls10)] {
        let tls = tls_with(&authority, HOST, &floor, None);
        for (server, words) in [
            (
                Server::with(&client),
                "it is not meant for servers (extended key usage)",
            ),
            (Server::with(&weak), "its key is too weak (1024 bits)"),
            (
                Server::of(server::context(&hashed, &[&below.0])),
                "it is signed with a hash that is too weak (ecdsa-with-SHA1)",
            ),
        ] {
            assert_eq!(problems(&tls, &server).await, [Problem::Other(words.to_owned())]);
        }
    }
}

#[tokio::test]
async fn every_problem_is_named_once() {
    let authority = Authority::new("Authority");
    let identity = Request::server(&["ftp.other.com"])
        .valid(-9, -2)
        .rsa(1024)
        .self_signed();
    let found = problems_of(&authority, &identity).await;
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found.contains(&Problem::SelfSigned));
}

#[tokio::test]
async fn the_policy_decides() {
    let authority = Authority::new("Authority");
    let good = authority.issue(&Request::server(&[HOST]));
    let own = Request::server(&[HOST]).self_signed();
    let tls = tls(&authority);
    let good_server = Server::with(&good);
    let own_server = Server::with(&own);
    let good = control(&tls, &good_server).await.unwrap().certificate;
    let own = control(&tls, &own_server).await.unwrap().certificate;
    let pinned = CertificatePolicy::Pinned(Some(own.thumbprint));
    for (policy, accepts_good, accepts_own) in [
        (CertificatePolicy::SystemTrust, true, false),
        (pinned, false, true),
        (CertificatePolicy::Pinned(None), false, false),
        (CertificatePolicy::Insecure, true, true),
    ] {
        assert_eq!(policy.check(&good).is_ok(), accepts_good, "{policy:?}");
        assert_eq!(policy.check(&own).is_ok(), accepts_own, "{policy:?}");
    }
    assert_eq!(pinned.check(&good).unwrap_err().kind(), ErrorKind::Certificate);
}

#[tokio::test]
async fn an_empty_trust_store_says_why() {
    let authority = Authority::new("Authority");
    let empty = TrustStore {
        certificates: Vec::new(),
        problem: Some("no store".to_owned()),
    };
    let tls = Tls::trusting(Arc::new(empty), &TlsOptions::default(), HOST, None).unwrap();
    let server = Server::with(&authority.issue(&Request::server(&[HOST])));
    let found = problems(&tls, &server).await;
    assert_eq!(
        found,
        [Problem::UnknownIssuer, Problem::Other("no store".to_owned())]
    );
}

#[test]
fn the_system_trusts_somebody() {
    let store = super::super::trust_store::system();
    assert!(!store.certificates.is_empty() || store.problem.is_some());
}
