//! The server's name, as TLS needs it: a name for SNI and certificates, or an address.

use std::net::IpAddr;

use courier_transfer::{Error, ErrorKind, Result};
use openssl::{error::ErrorStack, ssl::SslRef, x509::verify::X509CheckFlags};

/// Whom a certificate must be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// A name; told to the server (SNI, RFC 6066 section 3).
    Name(String),
    /// An address; never told (same place).
    Address(IpAddr),
}

impl Host {
    /// Of a connection's or URL's host: brackets around an IPv6 address, its zone, and the dot that ends a full name are
    /// no part of it.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: what can't be a name. OpenSSL would check nothing for an empty one, and take one that begins
    /// with a dot for any name below it.
    pub(super) fn parse(host: &str) -> Result<Self> {
        let bare = host
            .strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .unwrap_or(host);
        let address = bare.split_once('%').map_or(bare, |(address, _zone)| address);
        if let Ok(address) = address.parse() {
            return Ok(Self::Address(address));
        }
        let name = bare.strip_suffix('.').unwrap_or(bare);
        let refused = |c: char| c.is_whitespace() || c.is_control();
        if name.is_empty() || name.starts_with('.') || name.len() > 253 || name.contains(refused) {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "{host:?} is no host name and no address, so no certificate can be checked against it"
                ),
            ));
        }
        Ok(Self::Name(name.to_owned()))
    }

    /// Tells the server which of its names is meant; the same on each line, or sessions would not be resumed.
    pub(super) fn indicate(&self, ssl: &mut SslRef) -> Result<(), ErrorStack> {
        match self {
            Self::Name(name) => ssl.set_hostname(name),
            Self::Address(_) => Ok(()),
        }
    }

    /// Has certificates checked against it (RFC 6125; a common name counts where there is no DNS name beside it).
    pub(super) fn require(&self, ssl: &mut SslRef) -> Result<(), ErrorStack> {
        let checks = ssl.param_mut();
        checks.set_hostflags(X509CheckFlags::NO_PARTIAL_WILDCARDS);
        match self {
            Self::Name(name) => checks.set_host(name),
            Self::Address(address) => checks.set_ip(*address),
        }
    }
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_told_apart() {
        let address = |text: &str| Host::Address(text.parse().unwrap());
        for (text, host) in [
            ("ftp.example.com", Host::Name("ftp.example.com".into())),
            ("ftp.example.com.", Host::Name("ftp.example.com".into())),
            ("192.0.2.7", address("192.0.2.7")),
            ("[2001:db8::7]", address("2001:db8::7")),
            ("2001:db8::7", address("2001:db8::7")),
            ("[fe80::1%eth0]", address("fe80::1")),
        ] {
            assert_eq!(Host::parse(text).unwrap(), host, "{text}");
        }
        for text in ["", ".", "..", ".example.com", "a b", "a\0b", "a\nb", "[]"] {
            assert_eq!(
                Host::parse(text).unwrap_err().kind(),
                ErrorKind::Invalid,
                "{text:?}"
            );
        }
    }
}
