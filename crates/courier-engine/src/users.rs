//! Users.

pub use courier_store::users::User;
use courier_store::{
    audit::NewAudit,
    users::{NewPassword, NewUser, UserChange as StoredChange},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uuid::Uuid;

use crate::{Actor, Engine, Error, Page, PageRequest, Result, Role, audit::Entry, input::check_name};

/// Users.
#[derive(Clone, Copy, Debug)]
pub struct Users<'a>(pub(crate) &'a Engine);

/// What to change of a user; what is `None` stays.
#[derive(Debug, Default)]
pub struct UserChange {
    /// A new password; ends the user's sessions.
    pub password: Option<SecretString>,
    /// Another role.
    pub role: Option<Role>,
    /// May they not log in? `true` ends their sessions.
    pub disabled: Option<bool>,
}

/// The name of the user that the first start makes.
pub const BOOTSTRAPPED: &str = "admin";

/// The shortest password, in characters.
const MIN_PASSWORD: usize = 8;
/// The longest, in bytes: hashing more only costs time.
pub(crate) const MAX_PASSWORD: usize = 1024;

impl Users<'_> {
    /// Makes a user.
    ///
    /// # Errors
    /// [`Error::Validation`], [`Error::Duplicate`].
    pub async fn create(
        &self,
        actor: &Actor,
        username: &str,
        password: SecretString,
        role: Role,
    ) -> Result<User> {
        check_name("username", username)?;
        check_password("password", &password)?;
        let password_hash = self.0.0.passwords.hash(password).await?;
        let new = NewUser {
            username: username.into(),
            password_hash,
            role,
        };
        let users = self.0.0.store.users();
        match users
            .insert(new, |user| record(actor, "user_created", user))
            .await
        {
            Err(courier_store::Error::Duplicate { .. }) => Err(Error::Duplicate {
                what: "user",
                name: username.into(),
            }),
            result => Ok(result?),
        }
    }

    /// Users, oldest first.
    ///
    /// # Errors
    /// [`Error::Store`], also for a cursor that no list gave out.
    pub async fn list(&self, page: PageRequest) -> Result<Page<User>> {
        Ok(self.0.0.store.users().list(&page).await?)
    }

    /// One user.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, id: Uuid) -> Result<User> {
        found(self.0.0.store.users().get(id).await, id)
    }

    /// Changes a user.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Validation`], [`Error::Conflict`] where no admin who can log in would be left.
    pub async fn update(&self, actor: &Actor, id: Uuid, change: UserChange) -> Result<User> {
        let mut stored = StoredChange {
            role: change.role,
            disabled: change.disabled,
            password: None,
        };
        let password_changed = change.password.is_some();
        if let Some(password) = change.password {
            check_password("password", &password)?;
            let hash = self.0.0.passwords.hash(password).await?;
            stored.password = Some(NewPassword::new(hash));
        }
        let record = |before: &User, after: &User| {
            let details = json!({
                "user_id": id,
                "username": after.username,
                "before": {"role": before.role, "disabled": before.disabled},
                "after": {"role": after.role, "disabled": after.disabled},
                "password_changed": password_changed,
            });
            Entry::new("user_changed", &actor.name, details).into()
        };
        found(self.0.0.store.users().update(id, stored, record).await, id)
    }

    /// Deletes a user with their sessions and tokens.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`] where no admin who can log in would be left.
    pub async fn delete(&self, actor: &Actor, id: Uuid) -> Result<()> {
        let users = self.0.0.store.users();
        let deleted = users.delete(id, |user| record(actor, "user_deleted", user)).await;
        found(deleted, id)
    }

    /// Makes the user `admin` where there is no user at all, and says whether it did.
    ///
    /// # Errors
    /// [`Error::Validation`] for a password that is too short.
    pub async fn bootstrap_admin(&self, password: SecretString) -> Result<bool> {
        check_password("password", &password)?;
        if !self.list(PageRequest::first(1)).await?.items.is_empty() {
            return Ok(false);
        }
        let password_hash = self.0.0.passwords.hash(password).await?;
        let new = NewUser {
            username: BOOTSTRAPPED.into(),
            password_hash,
            role: Role::Admin,
        };
        let made = |user: &User| record(&Actor::system(), "user_created", user);
        let first = self.0.0.store.users().insert_first(new, made).await?;
        Ok(first.is_some())
    }
}

fn record(actor: &Actor, operation: &str, user: &User) -> NewAudit {
    let details = json!({"user_id": user.id, "username": user.username, "role": user.role});
    Entry::new(operation, &actor.name, details).into()
}

pub(crate) fn check_password(field: &str, password: &SecretString) -> Result<()> {
    let password = password.expose_secret();
    if password.chars().count() < MIN_PASSWORD || password.len() > MAX_PASSWORD {
        return Err(Error::field(
            field,
            format!("must have {MIN_PASSWORD} characters at least, and {MAX_PASSWORD} bytes at most"),
        ));
    }
    Ok(())
}

fn found<T>(result: courier_store::Result<T>, id: Uuid) -> Result<T> {
    match result {
        Err(courier_store::Error::NotFound { .. }) => Err(Error::not_found("user", id)),
        Err(courier_store::Error::Conflict(message)) => Err(Error::Conflict(message)),
        result => Ok(result?),
    }
}
