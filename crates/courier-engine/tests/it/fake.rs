//! A protocol over a server in memory, which shows host keys and asks for a password or a key; or one that shows
//! certificates.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use courier_transfer::{
    AuthMethod, Certificate, CertificatePolicy, CertificateProblem, Client, ConnectOptions, Credentials,
    Describe, Error, ErrorKind, Fingerprint, HostKey, PrivateHalf, Protocol, Result, ServerInfo, Target,
    Thumbprint,
    memory::{Memory, MemoryClient},
    settings::{Default as Standard, Kind, Setting},
};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use tokio::sync::Barrier;

/// What the server accepts.
pub(crate) const PASSWORD: &str = "correct horse";

/// A server, and what a test may want to know of its clients.
#[derive(Clone, Debug)]
pub(crate) struct Server(Arc<State>);

#[derive(Debug)]
struct State {
    memory: Memory,
    name: &'static str,
    host_key: Mutex<u8>,
    certificate: Mutex<Option<Certificate>>,
    client_certificates: Mutex<Vec<String>>,
    key_type: Mutex<&'static str>,
    down: Mutex<Option<ErrorKind>>,
    places: Mutex<usize>,
    refusals: AtomicUsize,
    sessions: Mutex<Vec<Arc<MemoryClient>>>,
    logins: AtomicUsize,
    passwords: Mutex<Vec<(String, String)>>,
    before_login: Mutex<Option<Arc<Barrier>>>,
    offered_types: Mutex<Vec<String>>,
    fips: Mutex<Vec<bool>>,
}

impl Server {
    pub(crate) fn new(name: &'static str) -> Self {
        Self(Arc::new(State {
            memory: Memory::default(),
            name,
            host_key: Mutex::new(1),
            certificate: Mutex::default(),
            client_certificates: Mutex::default(),
            key_type: Mutex::new("ssh-ed25519"),
            down: Mutex::default(),
            places: Mutex::new(usize::MAX),
            refusals: AtomicUsize::new(0),
            sessions: Mutex::default(),
            logins: AtomicUsize::new(0),
            passwords: Mutex::default(),
            before_login: Mutex::default(),
            offered_types: Mutex::default(),
            fips: Mutex::default(),
        }))
    }

    /// One that has a certificate, which is fine, and no host key.
    pub(crate) fn with_certificate(name: &'static str) -> Self {
        let server = Self::new(name);
        server.present(1, Vec::new());
        server
    }

    /// From now on it presents the certificate of this seed, with which this is wrong.
    pub(crate) fn present(&self, seed: u8, problems: Vec<CertificateProblem>) {
        *self.0.certificate.lock().unwrap() = Some(Certificate {
            subject: "CN=partner.example".into(),
            issuer: "CN=Some CA".into(),
            thumbprint: Thumbprint::from_digest([seed; 32]),
            not_before: Timestamp::UNIX_EPOCH,
            not_after: "2031-01-02T03:04:05Z".parse().unwrap(),
            problems,
        });
    }

    /// The client certificates that were presented to it.
    pub(crate) fn client_certificates(&self) -> Vec<String> {
        self.0.client_certificates.lock().unwrap().clone()
    }

    fn has_certificate(&self) -> bool {
        self.0.certificate.lock().unwrap().is_some()
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.0.memory
    }

    /// From now on it shows another host key.
    pub(crate) fn change_host_key(&self, seed: u8) {
        *self.0.host_key.lock().unwrap() = seed;
    }

    pub(crate) fn change_key_type(&self, key_type: &'static str) {
        *self.0.key_type.lock().unwrap() = key_type;
    }

    /// From now on connecting fails like this; `None` heals.
    pub(crate) fn down(&self, kind: Option<ErrorKind>) {
        *self.0.down.lock().unwrap() = kind;
    }

    /// From now on it takes so many sessions at once, and refuses others in words.
    pub(crate) fn places(&self, most: usize) {
        *self.0.places.lock().unwrap() = most;
    }

    /// Sessions that it refused.
    pub(crate) fn refusals(&self) -> usize {
        self.0.refusals.load(Ordering::Relaxed)
    }

    /// Credentials that were looked at.
    pub(crate) fn logins(&self) -> usize {
        self.0.logins.load(Ordering::Relaxed)
    }

    /// The passwords that were sent, and to which host.
    pub(crate) fn passwords(&self) -> Vec<(String, String)> {
        self.0.passwords.lock().unwrap().clone()
    }

    /// The next login stops once its host key is trusted. Waiting for the barrier once is waiting until it got there, and
    /// a second time lets it go on.
    pub(crate) fn stop_before_login(&self) -> Arc<Barrier> {
        let stop = Arc::new(Barrier::new(2));
        *self.0.before_login.lock().unwrap() = Some(stop.clone());
        stop
    }

    /// For each attempt to connect: did FIPS mode rule it?
    pub(crate) fn fips(&self) -> Vec<bool> {
        self.0.fips.lock().unwrap().clone()
    }

    /// Sessions that came up.
    pub(crate) fn sessions(&self) -> usize {
        self.0.sessions.lock().unwrap().len()
    }

    /// Sessions that are open.
    pub(crate) fn open_sessions(&self) -> usize {
        self.0
            .sessions
            .lock()
            .unwrap()
            .iter()
            .filter(|s| s.is_connected())
            .count()
    }

    /// Breaks all sessions.
    pub(crate) fn lose_sessions(&self) {
        self.0.sessions.lock().unwrap().iter().for_each(|s| s.lose());
    }

    /// The key types that the client asked for first.
    pub(crate) fn offered_types(&self) -> Vec<String> {
        self.0.offered_types.lock().unwrap().clone()
    }

    pub(crate) fn protocol(&self) -> Arc<dyn Protocol> {
        Arc::new(self.clone())
    }

    fn authenticate(&self, credentials: &Credentials) -> Result<AuthMethod> {
        self.0.logins.fetch_add(1, Ordering::Relaxed);
        if let Some(key) = credentials.keys.first() {
            let PrivateHalf::Text(text) = &key.private_key else {
                panic!("a key that is not in the vault: {key:?}");
            };
            assert!(
                text.expose_secret()
                    .starts_with("-----BEGIN OPENSSH PRIVATE KEY-----")
            );
            return Ok(AuthMethod::Key { id: key.id.clone() });
        }
        match &credentials.password {
            Some(password) if password.expose_secret() == PASSWORD => Ok(AuthMethod::Password),
            _ => Err(Error::new(
                ErrorKind::Auth,
                "Authentication failed: server rejected password",
            )),
        }
    }
}

/// The fingerprint of the host key of this seed.
pub(crate) fn fingerprint(seed: u8) -> String {
    Fingerprint::from_digest([seed; 32]).to_string()
}

/// The thumbprint of the certificate of this seed, as it is shown.
pub(crate) fn thumbprint(seed: u8) -> String {
    Thumbprint::from_digest([seed; 32]).to_string()
}

/// A client certificate that the server takes.
pub(crate) const CLIENT_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nmine\n";

const CERTIFICATE_SETTINGS: &[Setting] = &[
    Setting::optional(
        "ftps_mode",
        Kind::Choice {
            choices: &["explicit", "implicit"],
        },
        "How.",
    ),
    Setting::optional(
        CertificatePolicy::SETTING,
        Kind::Choice {
            choices: &[
                CertificatePolicy::SYSTEM_TRUST,
                CertificatePolicy::PINNED,
                CertificatePolicy::INSECURE,
            ],
        },
        "Which.",
    )
    .or(Standard::Text(CertificatePolicy::SYSTEM_TRUST)),
    Setting::optional(CertificatePolicy::PIN_SETTING, Kind::Text, "The pin."),
    Setting::optional("client_certificate", Kind::LongText, "Mine."),
];

impl Describe for Server {
    fn name(&self) -> &'static str {
        self.0.name
    }

    fn help(&self) -> &'static str {
        "A server that is made up."
    }

    fn default_port(&self, settings: &Map<String, Value>) -> Option<u16> {
        Some(match settings.get("ftps_mode").and_then(Value::as_str) {
            Some("explicit") => 21,
            _ if self.has_certificate() => 990,
            _ => 4000,
        })
    }

    fn settings(&self) -> &'static [Setting] {
        const MODE: Setting = Setting::optional(
            "mode",
            Kind::Choice {
                choices: &["plain", "weak"],
            },
            "How.",
        );
        match self.has_certificate() {
            true => CERTIFICATE_SETTINGS,
            false => &[MODE],
        }
    }

    fn implied(&self, _settings: &Map<String, Value>, port: u16) -> Vec<(&'static str, Value)> {
        let mode = if port == 990 { "implicit" } else { "explicit" };
        match self.has_certificate() {
            true => vec![("ftps_mode", mode.into())],
            false => Vec::new(),
        }
    }

    fn check_client_certificate(&self, pem: &SecretString) -> Result<(), String> {
        match pem.expose_secret().starts_with("-----BEGIN CERTIFICATE-----") {
            true => Ok(()),
            false => Err("holds no certificate".into()),
        }
    }

    fn auth_methods(&self) -> &'static [&'static str] {
        if self.has_certificate() {
            return &["password", "none"];
        }
        &["password", "ssh_key", "password_and_ssh_key"]
    }

    fn warnings(&self, settings: &Map<String, Value>) -> Vec<String> {
        match settings.get("mode").and_then(Value::as_str) {
            Some("weak") => vec!["The mode is weak.".into()],
            _ => Vec::new(),
        }
    }

    fn not_fips(&self, settings: &Map<String, Value>) -> Vec<(String, String)> {
        match settings.get("mode").and_then(Value::as_str) {
            Some("weak") => vec![("mode".into(), "weak is not allowed in FIPS mode".into())],
            _ => Vec::new(),
        }
    }

    fn client_certificate_not_fips(&self, pem: &SecretString) -> Option<String> {
        pem.expose_secret()
            .contains("Ed25519")
            .then(|| "has a key that FIPS mode does not allow".to_owned())
    }
}

#[async_trait]
impl Protocol for Server {
    async fn connect(&self, target: Target, options: ConnectOptions) -> Result<Arc<dyn Client>> {
        self.0.fips.lock().unwrap().push(options.fips);
        if self.open_sessions() >= *self.0.places.lock().unwrap() {
            self.0.refusals.fetch_add(1, Ordering::Relaxed);
            return Err(Error::new(ErrorKind::Busy, "there are too many of you"));
        }
        if let Some(kind) = *self.0.down.lock().unwrap() {
            self.0.refusals.fetch_add(1, Ordering::Relaxed);
            return Err(Error::new(
                kind,
                format!("{} does not let anybody in", target.host),
            ));
        }
        let mut info = ServerInfo {
            banner: Some("Fake_1.0".into()),
            ..ServerInfo::default()
        };
        options.observer.learnt(&info);
        let certificate = self.0.certificate.lock().unwrap().clone();
        if let Some(certificate) = certificate {
            if let Some(mine) = &target.credentials.client_certificate {
                let mine = mine.expose_secret().to_owned();
                self.0.client_certificates.lock().unwrap().push(mine);
            }
            options.trust.certificate(&certificate).await?;
            info.certificate = Some(certificate);
            return self.log_in(target, options, info).await;
        }
        *self.0.offered_types.lock().unwrap() = options.trust.pinned_key_types().await;
        let seed = *self.0.host_key.lock().unwrap();
        let key = HostKey {
            key_type: self.0.key_type.lock().unwrap().to_string(),
            fingerprint: Fingerprint::from_digest([seed; 32]),
            public_key: "AAAA".into(),
        };
        info.host_key = Some(key.clone());
        options.observer.learnt(&info);
        options.trust.host_key(&key).await?;
        self.log_in(target, options, info).await
    }
}

impl Server {
    async fn log_in(
        &self,
        target: Target,
        options: ConnectOptions,
        info: ServerInfo,
    ) -> Result<Arc<dyn Client>> {
        let stop = self.0.before_login.lock().unwrap().take();
        if let Some(stop) = stop {
            stop.wait().await;
            stop.wait().await;
        }
        if let Some(password) = &target.credentials.password {
            let sent = (target.host.clone(), password.expose_secret().to_owned());
            self.0.passwords.lock().unwrap().push(sent);
        }
        let method = self.authenticate(&target.credentials)?;
        options.observer.authenticated(&info, &method).await?;
        let client = self.0.memory.connect();
        self.0.sessions.lock().unwrap().push(client.clone());
        Ok(client)
    }
}
