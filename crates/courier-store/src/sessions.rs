//! Logins of users. They survive a restart; only a hash of the session's token is kept.

use jiff::Timestamp;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr};
use uuid::Uuid;

use crate::{
    Result, Store,
    entities::{
        sessions::{Column, Entity, Model},
        users,
    },
    ids::now,
    row,
    users::User,
};

/// Sessions.
#[derive(Clone, Copy, Debug)]
pub struct Sessions<'a>(pub(crate) &'a Store);

/// A login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The user.
    pub user_id: Uuid,
    /// When they logged in.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was used last.
    pub last_seen: Timestamp,
}

impl Sessions<'_> {
    /// Keeps a login.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) for the user.
    pub async fn insert(&self, token_hash: &[u8], user: Uuid, expires_at: Timestamp) -> Result<Session> {
        let at = now().as_microsecond();
        let row = Model {
            token_hash: token_hash.to_vec(),
            user_id: user,
            created_at: at,
            expires_at: expires_at.as_microsecond(),
            last_seen: at,
        };
        Entity::insert(row.clone().into_active_model().reset_all())
            .exec_without_returning(self.0.write())
            .await?;
        row.try_into()
    }

    /// The login of this token and its user, unless it has ended. Whether the user is disabled is for the caller.
    ///
    /// # Errors
    /// [`Error::Database`](crate::Error::Database), [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn find(&self, token_hash: &[u8]) -> Result<Option<(Session, User)>> {
        let found = Entity::find_by_id(token_hash.to_vec())
            .filter(Column::ExpiresAt.gt(now().as_microsecond()))
            .one(self.0.read())
            .await?;
        let Some(session) = found else { return Ok(None) };
        let user = users::Entity::find_by_id(session.user_id)
            .one(self.0.read())
            .await?;
        user.map(|user| Ok((session.try_into()?, user.try_into()?)))
            .transpose()
    }

    /// Notes that the login was used now.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn touch(&self, token_hash: &[u8]) -> Result<()> {
        Entity::update_many()
            .col_expr(Column::LastSeen, Expr::value(now().as_microsecond()))
            .filter(Column::TokenHash.eq(token_hash.to_vec()))
            .exec(self.0.write())
            .await?;
        Ok(())
    }

    /// Ends a login; one that isn't there has ended already.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn delete(&self, token_hash: &[u8]) -> Result<()> {
        Entity::delete_by_id(token_hash.to_vec())
            .exec(self.0.write())
            .await?;
        Ok(())
    }

    /// Forgets the logins that have ended, and answers how many.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn delete_expired(&self) -> Result<u64> {
        let expired = Entity::delete_many().filter(Column::ExpiresAt.lte(now().as_microsecond()));
        Ok(expired.exec(self.0.write()).await?.rows_affected)
    }
}

impl TryFrom<Model> for Session {
    type Error = crate::Error;

    fn try_from(row: Model) -> Result<Self> {
        Ok(Self {
            user_id: row.user_id,
            created_at: row::time(row.created_at)?,
            expires_at: row::time(row.expires_at)?,
            last_seen: row::time(row.last_seen)?,
        })
    }
}
