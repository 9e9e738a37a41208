//! The SSH keys of a connection: several may be active, so that one can be replaced without a gap.

use courier_store::{connection_keys, connections::Connection, ssh_keys::SshKey};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::{Actor, Engine, Error, Result, audit::Entry, keys::Key};

/// A key of a connection.
#[derive(Clone, Debug)]
pub struct ConnectionKey {
    /// The key; none where it was deleted since.
    pub key: Option<Key>,
    /// Its id.
    pub ssh_key_id: Uuid,
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
    let mut keys = Vec::new();
    for used in engine.0.store.connection_keys().list(connection).await? {
        keys.push(view(engine, used).await?);
    }
    Ok(keys)
}

pub(super) async fn add(
    engine: &Engine,
    actor: &Actor,
    connection: &Connection,
    key: AddKey,
) -> Result<ConnectionKey> {
    let id = match key {
        AddKey::Existing(id) => engine.keys().get(id).await?.id,
        AddKey::Generate(key_type) => {
            let name = free_name(engine, &connection.name).await?;
            let notes = Some(format!("Made for the connection {}.", connection.name));
            engine.keys().generate(actor, &name, &key_type, notes).await?.id
        }
    };
    let added = match engine
        .0
        .store
        .connection_keys()
        .add(connection.id, id, &actor.name)
        .await
    {
        Err(courier_store::Error::Conflict(_)) => {
            let key = engine.keys().get(id).await?;
            return Err(Error::KeyNotActive {
                name: key.name,
                status: key.status.to_string(),
            });
        }
        Err(courier_store::Error::Duplicate { .. }) => {
            return Err(Error::Conflict("the connection uses this key already".into()));
        }
        result => result?,
    };
    let details = json!({"ssh_key_id": id});
    engine
        .audit()
        .record(Entry::new("key_added", &actor.name, details).on(connection.id))
        .await?;
    view(engine, added).await
}

pub(super) async fn revoke(
    engine: &Engine,
    actor: &Actor,
    connection: &Connection,
    key: Uuid,
    force: bool,
) -> Result<ConnectionKey> {
    let keys = engine.0.store.connection_keys();
    let active = keys.usable(connection.id).await?;
    if active == [key] && !force {
        return Err(Error::Conflict(
            "this is the connection's last active key: without it no key can log in. Add another one first, or revoke with \
             force"
                .into(),
        ));
    }
    let revoked = match keys.revoke(connection.id, key).await {
        Err(courier_store::Error::NotFound { .. }) => {
            return Err(Error::not_found("key of this connection", key));
        }
        result => result?,
    };
    let details = json!({"ssh_key_id": key, "forced": force, "active_left": active.len().saturating_sub(1)});
    engine
        .audit()
        .record(Entry::new("key_revoked", &actor.name, details).on(connection.id))
        .await?;
    view(engine, revoked).await
}

async fn view(engine: &Engine, used: connection_keys::ConnectionKey) -> Result<ConnectionKey> {
    let key: Option<SshKey> = match engine.0.store.ssh_keys().get(used.ssh_key_id).await {
        Ok(key) => Some(key),
        Err(courier_store::Error::NotFound { .. }) => None,
        Err(e) => return Err(e.into()),
    };
    Ok(ConnectionKey {
        key,
        ssh_key_id: used.ssh_key_id,
        status: used.status,
        last_used_at: used.last_used_at,
        added_at: used.added_at,
        added_by: used.added_by,
        revoked_at: used.revoked_at,
    })
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
