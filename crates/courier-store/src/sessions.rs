//! Logins of users. They survive a restart; only a hash of the session's token is kept.

use jiff::Timestamp;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr};
use uuid::Uuid;

use crate::{
    Error, Result, Store,
    audit::NewAudit,
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

/// A login to be kept.
#[derive(Clone)]
pub struct NewSession {
    /// The hash of the session's token.
    pub token_hash: Vec<u8>,
    /// Who logs in.
    pub user_id: Uuid,
    /// The hash of the password that was right.
    pub password_hash: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for NewSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewSession")
            .field("user_id", &self.user_id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl Sessions<'_> {
    /// Keeps a login, forgets the failed ones before it, and writes its audit record.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a user who is gone, or disabled, or has another password by now: a change that ends the
    /// user's sessions ends this one before it begins.
    pub async fn begin(&self, new: NewSession, record: NewAudit) -> Result<Session> {
        let at = now().as_microsecond();
        let row = Model {
            token_hash: new.token_hash,
            user_id: new.user_id,
            created_at: at,
            expires_at: new.expires_at.as_microsecond(),
            last_seen: at,
        };
        self.0
            .transact(async |db| {
                let logged_in = users::Entity::update_many()
                    .col_expr(users::Column::FailedLogins, Expr::value(0))
                    .col_expr(users::Column::LockedUntil, Expr::value(None::<i64>))
                    .col_expr(users::Column::LastLoginAt, Expr::value(at))
                    .filter(users::Column::Id.eq(new.user_id))
                    .filter(users::Column::PasswordHash.eq(new.password_hash))
                    .filter(users::Column::Disabled.eq(false))
                    .exec(db)
                    .await?;
                if logged_in.rows_affected == 0 {
                    return Err(Error::NotFound {
                        what: "user with this password",
                    });
                }
                Entity::insert(row.clone().into_active_model().reset_all())
                    .exec_without_returning(db)
                    .await?;
                self.0.append_audit(db, vec![record]).await?;
                row.try_into()
            })
            .await
    }

    /// The login of this token and its user, unless it has ended. Whether the user is disabled is for the caller.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Unavailable`].
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

    /// Ends a login, with its audit record; of one that isn't there nothing is written.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn end(&self, token_hash: &[u8], record: NewAudit) -> Result<()> {
        self.0
            .transact(async |db| {
                let ended = Entity::delete_by_id(token_hash.to_vec()).exec(db).await?;
                match ended.rows_affected {
                    0 => Ok(()),
                    _ => self.0.append_audit(db, vec![record]).await,
                }
            })
            .await
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
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        Ok(Self {
            user_id: row.user_id,
            created_at: row::time(row.created_at)?,
            expires_at: row::time(row.expires_at)?,
            last_seen: row::time(row.last_seen)?,
        })
    }
}
