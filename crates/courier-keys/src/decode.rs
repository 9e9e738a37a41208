//! From a container to the key in it: one function per format.
//!
//! Each looks at the parameters first, so that what isn't supported is named and what would take for ever is refused,
//! and then asks the library.

mod der;
mod openssh;
mod pem;
mod ppk;

use russh::keys::ssh_key::PrivateKey;

use crate::error::{Error, Result};
use crate::sniff::Container;

/// Decodes and decrypts.
///
/// # Errors
/// As [`crate::PrivateKey::import`].
pub(crate) fn decode(container: &Container, passphrase: Option<&str>) -> Result<PrivateKey> {
    match container {
        Container::OpenSsh(data) => openssh::decode(data, passphrase),
        Container::Pkcs1(data) => pem::decode_pkcs1(data),
        Container::Sec1(data) => pem::decode_sec1(data),
        Container::LegacyEncrypted {
            rsa,
            cipher,
            iv,
            data,
        } => pem::decode_legacy(*rsa, cipher, iv, data, passphrase),
        Container::Pkcs8(data) => pem::decode_pkcs8(data),
        Container::Pkcs8Encrypted(data) => pem::decode_pkcs8_encrypted(data, passphrase),
        Container::Ppk(text) => ppk::decode(text, passphrase),
    }
}

/// The key file asks for more work or memory than anybody's key should.
fn too_much_work(what: String) -> Error {
    Error::Unsupported {
        what,
        fix: "it would take too long to open; set the passphrase again with usual settings",
    }
}
