//! How an application proves itself by its certificate: a signed statement instead of a secret (RFC 7523).

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PSS_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};

/// How long a statement is good, seconds.
const LIFETIME: u64 = 600;

/// The largest file of a certificate or token that is read, bytes.
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// A certificate and its key.
pub(super) struct Certificate {
    key: RsaKeyPair,
    thumbprint: String,
}

impl Certificate {
    /// Reads both from a PEM file, in any order. The certificate is the first one in it.
    pub(super) fn load(path: &Path) -> Result<Self> {
        let wrong = |what: &str| invalid(format!("the client certificate {} {what}", path.display()));
        let (pem, mode) = read(path).map_err(|error| wrong(&format!("can't be read: {error}")))?;
        if mode & 0o007 != 0 {
            return Err(wrong(&format!(
                "has mode {mode:03o}, so that everybody can get at its key; run: chmod o-rwx '{}'",
                path.display()
            )));
        }
        let certificate =
            CertificateDer::from_pem_slice(&pem).map_err(|_| wrong("holds no certificate in PEM form"))?;
        let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
            wrong("holds no private key in PEM form, or one with a passphrase: take the passphrase off")
        })?;
        let key = match &key {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            _ => {
                return Err(wrong(
                    "has a key that is no RSA key, and others can't be used here",
                ));
            }
        };
        Ok(Self {
            key: key.map_err(|error| wrong(&format!("has a key that can't be used: {error}")))?,
            thumbprint: URL_SAFE_NO_PAD.encode(digest(&SHA256, &certificate)),
        })
    }

    /// Says to the token service at `audience` that who sends this is the application; `now` is seconds since 1970.
    pub(super) fn assertion(&self, audience: &str, client_id: &str, now: u64) -> Result<String> {
        let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint });
        let claims = json!({
            "aud": audience,
            "iss": client_id,
            "sub": client_id,
            "jti": Uuid::new_v4(),
            "nbf": now,
            "exp": now + LIFETIME,
        });
        let encode = |part: &serde_json::Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let mut statement = format!("{}.{}", encode(&header), encode(&claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(
                &RSA_PSS_SHA256,
                &SystemRandom::new(),
                statement.as_bytes(),
                &mut signature,
            )
            .map_err(|_| invalid("the client certificate's key doesn't sign"))?;
        statement.push('.');
        statement.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok(statement)
    }
}

/// The token that a workload proves itself by.
pub(super) fn federated_token(path: &Path) -> Result<Zeroizing<String>> {
    let wrong = |what: &str| invalid(format!("the federated token file {} {what}", path.display()));
    let (bytes, _) = read(path).map_err(|error| wrong(&format!("can't be read: {error}")))?;
    match std::str::from_utf8(&bytes).map(str::trim) {
        Ok(token) if !token.is_empty() => Ok(Zeroizing::new(token.to_owned())),
        _ => Err(wrong("holds no token")),
    }
}

fn invalid(words: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, words)
}

/// A file and its permission bits.
fn read(path: &Path) -> io::Result<(Zeroizing<Vec<u8>>, u32)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(
        metadata.len().min(MAX_FILE_BYTES) as usize + 1,
    ));
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    Ok((bytes, metadata.permissions().mode() & 0o777))
}
