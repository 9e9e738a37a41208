//! FIPS mode: which connections it rules, and what it refuses of them when they are saved (specification 6.13).
//!
//! What is approved the protocols know, of their settings ([`Describe::not_fips`]) and of what a server offers
//! ([`ConnectOptions::fips`](courier_transfer::ConnectOptions)), and [`keys`](crate::keys) of SSH keys.

use courier_store::{
    connections::{Connection, ConnectionStatus},
    ssh_keys::SshKey,
};
use courier_transfer::{Describe, settings::Problem};
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::{Engine, Error, Result, keys::is_approved, settings::FIPS_MODE};

/// The setting of a connection that exempts it.
pub(crate) const OVERRIDE: &str = "fips_override";

/// What FIPS mode has to say to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ruling {
    /// Nothing: it is off.
    Off,
    /// It is on, and rules the connection.
    On,
    /// It is on, and an admin has exempted the connection.
    Overridden,
}

impl Ruling {
    /// As it is now.
    pub(crate) async fn of(engine: &Engine, connection: &Connection) -> Result<Self> {
        Ok(match engine.settings().flag(&FIPS_MODE).await? {
            false => Self::Off,
            true if overrides(connection) => Self::Overridden,
            true => Self::On,
        })
    }
}

/// Is the connection exempt from FIPS mode, where that is on?
pub(crate) fn overrides(connection: &Connection) -> bool {
    connection.settings.get(OVERRIDE) == Some(&Value::Bool(true))
}

/// What a connection is to be saved with, beside its record.
#[derive(Debug, Default)]
pub(crate) struct News<'a> {
    /// A client certificate.
    pub(crate) certificate: Option<&'a SecretString>,
    /// Keys that it hasn't got yet.
    pub(crate) keys: &'a [SshKey],
}

/// Refuses to save what FIPS mode would not use. A disabled connection may keep its settings, so that any can be disabled.
///
/// # Errors
/// [`Error::NotFips`] with every problem, by field.
pub(crate) async fn check(
    engine: &Engine,
    protocol: &dyn Describe,
    record: &Connection,
    news: News<'_>,
) -> Result<()> {
    if Ruling::of(engine, record).await? != Ruling::On {
        return Ok(());
    }
    let mut fields = match record.status {
        ConnectionStatus::Active => of_settings(protocol, &record.settings),
        ConnectionStatus::Disabled => Vec::new(),
    };
    if let Some(why) = news
        .certificate
        .and_then(|pem| protocol.client_certificate_not_fips(pem))
    {
        fields.push(Problem::new("client_certificate", why));
    }
    fields.extend(
        news.keys
            .iter()
            .filter_map(|key| Some(Problem::new("ssh_key_ids", of_key(key)?))),
    );
    match fields.is_empty() {
        true => Ok(()),
        false => Err(Error::NotFips { fields }),
    }
}

/// Refuses to give a connection a key that the mode would not use.
///
/// # Errors
/// [`Error::NotFips`].
pub(crate) async fn check_key(engine: &Engine, connection: &Connection, key: &SshKey) -> Result<()> {
    match of_key(key) {
        Some(why) if Ruling::of(engine, connection).await? == Ruling::On => Err(Error::NotFips {
            fields: vec![Problem::new("ssh_key_id", why)],
        }),
        _ => Ok(()),
    }
}

/// What the mode does not allow in the settings of a connection.
pub(crate) fn of_settings(protocol: &dyn Describe, settings: &Map<String, Value>) -> Vec<Problem> {
    protocol
        .not_fips(settings)
        .into_iter()
        .map(|(field, message)| Problem::new(field, message))
        .collect()
}

/// Why the mode does not use a key.
pub(crate) fn of_key(key: &SshKey) -> Option<String> {
    (!is_approved(&key.key_type)).then(|| {
        format!(
            "the SSH key \"{}\" is of the type {}, which FIPS mode does not allow; it allows RSA from 2048 bits and ECDSA",
            key.name, key.key_type
        )
    })
}

/// May a server prove itself by a host key of this type, as SSH names it? An RSA key's length is looked at where it is
/// presented.
pub(crate) fn is_approved_host_key(key_type: &str) -> bool {
    key_type == "ssh-rsa" || key_type.starts_with("ecdsa-sha2-nistp")
}

/// The pinned types, where FIPS mode allows none of them: whatever the server presents then is no change of its key.
/// `None` also where a type is not known.
pub(crate) fn foreign_pins<'a>(types: impl Iterator<Item = Option<&'a str>>) -> Option<Vec<&'a str>> {
    let types = types.collect::<Option<Vec<_>>>()?;
    (!types.is_empty() && !types.iter().any(|key_type| is_approved_host_key(key_type))).then_some(types)
}
