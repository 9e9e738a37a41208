//! From a container to the key in it: one module per format.
//!
//! Each looks at the parameters first, so that what isn't supported is named and what would take for ever is refused,
//! and then computes.

mod clear;
mod legacy;
mod numbers;
mod openssh;
mod openssl;
mod pbes1;
mod pkcs8;
mod ppk;
mod ppk_file;

use russh::keys::ssh_key::PrivateKey;

pub(crate) use self::openssh::public;
use crate::error::{Error, Result};
use crate::sniff::Container;

/// Decodes and decrypts.
///
/// # Errors
/// As [`crate::PrivateKey::import`].
pub(crate) fn decode(container: &Container, passphrase: Option<&str>) -> Result<PrivateKey> {
    match container {
        Container::OpenSsh(data) => openssh::decode(data, passphrase),
        Container::Clear(form, data) => clear::decode(*form, data),
        Container::Pkcs8Encrypted(data) => pkcs8::decode(data, passphrase),
        Container::LegacyEncrypted { cipher, iv, data } => legacy::decode(cipher, iv, data, passphrase),
        Container::Ppk(file) => ppk::decode(file, passphrase),
    }
}

/// The key file asks for more work or memory than anybody's key should.
fn too_much_work(what: String) -> Error {
    Error::Unsupported {
        what,
        fix: "it would take too long to open; set the passphrase again with usual settings",
    }
}

/// From hex, whose letters are of either case.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    let bytes = pairs.iter().map(byte).collect::<Option<Vec<u8>>>()?;
    rest.is_empty().then_some(bytes)
}
