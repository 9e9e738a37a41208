//! One session with the server of a URL.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use courier_transfer::layers::Timeouts;
use courier_transfer::ops::{NoPartials, Partials};
use courier_transfer::{
    Client, ConnectOptions, Credentials, ErrorKind, Fingerprint, KeyCredential, Protocol, Target, settings,
};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::Endpoint;
use super::identities::{Identities, unlock};
use super::partials::StateFolder;
use super::trust::Trust;
use super::url::Scheme;
use crate::exit::{Code, Failure, Result};
use crate::output::Output;
use crate::secret;

/// How to connect.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct SessionArgs {
    /// A private key to authenticate with, instead of ~/.ssh/id_ed25519, id_ecdsa and id_rsa. Repeatable
    #[arg(long, short, value_name = "FILE")]
    pub(crate) identity: Vec<PathBuf>,

    /// Trust this host key and no other. Repeatable
    #[arg(long, value_name = "SHA256:…")]
    pub(crate) host_key: Vec<Fingerprint>,

    /// Where known host keys are [default: ~/.ssh/known_hosts]
    #[arg(long, value_name = "FILE", conflicts_with = "host_key")]
    pub(crate) known_hosts: Option<PathBuf>,

    /// Trust a host that is not known yet, and add it to the known hosts
    #[arg(long, conflicts_with = "host_key")]
    pub(crate) accept_new_host_key: bool,

    /// Trust any host key. Dangerous: somebody in between could read and change everything
    #[arg(long, conflicts_with_all = ["host_key", "known_hosts", "accept_new_host_key"])]
    pub(crate) insecure: bool,

    /// How long the server may stay without an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: u64,

    /// Ciphers to offer, the best first
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) cipher: Vec<String>,
}

/// An open session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client: Arc<dyn Client>,
    endpoint: Endpoint,
}

impl Session {
    /// Connects, makes sure that it is the right server, and authenticates.
    pub(crate) async fn open(endpoint: &Endpoint, args: &SessionArgs, output: Output) -> Result<Self> {
        let name = match endpoint.scheme {
            Scheme::Sftp => "sftp",
            Scheme::File => "local",
        };
        let protocols = courier_server::protocols();
        let protocol = protocols
            .get(name)
            .ok_or_else(|| Failure::usage(format!("this version has no {name}")))?;
        let connector = Connector::new(&**protocol, endpoint, args, output)?;
        let client = match endpoint.scheme {
            Scheme::Sftp => connector.authenticate(args).await?,
            Scheme::File => connector.connect(Credentials::default()).await?,
        };
        let timeout = Duration::from_secs(args.timeout);
        Ok(Self {
            client: Arc::new(Timeouts::new(client, timeout)),
            endpoint: endpoint.clone(),
        })
    }

    /// Where the identities of partial files are kept. Without `--resume`, too: a later one may find what a killed process
    /// left behind.
    pub(crate) fn partials(&self) -> Arc<dyn Partials> {
        match StateFolder::of(&self.endpoint) {
            Some(folder) => Arc::new(folder),
            None => Arc::new(NoPartials),
        }
    }

    /// Ends the session. What was asked for is done by now, so a server that does not answer changes nothing.
    pub(crate) async fn close(&self) {
        let _ = tokio::time::timeout(Duration::from_secs(1), self.client.disconnect()).await;
    }
}

/// What stays the same over several attempts to authenticate.
struct Connector<'a> {
    protocol: &'a dyn Protocol,
    endpoint: &'a Endpoint,
    port: u16,
    username: String,
    settings: Map<String, Value>,
    options: ConnectOptions,
    output: Output,
}

impl<'a> Connector<'a> {
    fn new(
        protocol: &'a dyn Protocol,
        endpoint: &'a Endpoint,
        args: &SessionArgs,
        output: Output,
    ) -> Result<Self> {
        let mut given = Map::new();
        if !args.cipher.is_empty() {
            given.insert("ssh_algorithms".to_owned(), json!({"encryption": args.cipher}));
        }
        let settings = settings::with_defaults(protocol.settings(), &given);
        if let Some((_, problem)) = protocol.check(&settings).first() {
            return Err(Failure::usage(format!("--cipher: {problem}")));
        }
        let port = endpoint.port.or(protocol.default_port(&settings)).unwrap_or(0);
        let trust = Trust::of(args, endpoint, port, output)?;
        let options = ConnectOptions {
            trust: trust.decider,
            observer: trust.observer,
            connect_timeout: Duration::from_secs(args.timeout),
            keepalive_interval: Duration::from_secs(30),
        };
        let username = match (&endpoint.user, endpoint.scheme) {
            (Some(user), _) => user.clone(),
            (None, Scheme::File) => String::new(),
            (None, Scheme::Sftp) => std::env::var("USER")
                .or_else(|_| std::env::var("LOGNAME"))
                .map_err(|_| {
                    Failure::usage("who are you there? USER is not set; write sftp://USER@host/…")
                })?,
        };
        Ok(Self {
            protocol,
            endpoint,
            port,
            username,
            settings,
            options,
            output,
        })
    }

    async fn connect(&self, credentials: Credentials) -> courier_transfer::Result<Arc<dyn Client>> {
        let target = Target {
            host: self.endpoint.host.clone(),
            port: self.port,
            username: self.username.clone(),
            credentials,
            settings: self.settings.clone(),
            local_root: (self.endpoint.scheme == Scheme::File).then(|| PathBuf::from("/")),
        };
        self.protocol.connect(target, self.options.clone()).await
    }

    /// First with what is at hand. Only when the server wants something else is the user asked for it: passphrases
    /// of default keys, then the password.
    async fn authenticate(&self, args: &SessionArgs) -> Result<Arc<dyn Client>> {
        let identities = Identities::read(args, self.output)?;
        let password = secret::from_env(secret::PASSWORD)?;
        let first = Credentials {
            password: password.clone(),
            keys: identities.keys,
        };
        let rejected = match self.connect(first).await {
            Err(e) if e.kind() == ErrorKind::Auth => e,
            result => return Ok(result?),
        };
        if let Some(client) = self.with_locked_keys(&identities.locked).await? {
            return Ok(client);
        }
        if password.is_some() {
            return Err(rejected.into());
        }
        let place = format!("{}@{}", self.username, self.endpoint.host);
        match secret::ask(&format!("Password of {place}"))? {
            Some(password) => Ok(self.connect(with_password(password)).await?),
            None => {
                let message = format!(
                    "{rejected}. There is no terminal to ask for a password on; set {} or give --identity",
                    secret::PASSWORD
                );
                let document = json!({"exit_code": Code::Auth as u8, "kind": "auth", "detail": message});
                Err(Failure::new(Code::Auth, message).with_document(document))
            }
        }
    }

    async fn with_locked_keys(&self, locked: &[PathBuf]) -> Result<Option<Arc<dyn Client>>> {
        if locked.is_empty() || !secret::can_unlock()? {
            return Ok(None);
        }
        let keys: Vec<KeyCredential> = locked.iter().map(|path| unlock(path)).collect::<Result<_>>()?;
        match self.connect(Credentials { password: None, keys }).await {
            Ok(client) => Ok(Some(client)),
            Err(e) if e.kind() == ErrorKind::Auth => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}

fn with_password(password: SecretString) -> Credentials {
    Credentials {
        password: Some(password),
        keys: Vec::new(),
    }
}
