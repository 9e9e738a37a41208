//! A process among those that share a database: its name and its lease.
//!
//! On PostgreSQL each life of a process has a row with a lease, by the database's clock. While the lease is renewed, nobody
//! takes the life's executions; when it is over, anybody does. Besides, a process holds an advisory lock on its name, in a
//! session of its own, by which it can start again under the same name at once, however it ended, while a second one of
//! that name is refused. SQLite is for one process, so all that runs there when it starts was left by a dead one.

use std::time::{Duration, Instant};

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
    sea_query::{Expr, ExprTrait, SimpleExpr},
    sqlx::{self, ConnectOptions, Connection, Executor, PgConnection},
};
use uuid::Uuid;

use super::crash::holders_of_running;
use crate::{
    Error, Kind, Result, Store,
    entities::nodes,
    ids::{new_id, now},
    row,
};

/// How long a lease is, from the moment that the database gave or renewed it. A node that has heard nothing since must
/// have stopped well before.
pub const LEASE: Duration = Duration::from_secs(10);

/// Keeps the locks on names apart from others: "node" in ASCII.
const SPACE: i64 = 0x6e_6f_64_65;
/// How long a name may be taken at a start: a server needs a moment to notice that its last owner is gone.
const PATIENCE: Duration = Duration::from_secs(2);
/// The server notices within half a minute that a machine is gone.
const KEEPALIVE: &str =
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 4";

/// One life of a process: from its start, or from when it lost its lease, until it ends or loses its lease again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// Nobody else ever has it.
    pub id: Uuid,
    /// The node's name, for people.
    pub node: String,
}

/// This process among the nodes.
#[derive(Debug)]
pub struct Node {
    store: Store,
    life: Life,
    /// PostgreSQL's session that has the lock on the name, and in which the lease is renewed: it waits for nothing else.
    session: Option<PgConnection>,
    /// Has that session the lock on the name?
    has_name: bool,
}

impl Node {
    pub(super) async fn join(store: &Store, name: &str) -> Result<Self> {
        let life = Life {
            id: new_id(),
            node: row::clean(name),
        };
        let mut node = Self {
            store: store.clone(),
            life,
            session: None,
            has_name: false,
        };
        if store.kind() == Kind::Postgres {
            let begun = Instant::now();
            let mut session = node.connect().await?;
            while !node.take_name(&mut session).await? && node.is_name_in_use().await? {
                if begun.elapsed() > PATIENCE {
                    return Err(node.name_taken());
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            node.session = Some(session);
            node.begin_lease().await?;
        }
        Ok(node)
    }

    /// Its life now.
    pub fn life(&self) -> Life {
        self.life.clone()
    }

    /// Renews the lease. `false` where it was over, and others may have taken what ran under it. The lease counts from
    /// some moment after this was called. On SQLite there is nothing to renew.
    ///
    /// Where this is dropped before it answers, the lease may have been renewed or not.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Database`].
    pub async fn renew(&mut self) -> Result<bool> {
        if self.store.kind() == Kind::Sqlite {
            return Ok(true);
        }
        // Kept only where all went well: a session that was left in the middle of something is of no use.
        let mut session = self.session().await?;
        // Whoever else may have the name by now, the lease is this life's.
        if !self.has_name && !self.take_name(&mut session).await? {
            tracing::debug!(node = %self.life.node, "the lock on the node's name is taken");
        }
        let renewed = sqlx::query(
            "UPDATE nodes SET lease_until = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + $2
             WHERE id = $1 AND lease_until > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
        )
        .bind(self.life.id)
        .bind(micros(LEASE))
        .execute(&mut session)
        .await?;
        self.session = Some(session);
        Ok(renewed.rows_affected() == 1)
    }

    /// Begins another life, after the lease of the last was lost. What that left is put back like a dead node's.
    ///
    /// # Errors
    /// [`Error::Conflict`] where another process has the node's name; [`Error::Unavailable`], [`Error::Database`].
    pub async fn begin_again(&mut self) -> Result<()> {
        self.life.id = new_id();
        if self.store.kind() == Kind::Sqlite {
            return Ok(());
        }
        let mut session = self.session().await?;
        // The lock is taken where the database has not noticed yet that the last session is gone, so only a living lease
        // of the same name says that there is another process.
        if !self.has_name && !self.take_name(&mut session).await? && self.is_name_in_use().await? {
            return Err(self.name_taken());
        }
        self.session = Some(session);
        self.begin_lease().await
    }

    /// Gives name and lease up. What still runs here is put back when the lease is over.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; the name is free anyway, a moment later.
    pub async fn leave(mut self) -> Result<()> {
        if self.store.kind() == Kind::Postgres {
            nodes::Entity::delete_many()
                .filter(nodes::Column::Id.eq(self.life.id))
                .filter(nodes::Column::Id.not_in_subquery(holders_of_running()))
                .exec(self.store.write())
                .await?;
        }
        match self.session.take() {
            Some(session) => Ok(session.close().await?),
            None => Ok(()),
        }
    }

    async fn begin_lease(&self) -> Result<()> {
        let row = nodes::Model {
            id: self.life.id,
            name: self.life.node.clone(),
            lease_until: 0,
            joined_at: now().as_microsecond(),
        };
        self.store
            .transact(async |db| {
                nodes::Entity::insert(row.into_active_model().reset_all())
                    .exec_without_returning(db)
                    .await?;
                nodes::Entity::update_many()
                    .col_expr(nodes::Column::LeaseUntil, database_clock().add(micros(LEASE)))
                    .filter(nodes::Column::Id.eq(self.life.id))
                    .exec(db)
                    .await?;
                Ok(())
            })
            .await
    }

    /// A session of its own, which no crowded pool delays.
    async fn connect(&self) -> Result<PgConnection> {
        let pool = self.store.write().get_postgres_connection_pool();
        let mut session = pool.connect_options().connect().await?;
        session.execute(KEEPALIVE).await?;
        Ok(session)
    }

    /// The session, or a new one, taken out.
    async fn session(&mut self) -> Result<PgConnection> {
        match self.session.take() {
            Some(session) => Ok(session),
            None => {
                self.has_name = false;
                self.connect().await
            }
        }
    }

    async fn take_name(&mut self, session: &mut PgConnection) -> Result<bool> {
        self.has_name = sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtextextended($1, $2))")
            .bind(&self.life.node)
            .bind(SPACE)
            .fetch_one(session)
            .await?;
        Ok(self.has_name)
    }

    /// Has another life of this name a lease?
    async fn is_name_in_use(&self) -> Result<bool> {
        let other = nodes::Entity::find()
            .select_only()
            .column(nodes::Column::Id)
            .filter(nodes::Column::Name.eq(self.life.node.as_str()))
            .filter(nodes::Column::Id.ne(self.life.id))
            .filter(leased())
            .into_tuple::<Uuid>()
            .one(self.store.read())
            .await?;
        Ok(other.is_some())
    }

    fn name_taken(&self) -> Error {
        Error::Conflict(format!(
            "another process that uses this database has the node name \"{}\"; give each process a name of its own (node), \
             or stop the other one",
            self.life.node
        ))
    }
}

/// Of a life, by the database's clock.
pub(super) async fn is_leased(db: &impl ConnectionTrait, life: Uuid) -> Result<bool> {
    let leased = nodes::Entity::find_by_id(life)
        .select_only()
        .column(nodes::Column::Id)
        .filter(leased())
        .into_tuple::<Uuid>()
        .one(db)
        .await?;
    Ok(leased.is_some())
}

/// Of a node's row: is its lease not over?
pub(super) fn leased() -> SimpleExpr {
    Expr::col(nodes::Column::LeaseUntil).gt(database_clock())
}

/// The time that it is for PostgreSQL now, and not when its transaction began.
fn database_clock() -> SimpleExpr {
    Expr::cust("(extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
