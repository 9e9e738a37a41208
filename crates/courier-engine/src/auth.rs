//! Logging in and out, and the password that it takes.

use std::{net::IpAddr, time::Instant};

use courier_store::{
    now,
    sessions::NewSession,
    users::{NewPassword, User, UserChange},
};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::{
    Actor, Engine, Error, Result,
    audit::Entry,
    input::name_problem,
    passwords::{FAILURES, LOCKED_FOR, random_token, rate_limited, token_hash},
    tokens::{PREFIX, limits},
    users::{MAX_PASSWORD, check_password},
};

/// Logging in and out, and one's own password.
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
    /// Begins a session of 12 hours. Five failures in a row close a user name for a minute. `from` is the client's
    /// address, for the record.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], [`Error::RateLimited`], [`Error::Busy`].
    pub async fn login(&self, username: &str, password: SecretString, from: Option<IpAddr>) -> Result<Login> {
        // What nobody can have is refused before it costs anything: no hash, no memory, no record.
        if name_problem(username).is_some() || password.expose_secret().len() > MAX_PASSWORD {
            return Err(WRONG);
        }
        let (user, password_hash) = {
            // The failure is noted within the turn: the next guess must find it.
            let turn = self.0.0.passwords.turn().await?;
            let known = self.0.0.store.users().for_login(username).await?;
            self.check_brake(username, known.as_ref().map(|(user, _)| user))?;
            let hash = known.as_ref().map(|(_, hash)| hash.clone());
            let right = turn.verify(hash, password).await?;
            match known {
                Some((user, hash)) if right && !user.disabled => (user, hash),
                known => {
                    self.note_failure(username, known.map(|(user, _)| user), from)
                        .await?;
                    return Err(WRONG);
                }
            }
        };
        self.0.0.store.sessions().delete_expired().await?;
        let token = random_token("")?;
        let expires_at = now() + SESSION;
        let session = NewSession {
            token_hash: token_hash(token.expose_secret()),
            user_id: user.id,
            password_hash,
            expires_at,
        };
        let details = json!({"user_id": user.id, "from": from});
        let record = Entry::new("login", &user.username, details);
        match self.0.0.store.sessions().begin(session, record.into()).await {
            // Deleted, disabled or given another password in the meantime.
            Err(courier_store::Error::NotFound { .. }) => return Err(WRONG),
            begun => begun?,
        };
        Ok(Login {
            token,
            expires_at,
            user,
        })
    }

    /// Gives the actor another password, for the one that they have. Their other sessions end; the one that `bearer`
    /// belongs to goes on. Wrong ones count as failed logins do.
    ///
    /// # Errors
    /// [`Error::Validation`] for either password, [`Error::RateLimited`], [`Error::Busy`], [`Error::Forbidden`] for an
    /// actor who is no user, [`Error::Conflict`] where somebody else gave them another one at this moment.
    pub async fn change_password(
        &self,
        actor: &Actor,
        bearer: &str,
        current: SecretString,
        new: SecretString,
    ) -> Result<()> {
        check_password("new_password", &new)?;
        if new.expose_secret() == current.expose_secret() {
            return Err(Error::field("new_password", "is the current one"));
        }
        if current.expose_secret().len() > MAX_PASSWORD {
            return Err(wrong_current());
        }
        let users = self.0.0.store.users();
        let (user, replaced) = {
            // As in a login.
            let turn = self.0.0.passwords.turn().await?;
            let known = users.for_login(&actor.name).await?;
            let (user, hash) = known
                .filter(|(user, _)| Some(user.id) == actor.id)
                .ok_or_else(|| Error::Forbidden("only a user has a password".into()))?;
            self.check_brake(&user.username, Some(&user))?;
            if !turn.verify(Some(hash.clone()), current).await? {
                let details = json!({"user_id": user.id, "reason": "wrong password"});
                self.count_failure(
                    &user,
                    Entry::new("password_change_failed", &user.username, details),
                )
                .await?;
                return Err(wrong_current());
            }
            (user, hash)
        };
        let change = UserChange {
            password: Some(NewPassword {
                replaces: Some(replaced),
                keeps_session: Some(token_hash(bearer)),
                ..NewPassword::new(self.0.0.passwords.hash(new).await?)
            }),
            ..UserChange::default()
        };
        let record = |_: &User, user: &User| {
            let details = json!({"user_id": user.id, "username": user.username});
            Entry::new("password_changed", &actor.name, details).into()
        };
        match users.update(user.id, change, record).await {
            Err(courier_store::Error::Conflict(message)) => Err(Error::Conflict(message)),
            Err(courier_store::Error::NotFound { .. }) => Err(Error::not_found("user", user.id)),
            result => Ok(result.map(|_| ())?),
        }
    }

    /// Who a session token or an API token belongs to, and what they may do: a token never more than its user.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`].
    pub async fn authenticate(&self, bearer: &str) -> Result<Actor> {
        let hash = token_hash(bearer);
        let store = &self.0.0.store;
        let stale = |last: Option<Timestamp>| last.is_none_or(|at| at + NOTED < now());
        let (user, role, token) = if bearer.starts_with(PREFIX) {
            let (token, user) = store.tokens().find(&hash).await?.ok_or(INVALID)?;
            if stale(token.last_used_at) {
                store.tokens().touch(token.id).await?;
            }
            let role = token.role.min(user.role);
            (user, role, Some(limits(&token)))
        } else {
            let (session, user) = store.sessions().find(&hash).await?.ok_or(INVALID)?;
            if stale(Some(session.last_seen)) {
                store.sessions().touch(&hash).await?;
            }
            let role = user.role;
            (user, role, None)
        };
        if user.disabled {
            return Err(INVALID);
        }
        Ok(Actor {
            id: Some(user.id),
            name: user.username,
            role,
            token,
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
        let record = Entry::new("logout", &user.username, json!({"user_id": user.id}));
        Ok(self.0.0.store.sessions().end(&hash, record.into()).await?)
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
    async fn note_failure(&self, username: &str, user: Option<User>, from: Option<IpAddr>) -> Result<()> {
        // A name that nobody has may be a password typed into the wrong field.
        let name = user.as_ref().map_or("unknown", |user| user.username.as_str());
        let reason = match &user {
            Some(user) if user.disabled => "disabled or wrong password",
            Some(_) => "wrong password",
            None => "no such user",
        };
        let entry = Entry::new("login_failed", name, json!({"reason": reason, "from": from}));
        match &user {
            Some(user) => self.count_failure(user, entry).await,
            None => {
                self.0.0.brake.failed(username, Instant::now());
                self.0.audit().record(entry).await
            }
        }
    }

    async fn count_failure(&self, user: &User, entry: Entry<'_>) -> Result<()> {
        let until = now() + SignedDuration::try_from(LOCKED_FOR).unwrap_or(SignedDuration::MAX);
        let users = self.0.0.store.users();
        match users.login_failed(user.id, until, entry.into()).await {
            // Deleted in the meantime.
            Err(courier_store::Error::NotFound { .. }) => Ok(()),
            result => Ok(result?),
        }
    }
}

/// Not the answer to somebody who isn't logged in: their session is in order.
fn wrong_current() -> Error {
    Error::field("current_password", "is wrong")
}

/// The answer for every cause.
const WRONG: Error = Error::Unauthenticated("the user name or the password is wrong");
const INVALID: Error =
    Error::Unauthenticated("the session or token is not valid or has ended; log in, or use another token");
