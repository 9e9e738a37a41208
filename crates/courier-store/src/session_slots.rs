//! Sessions that are open with the servers of connections, counted over all nodes, so that a connection never has more than
//! its `max_sessions`.
//!
//! On PostgreSQL each session has a row, of the life of the node that opened it. Rows of a life whose lease is over don't
//! count, and go with it. On SQLite the one process counts for itself, and nothing is written.

use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, Statement, Value};
use uuid::Uuid;

use crate::{
    Kind, Result, Store,
    bus::Notice,
    entities::session_slots as entity,
    executions::Life,
    ids::{new_id, now},
};

/// Keeps the locks on connections apart from others: "slot" in ASCII.
const SPACE: i64 = 0x73_6c_6f_74;

/// The places that connections have for sessions.
#[derive(Clone, Copy, Debug)]
pub struct SessionSlots<'a>(pub(crate) &'a Store);

/// One of a connection's places, taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionSlot {
    id: Uuid,
    /// Whose.
    pub connection: Uuid,
}

impl SessionSlot {
    /// A place of this connection, which is not taken yet.
    pub fn new(connection: Uuid) -> Self {
        let id = new_id();
        Self { id, connection }
    }
}

impl SessionSlots<'_> {
    /// Takes this as one of `most` places of its connection, for a session of this life. `false` where all are taken, or the
    /// life has no lease (any more).
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable), [`Error::Database`](crate::Error::Database); it may have been taken
    /// nevertheless, and is to be released, also where this is dropped.
    pub async fn take(&self, slot: SessionSlot, life: &Life, most: u32) -> Result<bool> {
        let SessionSlot { id, connection } = slot;
        if self.0.kind() == Kind::Sqlite {
            return Ok(true);
        }
        // The lock comes in a statement of its own: one that waited for it would not see what came before.
        let lock = postgres(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, $2))",
            [connection.to_string().into(), SPACE.into()],
        );
        let insert = postgres(
            "WITH clock AS (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now)
             INSERT INTO session_slots (id, connection_id, node_id, taken_at)
             SELECT $1, $2, nodes.id, $3 FROM nodes, clock
             WHERE nodes.id = $4 AND nodes.lease_until > clock.now AND $5 > (
                 SELECT count(*) FROM session_slots AS other JOIN nodes AS holder ON holder.id = other.node_id
                 WHERE other.connection_id = $2 AND holder.lease_until > clock.now
             )",
            [
                id.into(),
                connection.into(),
                now().as_microsecond().into(),
                life.id.into(),
                i64::from(most).into(),
            ],
        );
        let taken = self
            .0
            .transact(async |db| {
                db.execute_raw(lock).await?;
                Ok(db.execute_raw(insert).await?.rows_affected())
            })
            .await?;
        Ok(taken == 1)
    }

    /// Gives a place back, if it was taken, and tells whoever waits for it.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub async fn release(&self, slot: SessionSlot) -> Result<()> {
        if self.0.kind() == Kind::Postgres {
            entity::Entity::delete_by_id(slot.id).exec(self.0.write()).await?;
            self.0.bus().publish(Notice::Slots {
                connection: slot.connection,
            });
        }
        Ok(())
    }
}

fn postgres(sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}
