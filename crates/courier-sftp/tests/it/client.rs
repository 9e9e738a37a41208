//! Ways to connect.

use std::{sync::Arc, time::Duration};

use courier_keys::PrivateKey;
use courier_sftp::SftpProtocol;
use courier_transfer::{
    AuthMethod, Client, ConnectOptions, Credentials, KeyCredential, Observer, Protocol, RemotePath, Result,
    ServerInfo, Target, TrustDecider, TrustPins,
};
use parking_lot::Mutex;
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::sshd::{Sshd, username};

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
pub struct Try {
    pub target: Target,
    pub options: ConnectOptions,
    pub heard: Arc<Heard>,
}

impl Try {
    pub fn to(port: u16, trust: impl TrustDecider + 'static) -> Self {
        let heard = Arc::new(Heard::default());
        Self {
            target: Target {
                host: "127.0.0.1".into(),
                port,
                username: username(),
                credentials: Credentials::default(),
                settings: Map::new(),
                local_root: None,
            },
            options: ConnectOptions {
                trust: Arc::new(trust),
                observer: Arc::<Heard>::clone(&heard),
                connect_timeout: Duration::from_secs(20),
                keepalive_interval: Duration::from_secs(30),
                fips: false,
            },
            heard,
        }
    }

    /// To a server of ours, whose key is pinned, with its user's key.
    pub fn sshd(server: &Sshd) -> Self {
        Self::to(server.port, TrustPins::new([server.fingerprint()])).key("k1", &server.user_key)
    }

    pub fn user(mut self, name: &str) -> Self {
        self.target.username = name.into();
        self
    }

    pub fn key(self, id: &str, key: &PrivateKey) -> Self {
        self.credential(KeyCredential::new(id, key.to_openssh().unwrap()))
    }

    pub fn credential(mut self, credential: KeyCredential) -> Self {
        self.target.credentials.keys.push(credential);
        self
    }

    pub fn password(mut self, password: &str) -> Self {
        self.target.credentials.password = Some(SecretString::from(password));
        self
    }

    pub fn setting(mut self, name: &str, value: Value) -> Self {
        self.target.settings.insert(name.into(), value);
        self
    }

    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.connect_timeout = timeout;
        self
    }

    pub fn keepalive(mut self, interval: Duration) -> Self {
        self.options.keepalive_interval = interval;
        self
    }

    pub async fn connect(self) -> Result<Arc<dyn Client>> {
        SftpProtocol.connect(self.target, self.options).await
    }
}

pub fn path(path: impl AsRef<std::path::Path>) -> RemotePath {
    RemotePath::new(path.as_ref().to_str().unwrap()).unwrap()
}
