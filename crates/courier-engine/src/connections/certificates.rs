//! The fields that say which certificates a connection accepts (specification 6.3.2), beyond what a protocol's table says.

use courier_store::connections::Connection;
use courier_transfer::{
    CertificatePolicy, Thumbprint,
    settings::{Kind, Problem, Setting},
};
use serde_json::{Map, Value, json};

use crate::{Error, Result};

const POLICY: &str = CertificatePolicy::SETTING;
const PIN: &str = CertificatePolicy::PIN_SETTING;

/// The same as the policy, as a switch: `false` means `insecure`.
pub(super) const VALIDATE: Setting = Setting::optional(
    "tls_validate_cert",
    Kind::Bool,
    "Are certificates checked at all? `false` means the policy `insecure`.",
);

/// Takes the switch over into the policy.
pub(super) fn read_switch(
    switch: Option<Value>,
    settings: &mut Map<String, Value>,
    problems: &mut Vec<Problem>,
) {
    let Some(switch) = switch.filter(|value| !value.is_null()) else {
        return;
    };
    if let Some(message) = VALIDATE.check(&switch) {
        return problems.push(Problem::new(VALIDATE.name, message));
    }
    let validate = switch == Value::Bool(true);
    let insecure = CertificatePolicy::of(settings) == CertificatePolicy::Insecure;
    match settings.get(POLICY) {
        Some(policy) if insecure == validate => problems.push(Problem::new(
            VALIDATE.name,
            format!("can't be {validate} where {POLICY} is {policy}; give one of the two"),
        )),
        None if !validate => {
            settings.insert(POLICY.into(), json!(CertificatePolicy::INSECURE));
        }
        _ => {}
    }
}

/// The stored policy goes where the input decides by the switch alone, and otherwise.
pub(super) fn overrule(stored: &mut Map<String, Value>, input: &Map<String, Value>) {
    let given = |name: &str| input.get(name).filter(|value| !value.is_null());
    if let (Some(Value::Bool(validate)), None) = (given(VALIDATE.name), given(POLICY)) {
        let insecure = CertificatePolicy::of(stored) == CertificatePolicy::Insecure;
        if insecure == *validate {
            stored.remove(POLICY);
        }
    }
}

/// Brings the pin into the form that it is shown in.
pub(super) fn read_pin(settings: &mut Map<String, Value>, problems: &mut Vec<Problem>) {
    let Some(Value::String(text)) = settings.get(PIN) else {
        return;
    };
    match text.parse::<Thumbprint>() {
        Ok(pin) => {
            settings.insert(PIN.into(), json!(pin));
        }
        Err(error) => {
            settings.remove(PIN);
            problems.push(Problem::new(PIN, format!("is {error}")));
        }
    }
}

/// Another server's pin is none of this one: a move drops it, unless the input brings one.
pub(super) fn drop_pin(settings: &mut Map<String, Value>, input: &Map<String, Value>) {
    if input.get(PIN).is_none_or(Value::is_null) {
        settings.remove(PIN);
    }
}

/// Refuses to take up the policy `pinned_thumbprint` without a pin, or to take the pin away. Where a move has dropped the
/// pin, the policy stays as it is, and the connection connects nowhere until somebody pins the new server's.
///
/// # Errors
/// [`Error::ProtocolConfig`].
pub(super) fn check_pin(
    record: &Connection,
    before: Option<(&Connection, bool)>,
    input: &Map<String, Value>,
) -> Result<()> {
    let lacks_pin = |c: &Connection| CertificatePolicy::of(&c.settings) == CertificatePolicy::Pinned(None);
    let chosen = input.get(POLICY).is_some_and(|policy| !policy.is_null());
    let excused = before.is_some_and(|(before, moved)| lacks_pin(before) || (moved && !chosen));
    if !lacks_pin(record) || excused {
        return Ok(());
    }
    let message = format!(
        "is required where {POLICY} is {}: the certificate's SHA-256, which a test of the connection shows, compared with \
         the server's operator",
        CertificatePolicy::PINNED
    );
    Err(Error::ProtocolConfig {
        fields: vec![Problem::new(PIN, message)],
    })
}

/// Which certificates a connection accepts, for audit records; `null` for a protocol without certificates.
pub(super) fn described(connection: &Connection) -> Value {
    if !connection.settings.contains_key(POLICY) && !connection.settings.contains_key(PIN) {
        return Value::Null;
    }
    json!({"policy": connection.settings.get(POLICY), "thumbprint": connection.settings.get(PIN)})
}
