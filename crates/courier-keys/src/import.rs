//! Private keys from elsewhere (specification 6.8.2).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::decode::{decode, public};
use crate::error::Result;
use crate::key::{PrivateKey, PublicKey};
use crate::sniff::{Container, sniff};

impl PrivateKey {
    /// Reads a private key in the OpenSSH, PKCS#1, PKCS#8, SEC1 (PEM or DER) or PuTTY (PPK version 2 and 3) format:
    /// its file as it is, or the base64 of that file, which is how a binary one travels in text.
    ///
    /// A passphrase is needed where the key is encrypted, and ignored where it isn't; an empty one counts as none.
    /// Opening an encrypted key takes up to some seconds, by the work factor in it: call it off the async runtime's
    /// threads.
    ///
    /// # Errors
    /// Each cause has its own: [`Error::NotAPrivateKey`](crate::Error::NotAPrivateKey),
    /// [`Error::Malformed`](crate::Error::Malformed), [`Error::PassphraseNeeded`](crate::Error::PassphraseNeeded),
    /// [`Error::PassphraseWrong`](crate::Error::PassphraseWrong), [`Error::Unsupported`](crate::Error::Unsupported)
    /// (formats, ciphers, DSA), [`Error::RsaSize`](crate::Error::RsaSize),
    /// [`Error::Mismatch`](crate::Error::Mismatch).
    pub fn import(bytes: &[u8], passphrase: Option<&SecretString>) -> Result<Self> {
        let passphrase = passphrase
            .map(ExposeSecret::expose_secret)
            .filter(|text| !text.is_empty());
        Self::new(decode(&sniff(bytes)?, passphrase)?)
    }
}

impl PublicKey {
    /// The public half of a private key, where it can be read without the passphrase: in OpenSSH's own format it stands
    /// in the clear.
    #[must_use]
    pub fn beside_private(bytes: &[u8]) -> Option<Self> {
        let Ok(Container::OpenSsh(data)) = sniff(bytes) else {
            return None;
        };
        Self::new(public(&data)?).ok()
    }
}

/// A key's file as text, in which [`PrivateKey::import`] reads it as well: as it is, or its base64 where it isn't UTF-8.
#[must_use]
pub fn file_as_text(bytes: &[u8]) -> SecretString {
    match std::str::from_utf8(bytes) {
        Ok(text) => SecretString::from(text),
        Err(_) => SecretString::from(Zeroizing::new(STANDARD.encode(bytes)).as_str()),
    }
}
