//! The server over TLS, and the command line that talks to it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::support::{Cli, PASSWORD, Serve};

/// A certificate authority, a certificate for `localhost` and 127.0.0.1, and its key, in files.
pub(crate) fn certificates(folder: &Path) {
    let openssl = |arguments: &[&str]| {
        let made = Command::new("openssl")
            .args(arguments)
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    };
    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let with_curve = |more: &[&'static str]| [&["req"], &curve[..], more].concat();
    openssl(&with_curve(&[
        "-x509",
        "-subj",
        "/CN=Example CA",
        "-days",
        "30",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
    ]));
    openssl(&with_curve(&[
        "-subj",
        "/CN=courier",
        "-keyout",
        "server.key",
        "-out",
        "server.csr",
    ]));
    fs::write(folder.join("san"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").unwrap();
    openssl(&[
        "x509",
        "-req",
        "-in",
        "server.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-days",
        "30",
        "-extfile",
        "san",
        "-out",
        "server.pem",
    ]);
    fs::set_permissions(folder.join("server.key"), fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn the_command_line_talks_https_with_an_authority_of_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let mut serve = Serve::start_with(&[
        ("COURIER_TLS_CERTIFICATE", &path("server.pem")),
        ("COURIER_TLS_KEY", &path("server.key")),
    ]);
    assert!(serve.url.starts_with("https://127.0.0.1:"), "{}", serve.url);

    let somebody = || {
        Cli::new()
            .env("COURIER_SERVER", &serve.url)
            .env("COURIER_PASSWORD", PASSWORD)
    };
    // Nothing is sent to a server that nobody vouches for.
    let stranger = somebody().run(["login"]);
    stranger.failed_with(4, "is not trusted");
    assert!(stranger.stderr.contains("SSL_CERT_FILE"), "{stranger:?}");

    let knows = somebody().env("SSL_CERT_FILE", path("ca.pem"));
    let token = knows.ok(["login"]).stdout.trim().to_owned();
    let admin = knows.env("COURIER_TOKEN", token);
    let listed = admin.ok(["user", "list", "--json"]);
    assert_eq!(listed.json()[0]["username"], "admin");
    assert_eq!(listed.stderr, "");

    // The other scheme is told what it should be, both ways.
    let plain = serve.url.replace("https", "http");
    admin
        .run(["user", "list", "--server", &plain])
        .failed_with(2, "HTTPS only");
    let clear = Serve::start();
    admin
        .run(["user", "list", "--server", &clear.url.replace("http", "https")])
        .failed_with(6, "does not speak TLS");
    assert_eq!(serve.stop(), 0);
}

#[test]
fn a_certificate_that_can_not_be_used_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let serve = |key: &str| {
        Cli::new()
            .env("COURIER_TLS_CERTIFICATE", path("server.pem"))
            .env("COURIER_TLS_KEY", key)
            .run(["serve", "--listen", "127.0.0.1:0"])
    };
    serve(&path("ca.key")).failed_with(1, "doesn't belong to the first certificate");
    serve("").failed_with(2, "tls.key is wrong");
}

#[test]
fn a_token_that_goes_out_in_clear_is_warned_about() {
    let cli = Cli::new().env("COURIER_TOKEN", "token");
    // A name that never resolves (RFC 6761, 6.4).
    let outcome = cli.run(["user", "list", "--server", "http://courier.invalid"]);
    outcome.failed_with(6, "is not https");
    let loopback = cli.run(["user", "list", "--server", "http://127.0.0.1:9"]);
    loopback.failed_with(6, "could not connect");
    assert!(!loopback.stderr.contains("is not https"), "{loopback:?}");
}
