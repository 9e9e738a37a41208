//! One server: started, run, stopped.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    future::Future,
    io,
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use courier_engine::{Engine, EngineConfig};
use courier_store::Store;
use courier_vault::Vault;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::Config,
    first_start::{InitialPassword, first_user},
    http::{self, AppState, Metrics},
    listen::{self, Limits, Listener},
    protocols::protocols,
    tls::{self, CurrentCertificate},
};

/// How long executions may take to stop by themselves.
const ENGINE_GRACE: Duration = Duration::from_secs(10);

/// How long requests under way may take to end.
const HTTP_GRACE: Duration = Duration::from_secs(15);

/// How often recorded numbers are folded into their buckets.
const METRICS_FOLD: Duration = Duration::from_secs(10);

/// Why a server does not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file or folder can't be made.
    #[error("{} can't be made: {source}", .path.display())]
    Folder {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another server has the data folder.
    #[error("another server uses the data folder {}; stop it, or give several servers a PostgreSQL database", .data_dir.display())]
    InUse {
        /// The folder.
        data_dir: PathBuf,
    },
    /// The address can't be listened on.
    #[error("can't listen on {listen}: {source}")]
    Listen {
        /// The address.
        listen: String,
        /// Why.
        source: io::Error,
    },
    /// The listener's certificate can't be used.
    #[error(transparent)]
    Tls(#[from] tls::Error),
    /// The vault's key can't be had.
    #[error(transparent)]
    Vault(#[from] courier_vault::Error),
    /// The key file is gone, and what is stored needs its key.
    #[error(
        "the key file {} is missing, and secrets are stored that need the key {key_id}; put it back from where you keep a \
         copy of it, or configure where that key is: COURIER_KEK, or its key vault. No new one was made: it would open none \
         of them", .path.display()
    )]
    KeyFileGone {
        /// The file.
        path: PathBuf,
        /// The identifier of the key that one of the secrets was sealed under.
        key_id: String,
    },
    /// The database can't be opened.
    #[error(transparent)]
    Store(#[from] courier_store::Error),
    /// The engine does not start.
    #[error(transparent)]
    Engine(#[from] courier_engine::Error),
    /// There is no randomness to be had, or the numbers can't be set up.
    #[error("{0}")]
    Internal(String),
    /// The listener failed while serving.
    #[error("the server stopped: {0}")]
    Serve(io::Error),
}

/// A server that is bound and ready to serve.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    state: AppState,
    /// Held as long as the server lives.
    lock: Option<File>,
}

impl Server {
    /// Makes the data folder, opens database, vault and engine, makes the user `admin` if there is no user, and binds.
    ///
    /// # Errors
    /// [`StartError`], with what to do about it.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        // Before anything is made: a wrong path should leave nothing behind.
        let certificate = config.tls.clone().map(CurrentCertificate::new).transpose()?;
        let listener = TcpListener::bind(&config.listen)
            .await
            .map_err(|source| StartError::Listen {
                listen: config.listen.clone(),
                source,
            })?;
        let address = listener.local_addr().map_err(|source| StartError::Listen {
            listen: config.listen.clone(),
            source,
        })?;

        make_folders(&config.data_dir)?;
        let lock = lock(&config)?;
        let vault = match config.kek.vault().await {
            Err(courier_vault::Error::KeyFile { path, source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                Err(path)
            }
            had => Ok(had?),
        };
        let store = Store::open(config.database_url.expose_secret()).await?;
        let vault = match vault {
            Ok(vault) => vault,
            Err(missing) => first_key(&config, &store, missing).await?,
        };
        let engine = Engine::start(
            store.clone(),
            vault,
            protocols(),
            EngineConfig {
                node: config.node.clone(),
                data_dir: config.data_dir.clone(),
                local_roots: config.local_roots.clone(),
                environment: config.environment,
                concurrency: config.concurrency,
                password_cost: config.password_cost,
            },
        )
        .await?;
        first_user(&engine, &config).await?;

        let metrics = Metrics::new(&config.node).map_err(|error| StartError::Internal(error.to_string()))?;
        let state = AppState {
            engine,
            store,
            metrics: Arc::new(metrics),
            listener: Arc::new(Listener {
                address,
                certificate: certificate.map(Arc::new),
                proxies: config.trusted_proxies.clone(),
            }),
            logins: Arc::default(),
            initial_password: InitialPassword::of(&config.data_dir),
            stopping: CancellationToken::new(),
            requests: TaskTracker::new(),
        };
        if state.listener.is_in_clear() {
            state.engine.record_insecure_listener(address).await?;
        }
        for warning in state.listener.warnings(Timestamp::now()) {
            tracing::warn!("{warning}");
        }
        tracing::info!(url = state.listener.url(), node = %config.node, data_dir = %config.data_dir.display(), "listening");
        Ok(Self {
            listener,
            state,
            lock,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.state.listener.address
    }

    /// Where it is for programs on this machine: `http://127.0.0.1:8440`, or `https://…`.
    pub fn url(&self) -> String {
        self.state.listener.url()
    }

    /// Serves until `shutdown` ends. Then takes no more requests, lets those under way end, hands executions back to
    /// the queue with what they have moved so far, and closes the database.
    ///
    /// # Errors
    /// [`StartError::Serve`] if the listener fails.
    pub async fn run_until(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), StartError> {
        let Self {
            listener,
            state,
            lock,
            ..
        } = self;
        let stopping = state.stopping.clone();
        let app = http::app(state.clone());
        let folding = tokio::spawn(fold_metrics(state.clone()));
        let renewing = state
            .listener
            .certificate
            .clone()
            .map(|certificate| tokio::spawn(certificate.keep_current()));
        let transport = state.listener.transport(&state.engine);
        let mut serving = tokio::spawn(listen::serve(
            listener,
            app,
            transport,
            Limits::default(),
            state.listener.proxies.clone(),
            stopping.clone(),
        ));

        let failed = tokio::select! {
            () = shutdown => None,
            ended = &mut serving => Some(ended),
        };
        tracing::info!("stopping");
        stopping.cancel();
        state.engine.shutdown(ENGINE_GRACE).await;
        let answering = async {
            let ended = match failed {
                Some(ended) => ended,
                None => (&mut serving).await,
            };
            state.requests.close();
            state.requests.wait().await;
            ended
        };
        let ended = match tokio::time::timeout(HTTP_GRACE, answering).await {
            Ok(ended) => ended,
            Err(_) => {
                tracing::warn!("requests under way did not end in time and are cut off");
                serving.abort();
                Ok(())
            }
        };
        folding.abort();
        renewing.inspect(JoinHandle::abort);
        state.store.close().await?;
        drop(lock);
        tracing::info!("stopped");
        ended.map_err(|error| StartError::Serve(io::Error::other(error)))
    }
}

async fn fold_metrics(state: AppState) {
    let mut ticks = tokio::time::interval(METRICS_FOLD);
    loop {
        ticks.tick().await;
        state.metrics.fold();
    }
}

/// Makes the key file, where nothing is sealed yet: beside secrets that need another key, a new one would only hide that
/// theirs is gone.
async fn first_key(config: &Config, store: &Store, file: PathBuf) -> Result<Vault, StartError> {
    let sealed = store.sealed().page(None).await?;
    let key_id = sealed
        .iter()
        .find_map(|value| Some(Vault::sealed_under(&value.blob).ok()?.key_id));
    match key_id {
        // Another node on this folder may have made it meanwhile, and who moves here from a key vault has none yet.
        Some(key_id) if !file.exists() && !config.kek.opens_also(&key_id) => {
            Err(StartError::KeyFileGone { path: file, key_id })
        }
        _ => Ok(config.kek.vault_or_new_key().await?),
    }
}

/// The data folder, which nobody else may look into, and its two folders for files.
pub(crate) fn make_folders(data_dir: &Path) -> Result<(), StartError> {
    for path in [data_dir.to_owned(), data_dir.join("files"), data_dir.join("work")] {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(|source| StartError::Folder { path, source })?;
    }
    let mode = fs::metadata(data_dir).map_or(0, |found| found.permissions().mode()) & 0o777;
    if mode & 0o077 != 0 {
        tracing::warn!(
            data_dir = %data_dir.display(),
            mode = %format_args!("{mode:03o}"),
            "others can look into the data folder; run: chmod 700 on it"
        );
    }
    Ok(())
}

/// A SQLite database is for one process: the lock keeps a second server off it. Goes with the process, however it ends.
pub(crate) fn lock(config: &Config) -> Result<Option<File>, StartError> {
    if !config.database_url.expose_secret().starts_with("sqlite:") {
        return Ok(None);
    }
    let path = config.data_dir.join("lock");
    let failed = |source| StartError::Folder {
        path: path.clone(),
        source,
    };
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse {
            data_dir: config.data_dir.clone(),
        }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}
