//! A connection out of JSON, with every problem at once.

use courier_store::connections::{AuthMethod, Connection, ConnectionStatus, HostKeyPolicy};
use courier_transfer::{
    Fingerprint,
    settings::{Problem, Setting},
};
use secrecy::SecretString;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    certificates,
    fields::{
        AUTH_METHOD, BASE_PATH, CLIENT_CERTIFICATE, FINGERPRINT, GROUP, HOST, HOST_KEY_POLICY,
        LOCAL_BASE_PATH, NAME, NOTES, PORT, PROTOCOL, READ_ONLY, SECRETS, STATUS, Shape, USERNAME,
    },
    host,
};
use crate::{
    Engine, Error, Result,
    input::{Input, name_problem, uuid},
    secrets,
};

/// What somebody wants a connection to be.
#[derive(Debug)]
pub(super) struct Draft {
    /// All fields that are no secrets.
    pub(super) record: Connection,
    /// Secrets to be set or cleared, by field.
    pub(super) secrets: Vec<(&'static str, Option<SecretString>)>,
    /// The keys that it shall use; none where the input doesn't name them.
    pub(super) keys: Option<Vec<Uuid>>,
    /// The pin that the input names.
    pub(super) fingerprint: Option<Fingerprint>,
}

/// A secret's longest text, in bytes.
const MAX_SECRET: usize = 64 * 1024;

/// Reads all fields of a connection into `record`, whose id and times stay.
///
/// # Errors
/// [`Error::Validation`] with every problem where one is of a common field; else [`Error::ProtocolConfig`].
pub(super) fn parse(engine: &Engine, record: Connection, values: Map<String, Value>) -> Result<Draft> {
    let implied = implied_auth_method(&record, &values);
    let mut input = Input::new("", values);
    input.ignore(READ_ONLY);
    let mut record = Connection {
        name: input.text(&NAME).unwrap_or_default(),
        group: input.text(&GROUP),
        notes: input.text(&NOTES),
        status: word(input.text(&STATUS)).unwrap_or(ConnectionStatus::Active),
        protocol: input.text(&PROTOCOL).unwrap_or_default(),
        ..record
    };
    if !record.name.is_empty()
        && let Some(message) = name_problem(&record.name)
    {
        input.problem("name", message);
    }
    let Some(protocol) = engine.0.protocols.get(&record.protocol) else {
        if !record.protocol.is_empty() {
            let known = engine.0.protocols.names().join(", ");
            input.problem("protocol", format!("must be one of {known}"));
        }
        // Which other fields there may be depends on the protocol.
        let fields = input.problems_so_far();
        return Err(Error::Validation { fields });
    };
    let shape = Shape::of(protocol);
    let mut config = Vec::new();
    endpoint(engine, &shape, implied, &mut input, &mut record, &mut config);
    let (keys, fingerprint) = if shape.host_keys {
        (keys(&mut input), fingerprint(&mut input))
    } else {
        (None, None)
    };
    let secrets = secret_fields(&shape, &mut input, &mut config);
    record.settings = settings(&shape, &mut input, &mut config);
    let (problems, unknown) = input.finish_apart();
    config.extend(
        unknown
            .into_iter()
            .filter(|(field, value)| !(says_nothing(value) && shape.is_foreign(field)))
            .map(|(field, _)| {
                let message = format!("is not known for connections of the protocol {}", record.protocol);
                Problem::new(field, message)
            }),
    );
    if !problems.is_empty() {
        return Err(Error::Validation {
            fields: problems.into_iter().chain(config).collect(),
        });
    }
    if !config.is_empty() {
        return Err(Error::ProtocolConfig { fields: config });
    }
    Ok(Draft {
        record,
        secrets,
        keys,
        fingerprint,
    })
}

fn endpoint(
    engine: &Engine,
    shape: &Shape<'_>,
    implied: AuthMethod,
    input: &mut Input,
    record: &mut Connection,
    config: &mut Vec<Problem>,
) {
    let methods = shape.protocol.auth_methods();
    let method = input.text(&AUTH_METHOD).or_else(|| match methods {
        [only] => Some((*only).to_owned()),
        _ => Some(implied.to_string()).filter(|implied| methods.contains(&implied.as_str())),
    });
    match method {
        Some(method) if methods.contains(&method.as_str()) => {
            record.auth_method = word(Some(method)).unwrap_or(AuthMethod::None);
        }
        Some(method) => {
            let message = format!("must be one of {}", methods.join(", "));
            // One that there is, for another protocol, is a matter of the protocol's configuration.
            match word::<AuthMethod>(Some(method)) {
                Some(_) => config.push(Problem::new("auth_method", message)),
                None => input.problem("auth_method", message),
            }
        }
        None => input.problem(
            "auth_method",
            format!("is required: one of {}", methods.join(", ")),
        ),
    }
    if !shape.host {
        record.host_key_policy = HostKeyPolicy::TrustOnFirstUse;
        (record.host, record.port, record.username) = (None, None, None);
        record.base_path = input.text(&LOCAL_BASE_PATH);
        if let Some(Err(message)) = record
            .base_path
            .as_deref()
            .map(|path| engine.0.paths.check_base(path))
        {
            config.push(Problem::new("base_path", message));
        }
        return;
    }
    let known = std::mem::replace(&mut record.host, input.text(&HOST));
    // What is stored already may stay, so that its connection can still be disabled.
    if record.host != known
        && let Some(problem) = record.host.as_deref().and_then(host::problem)
    {
        input.problem("host", problem);
    }
    record.port = input.integer(&PORT).and_then(|port| u16::try_from(port).ok());
    if !shape.files {
        record.host_key_policy = HostKeyPolicy::TrustOnFirstUse;
        (record.username, record.base_path) = (None, None);
        return;
    }
    record.username = input.text(&USERNAME);
    let logs_in = secrets::uses_password(record.auth_method) || secrets::uses_keys(record.auth_method);
    if record.username.is_none() && logs_in && !input.has_problem("username") {
        input.problem(
            "username",
            format!("is required for the authentication by {}", record.auth_method),
        );
    }
    record.base_path = input.text(&BASE_PATH);
    record.host_key_policy = match shape.host_keys {
        true => word(input.text(&HOST_KEY_POLICY)).unwrap_or(HostKeyPolicy::TrustOnFirstUse),
        false => HostKeyPolicy::TrustOnFirstUse,
    };
}

/// How a connection logs in whose input doesn't say it: with what it brings or has already, and with a key where there
/// is nothing.
fn implied_auth_method(record: &Connection, values: &Map<String, Value>) -> AuthMethod {
    let brings = |field: &str, has: bool| values.get(field).map_or(has, |value| !says_nothing(value));
    let has_password = record.secrets.iter().any(|field| field == "password");
    let password = brings("password", has_password);
    let key = brings("ssh_key_ids", !record.ssh_key_ids.is_empty()) || brings("ssh_key_id", false);
    match (password, key) {
        (true, true) => AuthMethod::PasswordAndSshKey,
        (true, false) => AuthMethod::Password,
        (false, _) => AuthMethod::SshKey,
    }
}

fn word<T: std::str::FromStr>(text: Option<String>) -> Option<T> {
    text.and_then(|text| text.parse().ok())
}

/// `ssh_key_ids`, or one `ssh_key_id`; `null` takes all keys away.
fn keys(input: &mut Input) -> Option<Vec<Uuid>> {
    let list = input.raw("ssh_key_ids");
    let one = input.raw("ssh_key_id");
    let (field, value) = match (list, one) {
        (Some(list), _) => ("ssh_key_ids", list),
        (None, Some(one)) => ("ssh_key_id", one),
        (None, None) => return None,
    };
    let values = match value {
        Value::Null => Vec::new(),
        Value::Array(items) if field == "ssh_key_ids" => items,
        one @ Value::String(_) if field == "ssh_key_id" => vec![one],
        _ => {
            input.problem(
                field,
                if field == "ssh_key_id" {
                    "must be the id of an SSH key"
                } else {
                    "must be a list of ids of SSH keys"
                },
            );
            return None;
        }
    };
    let ids: Vec<Uuid> = values.iter().filter_map(uuid).collect();
    if ids.len() != values.len() {
        input.problem(field, "must hold ids of SSH keys");
    }
    Some(ids)
}

fn fingerprint(input: &mut Input) -> Option<Fingerprint> {
    let text = input.text(&FINGERPRINT)?;
    match text.parse::<Fingerprint>() {
        Ok(fingerprint) => Some(fingerprint),
        Err(e) => {
            input.problem("stored_host_fingerprint", e.to_string());
            None
        }
    }
}

fn secret_fields(
    shape: &Shape<'_>,
    input: &mut Input,
    config: &mut Vec<Problem>,
) -> Vec<(&'static str, Option<SecretString>)> {
    let mut found = Vec::new();
    for field in SECRETS.iter().filter(|field| shape.has_secret(field)) {
        match input.raw(field) {
            None => {}
            Some(Value::Null) => found.push((*field, None)),
            Some(Value::String(text)) if text.is_empty() => {
                input.problem(field, "must not be empty; null clears it")
            }
            Some(Value::String(text)) if text.len() > MAX_SECRET => {
                input.problem(field, "is longer than 64 KiB")
            }
            Some(Value::String(text)) => {
                let secret = SecretString::from(text);
                if *field == CLIENT_CERTIFICATE
                    && let Err(message) = shape.protocol.check_client_certificate(&secret)
                {
                    config.push(Problem::new(*field, message));
                }
                found.push((*field, Some(secret)));
            }
            Some(_) => input.problem(field, "must be a text"),
        }
    }
    found
}

/// The settings: common ones are validated as such, the protocol's own as its configuration.
fn settings(shape: &Shape<'_>, input: &mut Input, config: &mut Vec<Problem>) -> Map<String, Value> {
    let own = shape.protocol.settings();
    let mut values = Map::new();
    for setting in shape.settings() {
        let is_own = own.iter().any(|s| s.name == setting.name);
        match input.raw(setting.name).filter(|v| !v.is_null()) {
            Some(value) => {
                if let Some(message) = setting.check(&value) {
                    note(is_own, &setting, message, input, config);
                } else {
                    values.insert(setting.name.into(), value);
                }
            }
            None if setting.required => note(is_own, &setting, "is required".into(), input, config),
            None => {}
        }
    }
    if shape.certificates {
        certificates::read_switch(input.raw(certificates::VALIDATE.name), &mut values, config);
        certificates::read_pin(&mut values, config);
    }
    let checked = shape.protocol.check(&courier_transfer::settings::with_defaults(
        own,
        &own_values(own, &values),
    ));
    config.extend(
        checked
            .into_iter()
            .map(|(field, message)| Problem::new(field, message)),
    );
    values
}

fn note(is_own: bool, setting: &Setting, message: String, input: &mut Input, config: &mut Vec<Problem>) {
    if is_own {
        config.push(Problem::new(setting.name, message));
    } else {
        input.problem(setting.name, message);
    }
}

fn own_values(own: &[Setting], values: &Map<String, Value>) -> Map<String, Value> {
    values
        .iter()
        .filter(|(name, _)| own.iter().any(|s| s.name == name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Is this what a connection shows in a field that its protocol doesn't have? Then it may be sent back.
fn says_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}
