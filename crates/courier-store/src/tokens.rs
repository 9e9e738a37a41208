//! API tokens. Only a hash of each is kept.

use jiff::Timestamp;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, sea_query::Expr,
};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Error, Page, PageRequest, Result, Store,
    audit::NewAudit,
    entities::{
        tokens::{Column, Entity, Model},
        users,
    },
    ids::{now, stamp},
    page::Order,
    row,
    users::{Role, User},
};

/// API tokens.
#[derive(Clone, Copy, Debug)]
pub struct Tokens<'a>(pub(crate) &'a Store);

/// An API token, without its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique among those not revoked.
    pub name: String,
    /// Whose it is.
    pub user_id: Uuid,
    /// What it may do; never more than its user.
    pub role: Role,
    /// The parts of the API that it is for; none for all.
    pub scopes: Option<Vec<String>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, if ever.
    pub expires_at: Option<Timestamp>,
    /// When it was used last.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A token to be kept.
#[derive(Clone)]
pub struct NewToken {
    /// Its name.
    pub name: String,
    /// The token's hash.
    pub token_hash: Vec<u8>,
    /// Whose it is.
    pub user_id: Uuid,
    /// What it may do.
    pub role: Role,
    /// The parts of the API that it is for; none for all.
    pub scopes: Option<Vec<String>>,
    /// When it ends, if ever.
    pub expires_at: Option<Timestamp>,
}

impl std::fmt::Debug for NewToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewToken")
            .field("name", &self.name)
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}

impl Tokens<'_> {
    /// Keeps a new token, with the audit record of it.
    ///
    /// # Errors
    /// [`Error::Duplicate`] for the name; [`Error::NotFound`] for the user.
    pub async fn insert(&self, token: NewToken, record: impl FnOnce(&Token) -> NewAudit) -> Result<Token> {
        let (id, at) = stamp();
        let row = Model {
            id,
            name: token.name,
            token_hash: token.token_hash,
            user_id: token.user_id,
            role: token.role.as_str().into(),
            created_at: at.as_microsecond(),
            expires_at: row::micros(token.expires_at),
            last_used_at: None,
            revoked_at: None,
            scopes: token.scopes.map(Value::from),
        };
        let token = Token::try_from(row.clone())?;
        let record = record(&token);
        self.0
            .transact(async |db| {
                Entity::insert(row.into_active_model().reset_all())
                    .exec_without_returning(db)
                    .await?;
                self.0.append_audit(db, vec![record]).await
            })
            .await?;
        Ok(token)
    }

    /// The token of this hash and its user, unless it has ended or is revoked. Whether the user is disabled, and that
    /// the token may do no more than the user, is for the caller.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Unavailable`].
    pub async fn find(&self, token_hash: &[u8]) -> Result<Option<(Token, User)>> {
        let lasting = Condition::any()
            .add(Column::ExpiresAt.is_null())
            .add(Column::ExpiresAt.gt(now().as_microsecond()));
        let found = Entity::find()
            .filter(Column::TokenHash.eq(token_hash.to_vec()))
            .filter(Column::RevokedAt.is_null())
            .filter(lasting)
            .one(self.0.read())
            .await?;
        let Some(token) = found else { return Ok(None) };
        let user = users::Entity::find_by_id(token.user_id)
            .one(self.0.read())
            .await?;
        user.map(|user| Ok((token.try_into()?, user.try_into()?)))
            .transpose()
    }

    /// One token.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, id: Uuid) -> Result<Token> {
        Entity::find_by_id(id)
            .one(self.0.read())
            .await?
            .ok_or(NOT_FOUND)?
            .try_into()
    }

    /// Tokens, oldest first, revoked ones too; of one user, where one is given.
    ///
    /// # Errors
    /// [`Error::BadCursor`].
    pub async fn list(&self, user: Option<Uuid>, page: &PageRequest) -> Result<Page<Token>> {
        let mut query = Entity::find();
        if let Some(user) = user {
            query = query.filter(Column::UserId.eq(user));
        }
        let rows = page
            .apply(query, Column::Id, Order::OldestFirst)?
            .all(self.0.read())
            .await?;
        page.page(rows, |row| row.id).try_map(Token::try_from)
    }

    /// Tokens that nobody has revoked and that end between these times, of one user, where one is given; the soonest first, so
    /// many at most.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Unavailable`].
    pub async fn ending(
        &self,
        user: Option<Uuid>,
        between: (Timestamp, Timestamp),
        limit: u64,
    ) -> Result<Vec<Token>> {
        let mut query = Entity::find()
            .filter(Column::RevokedAt.is_null())
            .filter(Column::ExpiresAt.between(between.0.as_microsecond(), between.1.as_microsecond()));
        if let Some(user) = user {
            query = query.filter(Column::UserId.eq(user));
        }
        let rows = query
            .order_by_asc(Column::ExpiresAt)
            .limit(limit)
            .all(self.0.read())
            .await?;
        rows.into_iter().map(Token::try_from).collect()
    }

    /// Revokes a token, with the audit record of it; one that is revoked stays as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn revoke(&self, id: Uuid, record: NewAudit) -> Result<Token> {
        self.0
            .transact(async |db| {
                let revoked = Entity::update_many()
                    .col_expr(Column::RevokedAt, Expr::value(now().as_microsecond()))
                    .filter(Column::Id.eq(id))
                    .filter(Column::RevokedAt.is_null())
                    .exec(db)
                    .await?;
                if revoked.rows_affected > 0 {
                    self.0.append_audit(db, vec![record]).await?;
                }
                Entity::find_by_id(id).one(db).await?.ok_or(NOT_FOUND)?.try_into()
            })
            .await
    }

    /// Notes that the token was used now.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn touch(&self, id: Uuid) -> Result<()> {
        Entity::update_many()
            .col_expr(Column::LastUsedAt, Expr::value(now().as_microsecond()))
            .filter(Column::Id.eq(id))
            .exec(self.0.write())
            .await?;
        Ok(())
    }
}

const NOT_FOUND: Error = Error::NotFound { what: "API token" };

/// What can't be read must not come back as a token for everything.
fn scopes(stored: Value) -> Result<Vec<String>> {
    serde_json::from_value(stored).map_err(|e| Error::Database(DbErr::Type(format!("tokens.scopes: {e}"))))
}

impl TryFrom<Model> for Token {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        Ok(Self {
            id: row.id,
            name: row.name,
            user_id: row.user_id,
            role: row::word("tokens.role", &row.role)?,
            created_at: row::time(row.created_at)?,
            expires_at: row::maybe_time(row.expires_at)?,
            last_used_at: row::maybe_time(row.last_used_at)?,
            revoked_at: row::maybe_time(row.revoked_at)?,
            scopes: row.scopes.map(scopes).transpose()?,
        })
    }
}
