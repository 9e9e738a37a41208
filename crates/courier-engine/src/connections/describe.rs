//! The fields of a protocol's connections, as a form shows them: the same tables that check them, in the order in which
//! somebody fills them in.

use std::collections::BTreeMap;

use courier_store::connections::AuthMethod;
use courier_transfer::{
    Describe, KnownAlgorithms,
    settings::{Default as Standard, Group, Kind, Setting, When},
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::fields::{
    AUTH_METHOD, BASE_PATH, BY_KEY, BY_PASSWORD, FINGERPRINT, HOST, HOST_KEY_POLICY, LOCAL_BASE_PATH,
    LOGS_IN, PORT, SECRETS, Shape, USERNAME,
};

/// A protocol, and all that its connections take.
#[derive(Clone, Debug, Serialize)]
pub struct ProtocolDescription {
    /// Its name.
    pub name: &'static str,
    /// What it is, and when to take it.
    pub help: &'static str,
    /// The port where none is given; none for a protocol without a host.
    pub default_port: Option<u16>,
    /// Does it move files?
    pub moves_files: bool,
    /// How it can authenticate, the recommended way first.
    pub auth_methods: &'static [&'static str],
    /// The fields, without those that are about no protocol.
    pub fields: Vec<Field>,
    /// What `ssh_algorithms` may name.
    pub algorithms: Option<KnownAlgorithms>,
}

/// A field of a connection, by its names in the API.
#[derive(Clone, Debug, Serialize)]
pub struct Field {
    name: String,
    #[serde(rename = "type")]
    kind: Value,
    group: Group,
    required: bool,
    required_when: Option<When>,
    default: Option<Value>,
    choices: Option<Vec<&'static str>>,
    choices_help: BTreeMap<&'static str, &'static str>,
    min: Option<i64>,
    max: Option<i64>,
    when: Option<When>,
    help: &'static str,
}

impl Field {
    fn of(setting: &Setting) -> Self {
        let words = || -> Vec<&'static str> { setting.words.iter().map(|(word, _)| *word).collect() };
        let choices = match setting.kind {
            Kind::Choice { choices } => Some(choices.to_vec()),
            _ if setting.words.is_empty() => None,
            _ => Some(words()),
        };
        let bounds = match setting.kind {
            Kind::Integer { min, max } => Some((min, max)),
            _ => None,
        };
        Self {
            name: setting.name.to_owned(),
            kind: json!(setting.kind).get("type").cloned().unwrap_or_default(),
            group: setting.group,
            required: setting.required,
            required_when: None,
            default: setting.default.value(),
            choices,
            choices_help: setting.words.iter().copied().collect(),
            min: bounds.map(|(min, _)| min),
            max: bounds.map(|(_, max)| max),
            when: setting.when,
            help: setting.help,
        }
    }

    fn named(name: &str, kind: &str, group: Group, help: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            kind: json!(kind),
            ..Self::of(&Setting::optional("", Kind::Json, help).in_group(group))
        }
    }

    fn when(self, field: &'static str, is: &'static [Standard]) -> Self {
        Self {
            when: Some(When { field, is }),
            ..self
        }
    }
}

/// Describes a protocol.
pub(crate) fn describe(protocol: &dyn Describe) -> ProtocolDescription {
    let shape = Shape::of(protocol);
    let mut fields = common(&shape);
    for setting in protocol.settings() {
        let inside = protocol.inside(setting.name);
        match setting.name {
            name if SECRETS.contains(&name) => fields.push(Field {
                kind: json!("long_secret"),
                ..Field::of(setting)
            }),
            _ if inside.is_empty() => fields.push(Field::of(setting)),
            name => fields.extend(inside.iter().map(|part| Field {
                name: format!("{name}.{}", part.name),
                ..Field::of(part)
            })),
        }
    }
    let own: Vec<&str> = protocol.settings().iter().map(|setting| setting.name).collect();
    let tuning = shape.settings().into_iter().filter(|s| !own.contains(&s.name));
    fields.extend(tuning.map(|setting| Field::of(&setting)));
    // Stable: within a group the order is that of the tables.
    fields.sort_by_key(|field| field.group);
    ProtocolDescription {
        name: protocol.name(),
        help: protocol.help(),
        default_port: protocol.default_port(&Map::new()),
        moves_files: shape.files,
        auth_methods: protocol.auth_methods(),
        fields,
        algorithms: protocol.algorithms(),
    }
}

/// What is kept beside a record's settings.
fn common(shape: &Shape<'_>) -> Vec<Field> {
    let methods = shape.protocol.auth_methods();
    let mut fields = Vec::new();
    if shape.host {
        fields.push(Field::of(&HOST));
        fields.push(Field {
            default: shape.protocol.default_port(&Map::new()).map(Value::from),
            ..Field::of(&PORT)
        });
    }
    match (shape.host, shape.files) {
        (false, _) => fields.push(Field::of(&LOCAL_BASE_PATH)),
        (true, true) => fields.push(Field::of(&BASE_PATH)),
        (true, false) => {}
    }
    if methods.len() > 1 {
        let mut method = Field::of(&AUTH_METHOD);
        method.kind = json!("choice");
        method.choices = Some(methods.to_vec());
        method.choices_help.retain(|word, _| methods.contains(word));
        // What is implied where nothing is given.
        let implied = AuthMethod::SshKey.as_str();
        method.default = methods.contains(&implied).then(|| json!(implied));
        method.required = method.default.is_none();
        fields.push(method);
    }
    if shape.host && shape.files {
        fields.push(Field {
            required_when: Some(When {
                field: AUTH_METHOD.name,
                is: LOGS_IN,
            }),
            ..Field::of(&USERNAME)
        });
    }
    if shape.has_secret("password") {
        fields.push(password(shape));
    }
    if shape.has_secret("client_secret") {
        let help = "The client secret of the service principal.";
        fields.push(Field::named("client_secret", "secret", Group::Login, help));
    }
    if shape.host_keys {
        let help = "The SSH keys that it signs in with; the server has the public line of one at least.";
        fields.push(Field::named("ssh_key_ids", "keys", Group::Login, help).when(AUTH_METHOD.name, BY_KEY));
        fields.push(Field::of(&HOST_KEY_POLICY));
        fields.push(Field::of(&FINGERPRINT));
    }
    fields
}

fn password(shape: &Shape<'_>) -> Field {
    match shape.files {
        true => Field::named("password", "secret", Group::Login, "The password.")
            .when(AUTH_METHOD.name, BY_PASSWORD),
        false => Field::named(
            "password",
            "secret",
            Group::Login,
            "The app's master key, which reads the host's status and calls every function.",
        ),
    }
}
