//! A key vault on loopback for tests: it speaks Key Vault's REST protocol over TLS, with challenge, tokens, real keys and
//! their versions, and fails as the real one does when it is told to. It panics where a test is wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod authority;
mod certificate;
mod http;
mod keys;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use openssl::ssl::SslAcceptor;
use parking_lot::Mutex;
use secrecy::SecretString;
use url::Url;

use crate::provider::azure::{Application, AzureKeyVault, AzureSettings, Identity, ManagedEndpoint};
use authority::Authority;
use certificate::Issued;
use http::{Reply, Request};
use keys::Keys;

/// The tenant that the key vault belongs to.
pub const TENANT_ID: &str = "11111111-2222-4333-8444-555555555555";

/// The application that may use the key vault, and the user-assigned identity.
pub const CLIENT_ID: &str = "99999999-8888-4777-8666-555555555555";

/// The application's secret.
pub const CLIENT_SECRET: &str = "fake-Client~Secret&+";

/// What the application's workload proves itself by.
pub const FEDERATED_TOKEN: &str = "fake.federated.token";

/// What an app proves itself by to the service that manages its identity.
pub const IDENTITY_HEADER: &str = "fake-identity-header";

/// How the key vault feels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// It works.
    #[default]
    Well,
    /// Connections break before anything is said.
    Gone,
    /// Connections are taken, and nothing is ever said.
    Silent,
    /// So many requests are answered with this status, and it is well again.
    Failing {
        /// How many.
        times: u32,
        /// The status.
        status: u16,
        /// The `Retry-After` of these answers, seconds.
        retry_after: Option<u64>,
    },
}

/// The key vault. Ends when dropped.
pub struct FakeKeyVault {
    shared: Arc<Shared>,
    certificate: Issued,
    tls_port: u16,
    plain_port: u16,
}

struct Shared {
    state: Mutex<State>,
    ended: AtomicBool,
    tls_port: u16,
}

#[derive(Default)]
struct State {
    mood: Mood,
    keys: Keys,
    authority: Authority,
    denied: Vec<String>,
    log: Vec<String>,
}

impl FakeKeyVault {
    /// Starts one without keys.
    #[must_use]
    pub fn start() -> Self {
        let certificate = Issued::for_loopback();
        let [tls, plain] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [tls_port, plain_port] = [&tls, &plain].map(|listener| listener.local_addr().unwrap().port());
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            ended: AtomicBool::new(false),
            tls_port,
        });
        serve(tls, Some(certificate.acceptor()), &shared);
        serve(plain, None, &shared);
        Self {
            shared,
            certificate,
            tls_port,
            plain_port,
        }
    }

    /// Its address, which is also the one of the service that gives tokens.
    #[must_use]
    pub fn url(&self) -> Url {
        Url::parse(&format!("https://localhost:{}", self.tls_port)).unwrap()
    }

    /// The address, without TLS, of the metadata service for managed identities.
    #[must_use]
    pub fn metadata_url(&self) -> Url {
        Url::parse(&format!("http://127.0.0.1:{}", self.plain_port)).unwrap()
    }

    /// The address, without TLS, of App Service's service for managed identities.
    #[must_use]
    pub fn app_service_url(&self) -> Url {
        self.metadata_url().join("/msi/token").unwrap()
    }

    /// The certificate of the authority that its own is from, as PEM: what `SSL_CERT_FILE` may name.
    #[must_use]
    pub fn authority_pem(&self) -> &[u8] {
        &self.certificate.authority_pem
    }

    /// Makes an RSA key, or a new version of it, and returns the version.
    pub fn add_rsa_key(&self, name: &str) -> String {
        self.shared.state.lock().keys.add_rsa(name)
    }

    /// Makes an AES key, as managed HSMs have them, and returns its version.
    pub fn add_symmetric_key(&self, name: &str) -> String {
        self.shared.state.lock().keys.add_symmetric(name)
    }

    /// Enables or disables a version.
    pub fn enable(&self, name: &str, version: &str, enabled: bool) {
        self.shared.state.lock().keys.enable(name, version, enabled);
    }

    /// Changes how it feels.
    pub fn feel(&self, mood: Mood) {
        self.shared.state.lock().mood = mood;
    }

    /// Takes a permission away: `get`, `wrapKey` or `unwrapKey`.
    pub fn deny(&self, permission: &str) {
        self.shared.state.lock().denied.push(permission.into());
    }

    /// Gives all permissions back.
    pub fn allow_all(&self) {
        self.shared.state.lock().denied.clear();
    }

    /// Takes no token any more that was given until now.
    pub fn revoke_tokens(&self) {
        self.shared.state.lock().authority.revoke();
    }

    /// How long further tokens live, seconds.
    pub fn set_token_lifetime(&self, seconds: u64) {
        self.shared.state.lock().authority.lifetime = seconds;
    }

    /// Makes a certificate for the application, and writes it with its key to a PEM file of mode 0600.
    pub fn write_client_certificate(&self, path: &Path) {
        let (pem, certificate) = certificate::for_client();
        certificate::write_private(path, &pem);
        self.shared.state.lock().authority.certificate = Some(certificate);
    }

    /// What was asked since it started: `get`, `wrapkey`, `unwrapkey`, `token`, `challenge`, refused or not.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.shared.state.lock().log.clone()
    }

    /// The settings of a client for a key, with that identity.
    #[must_use]
    pub fn settings(&self, key_name: &str, identity: Identity) -> AzureSettings {
        AzureSettings {
            vault_url: self.url(),
            key_name: key_name.into(),
            algorithm: None,
            identity,
        }
    }

    /// A client that trusts this key vault's certificate and is impatient: an operation has two seconds.
    #[must_use]
    pub fn client(&self, settings: AzureSettings) -> AzureKeyVault {
        AzureKeyVault::impatient(settings, &self.certificate.authority_pem, Duration::from_secs(2))
    }

    /// The application that may use the key vault.
    #[must_use]
    pub fn application(&self) -> Application {
        Application {
            authority_host: self.url(),
            tenant_id: TENANT_ID.into(),
            client_id: CLIENT_ID.into(),
        }
    }

    /// The application with its secret.
    #[must_use]
    pub fn by_secret(&self) -> Identity {
        Identity::ClientSecret {
            application: self.application(),
            secret: CLIENT_SECRET.into(),
        }
    }

    /// The identity of a virtual machine.
    #[must_use]
    pub fn by_metadata(&self, client_id: Option<&str>) -> Identity {
        Identity::ManagedIdentity {
            client_id: client_id.map(str::to_owned),
            endpoint: ManagedEndpoint::Metadata(self.metadata_url()),
        }
    }

    /// The identity of an app.
    #[must_use]
    pub fn by_app_service(&self) -> Identity {
        Identity::ManagedIdentity {
            client_id: None,
            endpoint: ManagedEndpoint::AppService {
                url: self.app_service_url(),
                header: SecretString::from(IDENTITY_HEADER),
            },
        }
    }
}

impl std::fmt::Debug for FakeKeyVault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("FakeKeyVault").field(&self.url().as_str()).finish()
    }
}

impl Drop for FakeKeyVault {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        for port in [self.tls_port, self.plain_port] {
            // Wakes who waits for a connection.
            let _ = TcpStream::connect(("127.0.0.1", port));
        }
    }
}

fn serve(listener: TcpListener, tls: Option<SslAcceptor>, shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        for connection in listener.incoming() {
            if shared.ended.load(Ordering::Relaxed) {
                return;
            }
            let (Ok(stream), tls, shared) = (connection, tls.clone(), Arc::clone(&shared)) else {
                return;
            };
            thread::spawn(move || {
                let mood = shared.state.lock().mood;
                match (mood, tls) {
                    (Mood::Gone, _) => {}
                    (Mood::Silent, _) => thread::sleep(Duration::from_secs(60)),
                    (_, None) => answer(stream, &shared, false),
                    (_, Some(tls)) => {
                        // A client that doesn't trust the certificate ends it here.
                        if let Ok(stream) = tls.accept(stream) {
                            answer(stream, &shared, true);
                        }
                    }
                }
            });
        }
    });
}

/// One request on each connection.
fn answer(mut stream: impl Read + Write, shared: &Shared, tls: bool) {
    let Some(request) = Request::read(&mut stream) else {
        return;
    };
    let reply = shared.reply(&request, tls);
    let _ = stream.write_all(&reply.bytes());
    let _ = stream.flush();
}

impl Shared {
    fn reply(&self, request: &Request, tls: bool) -> Reply {
        let mut state = self.state.lock();
        if let Mood::Failing {
            times,
            status,
            retry_after,
        } = &mut state.mood
            && *times > 0
        {
            *times -= 1;
            let reply = Reply::error(*status, "Failing", "as it was told to");
            return match retry_after {
                Some(seconds) => reply.header("Retry-After", &seconds.to_string()),
                None => reply,
            };
        }
        let authority = format!("https://localhost:{}", self.tls_port);
        let segments: Vec<&str> = request.path.split('/').skip(1).collect();
        match (tls, &*request.method, segments.as_slice()) {
            (true, "POST", [tenant, "oauth2", "v2.0", "token"]) => {
                state.log.push("token".into());
                state.authority.token(tenant, &authority, request)
            }
            (false, "GET", ["metadata", "identity", "oauth2", "token"]) => {
                state.log.push("token".into());
                state.authority.metadata(request)
            }
            (false, "GET", ["msi", "token"]) => {
                state.log.push("token".into());
                state.authority.app_service(request)
            }
            (true, _, ["keys", rest @ ..]) => {
                let token = request
                    .header("authorization")
                    .and_then(|value| value.strip_prefix("Bearer "));
                if !token.is_some_and(|token| state.authority.gave(token)) {
                    state.log.push("challenge".into());
                    assert!(
                        request.body.is_empty() || token.is_some(),
                        "a secret was sent without a token"
                    );
                    let challenge = format!(
                        r#"Bearer authorization="{authority}/{TENANT_ID}", resource="https://localhost""#
                    );
                    return Reply::error(
                        401,
                        "Unauthorized",
                        "AKV10000: Request is missing a Bearer token.",
                    )
                    .header("WWW-Authenticate", &challenge);
                }
                assert_eq!(request.query("api-version").as_deref(), Some("7.4"));
                let State {
                    keys, denied, log, ..
                } = &mut *state;
                let (operation, permission) = match (&*request.method, rest.last()) {
                    ("POST", Some(&"wrapkey")) => ("wrapkey", "wrapKey"),
                    ("POST", Some(&"unwrapkey")) => ("unwrapkey", "unwrapKey"),
                    _ => ("get", "get"),
                };
                log.push(operation.into());
                if denied.iter().any(|denied| denied == permission) {
                    let message = format!(
                        "Caller is not authorized to perform action on resource.\r\nAction: '{permission}'"
                    );
                    return Reply::inner_error(403, "Forbidden", "ForbiddenByRbac", &message);
                }
                keys.reply(&authority, rest, request)
            }
            _ => Reply::error(404, "NotFound", "there is nothing here"),
        }
    }
}
