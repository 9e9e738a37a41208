//! The two PEM files: read, checked, and told apart from what they should not be.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use openssl::{
    asn1::{Asn1Time, Asn1TimeRef},
    error::ErrorStack,
    x509::X509,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use zeroize::Zeroizing;

use super::Error;
use crate::config::Tls;

/// Longer than any chain of certificates, or any key, bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// What a certificate says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The host names and addresses that it is for.
    pub names: Vec<String>,
    /// Since when it counts.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
}

impl Certificate {
    /// What will be, or is, wrong with it for clients at that time. Nothing of this keeps a server from starting: jobs
    /// go on without the API.
    #[must_use]
    pub fn problems(&self, now: Timestamp) -> Vec<String> {
        let mut problems = Vec::new();
        let left = self.not_after.duration_since(now);
        if left.is_negative() {
            problems.push(format!("it expired at {}", self.not_after));
        } else if left < SOON {
            problems.push(format!(
                "it expires at {}, in {} days",
                self.not_after,
                left.as_hours() / 24
            ));
        }
        if now < self.not_before {
            problems.push(format!("it doesn't count before {}", self.not_before));
        }
        if self.names.is_empty() {
            problems.push("it names no host (subjectAltName), so that clients refuse it".into());
        }
        problems
    }
}

/// When an end begins to be worth a warning. Those who renew by themselves do so a month before.
const SOON: jiff::SignedDuration = jiff::SignedDuration::from_hours(14 * 24);

/// Whether the files are those that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp([Option<FileStamp>; 2]);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileStamp {
    place: (u64, u64),
    length: u64,
    /// Of its content or its mode: the way out of a key that is open to others is a chmod.
    changed: (i64, i64),
}

/// As the files are now. What can't be looked at is `None`.
pub(super) fn stamp(tls: &Tls) -> Stamp {
    Stamp([&tls.certificate, &tls.key].map(|path| {
        let metadata = fs::metadata(path).ok()?;
        Some(FileStamp {
            place: (metadata.dev(), metadata.ino()),
            length: metadata.len(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }))
}

/// What the files hold.
pub(super) struct Files {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    pub(super) certificate: Certificate,
}

pub(super) fn read(tls: &Tls) -> Result<Files, Error> {
    let (chain, certificate) = read_chain(&tls.certificate)?;
    Ok(Files {
        chain,
        key: read_key(&tls.key)?,
        certificate,
    })
}

fn read_chain(path: &Path) -> Result<(Vec<CertificateDer<'static>>, Certificate), Error> {
    let wrong = |message: String| Error::Certificate {
        path: path.to_owned(),
        message,
    };
    let mut pem = Vec::new();
    open(path)?.read_to_end(&mut pem).map_err(unreadable(path))?;
    let chain = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| wrong(format!("it is no PEM ({error})")))?;
    let Some(first) = chain.first() else {
        return Err(wrong(
            "it holds no certificate; expected PEM: -----BEGIN CERTIFICATE-----".into(),
        ));
    };
    let certificate =
        describe(first).map_err(|error| wrong(format!("its first certificate can't be read: {error}")))?;
    Ok((chain, certificate))
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let mut file = open(path)?;
    let metadata = file.get_ref().metadata().map_err(unreadable(path))?;
    if is_open_to_others(metadata.mode(), metadata.uid()) {
        return Err(Error::KeyOpenToOthers {
            path: path.to_owned(),
            mode: metadata.mode() & 0o777,
        });
    }
    // One allocation: growing it would leave copies of the key behind.
    let room = usize::try_from(metadata.len().min(MAX_FILE)).unwrap_or_default();
    let mut pem = Zeroizing::new(Vec::with_capacity(room + 1));
    file.read_to_end(&mut pem).map_err(unreadable(path))?;
    let wrong = |message: String| Error::Key {
        path: path.to_owned(),
        message,
    };
    match PrivateKeyDer::from_pem_slice(&pem) {
        Ok(key) => Ok(key),
        Err(_) if holds(&pem, b"ENCRYPTED") => Err(wrong(
            "it is encrypted; a server that starts by itself needs it without a passphrase \
             (openssl pkey -in FILE -out NEW), in a file with mode 0600"
                .into(),
        )),
        Err(_) if holds(&pem, b"OPENSSH PRIVATE KEY") => {
            Err(wrong("it is a key for SSH, not for TLS".into()))
        }
        // The library's words may quote the file.
        Err(_) => Err(wrong(
            "it holds no private key; expected PEM: -----BEGIN PRIVATE KEY-----".into(),
        )),
    }
}

/// The rule of PostgreSQL: nobody else may read it; but where it is root's, its group may, since that is how the
/// system hands keys to servers that don't run as root.
fn is_open_to_others(mode: u32, owner: u32) -> bool {
    let allowed = if owner == 0 { 0o740 } else { 0o700 };
    mode & 0o777 & !allowed != 0
}

fn holds(pem: &[u8], word: &[u8]) -> bool {
    pem.windows(word.len()).any(|window| window == word)
}

fn open(path: &Path) -> Result<io::Take<File>, Error> {
    Ok(File::open(path).map_err(unreadable(path))?.take(MAX_FILE))
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> Error {
    let path = PathBuf::from(path);
    move |source| Error::Unreadable {
        path: path.clone(),
        source,
    }
}

fn describe(der: &[u8]) -> Result<Certificate, ErrorStack> {
    let x509 = X509::from_der(der)?;
    let names = x509.subject_alt_names().into_iter().flatten().filter_map(|name| {
        let address = |bytes: &[u8]| match bytes.len() {
            4 => <[u8; 4]>::try_from(bytes).ok().map(std::net::IpAddr::from),
            _ => <[u8; 16]>::try_from(bytes).ok().map(std::net::IpAddr::from),
        };
        let dns = name.dnsname().map(str::to_owned);
        dns.or_else(|| Some(address(name.ipaddress()?)?.to_string()))
    });
    Ok(Certificate {
        names: names.collect(),
        not_before: timestamp(x509.not_before())?,
        not_after: timestamp(x509.not_after())?,
    })
}

/// What lies beyond the last point in time that there is (the year 9999 is common) becomes that.
fn timestamp(time: &Asn1TimeRef) -> Result<Timestamp, ErrorStack> {
    let since = Asn1Time::from_unix(0)?.diff(time)?;
    let seconds = i64::from(since.days) * 86_400 + i64::from(since.secs);
    Ok(Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_its_owners_or_roots_groups() {
        for (mode, owner, open) in [
            (0o100_600, 1000, false),
            (0o100_400, 1000, false),
            (0o100_640, 1000, true),
            (0o100_604, 1000, true),
            (0o100_640, 0, false),
            (0o100_660, 0, true),
            (0o100_644, 0, true),
        ] {
            assert_eq!(is_open_to_others(mode, owner), open, "{mode:o} of {owner}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_told_in_time() {
        let day = |n: i64| Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(24 * n);
        let certificate = Certificate {
            names: vec!["courier.example.com".into()],
            not_before: day(10),
            not_after: day(100),
        };
        assert!(certificate.problems(day(50)).is_empty());
        for (now, part) in [(9, "before"), (90, "in 10 days"), (101, "expired at")] {
            let problems = certificate.problems(day(now)).join(", ");
            assert!(problems.contains(part), "{problems}");
        }
        let nameless = Certificate {
            names: Vec::new(),
            ..certificate
        };
        assert!(nameless.problems(day(50)).join(", ").contains("subjectAltName"));
    }
}
