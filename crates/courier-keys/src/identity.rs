//! What a client shows a server to log in: a public key, or a certificate for one.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use russh::keys::ssh_encoding::{Decode, Encode};
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::ssh_key::{self, public::KeyData};
use russh::keys::{Algorithm, Certificate, HashAlg};

use crate::error::{Error, Result};
use crate::key::PublicKey;

/// Each level of certificates in one another holds this once.
const CERTIFICATE_MARK: &[u8] = b"-cert-v01@";

/// A public key of any type, or an OpenSSH user certificate for one (OpenSSH's `PROTOCOL.certkeys`).
///
/// Unlike [`PublicKey`] it may be of a type that only others sign with, such as a key in a hardware token behind an
/// agent.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity(KeyData);

impl Identity {
    /// Reads one line as `.pub` and `-cert.pub` files have it: `algorithm base64 comment`. The comment is dropped.
    ///
    /// # Errors
    /// [`Error::BadPublicKey`] for anything else.
    pub fn from_openssh(line: &str) -> Result<Self> {
        let mut words = line.split_ascii_whitespace();
        let (Some(_algorithm), Some(base64)) = (words.next(), words.next()) else {
            return Err(bad("it has no two words"));
        };
        let blob = STANDARD
            .decode(base64)
            .map_err(|_| bad("its second word is not base64"))?;
        Self::from_blob(&blob)
    }

    /// Reads a key blob (RFC 4253 section 6.6).
    ///
    /// # Errors
    /// [`Error::BadPublicKey`] for a damaged one, for a type that isn't known, and for a host certificate.
    pub fn from_blob(blob: &[u8]) -> Result<Self> {
        // The decoder follows certificates in certificates as deep as they go.
        let depth = blob
            .windows(CERTIFICATE_MARK.len())
            .filter(|window| *window == CERTIFICATE_MARK)
            .count();
        if depth > 1 {
            return Err(bad("it is a certificate within a certificate"));
        }
        let mut rest = blob;
        let data = KeyData::decode(&mut rest).map_err(|e| bad(&e.to_string()))?;
        let key = data.certificate().map_or(&data, Certificate::public_key);
        if !rest.is_empty() || matches!(key, KeyData::Other(_)) {
            return Err(bad("its type is not known"));
        }
        if data
            .certificate()
            .is_some_and(|certificate| certificate.cert_type() != CertType::User)
        {
            return Err(bad("it is a certificate for a host, not for a user"));
        }
        Ok(Self(data))
    }

    /// The key blob.
    ///
    /// # Errors
    /// [`Error::Crypto`], which what was read doesn't give.
    pub fn blob(&self) -> Result<Vec<u8>> {
        let mut blob = Vec::new();
        self.0.encode(&mut blob).map_err(|_| Error::Crypto {
            operation: "write the public key",
        })?;
        Ok(blob)
    }

    /// One line, as [`Identity::from_openssh`] reads it.
    ///
    /// # Errors
    /// As [`Identity::blob`].
    pub fn to_openssh(&self) -> Result<String> {
        let algorithm = match &self.0 {
            KeyData::Certificate(certificate) => certificate.algorithm().to_certificate_type(),
            key => key.algorithm().as_str().to_owned(),
        };
        Ok(format!("{algorithm} {}", STANDARD.encode(self.blob()?)))
    }

    /// The certificate, if it is one.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.0.certificate()
    }

    /// The public key itself, as the SSH library has it.
    #[must_use]
    pub fn public_key(&self) -> ssh_key::PublicKey {
        match &self.0 {
            KeyData::Certificate(certificate) => certificate.public_key().clone().into(),
            key => key.clone().into(),
        }
    }

    /// The public key without the certificate.
    #[must_use]
    pub fn without_certificate(&self) -> Self {
        Self(self.public_key().key_data().clone())
    }

    /// Is it this key, or a certificate for it?
    #[must_use]
    pub fn is_of(&self, key: &Self) -> bool {
        self.public_key().key_data() == key.public_key().key_data()
    }

    /// Is it RSA, which can sign with several hashes (RFC 8332)?
    #[must_use]
    pub fn is_rsa(&self) -> bool {
        matches!(self.public_key().algorithm(), Algorithm::Rsa { .. })
    }

    /// The fingerprint of the public key; see [`PublicKey::fingerprint`].
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.public_key().fingerprint(HashAlg::Sha256).to_string()
    }
}

impl From<&PublicKey> for Identity {
    fn from(key: &PublicKey) -> Self {
        Self(key.inner().key_data().clone())
    }
}

/// What errors and logs call it.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.certificate() {
            Some(_) => write!(f, "the certificate of {}", self.fingerprint()),
            None => write!(f, "the key {}", self.fingerprint()),
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({self})")
    }
}

fn bad(reason: &str) -> Error {
    Error::BadPublicKey {
        reason: reason.to_owned(),
    }
}
