//! Connections that somebody should look at: those that don't fare well, and those with a certificate that ends.

use jiff::Timestamp;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use uuid::Uuid;

use super::{ConnectionStatus, Connections, Health, HostKeyPolicy, SeenCertificate, health::unchanged};
use crate::{
    Result,
    connections::Seen,
    entities::{
        connections::{Column, Entity},
        known_hosts,
    },
    row,
};

/// So many of a list that may be longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Top<T> {
    /// The first ones.
    pub items: Vec<T>,
    /// How many there are.
    pub total: u64,
}

impl<T> Top<T> {
    pub(crate) fn of(items: Vec<T>, total: Option<i64>) -> Self {
        Self {
            items,
            total: row::amount(total.unwrap_or(0)),
        }
    }
}

/// In a list that is cut, how long the whole is.
pub(crate) const TOTAL: &str = "COUNT(*) OVER ()";

/// A connection that fails or waits for somebody, by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AilingConnection {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// How grave it is: [`Health::Failing`] or [`Health::RequiresAttention`].
    pub health: Health,
    /// Why, in words.
    pub detail: Option<String>,
    /// Has its server presented another host key than the pinned one?
    pub host_key_changed: bool,
    /// Has its server presented a host key, and none is pinned?
    pub host_key_presented: bool,
}

/// A connection that doesn't make sure of its server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedConnection {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Does it take any host key? If not, it takes any certificate.
    pub host_key: bool,
}

/// A certificate of a connection, and when it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndingCertificate {
    /// The connection.
    pub connection_id: Uuid,
    /// Its name.
    pub connection_name: String,
    /// Whom the server's certificate is for; none where it is the connection's own, which it proves itself by.
    pub server: Option<String>,
    /// When it ends.
    pub at: Timestamp,
}

impl Connections<'_> {
    /// Connections that may be used, and fail or wait for somebody, the gravest first, then by name; so many at most.
    ///
    /// # Errors
    /// [`Error::Database`](crate::Error::Database), [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn ailing(&self, limit: u64) -> Result<Top<AilingConnection>> {
        let ails = [Health::Failing, Health::RequiresAttention].map(Health::as_str);
        let rows: Vec<(Uuid, String, String, Option<String>, bool, i64)> = Entity::find()
            .select_only()
            .columns([
                Column::Id,
                Column::Name,
                Column::Health,
                Column::HealthDetail,
                Column::WaitsForHostKey,
            ])
            .column_as(Expr::cust(TOTAL), "total")
            .filter(Column::Health.is_in(ails))
            .filter(Column::Status.eq(ConnectionStatus::Active.as_str()))
            // `requires_attention` comes after `failing` in the alphabet.
            .order_by_desc(Column::Health)
            .order_by_asc(Column::Name)
            .limit(limit)
            .into_tuple()
            .all(self.0.read())
            .await?;
        let total = rows.first().map(|row| row.5);
        let presented = self.unapproved(rows.iter().map(|row| row.0)).await?;
        let ailing = rows.into_iter().map(|(id, name, health, detail, changed, _)| {
            Ok(AilingConnection {
                id,
                name,
                health: row::word("connections.health", &health)?,
                detail,
                host_key_changed: changed,
                host_key_presented: presented.contains(&id),
            })
        });
        Ok(Top::of(ailing.collect::<Result<_>>()?, total))
    }

    /// Connections that may be used and don't make sure of their server: they take any host key, or any certificate. By name, so
    /// many at most.
    ///
    /// # Errors
    /// As [`Self::ailing`].
    pub async fn unverified(&self, limit: u64) -> Result<Top<UnverifiedConnection>> {
        let any_host_key = Column::HostKeyPolicy.eq(HostKeyPolicy::AlwaysTrust.as_str());
        // Means the same to both databases.
        let any_certificate = Expr::cust("settings ->> 'tls_cert_policy' = 'insecure'");
        let rows: Vec<(Uuid, String, String, i64)> = Entity::find()
            .select_only()
            .columns([Column::Id, Column::Name, Column::HostKeyPolicy])
            .column_as(Expr::cust(TOTAL), "total")
            .filter(Condition::any().add(any_host_key).add(any_certificate))
            .filter(Column::Status.eq(ConnectionStatus::Active.as_str()))
            .order_by_asc(Column::Name)
            .limit(limit)
            .into_tuple()
            .all(self.0.read())
            .await?;
        let total = rows.first().map(|row| row.3);
        let unverified = rows
            .into_iter()
            .map(|(id, name, policy, _)| UnverifiedConnection {
                id,
                name,
                host_key: policy == HostKeyPolicy::AlwaysTrust.as_str(),
            });
        Ok(Top::of(unverified.collect(), total))
    }

    /// Those of these whose server has presented a host key, and which trust none.
    async fn unapproved(&self, ids: impl Iterator<Item = Uuid>) -> Result<Vec<Uuid>> {
        use known_hosts::{Column, Entity};
        let known: Vec<(Uuid, bool)> = Entity::find()
            .select_only()
            .columns([Column::ConnectionId, Column::Pinned])
            .filter(Column::ConnectionId.is_in(ids))
            .into_tuple()
            .all(self.0.read())
            .await?;
        let trusts = |id: Uuid| known.iter().any(|(other, pinned)| *other == id && *pinned);
        let mut unapproved: Vec<Uuid> = known
            .iter()
            .map(|(id, _)| *id)
            .filter(|id| !trusts(*id))
            .collect();
        unapproved.dedup();
        Ok(unapproved)
    }

    /// Certificates of connections that may be used and that end before this, their servers' and their own, the soonest first;
    /// so many of each at most.
    ///
    /// # Errors
    /// As [`Self::ailing`].
    pub async fn ending(&self, before: Timestamp, limit: u64) -> Result<Vec<EndingCertificate>> {
        let of = |column: Column| {
            Entity::find()
                .select_only()
                .columns([Column::Id, Column::Name, Column::ServerCertSubject, column])
                .filter(column.lt(before.as_microsecond()))
                .filter(Column::Status.eq(ConnectionStatus::Active.as_str()))
                .order_by_asc(column)
                .limit(limit)
                .into_tuple::<(Uuid, String, Option<String>, i64)>()
                .all(self.0.read())
        };
        let (servers, own) =
            futures::try_join!(of(Column::ServerCertNotAfter), of(Column::ClientCertNotAfter))?;
        let server = servers
            .into_iter()
            .map(|(id, name, subject, at)| (id, name, Some(subject.unwrap_or_default()), at));
        let own = own.into_iter().map(|(id, name, _, at)| (id, name, None, at));
        let mut ending = server
            .chain(own)
            .map(|(connection_id, connection_name, server, at)| {
                Ok(EndingCertificate {
                    connection_id,
                    connection_name,
                    server,
                    at: row::time(at)?,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        ending.sort_by_key(|one| one.at);
        Ok(ending)
    }

    /// Keeps what a server's certificate says. Not a change of the connection: `updated_at` stays.
    ///
    /// # Errors
    /// As [`Self::ailing`].
    pub async fn note_certificate(&self, seen: Seen, certificate: &SeenCertificate) -> Result<()> {
        unchanged(Entity::update_many(), seen)
            .col_expr(
                Column::ServerCertSubject,
                Expr::value(row::clean(&certificate.subject)),
            )
            .col_expr(
                Column::ServerCertIssuer,
                Expr::value(row::clean(&certificate.issuer)),
            )
            .col_expr(
                Column::ServerCertThumbprint,
                Expr::value(certificate.thumbprint.clone()),
            )
            .col_expr(
                Column::ServerCertNotAfter,
                Expr::value(certificate.not_after.as_microsecond()),
            )
            .exec(self.0.write())
            .await?;
        Ok(())
    }
}
