//! What audit records say of a connection that was made or changed: every field that is no secret, before and after.

use courier_store::{
    audit::NewAudit,
    connections::{Connection, ConnectionChange},
};
use courier_transfer::Algorithm;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{certificates, fields::stored};
use crate::{Actor, audit::Entry};

/// Longer texts (certificates, lists of revoked ones) stand in a record by their checksum.
const LONGEST: usize = 2000;

/// The records of a new connection.
pub(super) fn created(actor: &Actor, change: &ConnectionChange) -> Vec<NewAudit> {
    let record = &change.record;
    let mut fields = told(&stored(None, record));
    fields.retain(|_, value| !value.is_null());
    let details = json!({
        "name": record.name,
        "protocol": record.protocol,
        "host": record.host,
        "fields": fields,
        "secrets_set": secrets(change, true),
        "ssh_key_ids": change.keys,
        "certificates": certificates::described(record),
    });
    let mut records = vec![
        Entry::new("connection_created", &actor.name, details)
            .on(record.id)
            .into(),
    ];
    records.extend(pinned(actor, record.id, None, change.pin.as_deref()));
    records
}

/// The records of a change. Where `moved`, it has another server now.
pub(super) fn changed(
    actor: &Actor,
    before: &Connection,
    change: &ConnectionChange,
    moved: bool,
) -> Vec<NewAudit> {
    let changes = differences(before, change);
    let mut details = json!({
        "name": change.record.name,
        "changed": changes.keys().collect::<Vec<_>>(),
        "changes": changes,
        "secrets_set": secrets(change, true),
        "secrets_cleared": secrets(change, false),
        "pins_cleared": change.clear_pins,
    });
    let certificates = (
        certificates::described(before),
        certificates::described(&change.record),
    );
    if let (true, Some(details)) = (certificates.0 != certificates.1, details.as_object_mut()) {
        let (before, after) = certificates;
        details.insert("certificates".into(), json!({"before": before, "after": after}));
    }
    let mut records = vec![
        Entry::new("connection_changed", &actor.name, details)
            .on(before.id)
            .into(),
    ];
    let pin = before.pinned_fingerprint.as_deref();
    records.extend(pinned(actor, before.id, pin, change.pin.as_deref()));
    if change.clear_pins && !moved {
        let details = json!({"before": pin, "after": null, "policy": before.host_key_policy});
        records.push(
            Entry::new("host_key_removed", &actor.name, details)
                .on(before.id)
                .into(),
        );
    }
    records
}

/// What a fingerprint that somebody entered leaves behind.
fn pinned(actor: &Actor, id: Uuid, before: Option<&str>, pin: Option<&str>) -> Option<NewAudit> {
    let details = json!({"before": before, "after": pin?, "policy": "manual"});
    Some(
        Entry::new("host_key_approved", &actor.name, details)
            .on(id)
            .into(),
    )
}

fn secrets(change: &ConnectionChange, set: bool) -> Vec<&str> {
    let named = change
        .secrets
        .iter()
        .filter(|(_, sealed)| sealed.is_some() == set);
    named.map(|(field, _)| field.as_str()).collect()
}

fn differences(before: &Connection, change: &ConnectionChange) -> Map<String, Value> {
    let (mut was, mut is) = (told(&stored(None, before)), told(&stored(None, &change.record)));
    if let Some(keys) = &change.keys {
        was.insert("ssh_key_ids".into(), json!(before.ssh_key_ids));
        is.insert("ssh_key_ids".into(), json!(keys));
    }
    let mut names: Vec<&String> = was.keys().chain(is.keys()).collect();
    names.sort();
    names.dedup();
    let value = |fields: &Map<String, Value>, name: &str| fields.get(name).cloned().unwrap_or_default();
    names
        .into_iter()
        .map(|name| (name, value(&was, name), value(&is, name)))
        .filter(|(_, was, is)| was != is)
        .map(|(name, was, is)| (name.clone(), json!({"before": was, "after": is})))
        .collect()
}

fn told(fields: &Map<String, Value>) -> Map<String, Value> {
    fields
        .iter()
        .map(|(name, value)| (name.clone(), shortened(value)))
        .collect()
}

fn shortened(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() > LONGEST => match Algorithm::Sha256.of(&mut text.as_bytes()) {
            Ok(checksum) => json!({"bytes": text.len(), "checksum": checksum.to_string()}),
            Err(_) => json!({"bytes": text.len()}),
        },
        _ => value.clone(),
    }
}
