//! Google's service accounts: reading their key, and asking for a token with it.

use serde_json::Value;

/// Is this the JSON of a service account's key?
///
/// # Errors
/// What is missing, without a word of what is there.
pub(crate) fn check(text: &str) -> Result<(), String> {
    let key: Value = serde_json::from_str(text).map_err(|_| "is not JSON".to_owned())?;
    match key.get("type").and_then(Value::as_str) {
        Some("service_account") => {}
        _ => {
            return Err(
                "is not the key of a service account: its `type` must be `service_account`".to_owned(),
            );
        }
    }
    for member in ["client_email", "private_key"] {
        if key.get(member).and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(format!("has no `{member}`"));
        }
    }
    Ok(())
}
