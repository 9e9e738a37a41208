//! The protocol `azure_function`, as those see it who keep, show and check connections.

use courier_transfer::{
    Describe,
    settings::{Kind, Setting},
};
use serde_json::{Map, Value};

use super::properties::{self, Properties};

/// Its name in the API.
pub(crate) const PROTOCOL: &str = "azure_function";

/// The secret of the service principal, beside the app's master key, which is the `password`.
pub(crate) const CLIENT_SECRET: &str = "client_secret";

/// A function app's HTTPS.
const PORT: u16 = 443;

/// Connections to function apps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AzureFunction;

static SETTINGS: &[Setting] = &[Setting::required(
    properties::FIELD,
    Kind::Object,
    "Who asks what became of a run, and where: the tenant_id and the client_id of a service principal, the workspace_id of the \
     Log Analytics workspace that it may read; for sovereign clouds also authority_host and logs_endpoint.",
)];

impl Describe for AzureFunction {
    fn name(&self) -> &'static str {
        PROTOCOL
    }

    fn help(&self) -> &'static str {
        "A function app in Azure, whose functions jobs call and wait for. It moves no files."
    }

    fn default_port(&self, _settings: &Map<String, Value>) -> Option<u16> {
        Some(PORT)
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn inside(&self, setting: &str) -> &'static [Setting] {
        match setting {
            properties::FIELD => properties::INSIDE,
            _ => &[],
        }
    }

    fn moves_files(&self) -> bool {
        false
    }

    fn auth_methods(&self) -> &'static [&'static str] {
        &["service_principal"]
    }

    fn check(&self, settings: &Map<String, Value>) -> Vec<(String, String)> {
        match settings.get(properties::FIELD) {
            Some(Value::Object(given)) => Properties::parse(given).err().unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// The client secret goes to the authority, and the token that it gives to the workspace's endpoint; the master key stays
    /// with the app.
    fn secret_goes_to(&self, field: &str, settings: &Map<String, Value>) -> Option<String> {
        let properties = Properties::of(settings).filter(|_| field == CLIENT_SECRET)?;
        let origin = |url: &reqwest::Url| url.origin().ascii_serialization();
        Some(format!(
            "{}, {}",
            origin(&properties.authority),
            origin(&properties.logs)
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn goes_to(field: &str, more: &[(&str, &str)]) -> Option<String> {
        let mut properties = json!({"workspace_id": "w", "tenant_id": "t", "client_id": "c"});
        for (name, value) in more {
            properties[*name] = json!(value);
        }
        let settings = Map::from_iter([("properties".to_owned(), properties)]);
        AzureFunction.secret_goes_to(field, &settings)
    }

    #[test]
    fn the_client_secret_has_two_further_receivers_in_one_spelling() {
        let usual = "https://login.microsoftonline.com, https://api.loganalytics.io";
        assert_eq!(goes_to("client_secret", &[]).as_deref(), Some(usual));
        assert_eq!(goes_to("password", &[]), None);
        for same in [
            [
                ("authority_host", "LOGIN.microsoftonline.com"),
                ("logs_endpoint", "https://api.loganalytics.io/v1"),
            ],
            [
                ("authority_host", "https://login.microsoftonline.com/"),
                ("logs_endpoint", "api.loganalytics.io:443"),
            ],
            [("tenant_id", "another"), ("client_id", "another")],
        ] {
            assert_eq!(goes_to("client_secret", &same).as_deref(), Some(usual));
        }
        for other in [
            ("authority_host", "login.microsoftonline.us"),
            ("authority_host", "login.microsoftonline.com:8443"),
            ("logs_endpoint", "api.loganalytics.us"),
        ] {
            assert_ne!(goes_to("client_secret", &[other]).as_deref(), Some(usual));
        }
    }
}
