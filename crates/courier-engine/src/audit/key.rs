//! The key of the audit log: random, sealed by the vault, kept among the settings.
//!
//! Who can write the database, but can't open the vault, can make no code that fits.

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use courier_store::{
    Error as StoreError, Store,
    audit::{Authenticator, KEY},
};
use courier_vault::{MacKey, Vault};

use crate::{Error, Result, secrets::audit_key};

#[derive(Debug)]
pub(super) struct Key(MacKey);

impl Authenticator for Key {
    fn authenticate(&self, bytes: &[u8]) -> [u8; 32] {
        self.0.sign(bytes)
    }
}

/// Gives the store the key of the audit log, made where there is none: then the records that are there already are
/// chained, which takes a while where they are many. To be called once, before anything is recorded.
///
/// # Errors
/// [`Error::Vault`] where the key can't be opened, [`Error::Store`], also where the key is gone that records were chained
/// with.
pub async fn open(store: &Store, vault: &Vault) -> Result<()> {
    let key = match stored(store, vault).await? {
        Some(key) => key,
        None => made(store, vault).await?,
    };
    Ok(store.chain_audit_with(Arc::new(key))?)
}

/// The key for looking only.
pub(super) async fn existing(store: &Store, vault: &Vault) -> Result<Key> {
    let missing = || {
        StoreError::AuditChain(format!(
            "the setting {KEY}, which holds its key, is missing: a server makes it at its first start, and a backup has it"
        ))
    };
    Ok(stored(store, vault).await?.ok_or_else(missing)?)
}

async fn stored(store: &Store, vault: &Vault) -> Result<Option<Key>> {
    let damaged = || Error::Internal(format!("the setting {KEY} is damaged; restore it from a backup"));
    let Some(kept) = store.settings().get(KEY).await? else {
        return Ok(None);
    };
    let text = kept.value.as_str().ok_or_else(damaged)?;
    let sealed = BASE64_STANDARD.decode(text).map_err(|_| damaged())?;
    let key = MacKey::open(vault, &audit_key(), &sealed).await?;
    Ok(Some(Key(key)))
}

async fn made(store: &Store, vault: &Vault) -> Result<Key> {
    let (sealed, key) = MacKey::generate(vault, &audit_key()).await?;
    let key = Key(key);
    let sealed = BASE64_STANDARD.encode(sealed);
    match store.audit().keep_key(sealed.into(), &key).await? {
        true => Ok(key),
        // Another node was first.
        false => existing(store, vault).await,
    }
}
