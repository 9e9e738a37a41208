//! The certificate that this side presents (specification 6.13).

use std::cell::Cell;

use jiff::Timestamp;
use openssl::{
    error::ErrorStack,
    pkey::{PKey, Private},
    ssl::SslContextBuilder,
    x509::X509,
};

use super::{certificate::timestamp, fips, forget_errors, pem};

/// A certificate, its key, and the certificates that vouch for it. OpenSSL wipes the key when it is dropped.
pub(super) struct ClientCertificate {
    certificate: X509,
    key: PKey<Private>,
    chain: Vec<X509>,
}

impl ClientCertificate {
    /// When it ends; `None` for a time that can't be read.
    pub(super) fn ends(&self) -> Option<Timestamp> {
        let ends = timestamp(self.certificate.not_after());
        ends.inspect_err(|_| forget_errors()).ok()
    }

    /// From PEM blocks in any order: the key tells which of the certificates is its own.
    ///
    /// # Errors
    /// What is missing or not understood, and what to do; nothing of the content.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut certificates = Vec::new();
        let mut keys = Vec::new();
        for block in pem::blocks(text).map_err(|e| format!("the client certificate is not whole: {e}"))? {
            match block.label {
                "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {
                    certificates.push(X509::from_pem(block.text.as_bytes()).map_err(|_| {
                        "a CERTIFICATE block of the client certificate can't be read: it is damaged or no X.509 certificate"
                            .to_owned()
                    })?);
                }
                "OPENSSH PRIVATE KEY" => {
                    return Err(
                        "the client certificate's key is in OpenSSH's form, which TLS does not use: convert it with \
                         ssh-keygen -p -m PEM -f FILE"
                            .to_owned(),
                    );
                }
                label if label.ends_with("PRIVATE KEY") => keys.push(private_key(block.text)?),
                // Parameters of curves, requests, lists of revoked certificates: of no use here, and no harm.
                _ => {}
            }
        }
        let Some(key) = keys.pop() else {
            return Err(
                "the client certificate has no key: add its PRIVATE KEY block beside the CERTIFICATE"
                    .to_owned(),
            );
        };
        if !keys.is_empty() {
            return Err(
                "the client certificate has several keys: leave the one that belongs to it".to_owned(),
            );
        }
        if certificates.is_empty() {
            return Err(
                "there is a key, but no CERTIFICATE block: add the certificate that belongs to it".to_owned(),
            );
        }
        let own = certificates
            .iter()
            .position(|c| c.public_key().is_ok_and(|public| public.public_eq(&key)));
        forget_errors();
        let Some(own) = own else {
            return Err("the key belongs to none of the certificates beside it".to_owned());
        };
        let certificate = certificates.remove(own);
        Ok(Self {
            certificate,
            key,
            chain: certificates,
        })
    }

    /// Why FIPS mode does not allow it.
    pub(super) fn not_fips(&self) -> Option<String> {
        let key = fips::check_key(&self.key).err()?;
        Some(format!(
            "has a key that FIPS mode does not allow: it is {key}; allowed are RSA from 2048 bits and ECDSA on P-256, P-384 and \
             P-521"
        ))
    }

    /// Presents it, with its chain, wherever the server asks.
    pub(super) fn present(&self, context: &mut SslContextBuilder) -> Result<(), ErrorStack> {
        context.set_certificate(&self.certificate)?;
        context.set_private_key(&self.key)?;
        for certificate in &self.chain {
            context.add_extra_chain_cert(certificate.clone())?;
        }
        context.check_private_key()
    }
}

/// A key. The callback is there so that OpenSSL never asks for a passphrase at the terminal.
fn private_key(text: &str) -> Result<PKey<Private>, String> {
    let encrypted = Cell::new(false);
    let key = PKey::private_key_from_pem_callback(text.as_bytes(), |_| {
        encrypted.set(true);
        Err(ErrorStack::get())
    });
    match key {
        Ok(key) => Ok(key),
        Err(_) if encrypted.get() => Err(
            "the client certificate's key is encrypted: store it without its passphrase (openssl pkey -in FILE); Courier \
             encrypts it itself"
                .to_owned(),
        ),
        Err(_) => Err("the client certificate's key can't be read: expected a PKCS#8, RSA or EC key in PEM".to_owned()),
    }
}
