//! The SSH keys of a connection: several may be active, so that one can be replaced without a gap.

use courier_store::{
    connection_keys::{self, UsableKey},
    connections::Connection,
};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::fields::Shape;
use crate::{
    Actor, Engine, Error, Problem, Result,
    audit::Entry,
    fips::{self, Ruling},
    keys::{self, Key},
};

/// A key of a connection.
#[derive(Clone, Debug)]
pub struct ConnectionKey {
    /// The key, also where it was deleted since.
    pub key: Key,
    /// Does the connection still use it?
    pub status: connection_keys::KeyUse,
    /// When a server last accepted it on this connection.
    pub last_used_at: Option<Timestamp>,
    /// When it was given to the connection.
    pub added_at: Timestamp,
    /// By whom.
    pub added_by: String,
    /// When it was taken from it.
    pub revoked_at: Option<Timestamp>,
}

/// A key to give to a connection.
#[derive(Clone, Debug)]
pub enum AddKey {
    /// Make one of this type: `ed25519`, …
    Generate(String),
    /// One of the store.
    Existing(Uuid),
}

pub(super) async fn list(engine: &Engine, connection: Uuid) -> Result<Vec<ConnectionKey>> {
    let used = engine.0.store.connection_keys().list(connection).await?;
    views(engine, used).await
}

pub(super) async fn add(
    engine: &Engine,
    actor: &Actor,
    connection: &Connection,
    key: AddKey,
) -> Result<ConnectionKey> {
    let protocol = engine.0.protocols.get(&connection.protocol);
    if protocol.is_some_and(|protocol| !Shape::of(protocol).host_keys) {
        let message = format!(
            "is not known for connections of the protocol {}",
            connection.protocol
        );
        return Err(Error::ProtocolConfig {
            fields: vec![Problem::new("ssh_key_ids", message)],
        });
    }
    let key = match key {
        AddKey::Existing(id) => engine.keys().get(id).await?,
        AddKey::Generate(key_type) => {
            let name = free_name(engine, &connection.name).await?;
            let notes = Some(format!("Made for the connection {}.", connection.name));
            engine.keys().generate(actor, &name, &key_type, notes).await?
        }
    };
    fips::check_key(engine, connection, &key).await?;
    let details = json!({"ssh_key_id": key.id, "name": key.name, "fingerprint": key.fingerprint});
    let record = Entry::new("key_added", &actor.name, details).on(connection.id);
    let keys = engine.0.store.connection_keys();
    match keys.add(connection.id, key.id, &actor.name, record.into()).await {
        Err(courier_store::Error::Conflict(_)) => {
            let key = engine.keys().get(key.id).await?;
            Err(Error::KeyNotActive {
                name: key.name,
                status: key.status.to_string(),
            })
        }
        Err(courier_store::Error::Duplicate { .. }) => {
            Err(Error::Conflict("the connection uses this key already".into()))
        }
        added => view(engine, added?).await,
    }
}

pub(super) async fn revoke(
    engine: &Engine,
    actor: &Actor,
    connection: &Connection,
    key: Uuid,
    force: bool,
) -> Result<ConnectionKey> {
    let rules = Ruling::of(engine, connection).await? == Ruling::On;
    let decide = |usable: &[UsableKey]| {
        let works = |other: &&UsableKey| !rules || keys::is_approved(&other.key_type);
        let usable: Vec<&UsableKey> = usable.iter().filter(works).collect();
        match last_one(&usable, key).filter(|_| !force) {
            Some(why) => Err(why),
            None => {
                let left = usable.iter().filter(|other| other.ssh_key_id != key);
                let left: Vec<&str> = left.map(|other| other.name.as_str()).collect();
                let details = json!({"ssh_key_id": key, "forced": force, "left": left});
                Ok(Entry::new("key_revoked", &actor.name, details)
                    .on(connection.id)
                    .into())
            }
        }
    };
    match engine
        .0
        .store
        .connection_keys()
        .revoke(connection.id, key, decide)
        .await
    {
        Err(courier_store::Error::NotFound { .. }) => Err(Error::not_found("key of this connection", key)),
        Err(courier_store::Error::Conflict(why)) => Err(Error::Conflict(why)),
        revoked => view(engine, revoked?).await,
    }
}

/// Why a key shouldn't be taken away: of those that the connection may log in with, it is the last one that works.
fn last_one(usable: &[&UsableKey], key: Uuid) -> Option<String> {
    let one = usable.iter().find(|one| one.ssh_key_id == key)?;
    let mut others = usable.iter().filter(|other| other.ssh_key_id != key).peekable();
    if others.peek().is_none() {
        return Some(format!(
            "\"{}\" is the connection's last key that can be used: without it no key can log in. Add another one first, or \
             revoke with force",
            one.name
        ));
    }
    if one.last_used_at.is_none() || others.any(|other| other.last_used_at.is_some()) {
        return None;
    }
    Some(format!(
        "\"{}\" is the only key that the server has accepted on this connection until now; none of the others has ever \
         logged in. Install another one on the server and test the connection, or revoke with force",
        one.name
    ))
}

async fn view(engine: &Engine, used: connection_keys::ConnectionKey) -> Result<ConnectionKey> {
    let id = used.ssh_key_id;
    let mut views = views(engine, vec![used]).await?;
    views.pop().ok_or_else(|| Error::not_found("SSH key", id))
}

async fn views(engine: &Engine, used: Vec<connection_keys::ConnectionKey>) -> Result<Vec<ConnectionKey>> {
    let ids: Vec<Uuid> = used.iter().map(|used| used.ssh_key_id).collect();
    let keys = engine.keys().of_any_status(&ids).await?;
    let views = used.into_iter().filter_map(|used| {
        let key = keys.iter().find(|key| key.id == used.ssh_key_id)?;
        Some(ConnectionKey {
            key: key.clone(),
            status: used.status,
            last_used_at: used.last_used_at,
            added_at: used.added_at,
            added_by: used.added_by,
            revoked_at: used.revoked_at,
        })
    });
    Ok(views.collect())
}

/// `name`, or `name (2)`, …: generated keys are named after their connection.
async fn free_name(engine: &Engine, name: &str) -> Result<String> {
    let mut taken = Vec::new();
    let mut page = crate::PageRequest::first(1000);
    loop {
        let keys = engine.0.store.ssh_keys().list(None, &page).await?;
        taken.extend(keys.items.into_iter().map(|key| key.name));
        match keys.next_cursor {
            Some(cursor) => page.cursor = Some(cursor),
            None => break,
        }
    }
    let numbered = (2u32..).map(|n| format!("{name} ({n})"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names
        .find(|name| !taken.contains(name))
        .ok_or_else(|| Error::Internal("no name is free".into()))
}
