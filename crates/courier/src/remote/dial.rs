//! Sessions with the server of a URL: the first one, which finds out how to log in, and those that follow it.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use courier_transfer::layers::Timeouts;
use courier_transfer::{
    ACCEPTED_KEY, ACCEPTED_PASSWORD, Client, ConnectOptions, Connector, Credentials, Error, ErrorKind,
    KeyCredential, Protocol, Target, settings,
};
use serde_json::{Map, Value, json};

use super::identities::{Identities, unlock};
use super::session::GOODBYE;
use super::trust::Trust;
use super::url::Scheme;
use super::{Endpoint, SessionArgs};
use crate::exit::{Code, Failure, Result};
use crate::output::Output;
use crate::secret;

/// What stays the same over several attempts to authenticate, and over several sessions.
#[derive(Debug)]
pub(super) struct Dialer {
    protocol: Arc<dyn Protocol>,
    endpoint: Endpoint,
    port: u16,
    username: String,
    settings: Map<String, Value>,
    options: ConnectOptions,
    timeout: Duration,
    /// What the server has accepted.
    accepted: OnceLock<Credentials>,
    output: Output,
}

impl Dialer {
    pub(super) fn new(
        protocol: Arc<dyn Protocol>,
        endpoint: &Endpoint,
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
        let timeout = Duration::from_secs(args.timeout);
        let options = ConnectOptions {
            trust: trust.decider,
            observer: trust.observer,
            connect_timeout: timeout,
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
            endpoint: endpoint.clone(),
            port,
            username,
            settings,
            options,
            timeout,
            accepted: OnceLock::new(),
            output,
        })
    }

    /// One session, with a time limit on each operation.
    pub(super) async fn open(&self, credentials: Credentials) -> courier_transfer::Result<Arc<dyn Client>> {
        let target = Target {
            host: self.endpoint.host.clone(),
            port: self.port,
            username: self.username.clone(),
            credentials: credentials.clone(),
            settings: self.settings.clone(),
            local_root: (self.endpoint.scheme == Scheme::File).then(|| PathBuf::from("/")),
        };
        let client = self.protocol.connect(target, self.options.clone()).await?;
        // The first session's are kept for the others.
        let _ = self.accepted.set(credentials);
        Ok(Arc::new(Timeouts::new(client, self.timeout)))
    }

    /// First with what is at hand. Only when the server wants something else is the user asked for it: passphrases
    /// of default keys, then the password. What it has accepted in part comes along.
    pub(super) async fn authenticate(&self, args: &SessionArgs) -> Result<Arc<dyn Client>> {
        let identities = Identities::read(args, self.output).await?;
        let password = secret::from_env(secret::PASSWORD)?;
        let first = Credentials {
            password: password.clone(),
            keys: identities.keys,
        };
        let rejected = match self.log_in(&first).await? {
            Ok(client) => return Ok(client),
            Err(rejected) => rejected,
        };
        let mut keys = accepted_keys(&rejected, first.keys);
        if keys.is_empty() && !identities.locked.is_empty() && secret::can_unlock()? {
            let locked = identities.locked.iter();
            let unlocked = Credentials {
                // Not once more where it was wrong.
                password: password
                    .clone()
                    .filter(|_| has_accepted(&rejected, ACCEPTED_PASSWORD)),
                keys: locked.map(|path| unlock(path)).collect::<Result<_>>()?,
            };
            keys = match self.log_in(&unlocked).await? {
                Ok(client) => return Ok(client),
                Err(rejected) => accepted_keys(&rejected, unlocked.keys),
            };
            if password.is_some() && !keys.is_empty() {
                return Ok(self.open(Credentials { password, keys }).await?);
            }
        }
        if password.is_some() {
            return Err(rejected.into());
        }
        let place = format!("{}@{}", self.username, self.endpoint.host);
        let password = secret::ask(&format!("Password of {place}"))?;
        if password.is_none() {
            let message = format!(
                "{rejected}. There is no terminal to ask for a password on; set {} or give --identity",
                secret::PASSWORD
            );
            let document = json!({"exit_code": Code::Auth as u8, "kind": "auth", "detail": message});
            return Err(Failure::new(Code::Auth, message).with_document(document));
        }
        Ok(self.open(Credentials { password, keys }).await?)
    }

    /// A session, or what the server says to these credentials.
    async fn log_in(&self, credentials: &Credentials) -> Result<Result<Arc<dyn Client>, Error>> {
        match self.open(credentials.clone()).await {
            Err(e) if e.kind() == ErrorKind::Auth => Ok(Err(e)),
            result => Ok(Ok(result?)),
        }
    }
}

fn has_accepted(rejected: &Error, what: &str) -> bool {
    rejected.context().iter().any(|(key, _)| *key == what)
}

/// The key that the server has accepted, where that was not enough for it.
fn accepted_keys(rejected: &Error, mut keys: Vec<KeyCredential>) -> Vec<KeyCredential> {
    let mut context = rejected.context().iter();
    let accepted = context.find(|(key, _)| *key == ACCEPTED_KEY);
    keys.retain(|key| accepted.is_some_and(|(_, id)| *id == key.id));
    keys
}

#[async_trait]
impl Connector for Dialer {
    async fn connect(&self) -> courier_transfer::Result<Arc<dyn Client>> {
        self.open(self.accepted.get().cloned().unwrap_or_default()).await
    }

    async fn another(&self) -> courier_transfer::Result<Option<Arc<dyn Client>>> {
        self.connect().await.map(Some)
    }

    async fn release(&self, client: Arc<dyn Client>) {
        // What was asked for is done by now, so a server that does not answer changes nothing.
        let _ = tokio::time::timeout(GOODBYE, client.disconnect()).await;
    }
}
