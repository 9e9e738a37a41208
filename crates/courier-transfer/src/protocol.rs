//! What a protocol that moves files is to the rest: what describes it, and a way to connect.

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::{Client, Describe, Observer, Result, TrustDecider};

/// A protocol that moves files. Registered explicitly, once, by the server and by the command line.
#[async_trait]
pub trait Protocol: Describe {
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
    /// FIPS mode rules this connection: only what [`Describe::not_fips`] calls approved is offered and accepted, whatever else
    /// the settings name. Where too little is left, or the server has none of it:
    /// [`NotFips`](crate::ErrorKind::NotFips), before any credential is sent.
    pub fips: bool,
}
