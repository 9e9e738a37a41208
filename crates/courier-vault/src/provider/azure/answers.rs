//! What Key Vault answers: bytes in, meaning out, no I/O.

use courier_azure::words::in_one_line;
use serde::Deserialize;
use url::{Host, Url};

/// What a key vault wants to see: the `WWW-Authenticate` of its 401.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    /// Whom the token is for, e.g. `https://vault.azure.net`.
    pub(super) resource: String,
    /// The tenant whose tokens it takes.
    pub(super) tenant: Option<String>,
}

impl Challenge {
    /// Reads `Bearer authorization="https://login…/TENANT", resource="https://vault.azure.net"`; `scope` may stand for
    /// `resource`. The error says what is wrong with it.
    ///
    /// A token for the resource goes to whoever presented the challenge, so the resource must be theirs: the domain of
    /// the vault's host, or that host itself.
    pub(super) fn parse(header: &str, vault: &Url) -> Result<Self, String> {
        let no_challenge = || "its answer says nothing of whom to get a token for".to_owned();
        let (scheme, parameters) = header.split_once(' ').ok_or_else(no_challenge)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(no_challenge());
        }
        let parameter = |names: [&str; 2]| {
            parameters.split([',', ' ']).find_map(|part| {
                let (name, value) = part.split_once('=')?;
                names.contains(&name).then(|| value.trim_matches('"'))
            })
        };
        let resource = parameter(["resource", "scope"]).ok_or_else(no_challenge)?;
        let resource = resource.strip_suffix("/.default").unwrap_or(resource);
        let url = Url::parse(resource).map_err(|_| no_challenge())?;
        if url.scheme() != "https" || !belongs(url.host(), vault.host()) {
            return Err(format!(
                "it wants a token for {resource:?}, which is not the domain of {}: is this really a key vault?",
                vault.host_str().unwrap_or_default()
            ));
        }
        let tenant = parameter(["authorization", "authorization_uri"])
            .and_then(|authority| Url::parse(authority).ok())
            .and_then(|authority| Some(authority.path_segments()?.next()?.to_owned()))
            .filter(|tenant| !tenant.is_empty());
        Ok(Self {
            resource: resource.to_owned(),
            tenant,
        })
    }
}

/// Is the vault's host the resource's, or one below it?
fn belongs(resource: Option<Host<&str>>, vault: Option<Host<&str>>) -> bool {
    match (resource, vault) {
        (Some(Host::Domain(resource)), Some(Host::Domain(vault))) => {
            let above = vault.strip_suffix(resource);
            above.is_some_and(|name| name.is_empty() || name.ends_with('.')) && resource.contains('.')
                || resource == vault
        }
        (Some(resource), Some(vault)) => resource == vault,
        _ => false,
    }
}

/// A key and its attributes: the answer to `GET /keys/NAME`.
#[derive(Debug, Deserialize)]
pub(super) struct KeyBundle {
    pub(super) key: KeyPart,
    #[serde(default)]
    pub(super) attributes: Attributes,
}

#[derive(Debug, Deserialize)]
pub(super) struct KeyPart {
    pub(super) kid: String,
    pub(super) kty: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Attributes {
    pub(super) enabled: Option<bool>,
}

/// The answer to `wrapkey` and `unwrapkey`. The value of the latter is a data key.
#[derive(Deserialize)]
pub(super) struct KeyOperation {
    pub(super) kid: String,
    pub(super) value: String,
}

/// Which version a key identifier names: `https://HOST/keys/NAME/VERSION`.
pub(super) fn version_of(kid: &str) -> Option<String> {
    let url = Url::parse(kid).ok()?;
    let mut segments = url.path_segments()?;
    if segments.next() != Some("keys") {
        return None;
    }
    segments.next()?;
    let version = segments.next()?;
    is_name(version).then(|| version.to_owned())
}

/// Can this be the name of a key or of a version of it? What can't would change the path it is put into.
pub(super) fn is_name(text: &str) -> bool {
    (1..=127).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// An error of Key Vault's: a code, a finer one, and words for people.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct VaultError {
    pub(super) code: String,
    pub(super) inner: String,
    pub(super) message: String,
}

impl VaultError {
    /// Whatever of it the body holds.
    pub(super) fn parse(body: &[u8]) -> Self {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Body {
            error: Part,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Part {
            code: String,
            message: String,
            innererror: Option<Box<Part>>,
        }
        let Body { error } = serde_json::from_slice(body).unwrap_or_default();
        Self {
            code: in_one_line(&error.code),
            inner: error
                .innererror
                .map(|inner| in_one_line(&inner.code))
                .unwrap_or_default(),
            message: in_one_line(&error.message),
        }
    }

    pub(super) fn is(&self, code: &str) -> bool {
        self.code.eq_ignore_ascii_case(code) || self.inner.eq_ignore_ascii_case(code)
    }

    /// Does the refusal concern this version of the key, so that another one may do?
    pub(super) fn concerns_version(&self) -> bool {
        ["KeyDisabled", "KeyExpired", "KeyNotYetValid", "KeyNotFound"]
            .iter()
            .any(|code| self.is(code))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(header: &str, vault: &str) -> Result<Challenge, String> {
        Challenge::parse(header, &Url::parse(vault).unwrap())
    }

    #[test]
    fn challenges_of_every_cloud() {
        for (header, vault, resource) in [
            (
                r#"Bearer authorization="https://login.windows.net/t1", resource="https://vault.azure.net""#,
                "https://mine.vault.azure.net",
                "https://vault.azure.net",
            ),
            (
                r#"Bearer authorization_uri="https://login.chinacloudapi.cn/t1", scope="https://vault.azure.cn/.default""#,
                "https://mine.vault.azure.cn",
                "https://vault.azure.cn",
            ),
            (
                r#"bearer authorization="https://login.microsoftonline.us/t1",resource="https://managedhsm.usgovcloudapi.net""#,
                "https://mine.managedhsm.usgovcloudapi.net/",
                "https://managedhsm.usgovcloudapi.net",
            ),
        ] {
            let challenge = parse(header, vault).unwrap();
            assert_eq!(
                (&*challenge.resource, challenge.tenant.as_deref()),
                (resource, Some("t1"))
            );
        }
    }

    #[test]
    fn a_resource_of_somebody_else_is_refused() {
        let vault = "https://mine.vault.azure.net";
        for resource in [
            "https://vault.azure.cn",
            "https://management.azure.com",
            "https://ine.vault.azure.net",
            "https://x.mine.vault.azure.net",
            "https://net",
            "http://vault.azure.net",
            "https://10.0.0.1",
        ] {
            let error = parse(&format!("Bearer resource=\"{resource}\""), vault).unwrap_err();
            assert!(error.contains(resource), "{error}");
        }
        for header in [
            "",
            "Basic realm=x",
            "Bearer",
            "Bearer resource=",
            "Bearer resource=\"x\"",
        ] {
            assert!(parse(header, vault).is_err(), "{header}");
        }
        assert!(parse("Bearer resource=https://10.0.0.1", "https://10.0.0.1:8443").is_ok());
        assert!(parse("Bearer resource=https://0.0.1", "https://10.0.0.1").is_err());
    }

    #[test]
    fn versions_are_read_from_key_identifiers() {
        let version = |kid| version_of(kid);
        assert_eq!(
            version("https://v.vault.azure.net/keys/k/0a1b").as_deref(),
            Some("0a1b")
        );
        for kid in [
            "",
            "https://v/keys/k",
            "https://v/keys/k/",
            "https://v/secrets/k/1",
            "https://v/keys/k/a%2fb",
            "keys/k/1",
        ] {
            assert_eq!(version(kid), None, "{kid}");
        }
    }

    #[test]
    fn errors_are_one_line_and_end() {
        let body =
            br#"{"error":{"code":"Forbidden","message":"a\r\nb","innererror":{"code":"ForbiddenByRbac"}}}"#;
        let error = VaultError::parse(body);
        assert_eq!((&*error.message, &*error.inner), ("a b", "ForbiddenByRbac"));
        assert_eq!(VaultError::parse(b"<html>"), VaultError::default());
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(text: String, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&text, "https://mine.vault.azure.net");
            let _ = parse(&format!("Bearer resource=\"{text}\""), "https://mine.vault.azure.net");
            let _ = version_of(&text);
            let _ = VaultError::parse(&bytes);
        }
    }
}
