//! The settings about TLS, which only FTPS has.

use courier_transfer::{CertificatePolicy, Thumbprint};
use serde_json::{Map, Value};

use super::table;
use crate::tls::{self, TlsOptions, TlsVersion};

fn text<'a>(settings: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    settings.get(name).and_then(Value::as_str)
}

/// What the settings say.
pub(super) fn options(settings: &Map<String, Value>, fips: bool) -> TlsOptions {
    TlsOptions {
        floor: floor(settings),
        crl_pem: text(settings, table::CRL).map(str::to_owned),
        fips,
    }
}

fn floor(settings: &Map<String, Value>) -> TlsVersion {
    text(settings, table::FLOOR)
        .and_then(TlsVersion::from_setting)
        .unwrap_or_default()
}

/// What FIPS mode does not allow in them, each by its name.
pub(super) fn not_fips(settings: &Map<String, Value>) -> Vec<(String, String)> {
    let floor = floor(settings);
    let problem = floor.is_legacy().then(|| {
        let message = format!(
            "TLS {} is not allowed in FIPS mode; choose tls_1_2 or tls_1_3",
            floor.number()
        );
        (table::FLOOR.to_owned(), message)
    });
    problem.into_iter().collect()
}

/// What is wrong with them, each by its name.
pub(super) fn problems(settings: &Map<String, Value>) -> Vec<(String, String)> {
    let crl = text(settings, table::CRL).and_then(|pem| tls::check_crl(pem).err());
    let pin = text(settings, CertificatePolicy::PIN_SETTING)
        .and_then(|pin| pin.parse::<Thumbprint>().err())
        .map(|e| format!("is {e}"));
    [(table::CRL, crl), (CertificatePolicy::PIN_SETTING, pin)]
        .into_iter()
        .filter_map(|(field, problem)| Some((field.to_owned(), problem?)))
        .collect()
}

/// What is weak in them. Of the certificate policy whoever decides about certificates warns.
pub(super) fn warnings(settings: &Map<String, Value>) -> Vec<String> {
    let mut warnings = Vec::new();
    let floor = floor(settings);
    if floor.is_legacy() {
        warnings.push(format!(
            "TLS {} is accepted, which is weak; raise tls_version_floor to tls_1_2 once the server can do it",
            floor.number()
        ));
    }
    warnings
}

/// Why nobody should need a version of TLS or a cipher, by the name that OpenSSL has for it.
pub(super) fn weakness(algorithm: &str) -> Option<&'static str> {
    const WEAK: &[(&str, &str)] = &[
        ("SSLv3", "it can be broken (POODLE)"),
        ("RC4", "RC4 can be broken"),
        ("DES-CBC3", "its 64-bit blocks can be broken (Sweet32)"),
        ("NULL", "it protects nothing"),
        ("ADH-", "the server does not prove who it is"),
        ("AECDH-", "the server does not prove who it is"),
    ];
    match algorithm {
        "TLSv1" | "TLSv1.0" | "TLSv1.1" => Some("it is out of use (RFC 8996), and relies on SHA-1"),
        name => WEAK
            .iter()
            .find_map(|(part, why)| name.contains(part).then_some(*why)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn weak_choices_are_named() {
        let weak = map(json!({"tls_version_floor": "tls_1_0"}));
        assert_eq!(warnings(&weak).len(), 1);
        assert!(warnings(&Map::new()).is_empty());
    }

    #[test]
    fn versions_and_ciphers_that_are_weak_have_a_reason() {
        for name in [
            "TLSv1",
            "TLSv1.1",
            "ECDHE-RSA-RC4-SHA",
            "DES-CBC3-SHA",
            "ADH-AES256-SHA",
        ] {
            assert!(weakness(name).is_some(), "{name}");
        }
        for name in [
            "TLSv1.2",
            "TLSv1.3",
            "TLS_AES_128_GCM_SHA256",
            "ECDHE-RSA-AES256-GCM-SHA384",
        ] {
            assert_eq!(weakness(name), None, "{name}");
        }
    }

    #[test]
    fn thumbprints_and_lists_are_read() {
        let wrong = map(json!({"tls_pinned_thumbprint": "ab:cd", "tls_crl_pem": "no list"}));
        let problems = problems(&wrong);
        let fields: Vec<&str> = problems.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["tls_crl_pem", "tls_pinned_thumbprint"]);
    }
}
