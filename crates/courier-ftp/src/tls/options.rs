//! What a connection's settings say about TLS.

use openssl::ssl::SslVersion;

/// The settings of a connection that concern TLS; who may be trusted is the `TrustDecider`'s.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsOptions {
    /// The lowest version that is spoken.
    pub(crate) floor: TlsVersion,
    /// Lists of revoked certificates (`X509 CRL` blocks), one or more; checked with [`check_crl`](super::check_crl).
    pub(crate) crl_pem: Option<String>,
    /// Only what FIPS mode allows.
    pub(crate) fips: bool,
}

/// What a line may agree on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// The lowest version.
    pub(super) floor: TlsVersion,
    /// Of versions, ciphers, groups and signatures those only that FIPS mode allows.
    pub(super) fips: bool,
}

impl TlsOptions {
    /// FIPS mode raises a floor that is below 1.2.
    pub(super) fn rules(&self) -> Rules {
        let floor = match self.fips {
            true => self.floor.max(TlsVersion::Tls12),
            false => self.floor,
        };
        Rules {
            floor,
            fips: self.fips,
        }
    }
}

/// A version of TLS (specification 6.13).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TlsVersion {
    /// RFC 2246.
    Tls10,
    /// RFC 4346.
    Tls11,
    /// RFC 5246.
    #[default]
    Tls12,
    /// RFC 8446.
    Tls13,
}

impl TlsVersion {
    /// All, the lowest first.
    pub(crate) const ALL: [Self; 4] = [Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13];

    /// As the setting `tls_version_floor` has it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Tls10 => "tls_1_0",
            Self::Tls11 => "tls_1_1",
            Self::Tls12 => "tls_1_2",
            Self::Tls13 => "tls_1_3",
        }
    }

    /// For a person: `1.2`.
    pub(crate) fn number(self) -> &'static str {
        match self {
            Self::Tls10 => "1.0",
            Self::Tls11 => "1.1",
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        }
    }

    /// Of the setting's text.
    pub(crate) fn from_setting(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.as_str() == text)
    }

    /// Of the two bytes that records and hellos hold (RFC 8446 section 5.1).
    pub(super) fn from_wire(bytes: [u8; 2]) -> Option<Self> {
        match bytes {
            [3, 1] => Some(Self::Tls10),
            [3, 2] => Some(Self::Tls11),
            [3, 3] => Some(Self::Tls12),
            [3, 4] => Some(Self::Tls13),
            _ => None,
        }
    }

    /// As OpenSSL has it.
    pub(super) fn ssl(self) -> SslVersion {
        match self {
            Self::Tls10 => SslVersion::TLS1,
            Self::Tls11 => SslVersion::TLS1_1,
            Self::Tls12 => SslVersion::TLS1_2,
            Self::Tls13 => SslVersion::TLS1_3,
        }
    }

    /// Below what is considered safe; only such a floor lets in the ciphers, hashes and key sizes of its time.
    pub(crate) fn is_legacy(self) -> bool {
        self < Self::Tls12
    }
}
