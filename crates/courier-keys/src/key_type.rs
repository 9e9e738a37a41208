//! The types of key that Courier holds.

use std::fmt;
use std::str::FromStr;

use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Algorithm, EcdsaCurve};

use crate::error::{Error, Result};

/// The smallest RSA modulus that may be imported, bits: what OpenSSH's `RequiredRSASize` still lets through.
pub const MIN_RSA_BITS: u32 = 1024;

/// The largest RSA modulus that may be imported, bits: what aws-lc computes with.
pub const MAX_RSA_BITS: u32 = 8192;

/// The type of a key (specification 6.8.1), with the size of an RSA modulus.
///
/// Its name is `rsa_<bits>`, `ed25519`, `ecdsa_256`, `ecdsa_384` or `ecdsa_521`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// RSA with a modulus of so many bits. Imported keys have any size from [`MIN_RSA_BITS`] to [`MAX_RSA_BITS`].
    Rsa(u32),
    /// Ed25519 (RFC 8709).
    Ed25519,
    /// ECDSA on NIST P-256 (RFC 5656).
    Ecdsa256,
    /// ECDSA on NIST P-384 (RFC 5656).
    Ecdsa384,
    /// ECDSA on NIST P-521 (RFC 5656).
    Ecdsa521,
}

impl KeyType {
    /// RSA with 2048 bits.
    pub const RSA_2048: Self = Self::Rsa(2048);
    /// RSA with 3072 bits.
    pub const RSA_3072: Self = Self::Rsa(3072);
    /// RSA with 4096 bits.
    pub const RSA_4096: Self = Self::Rsa(4096);

    /// The types that [`crate::PrivateKey::generate`] makes, the advised one first.
    pub const GENERATED: [Self; 7] = [
        Self::Ed25519,
        Self::RSA_2048,
        Self::RSA_3072,
        Self::RSA_4096,
        Self::Ecdsa256,
        Self::Ecdsa384,
        Self::Ecdsa521,
    ];

    /// May a key of this type sign in FIPS mode (specification 6.13)? RSA from 2048 bits and the NIST curves may
    /// (SP 800-131A); Ed25519 may not.
    #[must_use]
    pub const fn is_fips_approved(self) -> bool {
        match self {
            Self::Rsa(bits) => bits >= 2048,
            Self::Ed25519 => false,
            Self::Ecdsa256 | Self::Ecdsa384 | Self::Ecdsa521 => true,
        }
    }

    /// The type of a public key.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for DSA, hardware-backed and unknown keys, [`Error::RsaSize`] for RSA of a bad size.
    pub(crate) fn of(key: &KeyData) -> Result<Self> {
        if let KeyData::Rsa(rsa) = key {
            // `key_size` of the library counts whole bytes; a modulus of 1023 bits must not pass for 1024.
            let modulus = rsa.n().as_positive_bytes().unwrap_or_default();
            let leading = modulus.first().map_or(0, |byte| byte.leading_zeros());
            let bits = u32::try_from(modulus.len())
                .unwrap_or(u32::MAX)
                .saturating_mul(8)
                .saturating_sub(leading);
            return if (MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
                Ok(Self::Rsa(bits))
            } else {
                Err(Error::RsaSize { bits })
            };
        }
        match key.algorithm() {
            Algorithm::Ed25519 => Ok(Self::Ed25519),
            Algorithm::Ecdsa {
                curve: EcdsaCurve::NistP256,
            } => Ok(Self::Ecdsa256),
            Algorithm::Ecdsa {
                curve: EcdsaCurve::NistP384,
            } => Ok(Self::Ecdsa384),
            Algorithm::Ecdsa {
                curve: EcdsaCurve::NistP521,
            } => Ok(Self::Ecdsa521),
            other => Err(unsupported(&other)),
        }
    }
}

/// Says why keys of an algorithm are refused.
pub(crate) fn unsupported(algorithm: &Algorithm) -> Error {
    match algorithm {
        Algorithm::Dsa => dsa(),
        Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256 => Error::Unsupported {
            what: "a key that lives in a hardware token (sk-…)".into(),
            fix: "Courier signs without anybody there to touch the token, so use a key of its own: ed25519 or rsa_4096",
        },
        other => Error::Unsupported {
            what: format!("the key type {}", other.as_str().escape_default()),
            fix: "use an RSA, Ed25519 or ECDSA key",
        },
    }
}

/// DSA is refused by name: OpenSSH dropped it, and its 1024-bit keys are breakable.
pub(crate) fn dsa() -> Error {
    Error::Unsupported {
        what: "DSA (ssh-dss)".into(),
        fix: "it is too weak and OpenSSH has dropped it, so generate an ed25519 or rsa_4096 key and give its public half to the server's operator",
    }
}

/// The names of the types that can be generated, for error messages.
pub(crate) fn generated_names() -> String {
    KeyType::GENERATED.map(|key_type| key_type.to_string()).join(", ")
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "rsa_{bits}"),
            Self::Ed25519 => f.write_str("ed25519"),
            Self::Ecdsa256 => f.write_str("ecdsa_256"),
            Self::Ecdsa384 => f.write_str("ecdsa_384"),
            Self::Ecdsa521 => f.write_str("ecdsa_521"),
        }
    }
}

impl FromStr for KeyType {
    type Err = Error;

    /// Reads what [`Display`](fmt::Display) writes.
    fn from_str(name: &str) -> Result<Self> {
        let known = Self::GENERATED
            .into_iter()
            .find(|key_type| key_type.to_string() == name);
        known
            .or_else(|| imported_rsa(name))
            .ok_or_else(|| Error::UnknownKeyType {
                name: name.chars().take(40).flat_map(char::escape_default).collect(),
            })
    }
}

/// `rsa_<bits>` of a size that nobody generates but somebody may have imported.
fn imported_rsa(name: &str) -> Option<KeyType> {
    let digits = name.strip_prefix("rsa_")?;
    let bits: u32 = digits.parse().ok()?;
    let canonical = bits.to_string() == digits;
    (canonical && (MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits)).then_some(KeyType::Rsa(bits))
}
