//! Which certificates are accepted, on each server (specification 6.3.2): by the system's trust store, by a pin, or any.
//! The server's log shows that no password was sent where one is refused.

use std::{path::Path, process::Command, sync::Arc};

use courier_transfer::{CertificatePolicy, Client, ErrorKind, Result, testkit::BytesSink};
use serde_json::json;

use crate::{
    certificates::{Authority, Identity, Request},
    support::{Attempt, Mode, Server, Setup, Software, on_each_server},
};

on_each_server![
    nobody_vouches_for_it,
    a_pin_accepts_one_and_no_other,
    any_is_accepted_where_one_insists,
    the_system_trusts_whom_it_trusts,
    a_list_of_revoked_ones_counts,
];

fn presenting(software: Software, identity: Identity) -> Server {
    Setup::new(software, Mode::Explicit).identity(identity).start()
}

fn own_authority() -> Authority {
    Authority::new("Test Authority")
}

const HERE: [&str; 2] = ["localhost", "127.0.0.1"];

async fn under(server: &Server, policy: CertificatePolicy) -> Result<Arc<dyn Client>> {
    Attempt::to(server).trust(policy).connect().await
}

/// A session, and a data connection besides.
async fn works(server: &Server, client: &Arc<dyn Client>) {
    server.write("f", b"hello");
    let sink = Arc::new(BytesSink::default());
    client
        .fetch(&server.remote("f"), sink.request(0, None))
        .await
        .unwrap();
    assert_eq!(sink.bytes(), b"hello");
}

async fn nobody_vouches_for_it(software: Software) {
    let authority = own_authority();
    for (identity, problems) in [
        (Request::server(&HERE).self_signed(), &["self-signed"][..]),
        (authority.issue(&Request::server(&HERE)), &["unknown issuer"]),
        (
            authority.issue(&Request::server(&HERE).valid(-9, -2)),
            &["unknown issuer", "expired on"],
        ),
        (
            authority.issue(&Request::server(&HERE).valid(2, 9)),
            &["unknown issuer", "not valid before"],
        ),
        (
            authority.issue(&Request::server(&["ftp.partner.com"])),
            &["unknown issuer", "it is for ftp.partner.com, not for 127.0.0.1"],
        ),
    ] {
        let server = presenting(software, identity);
        let attempt = Attempt::to(&server).trust(CertificatePolicy::SystemTrust);
        let heard = attempt.heard.clone();
        let refused = attempt.connect().await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Certificate, "{refused}");
        for problem in problems {
            assert!(refused.message().contains(problem), "{refused}");
        }
        assert!(!server.log().contains("PASS"), "{}", server.log());
        assert_eq!(*heard.method.lock(), None);
        let certificate = heard.info.lock().certificate.clone().unwrap();
        assert_eq!(certificate.thumbprint, server.identity.thumbprint());
    }
}

async fn a_pin_accepts_one_and_no_other(software: Software) {
    let server = presenting(software, Request::server(&["other"]).valid(-9, -2).self_signed());
    let own = CertificatePolicy::Pinned(Some(server.identity.thumbprint()));
    works(&server, &under(&server, own).await.unwrap()).await;
    let another = Request::server(&HERE).self_signed().thumbprint();
    for pin in [Some(another), None] {
        let refused = under(&server, CertificatePolicy::Pinned(pin)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Certificate);
        let presented = server.identity.thumbprint().to_string();
        assert!(refused.message().contains(&presented), "{refused}");
    }
}

async fn any_is_accepted_where_one_insists(software: Software) {
    let server = presenting(software, Request::server(&["other"]).valid(-9, -2).self_signed());
    works(
        &server,
        &under(&server, CertificatePolicy::Insecure).await.unwrap(),
    )
    .await;
}

/// Runs the test once more, in a process that trusts an authority by `SSL_CERT_FILE`, and gives that authority to it.
fn trusting(test: &str) -> Option<Authority> {
    const MARK: &str = "AUTHORITY_OF_THIS_TEST";
    if let Some(identity) = std::env::var_os(MARK) {
        return Some(Authority(Identity::read(Path::new(&identity))));
    }
    let authority = own_authority();
    let dir = tempfile::tempdir().unwrap();
    let (trusted, whole) = (dir.path().join("trusted.pem"), dir.path().join("authority.pem"));
    std::fs::write(&trusted, authority.pem()).unwrap();
    std::fs::write(&whole, authority.0.pem()).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("SSL_CERT_FILE", &trusted)
        .env(MARK, &whole)
        .output()
        .unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    None
}

/// The name of a case's test, as the test program has it.
fn name(software: Software, case: &str) -> String {
    let module = match software {
        Software::ProFtpd => "proftpd",
        Software::PureFtpd => "pure_ftpd",
        Software::Vsftpd => "vsftpd",
    };
    format!("policies::{module}::{case}")
}

async fn the_system_trusts_whom_it_trusts(software: Software) {
    let Some(authority) = trusting(&name(software, "the_system_trusts_whom_it_trusts")) else {
        return;
    };
    let server = presenting(software, authority.issue(&Request::server(&HERE)));
    for host in HERE {
        let attempt = Attempt::to(&server)
            .host(host)
            .trust(CertificatePolicy::SystemTrust);
        let client = attempt.connect().await.unwrap();
        assert!(client.server().certificate.as_ref().unwrap().problems.is_empty());
        works(&server, &client).await;
    }
    for (identity, problem) in [
        (
            authority.issue(&Request::server(&HERE).valid(-9, -2)),
            "expired on",
        ),
        (
            authority.issue(&Request::server(&["ftp.partner.com"])),
            "name mismatch",
        ),
        (authority.issue(&Request::client("127.0.0.1")), ""),
    ] {
        let server = presenting(software, identity);
        let refused = under(&server, CertificatePolicy::SystemTrust).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Certificate);
        assert!(refused.message().contains(problem), "{refused}");
        assert!(!refused.message().contains("unknown issuer"), "{refused}");
    }
}

async fn a_list_of_revoked_ones_counts(software: Software) {
    let Some(authority) = trusting(&name(software, "a_list_of_revoked_ones_counts")) else {
        return;
    };
    let server = presenting(software, authority.issue(&Request::server(&HERE)));
    let another = authority.issue(&Request::server(&HERE));
    let attempt = |crl: String| {
        Attempt::to(&server)
            .trust(CertificatePolicy::SystemTrust)
            .setting("tls_crl_pem", json!(crl))
            .connect()
    };
    attempt(authority.crl(&[&another])).await.unwrap();
    let refused = attempt(authority.crl(&[&server.identity])).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Certificate);
    assert!(refused.message().contains("revoked"), "{refused}");
    // A pin speaks for a certificate with a fault, not for one that was given up.
    let pinned = |crl: String| Attempt::to(&server).setting("tls_crl_pem", json!(crl)).connect();
    pinned(authority.crl(&[&another])).await.unwrap();
    let refused = pinned(authority.crl(&[&server.identity])).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Certificate);
    assert!(refused.message().contains("revoked"), "{refused}");
}

/// ProFTPD asks for a certificate and takes those of its authority.
#[tokio::test]
async fn a_client_certificate_is_shown_where_one_is_wanted() {
    let authority = own_authority();
    let server = Setup::new(Software::ProFtpd, Mode::Explicit)
        .config("TLSVerifyClient on\nTLSCACertificateFile {dir}/clients.pem")
        .file("clients.pem", authority.pem())
        .start();
    let partner = authority.issue(&Request::client("partner"));
    let client = Attempt::to(&server)
        .client_certificate(partner.pem())
        .connect()
        .await
        .unwrap();
    works(&server, &client).await;

    let strange = Authority::new("Another").issue(&Request::client("partner"));
    for attempt in [
        Attempt::to(&server),
        Attempt::to(&server).client_certificate(strange.pem()),
    ] {
        let refused = attempt.connect().await.unwrap_err();
        assert!(
            matches!(refused.kind(), ErrorKind::Auth | ErrorKind::Negotiation),
            "{refused:?}"
        );
        assert!(refused.to_string().contains("certificate"), "{refused}");
    }
}
