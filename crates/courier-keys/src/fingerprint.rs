//! The fingerprint of a public key.

use russh::keys::HashAlg;

use crate::key::PublicKey;

impl PublicKey {
    /// The fingerprint as OpenSSH prints it: `SHA256:` and the unpadded base64 of the SHA-256 of the key blob
    /// (RFC 4253 section 6.6). The same form as a host key's.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.inner().fingerprint(HashAlg::Sha256).to_string()
    }
}
