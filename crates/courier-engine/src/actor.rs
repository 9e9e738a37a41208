//! Who asks.

use uuid::Uuid;

use crate::scopes::TokenLimits;

pub use courier_store::users::Role;

/// Who asks: a person, a token's owner, or Courier itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The user's id; none for Courier itself.
    pub id: Option<Uuid>,
    /// The user's name, as audit records show it.
    pub name: String,
    /// What they may do. Whether a role may call something at all is checked by the server; the engine
    /// checks the rules that depend on the content.
    pub role: Role,
    /// What the API token that they came by is held to; none for a session.
    pub token: Option<TokenLimits>,
}

impl Actor {
    /// Courier itself: the first start, the command line on the data folder.
    pub fn system() -> Self {
        Self {
            id: None,
            name: "system".into(),
            role: Role::Admin,
            token: None,
        }
    }

    /// May they change nothing of this group of routes, by their role or by the token that they came by?
    pub(crate) fn only_looks(&self, group: &str) -> bool {
        let may_change = |token: &TokenLimits| token.allow(group, false);
        self.role == Role::Viewer || !self.token.as_ref().is_none_or(may_change)
    }

    pub(crate) fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }
}
