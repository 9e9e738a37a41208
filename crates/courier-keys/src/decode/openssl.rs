//! What OpenSSL is asked for: the ciphers and key derivations of its own files, and their rarer forms.

use ::openssl::ec::{EcGroup, EcKey};
use ::openssl::error::ErrorStack;
use ::openssl::pkey::PKey;
use ::openssl::symm::{Cipher, Crypter, Mode};
use zeroize::Zeroizing;

/// An elliptic curve's key in any form that OpenSSL reads, as the PKCS#8 that it writes itself: curves by name.
///
/// Not for other keys: OpenSSL computes the public half of some, of numbers as large as the file.
pub(super) fn usual_ec(der: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    quietly(|| {
        let key = PKey::private_key_from_der(der)?.ec_key()?;
        let curve = key.group().curve_name().ok_or_else(ErrorStack::get)?;
        let group = EcGroup::from_curve_name(curve)?;
        let key = EcKey::from_private_components(&group, key.private_key(), key.public_key())?;
        let der = PKey::from_ec_key(key)?.private_key_to_pkcs8()?;
        Ok(Zeroizing::new(der))
    })
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
