//! Sessions with the server of a URL: the first one, which finds out how to log in, and those that follow it.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use courier_transfer::layers::{Lanes, Timeouts};
use courier_transfer::{
    ACCEPTED_KEY, ACCEPTED_PASSWORD, AuthMethod, Client, ConnectOptions, Connector, Credentials, Error,
    ErrorKind, KeyCredential, Observer, Protocol, Scout, ServerInfo, Target, settings,
};
use serde_json::{Map, Value, json};
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;

use super::identities::{Identities, unlock};
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
    /// The file that is about to be sent, and the sessions that may share it.
    big_file: Option<(u64, Lanes)>,
    /// Sessions that were opened ahead for that.
    ahead: Mutex<Vec<JoinHandle<Opened>>>,
    /// Opens the sessions beside the first one.
    beside: Scout,
    /// The server has rejected such a login.
    alone: AtomicBool,
    output: Output,
}

/// What opening a session came to.
type Opened = courier_transfer::Result<Arc<dyn Client>>;

/// A login takes at least so many round trips.
const ROUND_TRIPS_OF_A_LOGIN: u32 = 7;

/// Passes on that the server has accepted a credential.
#[derive(Debug)]
struct Announced {
    observer: Arc<dyn Observer>,
    accepted: Arc<Notify>,
}

#[async_trait]
impl Observer for Announced {
    fn learnt(&self, info: &ServerInfo) {
        self.observer.learnt(info);
    }

    async fn authenticated(&self, info: &ServerInfo, method: &AuthMethod) -> courier_transfer::Result<()> {
        self.observer.authenticated(info, method).await?;
        self.accepted.notify_one();
        Ok(())
    }
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
            big_file: None,
            ahead: Mutex::default(),
            beside: Scout::default(),
            alone: AtomicBool::new(false),
            output,
        })
    }

    /// A file of that size is about to be sent: where the server is far away, the sessions that share it are opened as soon as
    /// the first one is logged in.
    pub(super) fn expecting(mut self, bytes: u64, lanes: Lanes) -> Self {
        self.big_file = Some((bytes, lanes));
        self
    }

    /// The first session.
    async fn first(self: &Arc<Self>, credentials: Credentials) -> courier_transfer::Result<Arc<dyn Client>> {
        let accepted = Arc::new(Notify::new());
        let observer = Arc::new(Announced {
            observer: self.options.observer.clone(),
            accepted: accepted.clone(),
        });
        let began = Instant::now();
        let mut session = pin!(self.session(credentials.clone(), observer));
        let client = tokio::select! {
            client = &mut session => client?,
            () = accepted.notified() => {
                self.open_ahead(&credentials, began.elapsed() / ROUND_TRIPS_OF_A_LOGIN).await;
                session.await?
            }
        };
        // They are kept for the others.
        let _ = self.accepted.set(credentials);
        Ok(client)
    }

    async fn open_ahead(self: &Arc<Self>, credentials: &Credentials, round_trip: Duration) {
        let all = self
            .big_file
            .map_or(1, |(bytes, lanes)| lanes.for_file(bytes, Some(round_trip)));
        let all = if credentials.password.is_some() {
            all.min(2)
        } else {
            all
        };
        let open = |_| {
            let (dialer, credentials) = (self.clone(), credentials.clone());
            tokio::spawn(async move { dialer.open(credentials).await })
        };
        self.ahead.lock().await.extend((1..all).map(open));
    }

    /// One session, with a time limit on each operation.
    pub(super) async fn open(&self, credentials: Credentials) -> courier_transfer::Result<Arc<dyn Client>> {
        self.session(credentials, self.options.observer.clone()).await
    }

    async fn session(
        &self,
        credentials: Credentials,
        observer: Arc<dyn Observer>,
    ) -> courier_transfer::Result<Arc<dyn Client>> {
        let target = Target {
            host: self.endpoint.host.clone(),
            port: self.port,
            username: self.username.clone(),
            credentials,
            settings: self.settings.clone(),
            local_root: (self.endpoint.scheme == Scheme::File).then(|| PathBuf::from("/")),
        };
        let options = ConnectOptions {
            observer,
            ..self.options.clone()
        };
        let client = self.protocol.connect(target, options).await?;
        Ok(Arc::new(Timeouts::new(client, self.timeout)))
    }

    /// First with what is at hand. Only when the server wants something else is the user asked for it: passphrases
    /// of default keys, then the password. What it has accepted in part comes along.
    pub(super) async fn authenticate(self: &Arc<Self>, args: &SessionArgs) -> Result<Arc<dyn Client>> {
        let identities = Identities::read(args, self.output).await?;
        let password = secret::from_env(secret::PASSWORD)?;
        let first = Credentials {
            password: password.clone(),
            keys: identities.keys,
            ..Credentials::default()
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
                ..Credentials::default()
            };
            keys = match self.log_in(&unlocked).await? {
                Ok(client) => return Ok(client),
                Err(rejected) => accepted_keys(&rejected, unlocked.keys),
            };
            if password.is_some() && !keys.is_empty() {
                return Ok(self
                    .first(Credentials {
                        password,
                        keys,
                        ..Credentials::default()
                    })
                    .await?);
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
        Ok(self
            .first(Credentials {
                password,
                keys,
                ..Credentials::default()
            })
            .await?)
    }

    /// A session, or what the server says to these credentials.
    async fn log_in(self: &Arc<Self>, credentials: &Credentials) -> Result<Result<Arc<dyn Client>, Error>> {
        match self.first(credentials.clone()).await {
            Err(e) if e.kind() == ErrorKind::Auth => Ok(Err(e)),
            result => Ok(Ok(result?)),
        }
    }
}

impl Dialer {
    /// One more session, unless the server has rejected one before.
    async fn one_more(&self) -> courier_transfer::Result<Option<Arc<dyn Client>>> {
        if self.alone.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let ahead = self.ahead.lock().await.pop();
        let opened = match ahead {
            Some(opened) => match opened.await {
                Ok(opened) => opened,
                Err(_) => return Ok(None),
            },
            None => self.connect().await,
        };
        if opened.as_ref().is_err_and(|e| e.kind() == ErrorKind::Auth) {
            self.alone.store(true, Ordering::Relaxed);
        }
        opened.map(Some)
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

    /// Servers lock accounts: where a password is sent, one session tells for the others whether there may be any, and
    /// after a rejection no further one is tried.
    async fn another(&self) -> courier_transfer::Result<Option<Arc<dyn Client>>> {
        if self.accepted.get().is_none_or(|c| c.password.is_none()) {
            return self.one_more().await;
        }
        self.beside.open(|| self.one_more()).await
    }

    async fn release(&self, client: Arc<dyn Client>) {
        // Nobody waits for that: its part is done.
        tokio::spawn(async move { client.disconnect().await });
    }
}
