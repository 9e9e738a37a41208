//! What OpenSSL is asked for: the ciphers and key derivations of its own files, and their rarer forms.

use ::openssl::ec::{EcGroup, EcKey};
use ::openssl::error::ErrorStack;
use ::openssl::pkey::{PKey, Private};
use ::openssl::symm::{Cipher, Crypter, Mode};
use zeroize::Zeroizing;

/// A private key in any form that OpenSSL reads, as the PKCS#8 that it writes itself: version 1, curves by name.
pub(super) fn as_usual(der: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    quietly(|| written(&PKey::private_key_from_der(der)?))
}

/// Decrypts an `EncryptedPrivateKeyInfo` (RFC 5958 section 3) into PKCS#8 as [`as_usual`] writes it.
pub(super) fn decrypted_pkcs8(der: &[u8], passphrase: &str) -> Option<Zeroizing<Vec<u8>>> {
    quietly(|| {
        written(&PKey::private_key_from_pkcs8_passphrase(
            der,
            passphrase.as_bytes(),
        )?)
    })
}

fn written(key: &PKey<Private>) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
    let named = |key: &PKey<Private>| -> Result<Option<PKey<Private>>, ErrorStack> {
        let Ok(key) = key.ec_key() else { return Ok(None) };
        let Some(curve) = key.group().curve_name() else {
            return Ok(None);
        };
        let group = EcGroup::from_curve_name(curve)?;
        let key = EcKey::from_private_components(&group, key.private_key(), key.public_key())?;
        PKey::from_ec_key(key).map(Some)
    };
    let named = named(key)?;
    named
        .as_ref()
        .unwrap_or(key)
        .private_key_to_pkcs8()
        .map(Zeroizing::new)
}

/// Decrypts with a block cipher in CBC mode. `padded` takes the padding of PKCS#5 off, which a wrong key lacks.
pub(super) fn decrypt_cbc(
    cipher: Cipher,
    key: &[u8],
    iv: &[u8],
    data: &[u8],
    padded: bool,
) -> Option<Zeroizing<Vec<u8>>> {
    if key.len() != cipher.key_len() || Some(iv.len()) != cipher.iv_len() {
        return None;
    }
    quietly(|| {
        let mut crypter = Crypter::new(cipher, Mode::Decrypt, key, Some(iv))?;
        crypter.pad(padded);
        let mut plain = Zeroizing::new(vec![0; data.len() + cipher.block_size()]);
        let mut length = crypter.update(data, &mut plain)?;
        length += crypter.finalize(plain.get_mut(length..).unwrap_or_default())?;
        plain.truncate(length);
        Ok(plain)
    })
}

/// Single DES as triple DES with three times the same key, which is the same: OpenSSL keeps DES itself in a module apart.
pub(super) fn decrypt_des(key: &[u8], iv: &[u8], data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let key = Zeroizing::new([key, key, key].concat());
    decrypt_cbc(Cipher::des_ede3_cbc(), &key, iv, data, true)
}

/// Runs something and empties OpenSSL's queue of errors, in which it leaves notes also where all went well: TLS on the same
/// thread would take them for its own.
pub(super) fn quietly<T>(work: impl FnOnce() -> Result<T, ErrorStack>) -> Option<T> {
    let result = work().ok();
    drop(ErrorStack::get());
    result
}
