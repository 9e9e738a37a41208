//! Seals and opens values.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::blob::{Blob, FORMAT, MAGIC, NONCE_LEN, TAG_LEN};
use crate::error::{Error, Result};
use crate::provider::{DataKey, KeyProvider, KeyVersion, Wrapped};

/// What [`Vault::check_value`] seals.
const CHECK_TEXT: &[u8] = b"courier vault check";

/// The row and field that a sealed value belongs to. A value opens only under the binding it was sealed with.
///
/// The parts go into the value's authentication and not into the value, so they must stay the same: the kind and the
/// field are names that don't change, the id is the row's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    kind: &'static str,
    id: String,
    field: String,
}

impl Binding {
    /// The `field` of the row `id` of a `kind`: `("connection", uuid, "password")`.
    #[must_use]
    pub fn new(kind: &'static str, id: impl fmt::Display, field: impl Into<String>) -> Self {
        Self {
            kind,
            id: id.to_string(),
            field: field.into(),
        }
    }

    /// The associated data of the ciphertext: the mark and the format, and each part after its length (8 bytes,
    /// big-endian), so that no two bindings share one text.
    fn associated_data(&self) -> Vec<u8> {
        let mut data = Vec::from(MAGIC);
        data.push(FORMAT);
        for part in [self.kind, &self.id, &self.field] {
            data.extend_from_slice(&(part.len() as u64).to_be_bytes());
            data.extend_from_slice(part.as_bytes());
        }
        data
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.kind, self.id, self.field)
    }
}

/// Seals values under the key of one [`KeyProvider`], and opens those under its key or under one of the others. Cheap to
/// clone.
#[derive(Debug, Clone)]
pub struct Vault {
    provider: Arc<dyn KeyProvider>,
    /// Providers of the keys of earlier days: they open, and seal nothing.
    others: Vec<Arc<dyn KeyProvider>>,
}

impl Vault {
    /// A vault under this provider's key.
    #[must_use]
    pub fn new(provider: Arc<dyn KeyProvider>) -> Self {
        Self {
            provider,
            others: Vec::new(),
        }
    }

    /// The same vault, which also opens what is sealed under this provider's key, until [`Vault::rewrap`] has moved it.
    #[must_use]
    pub fn opening_also(mut self, provider: Arc<dyn KeyProvider>) -> Self {
        self.others.push(provider);
        self
    }

    /// The provider that holds the key of a sealed value; the first one, which names both keys in its error, where none
    /// does.
    fn holder(&self, key_id: &str) -> &Arc<dyn KeyProvider> {
        std::iter::once(&self.provider)
            .chain(&self.others)
            .find(|provider| provider.holds(key_id))
            .unwrap_or(&self.provider)
    }

    /// Which key and version a sealed value needs, read from the value alone.
    ///
    /// # Errors
    /// [`Error::NotSealed`] or [`Error::Format`].
    pub fn sealed_under(blob: &[u8]) -> Result<KeyVersion> {
        let Wrapped {
            key_id, key_version, ..
        } = Blob::decode(blob)?.wrapped;
        Ok(KeyVersion { key_id, key_version })
    }

    /// Which key and version values are sealed under now: [`KeyProvider::newest`].
    ///
    /// # Errors
    /// [`Error::Provider`].
    pub async fn newest(&self) -> Result<KeyVersion> {
        self.provider.newest().await
    }

    /// Wraps a sealed value's data key anew, under the newest version of this vault's key; the ciphertext stays, byte for
    /// byte. Tells nothing about whether the value is authentic: that shows when it is opened.
    ///
    /// # Errors
    /// As [`Vault::open`], but for [`Error::Tampered`].
    pub async fn rewrap(&self, blob: &[u8]) -> Result<Vec<u8>> {
        let mut blob = Blob::decode(blob)?;
        let data_key = self.unwrap(&blob.wrapped).await?;
        blob.wrapped = self.provider.wrap(&data_key).await?;
        blob.encode()
    }

    pub(crate) async fn unwrap(&self, wrapped: &Wrapped) -> Result<DataKey> {
        self.holder(&wrapped.key_id).unwrap(wrapped).await
    }

    /// A fresh data key, and the same wrapped under the newest key.
    pub(crate) async fn new_data_key(&self) -> Result<(DataKey, Wrapped)> {
        let mut data_key = DataKey::default();
        fill_random(&mut *data_key)?;
        let wrapped = self.provider.wrap(&data_key).await?;
        Ok((data_key, wrapped))
    }

    /// What holds the key, for logs: [`KeyProvider::describe`].
    #[must_use]
    pub fn describe(&self) -> String {
        self.provider.describe()
    }

    /// Encrypts a value under a fresh data key, and returns the blob to store.
    ///
    /// # Errors
    /// [`Error::TooLong`] over 4 GiB, [`Error::Provider`] if the data key can't be wrapped, [`Error::Crypto`] for want
    /// of randomness.
    pub async fn seal(&self, binding: &Binding, plaintext: &[u8]) -> Result<Vec<u8>> {
        let (data_key, wrapped) = self.new_data_key().await?;
        let mut nonce = [0; NONCE_LEN];
        fill_random(&mut nonce)?;
        let mut ciphertext = plaintext.to_vec();
        let tag = encrypt(&data_key, nonce, &binding.associated_data(), &mut ciphertext)?;
        Blob {
            wrapped,
            nonce,
            tag,
            ciphertext,
        }
        .encode()
    }

    /// Decrypts a blob of [`Vault::seal`].
    ///
    /// # Errors
    /// [`Error::NotSealed`] or [`Error::Format`] for other bytes, [`Error::WrongKey`] under another key,
    /// [`Error::Tampered`] if it was altered or belongs to another binding, [`Error::Provider`] if the data key can't
    /// be unwrapped.
    pub async fn open(&self, binding: &Binding, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let blob = Blob::decode(blob)?;
        let data_key = self.unwrap(&blob.wrapped).await?;
        decrypt(
            &data_key,
            blob.nonce,
            &binding.associated_data(),
            &blob.ciphertext,
            &blob.tag,
        )
        .ok_or_else(|| Error::Tampered {
            binding: binding.to_string(),
        })
    }

    /// [`Vault::seal`] for text.
    ///
    /// # Errors
    /// As [`Vault::seal`].
    pub async fn seal_str(&self, binding: &Binding, text: &SecretString) -> Result<Vec<u8>> {
        self.seal(binding, text.expose_secret().as_bytes()).await
    }

    /// [`Vault::open`] for text.
    ///
    /// # Errors
    /// As [`Vault::open`], and [`Error::NotText`].
    pub async fn open_str(&self, binding: &Binding, blob: &[u8]) -> Result<SecretString> {
        let bytes = self.open(binding, blob).await?;
        let text = std::str::from_utf8(&bytes).map_err(|_| Error::NotText {
            binding: binding.to_string(),
        })?;
        Ok(SecretString::from(text))
    }

    /// A blob to store beside the sealed values, for [`Vault::verify_check`].
    ///
    /// # Errors
    /// As [`Vault::seal`].
    pub async fn check_value(&self) -> Result<Vec<u8>> {
        self.seal(&check_binding(), CHECK_TEXT).await
    }

    /// Tells at start whether this key opens what is stored, before anything is sealed under a second key.
    ///
    /// # Errors
    /// As [`Vault::open`]; [`Error::WrongKey`] names both keys.
    pub async fn verify_check(&self, blob: &[u8]) -> Result<()> {
        let binding = check_binding();
        let text = self.open(&binding, blob).await?;
        if text.as_slice() == CHECK_TEXT {
            Ok(())
        } else {
            Err(Error::Tampered {
                binding: binding.to_string(),
            })
        }
    }
}

fn check_binding() -> Binding {
    Binding::new("vault", "check", "value")
}

/// Fills the bytes from the system's generator.
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<()> {
    aws_lc_rs::rand::fill(bytes).map_err(|_| Error::Crypto {
        operation: "make random bytes",
    })
}

/// Encrypts in place with AES-256-GCM and returns the tag.
pub(crate) fn encrypt(
    key: &[u8; 32],
    nonce: [u8; NONCE_LEN],
    associated_data: &[u8],
    data: &mut [u8],
) -> Result<[u8; TAG_LEN]> {
    let failed = |_| Error::Crypto { operation: "encrypt" };
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).map_err(failed)?);
    let tag = key
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(associated_data),
            data,
        )
        .map_err(failed)?;
    tag.as_ref()
        .try_into()
        .map_err(|_| Error::Crypto { operation: "encrypt" })
}

/// Decrypts with AES-256-GCM; `None` if anything doesn't fit together.
pub(crate) fn decrypt(
    key: &[u8; 32],
    nonce: [u8; NONCE_LEN],
    associated_data: &[u8],
    ciphertext: &[u8],
    tag: &[u8; TAG_LEN],
) -> Option<Zeroizing<Vec<u8>>> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
    let mut plaintext = Zeroizing::new(vec![0; ciphertext.len()]);
    key.open_separate_gather(
        Nonce::assume_unique_for_key(nonce),
        Aad::from(associated_data),
        ciphertext,
        tag,
        &mut plaintext,
    )
    .ok()?;
    Some(plaintext)
}
