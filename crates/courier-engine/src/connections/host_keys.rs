//! Approving a host key.

use courier_store::{connections::Connection, known_hosts::KnownHost};
use courier_transfer::Fingerprint;
use serde_json::json;

use crate::{Actor, Engine, Error, Result, audit::Entry, trust};

pub(super) async fn approve(
    engine: &Engine,
    actor: &Actor,
    connection: &Connection,
    fingerprint: &str,
    add: bool,
) -> Result<KnownHost> {
    trust::check_may_approve(engine, actor).await?;
    let fingerprint = fingerprint
        .parse::<Fingerprint>()
        .map_err(|e| Error::field("fingerprint", e.to_string()))?;
    let hosts = engine.0.store.known_hosts();
    let before: Vec<String> = hosts
        .pins(connection.id)
        .await?
        .into_iter()
        .map(|pin| pin.fingerprint)
        .collect();
    let approved = match hosts
        .approve(connection.id, &fingerprint.to_string(), &actor.name, add)
        .await
    {
        Err(courier_store::Error::NotFound { .. }) => {
            return Err(Error::field(
                "fingerprint",
                "the server has never presented this host key; test the connection, compare what it presents with its \
                 operator, and approve that",
            ));
        }
        result => result?,
    };
    let details =
        json!({"before": before, "after": approved.fingerprint, "key_type": approved.key_type, "added": add});
    engine
        .audit()
        .record(Entry::new("host_key_approved", &actor.name, details).on(connection.id))
        .await?;
    Ok(approved)
}
