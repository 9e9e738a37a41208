//! Connections to partners, with their secrets.

mod attention;
mod health;
mod load;
mod save;
mod shown;

pub(crate) use attention::TOTAL;
pub use attention::{AilingConnection, EndingCertificate, Top, UnverifiedConnection};
pub(crate) use health::decided;
use jiff::Timestamp;
use sea_orm::{ColumnTrait, Condition, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QuerySelect};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    Page, PageRequest, Result, Store,
    audit::NewAudit,
    entities::{
        connection_secrets,
        connections::{Column, Entity},
    },
    ids::{new_id, now},
    page::Order,
    row,
    words::words,
};

words! {
    /// How a connection proves who it is.
    AuthMethod {
        /// Not at all.
        None = "none",
        /// By a password.
        Password = "password",
        /// By an SSH key.
        SshKey = "ssh_key",
        /// By both.
        PasswordAndSshKey = "password_and_ssh_key",
        /// By a client secret of Entra ID.
        ServicePrincipal = "service_principal",
    }
}

words! {
    /// Which host keys are accepted (specification 6.7).
    HostKeyPolicy {
        /// The first one is pinned.
        TrustOnFirstUse = "trust_on_first_use",
        /// Any; insecure.
        AlwaysTrust = "always_trust",
        /// Only those that somebody named.
        Manual = "manual",
    }
}

words! {
    /// May a connection be used?
    ConnectionStatus {
        /// Yes.
        Active = "active",
        /// No.
        Disabled = "disabled",
    }
}

words! {
    /// How the last uses of a connection went.
    Health {
        /// Not used since it was made or changed.
        Unknown = "unknown",
        /// Well.
        Healthy = "healthy",
        /// Badly.
        Failing = "failing",
        /// Somebody must decide, such as about a changed host key.
        RequiresAttention = "requires_attention",
    }
}

impl Health {
    /// Every health with its count, which is 0 where none is told.
    pub(crate) fn counted(rows: &[(String, i64)]) -> Vec<(Self, u64)> {
        let count = |health: Self| {
            rows.iter()
                .find(|(word, _)| word == health.as_str())
                .map_or(0, |(_, count)| row::amount(*count))
        };
        Self::ALL.iter().map(|health| (*health, count(*health))).collect()
    }
}

/// Connections.
#[derive(Clone, Copy, Debug)]
pub struct Connections<'a>(pub(crate) &'a Store);

/// A connection, without its secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique.
    pub name: String,
    /// What it is filed under.
    pub group: Option<String>,
    /// The protocol's name.
    pub protocol: String,
    /// Host name or address; none for protocols without one.
    pub host: Option<String>,
    /// Port.
    pub port: Option<u16>,
    /// How it proves who it is.
    pub auth_method: AuthMethod,
    /// As whom.
    pub username: Option<String>,
    /// The folder that it can't leave.
    pub base_path: Option<String>,
    /// Which host keys are accepted.
    pub host_key_policy: HostKeyPolicy,
    /// May it be used?
    pub status: ConnectionStatus,
    /// All that the protocol's own settings table describes.
    pub settings: Map<String, Value>,
    /// Remarks.
    pub notes: Option<String>,
    /// How the last uses went. Read only; see [`Connections::note`].
    pub health: Health,
    /// Why. Read only.
    pub health_detail: Option<String>,
    /// Does its changed host key wait for somebody's decision? Then no use changes its health. Read only.
    pub waits_for_host_key: bool,
    /// The last success.
    pub last_ok_at: Option<Timestamp>,
    /// Which secrets are set, by field, sorted. Read only.
    pub secrets: Vec<String>,
    /// Its active SSH keys, newest first. Read only.
    pub ssh_key_ids: Vec<Uuid>,
    /// The newest pin. Read only.
    pub pinned_fingerprint: Option<String>,
    /// The certificate that its server presented last. Read only; see [`Connections::note_certificate`].
    pub server_certificate: Option<SeenCertificate>,
    /// When the client certificate among its secrets ends.
    pub client_certificate_not_after: Option<Timestamp>,
    /// When it was made. Set by the store.
    pub created_at: Timestamp,
    /// When it was changed last; later with each change. Set by the store.
    pub updated_at: Timestamp,
}

impl Connection {
    /// A connection to be filled in: a new id, active, trust on first use, everything else empty.
    pub fn new(name: impl Into<String>, protocol: impl Into<String>) -> Self {
        let at = now();
        Self {
            id: new_id(),
            name: name.into(),
            group: None,
            protocol: protocol.into(),
            host: None,
            port: None,
            auth_method: AuthMethod::None,
            username: None,
            base_path: None,
            host_key_policy: HostKeyPolicy::TrustOnFirstUse,
            status: ConnectionStatus::Active,
            settings: Map::new(),
            notes: None,
            health: Health::Unknown,
            health_detail: None,
            waits_for_host_key: false,
            last_ok_at: None,
            secrets: Vec::new(),
            ssh_key_ids: Vec::new(),
            pinned_fingerprint: None,
            server_certificate: None,
            client_certificate_not_after: None,
            created_at: at,
            updated_at: at,
        }
    }

    /// This look at it.
    pub fn seen(&self) -> Seen {
        Seen {
            id: self.id,
            updated_at: self.updated_at,
        }
    }
}

/// What is kept of a server's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenCertificate {
    /// Whom it is for.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Its SHA-256, as it is shown.
    pub thumbprint: String,
    /// When it ends.
    pub not_after: Timestamp,
}

/// A connection as somebody has looked at it. What a use of it brought counts only while it is unchanged: a session
/// with the server that it had before says nothing about the one that it has now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The connection.
    pub id: Uuid,
    /// When it had been changed last.
    pub updated_at: Timestamp,
}

/// How a use of a connection went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// It came up, on a trusted host key.
    Healthy,
    /// It failed, for this reason. One that requires attention goes on to do so.
    Failing(&'a str),
    /// It failed, and shall not be used until somebody has looked.
    RequiresAttention(&'a str),
    /// The server's host key is another one: it waits for somebody's decision.
    HostKeyChanged(&'a str),
}

/// A connection as it shall be, with all that changes in the same transaction.
#[derive(Clone)]
pub struct ConnectionChange {
    /// The connection. What its fields call read only is ignored.
    pub record: Connection,
    /// Who changes it; stands in the keys and the pin that come with it.
    pub by: String,
    /// Secrets to be set or cleared (`None`), by field; those not named stay.
    pub secrets: Vec<(String, Option<Secret>)>,
    /// The SSH keys that it shall use: others are revoked, new ones must be active. `None` leaves them.
    pub keys: Option<Vec<Uuid>>,
    /// Forget every host key, pinned or presented, before [`pin`](Self::pin).
    pub clear_pins: bool,
    /// Forget the certificate that its server presented: it is another server.
    pub forget_certificate: bool,
    /// Make this fingerprint the only pin, presented or not.
    pub pin: Option<String>,
    /// Put health back to unknown, without detail and last success. Where the stored connection waits for a decision about
    /// its host key and `record` doesn't know, the update is refused with [`Error::Conflict`](crate::Error::Conflict).
    pub reset_health: bool,
    /// For updates: refuse with [`Error::Conflict`](crate::Error::Conflict) unless the stored connection was changed last at this time.
    pub if_updated_at: Option<Timestamp>,
    /// What to record.
    pub audit: Vec<NewAudit>,
}

impl ConnectionChange {
    /// The connection as it stands in `record`, and nothing else changed.
    pub fn new(record: Connection, by: impl Into<String>) -> Self {
        Self {
            record,
            by: by.into(),
            secrets: Vec::new(),
            keys: None,
            clear_pins: false,
            forget_certificate: false,
            pin: None,
            reset_health: false,
            if_updated_at: None,
            audit: Vec::new(),
        }
    }
}

impl std::fmt::Debug for ConnectionChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let fields: Vec<&str> = self.secrets.iter().map(|(field, _)| field.as_str()).collect();
        f.debug_struct("ConnectionChange")
            .field("record", &self.record)
            .field("secrets", &fields)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

/// A secret of a connection.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// It, sealed.
    pub sealed: Vec<u8>,
    /// The server that it was entered for, which it is sealed with.
    pub endpoint: Option<String>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret({} bytes, {:?})", self.sealed.len(), self.endpoint)
    }
}

/// Which connections are wanted; what is `None` excludes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionFilter {
    /// In this group.
    pub group: Option<String>,
    /// Of this protocol.
    pub protocol: Option<String>,
    /// In this status.
    pub status: Option<ConnectionStatus>,
    /// Shown in this health, which is that of its mappings where that is graver.
    pub health: Option<Health>,
    /// With this in its name or host, in either case.
    pub search: Option<String>,
}

impl Connections<'_> {
    /// Keeps a new connection.
    ///
    /// # Errors
    /// [`Error::Duplicate`](crate::Error::Duplicate) for the name, [`Error::NotFound`](crate::Error::NotFound) for a key, [`Error::Conflict`](crate::Error::Conflict) for a key that isn't active.
    pub async fn insert(&self, change: ConnectionChange) -> Result<Connection> {
        save::insert(self.0, change).await
    }

    /// Changes a connection.
    ///
    /// # Errors
    /// As [`Self::insert`]; [`Error::NotFound`](crate::Error::NotFound) for the connection; [`Error::Conflict`](crate::Error::Conflict) where somebody changed it since
    /// [`ConnectionChange::if_updated_at`].
    pub async fn update(&self, change: ConnectionChange) -> Result<Connection> {
        save::update(self.0, change).await
    }

    /// Forgets a connection with its secrets, keys (the links to them) and host keys. Audit records stay.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound); [`Error::InUse`](crate::Error::InUse) with the names of the jobs that refer to it and of its folder mappings.
    pub async fn delete(&self, id: Uuid, audit: Vec<NewAudit>) -> Result<()> {
        save::delete(self.0, id, audit).await
    }

    /// One connection.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound).
    pub async fn get(&self, id: Uuid) -> Result<Connection> {
        load::get(self.0.read(), id).await
    }

    /// Those of these connections that are there.
    ///
    /// # Errors
    /// [`Error::Database`](crate::Error::Database), [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn several(&self, ids: &[Uuid]) -> Result<Vec<Connection>> {
        let rows = Entity::find()
            .filter(Column::Id.is_in(ids.iter().copied()))
            .all(self.0.read())
            .await?;
        load::complete(self.0.read(), rows).await
    }

    /// The connection of this name.
    ///
    /// # Errors
    /// [`Error::Database`](crate::Error::Database), [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn by_name(&self, name: &str) -> Result<Option<Connection>> {
        let row = Entity::find()
            .filter(Column::Name.eq(name))
            .one(self.0.read())
            .await?;
        let found = load::complete(self.0.read(), row.into_iter().collect()).await?;
        Ok(found.into_iter().next())
    }

    /// Connections, oldest first.
    ///
    /// # Errors
    /// [`Error::BadCursor`](crate::Error::BadCursor).
    pub async fn list(&self, filter: &ConnectionFilter, page: &PageRequest) -> Result<Page<Connection>> {
        let mut query = Entity::find();
        if let Some(group) = &filter.group {
            query = query.filter(Column::Group.eq(row::clean(group)));
        }
        if let Some(protocol) = &filter.protocol {
            query = query.filter(Column::Protocol.eq(row::clean(protocol)));
        }
        if let Some(status) = filter.status {
            query = query.filter(Column::Status.eq(status.as_str()));
        }
        if let Some(health) = filter.health {
            query = query.filter(ExprTrait::eq(shown::health(), health.as_str()));
        }
        if let Some(text) = &filter.search {
            let either = Condition::any()
                .add(row::contains(Column::Name, text))
                .add(row::contains(Column::Host, text));
            query = query.filter(either);
        }
        let rows = page
            .apply(query, Column::Id, Order::OldestFirst)?
            .all(self.0.read())
            .await?;
        let Page { items, next_cursor } = page.page(rows, |row| row.id);
        Ok(Page {
            items: load::complete(self.0.read(), items).await?,
            next_cursor,
        })
    }

    /// How many connections are in each health, with that of their mappings, every health listed.
    ///
    /// # Errors
    /// [`Error::Database`](crate::Error::Database), [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn count_by_health(&self) -> Result<Vec<(Health, u64)>> {
        let rows: Vec<(String, i64)> = Entity::find()
            .select_only()
            .expr_as(shown::health(), "shown")
            .column_as(Column::Id.count(), "count")
            .group_by(shown::health())
            .into_tuple()
            .all(self.0.read())
            .await?;
        Ok(Health::counted(&rows))
    }

    /// A secret, sealed; none where it isn't set.
    ///
    /// # Errors
    /// [`Error::Database`](crate::Error::Database), [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn secret(&self, id: Uuid, field: &str) -> Result<Option<Secret>> {
        let row = connection_secrets::Entity::find_by_id((id, field.to_owned()))
            .one(self.0.read())
            .await?;
        Ok(row.map(|row| Secret {
            sealed: row.sealed,
            endpoint: row.endpoint,
        }))
    }

    /// Notes how a use went. Not a change of the connection: `updated_at` stays. `false` where nothing was noted, since it
    /// was changed or deleted after it was looked at, or waits for a decision about its host key.
    ///
    /// # Errors
    /// [`Error::Database`](crate::Error::Database), [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn note(&self, seen: Seen, outcome: Outcome<'_>) -> Result<bool> {
        health::note(self.0, seen, outcome, None).await
    }

    /// The same, with an audit record, which is written in any case: it is about the use itself.
    ///
    /// # Errors
    /// As [`Self::note`].
    pub async fn note_recorded(&self, seen: Seen, outcome: Outcome<'_>, record: NewAudit) -> Result<bool> {
        health::note(self.0, seen, outcome, Some(record)).await
    }

    /// Is it still as it was looked at?
    ///
    /// # Errors
    /// As [`Self::note`].
    pub async fn is_unchanged(&self, seen: Seen) -> Result<bool> {
        let same = health::unchanged(Entity::find(), seen)
            .count(self.0.read())
            .await?;
        Ok(same > 0)
    }
}
