//! What an API token is for: parts of the API, where it isn't for all of it.

use std::{fmt, str::FromStr};

use jiff::Timestamp;

/// A part of the API: a group of routes, named as the server names it, or what of the group only looks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    group: String,
    looks: bool,
}

/// What stands behind the group of a scope that only looks.
const READ: &str = ":read";

impl Scope {
    /// The group of routes.
    pub fn group(&self) -> &str {
        &self.group
    }

    fn covers(&self, group: &str, looks: bool) -> bool {
        self.group == group && (looks || !self.looks)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.group, if self.looks { READ } else { "" })
    }
}

impl FromStr for Scope {
    type Err = std::convert::Infallible;

    /// Any text is a scope; one that names no group covers nothing.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let group = text.strip_suffix(READ);
        Ok(Self {
            group: group.unwrap_or(text).to_owned(),
            looks: group.is_some(),
        })
    }
}

/// What a caller who came by an API token is held to, besides the role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenLimits {
    /// The parts of the API that the token is for; none for all.
    pub scopes: Option<Vec<Scope>>,
    /// When it ends, if ever.
    pub expires_at: Option<Timestamp>,
}

impl TokenLimits {
    /// May the token use this group of routes, to look or to change something?
    pub fn allow(&self, group: &str, looks: bool) -> bool {
        let Some(scopes) = &self.scopes else { return true };
        scopes.iter().any(|scope| scope.covers(group, looks))
    }

    /// May it make a token for that?
    pub(crate) fn allow_scope(&self, scope: &Scope) -> bool {
        self.allow(&scope.group, scope.looks)
    }
}

/// Each scope once, and none that another one covers.
pub(crate) fn simplified(mut scopes: Vec<Scope>) -> Vec<Scope> {
    // A group stands before what of it only looks.
    scopes.sort();
    scopes.dedup_by(|later, kept| kept.covers(&later.group, later.looks));
    scopes
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn scopes(words: &[&str]) -> Vec<Scope> {
        words.iter().map(|word| word.parse().unwrap()).collect()
    }

    #[test]
    fn a_token_is_for_what_it_names() {
        let limits = TokenLimits {
            scopes: Some(scopes(&["jobs", "executions:read"])),
            expires_at: None,
        };
        for (group, looks, allowed) in [
            ("jobs", true, true),
            ("jobs", false, true),
            ("executions", true, true),
            ("executions", false, false),
            ("users", true, false),
            ("job", true, false),
            ("", true, false),
        ] {
            assert_eq!(limits.allow(group, looks), allowed, "{group} {looks}");
        }
        assert!(TokenLimits::default().allow("users", false));
        let nothing = TokenLimits {
            scopes: Some(Vec::new()),
            expires_at: None,
        };
        assert!(!nothing.allow("jobs", true));
    }

    #[test]
    fn what_another_one_covers_is_left_out() {
        let simple = simplified(scopes(&["jobs:read", "audit:read", "jobs", "audit:read"]));
        let words: Vec<String> = simple.iter().map(Scope::to_string).collect();
        assert_eq!(words, ["audit:read", "jobs"]);
    }
}
