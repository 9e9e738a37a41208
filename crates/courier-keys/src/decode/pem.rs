//! The PEM formats of OpenSSL: PKCS#1, SEC1, PKCS#8, and PEM encrypted as a whole.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use russh::keys::ssh_key::PrivateKey;
use russh::keys::{self, Encryption, pkcs8};
use zeroize::Zeroizing;

use super::der;
use crate::error::{Error, Result};
use crate::key_type;
use crate::sniff::{CONVERT, printable};

pub(super) fn decode_pkcs1(data: &[u8]) -> Result<PrivateKey> {
    let text = Zeroizing::new(STANDARD.encode(data));
    let pem = Zeroizing::new(format!(
        "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n",
        *text
    ));
    keys::decode_secret_key(&pem, None).map_err(|error| read_error("PKCS#1", &error))
}

pub(super) fn decode_sec1(data: &[u8]) -> Result<PrivateKey> {
    pkcs8::decode_pkcs8(data, None).map_err(|error| read_error("SEC1", &error))
}

pub(super) fn decode_pkcs8(data: &[u8]) -> Result<PrivateKey> {
    pkcs8::decode_pkcs8(data, None).map_err(|error| read_error("PKCS#8", &error))
}

pub(super) fn decode_pkcs8_encrypted(data: &[u8], passphrase: Option<&str>) -> Result<PrivateKey> {
    der::check_encryption(data)?;
    let passphrase = passphrase.ok_or(Error::PassphraseNeeded)?;
    pkcs8::decode_pkcs8(data, Some(passphrase.as_bytes())).map_err(|error| match error {
        // Only a right passphrase brings the name of an algorithm to light.
        keys::Error::UnknownAlgorithm(_) | keys::Error::UnsupportedKeyType { .. } => {
            read_error("PKCS#8", &error)
        }
        _ => Error::PassphraseWrong,
    })
}

/// RFC 1421 encryption with OpenSSL's key derivation (one round of MD5). The library reads one kind of it.
pub(super) fn decode_legacy(
    rsa: bool,
    cipher: &str,
    iv: &str,
    data: &[u8],
    passphrase: Option<&str>,
) -> Result<PrivateKey> {
    let kind = if rsa { "RSA" } else { "EC" };
    if !rsa || cipher != "AES-128-CBC" {
        return Err(Error::Unsupported {
            what: format!("a PEM {kind} key encrypted with {}", printable(cipher)),
            fix: CONVERT,
        });
    }
    let iv = u128::from_str_radix(iv, 16)
        .ok()
        .filter(|_| iv.len() == 32)
        .map(u128::to_be_bytes)
        .ok_or_else(|| Error::Malformed {
            format: "PKCS#1",
            reason: "the DEK-Info header has no vector of 32 hex digits".into(),
        })?;
    let passphrase = passphrase.ok_or(Error::PassphraseNeeded)?;
    keys::decode_pkcs5(data, Some(passphrase), Encryption::Aes128Cbc(iv)).map_err(|_| Error::PassphraseWrong)
}

fn read_error(format: &'static str, error: &keys::Error) -> Error {
    match error {
        keys::Error::UnknownAlgorithm(oid) => match oid.to_string().as_str() {
            "1.2.840.10040.4.1" => key_type::dsa(),
            oid => Error::Unsupported {
                what: format!("the key type or curve {oid}"),
                fix: "use an RSA, Ed25519 or ECDSA key (P-256, P-384, P-521)",
            },
        },
        other => Error::Malformed {
            format,
            reason: other.to_string(),
        },
    }
}
