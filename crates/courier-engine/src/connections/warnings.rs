//! What is insecure or weak about a connection, in words.

use std::collections::HashMap;

use courier_store::{
    connections::{AuthMethod, Connection, HostKeyPolicy},
    ssh_keys::SshKey,
};
use courier_transfer::CertificatePolicy;
use uuid::Uuid;

use super::{Effective, Shape};
use crate::{
    Engine, Result,
    fips::{self, Ruling},
    settings::FIPS_MODE,
    trust::Insecure,
};

/// RSA keys that are shorter are weak.
const SHORT: u32 = 2048;

/// What has to be known beside the connections themselves, read once for all of a page.
#[derive(Debug)]
pub(super) struct Warnings {
    fips: bool,
    keys: HashMap<Uuid, SshKey>,
    /// The types of their pins; read in FIPS mode only.
    pins: HashMap<Uuid, Vec<Option<String>>>,
}

impl Warnings {
    /// About these.
    pub(super) async fn about(engine: &Engine, connections: &[Connection]) -> Result<Self> {
        let fips = engine.settings().flag(&FIPS_MODE).await?;
        let mut ids: Vec<Uuid> = connections.iter().flat_map(|c| c.ssh_key_ids.clone()).collect();
        ids.sort();
        ids.dedup();
        let keys = match ids.as_slice() {
            [] => Vec::new(),
            ids => engine.keys().of_any_status(ids).await?,
        };
        let mut pins: HashMap<Uuid, Vec<Option<String>>> = HashMap::new();
        let pinned: Vec<Uuid> = connections
            .iter()
            .filter(|c| fips && c.pinned_fingerprint.is_some())
            .map(|c| c.id)
            .collect();
        if !pinned.is_empty() {
            let types = engine.0.store.known_hosts().pinned_types(&pinned).await?;
            for (connection, key_type) in types {
                pins.entry(connection).or_default().push(key_type);
            }
        }
        Ok(Self {
            fips,
            keys: keys.into_iter().map(|key| (key.id, key)).collect(),
            pins,
        })
    }

    /// Every insecure or weak choice of one of them.
    pub(super) fn of(&self, shape: &Shape<'_>, connection: &Connection) -> Vec<String> {
        let mut warnings = trust(shape, connection);
        if connection.auth_method == AuthMethod::Password {
            let instead = match shape.host_keys {
                true => "; an SSH key is safer where the server takes one",
                false => "",
            };
            warnings.push(format!(
                "Password authentication sends the secret on every connection{instead}."
            ));
        }
        warnings.extend(self.keys_of(connection).filter_map(|key| {
            let bits: u32 = key.key_type.strip_prefix("rsa_")?.parse().ok()?;
            (bits < SHORT).then(|| {
                format!(
                    "The SSH key \"{}\" is an RSA key of {bits} bits, which is weak; replace it.",
                    key.name
                )
            })
        }));
        let effective = Effective::of(shape, connection);
        warnings.extend(shape.protocol.warnings(&effective.0));
        warnings.extend(self.fips(shape, connection));
        warnings
    }

    fn ruling(&self, connection: &Connection) -> Ruling {
        match (self.fips, fips::overrides(connection)) {
            (false, _) => Ruling::Off,
            (true, false) => Ruling::On,
            (true, true) => Ruling::Overridden,
        }
    }

    fn keys_of(&self, connection: &Connection) -> impl Iterator<Item = &SshKey> {
        connection.ssh_key_ids.iter().filter_map(|id| self.keys.get(id))
    }

    /// What FIPS mode keeps from being used, or would, were the connection not exempt.
    fn fips(&self, shape: &Shape<'_>, connection: &Connection) -> Vec<String> {
        match self.ruling(connection) {
            Ruling::Off if fips::overrides(connection) => {
                return vec!["Exempt from FIPS mode (fips_override), should that be switched on.".to_owned()];
            }
            Ruling::Off => return Vec::new(),
            Ruling::Overridden => {
                return vec![
                    "Exempt from FIPS mode (fips_override): it may use algorithms that the mode does not allow.".to_owned(),
                ];
            }
            Ruling::On => {}
        }
        let mut warnings = Vec::new();
        if Insecure::of(connection).is_some() {
            warnings.push(
                "FIPS mode: a server is not accepted without a look, so this connection connects nowhere."
                    .into(),
            );
        }
        let settings = fips::of_settings(shape.protocol, &connection.settings);
        warnings.extend(
            settings
                .iter()
                .map(|problem| format!("FIPS mode: {}: {}.", problem.field, problem.message)),
        );
        warnings.extend(
            self.keys_of(connection)
                .filter_map(fips::of_key)
                .map(|why| format!("FIPS mode: {why}.")),
        );
        let pins = self.pins.get(&connection.id).into_iter().flatten();
        if let Some(types) = fips::foreign_pins(pins.map(Option::as_deref)) {
            warnings.push(format!(
                "FIPS mode: the pinned host key is of the type {}, which the mode does not allow; test the connection, and \
                 approve another key of its server.",
                types.join(", ")
            ));
        }
        warnings
    }
}

/// What is accepted without a look, or nothing yet.
fn trust(shape: &Shape<'_>, connection: &Connection) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(insecure) = Insecure::of(connection) {
        warnings.push(insecure.warning().to_owned());
    }
    if shape.host_keys
        && connection.host_key_policy == HostKeyPolicy::Manual
        && connection.pinned_fingerprint.is_none()
    {
        warnings.push("No host key is approved yet, so this connection connects nowhere.".to_owned());
    }
    if CertificatePolicy::of(&connection.settings) == CertificatePolicy::Pinned(None) {
        warnings.push("No certificate is pinned yet, so this connection connects nowhere.".to_owned());
    }
    warnings
}
