//! Choices that accept any server (specification 6.3.2 and 6.7): who may make them, and where.

use courier_store::connections::{Connection, HostKeyPolicy};
use courier_transfer::CertificatePolicy;

use crate::{
    Actor, Engine, Environment, Error, Result,
    settings::{FIPS_MODE, INSECURE_TRUST_ALLOW_PRODUCTION, INSECURE_TRUST_REQUIRE_ADMIN},
};

/// What a connection accepts without looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Insecure {
    /// Any host key: the policy `always_trust`.
    HostKey,
    /// Any certificate: the policy `insecure`.
    Certificate,
}

impl Insecure {
    /// The insecure choice of a connection, if it has made one.
    pub(crate) fn of(connection: &Connection) -> Option<Self> {
        if connection.host_key_policy == HostKeyPolicy::AlwaysTrust {
            return Some(Self::HostKey);
        }
        (CertificatePolicy::of(&connection.settings) == CertificatePolicy::Insecure)
            .then_some(Self::Certificate)
    }

    /// Its warning.
    pub(crate) fn warning(self) -> &'static str {
        match self {
            Self::HostKey => {
                "Host key verification disabled: this connection is vulnerable to man-in-the-middle attacks."
            }
            Self::Certificate => {
                "Certificate verification disabled: this connection is vulnerable to man-in-the-middle attacks."
            }
        }
    }

    /// Refuses it where it may not be. Asked when a connection is saved, with who decides for it, and when it is used.
    ///
    /// # Errors
    /// [`Error::InsecureHostKeyNeedsAdmin`], [`Error::InsecureHostKeyInFips`], [`Error::InsecureTlsNeedsAdmin`],
    /// [`Error::InsecureTlsInFips`], [`Error::InsecureTrustInProduction`].
    pub(crate) async fn check(self, engine: &Engine, decided_by: Option<&Actor>) -> Result<()> {
        let settings = engine.settings();
        if decided_by.is_some_and(|actor| !actor.is_admin())
            && settings.flag(&INSECURE_TRUST_REQUIRE_ADMIN).await?
        {
            return Err(match self {
                Self::HostKey => Error::InsecureHostKeyNeedsAdmin,
                Self::Certificate => Error::InsecureTlsNeedsAdmin,
            });
        }
        if settings.flag(&FIPS_MODE).await? {
            return Err(match self {
                Self::HostKey => Error::InsecureHostKeyInFips,
                Self::Certificate => Error::InsecureTlsInFips,
            });
        }
        if engine.config().environment == Environment::Production
            && !settings.flag(&INSECURE_TRUST_ALLOW_PRODUCTION).await?
        {
            return Err(Error::InsecureTrustInProduction(match self {
                Self::HostKey => {
                    "the host key policy always_trust is not allowed in production; choose trust_on_first_use or manual"
                }
                Self::Certificate => {
                    "the certificate policy insecure is not allowed in production; choose system_trust or pinned_thumbprint"
                }
            }));
        }
        Ok(())
    }
}
