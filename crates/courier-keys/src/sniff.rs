//! What a file that should hold a private key really holds, told from its first lines.
//!
//! Decoders given the wrong format answer with ASN.1 errors that help nobody, so the format is settled here and only
//! its own decoder is asked.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::key_type;

/// The longest input looked at, bytes. An encrypted RSA key of 8192 bits has about 7000.
const MAX_INPUT_BYTES: usize = 32 * 1024;

/// How to get out of a format that isn't read.
pub(crate) const CONVERT: &str =
    "convert a copy of it with: ssh-keygen -p -f FILE, which writes the OpenSSH format";

/// Padding is optional: it goes missing when text is copied by hand.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A private key in its container, still encoded.
pub(crate) enum Container {
    /// `BEGIN OPENSSH PRIVATE KEY`: OpenSSH's `PROTOCOL.key`.
    OpenSsh(Zeroizing<Vec<u8>>),
    /// `BEGIN RSA PRIVATE KEY`: PKCS#1 (RFC 8017 appendix A.1.2).
    Pkcs1(Zeroizing<Vec<u8>>),
    /// `BEGIN EC PRIVATE KEY`: SEC 1 (RFC 5915).
    Sec1(Zeroizing<Vec<u8>>),
    /// `BEGIN RSA|EC PRIVATE KEY` with a `DEK-Info` header: encrypted as a whole (RFC 1421).
    LegacyEncrypted {
        /// Whether PKCS#1 is inside; SEC 1 otherwise.
        rsa: bool,
        /// The cipher, e.g. `AES-128-CBC`.
        cipher: String,
        /// The initialisation vector, hex.
        iv: String,
        /// The ciphertext.
        data: Zeroizing<Vec<u8>>,
    },
    /// `BEGIN PRIVATE KEY`: PKCS#8 (RFC 5958).
    Pkcs8(Zeroizing<Vec<u8>>),
    /// `BEGIN ENCRYPTED PRIVATE KEY`: PKCS#8, encrypted.
    Pkcs8Encrypted(Zeroizing<Vec<u8>>),
    /// `PuTTY-User-Key-File-2` or `-3`.
    Ppk(Zeroizing<String>),
}

/// Tells the container of a private key.
///
/// # Errors
/// [`Error::NotAPrivateKey`], [`Error::Unsupported`] for containers known and not read, [`Error::Malformed`] if the
/// end is missing or the base64 is bad.
pub(crate) fn sniff(bytes: &[u8]) -> Result<Container> {
    if bytes.len() > MAX_INPUT_BYTES {
        return Err(not_a_key(format!(
            "it has {} bytes, and no private key has over {MAX_INPUT_BYTES}",
            bytes.len()
        )));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(binary(bytes));
    };
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(not_a_key("it is empty"));
    }
    if text.starts_with("PuTTY-User-Key-File-") {
        return Ok(Container::Ppk(Zeroizing::new(text.to_owned())));
    }
    match private_block(text) {
        Some((label, rest)) => block(label, rest),
        None => Err(something_else(text)),
    }
}

/// The label of the first PEM block that holds a private key, and what follows it. Other blocks may come before:
/// `openssl ecparam` writes the curve first, others a certificate.
fn private_block(text: &str) -> Option<(&str, &str)> {
    let mut rest = text;
    loop {
        let (_, found) = rest.split_once("-----BEGIN ")?;
        let (label, after) = found.split_once("-----")?;
        if label.ends_with("PRIVATE KEY") && !label.contains('\n') {
            return Some((label, after));
        }
        rest = after;
    }
}

/// Decodes one PEM block. Line ends may have become spaces on the way.
fn block(label: &str, rest: &str) -> Result<Container> {
    let format = match label {
        "OPENSSH PRIVATE KEY" => "OpenSSH",
        "RSA PRIVATE KEY" => "PKCS#1",
        "EC PRIVATE KEY" => "SEC1",
        "PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" => "PKCS#8",
        "DSA PRIVATE KEY" => return Err(key_type::dsa()),
        other => {
            return Err(Error::Unsupported {
                what: format!("a private key of the kind \"{}\"", printable(other)),
                fix: "export it in the OpenSSH format",
            });
        }
    };
    let malformed = |reason: &str| Error::Malformed {
        format,
        reason: reason.into(),
    };
    let (body, _) = rest
        .split_once("-----END ")
        .ok_or_else(|| malformed("its END line is missing"))?;

    let mut encoded = Zeroizing::new(String::with_capacity(body.len()));
    let mut dek_info = None;
    for line in body.lines().map(str::trim) {
        match line.split_once(':') {
            Some(("DEK-Info", value)) => dek_info = Some(value.trim()),
            Some(_) => {}
            None => encoded.extend(line.split_ascii_whitespace()),
        }
    }
    let mut data = Zeroizing::new(Vec::with_capacity(encoded.len()));
    BASE64
        .decode_vec(encoded.as_bytes(), &mut data)
        .map_err(|_| malformed("its text is not base64"))?;

    if let Some(info) = dek_info {
        let (cipher, iv) = info
            .split_once(',')
            .ok_or_else(|| malformed("its DEK-Info header names no cipher"))?;
        let rsa = label == "RSA PRIVATE KEY";
        return Ok(Container::LegacyEncrypted {
            rsa,
            cipher: cipher.into(),
            iv: iv.trim().into(),
            data,
        });
    }
    Ok(match label {
        "OPENSSH PRIVATE KEY" => Container::OpenSsh(data),
        "RSA PRIVATE KEY" => Container::Pkcs1(data),
        "EC PRIVATE KEY" => Container::Sec1(data),
        "ENCRYPTED PRIVATE KEY" => Container::Pkcs8Encrypted(data),
        _ => Container::Pkcs8(data),
    })
}

/// Text that holds no private key: says what it is, where that can be told.
fn something_else(text: &str) -> Error {
    let first = text.lines().next().unwrap_or_default();
    let word = first.split_ascii_whitespace().next().unwrap_or_default();
    let public = ["ssh-", "ecdsa-sha2-", "sk-"]
        .iter()
        .any(|prefix| word.starts_with(prefix));
    let unsupported = |what: &str| Error::Unsupported {
        what: what.into(),
        fix: "export the key in the OpenSSH format",
    };

    if public && word.contains("-cert-v01@") {
        not_a_key("it is an SSH certificate; the key that belongs to it is in the file without -cert.pub")
    } else if public || first.contains(" PUBLIC KEY") {
        not_a_key("it is a public key; the private key is in the file without .pub")
    } else if first.contains("BEGIN CERTIFICATE") {
        not_a_key("it is an X.509 certificate or a request for one")
    } else if first.contains("BEGIN PGP") {
        not_a_key("it is an OpenPGP key, which SSH doesn't use")
    } else if first.contains("BEGIN SSH2 ENCRYPTED PRIVATE KEY") {
        unsupported("the private key format of ssh.com (SSH2)")
    } else if first.starts_with("SSH PRIVATE KEY FILE FORMAT 1.1") {
        unsupported("the private key format of SSH protocol 1")
    } else {
        not_a_key(
            "expected text that starts with e.g. -----BEGIN OPENSSH PRIVATE KEY----- or PuTTY-User-Key-File-3",
        )
    }
}

fn binary(bytes: &[u8]) -> Error {
    // A DER sequence with a length of two bytes, as any private key of use has in this form.
    if bytes.starts_with(&[0x30, 0x82]) {
        return Error::Unsupported {
            what: "a binary (DER or PKCS#12) file".into(),
            fix: "convert it to text, e.g. with: openssl pkey -inform DER -in FILE",
        };
    }
    not_a_key("it is not text")
}

fn not_a_key(found: impl Into<String>) -> Error {
    Error::NotAPrivateKey { found: found.into() }
}

/// A name out of a foreign file, fit for an error message.
pub(crate) fn printable(name: &str) -> String {
    name.chars().take(40).flat_map(char::escape_default).collect()
}
