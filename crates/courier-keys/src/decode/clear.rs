//! The ASN.1 forms of a key that isn't encrypted: PKCS#1, SEC 1, PKCS#8.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use russh::keys::ssh_key::PrivateKey;
use russh::keys::{self, pkcs8};
use zeroize::Zeroizing;

use super::openssl;
use crate::asn1;
use crate::error::{Error, Result};
use crate::key_type::{self, MAX_RSA_BITS};
use crate::sniff::ClearForm;

pub(super) fn decode(form: ClearForm, data: &[u8]) -> Result<PrivateKey> {
    check_rsa(form, data)?;
    let error = match read(form, data) {
        Ok(key) => return Ok(key),
        Err(error) => error,
    };
    // Curves given by their numbers, which few programs write.
    let usual = match form {
        ClearForm::Sec1 => openssl::usual_ec(data),
        ClearForm::Pkcs8 if asn1::is_ec(data) => openssl::usual_ec(data),
        ClearForm::Pkcs8 | ClearForm::Pkcs1 => None,
    };
    match usual {
        Some(usual) => read(ClearForm::Pkcs8, &usual).map_err(|error| read_error(form, &error)),
        None => Err(read_error(form, &error)),
    }
}

fn read(form: ClearForm, data: &[u8]) -> std::result::Result<PrivateKey, keys::Error> {
    match form {
        ClearForm::Sec1 | ClearForm::Pkcs8 => pkcs8::decode_pkcs8(data, None),
        ClearForm::Pkcs1 => {
            let text = Zeroizing::new(STANDARD.encode(data));
            let pem = Zeroizing::new(format!(
                "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n",
                *text
            ));
            keys::decode_secret_key(&pem, None)
        }
    }
}

/// Checks the sizes of an RSA key's numbers before anything is computed with them.
fn check_rsa(form: ClearForm, data: &[u8]) -> Result<()> {
    let Some(numbers) = asn1::rsa_numbers(data) else {
        return Ok(());
    };
    let bits = |number: &[u8]| {
        let leading = number.first().map_or(0, |byte| byte.leading_zeros());
        u32::try_from(number.len() * 8).unwrap_or(u32::MAX) - leading
    };
    let modulus = numbers.first().map_or(0, |modulus| bits(modulus));
    if modulus > MAX_RSA_BITS {
        return Err(Error::RsaSize { bits: modulus });
    }
    if numbers.iter().any(|number| bits(number) > MAX_RSA_BITS) {
        return Err(Error::Malformed {
            format: form.name(),
            reason: "its numbers don't fit each other".into(),
        });
    }
    Ok(())
}

fn read_error(form: ClearForm, error: &keys::Error) -> Error {
    match error {
        keys::Error::UnknownAlgorithm(oid) => match oid.to_string().as_str() {
            "1.2.840.10040.4.1" => key_type::dsa(),
            oid => Error::Unsupported {
                what: format!("the key type or curve {oid}"),
                fix: "use an RSA, Ed25519 or ECDSA key (P-256, P-384, P-521)",
            },
        },
        other => Error::Malformed {
            format: form.name(),
            reason: other.to_string(),
        },
    }
}
