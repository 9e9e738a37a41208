//! Logging in and out.

use std::time::Instant;

use courier_store::{now, users::User};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::{
    Actor, Engine, Error, Result,
    audit::Entry,
    passwords::{FAILURES, LOCKED_FOR, random_token, token_hash},
    tokens::PREFIX,
};

/// Logging in and out.
#[derive(Clone, Copy, Debug)]
pub struct Auth<'a>(pub(crate) &'a Engine);

/// A session that has begun.
#[derive(Debug)]
pub struct Login {
    /// What proves it from now on.
    pub token: SecretString,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whose it is.
    pub user: User,
}

/// How long a session lasts.
const SESSION: SignedDuration = SignedDuration::from_hours(12);
/// How old a noted last use may be: noting each one would write to the database at each request.
const NOTED: SignedDuration = SignedDuration::from_secs(60);

impl Auth<'_> {
    /// Begins a session of 12 hours. Five failures in a row close a user name for a minute.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], [`Error::RateLimited`].
    pub async fn login(&self, username: &str, password: SecretString) -> Result<Login> {
        let turn = self.0.0.passwords.turn().await?;
        let users = self.0.0.store.users();
        let known = users.for_login(username).await?;
        self.check_brake(username, known.as_ref().map(|(user, _)| user))?;
        let hash = known.as_ref().map(|(_, hash)| hash.clone());
        let right = turn.verify(hash, password).await?;
        drop(turn);
        let user = match known {
            Some((user, _)) if right && !user.disabled => user,
            known => return Err(self.refuse(username, known.map(|(user, _)| user)).await?),
        };
        users.login_succeeded(user.id).await?;
        self.0.0.store.sessions().delete_expired().await?;
        let token = random_token("")?;
        let expires_at = now() + SESSION;
        self.0
            .0
            .store
            .sessions()
            .insert(&token_hash(token.expose_secret()), user.id, expires_at)
            .await?;
        self.0
            .audit()
            .record(Entry::new("login", &user.username, json!({"user_id": user.id})))
            .await?;
        Ok(Login {
            token,
            expires_at,
            user,
        })
    }

    /// Who a session token or an API token belongs to, and what they may do: a token never more than its user.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`].
    pub async fn authenticate(&self, bearer: &str) -> Result<Actor> {
        let hash = token_hash(bearer);
        let store = &self.0.0.store;
        let stale = |last: Option<Timestamp>| last.is_none_or(|at| at + NOTED < now());
        let (user, role) = if bearer.starts_with(PREFIX) {
            let (token, user) = store.tokens().find(&hash).await?.ok_or(INVALID)?;
            if stale(token.last_used_at) {
                store.tokens().touch(token.id).await?;
            }
            let role = token.role.min(user.role);
            (user, role)
        } else {
            let (session, user) = store.sessions().find(&hash).await?.ok_or(INVALID)?;
            if stale(Some(session.last_seen)) {
                store.sessions().touch(&hash).await?;
            }
            let role = user.role;
            (user, role)
        };
        if user.disabled {
            return Err(INVALID);
        }
        Ok(Actor {
            id: Some(user.id),
            name: user.username,
            role,
        })
    }

    /// Ends a session. A token that is no session's does nothing.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn logout(&self, bearer: &str) -> Result<()> {
        let hash = token_hash(bearer);
        let Some((_, user)) = self.0.0.store.sessions().find(&hash).await? else {
            return Ok(());
        };
        self.0.0.store.sessions().delete(&hash).await?;
        self.0
            .audit()
            .record(Entry::new("logout", &user.username, json!({"user_id": user.id})))
            .await
    }

    /// Known users are counted in the store, on all nodes together; other names here.
    fn check_brake(&self, username: &str, user: Option<&User>) -> Result<()> {
        let Some(user) = user else {
            return self.0.0.brake.admit(username, Instant::now());
        };
        match user
            .locked_until
            .map(|until| until.duration_since(now()).as_secs())
        {
            Some(wait) if wait >= 0 && user.locked_until > Some(now()) => Err(Error::RateLimited {
                retry_after_sec: wait.unsigned_abs().max(1),
            }),
            _ => Ok(()),
        }
    }

    /// Counts and records a failure; gives the error to answer with, the same for each cause.
    async fn refuse(&self, username: &str, user: Option<User>) -> Result<Error> {
        match &user {
            Some(user) => {
                let until =
                    now() + SignedDuration::try_from(LOCKED_FOR).unwrap_or(SignedDuration::from_secs(60));
                self.0
                    .0
                    .store
                    .users()
                    .login_failed(user.id, FAILURES, until)
                    .await?;
            }
            None => self.0.0.brake.failed(username, Instant::now()),
        }
        // A name that nobody has may be a password typed into the wrong field.
        let name = user.as_ref().map_or("unknown", |user| user.username.as_str());
        let reason = match &user {
            Some(user) if user.disabled => "disabled or wrong password",
            Some(_) => "wrong password",
            None => "no such user",
        };
        self.0
            .audit()
            .record(Entry::new("login_failed", name, json!({"reason": reason})))
            .await?;
        Ok(Error::Unauthenticated("the user name or the password is wrong"))
    }
}

const INVALID: Error =
    Error::Unauthenticated("the session or token is not valid or has ended; log in, or use another token");
