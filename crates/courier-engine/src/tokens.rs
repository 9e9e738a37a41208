//! API tokens.

pub use courier_store::tokens::Token;
use courier_store::{audit::NewAudit, now, tokens::NewToken};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uuid::Uuid;

use crate::{
    Actor, Engine, Error, Page, PageRequest, Result, Role,
    audit::Entry,
    input::check_name,
    passwords::{random_token, token_hash},
};

/// What every API token begins with; session tokens don't.
pub(crate) const PREFIX: &str = "courier_";

/// API tokens.
#[derive(Clone, Copy, Debug)]
pub struct Tokens<'a>(pub(crate) &'a Engine);

impl Tokens<'_> {
    /// Makes a token of the actor's; its text is shown this once. Without a role it has the actor's.
    ///
    /// # Errors
    /// [`Error::Validation`], [`Error::Duplicate`], [`Error::Forbidden`] for a role above the actor's.
    pub async fn create(
        &self,
        actor: &Actor,
        name: &str,
        role: Option<Role>,
        expires_at: Option<Timestamp>,
    ) -> Result<(SecretString, Token)> {
        check_name("name", name)?;
        let role = role.unwrap_or(actor.role);
        if role > actor.role {
            return Err(Error::Forbidden(format!(
                "a token can have your role ({}) at most, not {role}",
                actor.role
            )));
        }
        if expires_at.is_some_and(|at| at <= now()) {
            return Err(Error::field("expires_at", "must lie in the future"));
        }
        let user_id = actor
            .id
            .ok_or_else(|| Error::Forbidden("only a user can have tokens".into()))?;
        let token = random_token(PREFIX)?;
        let new = NewToken {
            name: name.into(),
            token_hash: token_hash(token.expose_secret()),
            user_id,
            role,
            expires_at,
        };
        let kept = match self
            .0
            .0
            .store
            .tokens()
            .insert(new, |token| record(actor, "token_created", token))
            .await
        {
            Err(courier_store::Error::Duplicate { .. }) => {
                return Err(Error::Duplicate {
                    what: "API token",
                    name: name.into(),
                });
            }
            result => result?,
        };
        Ok((token, kept))
    }

    /// Tokens that are not revoked, oldest first: an admin sees all, others their own. A page may hold fewer than its
    /// limit and not be the last.
    ///
    /// # Errors
    /// [`Error::Store`], also for a cursor that no list gave out.
    pub async fn list(&self, actor: &Actor, page: PageRequest) -> Result<Page<Token>> {
        let user = actor.id.filter(|_| !actor.is_admin());
        let mut page = self.0.0.store.tokens().list(user, &page).await?;
        page.items.retain(|token| token.revoked_at.is_none());
        Ok(page)
    }

    /// Ends a token: an admin any, others their own.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for somebody else's.
    pub async fn revoke(&self, actor: &Actor, id: Uuid) -> Result<()> {
        let missing = || Error::not_found("API token", id);
        let token = match self.0.0.store.tokens().get(id).await {
            Err(courier_store::Error::NotFound { .. }) => return Err(missing()),
            result => result?,
        };
        if !actor.is_admin() && actor.id != Some(token.user_id) {
            return Err(missing());
        }
        let record = record(actor, "token_revoked", &token);
        self.0.0.store.tokens().revoke(id, record).await?;
        Ok(())
    }
}

fn record(actor: &Actor, operation: &str, token: &Token) -> NewAudit {
    let details =
        json!({"token_id": token.id, "name": token.name, "role": token.role, "user_id": token.user_id});
    Entry::new(operation, &actor.name, details).into()
}
