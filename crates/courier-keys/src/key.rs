//! A private key and its public half.

use std::fmt;

use russh::keys::ssh_key::{self, LineEnding};
use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, Result};
use crate::key_type::KeyType;
use crate::sign::SignatureAlgorithm;

/// A private key that Courier can use: of a supported type, strong enough, decrypted, with matching halves.
///
/// The secret numbers are zeroed on drop, and `Debug` shows the public half only. There is no `Clone`: share it by
/// `Arc` where two need it.
pub struct PrivateKey {
    inner: ssh_key::PrivateKey,
    public: PublicKey,
}

impl PrivateKey {
    /// Takes a decoded key in, and proves that it works by signing with it once.
    ///
    /// # Errors
    /// [`Error::Unsupported`], [`Error::RsaSize`] or [`Error::Mismatch`].
    pub(crate) fn new(mut inner: ssh_key::PrivateKey) -> Result<Self> {
        // A comment can hold what somebody would rather not store, and is no part of the key.
        inner.set_comment("");
        let public = PublicKey::new(inner.public_key().clone())?;
        let key = Self { inner, public };
        key.prove()?;
        Ok(key)
    }

    /// Signs a fixed text and verifies it, so that a damaged key is refused when it comes in and not at the server.
    fn prove(&self) -> Result<()> {
        const TEXT: &[u8] = b"courier key check";
        let algorithm = SignatureAlgorithm::of(self.key_type());
        let algorithm = algorithm.first().copied().ok_or(Error::Mismatch)?;
        let signature = self.sign(algorithm, TEXT).map_err(|_| Error::Mismatch)?;
        self.public.verify(TEXT, &signature)
    }

    /// Reads back what [`PrivateKey::to_openssh`] wrote.
    ///
    /// # Errors
    /// As [`PrivateKey::import`] without a passphrase.
    pub fn from_openssh(text: &SecretString) -> Result<Self> {
        Self::import(text.expose_secret().as_bytes(), None)
    }

    /// The whole key as **unencrypted** OpenSSH text (`-----BEGIN OPENSSH PRIVATE KEY-----`): for the vault to seal.
    ///
    /// # Errors
    /// [`Error::Crypto`], which a sound key doesn't give.
    pub fn to_openssh(&self) -> Result<SecretString> {
        let text = self.inner.to_openssh(LineEnding::LF).map_err(|_| Error::Crypto {
            operation: "write the key",
        })?;
        // From the slice: from a `String` with spare capacity, shrinking could leave a copy behind.
        Ok(SecretString::from(text.as_str()))
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The type of the key.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.public.key_type
    }

    /// The fingerprint of the public half; see [`PublicKey::fingerprint`].
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.public.fingerprint()
    }

    /// The key as the SSH library has it, e.g. for a server's host key. To authenticate, use
    /// [`AuthSigner`](crate::AuthSigner).
    #[must_use]
    pub fn inner(&self) -> &ssh_key::PrivateKey {
        &self.inner
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey")
            .field("key_type", &self.key_type())
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

/// A public key of a type that Courier can use. It has no comment: that is the caller's.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    inner: ssh_key::PublicKey,
    key_type: KeyType,
}

impl PublicKey {
    /// Takes in a key that the SSH library has read.
    ///
    /// # Errors
    /// [`Error::Unsupported`] or [`Error::RsaSize`].
    pub fn new(mut inner: ssh_key::PublicKey) -> Result<Self> {
        inner.set_comment("");
        let key_type = KeyType::of(inner.key_data())?;
        Ok(Self { inner, key_type })
    }

    /// Reads one line of an `authorized_keys` or `.pub` file: `algorithm base64 comment`. The comment is dropped.
    ///
    /// # Errors
    /// [`Error::BadPublicKey`] for anything else, also for a line that starts with options; [`Error::Unsupported`]
    /// or [`Error::RsaSize`] for a key of a kind that Courier doesn't take.
    pub fn from_authorized_keys_line(line: &str) -> Result<Self> {
        let line = line.trim();
        if line.lines().count() > 1 {
            return Err(Error::BadPublicKey {
                reason: "it has more than one line".into(),
            });
        }
        let key = ssh_key::PublicKey::from_openssh(line).map_err(|error| Error::BadPublicKey {
            reason: error.to_string(),
        })?;
        Self::new(key)
    }

    /// One `authorized_keys` line without a line end: `algorithm base64 comment`.
    ///
    /// Control characters in the comment, line ends among them, become spaces: a comment must not be able to add a
    /// second line to somebody's `authorized_keys`.
    ///
    /// # Errors
    /// [`Error::Crypto`], which a sound key doesn't give.
    pub fn authorized_keys_line(&self, comment: &str) -> Result<String> {
        let key = self.inner.to_openssh().map_err(|_| Error::Crypto {
            operation: "write the public key",
        })?;
        let printable = comment.replace(
            |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'),
            " ",
        );
        Ok(format!("{} {}", key.trim_end(), printable.trim())
            .trim_end()
            .to_owned())
    }

    /// The type of the key.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// The name of the key's algorithm on the wire, e.g. `ssh-ed25519` or `ssh-rsa` (RFC 4253 section 6.6).
    #[must_use]
    pub fn algorithm_name(&self) -> String {
        self.inner.algorithm().as_str().to_owned()
    }

    /// The key as the SSH library has it.
    #[must_use]
    pub fn inner(&self) -> &ssh_key::PublicKey {
        &self.inner
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} {})", self.key_type, self.fingerprint())
    }
}
