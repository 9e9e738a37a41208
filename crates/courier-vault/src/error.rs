//! Why a value can't be sealed or opened.

use std::path::PathBuf;

/// The result of an operation of the vault.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a value can't be sealed or opened. Never holds a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes aren't a sealed value, or were cut.
    #[error("this is not a sealed value: {reason}")]
    NotSealed {
        /// What was expected and seen.
        reason: String,
    },

    /// A sealed value of a later version of Courier.
    #[error(
        "the value was sealed in format {found}, and this version reads format {expected}; it was written by a newer Courier, so run that one"
    )]
    Format {
        /// The format's number in the value.
        found: u8,
        /// The number that this version reads.
        expected: u8,
    },

    /// The value is sealed under another key-encryption key.
    #[error(
        "the value is sealed under key {sealed_under}, and this is key {this}; give this server the key that the value was sealed with too: its key file, COURIER_KEK, or its key vault"
    )]
    WrongKey {
        /// The identifier of the key that the value names.
        sealed_under: String,
        /// The identifier of the key at hand.
        this: String,
    },

    /// The value was altered, or moved here from another row or field.
    #[error(
        "the sealed value of {binding} does not open: it was altered, or copied there from another record"
    )]
    Tampered {
        /// The row and field it was opened for.
        binding: String,
    },

    /// The opened value isn't text.
    #[error("the sealed value of {binding} is not text")]
    NotText {
        /// The row and field it was opened for.
        binding: String,
    },

    /// A part of the value doesn't fit the format.
    #[error("the {part} is too long to seal: {length} bytes, and at most {max} fit")]
    TooLong {
        /// Which part.
        part: &'static str,
        /// Its length, bytes.
        length: usize,
        /// The longest that fits, bytes.
        max: usize,
    },

    /// The key provider failed.
    #[error("{provider} could not {operation}: {reason}")]
    Provider {
        /// [`KeyProvider::describe`](crate::KeyProvider::describe).
        provider: String,
        /// What was asked of it, e.g. `unwrap a data key`.
        operation: &'static str,
        /// Its answer, without secrets.
        reason: String,
    },

    /// The key file can't be read or made.
    #[error("the key file {} can't be {operation}: {source}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// `read`, `created` or `changed`.
        operation: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },

    /// Others than the owner can get at the key file.
    #[error("the key file {} has mode {mode:03o}, so that others can get at it; run: chmod 600 '{}'", path.display(), path.display())]
    KeyFileOpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },

    /// The text of a key isn't one.
    #[error(
        "{origin} holds no key: expected 32 bytes as base64 (44 characters) or hex (64 characters), found {found}; a new one is made by: openssl rand -base64 32"
    )]
    BadKey {
        /// The file's path, or `the given text`.
        origin: String,
        /// What was found, described and not quoted.
        found: String,
    },

    /// The cryptographic library failed, e.g. for want of randomness.
    #[error("the cryptographic library failed to {operation}")]
    Crypto {
        /// What was to be done.
        operation: &'static str,
    },
}
