//! Certificates of servers (FTPS): what they say, what is wrong with them, and which are accepted (specification 6.3.2).

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{Error, ErrorKind, Fingerprint, InvalidFingerprint, Result};

/// The SHA-256 of a certificate in DER, shown as 32 upper-case hexadecimal pairs with colons.
///
/// Read with or without colons, the prefix `SHA256:` and in either case.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Thumbprint(Fingerprint);

/// The text is no SHA-256 thumbprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a SHA-256 thumbprint: expected 64 hexadecimal digits, with or without colons (openssl x509 -noout -fingerprint \
     -sha256 prints them)"
)]
pub struct InvalidThumbprint;

impl Thumbprint {
    /// Of a digest.
    pub fn from_digest(digest: [u8; 32]) -> Self {
        Self(Fingerprint::from_digest(digest))
    }
}

impl FromStr for Thumbprint {
    type Err = InvalidThumbprint;

    fn from_str(text: &str) -> Result<Self, InvalidThumbprint> {
        text.parse()
            .map(Self)
            .map_err(|_: InvalidFingerprint| InvalidThumbprint)
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.digest().iter().enumerate() {
            let colon = if i == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Thumbprint {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// What is wrong with a certificate, as its chain, its time and the name of the server are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateProblem {
    /// It was valid until then.
    Expired(Timestamp),
    /// It is valid from then on.
    NotYetValid(Timestamp),
    /// Nobody but its own key vouches for it.
    SelfSigned,
    /// Nobody who is trusted vouches for it.
    UnknownIssuer,
    /// It is for other names.
    NameMismatch {
        /// The host that it was presented for.
        host: String,
        /// The names in it.
        names: Vec<String>,
    },
    /// A list of revoked certificates names it, or one that vouches for it.
    Revoked,
    /// Anything else, in words: a purpose that it is not for, a weak key, a list of revoked ones that is too old.
    Other(String),
}

impl fmt::Display for CertificateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired(at) => write!(f, "expired on {at}"),
            Self::NotYetValid(from) => write!(f, "not valid before {from}"),
            Self::SelfSigned => f.write_str("self-signed"),
            Self::UnknownIssuer => f.write_str("unknown issuer"),
            Self::NameMismatch { host, names } if names.is_empty() => {
                write!(f, "name mismatch: it names no host, and not {host}")
            }
            Self::NameMismatch { host, names } => {
                write!(f, "name mismatch: it is for {}, not for {host}", names.join(", "))
            }
            Self::Revoked => f.write_str("revoked"),
            Self::Other(what) => f.write_str(what),
        }
    }
}

/// A certificate that a server presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Whom it is for (`CN=ftp.partner.com`).
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Its SHA-256.
    pub thumbprint: Thumbprint,
    /// When it begins.
    pub not_before: Timestamp,
    /// When it ends.
    pub not_after: Timestamp,
    /// What is wrong with it; empty where the system's trust store, the time and the name say nothing against it.
    pub problems: Vec<CertificateProblem>,
}

impl Certificate {
    /// Everything that is wrong with it, in words; `None` where nothing is.
    pub fn policy_errors(&self) -> Option<String> {
        let problems: Vec<String> = self.problems.iter().map(ToString::to_string).collect();
        Some(problems.join("; ")).filter(|p| !p.is_empty())
    }

    /// Does a list of revoked certificates name it, or one that vouches for it?
    pub fn is_revoked(&self) -> bool {
        self.problems.contains(&CertificateProblem::Revoked)
    }
}

/// Which certificates are accepted (specification 6.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificatePolicy {
    /// Those with which nothing is wrong.
    SystemTrust,
    /// This one, whatever else is wrong with it, unless it was revoked; none where nobody has named one yet.
    Pinned(Option<Thumbprint>),
    /// Any; insecure.
    Insecure,
}

impl CertificatePolicy {
    /// The setting that holds the policy: [`SYSTEM_TRUST`](Self::SYSTEM_TRUST), [`PINNED`](Self::PINNED) or
    /// [`INSECURE`](Self::INSECURE). A protocol whose table has it has certificates.
    pub const SETTING: &'static str = "tls_cert_policy";
    /// The setting that holds the pin.
    pub const PIN_SETTING: &'static str = "tls_pinned_thumbprint";
    /// [`CertificatePolicy::SystemTrust`] as a setting.
    pub const SYSTEM_TRUST: &'static str = "system_trust";
    /// [`CertificatePolicy::Pinned`] as a setting.
    pub const PINNED: &'static str = "pinned_thumbprint";
    /// [`CertificatePolicy::Insecure`] as a setting.
    pub const INSECURE: &'static str = "insecure";

    /// What the settings say. What is not understood is the strictest that there can be.
    pub fn of(settings: &Map<String, Value>) -> Self {
        let text = |name: &str| settings.get(name).and_then(Value::as_str);
        match text(Self::SETTING) {
            None | Some(Self::SYSTEM_TRUST) => Self::SystemTrust,
            Some(Self::INSECURE) => Self::Insecure,
            Some(_) => Self::Pinned(text(Self::PIN_SETTING).and_then(|pin| pin.parse().ok())),
        }
    }

    /// Accepts a certificate, or says what was expected, what was presented, and what to do about it.
    ///
    /// # Errors
    /// [`ErrorKind::Certificate`].
    pub fn check(self, presented: &Certificate) -> Result<()> {
        let Certificate {
            subject, thumbprint, ..
        } = presented;
        let problem = match self {
            Self::Insecure => return Ok(()),
            // A list of revoked ones is looked at only where somebody gave one for this connection.
            Self::Pinned(Some(pin)) if pin == *thumbprint && presented.is_revoked() => format!(
                "Certificate rejected: the pinned {pin} ({subject}) was revoked, as a given list says. No credential was \
                 sent. Have the server's operator renew it, and pin the new one"
            ),
            Self::Pinned(Some(pin)) if pin == *thumbprint => return Ok(()),
            Self::Pinned(Some(pin)) => format!(
                "Certificate mismatch: expected the pinned {pin}, got {thumbprint} ({subject}). No credential was sent. If \
                 the server's certificate was renewed on purpose, compare the new thumbprint with its operator and pin it"
            ),
            Self::Pinned(None) => format!(
                "No certificate is pinned yet; the server presented {thumbprint} ({subject}). No credential was sent. \
                 Compare it with the server's operator, then pin it"
            ),
            Self::SystemTrust => match presented.policy_errors() {
                None => return Ok(()),
                Some(problems) => format!(
                    "Certificate rejected: {problems} ({subject}, issued by {}, SHA-256 {thumbprint}). No credential was \
                     sent. Have the server's operator mend it, or pin this thumbprint once they have confirmed it",
                    presented.issuer
                ),
            },
        };
        Err(Error::new(ErrorKind::Certificate, problem))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn certificate(problems: Vec<CertificateProblem>) -> Certificate {
        Certificate {
            subject: "CN=a".into(),
            issuer: "CN=b".into(),
            thumbprint: Thumbprint::from_digest([0xab; 32]),
            not_before: Timestamp::UNIX_EPOCH,
            not_after: Timestamp::UNIX_EPOCH,
            problems,
        }
    }

    fn policy(settings: Value) -> CertificatePolicy {
        CertificatePolicy::of(settings.as_object().unwrap())
    }

    #[test]
    fn each_policy_accepts_what_it_says() {
        let good = certificate(Vec::new());
        let bad = certificate(vec![CertificateProblem::SelfSigned]);
        let pin = "sha256:".to_owned() + &"aB:".repeat(31) + "ab";
        let pinned = policy(json!({"tls_cert_policy": "pinned_thumbprint", "tls_pinned_thumbprint": pin}));
        let revoked = certificate(vec![CertificateProblem::SelfSigned, CertificateProblem::Revoked]);
        assert!(pinned.check(&revoked).unwrap_err().message().contains("revoked"));
        let other =
            policy(json!({"tls_cert_policy": "pinned_thumbprint", "tls_pinned_thumbprint": "00".repeat(32)}));
        let accepts = |policy: CertificatePolicy| (policy.check(&good).is_ok(), policy.check(&bad).is_ok());
        assert_eq!(accepts(policy(json!({}))), (true, false));
        assert_eq!(accepts(pinned), (true, true));
        assert_eq!(accepts(other), (false, false));
        assert_eq!(
            accepts(policy(json!({"tls_cert_policy": "pinned_thumbprint"}))),
            (false, false)
        );
        assert_eq!(
            accepts(policy(json!({"tls_cert_policy": "insecure"}))),
            (true, true)
        );
        let refusal = policy(json!({})).check(&bad).unwrap_err();
        assert_eq!(refusal.kind(), ErrorKind::Certificate);
        assert!(refusal.message().contains("self-signed"), "{refusal}");
    }
}
