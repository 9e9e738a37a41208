//! The fields that connections have in common, as one table, and which of them a protocol takes, as data.

use courier_store::connections::Connection;
use courier_transfer::{
    CertificatePolicy, Describe,
    settings::{Default as Standard, Group, Kind, Setting, with_defaults},
};
use serde_json::{Map, Value, json};

use super::certificates;
use crate::fips;

/// What a client may send back without meaning it.
pub(super) const READ_ONLY: &[&str] = &[
    "id",
    "has_password",
    "has_ssh_key",
    "has_client_secret",
    "has_client_certificate",
    "client_certificate_not_after",
    "server_certificate",
    "health",
    "health_detail",
    "last_ok_at",
    "warnings",
    "created_at",
    "updated_at",
];

/// What is sealed and never shown.
pub(crate) const SECRETS: &[&str] = &["password", "client_secret", CLIENT_CERTIFICATE];

/// A certificate with its private key, for a server that asks for one.
pub(super) const CLIENT_CERTIFICATE: &str = "client_certificate";

/// Which connections have a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Has {
    /// All.
    Every,
    /// Those with a host.
    Host,
    /// Those that move files, in sessions.
    Files,
    /// Those whose server shows a host key.
    HostKey,
}

pub(super) const NAME: Setting = Setting::required("name", Kind::Text, "A name, unique among connections.");
pub(super) const PROTOCOL: Setting = Setting::required("protocol", Kind::Text, "The protocol.");
pub(super) const GROUP: Setting = Setting::optional("group", Kind::Text, "What it is filed under.");
pub(super) const NOTES: Setting = Setting::optional("notes", Kind::LongText, "Remarks.");
pub(super) const STATUS: Setting = Setting::optional(
    "status",
    Kind::Choice {
        choices: &["active", "disabled"],
    },
    "May it be used?",
)
.or(Standard::Text("active"));
pub(super) const HOST: Setting =
    Setting::required("host", Kind::Text, "Host name or address.").in_group(Group::Address);
pub(super) const PORT: Setting = Setting::optional(
    "port",
    Kind::Integer { min: 1, max: 65_535 },
    "Port; without one, the protocol's.",
)
.in_group(Group::Address);
pub(super) const USERNAME: Setting =
    Setting::optional("username", Kind::Text, "Login name.").in_group(Group::Login);
pub(super) const AUTH_METHOD: Setting = Setting::optional(
    "auth_method",
    Kind::Text,
    "How it proves who it is.",
)
.meaning(&[
    (
        "ssh_key",
        "By an SSH key, which never leaves Courier. The safest; the partner installs its public line.",
    ),
    (
        "password_and_ssh_key",
        "By a key and then the password, for servers that want both.",
    ),
    (
        "password",
        "By a password, which goes to the server each time. For servers that can't take keys.",
    ),
    (
        "service_principal",
        "By a service principal of Entra ID and its client secret.",
    ),
    ("none", "Not at all, or by the login name alone."),
])
.in_group(Group::Login);
/// The words of [`AUTH_METHOD`] by which a password is sent.
pub(super) const BY_PASSWORD: &[Standard] = &[
    Standard::Text("password"),
    Standard::Text("password_and_ssh_key"),
    Standard::Text("service_principal"),
];
/// Those that need a login name.
pub(super) const LOGS_IN: &[Standard] = &[
    Standard::Text("password"),
    Standard::Text("ssh_key"),
    Standard::Text("password_and_ssh_key"),
];
/// Those by which a key signs.
pub(super) const BY_KEY: &[Standard] = &[Standard::Text("ssh_key"), Standard::Text("password_and_ssh_key")];
pub(super) const BASE_PATH: Setting = Setting::optional(
    "base_path",
    Kind::RemotePath,
    "The folder on the server that every path lies below, leading slash or not.",
)
.in_group(Group::Address);
pub(super) const LOCAL_BASE_PATH: Setting = Setting::required(
    "base_path",
    Kind::LocalPath,
    "The folder that it is confined to, under one of the local roots.",
)
.in_group(Group::Address);
pub(super) const HOST_KEY_POLICY: Setting = Setting::optional(
    "host_key_policy",
    Kind::Choice {
        choices: &["trust_on_first_use", "always_trust", "manual"],
    },
    "Which host keys are accepted. `always_trust` is insecure.",
)
.or(Standard::Text("trust_on_first_use"))
.meaning(&[
    (
        "trust_on_first_use",
        "The first one is remembered, and another one later is refused until an admin approves it.",
    ),
    (
        "manual",
        "Only those that somebody approved before; the strictest. Compare the fingerprint with the server's operator.",
    ),
    ("always_trust", "Any, so that whoever is on the way can read the password. Insecure."),
])
.in_group(Group::Trust);
pub(super) const FINGERPRINT: Setting = Setting::optional(
    "stored_host_fingerprint",
    Kind::Text,
    "The SHA-256 fingerprint of the host key that is accepted (ssh-keygen -lf prints it); may be set under the policy manual.",
)
.in_group(Group::Trust)
.when("host_key_policy", &[Standard::Text("manual")]);

/// Fields that are kept in the record's settings, beside the protocol's own.
const TUNING: &[(Setting, Has)] = &[
    (
        Setting::optional(
            "connect_timeout_sec",
            Kind::Integer { min: 1, max: 3600 },
            "For everything until the session is ready, in seconds.",
        )
        .or(Standard::Integer(30))
        .in_group(Group::Limits),
        Has::Every,
    ),
    (
        Setting::optional(
            "operation_timeout_sec",
            Kind::Integer { min: 1, max: 86_400 },
            "How long an operation may go without a sign of life, in seconds.",
        )
        .or(Standard::Integer(300))
        .in_group(Group::Limits),
        Has::Every,
    ),
    (
        Setting::optional(
            "keepalive_interval_sec",
            Kind::Integer { min: 1, max: 86_400 },
            "How often an idle session is asked for a sign of life, in seconds.",
        )
        .or(Standard::Integer(60))
        .in_group(Group::Limits),
        Has::Files,
    ),
    (
        Setting::optional(
            "transport_retries",
            Kind::Integer { min: 0, max: 3 },
            "Reconnects in a row without a new byte, when a session broke.",
        )
        .or(Standard::Integer(2))
        .in_group(Group::Limits),
        Has::Files,
    ),
    (
        Setting::optional(
            "max_sessions",
            Kind::Integer { min: 1, max: 1000 },
            "Sessions that may be open at once, on all nodes together. A person who needs another waits up to \
             connect_timeout_sec, a job until its turn comes. Big files over long paths are shared by those that are free.",
        )
        .or(Standard::Integer(4))
        .in_group(Group::Limits),
        Has::Files,
    ),
    (
        Setting::optional(
            fips::OVERRIDE,
            Kind::Bool,
            "Exempt it from FIPS mode: it may use algorithms that the mode does not allow, and each session is recorded. Only an \
             admin may.",
        )
        .or(Standard::Bool(false))
        .in_group(Group::Trust),
        Has::Host,
    ),
];

/// What a protocol's connections have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape<'a> {
    pub(crate) protocol: &'a dyn Describe,
    pub(crate) host: bool,
    pub(crate) files: bool,
    pub(crate) host_keys: bool,
    pub(crate) certificates: bool,
}

impl<'a> Shape<'a> {
    pub(crate) fn of(protocol: &'a dyn Describe) -> Self {
        let methods = protocol.auth_methods();
        Self {
            protocol,
            host: protocol.default_port(&Map::new()).is_some(),
            files: protocol.moves_files(),
            // Host keys and user keys are the two halves of one protocol.
            host_keys: methods.contains(&"ssh_key"),
            certificates: protocol
                .settings()
                .iter()
                .any(|s| s.name == CertificatePolicy::SETTING),
        }
    }

    /// May this secret be set?
    pub(super) fn has_secret(&self, field: &str) -> bool {
        let methods = self.protocol.auth_methods();
        match field {
            "password" => methods
                .iter()
                .any(|m| matches!(*m, "password" | "password_and_ssh_key" | "service_principal")),
            "client_secret" => methods.contains(&"service_principal"),
            _ => self.protocol.settings().iter().any(|s| s.name == field),
        }
    }

    /// The fields that are kept in the record's settings: common ones, then the protocol's own. Secrets are not among
    /// them.
    pub(super) fn settings(&self) -> Vec<Setting> {
        let common = TUNING
            .iter()
            .filter(|(_, has)| self.has(*has))
            .map(|(setting, _)| *setting);
        let own = self
            .protocol
            .settings()
            .iter()
            .filter(|s| !SECRETS.contains(&s.name))
            .copied();
        common.chain(own).collect()
    }

    fn has(&self, has: Has) -> bool {
        match has {
            Has::Every => true,
            Has::Host => self.host,
            Has::Files => self.files,
            Has::HostKey => self.host_keys,
        }
    }

    /// Is the field one of the common ones, though not of this protocol? Then it may be `null`.
    pub(super) fn is_foreign(&self, field: &str) -> bool {
        let foreign = |names: &[&str], has| names.contains(&field) && !self.has(has);
        foreign(&["host", "port", "username"], Has::Host)
            || foreign(&["username", "base_path"], Has::Files)
            || TUNING
                .iter()
                .any(|(setting, has)| setting.name == field && !self.has(*has))
            || foreign(
                &[
                    "host_key_policy",
                    "stored_host_fingerprint",
                    "ssh_key_ids",
                    "ssh_key_id",
                ],
                Has::HostKey,
            )
            || (SECRETS.contains(&field) && !self.has_secret(field))
    }
}

/// The settings of a record, with defaults: what a session is opened with.
#[derive(Clone, Debug)]
pub(crate) struct Effective(pub(crate) Map<String, Value>);

impl Effective {
    pub(crate) fn of(shape: &Shape<'_>, connection: &Connection) -> Self {
        Self(with_defaults(&shape.settings(), &connection.settings))
    }

    /// A number that the table above has a default for.
    pub(crate) fn number(&self, name: &str) -> u64 {
        self.0.get(name).and_then(Value::as_u64).unwrap_or(0)
    }

    /// A time in seconds.
    pub(crate) fn seconds(&self, name: &str) -> std::time::Duration {
        std::time::Duration::from_secs(self.number(name))
    }

    /// The port: the record's own, or the protocol's for these settings.
    pub(crate) fn port(&self, shape: &Shape<'_>, connection: &Connection) -> Option<u16> {
        connection.port.or_else(|| shape.protocol.default_port(&self.0))
    }
}

/// All fields of a connection under their names in the API, except secrets, keys and what the server told.
pub(super) fn shown(shape: &Shape<'_>, connection: &Connection) -> Map<String, Value> {
    let effective = Effective::of(shape, connection);
    let port = effective.port(shape, connection);
    let mut fields = effective.0;
    for (name, value) in port.map_or_else(Vec::new, |port| shape.protocol.implied(&fields, port)) {
        fields.entry(name).or_insert(value);
    }
    for setting in shape.settings() {
        fields.entry(setting.name).or_insert(Value::Null);
    }
    fields.extend(common(connection));
    fields.insert("port".into(), json!(port));
    if !shape.host_keys {
        fields.insert("host_key_policy".into(), Value::Null);
    }
    if shape.certificates {
        let insecure = CertificatePolicy::of(&fields) == CertificatePolicy::Insecure;
        fields.insert(certificates::VALIDATE.name.into(), json!(!insecure));
    }
    fields
}

/// The fields of a record as somebody would have to send them to get it.
pub(super) fn stored(shape: Option<&Shape<'_>>, connection: &Connection) -> Map<String, Value> {
    let mut fields = connection.settings.clone();
    fields.extend(common(connection));
    fields.insert("port".into(), json!(connection.port));
    if shape.is_none_or(|shape| !shape.host_keys) {
        fields.remove("host_key_policy");
    }
    fields
}

fn common(connection: &Connection) -> Map<String, Value> {
    let fields = [
        ("name", json!(connection.name)),
        ("group", json!(connection.group)),
        ("protocol", json!(connection.protocol)),
        ("host", json!(connection.host)),
        ("auth_method", json!(connection.auth_method)),
        ("username", json!(connection.username)),
        ("base_path", json!(connection.base_path)),
        ("host_key_policy", json!(connection.host_key_policy)),
        ("status", json!(connection.status)),
        ("notes", json!(connection.notes)),
    ];
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
