//! The engine as a whole: started once, cheap to clone.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use courier_store::Store;
use courier_vault::Vault;
use tokio::sync::Mutex;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Actor, Error, Protocols, Result, activity,
    alerts::{self, Alerts},
    attention::{Attention, attention},
    audit::{self, Audit},
    auth::Auth,
    azure_functions::OpenApps,
    connections::Connections,
    dispatcher::dispatch,
    events::{Watchers, tell_watchers},
    executions::Executions,
    expiring::{Expiring, expiring},
    figures,
    folder_mappings::FolderMappings,
    housekeeping::keep_house,
    jobs::Jobs,
    keys::Keys,
    live::{LiveExecutions, Places, Stop, hear_other_nodes, tell_progress},
    local_paths::LocalPaths,
    node::{Membership, look_for_abandoned, put_back},
    open::{Slots, hear_of_places},
    overview::{Overview, overview},
    passwords::{Brake, Passwords},
    pulls::{Pulls, tick::keep_pulling},
    schedules::{Schedules, keep_time},
    secrets,
    settings::Settings,
    steps::AllPartials,
    storages::{self, OpenStorages, Storages},
    tokens::Tokens,
    users::Users,
    vault_check::check_vault,
};

/// What kind of installation this is. Decides whether insecure trust is allowed at all (specification 6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// The default, and the strictest.
    Production,
    /// Between the two.
    Staging,
    /// Somebody's own machine.
    Development,
}

/// How dear a password's hash is. The default is what argon2id's authors advise; tests take less.
#[derive(Clone, Copy, Debug)]
pub struct PasswordCost {
    /// Memory, KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Default for PasswordCost {
    fn default() -> Self {
        Self {
            memory_kib: 19 * 1024,
            passes: 2,
        }
    }
}

/// What an engine is started with.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// This process's name among its like; shows in executions.
    pub node: String,
    /// The data folder. Work folders are made in it; jobs may not touch the rest.
    pub data_dir: PathBuf,
    /// Where jobs and `local` connections may read and write; empty for `<data_dir>/files`.
    pub local_roots: Vec<PathBuf>,
    /// What kind of installation this is.
    pub environment: Environment,
    /// How many executions run at once, at least 1.
    pub concurrency: usize,
    /// How dear a password's hash is.
    pub password_cost: PasswordCost,
}

/// The engine. Clones share everything.
///
/// Dropping it stops nothing: what runs goes on until [`Engine::shutdown`], or until the runtime ends, which is as good
/// as a crash.
#[derive(Clone, Debug)]
pub struct Engine(pub(crate) Arc<Shared>);

/// What all clones share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    pub(crate) protocols: Protocols,
    pub(crate) config: EngineConfig,
    pub(crate) paths: LocalPaths,
    pub(crate) passwords: Passwords,
    pub(crate) brake: Brake,
    /// Sessions of each connection.
    pub(crate) slots: Slots,
    /// Files that are written on servers now.
    pub(crate) partials: AllPartials,
    /// Storages that were opened here.
    pub(crate) storages: OpenStorages,
    /// Function apps that are used here now.
    pub(crate) function_apps: OpenApps,
    /// Executions that run here.
    pub(crate) live: LiveExecutions,
    /// Those who watch everything.
    pub(crate) watchers: Watchers,
    /// Places for those that work, and don't just wait.
    pub(crate) places: Places,
    pub(crate) figures: figures::Cache,
    pub(crate) activity: activity::Cache,
    pub(crate) stopping: CancellationToken,
    /// The dispatcher, and the executions that run here.
    pub(crate) tasks: TaskTracker,
    /// This process's place among its like, until the shutdown.
    pub(crate) node: Membership,
    /// The client for webhooks, once one was needed.
    pub(crate) webhooks: OnceLock<reqwest::Client>,
    /// Held by whoever verifies the audit log.
    pub(crate) verifying: Mutex<()>,
}

impl Engine {
    /// Starts: checks that the vault's key opens what is stored, seals secrets of earlier versions with their server, queues
    /// again what a dead process left running, and sets the dispatcher going.
    ///
    /// # Errors
    /// [`Error::KeysMissing`] where a key is missing that stored secrets need, [`Error::Conflict`] where another process on
    /// this database has the node's name, [`Error::Store`], [`Error::Transfer`] where a folder can't be made or a local
    /// root doesn't exist, [`Error::Validation`] where a local root reaches the data folder.
    pub async fn start(
        store: Store,
        vault: Vault,
        protocols: Protocols,
        config: EngineConfig,
    ) -> Result<Self, Error> {
        let paths = LocalPaths::new(&config.data_dir, &config.local_roots)?;
        check_vault(&store, &vault).await?;
        audit::open(&store, &vault).await?;
        let node = Membership::join(&store, &config.node).await?;
        let shared = Shared {
            paths,
            passwords: Passwords::new(config.password_cost).await?,
            brake: Brake::default(),
            slots: Slots::default(),
            partials: AllPartials::default(),
            storages: OpenStorages::default(),
            function_apps: OpenApps::default(),
            live: LiveExecutions::new(&store),
            watchers: Watchers::default(),
            places: Places::new(config.concurrency),
            figures: figures::Cache::default(),
            activity: activity::Cache::default(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            node,
            webhooks: OnceLock::new(),
            verifying: Mutex::new(()),
            store,
            vault,
            protocols,
            config,
        };
        let engine = Self(Arc::new(shared));
        engine.0.node.keep(&engine);
        secrets::bind_older(&engine).await?;
        storages::make_first(&engine).await?;
        put_back(&engine).await?;
        engine.0.tasks.spawn(look_for_abandoned(engine.clone()));
        engine.0.tasks.spawn(dispatch(engine.clone()));
        engine.0.tasks.spawn(hear_other_nodes(engine.clone()));
        engine.0.tasks.spawn(tell_progress(engine.clone()));
        engine.0.tasks.spawn(tell_watchers(engine.clone()));
        engine.0.tasks.spawn(hear_of_places(engine.clone()));
        engine.0.tasks.spawn(keep_house(engine.clone()));
        engine.0.tasks.spawn(keep_time(engine.clone()));
        engine.0.tasks.spawn(keep_pulling(engine.clone()));
        engine.0.tasks.spawn(alerts::deliver(engine.clone()));
        engine.0.tasks.spawn(alerts::look_out(engine.clone()));
        engine.0.tasks.spawn(audit::keep_sealed(engine.clone()));
        engine.0.tasks.spawn(audit::keep_trimmed(engine.clone()));
        Ok(engine)
    }

    /// Takes no more executions, hands the running ones back to the queue, and closes their sessions; `grace` is how
    /// long that may take.
    pub async fn shutdown(&self, grace: Duration) {
        self.0.stopping.cancel();
        for live in self.0.live.all() {
            live.stop(Stop::Shutdown);
        }
        self.0.tasks.close();
        if tokio::time::timeout(grace, self.0.tasks.wait()).await.is_err() {
            tracing::warn!("some executions did not stop in time; the next start queues them again");
        }
        audit::seal(self).await;
        self.0.node.leave().await;
    }

    /// Connections.
    pub fn connections(&self) -> Connections<'_> {
        Connections(self)
    }

    /// The SSH key store.
    pub fn keys(&self) -> Keys<'_> {
        Keys(self)
    }

    /// Jobs.
    pub fn jobs(&self) -> Jobs<'_> {
        Jobs(self)
    }

    /// Jobs that run by themselves.
    pub fn schedules(&self) -> Schedules<'_> {
        Schedules(self)
    }

    /// Folders of connections from which each file is pulled once.
    pub fn folder_mappings(&self) -> FolderMappings<'_> {
        FolderMappings(self)
    }

    /// Pulled files.
    pub fn pulls(&self) -> Pulls<'_> {
        Pulls(self)
    }

    /// Executions of jobs.
    pub fn executions(&self) -> Executions<'_> {
        Executions(self)
    }

    /// Users.
    pub fn users(&self) -> Users<'_> {
        Users(self)
    }

    /// Logging in and out.
    pub fn auth(&self) -> Auth<'_> {
        Auth(self)
    }

    /// API tokens.
    pub fn tokens(&self) -> Tokens<'_> {
        Tokens(self)
    }

    /// System settings.
    pub fn settings(&self) -> Settings<'_> {
        Settings(self)
    }

    /// Whom to tell of what.
    pub fn alerts(&self) -> Alerts<'_> {
        Alerts(self)
    }

    /// Where pulled files go.
    pub fn storages(&self) -> Storages<'_> {
        Storages(self)
    }

    /// Audit records.
    pub fn audit(&self) -> Audit<'_> {
        Audit(self)
    }

    /// What the first page shows.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn overview(&self) -> Result<Overview> {
        overview(self).await
    }

    /// What somebody should look at.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn attention(&self) -> Result<Attention> {
        attention(self).await
    }

    /// What ends within 30 days or has ended, as far as the actor may know of it.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn expiring(&self, actor: &Actor) -> Result<Vec<Expiring>> {
        expiring(self, actor).await
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn ready(&self) -> Result<()> {
        Ok(self.0.store.ping().await?)
    }

    /// Has this node its lease, without which it runs nothing? With SQLite, always.
    pub fn holds_lease(&self) -> bool {
        self.0.node.is_held()
    }

    /// The protocols that connections may have.
    pub fn protocols(&self) -> &Protocols {
        &self.0.protocols
    }

    /// What it was started with.
    pub fn config(&self) -> &EngineConfig {
        &self.0.config
    }
}
