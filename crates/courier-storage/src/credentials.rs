//! What a store wants to see before it takes anything.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::Scheme;

/// One member of the JSON object that credentials are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialField {
    /// The member's name.
    pub name: &'static str,
    /// What it is and where it is found.
    pub help: &'static str,
    /// Must it be there?
    pub required: bool,
}

const fn field(name: &'static str, required: bool, help: &'static str) -> CredentialField {
    CredentialField { name, help, required }
}

const S3: &[CredentialField] = &[
    field("access_key_id", true, "the id of the access key"),
    field("secret_access_key", true, "the secret that belongs to it"),
    field(
        "session_token",
        false,
        "for temporary keys: the token that came with them",
    ),
];

const AZBLOB: &[CredentialField] = &[
    field("account_name", true, "the name of the storage account"),
    field(
        "account_key",
        false,
        "one of the account's two keys, in base64; or else sas_token",
    ),
    field(
        "sas_token",
        false,
        "a shared access signature: the part of its URL after the question mark",
    ),
];

const GCS: &[CredentialField] = &[field(
    "service_account",
    true,
    "the service account's JSON key, as Google Cloud gives it for download: the object itself, or its text",
)];

/// The credentials of one store. `Debug` shows none of them.
pub struct Credentials {
    scheme: Scheme,
    values: Vec<(&'static str, SecretString)>,
}

impl Credentials {
    /// The fields that credentials of this scheme have.
    pub fn fields(scheme: Scheme) -> &'static [CredentialField] {
        match scheme {
            Scheme::File => &[],
            Scheme::S3 => S3,
            Scheme::Azblob => AZBLOB,
            Scheme::Gcs => GCS,
        }
    }

    /// Reads them from a JSON object.
    ///
    /// # Errors
    /// Each field that is wrong, and why; the field is empty where the whole is.
    pub fn parse(scheme: Scheme, value: &Value) -> Result<Self, Vec<(String, String)>> {
        let fields = Self::fields(scheme);
        if fields.is_empty() {
            return Err(whole(format!(
                "a {scheme}:// storage has no credentials: leave them out"
            )));
        }
        let Some(object) = value.as_object() else {
            let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
            return Err(whole(format!("expected an object with {}", names.join(", "))));
        };
        let mut errors = Vec::new();
        let mut values = Vec::new();
        for name in object.keys() {
            if !fields.iter().any(|field| field.name == name) {
                errors.push((name.clone(), format!("{scheme}:// has no such credential")));
            }
        }
        for field in fields {
            match text(field, object.get(field.name)) {
                Ok(Some(value)) => values.push((field.name, value)),
                Ok(None) if field.required => errors.push((field.name.to_owned(), "is missing".to_owned())),
                Ok(None) => {}
                Err(why) => errors.push((field.name.to_owned(), why)),
            }
        }
        let credentials = Self { scheme, values };
        if errors.is_empty() {
            errors = credentials.contradictions();
        }
        if errors.is_empty() {
            Ok(credentials)
        } else {
            Err(errors)
        }
    }

    /// Whose they are.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.values.iter().find(|(field, _)| *field == name)?;
        Some(found.1.expose_secret())
    }

    fn contradictions(&self) -> Vec<(String, String)> {
        let at = |name: &str, why: &str| vec![(name.to_owned(), why.to_owned())];
        match self.scheme {
            Scheme::Azblob => match (self.get("account_key"), self.get("sas_token")) {
                (None, None) => at(
                    "account_key",
                    "is missing, as is sas_token: one of them is needed",
                ),
                (Some(_), Some(_)) => at("sas_token", "is one too many: there is an account_key"),
                (Some(key), None) if !is_base64(key) => at("account_key", "is not base64"),
                _ => Vec::new(),
            },
            Scheme::Gcs => self
                .get("service_account")
                .and_then(|text| crate::service_account::check(text).err())
                .map(|why| at("service_account", &why))
                .unwrap_or_default(),
            Scheme::File | Scheme::S3 => Vec::new(),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("scheme", &self.scheme)
            .finish_non_exhaustive()
    }
}

fn whole(why: String) -> Vec<(String, String)> {
    vec![(String::new(), why)]
}

/// The field's text; of an object, which only a service account may be, its JSON.
fn text(field: &CredentialField, value: Option<&Value>) -> Result<Option<SecretString>, String> {
    let text = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(object @ Value::Object(_)) if field.name == "service_account" => object.to_string(),
        Some(_) => return Err("must be text".to_owned()),
    };
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    // What goes into headers and URLs must not bring lines of its own.
    if field.name != "service_account" && text.contains(char::is_control) {
        return Err("has a control character in it".to_owned());
    }
    Ok(Some(text.into()))
}

fn is_base64(text: &str) -> bool {
    text.len().is_multiple_of(4)
        && text
            .trim_end_matches('=')
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}
