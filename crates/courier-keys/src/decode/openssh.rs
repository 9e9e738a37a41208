//! OpenSSH's own format (`PROTOCOL.key`).

use russh::keys::ssh_encoding::Decode;
use russh::keys::ssh_key::{self, PrivateKey};

use super::too_much_work;
use crate::error::{Error, Result};
use crate::key_type::KeyType;
use crate::sniff::{CONVERT, printable};

const MAGIC: &[u8] = b"openssh-key-v1\0";

/// The ciphers that the library decrypts.
const CIPHERS: [&str; 10] = [
    "none",
    "aes128-cbc",
    "aes192-cbc",
    "aes256-cbc",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
];

/// The most bcrypt rounds that are computed: some seconds. `ssh-keygen` does 16 or 24 unless told otherwise.
const MAX_ROUNDS: u32 = 1024;

pub(super) fn decode(data: &[u8], passphrase: Option<&str>) -> Result<PrivateKey> {
    check_header(data)?;
    let key = PrivateKey::from_bytes(data).map_err(|error| read_error(&error))?;
    if !key.is_encrypted() {
        return Ok(key);
    }
    // The public half is readable already: don't ask for the passphrase of a key that is refused anyhow.
    KeyType::of(key.public_key().key_data())?;
    let passphrase = passphrase.ok_or(Error::PassphraseNeeded)?;
    key.decrypt(passphrase).map_err(|error| match error {
        ssh_key::Error::Crypto => Error::PassphraseWrong,
        other => read_error(&other),
    })
}

/// Names what the library would only call an encoding error.
fn check_header(data: &[u8]) -> Result<()> {
    let mut rest = data
        .strip_prefix(MAGIC)
        .ok_or_else(|| malformed("it does not start with openssh-key-v1"))?;
    let cut = |_| malformed("its header is cut off");
    let cipher = String::decode(&mut rest).map_err(cut)?;
    let kdf = String::decode(&mut rest).map_err(cut)?;
    let options = Vec::<u8>::decode(&mut rest).map_err(cut)?;
    let keys = u32::decode(&mut rest).map_err(cut)?;

    let unsupported = |what: String| Error::Unsupported { what, fix: CONVERT };
    if !CIPHERS.contains(&cipher.as_str()) {
        return Err(unsupported(format!(
            "the cipher {} of an OpenSSH private key",
            printable(&cipher)
        )));
    }
    match kdf.as_str() {
        "none" => {}
        "bcrypt" => {
            let mut options = options.as_slice();
            let rounds = Vec::<u8>::decode(&mut options)
                .and_then(|_salt| u32::decode(&mut options))
                .map_err(cut)?;
            if rounds > MAX_ROUNDS {
                return Err(too_much_work(format!(
                    "a key with {rounds} bcrypt rounds (over {MAX_ROUNDS})"
                )));
            }
        }
        other => {
            return Err(unsupported(format!(
                "the key derivation {} of an OpenSSH private key",
                printable(other)
            )));
        }
    }
    if keys != 1 {
        return Err(malformed(&format!("it holds {keys} keys and not one")));
    }
    Ok(())
}

fn read_error(error: &ssh_key::Error) -> Error {
    match error {
        ssh_key::Error::PublicKey => Error::Mismatch,
        ssh_key::Error::AlgorithmUnsupported { algorithm } => crate::key_type::unsupported(algorithm),
        other => malformed(&other.to_string()),
    }
}

fn malformed(reason: &str) -> Error {
    Error::Malformed {
        format: "OpenSSH",
        reason: reason.into(),
    }
}
