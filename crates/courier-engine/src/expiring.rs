//! What ends soon, or has ended: certificates, API tokens, and SSH keys that are due for rotation.

use courier_store::now;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{Actor, Engine, Result, settings::SSH_KEY_MAX_AGE_DAYS};

/// So many are told at most.
pub const AT_MOST: u64 = 50;

/// What ends later is not told yet.
pub const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Something that ends soon, or has ended.
#[derive(Clone, Debug)]
pub struct Expiring {
    /// What it is, as a word: `server_certificate`, `client_certificate`, `token`, `ssh_key`.
    pub kind: &'static str,
    /// Its id; that of the connection for certificates.
    pub id: Uuid,
    /// The connection that it belongs to.
    pub connection_id: Option<Uuid>,
    /// Its name.
    pub name: String,
    /// When it ends, or has ended.
    pub at: Timestamp,
    /// What that means, in words.
    pub reason: String,
}

/// What the actor may know of it, the soonest first.
///
/// # Errors
/// [`Error::Store`](crate::Error::Store).
pub(crate) async fn expiring(engine: &Engine, actor: &Actor) -> Result<Vec<Expiring>> {
    let now = now();
    let mut all = certificates(engine, now).await?;
    all.extend(tokens(engine, actor, now).await?);
    all.extend(keys(engine, now).await?);
    all.sort_by_key(|one| one.at);
    all.truncate(usize::try_from(AT_MOST).unwrap_or(usize::MAX));
    Ok(all)
}

fn ends(at: Timestamp, now: Timestamp) -> &'static str {
    match at <= now {
        true => "has ended",
        false => "ends soon",
    }
}

async fn certificates(engine: &Engine, now: Timestamp) -> Result<Vec<Expiring>> {
    let ending = engine.0.store.connections().ending(now + SOON, AT_MOST).await?;
    let certificates = ending.into_iter().map(|one| {
        let ends = ends(one.at, now);
        let (kind, reason) = match one.server {
            Some(subject) => (
                "server_certificate",
                format!("The certificate of its server ({subject}) {ends}: its operator has to renew it."),
            ),
            None => (
                "client_certificate",
                format!("The client certificate {ends}: enter a new one, which the server's operator knows."),
            ),
        };
        Expiring {
            kind,
            id: one.connection_id,
            connection_id: Some(one.connection_id),
            name: one.connection_name,
            at: one.at,
            reason,
        }
    });
    Ok(certificates.collect())
}

/// An admin's view has those of all, everybody else's their own. What ended long ago is nobody's concern any more.
async fn tokens(engine: &Engine, actor: &Actor, now: Timestamp) -> Result<Vec<Expiring>> {
    let user = match (actor.is_admin(), actor.id) {
        (true, _) => None,
        (false, Some(id)) => Some(id),
        (false, None) => return Ok(Vec::new()),
    };
    let between = (now - SOON, now + SOON);
    let tokens = engine.0.store.tokens().ending(user, between, AT_MOST).await?;
    let ending = tokens.into_iter().filter_map(|token| {
        let at = token.expires_at?;
        Some(Expiring {
            kind: "token",
            id: token.id,
            connection_id: None,
            name: token.name,
            at,
            reason: format!(
                "The API token {}: make a new one where it is still used.",
                ends(at, now)
            ),
        })
    });
    Ok(ending.collect())
}

async fn keys(engine: &Engine, now: Timestamp) -> Result<Vec<Expiring>> {
    let days = engine.settings().number(&SSH_KEY_MAX_AGE_DAYS).await?;
    if days <= 0 {
        return Ok(Vec::new());
    }
    let age = SignedDuration::from_hours(days.saturating_mul(24));
    let keys = engine.0.store.ssh_keys().aging(now + SOON - age, AT_MOST).await?;
    let due = keys.into_iter().map(|key| Expiring {
        kind: "ssh_key",
        id: key.id,
        connection_id: None,
        name: key.name,
        at: key.created_at + age,
        reason: format!(
            "Due for rotation: SSH keys are to be replaced after {days} days (security.ssh_key_max_age_days)."
        ),
    });
    Ok(due.collect())
}
