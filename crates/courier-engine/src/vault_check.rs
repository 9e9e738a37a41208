//! Do the keys at hand open what is stored? Asked at each start, before anything is sealed under a second key.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use courier_store::{Store, sealed::SealedValue};
use courier_vault::{Error as VaultError, Vault};

use crate::{Error, Result, secrets};

/// Where the value is kept that tells whether the vault's key is the right one.
pub(crate) const VAULT_CHECK: &str = "vault.check";

/// How many values of one key are tried before the key counts as missing.
const SAMPLES: usize = 3;

/// Refuses to start with keys that don't open what is stored. Reads every sealed value's header, and opens one value
/// for each key and version that is named there.
///
/// # Errors
/// [`Error::KeysMissing`], [`Error::Store`], [`Error::Vault`] where no key can be had at all.
pub(crate) async fn check_vault(store: &Store, vault: &Vault) -> Result<()> {
    Census::of(store).await?.check(vault).await?;
    if store.settings().get(VAULT_CHECK).await?.is_none() {
        let sealed = BASE64_STANDARD.encode(vault.check_value().await?);
        store.settings().set(VAULT_CHECK, sealed.into(), "system").await?;
    }
    Ok(())
}

/// Which keys sealed values need, and how many values need each.
#[derive(Debug, Default)]
pub(crate) struct Census {
    keys: BTreeMap<(String, String), Use>,
}

#[derive(Debug, Default)]
struct Use {
    values: u64,
    samples: Vec<SealedValue>,
}

impl Census {
    /// Of all that is stored.
    pub(crate) async fn of(store: &Store) -> Result<Self> {
        let mut census = Self::default();
        let mut last = None;
        loop {
            let page = store.sealed().page(last.as_ref()).await?;
            let Some(value) = page.last() else {
                return Ok(census);
            };
            last = Some(value.place.clone());
            census.add(page);
        }
    }

    /// Counts these. What isn't a sealed value at all is logged: it is lost, and no reason to stand still.
    pub(crate) fn add(&mut self, values: Vec<SealedValue>) {
        for value in values {
            match Vault::sealed_under(&value.blob) {
                Ok(under) => {
                    let of_key = self.keys.entry((under.key_id, under.key_version)).or_default();
                    of_key.values += 1;
                    if of_key.samples.len() < SAMPLES {
                        of_key.samples.push(value);
                    }
                }
                Err(error) => {
                    tracing::error!(place = %value.place, %error, "a stored secret is damaged; enter it anew");
                }
            }
        }
    }

    /// How many values need each key and version.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        self.keys
            .iter()
            .map(|((id, version), of_key)| (id.as_str(), version.as_str(), of_key.values))
    }

    /// Opens one value of each key.
    ///
    /// # Errors
    /// [`Error::KeysMissing`], which names each key that doesn't open.
    pub(crate) async fn check(&self, vault: &Vault) -> Result<()> {
        let mut missing = Vec::new();
        for ((id, version), of_key) in &self.keys {
            if let Some(error) = does_not_open(vault, &of_key.samples).await {
                let (values, example) = (of_key.values, of_key.samples.first());
                let example = example.map(|value| value.place.to_string()).unwrap_or_default();
                missing.push(format!(
                    "key {id} version {version}, for {values} stored values, such as {example}: {error}"
                ));
            }
        }
        match missing.is_empty() {
            true => Ok(()),
            false => Err(Error::KeysMissing(missing.join("; "))),
        }
    }
}

/// Why none of these opens; none where the key is the right one, though a value be damaged.
async fn does_not_open(vault: &Vault, samples: &[SealedValue]) -> Option<VaultError> {
    let mut why = None;
    for value in samples {
        match secrets::opens(vault, value).await {
            Ok(()) => return None,
            Err(error @ (VaultError::Tampered { .. } | VaultError::NotText { .. })) => {
                tracing::error!(place = %value.place, %error, "a stored secret is damaged; enter it anew");
                return None;
            }
            Err(error) => why = Some(error),
        }
    }
    why
}
