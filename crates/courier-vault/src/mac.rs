//! Keyed authentication codes over what is stored in the clear.

use std::fmt;

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::error::Result;
use crate::vault::{Binding, Vault, fill_random};

/// The length of a code, bytes.
pub const MAC_LEN: usize = 32;

/// A key for authentication codes (HMAC-SHA-256, RFC 2104): who can't open the vault can't make a code, nor tell a right
/// one from a wrong one.
///
/// It is random, and sealed like any other secret, so that it stays the same when the key-encryption key changes.
#[derive(Clone)]
pub struct MacKey(hmac::Key);

impl MacKey {
    /// Makes a new key: the blob to store, and the key.
    ///
    /// # Errors
    /// As [`Vault::seal`].
    pub async fn generate(vault: &Vault, binding: &Binding) -> Result<(Vec<u8>, Self)> {
        let mut key = Zeroizing::new([0; MAC_LEN]);
        fill_random(&mut *key)?;
        let blob = vault.seal(binding, &*key).await?;
        Ok((blob, Self::new(&*key)))
    }

    /// Opens a stored key.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub async fn open(vault: &Vault, binding: &Binding, blob: &[u8]) -> Result<Self> {
        Ok(Self::new(&vault.open(binding, blob).await?))
    }

    fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The code of these bytes.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> [u8; MAC_LEN] {
        let mut code = [0; MAC_LEN];
        // HMAC-SHA-256 has this length always.
        for (to, from) in code.iter_mut().zip(hmac::sign(&self.0, bytes).as_ref()) {
            *to = *from;
        }
        code
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(…)")
    }
}
