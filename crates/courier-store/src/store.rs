//! The store as a whole: opened once, cheap to clone.

mod open;

pub(crate) use open::{MIGRATIONS, allow_pauses, lock_migrations};

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use sea_orm::{
    AccessMode, ConnAcquireErr, DatabaseConnection, DatabaseTransaction, DbErr, IsolationLevel,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};

use crate::{
    Error, Result,
    activity::Activity,
    alerts::Alerts,
    audit::{Audit, Authenticator},
    bus::Bus,
    connection_keys::ConnectionKeys,
    connections::Connections,
    dispatch::Dispatcher,
    executions::Executions,
    folder_mappings::FolderMappings,
    function_calls::FunctionCalls,
    jobs::Jobs,
    known_hosts::KnownHosts,
    pulls::Pulls,
    schedules::Schedules,
    sealed::Sealed,
    session_slots::SessionSlots,
    sessions::Sessions,
    settings::Settings,
    ssh_keys::SshKeys,
    storages::Storages,
    tokens::Tokens,
    users::Users,
};

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file, for one process.
    Sqlite,
    /// A server, for one process or several.
    Postgres,
}

/// The store. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Store(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    kind: Kind,
    /// On SQLite the one connection that writes; on PostgreSQL the pool.
    write: DatabaseConnection,
    /// On SQLite a few connections that only read, and never wait for the writer; on PostgreSQL the same pool.
    read: DatabaseConnection,
    /// What makes the codes of audit records.
    audit_key: OnceLock<Arc<dyn Authenticator>>,
    bus: Bus,
    dispatcher: Box<dyn Dispatcher>,
}

impl Store {
    /// Opens the database, makes it where it is missing, and brings its tables up to date.
    ///
    /// `sqlite://<path>` (the file is made with mode 0600; its folder must exist), `sqlite::memory:` (gone with the
    /// store) or `postgres://…`. Several processes may open one PostgreSQL database at the same time: one of them
    /// changes the tables, the others wait.
    ///
    /// # Errors
    /// [`Error::Address`] for any other address or a file that can't be made,
    /// [`Error::Unavailable`] where no server answers,
    /// [`Error::Database`] also where a newer Courier wrote the database.
    pub async fn open(url: &str) -> Result<Self> {
        open::open(url).await
    }

    /// Opens a database that a server has made, and leaves its tables as they are: for commands beside a server.
    ///
    /// # Errors
    /// As [`Self::open`], and [`Error::Schema`] where the tables are missing, or those of another version.
    pub async fn open_existing(url: &str) -> Result<Self> {
        open::open_existing(url).await
    }

    /// Opens a database whatever is in it, for [`Self::restore`]. SQLite's file is made where it is missing.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_bare(url: &str) -> Result<Self> {
        open::open_bare(url).await
    }

    /// Which database it is.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Asks the database for a sign of life, for three seconds at most.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn ping(&self) -> Result<()> {
        match tokio::time::timeout(Duration::from_secs(3), self.0.read.ping()).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Error::Unavailable(DbErr::ConnectionAcquire(
                ConnAcquireErr::Timeout,
            ))),
        }
    }

    /// Waits for what is under way, and closes all connections. Whatever is asked afterwards fails.
    pub async fn close(&self) -> Result<()> {
        self.0.bus.close().await;
        self.0.read.close_by_ref().await?;
        Ok(self.0.write.close_by_ref().await?)
    }

    /// Connections to partners, with their secrets.
    pub fn connections(&self) -> Connections<'_> {
        Connections(self)
    }

    /// Host keys that connections have seen and trust.
    pub fn known_hosts(&self) -> KnownHosts<'_> {
        KnownHosts(self)
    }

    /// SSH keys.
    pub fn ssh_keys(&self) -> SshKeys<'_> {
        SshKeys(self)
    }

    /// Which SSH keys a connection uses.
    pub fn connection_keys(&self) -> ConnectionKeys<'_> {
        ConnectionKeys(self)
    }

    /// Jobs and their versions.
    pub fn jobs(&self) -> Jobs<'_> {
        Jobs(self)
    }

    /// When jobs run by themselves.
    pub fn schedules(&self) -> Schedules<'_> {
        Schedules(self)
    }

    /// Executions of jobs, and the queue of those that wait.
    pub fn executions(&self) -> Executions<'_> {
        Executions(self)
    }

    /// Whom to tell of what, and the messages.
    pub fn alerts(&self) -> Alerts<'_> {
        Alerts(self)
    }

    /// Where pulled files go.
    pub fn storages(&self) -> Storages<'_> {
        Storages(self)
    }

    /// Folders of connections from which each file is pulled once.
    pub fn folder_mappings(&self) -> FolderMappings<'_> {
        FolderMappings(self)
    }

    /// Pulled files, and those that are being pulled.
    pub fn pulls(&self) -> Pulls<'_> {
        Pulls(self)
    }

    /// Calls of functions in function apps.
    pub fn function_calls(&self) -> FunctionCalls<'_> {
        FunctionCalls(self)
    }

    /// The queue's other end.
    pub fn dispatcher(&self) -> &dyn Dispatcher {
        &*self.0.dispatcher
    }

    /// What moved and what ended, hour by hour.
    pub fn activity(&self) -> Activity<'_> {
        Activity(self)
    }

    /// Audit records.
    pub fn audit(&self) -> Audit<'_> {
        Audit(self)
    }

    /// Users.
    pub fn users(&self) -> Users<'_> {
        Users(self)
    }

    /// Logins of users.
    pub fn sessions(&self) -> Sessions<'_> {
        Sessions(self)
    }

    /// Sessions with servers, counted over all nodes.
    pub fn session_slots(&self) -> SessionSlots<'_> {
        SessionSlots(self)
    }

    /// API tokens.
    pub fn tokens(&self) -> Tokens<'_> {
        Tokens(self)
    }

    /// System settings.
    pub fn settings(&self) -> Settings<'_> {
        Settings(self)
    }

    /// Sealed values, wherever they are.
    pub fn sealed(&self) -> Sealed<'_> {
        Sealed(self)
    }

    /// What the processes that share the database tell each other.
    pub fn bus(&self) -> &Bus {
        &self.0.bus
    }

    /// For queries.
    pub(crate) fn read(&self) -> &DatabaseConnection {
        &self.0.read
    }

    /// For single statements that change something.
    pub(crate) fn write(&self) -> &DatabaseConnection {
        &self.0.write
    }

    pub(crate) fn audit_key(&self) -> &OnceLock<Arc<dyn Authenticator>> {
        &self.0.audit_key
    }

    /// A transaction that sees one moment's state.
    pub(crate) async fn snapshot(&self) -> Result<DatabaseTransaction> {
        let options = match self.kind() {
            Kind::Sqlite => TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Deferred),
                ..Default::default()
            },
            Kind::Postgres => TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead),
                access_mode: Some(AccessMode::ReadOnly),
                ..Default::default()
            },
        };
        let transaction = self.read().begin_with_options(options).await?;
        allow_pauses(&transaction).await?;
        Ok(transaction)
    }

    /// Does this in a transaction: all of it, or none where it fails. On SQLite it has the write lock from its first
    /// moment, so that what it reads is still true when it writes; on PostgreSQL, lock the rows that a decision rests
    /// on. Nothing in it may ask [`Self::read`] or [`Self::write`].
    pub(crate) async fn transact<T>(
        &self,
        work: impl AsyncFnOnce(&DatabaseTransaction) -> Result<T>,
    ) -> Result<T> {
        let sqlite_transaction_mode = Some(SqliteTransactionMode::Immediate);
        let options = TransactionOptions {
            sqlite_transaction_mode,
            ..Default::default()
        };
        let transaction = self.0.write.begin_with_options(options).await?;
        match work(&transaction).await {
            Ok(done) => {
                transaction.commit().await?;
                Ok(done)
            }
            Err(error) => {
                // A transaction that is only dropped is rolled back too, but later, and holds its locks until then.
                if let Err(failed) = transaction.rollback().await {
                    tracing::debug!(error = %failed, "a transaction could not be rolled back");
                }
                Err(error)
            }
        }
    }
}
