//! What a server tells of itself.

use serde::Serialize;

use crate::{Certificate, Fingerprint};

/// A server's host key, as far as trust is concerned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HostKey {
    /// The key's type as SSH names it (`ssh-ed25519`, `ssh-rsa`, `ecdsa-sha2-nistp256`).
    pub key_type: String,
    /// SHA-256 of the key.
    pub fingerprint: Fingerprint,
    /// The public key blob in base64, as `known_hosts` files hold it.
    pub public_key: String,
}

/// The algorithm lists of a server's key exchange message (RFC 4253 section 7.1), in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Algorithms {
    /// Key exchange methods.
    pub key_exchange: Vec<String>,
    /// Host key signature algorithms.
    pub host_key: Vec<String>,
    /// Ciphers, client to server.
    pub encryption: Vec<String>,
    /// Message authentication codes, client to server.
    pub mac: Vec<String>,
    /// Compression methods, client to server.
    pub compression: Vec<String>,
}

/// What a server told of itself until now; filled as a connection comes up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerInfo {
    /// Its identification (`OpenSSH_9.6`) or greeting.
    pub banner: Option<String>,
    /// Its certificate (FTPS).
    pub certificate: Option<Certificate>,
    /// Its host key (SFTP).
    pub host_key: Option<HostKey>,
    /// Its algorithm lists (SFTP), known even where negotiation failed.
    pub algorithms: Option<Algorithms>,
    /// What was agreed on, in words for a person (`aes128-gcm@openssh.com, curve25519-sha256`).
    pub negotiated: Option<String>,
    /// The same by name, one by one.
    pub agreed: Vec<String>,
    /// The protocol's extensions that it offers.
    pub extensions: Vec<String>,
}
