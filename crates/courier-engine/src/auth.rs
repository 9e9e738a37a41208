//! Logging in and out.

use std::time::Instant;

use courier_store::{now, users::User};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::{
    Actor, Engine, Error, Result,
    audit::Entry,
    input::name_problem,
    passwords::{FAILURES, LOCKED_FOR, random_token, rate_limited, token_hash},
    tokens::PREFIX,
    users::MAX_PASSWORD,
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
    /// [`Error::Unauthenticated`], [`Error::RateLimited`], [`Error::Busy`].
    pub async fn login(&self, username: &str, password: SecretString) -> Result<Login> {
        // What nobody can have is refused before it costs anything: no hash, no memory, no record.
        if name_problem(username).is_some() || password.expose_secret().len() > MAX_PASSWORD {
            return Err(WRONG);
        }
        let user = {
            // The failure is noted within the turn: the next guess must find it.
            let turn = self.0.0.passwords.turn().await?;
            let known = self.0.0.store.users().for_login(username).await?;
            self.check_brake(username, known.as_ref().map(|(user, _)| user))?;
            let hash = known.as_ref().map(|(_, hash)| hash.clone());
            let right = turn.verify(hash, password).await?;
            match known {
                Some((user, _)) if right && !user.disabled => user,
                known => {
                    self.note_failure(username, known.map(|(user, _)| user)).await?;
                    return Err(WRONG);
                }
            }
        };
        self.0.0.store.users().login_succeeded(user.id).await?;
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

    /// Known users are counted in the store, on all nodes together; other names here. Both by the same rule, which
    /// [`Brake`](crate::passwords::Brake) shows.
    fn check_brake(&self, username: &str, user: Option<&User>) -> Result<()> {
        let Some(user) = user else {
            return self.0.0.brake.admit(username, Instant::now());
        };
        let now = now();
        match user.locked_until {
            Some(until) if user.failed_logins >= FAILURES && until > now => {
                Err(rate_limited(until.duration_since(now).as_secs().unsigned_abs()))
            }
            _ => Ok(()),
        }
    }

    /// Counts and records a failure; for every cause with one transaction, so that it takes as long.
    async fn note_failure(&self, username: &str, user: Option<User>) -> Result<()> {
        // A name that nobody has may be a password typed into the wrong field.
        let name = user.as_ref().map_or("unknown", |user| user.username.as_str());
        let reason = match &user {
            Some(user) if user.disabled => "disabled or wrong password",
            Some(_) => "wrong password",
            None => "no such user",
        };
        let entry = Entry::new("login_failed", name, json!({"reason": reason}));
        match &user {
            Some(user) => {
                let until = now() + SignedDuration::try_from(LOCKED_FOR).unwrap_or(SignedDuration::MAX);
                let users = self.0.0.store.users();
                match users.login_failed(user.id, until, entry.into()).await {
                    // Deleted in the meantime.
                    Err(courier_store::Error::NotFound { .. }) => Ok(()),
                    result => Ok(result?),
                }
            }
            None => {
                self.0.0.brake.failed(username, Instant::now());
                self.0.audit().record(entry).await
            }
        }
    }
}

/// The answer for every cause.
const WRONG: Error = Error::Unauthenticated("the user name or the password is wrong");
const INVALID: Error =
    Error::Unauthenticated("the session or token is not valid or has ended; log in, or use another token");
