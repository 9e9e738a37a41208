//! Every data key moves to the newest key, or to another provider's. What is sealed stays as it is, byte for byte.

use courier_store::sealed::SealedValue;
use courier_vault::{KeyVersion, Vault};
use futures::{StreamExt, stream};
use serde::Serialize;
use serde_json::json;

use super::Admin;
use crate::{Result, audit, vault_check::Census};

/// Values that are moved at once: a key provider far away answers several as fast as one.
const AT_ONCE: usize = 8;

/// What came of moving all data keys.
#[derive(Clone, Debug, Serialize)]
pub struct RewrapReport {
    /// The key that all are under now, but for what failed.
    pub key_id: String,
    /// Its version.
    pub key_version: String,
    /// Moved.
    pub rewrapped: u64,
    /// Were under the newest key already.
    pub current: u64,
    /// Somebody else changed them meanwhile; another run looks at them again.
    pub changed: u64,
    /// Not moved.
    pub failed: Vec<Unmoved>,
    /// Which keys stored values need now.
    pub keys: Vec<KeyUse>,
}

/// A value that wasn't moved.
#[derive(Clone, Debug, Serialize)]
pub struct Unmoved {
    /// Where it is.
    pub place: String,
    /// Why.
    pub error: String,
}

/// A key and version, and how many stored values need it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyUse {
    /// The key's public identifier.
    pub key_id: String,
    /// Its version.
    pub key_version: String,
    /// Values that are sealed under it.
    pub values: u64,
}

enum Outcome {
    Rewrapped,
    Current,
    Changed,
    Failed(Unmoved),
}

impl Admin {
    /// Wraps the data key of every stored secret anew under the newest key. Whoever stops it half-way runs it again:
    /// each value is under the newest key, or it isn't. Servers may run meanwhile, if they have that key too.
    ///
    /// # Errors
    /// [`Error::Vault`](crate::Error::Vault) where the newest key can't be had, [`Error::Store`](crate::Error::Store).
    /// What is wrong with single values is in the report.
    pub async fn rewrap(&self) -> Result<RewrapReport> {
        // Before the work: what can't be recorded isn't done.
        audit::open(&self.store, &self.vault).await?;
        let newest = self.vault.newest().await?;
        let mut report = RewrapReport {
            key_id: newest.key_id.clone(),
            key_version: newest.key_version.clone(),
            rewrapped: 0,
            current: 0,
            changed: 0,
            failed: Vec::new(),
            keys: Vec::new(),
        };
        let mut last = None;
        loop {
            let page = self.store.sealed().page(last.as_ref()).await?;
            let Some(value) = page.last() else { break };
            last = Some(value.place.clone());
            let mut moved = stream::iter(page)
                .map(|value| self.rewrap_one(&newest, value))
                .buffer_unordered(AT_ONCE);
            while let Some(outcome) = moved.next().await {
                match outcome? {
                    Outcome::Rewrapped => report.rewrapped += 1,
                    Outcome::Current => report.current += 1,
                    Outcome::Changed => report.changed += 1,
                    Outcome::Failed(unmoved) => report.failed.push(unmoved),
                }
            }
        }
        report.keys = self.keys_in_use().await?;
        if report.rewrapped > 0 || !report.failed.is_empty() {
            let details = json!({
                "key_id": report.key_id,
                "key_version": report.key_version,
                "rewrapped": report.rewrapped,
                "current": report.current,
                "failed": report.failed.len(),
            });
            self.record("vault_rewrapped", details).await?;
        }
        Ok(report)
    }

    async fn rewrap_one(&self, newest: &KeyVersion, value: SealedValue) -> Result<Outcome> {
        let sealed = match Vault::sealed_under(&value.blob) {
            Ok(under) if under == *newest => return Ok(Outcome::Current),
            Ok(_) => self.vault.rewrap(&value.blob).await,
            Err(error) => Err(error),
        };
        Ok(match sealed {
            Ok(sealed) => match self.store.sealed().replace(&value, sealed).await? {
                true => Outcome::Rewrapped,
                false => Outcome::Changed,
            },
            Err(error) => Outcome::Failed(Unmoved {
                place: value.place.to_string(),
                error: error.to_string(),
            }),
        })
    }

    /// Which keys stored values need.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store).
    pub async fn keys_in_use(&self) -> Result<Vec<KeyUse>> {
        let census = Census::of(&self.store).await?;
        let keys = census.counts().map(|(key_id, key_version, values)| KeyUse {
            key_id: key_id.into(),
            key_version: key_version.into(),
            values,
        });
        Ok(keys.collect())
    }
}
