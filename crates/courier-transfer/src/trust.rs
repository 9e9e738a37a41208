//! The two things that a protocol needs from outside: is this server the right one, and who wants to
//! know what happened.

use std::fmt;

use async_trait::async_trait;

use crate::{
    AuthMethod, Certificate, CertificatePolicy, Error, ErrorKind, Fingerprint, HostKey, Result, ServerInfo,
};

/// Decides whether a server may be trusted. Asked before any credential leaves.
#[async_trait]
pub trait TrustDecider: Send + Sync + fmt::Debug {
    /// Key types of the pins that exist: offered first, so that a second key of the same server does
    /// not look like a change. Empty where there are none.
    async fn pinned_key_types(&self) -> Vec<String>;

    /// `Ok` trusts the key. An error of kind [`ErrorKind::HostKey`] or [`ErrorKind::HostKeyNotApproved`] says what was
    /// expected and what was presented; the connection ends before anything secret was sent.
    async fn host_key(&self, presented: &HostKey) -> Result<()>;

    /// `Ok` trusts the certificate. An error of kind [`ErrorKind::Certificate`] says what was expected and what was
    /// presented; the connection ends before anything secret was sent. Asked for the control connection; its data
    /// connections must present the same certificate. Whoever knows of no certificates trusts none.
    async fn certificate(&self, presented: &Certificate) -> Result<()> {
        Err(Error::new(
            ErrorKind::Certificate,
            format!(
                "nobody decides about certificates here, so {} ({}) is not trusted",
                presented.thumbprint, presented.subject
            ),
        ))
    }
}

/// Hears what happens on a connection: pins, audit records and health hang here.
///
/// Called in order; an error of `authenticated` ends the connection.
#[async_trait]
pub trait Observer: Send + Sync + fmt::Debug {
    /// The server told something of itself; called each time more is known, also when the connection then fails.
    fn learnt(&self, info: &ServerInfo) {
        let _ = info;
    }

    /// The server accepted a credential.
    async fn authenticated(&self, info: &ServerInfo, method: &AuthMethod) -> Result<()> {
        let _ = (info, method);
        Ok(())
    }
}

/// Hears nothing.
#[derive(Clone, Copy, Debug)]
pub struct Unobserved;

#[async_trait]
impl Observer for Unobserved {}

/// Trusts the given fingerprints and no other. For the command line's `--host-key` and for tests.
#[derive(Clone, Debug)]
pub struct TrustPins {
    /// The fingerprints that are trusted.
    pub pins: Vec<Fingerprint>,
    /// The key types to offer first, where known.
    pub key_types: Vec<String>,
}

impl TrustPins {
    /// Trusts these.
    pub fn new(pins: impl IntoIterator<Item = Fingerprint>) -> Self {
        Self {
            pins: pins.into_iter().collect(),
            key_types: Vec::new(),
        }
    }
}

#[async_trait]
impl TrustDecider for TrustPins {
    async fn pinned_key_types(&self) -> Vec<String> {
        self.key_types.clone()
    }

    async fn host_key(&self, presented: &HostKey) -> Result<()> {
        if self.pins.contains(&presented.fingerprint) {
            return Ok(());
        }
        Err(host_key_mismatch(&self.pins, presented))
    }
}

/// Decides about certificates and nothing else. For the command line and for tests.
#[async_trait]
impl TrustDecider for CertificatePolicy {
    async fn pinned_key_types(&self) -> Vec<String> {
        Vec::new()
    }

    async fn host_key(&self, presented: &HostKey) -> Result<()> {
        Err(host_key_mismatch(&[], presented))
    }

    async fn certificate(&self, presented: &Certificate) -> Result<()> {
        self.check(presented)
    }
}

/// The one text for a host key that is not the pinned one.
pub fn host_key_mismatch(expected: &[Fingerprint], presented: &HostKey) -> Error {
    let expected: Vec<String> = expected.iter().map(Fingerprint::to_string).collect();
    Error::new(
        ErrorKind::HostKey,
        format!(
            "Host key mismatch: expected {}, got {} ({}). No credential was sent. If the server's key was \
             changed on purpose, compare the new fingerprint with its operator and approve it",
            expected.join(" or "),
            presented.fingerprint,
            presented.key_type,
        ),
    )
}
