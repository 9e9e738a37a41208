//! Users.

use jiff::Timestamp;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Set,
};
use uuid::Uuid;

use crate::{
    Error, Page, PageRequest, Result, Store,
    audit::NewAudit,
    entities::{
        sessions,
        users::{ActiveModel, Column, Entity, Model},
    },
    ids::{now, stamp},
    page::Order,
    row,
    words::words,
};

words! {
    /// What somebody may do. Each role may do all that the one before may.
    Role {
        /// Looks.
        Viewer = "viewer",
        /// Also makes, changes and runs connections, keys and jobs.
        Operator = "operator",
        /// Also decides about insecure trust, users, tokens of others and settings.
        Admin = "admin",
    }
}

/// Users.
#[derive(Clone, Copy, Debug)]
pub struct Users<'a>(pub(crate) &'a Store);

/// A user, without the password's hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: Uuid,
    /// The name, unique without regard to case; of those made by older versions only the exact names are.
    pub username: String,
    /// What they may do.
    pub role: Role,
    /// May they not log in?
    pub disabled: bool,
    /// Failed logins since the last good one; they count until `locked_until`.
    pub failed_logins: u32,
    /// When failed logins are forgotten; with too many of them, no login before this time.
    pub locked_until: Option<Timestamp>,
    /// When the user was made.
    pub created_at: Timestamp,
    /// When the user was changed last.
    pub updated_at: Timestamp,
    /// The last good login.
    pub last_login_at: Option<Timestamp>,
}

/// A user to be kept.
#[derive(Clone)]
pub struct NewUser {
    /// The name.
    pub username: String,
    /// The password's hash, with its parameters and salt in it.
    pub password_hash: String,
    /// What they may do.
    pub role: Role,
}

impl std::fmt::Debug for NewUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewUser")
            .field("username", &self.username)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// What changes about a user; `None` leaves as it is.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// What they may do.
    pub role: Option<Role>,
    /// May they not log in? `true` ends their sessions.
    pub disabled: Option<bool>,
    /// A new password; ends their sessions and unlocks them.
    pub password: Option<NewPassword>,
}

/// A new password of a user.
#[derive(Clone)]
pub struct NewPassword {
    /// Its hash.
    pub hash: String,
    /// The hash that it replaces, where it is for that one only.
    pub replaces: Option<String>,
    /// The hash of the one session's token that doesn't end.
    pub keeps_session: Option<Vec<u8>>,
}

impl NewPassword {
    /// This hash, whatever is there now; every session ends.
    pub fn new(hash: impl Into<String>) -> Self {
        Self {
            hash: hash.into(),
            replaces: None,
            keeps_session: None,
        }
    }
}

impl std::fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewPassword").finish_non_exhaustive()
    }
}

impl Users<'_> {
    /// Keeps a new user, with the audit record of it.
    ///
    /// # Errors
    /// [`Error::Duplicate`] for the name, also where only the letters' case differs.
    pub async fn insert(&self, user: NewUser, record: impl FnOnce(&User) -> NewAudit) -> Result<User> {
        let (id, at) = stamp();
        let row = Model {
            id,
            username_folded: Some(folded(&user.username)),
            username: user.username,
            password_hash: user.password_hash,
            role: user.role.as_str().into(),
            disabled: false,
            failed_logins: 0,
            locked_until: None,
            created_at: at.as_microsecond(),
            updated_at: at.as_microsecond(),
            last_login_at: None,
        };
        let user = User::try_from(row.clone())?;
        let record = record(&user);
        self.0
            .transact(async |db| {
                Entity::insert(row.into_active_model().reset_all())
                    .exec_without_returning(db)
                    .await?;
                self.0.append_audit(db, vec![record]).await
            })
            .await?;
        Ok(user)
    }

    /// Keeps the first user, if there is none at all. Of several nodes that start at once, one makes it.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Unavailable`].
    pub async fn insert_first(
        &self,
        user: NewUser,
        record: impl FnOnce(&User) -> NewAudit,
    ) -> Result<Option<User>> {
        if Entity::find().count(self.0.read()).await? > 0 {
            return Ok(None);
        }
        match self.insert(user, record).await {
            Ok(user) => Ok(Some(user)),
            Err(Error::Duplicate { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// One user.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, id: Uuid) -> Result<User> {
        Entity::find_by_id(id)
            .one(self.0.read())
            .await?
            .ok_or(NOT_FOUND)?
            .try_into()
    }

    /// The user of this name, and the password's hash, for a login: of exactly this name, else of one that differs by
    /// the case of its letters.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Unavailable`].
    pub async fn for_login(&self, username: &str) -> Result<Option<(User, String)>> {
        let username = row::clean(username);
        let either = Column::Username
            .eq(username.as_str())
            .or(Column::UsernameFolded.eq(folded(&username)));
        let mut rows = Entity::find().filter(either).all(self.0.read()).await?;
        let exact = rows.iter().position(|row| row.username == username);
        let row = match exact {
            Some(place) => Some(rows.swap_remove(place)),
            None => rows.pop(),
        };
        row.map(|row| Ok((User::try_from(row.clone())?, row.password_hash)))
            .transpose()
    }

    /// Users, oldest first.
    ///
    /// # Errors
    /// [`Error::BadCursor`].
    pub async fn list(&self, page: &PageRequest) -> Result<Page<User>> {
        let rows = page
            .apply(Entity::find(), Column::Id, Order::OldestFirst)?
            .all(self.0.read())
            .await?;
        page.page(rows, |row| row.id).try_map(User::try_from)
    }

    /// Changes a user, and ends their sessions where the change says so, with the audit record of what the user was and
    /// is.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] where no enabled admin would be left, or the password isn't the one any
    /// more that is to be replaced.
    pub async fn update(
        &self,
        id: Uuid,
        change: UserChange,
        record: impl FnOnce(&User, &User) -> NewAudit,
    ) -> Result<User> {
        self.0
            .transact(async |db| {
                let before = locked(db, id).await?;
                let mut row = before.clone();
                if let Some(role) = change.role {
                    row.role = role.as_str().into();
                }
                if let Some(disabled) = change.disabled {
                    row.disabled = disabled;
                }
                let mut ends = sessions::Entity::delete_many().filter(sessions::Column::UserId.eq(id));
                let logs_out = change.password.is_some() || change.disabled == Some(true);
                if let Some(password) = change.password {
                    if password
                        .replaces
                        .is_some_and(|replaced| replaced != before.password_hash)
                    {
                        let message = "somebody else changed the password in the meantime";
                        return Err(Error::Conflict(message.into()));
                    }
                    row.password_hash = password.hash;
                    row.failed_logins = 0;
                    row.locked_until = None;
                    if let Some(kept) = password.keeps_session.filter(|_| !row.disabled) {
                        ends = ends.filter(sessions::Column::TokenHash.ne(kept));
                    }
                }
                row.updated_at = now().as_microsecond();
                if is_admin(&before) && !is_admin(&row) {
                    other_admin(db, id).await?;
                }
                let all = row.clone().into_active_model().reset_all();
                Entity::update_many()
                    .set(all)
                    .filter(Column::Id.eq(id))
                    .exec(db)
                    .await?;
                if logs_out {
                    ends.exec(db).await?;
                }
                let (before, after) = (before.try_into()?, row.try_into()?);
                self.0.append_audit(db, vec![record(&before, &after)]).await?;
                Ok(after)
            })
            .await
    }

    /// Forgets a user, with their sessions and tokens, and with the audit record of it.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] where no enabled admin would be left.
    pub async fn delete(&self, id: Uuid, record: impl FnOnce(&User) -> NewAudit) -> Result<()> {
        self.0
            .transact(async |db| {
                let row = locked(db, id).await?;
                if is_admin(&row) {
                    other_admin(db, id).await?;
                }
                Entity::delete_by_id(id).exec(db).await?;
                self.0.append_audit(db, vec![record(&row.try_into()?)]).await
            })
            .await
    }

    /// Counts a failed login, with its audit record. So long after the last one that `locked_until` has passed, the
    /// count starts over. Whether the count locks is for the caller.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn login_failed(&self, id: Uuid, lock_until: Timestamp, record: NewAudit) -> Result<()> {
        self.0
            .transact(async |db| {
                let row = Entity::find_by_id(id).lock_exclusive().one(db).await?;
                let row = row.ok_or(NOT_FOUND)?;
                let counts = row
                    .locked_until
                    .is_some_and(|until| until > now().as_microsecond());
                let before = if counts { row.failed_logins } else { 0 };
                let change = ActiveModel {
                    failed_logins: Set(before.saturating_add(1)),
                    locked_until: Set(Some(lock_until.as_microsecond())),
                    ..Default::default()
                };
                Entity::update_many()
                    .set(change)
                    .filter(Column::Id.eq(id))
                    .exec(db)
                    .await?;
                self.0.append_audit(db, vec![record]).await
            })
            .await
    }
}

const NOT_FOUND: Error = Error::NotFound { what: "user" };

/// A name without regard to the case of its letters.
pub(crate) fn folded(username: &str) -> String {
    username.to_lowercase()
}

/// The user's row, after all admins' rows are locked (always in the same order): of two admins who remove each other
/// at the same moment, one must see what the other did.
async fn locked(db: &impl ConnectionTrait, id: Uuid) -> Result<Model> {
    let involved = Column::Role.eq(Role::Admin.as_str()).or(Column::Id.eq(id));
    let rows = Entity::find()
        .filter(involved)
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .all(db)
        .await?;
    rows.into_iter().find(|row| row.id == id).ok_or(NOT_FOUND)
}

fn is_admin(row: &Model) -> bool {
    row.role == Role::Admin.as_str() && !row.disabled
}

async fn other_admin(db: &impl ConnectionTrait, id: Uuid) -> Result<()> {
    let others = Entity::find()
        .filter(Column::Role.eq(Role::Admin.as_str()))
        .filter(Column::Disabled.eq(false))
        .filter(Column::Id.ne(id));
    match others.count(db).await? {
        0 => Err(Error::Conflict(
            "this is the last admin who can log in: make another one first".into(),
        )),
        _ => Ok(()),
    }
}

impl TryFrom<Model> for User {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        Ok(Self {
            id: row.id,
            username: row.username,
            role: row::word("users.role", &row.role)?,
            disabled: row.disabled,
            failed_logins: row::number(row.failed_logins),
            locked_until: row::maybe_time(row.locked_until)?,
            created_at: row::time(row.created_at)?,
            updated_at: row::time(row.updated_at)?,
            last_login_at: row::maybe_time(row.last_login_at)?,
        })
    }
}
