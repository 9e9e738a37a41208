//! The SSH key store (specification 6.8).

use courier_keys::{KeyType, PrivateKey, PublicKey};
use courier_store::ssh_keys::NewSshKey;
pub use courier_store::ssh_keys::{SshKey as Key, SshKeyStatus as KeyStatus};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
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
        self.check_fips(key_type).await?;
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
        self.check_fips(key.key_type()).await?;
        self.keep(actor, "key_imported", name, key, notes).await
    }

    /// Keys, oldest first; of one status, where it is given.
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
    /// [`Error::NotFound`].
    pub async fn activate(&self, actor: &Actor, id: Uuid) -> Result<Key> {
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
        let updated = match self.0.0.store.ssh_keys().update(id, name, notes).await {
            Err(courier_store::Error::Duplicate { .. }) => return Err(duplicate(name.unwrap_or_default())),
            result => found(result, id)?,
        };
        self.record(actor, "key_changed", &updated, json!({})).await?;
        commented(updated)
    }

    /// Erases a key that no connection uses.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::KeyInUse`].
    pub async fn delete(&self, actor: &Actor, id: Uuid) -> Result<()> {
        let key = self.get(id).await?;
        match self.0.0.store.ssh_keys().delete(id).await {
            Err(courier_store::Error::InUse { by, .. }) => return Err(Error::KeyInUse { connections: by }),
            result => found(result, id)?,
        }
        self.record(actor, "key_deleted", &key, json!({})).await
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
        let kept = match store.insert(new).await {
            Err(courier_store::Error::Duplicate {
                field: "fingerprint", ..
            }) => {
                return Err(Error::KeyExists {
                    name: "another one".into(),
                });
            }
            Err(courier_store::Error::Duplicate { .. }) => return Err(duplicate(name)),
            result => result?,
        };
        self.record(actor, operation, &kept, json!({"key_type": kept.key_type}))
            .await?;
        commented(kept)
    }

    async fn set_status(&self, actor: &Actor, id: Uuid, status: KeyStatus, operation: &str) -> Result<Key> {
        let key = found(self.0.0.store.ssh_keys().set_status(id, status).await, id)?;
        self.record(actor, operation, &key, json!({})).await?;
        commented(key)
    }

    async fn check_fips(&self, key_type: KeyType) -> Result<()> {
        let allowed = match key_type {
            KeyType::Rsa(bits) => bits >= 2048,
            KeyType::Ed25519 => false,
            KeyType::Ecdsa256 | KeyType::Ecdsa384 | KeyType::Ecdsa521 => true,
        };
        if !allowed && self.0.settings().flag(&FIPS_MODE).await? {
            return Err(Error::FipsKeyType {
                key_type: key_type.to_string(),
            });
        }
        Ok(())
    }

    async fn record(&self, actor: &Actor, operation: &str, key: &Key, mut details: Value) -> Result<()> {
        if let Value::Object(map) = &mut details {
            map.insert("ssh_key_id".into(), json!(key.id));
            map.insert("name".into(), json!(key.name));
            map.insert("fingerprint".into(), json!(key.fingerprint));
        }
        self.0
            .audit()
            .record(Entry::new(operation, &actor.name, details))
            .await
    }
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

/// Key arithmetic takes up to seconds.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Error::Internal("the key thread stopped".into())))
}
