//! Keeping connections: what changes with what, and who may.

use courier_store::{
    connections::{Connection, ConnectionChange, ConnectionStatus, HostKeyPolicy, Secret},
    ssh_keys::{SshKey, SshKeyStatus},
};
use courier_transfer::settings::Problem;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    DraftSecrets, certificates, changes,
    fields::{CLIENT_CERTIFICATE, Effective, FINGERPRINT, SECRETS, Shape, stored},
    found, host,
    parse::{Draft, parse},
};
use crate::{
    Actor, Engine, Error, Result, azure_functions, fips, secrets,
    trust::{self, Insecure},
};

/// How the input stands to what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// It is the whole.
    Replace,
    /// It is what changes.
    Patch,
}

pub(super) async fn create(engine: &Engine, actor: &Actor, input: Map<String, Value>) -> Result<Connection> {
    let draft = parse(engine, Connection::new("", ""), input.clone())?;
    certificates::check_pin(&draft.record, None, &input)?;
    check(engine, actor, &draft, None).await?;
    let mut change = ConnectionChange::new(draft.record.clone(), &actor.name);
    change.pin = draft.fingerprint.map(|f| f.to_string());
    change.keys = draft.keys;
    for (field, secret) in &draft.secrets {
        if let Some(secret) = secret {
            let sealed = secrets::seal_field(engine, &draft.record, field, secret).await?;
            change.secrets.push(((*field).into(), Some(sealed)));
        }
    }
    change.record.client_certificate_not_after = certificate_ends(engine, &draft.record, &draft.secrets);
    change.audit = changes::created(actor, &change);
    named(
        engine.0.store.connections().insert(change).await,
        &draft.record.name,
    )
}

/// Changes a connection. Somebody else's change in between is not lost: it is read again, a few times.
pub(super) async fn update(
    engine: &Engine,
    actor: &Actor,
    id: Uuid,
    input: Map<String, Value>,
    mode: Mode,
) -> Result<Connection> {
    let mut tries = 0;
    loop {
        let before = found(engine.0.store.connections().get(id).await, id)?;
        let change = changed(engine, actor, &before, input.clone(), mode).await?;
        let name = change.record.name.clone();
        match engine.0.store.connections().update(change).await {
            Err(courier_store::Error::Conflict(_)) if tries < 5 => tries += 1,
            result => return named(result, &name),
        }
    }
}

async fn changed(
    engine: &Engine,
    actor: &Actor,
    before: &Connection,
    input: Map<String, Value>,
    mode: Mode,
) -> Result<ConnectionChange> {
    let values = match mode {
        Mode::Replace => input.clone(),
        Mode::Patch => merged(engine, before, input.clone()),
    };
    let mut draft = parse(engine, before.clone(), values)?;
    let moved = endpoint(engine, before) != endpoint(engine, &draft.record);
    if moved {
        certificates::drop_pin(&mut draft.record.settings, &input);
    }
    certificates::check_pin(&draft.record, Some((before, moved)), &input)?;
    // What a client sends back unchanged is no wish to pin; under the policy manual it is one for another server.
    let manual = draft.record.host_key_policy == HostKeyPolicy::Manual;
    draft.fingerprint = draft
        .fingerprint
        .filter(|f| moved && manual || before.pinned_fingerprint.as_deref() != Some(&f.to_string()));
    let unpins =
        manual && before.pinned_fingerprint.is_some() && input.get(FINGERPRINT.name) == Some(&Value::Null);
    if unpins {
        trust::check_may_approve(engine, actor).await?;
    }
    check(engine, actor, &draft, Some(before)).await?;

    let mut change = ConnectionChange::new(draft.record.clone(), &actor.name);
    change.if_updated_at = Some(before.updated_at);
    change.clear_pins = moved || unpins;
    change.pin = draft.fingerprint.map(|f| f.to_string());
    change.keys = draft.keys.clone();
    change.forget_certificate = moved;
    change.secrets = sealed(engine, before, &draft).await?;
    if change
        .secrets
        .iter()
        .any(|(field, _)| field == CLIENT_CERTIFICATE)
    {
        change.record.client_certificate_not_after = certificate_ends(engine, &draft.record, &draft.secrets);
    }
    let proof_changed = !change.secrets.is_empty()
        || change.keys.is_some()
        || before.username != draft.record.username
        || before.auth_method != draft.record.auth_method
        || principal(before) != principal(&draft.record)
        || certificates::described(before) != certificates::described(&draft.record);
    change.reset_health =
        change.clear_pins || change.pin.is_some() || (proof_changed && !before.waits_for_host_key);
    change.audit = changes::changed(actor, before, &change, moved);
    Ok(change)
}

/// Who proves itself by a client secret.
fn principal(connection: &Connection) -> Option<&Value> {
    connection.settings.get(azure_functions::properties::FIELD)
}

/// Secrets to be written: those that the input names. The rest is cleared where it would be sent elsewhere from now on.
async fn sealed(
    engine: &Engine,
    before: &Connection,
    draft: &Draft,
) -> Result<Vec<(String, Option<Secret>)>> {
    let mut all = Vec::new();
    for (field, secret) in &draft.secrets {
        let sealed = match secret {
            Some(secret) => Some(secrets::seal_field(engine, &draft.record, field, secret).await?),
            None => None,
        };
        all.push(((*field).to_owned(), sealed));
    }
    let kept = before
        .secrets
        .iter()
        .filter(|field| !draft.secrets.iter().any(|(named, _)| named == field));
    let left =
        kept.filter(|field| receivers(engine, before, field) != receivers(engine, &draft.record, field));
    all.extend(left.map(|field| (field.clone(), None)));
    Ok(all)
}

/// When the client certificate among these secrets ends.
fn certificate_ends(
    engine: &Engine,
    record: &Connection,
    secrets: &[(&'static str, Option<SecretString>)],
) -> Option<Timestamp> {
    let (_, pem) = secrets.iter().find(|(field, _)| *field == CLIENT_CERTIFICATE)?;
    let protocol = engine.0.protocols.get(&record.protocol)?;
    protocol.client_certificate_ends(pem.as_ref()?)
}

/// A connection that is to be tested before it is saved.
pub(super) async fn draft(
    engine: &Engine,
    actor: &Actor,
    input: Map<String, Value>,
) -> Result<(Connection, DraftSecrets)> {
    let mut draft = parse(engine, Connection::new("", ""), input)?;
    // It is compared for this one test, and pins nothing, so that anybody may name it.
    let pin = draft.fingerprint.take();
    check(engine, actor, &draft, None).await?;
    let secret = |wanted: &str| -> Option<SecretString> {
        let (_, secret) = draft.secrets.iter().find(|(field, _)| *field == wanted)?;
        secret.clone()
    };
    draft.record.ssh_key_ids = draft.keys.clone().unwrap_or_default();
    let secrets = DraftSecrets {
        password: secret("password"),
        client_secret: secret(azure_functions::CLIENT_SECRET),
        client_certificate: secret(CLIENT_CERTIFICATE),
        keys: draft.keys.unwrap_or_default(),
        pin,
    };
    Ok((draft.record, secrets))
}

/// The stored fields with the input over them. Fields of another protocol don't come along to a new one.
fn merged(engine: &Engine, before: &Connection, input: Map<String, Value>) -> Map<String, Value> {
    let protocol = input
        .get("protocol")
        .and_then(Value::as_str)
        .unwrap_or(&before.protocol);
    let same = protocol == before.protocol;
    let shape = engine.0.protocols.get(&before.protocol).map(Shape::of);
    let mut values = stored(shape.as_ref(), before);
    if !same {
        let theirs = engine.0.protocols.get(protocol).map(Shape::of);
        let known = theirs.map(|s| s.settings()).unwrap_or_default();
        values.retain(|name, _| !before.settings.contains_key(name) || known.iter().any(|s| s.name == name));
        for field in ["host_key_policy", "port"] {
            values.remove(field);
        }
    }
    values.retain(|_, value| !value.is_null());
    certificates::overrule(&mut values, &input);
    values.extend(input);
    values
}

/// What makes the server another one, in the one spelling that its secrets are sealed with: `sftp://partner.example:22`.
/// Another server is another text, whatever the host is.
pub(crate) fn endpoint(engine: &Engine, connection: &Connection) -> String {
    let port = engine.0.protocols.get(&connection.protocol).and_then(|protocol| {
        let shape = Shape::of(protocol);
        Effective::of(&shape, connection).port(&shape, connection)
    });
    let host = connection
        .host
        .as_deref()
        .map(host::comparable)
        .unwrap_or_default();
    let port = port.map(|port| port.to_string()).unwrap_or_default();
    match host.contains(':') {
        true => format!("{}://[{host}]:{port}", connection.protocol),
        false => format!("{}://{host}:{port}", connection.protocol),
    }
}

/// Whom a secret of this name is sent to, in the one spelling that it is sealed with: the connection's server, and where it
/// goes beside that, after commas. Those are origins of addresses that were parsed, which hold none, so that the text has one
/// reading whatever the host is.
pub(crate) fn receivers(engine: &Engine, connection: &Connection, field: &str) -> String {
    let server = endpoint(engine, connection);
    let further = engine
        .0
        .protocols
        .get(&connection.protocol)
        .and_then(|protocol| protocol.secret_goes_to(field, &connection.settings));
    match further {
        Some(further) => format!("{server}, {further}"),
        None => server,
    }
}

/// Rules that depend on who saves, and on other records.
async fn check(engine: &Engine, actor: &Actor, draft: &Draft, before: Option<&Connection>) -> Result<()> {
    let record = &draft.record;
    if draft.fingerprint.is_some() {
        if record.host_key_policy != HostKeyPolicy::Manual {
            let message = "pins change by a test (first use) or by an approval; only under the policy manual can one be \
                           entered";
            return Err(Error::ProtocolConfig {
                fields: vec![Problem::new("stored_host_fingerprint", message)],
            });
        }
        trust::check_may_approve(engine, actor).await?;
    }
    if let Some(before) = before {
        check_decision(engine, actor, before, record).await?;
    }
    // Disabling an insecure connection must always be possible.
    let disables = before.is_some() && record.status == ConnectionStatus::Disabled;
    let moved = before.is_some_and(|b| endpoint(engine, b) != endpoint(engine, record));
    if let Some(insecure) = Insecure::of(record) {
        let decides = moved || before.is_none_or(|b| Insecure::of(b) != Some(insecure));
        if decides || !disables {
            insecure.check(engine, Some(actor).filter(|_| decides)).await?;
        }
    }
    // What was allowed for one server is not allowed for another.
    let elsewhere = |before: &Connection| {
        SECRETS
            .iter()
            .any(|field| receivers(engine, before, field) != receivers(engine, record, field))
    };
    let inherits = before.is_some_and(|before| fips::overrides(before) && !elsewhere(before));
    if fips::overrides(record) && !inherits && !actor.is_admin() {
        return Err(Error::FipsOverrideNeedsAdmin);
    }
    let keys = new_keys(engine, draft.keys.as_deref().unwrap_or_default(), before).await?;
    let Some(protocol) = engine.0.protocols.get(&record.protocol) else {
        return Ok(());
    };
    let certificate = draft
        .secrets
        .iter()
        .find(|(field, _)| *field == CLIENT_CERTIFICATE);
    let news = fips::News {
        certificate: certificate.and_then(|(_, secret)| secret.as_ref()),
        keys: &keys,
    };
    fips::check(engine, protocol, record, news).await
}

/// A decision about a host key that is somebody else's to make is not made by a change of the connection: a move forgets
/// what was pinned and what waits, and another policy than `manual` takes keys that nobody has approved.
async fn check_decision(
    engine: &Engine,
    actor: &Actor,
    before: &Connection,
    record: &Connection,
) -> Result<()> {
    let (was, is) = (before.host_key_policy, record.host_key_policy);
    let moved = endpoint(engine, before) != endpoint(engine, record);
    let what = if before.waits_for_host_key && moved {
        "its server's host key has changed and waits for a decision, so its host, port and protocol stay until then"
    } else if before.waits_for_host_key && was != is && is == HostKeyPolicy::AlwaysTrust {
        "its server's host key has changed and waits for a decision, so its policy can't become always_trust until then"
    } else if was == HostKeyPolicy::Manual && was != is {
        "its host key policy is manual, and another one takes keys that nobody has approved"
    } else {
        return Ok(());
    };
    trust::check_may_approve(engine, actor)
        .await
        .map_err(|error| match error {
            Error::Forbidden(why) => Error::Forbidden(format!("{what}; {why}")),
            other => other,
        })
}

/// The keys that it hasn't got yet; each must be there and active.
async fn new_keys(engine: &Engine, keys: &[Uuid], before: Option<&Connection>) -> Result<Vec<SshKey>> {
    let new = keys
        .iter()
        .filter(|key| !before.is_some_and(|b| b.ssh_key_ids.contains(key)));
    let mut found = Vec::new();
    for id in new {
        match engine.0.store.ssh_keys().get(*id).await {
            Ok(key) if key.status == SshKeyStatus::Active => found.push(key),
            Ok(key) => {
                return Err(Error::KeyNotActive {
                    name: key.name,
                    status: key.status.to_string(),
                });
            }
            Err(courier_store::Error::NotFound { .. }) => {
                return Err(Error::field("ssh_key_ids", format!("there is no SSH key {id}")));
            }
            Err(e) => return Err(e.into()),
        }
    }
    Ok(found)
}

/// The store's answer, with the name that is taken.
fn named(result: courier_store::Result<Connection>, name: &str) -> Result<Connection> {
    match result {
        Err(courier_store::Error::Duplicate { field: "name", .. }) => Err(Error::Duplicate {
            what: "connection",
            name: name.into(),
        }),
        Err(courier_store::Error::Conflict(message)) => Err(Error::Conflict(message)),
        result => Ok(result?),
    }
}
