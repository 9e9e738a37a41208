//! `courier.toml`.

use std::path::PathBuf;

use courier_engine::Environment;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use super::{kek::KekTable, tls::TlsTable};

/// What the file may say. A key that isn't here is an error.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) listen: Option<String>,
    pub(super) trusted_proxies: Option<Vec<String>>,
    #[serde(default)]
    pub(super) tls: TlsTable,
    pub(super) data_dir: Option<PathBuf>,
    #[serde(default, deserialize_with = "secret")]
    pub(super) database_url: Option<SecretString>,
    pub(super) environment: Option<Environment>,
    pub(super) local_roots: Option<Vec<PathBuf>>,
    pub(super) node: Option<String>,
    #[serde(default)]
    pub(super) kek: KekTable,
    #[serde(default)]
    pub(super) worker: WorkerTable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkerTable {
    pub(super) concurrency: Option<usize>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
}

impl File {
    /// Reads the file's text. The error says where, and never quotes the line: it may hold a password.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .map(|span| text.get(..span.start).unwrap_or(text).matches('\n').count() + 1);
            match line {
                Some(line) => format!("line {line}: {}", error.message()),
                None => error.message().to_owned(),
            }
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_errors() {
        let message = File::parse("listen = '127.0.0.1:1'\nlisten_on = 'x'\n").unwrap_err();
        assert!(
            message.contains("line 2") && message.contains("listen_on"),
            "{message}"
        );
        assert!(
            File::parse("[worker]\nthreads = 3")
                .unwrap_err()
                .contains("threads")
        );
    }

    #[test]
    fn an_error_quotes_no_line() {
        let message = File::parse("database_url = 'postgres://u:hunter2@h/d").unwrap_err();
        assert!(!message.contains("hunter2"), "{message}");
    }
}
