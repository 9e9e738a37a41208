//! `[tls]`: the certificate that the listener shows, and the oldest version of TLS that it speaks.

use std::path::PathBuf;

use serde::Deserialize;

use super::{Result, wrong};

/// How the API is served over TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate and those that vouch for it, in this order, as PEM; absolute.
    pub certificate: PathBuf,
    /// Its private key, as PEM without a passphrase; absolute.
    pub key: PathBuf,
    /// The oldest version that is spoken.
    pub min_version: TlsVersion,
}

/// A version of TLS that the listener speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum TlsVersion {
    /// TLS 1.2.
    #[default]
    #[serde(rename = "tls_1_2")]
    Tls12,
    /// TLS 1.3.
    #[serde(rename = "tls_1_3")]
    Tls13,
}

/// The table in `courier.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsTable {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    min_version: Option<TlsVersion>,
}

const CERTIFICATE: &str = "COURIER_TLS_CERTIFICATE";
const KEY: &str = "COURIER_TLS_KEY";
const MIN_VERSION: &str = "COURIER_TLS_MIN_VERSION";

/// `None` where nothing is said of TLS. What is half said is an error: nobody should believe in TLS that isn't there.
pub(super) fn resolve(variable: &dyn Fn(&str) -> Option<String>, table: TlsTable) -> Result<Option<Tls>> {
    let min_version = match variable(MIN_VERSION).as_deref() {
        None => table.min_version,
        Some("tls_1_2") => Some(TlsVersion::Tls12),
        Some("tls_1_3") => Some(TlsVersion::Tls13),
        Some(word) => {
            return Err(wrong(
                MIN_VERSION,
                format!("{word:?} is none of tls_1_2, tls_1_3"),
            ));
        }
    };
    let path = |name, in_file: Option<PathBuf>| variable(name).map(PathBuf::from).or(in_file);
    match (path(CERTIFICATE, table.certificate), path(KEY, table.key)) {
        (Some(certificate), Some(key)) => Ok(Some(Tls {
            certificate: super::absolute("tls.certificate", certificate)?,
            key: super::absolute("tls.key", key)?,
            min_version: min_version.unwrap_or_default(),
        })),
        (None, None) if min_version.is_none() => Ok(None),
        (None, None) => Err(wrong(
            "tls.min_version",
            "there is no TLS without tls.certificate and tls.key",
        )),
        (Some(_), None) => Err(wrong(
            "tls.key",
            "it is missing: the file with the private key of tls.certificate",
        )),
        (None, Some(_)) => Err(wrong(
            "tls.certificate",
            "it is missing: the file with the certificate of tls.key",
        )),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)], table: &str) -> Result<Option<Tls>> {
        let variable = |name: &str| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        resolve(&variable, toml::from_str(table).unwrap())
    }

    #[test]
    fn variables_win_over_the_file() {
        let table = "certificate = '/a.pem'\nkey = '/a.key'\nmin_version = 'tls_1_3'";
        let tls = with(&[(KEY, "/b.key")], table).unwrap().unwrap();
        assert_eq!(tls.certificate, PathBuf::from("/a.pem"));
        assert_eq!(tls.key, PathBuf::from("/b.key"));
        assert_eq!(tls.min_version, TlsVersion::Tls13);
        let tls = with(&[(MIN_VERSION, "tls_1_2")], table).unwrap().unwrap();
        assert_eq!(tls.min_version, TlsVersion::Tls12);
        assert_eq!(with(&[], "").unwrap(), None);
    }

    #[test]
    fn half_of_it_is_an_error() {
        for (variables, table, name) in [
            (&[(CERTIFICATE, "/a")][..], "", "tls.key"),
            (&[], "key = '/a'", "tls.certificate"),
            (&[(MIN_VERSION, "tls_1_3")], "", "tls.min_version"),
            (&[(MIN_VERSION, "ssl3")], "", MIN_VERSION),
        ] {
            let message = with(variables, table).unwrap_err().to_string();
            assert!(message.starts_with(name), "{message}");
        }
    }
}
