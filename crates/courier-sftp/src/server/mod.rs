//! A small SFTP server over the same codec, for demonstrations and tests. It shows one folder, and nothing
//! outside of it.
//!
//! ```no_run
//! # use courier_sftp::server::{SftpServer, User};
//! # fn example(password: secrecy::SecretString) -> courier_transfer::Result<()> {
//! let server = SftpServer::builder()
//!     .user(User::new("demo").password(password))
//!     .root("/srv/demo")
//!     .start()?;
//! println!("sftp://demo@{} {}", server.addr(), server.host_key().fingerprint);
//! server.stop();
//! # Ok(())
//! # }
//! ```

mod files;
mod jail;
mod ssh;
mod user;

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use bytes::BytesMut;
use courier_keys::{KeyType, PrivateKey};
use courier_transfer::{Error, ErrorKind, HostKey, Result};
use russh::{MethodSet, SshId, server::Config};
use tokio::sync::oneshot;

use self::ssh::SshConnection;
pub use self::{files::Files, user::User};
use crate::{codec::Request, known_hosts};

/// Answers the requests of one session. [`Files`] is the one that serves a folder; tests bring their own.
pub trait Responder: Send {
    /// Appends what is to be sent in answer to a request: one response, or whatever a test wants to see.
    fn respond(&mut self, id: u32, request: &Request<'_>, out: &mut BytesMut);
}

type Responders = Arc<dyn Fn() -> Result<Box<dyn Responder>> + Send + Sync>;

/// The server. Made by [`builder`](Self::builder).
#[derive(Debug)]
pub struct SftpServer;

impl SftpServer {
    /// On a free port of the loopback interface, with a new host key, no users and no folder.
    pub fn builder() -> Builder {
        Builder {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            host_keys: Vec::new(),
            users: Vec::new(),
            root: None,
            responders: None,
        }
    }
}

/// How a server is to be.
pub struct Builder {
    listen: SocketAddr,
    host_keys: Vec<PrivateKey>,
    users: Vec<User>,
    root: Option<PathBuf>,
    responders: Option<Responders>,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("listen", &self.listen)
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// Where to listen; port 0 takes a free one.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Adds a host key. Without one, an Ed25519 key is made.
    #[must_use]
    pub fn host_key(mut self, key: PrivateKey) -> Self {
        self.host_keys.push(key);
        self
    }

    /// Adds somebody who may log in.
    #[must_use]
    pub fn user(mut self, user: User) -> Self {
        self.users.push(user);
        self
    }

    /// The folder that is shown as `/`.
    #[must_use]
    pub fn root(mut self, folder: impl Into<PathBuf>) -> Self {
        self.root = Some(folder.into());
        self
    }

    /// Answers by something else than a folder; called once for each session.
    #[must_use]
    pub fn responder(mut self, make: impl Fn() -> Box<dyn Responder> + Send + Sync + 'static) -> Self {
        self.responders = Some(Arc::new(move || Ok(make())));
        self
    }

    /// Starts the server, on a thread of its own.
    ///
    /// # Errors
    /// The port is taken, the folder is missing, or no folder was given.
    pub fn start(mut self) -> Result<RunningServer> {
        if self.host_keys.is_empty() {
            self.host_keys
                .push(PrivateKey::generate(KeyType::Ed25519).map_err(invalid)?);
        }
        let responders = match (self.responders.take(), self.root.take()) {
            (Some(responders), _) => responders,
            (None, Some(root)) => {
                // Shows now whether the folder is there.
                Files::new(&root)?;
                Arc::new(move || Ok(Box::new(Files::new(&root)?) as Box<dyn Responder>)) as Responders
            }
            (None, None) => {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    "the SFTP server needs a folder to show",
                ));
            }
        };
        let host_key = self.host_keys.first().map(host_key).transpose()?;
        let host_key =
            host_key.ok_or_else(|| Error::new(ErrorKind::Invalid, "the SFTP server needs a host key"))?;
        let listen = |e| {
            Error::local(
                e,
                format!("listen on {} for", self.listen),
                &PathBuf::from("SFTP"),
            )
        };
        let listener = TcpListener::bind(self.listen).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let addr = listener.local_addr().map_err(listen)?;
        let config = Arc::new(self.config());
        let users: Arc<[User]> = self.users.into();
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(listen)?;
        std::thread::Builder::new()
            .name("sftp server".into())
            .spawn(move || runtime.block_on(serve(listener, config, users, responders, stopped)))
            .map_err(listen)?;
        Ok(RunningServer {
            addr,
            host_key,
            _stop: stop,
        })
    }

    fn config(&self) -> Config {
        let methods: Vec<_> = self.users.iter().flat_map(User::methods).collect();
        Config {
            server_id: SshId::Standard(concat!("SSH-2.0-Courier_", env!("CARGO_PKG_VERSION")).into()),
            methods: MethodSet::from(methods.as_slice()),
            auth_rejection_time: Duration::from_millis(200),
            auth_rejection_time_initial: Some(Duration::ZERO),
            keys: self.host_keys.iter().map(|key| key.inner().clone()).collect(),
            keepalive_interval: Some(Duration::from_secs(60)),
            nodelay: true,
            ..Config::default()
        }
    }
}

fn invalid(error: courier_keys::Error) -> Error {
    Error::new(
        ErrorKind::Invalid,
        format!("the host key cannot be used: {error}"),
    )
}

fn host_key(key: &PrivateKey) -> Result<HostKey> {
    let unreadable = |_| Error::new(ErrorKind::Invalid, "the host key cannot be written");
    let blob = key.public().inner().to_bytes().map_err(unreadable)?;
    Ok(HostKey {
        key_type: key.public().algorithm_name(),
        fingerprint: known_hosts::fingerprint(&blob),
        public_key: known_hosts::base64(&blob),
    })
}

/// A server that runs until it is dropped or stopped.
#[derive(Debug)]
pub struct RunningServer {
    addr: SocketAddr,
    host_key: HostKey,
    /// Dropping it ends the thread.
    _stop: oneshot::Sender<()>,
}

impl RunningServer {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its first host key.
    pub fn host_key(&self) -> &HostKey {
        &self.host_key
    }

    /// Closes the port and every connection, as dropping does.
    pub fn stop(self) {}
}

async fn serve(
    listener: TcpListener,
    config: Arc<Config>,
    users: Arc<[User]>,
    responders: Responders,
    mut stopped: oneshot::Receiver<()>,
) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(e) => return tracing::error!("the SFTP server cannot listen: {e}"),
    };
    loop {
        let (tcp, from) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(e) => {
                    // Out of file descriptors, most likely; that passes.
                    tracing::warn!("the SFTP server could not accept a connection: {e}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            // Ends the sessions with the runtime.
            _ = &mut stopped => return,
        };
        let connection = SshConnection::new(Arc::clone(&users), Arc::clone(&responders));
        let config = Arc::clone(&config);
        tokio::spawn(async move {
            let served = async {
                tcp.set_nodelay(true)?;
                russh::server::run_stream(config, tcp, connection).await?.await
            };
            if let Err(e) = served.await {
                tracing::debug!(%from, "an SFTP connection ended: {e:?}");
            }
        });
    }
}
