//! An X.509 certificate as the rest of Courier knows it.

use courier_transfer::{Certificate, CertificateProblem, Error, ErrorKind, Result, Thumbprint};
use jiff::Timestamp;
use openssl::{
    asn1::{Asn1Time, Asn1TimeRef},
    error::ErrorStack,
    hash::MessageDigest,
    nid::Nid,
    x509::{X509NameRef, X509Ref},
};

/// No name of a certificate is shown further than this, in characters.
const SHOWN: usize = 512;
/// No more of a certificate's host names are shown.
const NAMES_SHOWN: usize = 20;

/// What it says, and what is wrong with it.
pub(super) fn describe(certificate: &X509Ref, problems: Vec<CertificateProblem>) -> Result<Certificate> {
    let unreadable = |error: ErrorStack| {
        Error::new(ErrorKind::Protocol, "the server's certificate can't be read").with_source(error)
    };
    Ok(Certificate {
        subject: distinguished_name(certificate.subject_name()),
        issuer: distinguished_name(certificate.issuer_name()),
        thumbprint: thumbprint(certificate).map_err(unreadable)?,
        not_before: timestamp(certificate.not_before()).map_err(unreadable)?,
        not_after: timestamp(certificate.not_after()).map_err(unreadable)?,
        problems,
    })
}

/// Its SHA-256.
pub(super) fn thumbprint(certificate: &X509Ref) -> Result<Thumbprint, ErrorStack> {
    let digest = certificate.digest(MessageDigest::sha256())?;
    // SHA-256 has 32 bytes, always.
    let bytes = <[u8; 32]>::try_from(&*digest).unwrap_or_default();
    Ok(Thumbprint::from_digest(bytes))
}

/// A point in time; what lies beyond the last one that there is (31 December 9999 is common) becomes that.
pub(super) fn timestamp(time: &Asn1TimeRef) -> Result<Timestamp, ErrorStack> {
    let since = Asn1Time::from_unix(0)?.diff(time)?;
    let seconds = i64::from(since.days) * 86_400 + i64::from(since.secs);
    Ok(Timestamp::from_second(seconds).unwrap_or(if seconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    }))
}

/// A name in the order and with the escapes of RFC 4514, with a space after each comma: `CN=ftp.partner.com, O=Partner`.
pub(super) fn distinguished_name(name: &X509NameRef) -> String {
    let mut parts: Vec<String> = name
        .entries()
        .map(|entry| {
            let object = entry.object();
            let key = match object.nid() {
                Nid::UNDEF => object.to_string(),
                nid => nid
                    .short_name()
                    .map_or_else(|_| object.to_string(), str::to_owned),
            };
            let value = entry.data().to_string().unwrap_or_else(|_| "\u{fffd}".to_owned());
            format!("{key}={}", escaped(&value))
        })
        .collect();
    parts.reverse();
    cut(&parts.join(", "))
}

/// RFC 4514 section 2.4; control characters as pairs of hexadecimal digits, so that a name is one line.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (i, c) in value.chars().enumerate() {
        match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => out.extend(['\\', c]),
            ' ' if i == 0 || i == last => out.push_str("\\ "),
            '#' if i == 0 => out.push_str("\\#"),
            c if c.is_control() => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    out.push_str(&format!("\\{byte:02X}"));
                }
            }
            c => out.push(c),
        }
    }
    out
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The hosts that it is for: its DNS names and addresses, and where it has no DNS name, its common names.
pub(super) fn host_names(certificate: &X509Ref) -> Vec<String> {
    let mut names = Vec::new();
    let mut by_dns = false;
    for name in certificate.subject_alt_names().iter().flatten() {
        if let Some(dns) = name.dnsname() {
            by_dns = true;
            names.push(cut(&escaped(dns)));
        } else if let Some(address) = name.ipaddress() {
            if let Ok(v4) = <[u8; 4]>::try_from(address) {
                names.push(std::net::Ipv4Addr::from(v4).to_string());
            } else if let Ok(v6) = <[u8; 16]>::try_from(address) {
                names.push(std::net::Ipv6Addr::from(v6).to_string());
            }
        }
    }
    if !by_dns {
        let common = certificate.subject_name().entries_by_nid(Nid::COMMONNAME);
        names.extend(
            common
                .filter_map(|entry| entry.data().to_string().ok())
                .map(|name| cut(&escaped(&name))),
        );
    }
    if names.len() > NAMES_SHOWN {
        let more = names.len() - NAMES_SHOWN;
        names.truncate(NAMES_SHOWN);
        names.push(format!("{more} more"));
    }
    names
}
