//! Who holds the key-encryption key.

pub(crate) mod azure;
pub(crate) mod local;

use std::fmt;

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::error::Result;

/// A 256-bit key that encrypts one value. Zeroed on drop.
pub type DataKey = Zeroizing<[u8; 32]>;

/// A data key, encrypted under a key-encryption key.
#[derive(Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// A public identifier of the key-encryption key, at most 255 bytes of UTF-8.
    pub key_id: String,
    /// Its version, where the provider rotates keys under one identifier; at most 255 bytes of UTF-8.
    pub key_version: String,
    /// The encrypted data key, at most 65535 bytes; only the provider knows its form.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Wrapped(under {} version {}, {} bytes)",
            self.key_id,
            self.key_version,
            self.bytes.len()
        )
    }
}

/// A key-encryption key, and one version of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyVersion {
    /// As [`Wrapped::key_id`].
    pub key_id: String,
    /// As [`Wrapped::key_version`].
    pub key_version: String,
}

/// Wraps and unwraps data keys under a key-encryption key, which never leaves the provider.
///
/// What [`KeyProvider::wrap`] returned must unwrap for as long as the key exists, also in another process and by a
/// later version of the provider.
#[async_trait]
pub trait KeyProvider: Send + Sync + fmt::Debug {
    /// What and where the key is, for logs and errors: `local key 1f3a… (data/kek)`. No secret.
    fn describe(&self) -> String;

    /// Which key, and which version of it, [`KeyProvider::wrap`] uses now: what [`Wrapped`] will name.
    ///
    /// # Errors
    /// [`Error::Provider`](crate::Error::Provider) if the provider can't be reached or refuses.
    async fn newest(&self) -> Result<KeyVersion>;

    /// Does this provider hold the key of that identifier, in whatever version? Decided without asking anybody.
    fn holds(&self, key_id: &str) -> bool;

    /// Encrypts a data key under the newest version of the key.
    ///
    /// # Errors
    /// [`Error::Provider`](crate::Error::Provider) if the provider can't be reached or refuses.
    async fn wrap(&self, data_key: &DataKey) -> Result<Wrapped>;

    /// Decrypts a data key with the key and version that it names.
    ///
    /// # Errors
    /// [`Error::WrongKey`](crate::Error::WrongKey) if it was wrapped under another key,
    /// [`Error::Provider`](crate::Error::Provider) if it was altered or the provider can't be reached or refuses.
    async fn unwrap(&self, wrapped: &Wrapped) -> Result<DataKey>;
}
