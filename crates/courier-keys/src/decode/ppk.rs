//! PuTTY's format, versions 2 and 3 (PuTTY manual, appendix C).

use russh::keys::Algorithm;
use russh::keys::ssh_key::{self, PrivateKey};

use super::too_much_work;
use crate::error::{Error, Result};
use crate::key_type;
use crate::sniff::printable;

const FIX: &str = "load it in PuTTYgen and save it again, or export it as an OpenSSH key there";

/// The most memory that Argon2 may take, KiB. PuTTY takes 8192.
const MAX_ARGON2_KIB: u64 = 256 * 1024;

/// The most memory that Argon2 may pass over, KiB: some seconds.
const MAX_ARGON2_WORK_KIB: u64 = 16 * 1024 * 1024;

pub(super) fn decode(text: &str, passphrase: Option<&str>) -> Result<PrivateKey> {
    let (version, algorithm) = header(text, "PuTTY-User-Key-File-")
        .and_then(|header| header.split_once(": "))
        .ok_or_else(|| malformed("its first line can't be read"))?;
    if !matches!(version, "2" | "3") {
        return Err(unsupported(format!(
            "version {} of PuTTY's key format",
            printable(version)
        )));
    }
    check_algorithm(algorithm)?;

    let cipher =
        header(text, "Encryption: ").ok_or_else(|| malformed("it has no Encryption line, or several"))?;
    let passphrase = match cipher {
        "none" => None,
        "aes256-cbc" => {
            if version == "3" {
                check_argon2(text)?;
            }
            Some(passphrase.ok_or(Error::PassphraseNeeded)?)
        }
        other => {
            return Err(unsupported(format!(
                "the cipher {} of a PuTTY key",
                printable(other)
            )));
        }
    };
    // The library's words for an error can quote lines of the file, so they go no further.
    PrivateKey::from_ppk(text, passphrase.map(str::to_owned)).map_err(|error| match (error, passphrase) {
        // The authentication code covers everything and depends on the passphrase.
        (ssh_key::Error::Ppk(_), Some(_)) => Error::PassphraseWrong,
        (ssh_key::Error::Ppk(_), None) => {
            malformed("its lines can't be read, or its authentication code (Private-MAC) doesn't match")
        }
        // Past the authentication code the file is sound. One Ed25519 key in 512 starts with zero bits that the
        // library takes for a badly encoded number.
        _ if algorithm == "ssh-ed25519" => unsupported("this one Ed25519 key in PuTTY's format".into()),
        _ => malformed("its numbers can't be read"),
    })
}

/// The rest of the one line that starts so. Of two, the library would take the other one.
fn header<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let mut found = text.lines().filter_map(|line| line.strip_prefix(start));
    let first = found.next()?;
    found.next().is_none().then_some(first.trim_end())
}

fn check_algorithm(name: &str) -> Result<()> {
    let algorithm = Algorithm::new(name);
    match algorithm {
        Ok(Algorithm::Rsa { .. } | Algorithm::Ed25519 | Algorithm::Ecdsa { .. }) => Ok(()),
        Ok(other) => Err(key_type::unsupported(&other)),
        Err(_) => Err(unsupported(format!(
            "the key type {} of a PuTTY key",
            printable(name)
        ))),
    }
}

fn check_argon2(text: &str) -> Result<()> {
    let number = |start| -> Result<u64> {
        header(text, start)
            .and_then(|value| value.parse().ok())
            .ok_or_else(|| malformed("its Argon2 parameters can't be read"))
    };
    let (memory, passes) = (number("Argon2-Memory: ")?, number("Argon2-Passes: ")?);
    if memory > MAX_ARGON2_KIB || memory.saturating_mul(passes) > MAX_ARGON2_WORK_KIB {
        return Err(too_much_work(format!(
            "a PuTTY key with {memory} KiB of Argon2 memory and {passes} passes"
        )));
    }
    Ok(())
}

fn unsupported(what: String) -> Error {
    Error::Unsupported { what, fix: FIX }
}

fn malformed(reason: &str) -> Error {
    Error::Malformed {
        format: "PuTTY",
        reason: reason.into(),
    }
}
