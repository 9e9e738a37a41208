//! What can go wrong with a key, in words a user can act on.

use crate::key_type::{MAX_RSA_BITS, MIN_RSA_BITS};

/// The result of an operation on a key.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a key can't be read, made or used. Never holds key material or a passphrase.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input is no private key at all: `found` says what it looks like instead.
    #[error("this is not a private key: {found}")]
    NotAPrivateKey {
        /// What the input looks like, with the way out where there is one.
        found: String,
    },

    /// The input starts as a private key, but its content is damaged or cut off.
    #[error(
        "the {format} private key is damaged: {reason}; paste the whole file, from its first line to its last"
    )]
    Malformed {
        /// The name of the format, e.g. `OpenSSH`.
        format: &'static str,
        /// What was wrong.
        reason: String,
    },

    /// The key is encrypted and no passphrase was given.
    #[error("the private key is encrypted: a passphrase is needed")]
    PassphraseNeeded,

    /// The passphrase doesn't open the key.
    #[error("the passphrase does not open the private key")]
    PassphraseWrong,

    /// A format, cipher, key derivation or key type that Courier doesn't read, named in `what`.
    #[error("{what} is not supported; {fix}")]
    Unsupported {
        /// What isn't supported.
        what: String,
        /// How to get a key that is.
        fix: &'static str,
    },

    /// An RSA key of a size outside of what is safe to use, or possible to use.
    #[error("an RSA key of {bits} bits is {}; Courier takes {MIN_RSA_BITS} to {MAX_RSA_BITS} bits, and 3072 or more is advised",
        if *bits < MIN_RSA_BITS { "too weak" } else { "too large" })]
    RsaSize {
        /// The size of the modulus, bits.
        bits: u32,
    },

    /// The private and the public half don't belong together.
    #[error(
        "the private key does not match its own public key: the file was damaged or put together from two keys"
    )]
    Mismatch,

    /// Courier doesn't make keys of this type.
    #[error(
        "keys of type {key_type} can't be generated; choose one of {}",
        crate::key_type::generated_names()
    )]
    NotGenerated {
        /// The type asked for.
        key_type: String,
    },

    /// A key type's name that isn't one.
    #[error(
        "there is no key type \"{name}\"; choose one of {}",
        crate::key_type::generated_names()
    )]
    UnknownKeyType {
        /// The name given, shortened.
        name: String,
    },

    /// Text that isn't an `authorized_keys` line.
    #[error("this is not a public key line: {reason}; expected e.g. \"ssh-ed25519 AAAA… comment\"")]
    BadPublicKey {
        /// What was wrong.
        reason: String,
    },

    /// The key can't sign with this algorithm, e.g. an RSA key asked for an Ed25519 signature.
    #[error("a key of type {key_type} can't sign with {algorithm}")]
    WrongAlgorithm {
        /// The type of the key.
        key_type: String,
        /// The algorithm asked for.
        algorithm: String,
    },

    /// The cryptographic library refused, which it doesn't for a sound key.
    #[error("the cryptographic library failed to {operation}")]
    Crypto {
        /// What was to be done, e.g. `sign`.
        operation: &'static str,
    },
}
