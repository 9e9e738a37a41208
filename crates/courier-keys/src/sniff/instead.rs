//! What it is that isn't a private key, with the way out where there is one.

use super::not_a_key;
use crate::asn1::Form;
use crate::error::Error;
use crate::key_type;

/// Said of what looks like nothing known.
pub(super) const UNKNOWN: &str = "expected text that starts with e.g. -----BEGIN OPENSSH PRIVATE KEY----- or PuTTY-User-Key-File-3, or a DER file";

/// The magic of Java's keystores, JKS and JCEKS.
const JAVA: [&[u8]; 2] = [b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"];

/// A DER file, or a PEM block, that holds something else.
pub(super) fn of_form(form: Form) -> Error {
    match form {
        Form::Dsa => key_type::dsa(),
        Form::Pkcs12 => Error::Unsupported {
            what: "a PKCS#12 file (.p12, .pfx)".into(),
            fix: "take the key out of it with: openssl pkcs12 -in FILE -nocerts -out KEY.pem",
        },
        Form::Public => not_a_key("it is a public key; the private key is in another file"),
        Form::Signed => not_a_key("it is an X.509 certificate or a request for one"),
        Form::Pkcs1 | Form::Sec1 | Form::Pkcs8 | Form::Pkcs8Encrypted => not_a_key(UNKNOWN),
    }
}

/// A file without a private key, of which `text` can be read.
pub(super) fn of_text(text: &str, bytes: &[u8]) -> Error {
    let first = text.lines().next().unwrap_or_default();
    let word = first.split_ascii_whitespace().next().unwrap_or_default();
    let public = ["ssh-", "ecdsa-sha2-", "sk-"]
        .iter()
        .any(|prefix| word.starts_with(prefix));
    let unsupported = |what: &str, fix| Error::Unsupported {
        what: what.into(),
        fix,
    };

    if public && word.contains("-cert-v01@") {
        not_a_key("it is an SSH certificate; the key that belongs to it is in the file without -cert.pub")
    } else if public || text.contains(" PUBLIC KEY-----") || first.contains(" PUBLIC KEY ----") {
        not_a_key("it is a public key; the private key is in the file without .pub")
    } else if text.contains("-----BEGIN CERTIFICATE")
        || text.contains("-----BEGIN NEW CERTIFICATE")
        || text.contains("-----BEGIN X509")
    {
        not_a_key("it is an X.509 certificate or a request for one")
    } else if text.contains("-----BEGIN PGP") {
        not_a_key("it is an OpenPGP key, which SSH doesn't use")
    } else if text.contains("-- BEGIN SSH2 ENCRYPTED PRIVATE KEY --") {
        unsupported(
            "the private key format of ssh.com (SSH2)",
            "convert a copy of it with: puttygen FILE -O private-openssh -o KEY",
        )
    } else if first.starts_with("SSH PRIVATE KEY FILE FORMAT 1.1") {
        unsupported(
            "the private key format of SSH protocol 1",
            "servers no longer take such keys, so generate an ed25519 or rsa_4096 key",
        )
    } else if text.starts_with('{') && text.contains("\"kty\"") {
        unsupported(
            "a JSON Web Key",
            "export the key as PKCS#8, which starts with -----BEGIN PRIVATE KEY-----",
        )
    } else if JAVA.iter().any(|magic| bytes.starts_with(magic)) {
        unsupported(
            "a Java keystore",
            "take the key out of it with: keytool -importkeystore -srckeystore FILE -destkeystore KEY.p12 -deststoretype PKCS12, then: openssl pkcs12 -in KEY.p12 -nocerts -out KEY.pem",
        )
    } else if text.contains("-----BEGIN ") && !text.contains("-----END ") {
        not_a_key("it is cut off before a private key begins")
    } else if std::str::from_utf8(bytes).is_err() {
        not_a_key("it is not text, and no DER file of a key")
    } else {
        not_a_key(UNKNOWN)
    }
}
