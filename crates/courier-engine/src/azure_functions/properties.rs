//! The `properties` of a connection to a function app.

use std::fmt;

use courier_transfer::settings::{Default, Group, Kind, Setting};
use reqwest::Url;
use serde_json::{Map, Value};

use crate::connections::{SECRETS, host_problem};

/// The setting of the connection that holds them.
pub(crate) const FIELD: &str = "properties";

const WORKSPACE_ID: &str = "workspace_id";
const TENANT_ID: &str = "tenant_id";
const CLIENT_ID: &str = "client_id";
const AUTHORITY_HOST: &str = "authority_host";
const LOGS_ENDPOINT: &str = "logs_endpoint";

/// Where Azure's public cloud gives tokens.
const AUTHORITY: &str = "https://login.microsoftonline.com";
/// Where it answers queries about workspaces.
const LOGS: &str = "https://api.loganalytics.io";

/// All of them, as somebody fills them in.
pub(super) static INSIDE: &[Setting] = &[
    Setting::required(
        TENANT_ID,
        Kind::Text,
        "The tenant of the service principal: its id, or a domain of it.",
    )
    .in_group(Group::Login),
    Setting::required(
        CLIENT_ID,
        Kind::Text,
        "The application (client) id of the service principal, which may read the workspace.",
    )
    .in_group(Group::Login),
    Setting::required(
        WORKSPACE_ID,
        Kind::Text,
        "The id of the Log Analytics workspace that knows of the app's runs; not its name.",
    ),
    Setting::optional(
        AUTHORITY_HOST,
        Kind::Text,
        "Where tokens are given; another one for sovereign clouds.",
    )
    .or(Default::Text(AUTHORITY)),
    Setting::optional(
        LOGS_ENDPOINT,
        Kind::Text,
        "Where workspaces are asked; another one for sovereign clouds.",
    )
    .or(Default::Text(LOGS)),
];

/// The longest id, in bytes.
const LONGEST_ID: usize = 128;

/// What is wrong: the field's full name, and why.
type Problems = Vec<(String, String)>;

/// Who asks for the runs of functions, whom, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Properties {
    /// The Log Analytics workspace that knows of the runs.
    pub(crate) workspace_id: String,
    /// The tenant of the service principal: its id, or a domain of it.
    pub(crate) tenant_id: String,
    /// The service principal, by the id of its application.
    pub(crate) client_id: String,
    /// Where tokens are given: a scheme, a host and a port, without a path.
    pub(crate) authority: Url,
    /// Where workspaces are asked: a scheme, a host and a port, without a path.
    pub(crate) logs: Url,
}

impl Properties {
    /// Those of these settings of a connection; none where the settings were never checked.
    pub(crate) fn of(settings: &Map<String, Value>) -> Option<Self> {
        Self::parse(settings.get(FIELD)?.as_object()?).ok()
    }

    /// What tells the workspace from all others.
    pub(super) fn workspace(&self) -> String {
        let endpoint = self.logs.as_str().trim_end_matches('/');
        format!("{endpoint}/{}", self.workspace_id).to_ascii_lowercase()
    }

    /// Reads them. A `null` counts as not given.
    ///
    /// # Errors
    /// Every problem at once.
    pub(crate) fn parse(given: &Map<String, Value>) -> Result<Self, Problems> {
        let mut input = Input {
            given,
            problems: Vec::new(),
        };
        let known: Vec<&str> = INSIDE.iter().map(|setting| setting.name).collect();
        for name in given.keys().filter(|name| !known.contains(&name.as_str())) {
            let message = match SECRETS.contains(&name.as_str()) {
                true => {
                    "is a secret, and a field of the connection itself, where it is kept sealed".to_owned()
                }
                false => format!("is not known here; known are {}", known.join(", ")),
            };
            input.problem(name, message);
        }
        let ids = [WORKSPACE_ID, TENANT_ID, CLIENT_ID].map(|name| input.id(name));
        let authority = input.endpoint(AUTHORITY_HOST, AUTHORITY, None);
        // As its documentation writes it; the version is ours to add.
        let logs = input.endpoint(LOGS_ENDPOINT, LOGS, Some("/v1"));
        match (ids, authority, logs) {
            ([Some(workspace_id), Some(tenant_id), Some(client_id)], Some(authority), Some(logs))
                if input.problems.is_empty() =>
            {
                Ok(Self {
                    workspace_id,
                    tenant_id,
                    client_id,
                    authority,
                    logs,
                })
            }
            _ => Err(input.problems),
        }
    }
}

/// The object that is read, and what is wrong with it so far.
struct Input<'a> {
    given: &'a Map<String, Value>,
    problems: Problems,
}

impl Input<'_> {
    fn problem(&mut self, name: &str, message: impl fmt::Display) {
        self.problems
            .push((format!("{FIELD}.{name}"), message.to_string()));
    }

    fn id(&mut self, name: &str) -> Option<String> {
        match self.given.get(name) {
            None | Some(Value::Null) => self.problem(name, "is required"),
            Some(Value::String(text)) if is_id(text) => return Some(text.clone()),
            Some(Value::String(_)) => self.problem(
                name,
                format!("must be an id: up to {LONGEST_ID} letters, digits, dots, dashes and underscores"),
            ),
            Some(_) => self.problem(name, "must be a text"),
        }
        None
    }

    fn endpoint(&mut self, name: &str, usual: &str, path: Option<&str>) -> Option<Url> {
        let text = match self.given.get(name) {
            None | Some(Value::Null) => usual,
            Some(Value::String(text)) => text,
            Some(_) => {
                self.problem(name, "must be a text");
                return None;
            }
        };
        match endpoint(text, path) {
            Ok(url) => Some(url),
            Err(message) => {
                self.problem(name, message);
                None
            }
        }
    }
}

fn is_id(text: &str) -> bool {
    (1..=LONGEST_ID).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        // They stand in paths of requests.
        && !matches!(text, "." | "..")
}

/// `https://host:port`, of which scheme and port may be left out. The host is one by the rules of connections' hosts: what
/// somebody reads there is where it leads to.
fn endpoint(text: &str, path: Option<&str>) -> Result<Url, String> {
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => rest,
        Some(_) => return Err("must begin with https://: secrets are sent there".into()),
        None => text,
    };
    if rest.contains(['?', '#', '@', '\\']) {
        return Err("must be https:// and a host, without user, query and fragment".into());
    }
    let (place, below) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let below = below.strip_suffix('/').unwrap_or(below);
    if !below.is_empty() && Some(below) != path {
        return Err("must be https:// and a host, without a path".into());
    }
    let (host, port) = match place.strip_prefix('[') {
        Some(address) => match address.split_once(']') {
            Some((host, port)) => (host, port),
            None => return Err("must end an IPv6 address with ]".into()),
        },
        None => place.split_at(place.find(':').unwrap_or(place.len())),
    };
    if let Some(problem) = host_problem(host) {
        return Err(format!("names no host: it {problem}"));
    }
    let is_port =
        |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|p| p > 0);
    if !port.is_empty() && !port.strip_prefix(':').is_some_and(is_port) {
        return Err("must have a port from 1 to 65535, or none".into());
    }
    Url::parse(&format!("https://{place}/")).map_err(|error| format!("is no address on the web: {error}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(more: Value) -> Result<Properties, Problems> {
        let mut given = Map::from_iter([
            (
                WORKSPACE_ID.to_owned(),
                json!("3d1b4e1a-9f3c-4a0e-8f57-0c7f8a3b2d10"),
            ),
            (TENANT_ID.to_owned(), json!("contoso.onmicrosoft.com")),
            (CLIENT_ID.to_owned(), json!("c")),
        ]);
        given.extend(more.as_object().cloned().unwrap_or_default());
        Properties::parse(&given)
    }

    #[test]
    fn what_is_not_given_is_the_public_cloud() {
        for empty in [json!({}), json!({"authority_host": null, "logs_endpoint": null})] {
            let properties = parse(empty).unwrap();
            assert_eq!(
                properties.authority.as_str(),
                "https://login.microsoftonline.com/"
            );
            assert_eq!(properties.logs.as_str(), "https://api.loganalytics.io/");
            assert_eq!(properties.tenant_id, "contoso.onmicrosoft.com");
        }
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let problems = parse(json!({
            "workspace_id": null, "tenant_id": "a/b", "client_id": 7, "authority_host": "http://login.example",
            "logs_endpoint": ["x"], "tenant": "x",
        }))
        .unwrap_err();
        let fields: Vec<&str> = problems.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "properties.tenant",
                "properties.workspace_id",
                "properties.tenant_id",
                "properties.client_id",
                "properties.authority_host",
                "properties.logs_endpoint",
            ]
        );
    }

    #[test]
    fn ids_go_into_paths_and_are_nothing_else() {
        for wrong in [
            "",
            ".",
            "..",
            "a/b",
            "a b",
            "a\n",
            "ä",
            "a?b",
            "%2e",
            &"a".repeat(129),
        ] {
            assert!(parse(json!({ "tenant_id": wrong })).is_err(), "{wrong:?}");
        }
        for right in ["a", "a.b", "A_1-2", "...", &"a".repeat(128)] {
            assert!(parse(json!({ "tenant_id": right })).is_ok(), "{right:?}");
        }
    }

    #[test]
    fn endpoints_are_hosts_behind_https() {
        for (given, expected) in [
            ("login.microsoftonline.us", "https://login.microsoftonline.us/"),
            ("HTTPS://Login.Example", "https://login.example/"),
            ("https://login.example:443/", "https://login.example/"),
            ("127.0.0.1:8443", "https://127.0.0.1:8443/"),
            ("https://[::1]:8443", "https://[::1]:8443/"),
        ] {
            for name in [AUTHORITY_HOST, LOGS_ENDPOINT] {
                let parsed = parse(json!({ name: given })).unwrap();
                let url = match name {
                    AUTHORITY_HOST => parsed.authority,
                    _ => parsed.logs,
                };
                assert_eq!(url.as_str(), expected, "{name}: {given}");
            }
        }
        let logs = |text: &str| parse(json!({ LOGS_ENDPOINT: text })).map(|parsed| parsed.logs.to_string());
        assert_eq!(logs("https://h/v1").unwrap(), "https://h/");
        assert_eq!(logs("h:8443/v1/").unwrap(), "https://h:8443/");
        for wrong in [
            "",
            "https://",
            "http://h",
            "ftp://h",
            "//h",
            "https://u@h",
            "https://u:p@h",
            "https://h?q",
            "https://h#f",
            "https://h/v1/workspaces",
            "https://h/v2",
            "https://h//",
            "https://h\\x",
            "https://h\t",
            " h",
            "h:0",
            "h:65536",
            "h:+1",
            "h:",
            "[::1",
            "[::1]8443",
            "::1",
            "127.1",
            "ban\u{212a}.example",
            "h.",
        ] {
            assert!(logs(wrong).is_err(), "{wrong:?}");
        }
        assert!(parse(json!({ AUTHORITY_HOST: "https://h/v1" })).is_err());
    }
}
