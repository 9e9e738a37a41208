//! A key vault on loopback for tests: it speaks Key Vault's REST protocol over TLS, with challenge, tokens, real keys and
//! their versions, and fails as the real one does when it is told to. It panics where a test is wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod keys;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use courier_azure::testkit::{
    Authority, Issued, Meeting, Reply, Request, Server, Service, for_client, write_private,
};
pub use courier_azure::testkit::{CLIENT_ID, CLIENT_SECRET, FEDERATED_TOKEN, IDENTITY_HEADER, TENANT_ID};
use parking_lot::Mutex;
use secrecy::SecretString;
use url::Url;

use crate::provider::azure::{AzureKeyVault, AzureSettings};
use crate::{Application, Identity, ManagedEndpoint};
use keys::Keys;

/// What tokens are for: the key vault's domain.
const RESOURCE: &str = "https://localhost";

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
    authority_pem: Vec<u8>,
    tls: Server,
    plain: Server,
}

struct Shared(Mutex<State>);

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
        let shared = Arc::new(Shared(Mutex::new(State {
            mood: Mood::Well,
            keys: Keys::default(),
            authority: Authority::new(RESOURCE),
            denied: Vec::new(),
            log: Vec::new(),
        })));
        Self {
            tls: Server::start(
                Some(certificate.acceptor()),
                Arc::new(Secured(Arc::clone(&shared))),
            ),
            plain: Server::start(None, Arc::new(Neighbour(Arc::clone(&shared)))),
            authority_pem: certificate.authority_pem(),
            shared,
        }
    }

    /// Its address, which is also the one of the service that gives tokens.
    #[must_use]
    pub fn url(&self) -> Url {
        Url::parse(&format!("https://localhost:{}", self.tls.port())).unwrap()
    }

    /// The address, without TLS, of the metadata service for managed identities.
    #[must_use]
    pub fn metadata_url(&self) -> Url {
        Url::parse(&format!("http://127.0.0.1:{}", self.plain.port())).unwrap()
    }

    /// The address, without TLS, of App Service's service for managed identities.
    #[must_use]
    pub fn app_service_url(&self) -> Url {
        self.metadata_url().join("/msi/token").unwrap()
    }

    /// The certificate of the authority that its own is from, as PEM: what `SSL_CERT_FILE` may name.
    #[must_use]
    pub fn authority_pem(&self) -> &[u8] {
        &self.authority_pem
    }

    /// Makes an RSA key, or a new version of it, and returns the version.
    pub fn add_rsa_key(&self, name: &str) -> String {
        self.shared.0.lock().keys.add_rsa(name)
    }

    /// Makes an AES key, as managed HSMs have them, and returns its version.
    pub fn add_symmetric_key(&self, name: &str) -> String {
        self.shared.0.lock().keys.add_symmetric(name)
    }

    /// Enables or disables a version.
    pub fn enable(&self, name: &str, version: &str, enabled: bool) {
        self.shared.0.lock().keys.enable(name, version, enabled);
    }

    /// Changes how it feels.
    pub fn feel(&self, mood: Mood) {
        self.shared.0.lock().mood = mood;
    }

    /// Takes a permission away: `get`, `wrapKey` or `unwrapKey`.
    pub fn deny(&self, permission: &str) {
        self.shared.0.lock().denied.push(permission.into());
    }

    /// Gives all permissions back.
    pub fn allow_all(&self) {
        self.shared.0.lock().denied.clear();
    }

    /// Takes no token any more that was given until now.
    pub fn revoke_tokens(&self) {
        self.shared.0.lock().authority.revoke();
    }

    /// How long further tokens live, seconds.
    pub fn set_token_lifetime(&self, seconds: u64) {
        self.shared.0.lock().authority.lifetime = seconds;
    }

    /// Makes a certificate for the application, and writes it with its key to a PEM file of mode 0600.
    pub fn write_client_certificate(&self, path: &Path) {
        let (pem, certificate) = for_client();
        write_private(path, &pem);
        self.shared.0.lock().authority.certificate = Some(certificate);
    }

    /// What was asked since it started: `get`, `wrapkey`, `unwrapkey`, `token`, `challenge`, refused or not.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.shared.0.lock().log.clone()
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
        AzureKeyVault::impatient(settings, &self.authority_pem, Duration::from_secs(2))
    }

    /// The application that may use the key vault.
    #[must_use]
    pub fn application(&self) -> Application {
        Authority::application(&self.url())
    }

    /// The application with its secret.
    #[must_use]
    pub fn by_secret(&self) -> Identity {
        Authority::by_secret(&self.url())
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

/// The key vault and Entra ID.
struct Secured(Arc<Shared>);

/// The services that know the identity of the machine or the app.
struct Neighbour(Arc<Shared>);

impl Shared {
    fn meet(&self) -> Meeting {
        match self.0.lock().mood {
            Mood::Gone => Meeting::HangUp,
            Mood::Silent => Meeting::Silence,
            Mood::Well | Mood::Failing { .. } => Meeting::Talk,
        }
    }

    fn reply(&self, answer: impl FnOnce(&mut State) -> Reply) -> Option<Reply> {
        let mut state = self.0.lock();
        if let Mood::Failing {
            times,
            status,
            retry_after,
        } = &mut state.mood
            && *times > 0
        {
            *times -= 1;
            let reply = Reply::error(*status, "Failing", "as it was told to");
            return Some(match retry_after {
                Some(seconds) => reply.header("Retry-After", &seconds.to_string()),
                None => reply,
            });
        }
        Some(answer(&mut state))
    }
}

fn nothing_here() -> Reply {
    Reply::error(404, "NotFound", "there is nothing here")
}

impl Service for Neighbour {
    fn meet(&self) -> Meeting {
        self.0.meet()
    }

    fn reply(&self, request: &Request) -> Option<Reply> {
        self.0.reply(|state| match &*request.path {
            "/metadata/identity/oauth2/token" => {
                state.log.push("token".into());
                state.authority.metadata(request)
            }
            "/msi/token" => {
                state.log.push("token".into());
                state.authority.app_service(request)
            }
            _ => nothing_here(),
        })
    }
}

impl Service for Secured {
    fn meet(&self) -> Meeting {
        self.0.meet()
    }

    fn reply(&self, request: &Request) -> Option<Reply> {
        let segments: Vec<&str> = request.path.split('/').skip(1).collect();
        self.0
            .reply(|state| match (&*request.method, segments.as_slice()) {
                ("POST", [tenant, "oauth2", "v2.0", "token"]) => {
                    state.log.push("token".into());
                    state.authority.token(tenant, request)
                }
                (_, ["keys", rest @ ..]) => state.keys(rest, request),
                _ => nothing_here(),
            })
    }
}

impl State {
    /// A request for `/keys/…`.
    fn keys(&mut self, path: &[&str], request: &Request) -> Reply {
        let origin = request.origin();
        let token = request.bearer();
        if !token.is_some_and(|token| self.authority.gave(token)) {
            self.log.push("challenge".into());
            assert!(
                request.body.is_empty() || token.is_some(),
                "a secret was sent without a token"
            );
            let challenge = format!(r#"Bearer authorization="{origin}/{TENANT_ID}", resource="{RESOURCE}""#);
            return Reply::error(
                401,
                "Unauthorized",
                "AKV10000: Request is missing a Bearer token.",
            )
            .header("WWW-Authenticate", &challenge);
        }
        assert_eq!(request.query("api-version").as_deref(), Some("7.4"));
        let (operation, permission) = match (&*request.method, path.last()) {
            ("POST", Some(&"wrapkey")) => ("wrapkey", "wrapKey"),
            ("POST", Some(&"unwrapkey")) => ("unwrapkey", "unwrapKey"),
            _ => ("get", "get"),
        };
        self.log.push(operation.into());
        if self.denied.iter().any(|denied| denied == permission) {
            let message =
                format!("Caller is not authorized to perform action on resource.\r\nAction: '{permission}'");
            return Reply::inner_error(403, "Forbidden", "ForbiddenByRbac", &message);
        }
        self.keys.reply(&origin, path, request)
    }
}
