//! A process among those that share a database: its name, and what dead ones have left running.
//!
//! On PostgreSQL a node holds an advisory lock on its name, in a session of its own: the lock is free as soon as the
//! process or its connection is gone, whichever way it went. SQLite is for one process, so all that runs there when
//! it starts was left by a dead one.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QuerySelect, Statement,
    sqlx::{self, Connection, PgConnection},
};
use uuid::Uuid;

use super::{ExecutionState, queue};
use crate::{
    Error, Kind, Result, Store,
    entities::executions::{Column, Entity},
    row,
};

/// Keeps the locks on names apart from others: "node" in ASCII.
const SPACE: i64 = 0x6e_6f_64_65;
/// How long a name may be taken at a start: a server needs a moment to notice that its last owner is gone.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the connection that holds the name may be silent.
const SILENCE: Duration = Duration::from_secs(3);
/// Looks in a row that must find a node gone. One whose connection broke takes its name back at its next look.
const LOOKS: u32 = 3;

/// This process among the nodes. While it lives, nobody else has its name, and nobody takes its executions.
#[derive(Debug)]
pub struct Node {
    store: Store,
    name: String,
    /// PostgreSQL's session that has the lock on the name.
    lock: Option<PgConnection>,
    /// What it left running itself, before it died the last time, is not put back yet.
    new: bool,
    /// Nodes that were gone, and at how many looks in a row.
    gone: HashMap<String, u32>,
}

impl Node {
    pub(super) async fn join(store: &Store, name: &str) -> Result<Self> {
        let mut node = Self {
            store: store.clone(),
            name: row::clean(name),
            lock: None,
            new: true,
            gone: HashMap::new(),
        };
        let begun = Instant::now();
        loop {
            match node.hold().await {
                Err(Error::Conflict(_)) if begun.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                result => return result.map(|()| node),
            }
        }
    }

    /// Puts back what dead processes have left running: what was to be cancelled or paused is so now; the rest is
    /// queued, its running steps pending. Answers which there were, and where they stand now.
    ///
    /// To be called at the start, before anything runs here, and then every few seconds: the first call puts back what
    /// this node's own name has, each later one what nodes have that were gone for some calls in a row.
    ///
    /// # Errors
    /// [`Error::Conflict`] where this node's connection broke, and another process has its name now.
    pub async fn put_back(&mut self) -> Result<Vec<(Uuid, ExecutionState)>> {
        self.hold().await?;
        let mut put_back = Vec::new();
        if self.new {
            let of = match self.store.kind() {
                Kind::Sqlite => None,
                Kind::Postgres => Some(self.name.as_str()),
            };
            put_back = self
                .store
                .transact(async |db| queue::requeue_running(db, of).await)
                .await?;
            self.new = false;
        }
        if self.store.kind() == Kind::Postgres {
            put_back.extend(self.put_back_others().await?);
        }
        Ok(put_back)
    }

    async fn put_back_others(&mut self) -> Result<Vec<(Uuid, ExecutionState)>> {
        let names: Vec<String> = Entity::find()
            .select_only()
            .column(Column::Node)
            .distinct()
            .filter(Column::State.eq(ExecutionState::Running.as_str()))
            .filter(Column::Node.ne(self.name.as_str()))
            .into_tuple()
            .all(self.store.read())
            .await?;
        self.gone.retain(|name, _| names.contains(name));
        let mut put_back = Vec::new();
        for name in names {
            let looks = self.gone.get(&name).map_or(1, |looks| looks.saturating_add(1));
            // In one transaction with the lock, so that nobody takes the name meanwhile.
            let found = self
                .store
                .transact(async |db| match is_free(db, &name).await? {
                    false => Ok(None),
                    true if looks < LOOKS => Ok(Some(Vec::new())),
                    true => queue::requeue_running(db, Some(&name)).await.map(Some),
                })
                .await?;
            match found {
                Some(found) => {
                    self.gone.insert(name, looks);
                    put_back.extend(found);
                }
                None => {
                    self.gone.remove(&name);
                }
            }
        }
        Ok(put_back)
    }

    /// Gives the name up. What runs here must have ended.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; the name is free anyway, a moment later.
    pub async fn leave(mut self) -> Result<()> {
        match self.lock.take() {
            Some(session) => Ok(session.close().await?),
            None => Ok(()),
        }
    }

    /// Sees that the name is held, and takes it where it isn't.
    async fn hold(&mut self) -> Result<()> {
        if self.store.kind() == Kind::Sqlite {
            return Ok(());
        }
        if let Some(session) = &mut self.lock {
            if let Ok(Ok(())) = tokio::time::timeout(SILENCE, session.ping()).await {
                return Ok(());
            }
            self.lock = None;
        }
        let pool = self.store.write().get_postgres_connection_pool();
        let mut session = pool.acquire().await?.detach();
        // The server notices within half a minute that a machine is gone.
        for setting in [
            "SET tcp_keepalives_idle = 10",
            "SET tcp_keepalives_interval = 5",
            "SET tcp_keepalives_count = 4",
        ] {
            sqlx::query(setting).execute(&mut session).await?;
        }
        let taken: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtextextended($1, $2))")
            .bind(&self.name)
            .bind(SPACE)
            .fetch_one(&mut session)
            .await?;
        if !taken {
            return Err(Error::Conflict(format!(
                "another process that uses this database has the node name \"{}\"; give each process a name of its \
                 own (node), or stop the other one",
                self.name
            )));
        }
        self.lock = Some(session);
        Ok(())
    }
}

/// Does nobody hold this name? If so, nobody can before the transaction's end.
async fn is_free(db: &impl ConnectionTrait, name: &str) -> Result<bool> {
    let question = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "SELECT pg_try_advisory_xact_lock(hashtextextended($1, $2)) AS free",
        [name.into(), SPACE.into()],
    );
    match db.query_one_raw(question).await? {
        Some(row) => Ok(row.try_get("", "free")?),
        None => Ok(false),
    }
}
