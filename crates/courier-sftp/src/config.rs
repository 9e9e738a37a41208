//! SFTP as a protocol: its name, its settings, and the way in.

use std::sync::Arc;

use async_trait::async_trait;
use courier_transfer::{
    Client, ConnectOptions, Describe, KnownAlgorithms, Protocol, Result, Target,
    settings::{Kind, Setting},
};
use serde_json::{Map, Value};

use crate::{algorithms, client::SftpClient};

/// The SFTP protocol, version 3 over SSH.
#[derive(Clone, Copy, Debug, Default)]
pub struct SftpProtocol;

const ALGORITHMS: &str = "ssh_algorithms";

static SETTINGS: &[Setting] = &[Setting::optional(
    ALGORITHMS,
    Kind::Object,
    "Which SSH algorithms are offered: {\"preset\": \"default\" | \"legacy\" | \"fips\"}, or lists of one's own under \
     key_exchange, encryption, mac and host_key, or both. Needed for partners whose servers know only old algorithms. In FIPS \
     mode only the approved ones of them are offered.",
)];

/// The object under `ssh_algorithms`; empty where there is none.
pub(crate) fn algorithm_settings(settings: &Map<String, Value>) -> Map<String, Value> {
    settings
        .get(ALGORITHMS)
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default()
}

impl Describe for SftpProtocol {
    fn name(&self) -> &'static str {
        "sftp"
    }

    fn help(&self) -> &'static str {
        "Files over SSH: encrypted, over one port, with logins by key. What to take wherever the partner has it."
    }

    fn default_port(&self, _settings: &Map<String, Value>) -> Option<u16> {
        Some(22)
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn auth_methods(&self) -> &'static [&'static str] {
        &["ssh_key", "password_and_ssh_key", "password", "none"]
    }

    fn algorithms(&self) -> Option<KnownAlgorithms> {
        Some(algorithms::KNOWN)
    }

    fn weakness(&self, algorithm: &str) -> Option<&'static str> {
        algorithms::weakness(algorithm)
    }

    fn check(&self, settings: &Map<String, Value>) -> Vec<(String, String)> {
        algorithms::problems(&algorithm_settings(settings))
            .into_iter()
            .map(|problem| (ALGORITHMS.to_owned(), problem))
            .collect()
    }

    fn warnings(&self, settings: &Map<String, Value>) -> Vec<String> {
        algorithms::warnings(&algorithm_settings(settings))
    }

    fn not_fips(&self, settings: &Map<String, Value>) -> Vec<(String, String)> {
        algorithms::not_fips(&algorithm_settings(settings))
            .into_iter()
            .map(|problem| (ALGORITHMS.to_owned(), problem))
            .collect()
    }
}

#[async_trait]
impl Protocol for SftpProtocol {
    async fn connect(&self, target: Target, options: ConnectOptions) -> Result<Arc<dyn Client>> {
        Ok(Arc::new(SftpClient::connect(target, options).await?))
    }
}
