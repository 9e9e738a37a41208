//! Signatures by a private key, as SSH carries them.
//!
//! | algorithm | keys | computed by |
//! |---|---|---|
//! | `rsa-sha2-512`, `rsa-sha2-256` (RFC 8332) | RSA of 2048 bits and more | aws-lc |
//! | the same | RSA of less, which aws-lc refuses | the `rsa` crate |
//! | `ssh-rsa` (SHA-1, RFC 4253 section 6.6), only where a server knows nothing better | RSA | the `rsa` crate |
//! | `ssh-ed25519` (RFC 8709), `ecdsa-sha2-*` (RFC 5656) | Ed25519, ECDSA | RustCrypto, in constant time |
//!
//! RUSTSEC-2023-0071 tells of a timing leak in the `rsa` crate. The two uses left to it are weak by themselves, and
//! only for servers or keys that offer nothing better.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaSignatureEncoding};
use russh::keys::agent::AgentIdentity;
use russh::keys::signature::{Signer, Verifier};
use russh::keys::ssh_encoding::{Decode, Encode};
use russh::keys::ssh_key::Signature;
use russh::keys::ssh_key::private::{KeypairData, RsaKeypair};
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, pkcs8};
use zeroize::Zeroizing;

use crate::agent::AgentError;
use crate::error::{Error, Result};
use crate::key::{PrivateKey, PublicKey};
use crate::key_type::KeyType;

/// The smallest RSA key that aws-lc signs with, bits.
const AWS_LC_MIN_RSA_BITS: u32 = 2048;

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// `rsa-sha2-512` (RFC 8332).
    RsaSha512,
    /// `rsa-sha2-256` (RFC 8332).
    RsaSha256,
    /// `ssh-rsa` with SHA-1 (RFC 4253 section 6.6): for servers that know nothing better. Forgeable in principle.
    RsaSha1,
    /// `ssh-ed25519` (RFC 8709).
    Ed25519,
    /// `ecdsa-sha2-nistp256` (RFC 5656).
    Ecdsa256,
    /// `ecdsa-sha2-nistp384` (RFC 5656).
    Ecdsa384,
    /// `ecdsa-sha2-nistp521` (RFC 5656).
    Ecdsa521,
}

impl SignatureAlgorithm {
    /// What a key of this type can sign with, the best first and [`SignatureAlgorithm::RsaSha1`] last.
    #[must_use]
    pub fn of(key_type: KeyType) -> &'static [Self] {
        match key_type {
            KeyType::Rsa(_) => &[Self::RsaSha512, Self::RsaSha256, Self::RsaSha1],
            KeyType::Ed25519 => &[Self::Ed25519],
            KeyType::Ecdsa256 => &[Self::Ecdsa256],
            KeyType::Ecdsa384 => &[Self::Ecdsa384],
            KeyType::Ecdsa521 => &[Self::Ecdsa521],
        }
    }

    /// Its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RsaSha512 => "rsa-sha2-512",
            Self::RsaSha256 => "rsa-sha2-256",
            Self::RsaSha1 => "ssh-rsa",
            Self::Ed25519 => "ssh-ed25519",
            Self::Ecdsa256 => "ecdsa-sha2-nistp256",
            Self::Ecdsa384 => "ecdsa-sha2-nistp384",
            Self::Ecdsa521 => "ecdsa-sha2-nistp521",
        }
    }

    /// The `hash_alg` that russh wants beside the key in `authenticate_publickey_with`: the hash for RSA (`None` is
    /// SHA-1), `None` for the rest.
    #[must_use]
    pub fn hash_alg(self) -> Option<HashAlg> {
        match self {
            Self::RsaSha512 => Some(HashAlg::Sha512),
            Self::RsaSha256 => Some(HashAlg::Sha256),
            _ => None,
        }
    }

    /// As the SSH library names it.
    fn algorithm(self) -> Algorithm {
        match self {
            Self::RsaSha512 | Self::RsaSha256 | Self::RsaSha1 => Algorithm::Rsa {
                hash: self.hash_alg(),
            },
            Self::Ed25519 => Algorithm::Ed25519,
            Self::Ecdsa256 => Algorithm::Ecdsa {
                curve: EcdsaCurve::NistP256,
            },
            Self::Ecdsa384 => Algorithm::Ecdsa {
                curve: EcdsaCurve::NistP384,
            },
            Self::Ecdsa521 => Algorithm::Ecdsa {
                curve: EcdsaCurve::NistP521,
            },
        }
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PrivateKey {
    /// Signs `data` and returns the signature blob: `string algorithm, string signature` (RFC 4253 section 6.6).
    ///
    /// # Errors
    /// [`Error::WrongAlgorithm`] if the key is of another type, [`Error::Crypto`] if the library refuses.
    pub fn sign(&self, algorithm: SignatureAlgorithm, data: &[u8]) -> Result<Vec<u8>> {
        if !SignatureAlgorithm::of(self.key_type()).contains(&algorithm) {
            return Err(Error::WrongAlgorithm {
                key_type: self.key_type().to_string(),
                algorithm: algorithm.to_string(),
            });
        }
        let signature = match (self.inner().key_data(), self.key_type()) {
            (KeypairData::Rsa(pair), KeyType::Rsa(bits)) => match algorithm {
                SignatureAlgorithm::RsaSha512 if bits >= AWS_LC_MIN_RSA_BITS => {
                    self.sign_rsa(algorithm, &RSA_PKCS1_SHA512, data)?
                }
                SignatureAlgorithm::RsaSha256 if bits >= AWS_LC_MIN_RSA_BITS => {
                    self.sign_rsa(algorithm, &RSA_PKCS1_SHA256, data)?
                }
                _ => sign_rsa_legacy(pair, algorithm, data)?,
            },
            (pair, _) => pair.try_sign(data).map_err(|_| failed())?,
        };
        encoded(&signature)
    }

    /// PKCS#1 v1.5 by aws-lc, which blinds and works in constant time.
    fn sign_rsa(
        &self,
        algorithm: SignatureAlgorithm,
        encoding: &'static RsaSignatureEncoding,
        data: &[u8],
    ) -> Result<Signature> {
        let der = Zeroizing::new(pkcs8::encode_pkcs8(self.inner()).map_err(|_| failed())?);
        let pair = KeyPair::from_pkcs8(&der).map_err(|_| failed())?;
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(encoding, &SystemRandom::new(), data, &mut signature)
            .map_err(|_| failed())?;
        Signature::new(algorithm.algorithm(), signature).map_err(|_| failed())
    }
}

/// What aws-lc refuses: SHA-1, and keys under [`AWS_LC_MIN_RSA_BITS`].
fn sign_rsa_legacy(pair: &RsaKeypair, algorithm: SignatureAlgorithm, data: &[u8]) -> Result<Signature> {
    (pair, algorithm.hash_alg()).try_sign(data).map_err(|_| failed())
}

impl PublicKey {
    /// Verifies a signature blob over `data`, as [`PrivateKey::sign`] makes it.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if it isn't this key's signature of this data.
    pub fn verify(&self, data: &[u8], blob: &[u8]) -> Result<()> {
        let signature = Signature::decode(&mut &*blob).map_err(|_| Error::Mismatch)?;
        self.inner()
            .key_data()
            .verify(data, &signature)
            .map_err(|_| Error::Mismatch)
    }
}

fn encoded(signature: &Signature) -> Result<Vec<u8>> {
    let mut blob = Vec::new();
    signature.encode(&mut blob).map_err(|_| failed())?;
    Ok(blob)
}

fn failed() -> Error {
    Error::Crypto { operation: "sign" }
}

/// Signs a public-key authentication (RFC 4252 section 7) with a borrowed key:
///
/// ```no_run
/// # use courier_keys::{AuthSigner, PrivateKey, SignatureAlgorithm, SignError};
/// # async fn example<H: russh::client::Handler>(
/// #     session: &mut russh::client::Handle<H>, key: &PrivateKey, algorithm: SignatureAlgorithm,
/// # ) -> Result<(), SignError> {
/// let public = key.public().inner().clone();
/// session.authenticate_publickey_with("user", public, algorithm.hash_alg(), &mut AuthSigner::new(key)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AuthSigner<'a> {
    key: &'a PrivateKey,
}

impl<'a> AuthSigner<'a> {
    /// Signs with `key`.
    #[must_use]
    pub fn new(key: &'a PrivateKey) -> Self {
        Self { key }
    }
}

/// Why an authentication couldn't be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The session ended meanwhile.
    #[error("the SSH session ended during the authentication")]
    Send(#[from] russh::SendError),
    /// The key couldn't sign.
    #[error(transparent)]
    Key(#[from] Error),
    /// The agent that keeps the key didn't sign.
    #[error(transparent)]
    Agent(#[from] AgentError),
}

impl russh::Signer for AuthSigner<'_> {
    type Error = SignError;

    /// Returns `to_sign` with the signature blob appended as one SSH string, which is what russh sends on.
    async fn auth_sign(
        &mut self,
        _identity: &AgentIdentity,
        hash_alg: Option<HashAlg>,
        to_sign: Vec<u8>,
    ) -> std::result::Result<Vec<u8>, SignError> {
        let algorithms = SignatureAlgorithm::of(self.key.key_type());
        // Only RSA has a choice; elsewhere russh passes on whatever its caller gave.
        let algorithm = match self.key.key_type() {
            KeyType::Rsa(_) => algorithms
                .iter()
                .find(|algorithm| algorithm.hash_alg() == hash_alg),
            _ => algorithms.first(),
        };
        let algorithm = algorithm.copied().ok_or_else(failed)?;
        let signature = self.key.sign(algorithm, &to_sign)?;
        Ok(signed(to_sign, &signature)?)
    }
}

/// What russh sends on: what was signed, and behind it the signature blob as one SSH string.
pub(crate) fn signed(mut data: Vec<u8>, signature: &[u8]) -> Result<Vec<u8>> {
    signature.encode(&mut data).map_err(|_| failed())?;
    Ok(data)
}
