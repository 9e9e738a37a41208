//! The listener over TLS, what it agrees on, and how clients reach it.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use courier_server::{
    Config, Server,
    config::{Tls, TlsVersion},
};
use reqwest::Method;
use rustls::{
    ClientConfig, NamedGroup, ProtocolVersion, RootCertStore,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::harness::{PASSWORD, TestServer, answer, config};

/// A certificate for `localhost` and 127.0.0.1 that vouches for itself.
struct Identity {
    folder: TempDir,
}

impl Identity {
    fn new(algorithm: &str) -> Self {
        let identity = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        identity.renew(algorithm, "30");
        identity
    }

    /// A new certificate and key in the files.
    fn renew(&self, algorithm: &str, days: &str) {
        let curve = "ec_paramgen_curve:P-256";
        let options: &[&str] = match algorithm {
            "ec" => &["-newkey", "ec", "-pkeyopt", curve],
            other => &["-newkey", other],
        };
        let made = Command::new("openssl")
            .args(["req", "-x509", "-nodes", "-subj", "/CN=courier", "-days", days])
            .args(options)
            .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-keyout")
            .arg(self.key())
            .arg("-out")
            .arg(self.certificate())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        fs::set_permissions(self.key(), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    fn tls(&self) -> Tls {
        Tls {
            certificate: self.certificate(),
            key: self.key(),
            min_version: TlsVersion::Tls12,
        }
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(self.certificate()).unwrap())
            .unwrap();
        roots
    }

    async fn serve(&self) -> TestServer {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            tls: Some(self.tls()),
            ..config(folder.path())
        };
        TestServer::start_trusting(folder, config, Some(&fs::read(self.certificate()).unwrap())).await
    }
}

/// A client of TLS that offers what the test wants.
struct Offer {
    provider: CryptoProvider,
    versions: Vec<&'static rustls::SupportedProtocolVersion>,
}

impl Offer {
    fn everything() -> Self {
        Self {
            provider: aws_lc_rs::default_provider(),
            versions: rustls::ALL_VERSIONS.to_vec(),
        }
    }

    fn groups(mut self, keep: impl Fn(NamedGroup) -> bool) -> Self {
        self.provider.kx_groups.retain(|group| keep(group.name()));
        self
    }

    fn suites(mut self, keep: impl Fn(&str) -> bool) -> Self {
        self.provider
            .cipher_suites
            .retain(|suite| keep(&format!("{:?}", suite.suite())));
        self
    }

    fn only(mut self, version: &'static rustls::SupportedProtocolVersion) -> Self {
        self.versions = vec![version];
        self
    }

    /// The connection after one request on it: the server answers, or refuses.
    async fn try_with(
        self,
        server: &TestServer,
        roots: RootCertStore,
    ) -> Result<TlsStream<TcpStream>, String> {
        let config = ClientConfig::builder_with_provider(Arc::new(self.provider))
            .with_protocol_versions(&self.versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(server.address()).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
            .map_err(|e| e.to_string())?;
        let request = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.map_err(|e| e.to_string())?;
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .await
            .map_err(|e| e.to_string())?;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        Ok(stream)
    }
}

fn is_x25519(group: NamedGroup) -> bool {
    format!("{group:?}").contains("X25519")
}

#[tokio::test]
async fn everything_works_over_tls() {
    let identity = Identity::new("ec");
    let server = identity.serve().await;
    let answer = server.admin.get("/api/overview").await;
    assert_eq!(answer.headers["strict-transport-security"], "max-age=31536000");
    assert_eq!(answer.ok()["warnings"], json!([]));

    // The cookie is this host's alone.
    let login = json!({"username": "admin", "password": PASSWORD});
    let login = server.anybody().post("/api/auth/login", login).await.status(200);
    let cookie = login.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-courier_session="), "{cookie}");
    for part in ["; Secure", "Path=/;", "HttpOnly", "SameSite=Strict"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    let me = |cookie: String| {
        let anybody = server.anybody();
        async move {
            let request = anybody
                .request(Method::GET, "/api/auth/me")
                .header("cookie", cookie);
            crate::harness::answer(request).await.status.as_u16()
        }
    };
    let cookie = cookie.split(';').next().unwrap().to_owned();
    assert_eq!(me(cookie.clone()).await, 200);
    assert_eq!(me(cookie.trim_start_matches("__Host-").to_owned()).await, 401);

    // Streams of events come through, too.
    let job = json!({"name": "j", "steps": [{"step_type": "local.delete", "config": {"path": "nothing"}}]});
    let job = server.admin.post("/api/jobs", job).await.created();
    let path = format!("/api/jobs/{}/run", job["id"].as_str().unwrap());
    let run = server.admin.post(&path, json!({})).await.status(202).json();
    let events = server.admin.events(run["id"].as_str().unwrap()).await;
    assert_eq!(events.last().unwrap().1["state"], "failed", "{events:?}");
    server.stop().await;
}

#[tokio::test]
async fn plain_http_is_told_where_to_go_and_noise_disturbs_nobody() {
    let identity = Identity::new("ec");
    let server = identity.serve().await;
    let plain = server.address().to_owned();
    let answer = reqwest::get(format!("http://{plain}/api/overview"))
        .await
        .unwrap();
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert!(answer.text().await.unwrap().contains("HTTPS"));
    // Somebody who says nothing, and somebody who talks nonsense.
    let silent = TcpStream::connect(&plain).await.unwrap();
    let mut noise = TcpStream::connect(&plain).await.unwrap();
    noise.write_all(&[0x16, 3, 1, 0, 4, 9, 9, 9, 9]).await.unwrap();
    server.admin.get("/api/overview").await.ok();
    drop((silent, noise));
    server.stop().await;
}

#[tokio::test]
async fn versions_are_as_configured() {
    let identity = Identity::new("ec");
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        tls: Some(Tls {
            min_version: TlsVersion::Tls13,
            ..identity.tls()
        }),
        ..config(folder.path())
    };
    let pem = fs::read(identity.certificate()).unwrap();
    let strict = TestServer::start_trusting(folder, config, Some(&pem)).await;
    let old = || Offer::everything().only(&rustls::version::TLS12);
    old().try_with(&strict, identity.roots()).await.unwrap_err();
    let stream = Offer::everything()
        .try_with(&strict, identity.roots())
        .await
        .unwrap();
    assert_eq!(
        stream.get_ref().1.protocol_version(),
        Some(ProtocolVersion::TLSv1_3)
    );
    strict.stop().await;

    let usual = identity.serve().await;
    old().try_with(&usual, identity.roots()).await.unwrap();
    // Older than that is refused by both.
    let mut older = Command::new("openssl");
    older
        .args(["s_client", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0", "-connect"])
        .arg(usual.address())
        .stdin(std::process::Stdio::null());
    let output = tokio::task::spawn_blocking(move || older.output().unwrap())
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("alert"), "{said}");
    usual.stop().await;
}

#[tokio::test]
async fn fips_mode_counts_for_the_next_handshake() {
    let identity = Identity::new("rsa:2048");
    let server = identity.serve().await;
    let fips = |on: bool| {
        let admin = server.admin.clone();
        async move {
            let path = "/api/settings/security.fips_mode_enabled";
            admin.put(path, json!({"value": on})).await.ok();
        }
    };
    let modern = || Offer::everything().groups(is_x25519);
    let chacha = || Offer::everything().suites(|suite| suite.contains("CHACHA20"));
    modern().try_with(&server, identity.roots()).await.unwrap();
    chacha().try_with(&server, identity.roots()).await.unwrap();

    fips(true).await;
    modern().try_with(&server, identity.roots()).await.unwrap_err();
    chacha().try_with(&server, identity.roots()).await.unwrap_err();
    for version in rustls::ALL_VERSIONS {
        let stream = Offer::everything()
            .only(version)
            .try_with(&server, identity.roots())
            .await
            .unwrap();
        let agreed = stream.get_ref().1;
        let suite = format!("{:?}", agreed.negotiated_cipher_suite().unwrap().suite());
        assert!(suite.contains("_AES_") && suite.contains("_GCM_"), "{suite}");
        let group = agreed.negotiated_key_exchange_group().unwrap().name();
        assert!(
            matches!(group, NamedGroup::secp256r1 | NamedGroup::secp384r1),
            "{group:?}"
        );
    }

    fips(false).await;
    modern().try_with(&server, identity.roots()).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn an_ed25519_key_is_not_for_fips_mode() {
    let identity = Identity::new("ed25519");
    let server = identity.serve().await;
    let overview = server.admin.get("/api/overview").await.ok();
    assert!(overview["warnings"].to_string().contains("FIPS"), "{overview:#}");
    let connect = || Offer::everything().try_with(&server, identity.roots());
    connect().await.unwrap();
    server
        .admin
        .put("/api/settings/security.fips_mode_enabled", json!({"value": true}))
        .await
        .ok();
    connect().await.unwrap_err();
    server.stop().await;
}

async fn refusal(tls: Tls) -> String {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        tls: Some(tls),
        ..config(folder.path())
    };
    Server::start(config).await.unwrap_err().to_string()
}

#[tokio::test]
async fn what_can_not_be_used_stops_the_start() {
    let identity = Identity::new("ec");
    let other = Identity::new("ec");
    let write = |name: &str, text: &str| {
        let path = identity.folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    };
    let key_text = fs::read_to_string(identity.key()).unwrap();
    let with_key = |key: &Path| Tls {
        key: key.to_owned(),
        ..identity.tls()
    };
    let with_certificate = |certificate: &Path| Tls {
        certificate: certificate.to_owned(),
        ..identity.tls()
    };
    let encrypted = identity.folder.path().join("encrypted.pem");
    let made = Command::new("openssl")
        .args(["pkey", "-aes256", "-passout", "pass:hunter2", "-in"])
        .arg(identity.key())
        .arg("-out")
        .arg(&encrypted)
        .status()
        .unwrap();
    assert!(made.success());
    fs::set_permissions(&encrypted, fs::Permissions::from_mode(0o600)).unwrap();
    let small = Identity::new("rsa:1024");

    for (tls, part) in [
        (with_key(&other.key()), "doesn't belong to the first certificate"),
        (with_key(&encrypted), "it is encrypted"),
        (
            with_key(Path::new("/nowhere/key.pem")),
            "/nowhere/key.pem can't be read",
        ),
        (
            with_key(&write("no-key.pem", "-----BEGIN CERTIFICATE-----\n")),
            "holds no private key",
        ),
        (with_certificate(&identity.key()), "holds no certificate"),
        (
            with_certificate(&write(
                "broken.pem",
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            )),
            "can't be read",
        ),
        (small.tls(), "at least 2048 bits"),
    ] {
        let message = refusal(tls).await;
        assert!(message.contains(part), "{message}");
        assert!(!message.contains(key_text.lines().nth(1).unwrap()));
    }

    fs::set_permissions(identity.key(), fs::Permissions::from_mode(0o644)).unwrap();
    let message = refusal(identity.tls()).await;
    assert!(
        message.contains("mode 0644") && message.contains("chmod 600"),
        "{message}"
    );
}

#[tokio::test]
async fn a_certificate_that_ends_soon_is_in_the_overview() {
    let identity = Identity::new("ec");
    identity.renew("ec", "5");
    let server = identity.serve().await;
    let overview = server.admin.get("/api/overview").await.ok();
    assert!(
        overview["warnings"].to_string().contains("expires at"),
        "{overview:#}"
    );
    assert_eq!(overview["needs_attention"][0]["kind"], "server");
    assert_eq!(overview["needs_attention_total"], 1);
    assert_eq!(overview["expiring"][0]["kind"], "listener_certificate");
    server.stop().await;
}

#[tokio::test]
async fn in_clear_for_other_machines_is_said_and_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let mut open = config(folder.path());
    open.listen = "0.0.0.0:0".into();
    let server = TestServer::start_with(folder, open).await;
    let overview = server.admin.get("/api/overview").await.ok();
    assert!(
        overview["warnings"].to_string().contains("without TLS"),
        "{overview:#}"
    );
    let records = server
        .admin
        .get("/api/audit?operation=insecure_listener")
        .await
        .ok();
    let record = &records["items"][0];
    assert_eq!(record["performed_by"], "system");
    assert!(
        record["details"]["address"]
            .as_str()
            .unwrap()
            .starts_with("0.0.0.0:")
    );
    server.stop().await;

    let server = TestServer::start().await;
    let records = server
        .admin
        .get("/api/audit?operation=insecure_listener")
        .await
        .ok();
    assert_eq!(records["items"], json!([]));
    let answer = server.admin.get("/api/overview").await;
    assert!(!answer.headers.contains_key("strict-transport-security"));
    server.stop().await;
}

#[tokio::test]
async fn one_password_on_many_names_is_slowed_down_by_address() {
    let folder = tempfile::tempdir().unwrap();
    let mut behind = config(folder.path());
    behind.trusted_proxies = "127.0.0.1".parse().unwrap();
    let server = TestServer::start_with(folder, behind).await;
    let login = |from: &'static str, name: String, password: &'static str| {
        let request = server.anybody().request(Method::POST, "/api/auth/login");
        let body: Value = json!({"username": name, "password": password});
        answer(request.header("x-forwarded-for", from).json(&body))
    };
    let mut tries = 0;
    loop {
        let answer = login("198.51.100.7", format!("name-{tries}"), "Summer2026!").await;
        if answer.status == 429 {
            let wait = answer.headers["retry-after"].to_str().unwrap().to_owned();
            assert!((1..=4).contains(&wait.parse::<u64>().unwrap()), "{wait}");
            answer.problem(429, 1060);
            break;
        }
        answer.problem(401, 1010);
        tries += 1;
        assert!(tries < 100, "nobody stopped a guesser");
    }
    assert!(tries >= 20);
    // What stands further left in the list is anybody's word.
    login("203.0.113.1, 198.51.100.7", "name".into(), "Summer2026!")
        .await
        .problem(429, 1060);
    login("198.51.100.8", "admin".into(), PASSWORD).await.ok();
    // Who looks into it later finds where they came from.
    for (operation, from) in [("login_failed", "198.51.100.7"), ("login", "198.51.100.8")] {
        let page = server
            .admin
            .get(&format!("/api/audit?operation={operation}"))
            .await
            .ok();
        assert_eq!(page["items"][0]["details"]["from"], from);
    }
    server.stop().await;
}

#[tokio::test]
async fn bodies_are_as_long_as_their_route_allows() {
    let server = TestServer::start().await;
    let long = "x".repeat(2 * 1024 * 1024);
    let connection =
        json!({"name": "n", "protocol": "ftps", "host": "h", "auth_method": "none", "tls_crl_pem": long});
    // Read whole, and refused for what it is.
    let answer = server.admin.post("/api/connections", connection).await;
    assert!(answer.fields(400, 3011).contains(&"tls_crl_pem".to_owned()));
    let longer = json!({"name": "x".repeat(9 * 1024 * 1024)});
    let problem = server
        .admin
        .post("/api/connections", longer)
        .await
        .problem(413, 1001);
    assert!(problem["detail"].as_str().unwrap().contains("8388608"));
    let login = json!({"username": "admin", "password": "x".repeat(20_000)});
    server
        .anybody()
        .post("/api/auth/login", login)
        .await
        .problem(413, 1001);
    server.stop().await;
}
