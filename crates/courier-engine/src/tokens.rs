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
    scopes::{Scope, TokenLimits, simplified},
};

/// What every API token begins with; session tokens don't.
pub(crate) const PREFIX: &str = "courier_";

/// API tokens.
#[derive(Clone, Copy, Debug)]
pub struct Tokens<'a>(pub(crate) &'a Engine);

/// A token that somebody wants. What isn't given is as they have it themselves.
#[derive(Clone, Debug, Default)]
pub struct TokenRequest {
    /// What it may do.
    pub role: Option<Role>,
    /// The parts of the API that it is for.
    pub scopes: Option<Vec<Scope>>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

impl Tokens<'_> {
    /// Makes a token of the actor's; its text is shown this once. What isn't asked for is as the actor has it.
    ///
    /// # Errors
    /// [`Error::Validation`], [`Error::Duplicate`], [`Error::Forbidden`] for more than the actor may: a higher role, and
    /// for one who came by a token other scopes or a later end.
    pub async fn create(
        &self,
        actor: &Actor,
        name: &str,
        request: TokenRequest,
    ) -> Result<(SecretString, Token)> {
        check_name("name", name)?;
        let role = request.role.unwrap_or(actor.role);
        if role > actor.role {
            return Err(Error::Forbidden(format!(
                "a token can have your role ({}) at most, not {role}",
                actor.role
            )));
        }
        if request.expires_at.is_some_and(|at| at <= now()) {
            return Err(Error::field("expires_at", "must lie in the future"));
        }
        let limits = within(actor, request)?;
        let user_id = actor
            .id
            .ok_or_else(|| Error::Forbidden("only a user can have tokens".into()))?;
        let token = random_token(PREFIX)?;
        let new = NewToken {
            name: name.into(),
            token_hash: token_hash(token.expose_secret()),
            user_id,
            role,
            scopes: limits
                .scopes
                .map(|scopes| scopes.iter().map(Scope::to_string).collect()),
            expires_at: limits.expires_at,
        };
        let tokens = self.0.0.store.tokens();
        let made = |token: &Token| record(actor, "token_created", token);
        match tokens.insert(new, made).await {
            Err(courier_store::Error::Duplicate { .. }) => Err(Error::Duplicate {
                what: "API token",
                name: name.into(),
            }),
            result => Ok((token, result?)),
        }
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

/// What a token is held to.
pub(crate) fn limits(token: &Token) -> TokenLimits {
    let scope = |text: &String| match text.parse() {
        Ok(scope) => scope,
        Err(impossible) => match impossible {},
    };
    TokenLimits {
        scopes: token
            .scopes
            .as_ref()
            .map(|scopes| scopes.iter().map(scope).collect()),
        expires_at: token.expires_at,
    }
}

/// What the new token is held to: who came by a token makes none that may do more or lasts longer.
fn within(actor: &Actor, request: TokenRequest) -> Result<TokenLimits> {
    let own = actor.token.clone().unwrap_or_default();
    let scopes = match request.scopes {
        Some(scopes) if scopes.is_empty() => {
            let message = "must name one scope at least; without scopes the token is for the whole API";
            return Err(Error::field("scopes", message));
        }
        Some(scopes) => Some(simplified(scopes)),
        None => own.scopes.clone(),
    };
    if let Some(scope) = scopes.iter().flatten().find(|scope| !own.allow_scope(scope)) {
        return Err(Error::Forbidden(format!(
            "a token made by a token can have that one's scopes at most, not {scope}"
        )));
    }
    let expires_at = request.expires_at.or(own.expires_at);
    if let (Some(end), Some(own)) = (expires_at, own.expires_at)
        && end > own
    {
        return Err(Error::Forbidden(format!(
            "a token made by a token ends when that one does at the latest, at {own}"
        )));
    }
    Ok(TokenLimits { scopes, expires_at })
}

fn record(actor: &Actor, operation: &str, token: &Token) -> NewAudit {
    let details = json!({
        "token_id": token.id,
        "name": token.name,
        "role": token.role,
        "scopes": token.scopes,
        "expires_at": token.expires_at,
        "user_id": token.user_id,
        // Whoever looks into a stolen token wants to know what else was made with it.
        "by_token": actor.token.is_some(),
    });
    Entry::new(operation, &actor.name, details).into()
}
