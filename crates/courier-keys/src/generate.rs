//! New keys.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use russh::keys::key::safe_rng;
use russh::keys::{Algorithm, EcdsaCurve, pkcs8};

use crate::error::{Error, Result};
use crate::key::PrivateKey;
use crate::key_type::KeyType;

impl PrivateKey {
    /// Makes a new key of one of [`KeyType::GENERATED`].
    ///
    /// RSA with 4096 bits takes about half a second, up to some seconds when luck is bad: call it off the async
    /// runtime's threads.
    ///
    /// # Errors
    /// [`Error::NotGenerated`] for RSA of another size.
    pub fn generate(key_type: KeyType) -> Result<Self> {
        let algorithm = match key_type {
            KeyType::RSA_2048 => return generate_rsa(KeySize::Rsa2048),
            KeyType::RSA_3072 => return generate_rsa(KeySize::Rsa3072),
            KeyType::RSA_4096 => return generate_rsa(KeySize::Rsa4096),
            KeyType::Rsa(_) => {
                return Err(Error::NotGenerated {
                    key_type: key_type.to_string(),
                });
            }
            KeyType::Ed25519 => Algorithm::Ed25519,
            KeyType::Ecdsa256 => Algorithm::Ecdsa {
                curve: EcdsaCurve::NistP256,
            },
            KeyType::Ecdsa384 => Algorithm::Ecdsa {
                curve: EcdsaCurve::NistP384,
            },
            KeyType::Ecdsa521 => Algorithm::Ecdsa {
                curve: EcdsaCurve::NistP521,
            },
        };
        let key = russh::keys::PrivateKey::random(&mut safe_rng(), algorithm).map_err(|_| failed())?;
        Self::new(key)
    }
}

/// aws-lc finds primes an order of magnitude faster than the `rsa` crate.
fn generate_rsa(size: KeySize) -> Result<PrivateKey> {
    let pair = KeyPair::generate(size).map_err(|_| failed())?;
    // Zeroes itself when dropped.
    let der: Pkcs8V1Der<'static> = pair.as_der().map_err(|_| failed())?;
    let key = pkcs8::decode_pkcs8(der.as_ref(), None).map_err(|_| failed())?;
    PrivateKey::new(key)
}

fn failed() -> Error {
    Error::Crypto {
        operation: "generate a key",
    }
}
