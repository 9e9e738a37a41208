//! PEM that is encrypted as a whole (RFC 1421), as OpenSSL and `ssh-keygen -m PEM` write it.

use ::openssl::hash::MessageDigest;
use ::openssl::pkcs5;
use ::openssl::symm::Cipher;
use russh::keys::ssh_key::PrivateKey;
use zeroize::Zeroizing;

use super::{clear, from_hex, openssl};
use crate::error::{Error, Result};
use crate::sniff::{self, CONVERT, printable};

/// So many bytes of the vector are the salt as well.
const SALT_BYTES: usize = 8;

pub(super) fn decode(cipher: &str, iv: &str, data: &[u8], passphrase: Option<&str>) -> Result<PrivateKey> {
    let algorithm = match cipher {
        "AES-128-CBC" => Cipher::aes_128_cbc(),
        "AES-192-CBC" => Cipher::aes_192_cbc(),
        "AES-256-CBC" => Cipher::aes_256_cbc(),
        "DES-EDE3-CBC" => Cipher::des_ede3_cbc(),
        "DES-CBC" => Cipher::des_cbc(),
        other => {
            return Err(Error::Unsupported {
                what: format!("a PEM private key encrypted with {}", printable(other)),
                fix: CONVERT,
            });
        }
    };
    let size = algorithm.iv_len().unwrap_or_default();
    let iv = from_hex(iv)
        .filter(|iv| iv.len() == size)
        .ok_or_else(|| Error::Malformed {
            format: "PEM",
            reason: format!("the DEK-Info header has no vector of {} hex digits", size * 2),
        })?;
    let passphrase = passphrase.ok_or(Error::PassphraseNeeded)?;

    let key = openssl::quietly(|| {
        let salt = iv.get(..SALT_BYTES);
        pkcs5::bytes_to_key(algorithm, MessageDigest::md5(), passphrase.as_bytes(), salt, 1)
    });
    let key = Zeroizing::new(key.map(|pair| pair.key).unwrap_or_default());
    let plain = match cipher {
        "DES-CBC" => openssl::decrypt_des(&key, &iv, data),
        _ => openssl::decrypt_cbc(algorithm, &key, &iv, data, true),
    };
    let plain = plain.ok_or(Error::PassphraseWrong)?;
    // Nothing tells a damaged file from a wrong passphrase, and the passphrase is wrong more often.
    let (form, key) = sniff::decrypted(&plain).ok_or(Error::PassphraseWrong)??;
    clear::decode(form, key)
}
