//! Ways to connect.

use std::{sync::Arc, time::Duration};

use courier_ftp::{FtpProtocol, FtpsProtocol};
use courier_transfer::{
    AuthMethod, CertificatePolicy, Client, ConnectOptions, Connector, Credentials, Observer, Protocol,
    Result, ServerInfo, Target, TrustDecider, layers::Timeouts,
};
use parking_lot::Mutex;
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::{Mode, PASSWORD, Server};

/// Remembers what it hears.
#[derive(Debug, Default)]
pub struct Heard {
    pub info: Mutex<ServerInfo>,
    pub method: Mutex<Option<AuthMethod>>,
}

#[async_trait::async_trait]
impl Observer for Heard {
    fn learnt(&self, info: &ServerInfo) {
        *self.info.lock() = info.clone();
    }

    async fn authenticated(&self, _info: &ServerInfo, method: &AuthMethod) -> Result<()> {
        *self.method.lock() = Some(method.clone());
        Ok(())
    }
}

/// One connection to be made.
#[derive(Debug)]
pub struct Attempt {
    mode: Mode,
    pub target: Target,
    pub options: ConnectOptions,
    pub heard: Arc<Heard>,
}

impl Attempt {
    /// As the server's user, with its certificate pinned.
    pub fn to(server: &Server) -> Self {
        let heard = Arc::new(Heard::default());
        let attempt = Self {
            mode: server.mode,
            target: Target {
                host: server.address.ip().to_string(),
                port: server.port(),
                username: server.user().into(),
                credentials: Credentials::default(),
                settings: Map::new(),
                local_root: None,
            },
            options: ConnectOptions {
                trust: Arc::new(CertificatePolicy::Pinned(Some(server.identity.thumbprint()))),
                observer: Arc::<Heard>::clone(&heard),
                connect_timeout: Duration::from_secs(20),
                keepalive_interval: Duration::from_secs(30),
                fips: false,
            },
            heard,
        };
        let attempt = attempt.password(PASSWORD);
        match server.mode {
            Mode::Plain => attempt,
            Mode::Explicit => attempt.setting("ftps_mode", json!("explicit")),
            Mode::Implicit => attempt.setting("ftps_mode", json!("implicit")),
        }
    }

    pub fn host(mut self, host: &str) -> Self {
        self.target.host = host.into();
        self
    }

    pub fn port(mut self, port: u16) -> Self {
        self.target.port = port;
        self
    }

    pub fn trust(mut self, trust: impl TrustDecider + 'static) -> Self {
        self.options.trust = Arc::new(trust);
        self
    }

    pub fn password(mut self, password: &str) -> Self {
        self.target.credentials.password = Some(SecretString::from(password));
        self
    }

    pub fn client_certificate(mut self, pem: String) -> Self {
        self.target.credentials.client_certificate = Some(SecretString::from(pem));
        self
    }

    pub fn setting(mut self, name: &str, value: Value) -> Self {
        self.target.settings.insert(name.into(), value);
        self
    }

    pub fn keepalive(mut self, interval: Duration) -> Self {
        self.options.keepalive_interval = interval;
        self
    }

    /// The same once more.
    #[must_use]
    pub fn again(&self) -> Self {
        let Target {
            host,
            port,
            username,
            credentials,
            settings,
            local_root,
        } = &self.target;
        Self {
            mode: self.mode,
            target: Target {
                host: host.clone(),
                port: *port,
                username: username.clone(),
                credentials: credentials.clone(),
                settings: settings.clone(),
                local_root: local_root.clone(),
            },
            options: self.options.clone(),
            heard: self.heard.clone(),
        }
    }

    pub async fn connect(self) -> Result<Arc<dyn Client>> {
        match self.mode {
            Mode::Plain => FtpProtocol.connect(self.target, self.options).await,
            Mode::Explicit | Mode::Implicit => FtpsProtocol.connect(self.target, self.options).await,
        }
    }
}

/// Opens a session, with a time limit on each answer, whenever another one broke.
#[derive(Debug)]
pub struct Reconnects(pub Attempt, pub Duration);

#[async_trait::async_trait]
impl Connector for Reconnects {
    async fn connect(&self) -> Result<Arc<dyn Client>> {
        Ok(Arc::new(Timeouts::new(self.0.again().connect().await?, self.1)))
    }

    async fn another(&self) -> Result<Option<Arc<dyn Client>>> {
        Ok(None)
    }

    async fn release(&self, client: Arc<dyn Client>) {
        drop(client);
    }
}
