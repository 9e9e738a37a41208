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
    let record = |before: &[KnownHost], after: &KnownHost| {
        let before: Vec<&str> = before.iter().map(|pin| pin.fingerprint.as_str()).collect();
        let details =
            json!({"before": before, "after": after.fingerprint, "key_type": after.key_type, "added": add});
        Entry::new("host_key_approved", &actor.name, details)
            .on(connection.id)
            .into()
    };
    match hosts
        .approve(connection.id, &fingerprint.to_string(), &actor.name, add, record)
        .await
    {
        Err(courier_store::Error::NotFound { .. }) => Err(Error::field(
            "fingerprint",
            "the server has never presented this host key; test the connection, compare what it presents with its \
             operator, and approve that",
        )),
        result => Ok(result?),
    }
}
