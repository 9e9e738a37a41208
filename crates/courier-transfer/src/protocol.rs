//! What a protocol is to the rest: a name, a table of its settings, and a way to connect.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::{Client, Observer, Result, TrustDecider, settings::Setting};

/// A protocol. Registered explicitly, once, by the server and by the command line.
#[async_trait]
pub trait Protocol: Send + Sync + fmt::Debug {
    /// Its name in the API (`sftp`).
    fn name(&self) -> &'static str;

    /// The port where none is given; `None` where the protocol has no host at all.
    fn default_port(&self, settings: &Map<String, Value>) -> Option<u16>;

    /// Its own settings, beyond what every connection has. One table drives validation, help, docs and redaction.
    fn settings(&self) -> &'static [Setting];

    /// How it can authenticate, in the API's words (`password`, `ssh_key`, …).
    fn auth_methods(&self) -> &'static [&'static str];

    /// Settings that are not given and follow from the port, for those who look at a connection.
    fn implied(&self, settings: &Map<String, Value>, port: u16) -> Vec<(&'static str, Value)> {
        let _ = (settings, port);
        Vec::new()
    }

    /// Checks settings beyond their types, when a connection is saved: for example that algorithm
    /// names exist. Gives the name of the setting and what is wrong with it.
    fn check(&self, settings: &Map<String, Value>) -> Vec<(String, String)> {
        let _ = settings;
        Vec::new()
    }

    /// Checks a client certificate when a connection is saved: PEM that holds a certificate and its unencrypted private key.
    /// Says what is wrong with it, never what it holds.
    fn check_client_certificate(&self, pem: &SecretString) -> Result<(), String> {
        let _ = pem;
        Err("is not taken by this protocol".into())
    }

    /// What is insecure or weak in these settings, in words, for the connection's `warnings`.
    fn warnings(&self, settings: &Map<String, Value>) -> Vec<String> {
        let _ = settings;
        Vec::new()
    }

    /// What FIPS mode does not allow in these settings: the name of the setting, and what of it, in words.
    ///
    /// Approved are AES in GCM and CTR mode, SHA-2, HMAC with it, key agreement and signatures over P-256, P-384 and P-521,
    /// RSA from 2048 bits, and Diffie-Hellman over groups 14 to 18 with SHA-2. A protocol that has no cryptography has
    /// nothing to refuse.
    fn not_fips(&self, settings: &Map<String, Value>) -> Vec<(String, String)> {
        let _ = settings;
        Vec::new()
    }

    /// Why a client certificate can't be used in FIPS mode; nothing of what it holds.
    fn client_certificate_not_fips(&self, pem: &SecretString) -> Option<String> {
        let _ = pem;
        None
    }

    /// Connects, has the server's key decided upon, and authenticates, in this order.
    ///
    /// Errors: [`Unreachable`](crate::ErrorKind::Unreachable), [`Busy`](crate::ErrorKind::Busy) where another attempt later
    /// finds a free place, [`Timeout`](crate::ErrorKind::Timeout),
    /// [`HostKey`](crate::ErrorKind::HostKey),
    /// [`HostKeyNotApproved`](crate::ErrorKind::HostKeyNotApproved), [`Certificate`](crate::ErrorKind::Certificate), [`Auth`](crate::ErrorKind::Auth),
    /// [`Negotiation`](crate::ErrorKind::Negotiation), [`NotFips`](crate::ErrorKind::NotFips),
    /// [`Protocol`](crate::ErrorKind::Protocol).
    async fn connect(&self, target: Target, options: ConnectOptions) -> Result<Arc<dyn Client>>;
}

/// Where to connect to, and as whom.
#[derive(Debug)]
pub struct Target {
    /// Host name or address; empty for a protocol without one.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Login name.
    pub username: String,
    /// What proves it.
    pub credentials: Credentials,
    /// The protocol's own settings, checked against its table, defaults filled in.
    pub settings: Map<String, Value>,
    /// The folder that a protocol without a host is confined to, links resolved; others are confined by a layer.
    pub local_root: Option<PathBuf>,
}

/// Secrets for one connection, opened at the moment of use. Each is offered once a connection; whoever connects again
/// hands over a clone.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// Password.
    pub password: Option<SecretString>,
    /// Private keys in the order to try them.
    pub keys: Vec<KeyCredential>,
    /// A certificate and its private key as PEM, for a server that asks for one (FTPS).
    pub client_certificate: Option<SecretString>,
}

/// One private key.
#[derive(Clone, Debug)]
pub struct KeyCredential {
    /// The caller's name for it, given back in [`AuthMethod::Key`].
    pub id: String,
    /// The private half.
    pub private_key: PrivateHalf,
    /// An OpenSSH user certificate for the key, as one line (`ssh-ed25519-cert-v01@openssh.com AAAA…`); offered before
    /// the key itself.
    pub certificate: Option<String>,
}

impl KeyCredential {
    /// A key without a certificate, as unencrypted OpenSSH text.
    #[must_use]
    pub fn new(id: impl Into<String>, private_key: SecretString) -> Self {
        Self {
            id: id.into(),
            private_key: PrivateHalf::Text(private_key),
            certificate: None,
        }
    }
}

/// Where the private half of a key is.
#[derive(Clone, Debug)]
pub enum PrivateHalf {
    /// Here: the key as unencrypted OpenSSH text.
    Text(SecretString),
    /// In an SSH agent, which signs with it and never gives it away.
    Agent {
        /// The socket that the agent listens on.
        socket: PathBuf,
        /// What the agent holds, as one OpenSSH line: a public key, or a certificate, which then is all that is offered.
        public_key: String,
    },
}

/// In the context of an [`Auth`](crate::ErrorKind::Auth) error: the [`KeyCredential::id`] that the server accepted, where
/// it wants something else as well.
pub const ACCEPTED_KEY: &str = "accepted_key";
/// In the same place: the server accepted the password.
pub const ACCEPTED_PASSWORD: &str = "accepted_password";

/// What a server accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// No credential was asked for.
    None,
    /// The password (also by keyboard-interactive).
    Password,
    /// The key with this id.
    Key {
        /// [`KeyCredential::id`].
        id: String,
    },
    /// The key and then the password.
    KeyAndPassword {
        /// [`KeyCredential::id`].
        id: String,
    },
}

/// What a connection needs from outside.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// Decides about the server's identity.
    pub trust: Arc<dyn TrustDecider>,
    /// Hears what happens.
    pub observer: Arc<dyn Observer>,
    /// For everything until the session is ready.
    pub connect_timeout: Duration,
    /// Without a sign of life on an idle session for this long, one is asked for.
    pub keepalive_interval: Duration,
    /// FIPS mode rules this connection: only what [`Protocol::not_fips`] calls approved is offered and accepted, whatever else
    /// the settings name. Where too little is left, or the server has none of it:
    /// [`NotFips`](crate::ErrorKind::NotFips), before any credential is sent.
    pub fips: bool,
}
