//! Host keys that connections have seen and trust (specification 6.7.1).
//!
//! A connection has any number of pins, and remembers keys that its server presented without being trusted, so that
//! somebody can approve one.

mod change;

use jiff::Timestamp;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::{
    Result, Store,
    audit::NewAudit,
    connections::Seen,
    entities::known_hosts::{Column, Entity, Model},
    row,
};

pub(crate) use change::{clear, pin_only};

/// Known host keys.
#[derive(Clone, Copy, Debug)]
pub struct KnownHosts<'a>(pub(crate) &'a Store);

/// A host key of a connection's server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownHost {
    /// Its id.
    pub id: Uuid,
    /// The connection.
    pub connection_id: Uuid,
    /// The key's type, such as `ssh-ed25519`; none while a fingerprint that somebody entered was never presented.
    pub key_type: Option<String>,
    /// `SHA256:…`.
    pub fingerprint: String,
    /// Is it trusted? If not, it was presented and refused, or trusted once.
    pub pinned: bool,
    /// Since when it is trusted.
    pub pinned_at: Option<Timestamp>,
    /// When it was presented or entered first.
    pub first_seen: Timestamp,
    /// When it was presented last; none while it never was.
    pub last_seen: Option<Timestamp>,
    /// Who trusted it; `system` for the first use.
    pub approved_by: Option<String>,
}

impl KnownHosts<'_> {
    /// What the connection trusts, newest pin first.
    ///
    /// # Errors
    /// [`Error::Database`](crate::Error::Database), [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn pins(&self, connection: Uuid) -> Result<Vec<KnownHost>> {
        pins(self.0.read(), connection).await
    }

    /// The types of the pins of these connections, none where a pin was never presented, in no order.
    ///
    /// # Errors
    /// As [`Self::pins`].
    pub async fn pinned_types(&self, connections: &[Uuid]) -> Result<Vec<(Uuid, Option<String>)>> {
        Ok(Entity::find()
            .select_only()
            .column(Column::ConnectionId)
            .column(Column::KeyType)
            .filter(Column::ConnectionId.is_in(connections.iter().copied()))
            .filter(Column::Pinned.eq(true))
            .into_tuple()
            .all(self.0.read())
            .await?)
    }

    /// All host keys that the connection has seen, in that order.
    ///
    /// # Errors
    /// As [`Self::pins`].
    pub async fn all(&self, connection: Uuid) -> Result<Vec<KnownHost>> {
        let rows = Entity::find()
            .filter(Column::ConnectionId.eq(connection))
            .order_by_asc(Column::Id)
            .all(self.0.read())
            .await?;
        rows.into_iter().map(KnownHost::try_from).collect()
    }

    /// Trust on first use: pins this key if the connection has no pin at all, with the audit record of it. `false` says
    /// that it has one, which may be this very key; look again. Of several callers at once, one gets `true`.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) for the connection; [`Error::Conflict`](crate::Error::Conflict) where it
    /// was changed since it was looked at: the key may be another server's.
    pub async fn pin_first(
        &self,
        connection: Seen,
        key_type: &str,
        fingerprint: &str,
        record: NewAudit,
    ) -> Result<bool> {
        change::pin_first(self.0, connection, key_type, fingerprint, record).await
    }

    /// Remembers a key that the server presented, for an approval later; trusts nothing. Of keys that are not trusted
    /// the newest 16 are kept.
    ///
    /// # Errors
    /// As [`Self::pin_first`].
    pub async fn record_presented(&self, connection: Seen, key_type: &str, fingerprint: &str) -> Result<()> {
        change::record_presented(self.0, connection, key_type, fingerprint).await
    }

    /// Notes that a trusted key was presented again, and its type, where it wasn't known.
    ///
    /// # Errors
    /// As [`Self::pins`]; a key that isn't there is none.
    pub async fn touch(&self, connection: Uuid, key_type: &str, fingerprint: &str) -> Result<()> {
        change::touch(self.0, connection, key_type, fingerprint).await
    }

    /// Trusts a key that the server has presented, with the audit record of it, which is made of the pins before and the
    /// new one. It replaces the pins of its type, or with `add` stands beside them. The connection waits for no decision
    /// any more, and its health is unknown.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) for the connection, or a fingerprint that was never presented.
    pub async fn approve(
        &self,
        connection: Uuid,
        fingerprint: &str,
        by: &str,
        add: bool,
        record: impl FnOnce(&[KnownHost], &KnownHost) -> NewAudit,
    ) -> Result<KnownHost> {
        change::approve(self.0, connection, fingerprint, by, add, record).await
    }
}

/// What a connection trusts, newest pin first.
async fn pins(db: &impl ConnectionTrait, connection: Uuid) -> Result<Vec<KnownHost>> {
    let rows = Entity::find()
        .filter(Column::ConnectionId.eq(connection))
        .filter(Column::Pinned.eq(true))
        .order_by_desc(Column::PinnedAt)
        .all(db)
        .await?;
    rows.into_iter().map(KnownHost::try_from).collect()
}

impl TryFrom<Model> for KnownHost {
    type Error = crate::Error;

    fn try_from(row: Model) -> Result<Self> {
        Ok(Self {
            id: row.id,
            connection_id: row.connection_id,
            key_type: row.key_type,
            fingerprint: row.fingerprint,
            pinned: row.pinned,
            pinned_at: row::maybe_time(row.pinned_at)?,
            first_seen: row::time(row.first_seen)?,
            last_seen: row::maybe_time(row.last_seen)?,
            approved_by: row.approved_by,
        })
    }
}
