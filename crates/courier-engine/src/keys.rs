//! The SSH key store (specification 6.8).

use courier_keys::{KeyType, PrivateKey, PublicKey};
pub use courier_store::ssh_keys::{SshKey as Key, SshKeyStatus as KeyStatus};
use courier_store::{audit::NewAudit, ssh_keys::NewSshKey};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::{
    Actor, Engine, Error, Page, PageRequest, Result, audit::Entry, input::check_name, secrets,
    settings::FIPS_MODE,
};

/// The SSH key store. A [`Key`]'s public half comes with the key's name as its comment.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a>(pub(crate) &'a Engine);

impl Keys<'_> {
    /// Makes a key of one of `rsa_2048 rsa_3072 rsa_4096 ed25519 ecdsa_256 ecdsa_384 ecdsa_521`.
    ///
    /// # Errors
    /// [`Error::Validation`], [`Error::Duplicate`], [`Error::FipsKeyType`].
    pub async fn generate(
        &self,
        actor: &Actor,
        name: &str,
        key_type: &str,
        notes: Option<String>,
    ) -> Result<Key> {
        check_name("name", name)?;
        let key_type: KeyType = key_type
            .parse()
            .map_err(|e: courier_keys::Error| Error::field("key_type", e.to_string()))?;
        self.check_fips(&key_type.to_string()).await?;
        let key = blocking(move || {
            PrivateKey::generate(key_type).map_err(|e| Error::field("key_type", e.to_string()))
        })
        .await?;
        self.keep(actor, "key_generated", name, key, notes).await
    }

    /// Takes in a private key: OpenSSH, PEM or PuTTY.
    ///
    /// # Errors
    /// [`Error::Validation`], [`Error::KeyImport`], [`Error::Passphrase`], [`Error::KeyExists`], [`Error::Duplicate`],
    /// [`Error::FipsKeyType`].
    pub async fn import(
        &self,
        actor: &Actor,
        name: &str,
        private_key: &SecretString,
        passphrase: Option<&SecretString>,
        notes: Option<String>,
    ) -> Result<Key> {
        check_name("name", name)?;
        let (text, passphrase) = (private_key.clone(), passphrase.cloned());
        let key = blocking(move || {
            PrivateKey::import(text.expose_secret().as_bytes(), passphrase.as_ref()).map_err(|e| match e {
                courier_keys::Error::PassphraseNeeded | courier_keys::Error::PassphraseWrong => {
                    Error::Passphrase(e.to_string())
                }
                e => Error::KeyImport(e.to_string()),
            })
        })
        .await?;
        self.check_fips(&key.key_type().to_string()).await?;
        self.keep(actor, "key_imported", name, key, notes).await
    }

    /// Keys of one status, oldest first, also of those that are deleted; without one, all that aren't.
    ///
    /// # Errors
    /// [`Error::Store`], also for a cursor that no list gave out.
    pub async fn list(&self, status: Option<KeyStatus>, page: PageRequest) -> Result<Page<Key>> {
        self.0
            .0
            .store
            .ssh_keys()
            .list(status, &page)
            .await?
            .try_map(commented)
    }

    /// One key.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, id: Uuid) -> Result<Key> {
        commented(found(self.0.0.store.ssh_keys().get(id).await, id)?)
    }

    /// One `authorized_keys` line without a line end; its comment is the key's name.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn public_key(&self, id: Uuid) -> Result<String> {
        Ok(self.get(id).await?.public_key)
    }

    /// Takes a key out of use; connections go without it until it is activated again.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn retire(&self, actor: &Actor, id: Uuid) -> Result<Key> {
        self.set_status(actor, id, KeyStatus::Retired, "key_retired")
            .await
    }

    /// Puts a key back into use.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::FipsKeyType`].
    pub async fn activate(&self, actor: &Actor, id: Uuid) -> Result<Key> {
        self.check_fips(&self.get(id).await?.key_type).await?;
        self.set_status(actor, id, KeyStatus::Active, "key_activated")
            .await
    }

    /// Changes the name, where given, and the notes, where given (`Some(None)` clears them).
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Validation`], [`Error::Duplicate`].
    pub async fn update(
        &self,
        actor: &Actor,
        id: Uuid,
        name: Option<&str>,
        notes: Option<Option<&str>>,
    ) -> Result<Key> {
        if let Some(name) = name {
            check_name("name", name)?;
        }
        let record = |before: &Key, after: &Key| {
            let changes = json!({
                "before": {"name": before.name, "notes": before.notes},
                "after": {"name": after.name, "notes": after.notes},
            });
            record(actor, "key_changed", after, changes)
        };
        match self.0.0.store.ssh_keys().update(id, name, notes, record).await {
            Err(courier_store::Error::Duplicate { .. }) => Err(duplicate(name.unwrap_or_default())),
            result => commented(found(result, id)?),
        }
    }

    /// Erases the private half of a key that no connection uses. What it was is still known where it was used.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::KeyInUse`].
    pub async fn delete(&self, actor: &Actor, id: Uuid) -> Result<()> {
        let record = |key: &Key| record(actor, "key_deleted", key, json!({}));
        match self.0.0.store.ssh_keys().delete(id, record).await {
            Err(courier_store::Error::InUse { by, .. }) => Err(Error::KeyInUse { connections: by }),
            result => found(result, id),
        }
    }

    async fn keep(
        &self,
        actor: &Actor,
        operation: &str,
        name: &str,
        key: PrivateKey,
        notes: Option<String>,
    ) -> Result<Key> {
        let store = self.0.0.store.ssh_keys();
        let fingerprint = key.fingerprint();
        if let Some(same) = store.by_fingerprint(&fingerprint).await? {
            return Err(Error::KeyExists { name: same.name });
        }
        let mut new = NewSshKey::new(name, &actor.name);
        new.key_type = key.key_type().to_string();
        new.public_key = key
            .public()
            .authorized_keys_line("")
            .map_err(|e| Error::KeyImport(e.to_string()))?;
        new.fingerprint = fingerprint;
        new.notes = notes;
        let text = key.to_openssh().map_err(|e| Error::KeyImport(e.to_string()))?;
        new.private_key = secrets::seal_key(self.0, new.id, &text).await?;
        let record = |key: &Key| record(actor, operation, key, json!({"key_type": key.key_type}));
        match store.insert(new, record).await {
            Err(courier_store::Error::Duplicate {
                field: "fingerprint", ..
            }) => Err(Error::KeyExists {
                name: "another one".into(),
            }),
            Err(courier_store::Error::Duplicate { .. }) => Err(duplicate(name)),
            result => commented(result?),
        }
    }

    async fn set_status(&self, actor: &Actor, id: Uuid, status: KeyStatus, operation: &str) -> Result<Key> {
        let record = |key: &Key| record(actor, operation, key, json!({"used_by": key.used_by}));
        let keys = self.0.0.store.ssh_keys();
        commented(found(keys.set_status(id, status, record).await, id)?)
    }

    /// What these keys are and were, also those that are deleted, in no order.
    pub(crate) async fn of_any_status(&self, ids: &[Uuid]) -> Result<Vec<Key>> {
        let keys = self.0.0.store.ssh_keys().of_any_status(ids).await?;
        keys.into_iter().map(commented).collect()
    }

    async fn check_fips(&self, key_type: &str) -> Result<()> {
        if !is_approved(key_type) && self.0.settings().flag(&FIPS_MODE).await? {
            return Err(Error::FipsKeyType {
                key_type: key_type.into(),
            });
        }
        Ok(())
    }
}

/// May a key of this stored type be used in FIPS mode?
pub(crate) fn is_approved(key_type: &str) -> bool {
    key_type.parse().is_ok_and(KeyType::is_fips_approved)
}

fn record(actor: &Actor, operation: &str, key: &Key, mut details: Value) -> NewAudit {
    if let Value::Object(map) = &mut details {
        map.insert("ssh_key_id".into(), json!(key.id));
        map.insert("name".into(), json!(key.name));
        map.insert("fingerprint".into(), json!(key.fingerprint));
    }
    Entry::new(operation, &actor.name, details).into()
}

/// The key, its name as the comment of its public half.
fn commented(mut key: Key) -> Result<Key> {
    let damaged = |e: courier_keys::Error| Error::Internal(format!("the stored public key is damaged: {e}"));
    let public = PublicKey::from_authorized_keys_line(&key.public_key).map_err(damaged)?;
    key.public_key = public.authorized_keys_line(&key.name).map_err(damaged)?;
    Ok(key)
}

fn found<T>(result: courier_store::Result<T>, id: Uuid) -> Result<T> {
    match result {
        Err(courier_store::Error::NotFound { .. }) => Err(Error::not_found("SSH key", id)),
        result => Ok(result?),
    }
}

fn duplicate(name: &str) -> Error {
    Error::Duplicate {
        what: "SSH key",
        name: name.into(),
    }
}

/// Keys that are made or opened at once: a file may ask for 256 MiB, and for seconds of a core.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// Key arithmetic takes up to seconds. Work under way keeps its turn, also when nobody waits for it any more.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let stopped = || Error::Internal("the key thread stopped".into());
    let turn = AT_ONCE.acquire().await.map_err(|_| stopped())?;
    let work = move || {
        let _turn = turn;
        work()
    };
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(stopped()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        thread,
        time::Duration,
    };

    use super::*;

    #[tokio::test]
    async fn only_some_keys_are_worked_on_at_once() {
        static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);
        let work = || {
            let others = UNDER_WAY.fetch_add(1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(5));
            UNDER_WAY.fetch_sub(1, Ordering::SeqCst);
            Ok(others)
        };
        for others in futures::future::join_all((0..20).map(|_| blocking(work))).await {
            assert!(others.unwrap() < 2);
        }
    }
}
