//! Sessions with the server of a URL: the first one, which finds out how to log in, and those that follow it.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use courier_transfer::layers::{Lanes, Timeouts};
use courier_transfer::{
    AuthMethod, Client, ConnectOptions, Connector, Credentials, ErrorKind, Observer, Protocol, Scout,
    ServerInfo, Target, settings,
};
use serde_json::{Map, Value};
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;

use super::trust::Trust;
use super::url::Scheme;
use super::{Endpoint, SessionArgs};
use crate::exit::{Failure, Result};
use crate::output::Output;

/// Whom FTP servers take for anybody (RFC 1635).
pub(super) const ANONYMOUS: &str = "anonymous";

/// What stays the same over several attempts to authenticate, and over several sessions.
#[derive(Debug)]
pub(super) struct Dialer {
    pub(super) protocol: Arc<dyn Protocol>,
    pub(super) endpoint: Endpoint,
    port: u16,
    pub(super) username: String,
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
    pub(super) output: Output,
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
        let settings = args.settings(endpoint.scheme, &*protocol)?;
        if endpoint.scheme.is_ftp() {
            let usual = protocol.warnings(&settings::with_defaults(protocol.settings(), &Map::new()));
            let warnings = protocol.warnings(&settings);
            for warning in warnings.iter().filter(|warning| !usual.contains(warning)) {
                output.note(format!("warning: {warning}"));
            }
        }
        let port = endpoint.port.or(protocol.default_port(&settings)).unwrap_or(0);
        let trust = Trust::of(args, endpoint, port, output)?;
        let timeout = Duration::from_secs(args.timeout);
        let options = ConnectOptions {
            trust: trust.decider,
            observer: trust.observer,
            connect_timeout: timeout,
            keepalive_interval: Duration::from_secs(30),
            fips: false,
        };
        let username = match (&endpoint.user, endpoint.scheme) {
            (Some(user), _) => user.clone(),
            (None, Scheme::File) => String::new(),
            (None, Scheme::Ftp | Scheme::Ftpes | Scheme::Ftps) => ANONYMOUS.to_owned(),
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
    pub(super) async fn first(
        self: &Arc<Self>,
        credentials: Credentials,
    ) -> courier_transfer::Result<Arc<dyn Client>> {
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

#[async_trait]
impl Connector for Dialer {
    async fn connect(&self) -> courier_transfer::Result<Arc<dyn Client>> {
        self.open(self.accepted.get().cloned().unwrap_or_default()).await
    }

    /// Servers lock accounts: where a password is sent, one session tells for the others whether there may be any, and
    /// after a rejection no further one is tried. Many FTP servers take few sessions of one client, so that one goes ahead
    /// there, too.
    async fn another(&self) -> courier_transfer::Result<Option<Arc<dyn Client>>> {
        let sends_keys = || self.accepted.get().is_none_or(|c| c.password.is_none());
        if self.endpoint.scheme == Scheme::Sftp && sends_keys() {
            return self.one_more().await;
        }
        self.beside.open(|| self.one_more()).await
    }

    async fn release(&self, client: Arc<dyn Client>) {
        // Nobody waits for that: its part is done.
        tokio::spawn(async move { client.disconnect().await });
    }
}
