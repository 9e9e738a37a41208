//! `[kek]`: who holds the key that wraps all data keys.

mod azure;
#[cfg(test)]
mod tests;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use courier_vault::{AzureKeyVault, AzureSettings, KeyProvider, LocalKey, Vault};
use secrecy::SecretString;
use serde::Deserialize;

use super::{Result, wrong};

const PROVIDER: &str = "COURIER_KEK_PROVIDER";
const KEY: &str = "COURIER_KEK";

/// Where the key-encryption key is, and where those of earlier days are.
///
/// The configured provider's key wraps. What else is configured still opens: `COURIER_KEK`, a key file that is there, a key
/// vault.
#[derive(Clone, Debug)]
pub struct Kek {
    wraps: Source,
    opens: Vec<Source>,
}

#[derive(Clone, Debug)]
enum Source {
    Text(SecretString),
    File(PathBuf),
    Azure(Box<AzureSettings>),
}

/// Who holds the key that wraps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Provider {
    #[default]
    Local,
    AzureKeyVault,
}

impl Provider {
    fn parse(word: &str) -> Result<Self, String> {
        match word {
            "local" => Ok(Self::Local),
            "azure_key_vault" => Ok(Self::AzureKeyVault),
            _ => Err(format!("{word:?} is none of local, azure_key_vault")),
        }
    }
}

/// The table in `courier.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KekTable {
    provider: Option<Provider>,
    vault_url: Option<String>,
    key_name: Option<String>,
    algorithm: Option<String>,
    identity: Option<String>,
    tenant_id: Option<String>,
    client_id: Option<String>,
    client_secret_file: Option<String>,
    client_certificate: Option<String>,
    federated_token_file: Option<String>,
    authority_host: Option<String>,
}

/// What a configuration makes of variables and file, for a server over this data folder.
pub(super) fn resolve(
    variable: &dyn Fn(&str) -> Option<String>,
    table: KekTable,
    data_dir: &Path,
) -> Result<Kek> {
    let provider = match variable(PROVIDER) {
        Some(word) => Provider::parse(&word).map_err(|message| wrong(PROVIDER, message))?,
        None => table.provider.unwrap_or_default(),
    };
    let azure = azure::resolve(variable, &table)?.map(|settings| Source::Azure(Box::new(settings)));
    let text = variable(KEY).map(|text| Source::Text(text.into()));
    let file = Source::File(data_dir.join("kek"));
    let (wraps, opens) = match (provider, text, azure) {
        (Provider::AzureKeyVault, text, Some(azure)) => (azure, vec![text, Some(file)]),
        (Provider::AzureKeyVault, _, None) => {
            let missing = "azure_key_vault needs kek.vault_url and kek.key_name";
            return Err(wrong("kek.provider", missing));
        }
        (Provider::Local, Some(text), azure) => (text, vec![Some(file), azure]),
        (Provider::Local, None, azure) => (file, vec![azure]),
    };
    let opens = opens.into_iter().flatten().collect();
    Ok(Kek { wraps, opens })
}

impl Kek {
    /// Local keys that are given as text, and nothing else.
    #[must_use]
    pub fn from_text(text: SecretString) -> Self {
        let wraps = Source::Text(text);
        let opens = Vec::new();
        Self { wraps, opens }
    }

    /// The key file, where it holds the key that wraps.
    #[must_use]
    pub fn wrapping_file(&self) -> Option<&Path> {
        match &self.wraps {
            Source::File(path) => Some(path),
            _ => None,
        }
    }

    /// The vault under the configured key, which must be there.
    ///
    /// # Errors
    /// Those of [`courier_vault`]: the key can't be had.
    pub async fn vault(&self) -> courier_vault::Result<Vault> {
        self.open(LocalKey::load).await
    }

    /// The vault under the configured key. A key file that has to hold it and isn't there is made.
    ///
    /// # Errors
    /// Those of [`courier_vault`]: the key can't be had or made.
    pub async fn vault_or_new_key(&self) -> courier_vault::Result<Vault> {
        self.open(LocalKey::load_or_create).await
    }

    /// Can a key that is configured beside the one that wraps open what was sealed under this key?
    #[must_use]
    pub fn opens_also(&self, key_id: &str) -> bool {
        self.opens
            .iter()
            .filter_map(|source| source.provider(LocalKey::load).ok())
            .any(|provider| provider.holds(key_id))
    }

    async fn open(&self, load: fn(&Path) -> courier_vault::Result<LocalKey>) -> courier_vault::Result<Vault> {
        let mut vault = Vault::new(self.wraps.provider(load)?);
        // The configured key must be had: without it nothing could be sealed.
        vault.newest().await?;
        for source in &self.opens {
            match source.provider(LocalKey::load) {
                Ok(provider) => vault = vault.opening_also(provider),
                Err(courier_vault::Error::KeyFile { source, .. })
                    if source.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(vault)
    }
}

impl Source {
    fn provider(
        &self,
        load: fn(&Path) -> courier_vault::Result<LocalKey>,
    ) -> courier_vault::Result<Arc<dyn KeyProvider>> {
        Ok(match self {
            Self::Text(text) => Arc::new(LocalKey::from_text(text)?),
            Self::File(path) => Arc::new(load(path)?),
            Self::Azure(settings) => Arc::new(AzureKeyVault::new(AzureSettings::clone(settings))?),
        })
    }
}
