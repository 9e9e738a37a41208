//! Sealed values, wherever they are: to look at all of them, and to put the same value sealed anew in its place.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Result, Store,
    audit::NewAudit,
    entities::{alerts, connection_secrets, settings, ssh_keys, storages},
};

/// The password for the mail server, which is sealed with that server.
pub const SMTP_PASSWORD: &str = "smtp.password";
/// The mail server.
pub const SMTP_HOST: &str = "smtp.host";

/// Settings whose values are sealed, as base64; the API doesn't show them.
pub const SEALED_SETTINGS: &[&str] = &["audit.key", SMTP_PASSWORD, "vault.check"];

/// Values that are read at once.
const PAGE: u64 = 200;

/// Sealed values.
#[derive(Clone, Copy, Debug)]
pub struct Sealed<'a>(pub(crate) &'a Store);

/// Where a sealed value is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// One of [`SEALED_SETTINGS`].
    Setting(String),
    /// A secret field of a connection.
    Connection {
        /// The connection's id.
        id: Uuid,
        /// The field.
        field: String,
    },
    /// The private half of an SSH key.
    SshKey(Uuid),
    /// What an alert's webhooks are signed with.
    Alert(Uuid),
    /// What a storage is opened with.
    Storage(Uuid),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(key) => write!(f, "setting {key}"),
            Self::Connection { id, field } => write!(f, "connection {id} ({field})"),
            Self::SshKey(id) => write!(f, "SSH key {id} (private key)"),
            Self::Alert(id) => write!(f, "alert {id} (secret)"),
            Self::Storage(id) => write!(f, "storage {id} (credentials)"),
        }
    }
}

/// A sealed value.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedValue {
    /// Where it is.
    pub place: Place,
    /// The value, sealed. Empty where what is stored is no sealed value at all.
    pub blob: Vec<u8>,
    /// Of a connection's secret, a storage's credentials and the password for the mail server: the server that it is sealed
    /// with. None in rows of before there were any.
    pub endpoint: Option<String>,
}

impl fmt::Debug for SealedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedValue({}, {} bytes)", self.place, self.blob.len())
    }
}

impl Sealed<'_> {
    /// The next values in the order of their places; from the first one where `after` is none. Empty at the end.
    ///
    /// # Errors
    /// [`Error::Database`](crate::Error::Database), [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn page(&self, after: Option<&Place>) -> Result<Vec<SealedValue>> {
        page(self.0.read(), after).await
    }

    /// Puts `new` in the place of this value; `false` where it isn't this value any more.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn replace(&self, value: &SealedValue, new: Vec<u8>) -> Result<bool> {
        let db = self.0.write();
        let changed = match &value.place {
            Place::Setting(key) => {
                settings::Entity::update_many()
                    .col_expr(settings::Column::Value, Expr::value(json(&new)))
                    .filter(settings::Column::Key.eq(key.as_str()))
                    .filter(settings::Column::Value.eq(json(&value.blob)))
                    .exec(db)
                    .await?
            }
            Place::Connection { id, field } => {
                use connection_secrets::{Column, Entity};
                Entity::update_many()
                    .col_expr(Column::Sealed, Expr::value(new))
                    .filter(Column::ConnectionId.eq(*id))
                    .filter(Column::Field.eq(field.as_str()))
                    .filter(Column::Sealed.eq(value.blob.clone()))
                    .exec(db)
                    .await?
            }
            Place::SshKey(id) => {
                use ssh_keys::{Column, Entity};
                Entity::update_many()
                    .col_expr(Column::PrivateKey, Expr::value(new))
                    .filter(Column::Id.eq(*id))
                    .filter(Column::PrivateKey.eq(value.blob.clone()))
                    .exec(db)
                    .await?
            }
            Place::Alert(id) => {
                use alerts::{Column, Entity};
                Entity::update_many()
                    .col_expr(Column::Secret, Expr::value(new))
                    .filter(Column::Id.eq(*id))
                    .filter(Column::Secret.eq(value.blob.clone()))
                    .exec(db)
                    .await?
            }
            Place::Storage(id) => {
                use storages::{Column, Entity};
                Entity::update_many()
                    .col_expr(Column::Credentials, Expr::value(new))
                    .filter(Column::Id.eq(*id))
                    .filter(Column::Credentials.eq(value.blob.clone()))
                    .exec(db)
                    .await?
            }
        };
        Ok(changed.rows_affected > 0)
    }

    /// Secrets of connections that are sealed without their server, as all were in earlier versions.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn without_endpoint(&self) -> Result<Vec<SealedValue>> {
        use connection_secrets::{Column, Entity};
        let rows = Entity::find()
            .filter(Column::Endpoint.is_null())
            .order_by_asc(Column::ConnectionId)
            .order_by_asc(Column::Field)
            .all(self.0.read())
            .await?;
        Ok(rows.into_iter().map(of_connection).collect())
    }

    /// Puts `new`, which is sealed with this server, in the place of this secret that was without, with the record of it;
    /// `false` where it isn't this value any more.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn bind(
        &self,
        value: &SealedValue,
        endpoint: &str,
        new: Vec<u8>,
        record: NewAudit,
    ) -> Result<bool> {
        use connection_secrets::{Column, Entity};
        let Place::Connection { id, field } = &value.place else {
            return Ok(false);
        };
        let bind = Entity::update_many()
            .col_expr(Column::Sealed, Expr::value(new))
            .col_expr(Column::Endpoint, Expr::value(endpoint))
            .filter(Column::ConnectionId.eq(*id))
            .filter(Column::Field.eq(field.as_str()))
            .filter(Column::Sealed.eq(value.blob.clone()))
            .filter(Column::Endpoint.is_null());
        self.0
            .transact(async |db| {
                let bound = bind.exec(db).await?.rows_affected > 0;
                if bound {
                    self.0.append_audit(db, vec![record]).await?;
                }
                Ok(bound)
            })
            .await
    }
}

/// [`Sealed::page`], also within a transaction. A page ends where its kind of place does.
pub(crate) async fn page(db: &impl ConnectionTrait, after: Option<&Place>) -> Result<Vec<SealedValue>> {
    let (in_settings, in_connections, in_keys, in_alerts) = (
        matches!(after, None | Some(Place::Setting(_))),
        !matches!(
            after,
            Some(Place::SshKey(_) | Place::Alert(_) | Place::Storage(_))
        ),
        !matches!(after, Some(Place::Alert(_) | Place::Storage(_))),
        !matches!(after, Some(Place::Storage(_))),
    );
    let mut found = Vec::new();
    if in_settings {
        found = of_settings(db, after).await?;
    }
    if found.is_empty() && in_connections {
        found = of_connections(db, after).await?;
    }
    if found.is_empty() && in_keys {
        found = of_keys(db, after).await?;
    }
    if found.is_empty() && in_alerts {
        found = of_alerts(db, after).await?;
    }
    if found.is_empty() {
        found = of_storages(db, after).await?;
    }
    Ok(found)
}

async fn of_settings(db: &impl ConnectionTrait, after: Option<&Place>) -> Result<Vec<SealedValue>> {
    use settings::{Column, Entity};
    let mut query = Entity::find().filter(Column::Key.is_in(SEALED_SETTINGS.iter().copied()));
    if let Some(Place::Setting(key)) = after {
        query = query.filter(Column::Key.gt(key.as_str()));
    }
    let rows = query.order_by_asc(Column::Key).all(db).await?;
    let host = match rows.iter().any(|row| row.key == SMTP_PASSWORD) {
        true => Entity::find_by_id(SMTP_HOST).one(db).await?,
        false => None,
    };
    let host = host.and_then(|row| row.value.as_str().map(str::to_owned));
    Ok(rows
        .into_iter()
        // Nobody has one, or nobody has one any more.
        .filter(|row| row.key != SMTP_PASSWORD || !row.value.is_null())
        .map(|row| SealedValue {
            blob: row
                .value
                .as_str()
                .and_then(|text| BASE64_STANDARD.decode(text).ok())
                .unwrap_or_default(),
            endpoint: host.clone().filter(|_| row.key == SMTP_PASSWORD),
            place: Place::Setting(row.key),
        })
        .collect())
}

async fn of_connections(db: &impl ConnectionTrait, after: Option<&Place>) -> Result<Vec<SealedValue>> {
    use connection_secrets::{Column, Entity};
    let mut query = Entity::find();
    if let Some(Place::Connection { id, field }) = after {
        let same = Condition::all()
            .add(Column::ConnectionId.eq(*id))
            .add(Column::Field.gt(field.as_str()));
        query = query.filter(Condition::any().add(Column::ConnectionId.gt(*id)).add(same));
    }
    let rows = query
        .order_by_asc(Column::ConnectionId)
        .order_by_asc(Column::Field)
        .limit(PAGE)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(of_connection).collect())
}

fn of_connection(row: connection_secrets::Model) -> SealedValue {
    SealedValue {
        place: Place::Connection {
            id: row.connection_id,
            field: row.field,
        },
        blob: row.sealed,
        endpoint: row.endpoint,
    }
}

async fn of_keys(db: &impl ConnectionTrait, after: Option<&Place>) -> Result<Vec<SealedValue>> {
    use ssh_keys::{Column, Entity};
    let mut query = Entity::find().filter(Column::PrivateKey.is_not_null());
    if let Some(Place::SshKey(id)) = after {
        query = query.filter(Column::Id.gt(*id));
    }
    let rows = query.order_by_asc(Column::Id).limit(PAGE).all(db).await?;
    Ok(rows
        .into_iter()
        .map(|row| SealedValue {
            place: Place::SshKey(row.id),
            blob: row.private_key.unwrap_or_default(),
            endpoint: None,
        })
        .collect())
}

async fn of_alerts(db: &impl ConnectionTrait, after: Option<&Place>) -> Result<Vec<SealedValue>> {
    use alerts::{Column, Entity};
    let mut query = Entity::find().filter(Column::Secret.is_not_null());
    if let Some(Place::Alert(id)) = after {
        query = query.filter(Column::Id.gt(*id));
    }
    let rows = query.order_by_asc(Column::Id).limit(PAGE).all(db).await?;
    Ok(rows
        .into_iter()
        .map(|row| SealedValue {
            place: Place::Alert(row.id),
            blob: row.secret.unwrap_or_default(),
            endpoint: None,
        })
        .collect())
}

async fn of_storages(db: &impl ConnectionTrait, after: Option<&Place>) -> Result<Vec<SealedValue>> {
    use storages::{Column, Entity};
    let mut query = Entity::find().filter(Column::Credentials.is_not_null());
    if let Some(Place::Storage(id)) = after {
        query = query.filter(Column::Id.gt(*id));
    }
    let rows = query.order_by_asc(Column::Id).limit(PAGE).all(db).await?;
    Ok(rows
        .into_iter()
        .map(|row| SealedValue {
            place: Place::Storage(row.id),
            blob: row.credentials.unwrap_or_default(),
            endpoint: Some(row.endpoint),
        })
        .collect())
}

fn json(blob: &[u8]) -> Value {
    Value::String(BASE64_STANDARD.encode(blob))
}
