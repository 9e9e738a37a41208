//! What services that give tokens answer: bytes in, meaning out, no I/O.

use secrecy::SecretString;
use serde::Deserialize;
use zeroize::Zeroize;

use crate::words::in_one_line;

/// A token: `expires_in` seconds from now on, or `expires_on`, seconds since 1970. Some services send them as text.
#[derive(Deserialize)]
pub(super) struct TokenAnswer {
    access_token: String,
    expires_in: Option<Seconds>,
    expires_on: Option<Seconds>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(f64),
    Text(String),
}

impl Seconds {
    fn get(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        }
        .filter(|seconds: &f64| seconds.is_finite())
    }
}

impl TokenAnswer {
    /// `None` where the body holds no token that can stand in a header field.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let mut answer: Self = serde_json::from_slice(body).ok()?;
        let token = &mut answer.access_token;
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            token.zeroize();
            return None;
        }
        Some(answer)
    }

    /// How long it is good, seconds; `now` is seconds since 1970.
    pub(super) fn lifetime(&self, now: f64) -> f64 {
        let relative = self.expires_in.as_ref().and_then(Seconds::get);
        let absolute = self.expires_on.as_ref().and_then(Seconds::get).map(|on| on - now);
        // Azure's tokens live for an hour at least. A day is the most that is believed.
        relative.or(absolute).unwrap_or(300.0).clamp(0.0, 86_400.0)
    }

    pub(super) fn into_token(self) -> SecretString {
        self.access_token.into()
    }
}

/// Why there is no token, as far as it decides what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Somebody must change something.
    Settings(Wrong),
    /// Too many requests.
    Throttled,
    /// It failed by its own account.
    Failing,
    /// Anything else.
    Other,
}

/// What somebody must change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// The tenant doesn't exist there.
    Tenant,
    /// The application doesn't exist in the tenant.
    Client,
    /// The secret is another one.
    Secret,
    /// The application or what it proves itself by: it isn't said which.
    Credentials,
    /// The secret's time is up.
    SecretExpired,
    /// The certificate or the signed statement isn't the application's, or its time is up.
    Assertion,
    /// The application is disabled.
    Disabled,
    /// A policy of the tenant's refuses.
    Policy,
    /// The tenant doesn't know what the token is for.
    Resource,
}

impl Wrong {
    /// What it is in words, and who mends it how.
    /// `proof` is what the application proves itself by.
    pub(super) fn remedy(self, resource: &str, proof: &str) -> String {
        match self {
            Self::Tenant => {
                "there is no such tenant; see tenant_id, and authority_host where it is in another cloud"
            }
            Self::Client => {
                "the tenant knows no such application; see client_id, which is the application's (client) id, and tenant_id"
            }
            Self::Secret => {
                "the client secret is wrong; see client_secret, which is the value of the secret and not its id"
            }
            Self::Credentials => {
                return format!("it doesn't take the application, or its proof; see client_id and {proof}");
            }
            Self::SecretExpired => {
                "the client secret has expired; make a new one for the application, and set client_secret"
            }
            Self::Assertion => {
                "what the application proves itself by is not registered with it, or its time is up; see the application's certificates and federated credentials, and this machine's clock"
            }
            Self::Disabled => {
                "the application is disabled; enable it among the tenant's enterprise applications"
            }
            Self::Policy => {
                "a conditional access policy of the tenant refuses; exempt the application, or this machine's address"
            }
            Self::Resource => {
                return format!(
                    "the tenant gives no tokens for {resource}; see whether that address and authority_host are of the same cloud"
                );
            }
        }
        .to_owned()
    }
}

impl Cause {
    /// What Entra ID's number says (`AADSTS…`, Microsoft Entra authentication and authorization error codes).
    fn of(number: u32) -> Self {
        Self::Settings(match number {
            50_059 | 90_002 | 90_038 | 900_021 | 900_023 => Wrong::Tenant,
            700_016 | 700_038 => Wrong::Client,
            7_000_215 | 7_000_216 => Wrong::Secret,
            7_000_222 => Wrong::SecretExpired,
            50_013 | 50_027 | 700_021 | 700_023 | 700_024 | 700_027 | 700_030 | 700_211..=700_213 => {
                Wrong::Assertion
            }
            7_000_112 => Wrong::Disabled,
            53_000..=53_011 => Wrong::Policy,
            50_001 | 70_011 | 500_011 | 500_014 | 650_052 | 650_057 | 1_002_012 => Wrong::Resource,
            50_196 | 90_055 => return Self::Throttled,
            90_006 | 90_012 | 90_024 | 90_033 => return Self::Failing,
            _ => return Self::Other,
        })
    }
}

/// Why there is no token.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) cause: Cause,
    /// In the service's words, without the trace ids that follow them.
    pub(super) words: String,
    /// What the error's name alone says, where Entra ID gave no number.
    by_name: Option<Wrong>,
}

impl Refusal {
    /// `None` where the body is not what such a service answers (RFC 6749, section 5.2).
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Body {
            error: String,
            #[serde(default)]
            error_description: String,
            #[serde(default)]
            error_codes: Vec<u32>,
        }
        let Body {
            error,
            error_description,
            error_codes,
        } = serde_json::from_slice(body).ok()?;
        let first_line = error_description.lines().next().unwrap_or_default();
        let words = first_line.split(" Trace ID:").next().unwrap_or_default();
        let numbers = number(words).into_iter().chain(error_codes);
        let cause = numbers
            .map(Cause::of)
            .find(|cause| *cause != Cause::Other)
            .unwrap_or(match &*error {
                "temporarily_unavailable" | "server_error" => Cause::Failing,
                _ => Cause::Other,
            });
        let words = match words {
            "" => in_one_line(&error),
            words => in_one_line(words),
        };
        let by_name = match (&*error, number(&words)) {
            (_, Some(_)) => None,
            ("invalid_tenant", _) => Some(Wrong::Tenant),
            ("invalid_client", _) => Some(Wrong::Credentials),
            ("unauthorized_client", _) => Some(Wrong::Client),
            ("invalid_resource" | "invalid_scope" | "invalid_target", _) => Some(Wrong::Resource),
            _ => None,
        };
        Some(Self {
            cause,
            words,
            by_name,
        })
    }

    /// What an application must change of its settings, as far as that is told.
    pub(super) fn of_application(&self, is_unknown_address: bool) -> Cause {
        let wrong = self.by_name.or(is_unknown_address.then_some(Wrong::Tenant));
        match (self.cause, wrong) {
            (Cause::Other, Some(wrong)) => Cause::Settings(wrong),
            (cause, _) => cause,
        }
    }
}

/// The number that Entra ID's words begin with: `AADSTS7000215: Invalid client secret provided.`
fn number(words: &str) -> Option<u32> {
    let rest = words.trim_start().strip_prefix("AADSTS")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn how_long_a_token_is_good() {
        for (json, lifetime) in [
            (r#"{"access_token":"t","expires_in":3599}"#, 3599.0),
            (
                r#"{"access_token":"t","expires_in":"86399","expires_on":"1"}"#,
                86_399.0,
            ),
            (r#"{"access_token":"t","expires_on":"1600"}"#, 600.0),
            (r#"{"access_token":"t","expires_on":1600}"#, 600.0),
            (r#"{"access_token":"t","expires_on":"900"}"#, 0.0),
            (r#"{"access_token":"t","expires_in":"soon"}"#, 300.0),
            (r#"{"access_token":"t","expires_in":1e300}"#, 86_400.0),
        ] {
            let answer = TokenAnswer::parse(json.as_bytes()).unwrap();
            assert!((answer.lifetime(1000.0) - lifetime).abs() < 0.001, "{json}");
            assert_eq!(answer.into_token().expose_secret(), "t");
        }
    }

    #[test]
    fn what_is_no_token() {
        for json in [
            "",
            "{}",
            r#"{"access_token":""}"#,
            r#"{"access_token":7}"#,
            r#"{"access_token":"a\nb"}"#,
            r#"{"access_token":"a b"}"#,
            "<html>",
        ] {
            assert!(TokenAnswer::parse(json.as_bytes()).is_none(), "{json}");
        }
    }

    #[test]
    fn refusals_are_told_apart() {
        let cause = |words: &str| {
            let body = serde_json::json!({ "error": "invalid_client", "error_description": words });
            Refusal::parse(body.to_string().as_bytes()).unwrap().cause
        };
        for (number, wrong) in [
            (90_002, Wrong::Tenant),
            (900_023, Wrong::Tenant),
            (700_016, Wrong::Client),
            (7_000_215, Wrong::Secret),
            (7_000_222, Wrong::SecretExpired),
            (7_000_112, Wrong::Disabled),
            (700_027, Wrong::Assertion),
            (53_003, Wrong::Policy),
            (500_011, Wrong::Resource),
        ] {
            let expected = Cause::Settings(wrong);
            assert_eq!(cause(&format!("AADSTS{number}: words.")), expected, "{number}");
        }
        assert_eq!(cause("AADSTS90055: words."), Cause::Throttled);
        assert_eq!(cause("AADSTS90033: words."), Cause::Failing);
        for words in [
            "AADSTS1: words.",
            "AADSTS99999999999999: words",
            "AADSTS",
            "words",
        ] {
            assert_eq!(cause(words), Cause::Other, "{words}");
        }
        let by_codes =
            br#"{"error":"invalid_client","error_description":"translated","error_codes":[7000222]}"#;
        let expired = Cause::Settings(Wrong::SecretExpired);
        assert_eq!(Refusal::parse(by_codes).unwrap().cause, expired);
        let failing = br#"{"error":"temporarily_unavailable"}"#;
        assert_eq!(Refusal::parse(failing).unwrap().cause, Cause::Failing);
    }

    #[test]
    fn names_tell_where_there_is_no_number() {
        let cause = |body: &[u8], is_404| Refusal::parse(body).unwrap().of_application(is_404);
        for (error, wrong) in [
            ("invalid_client", Wrong::Credentials),
            ("unauthorized_client", Wrong::Client),
            ("invalid_tenant", Wrong::Tenant),
            ("invalid_scope", Wrong::Resource),
        ] {
            let body = format!(r#"{{"error":"{error}"}}"#);
            assert_eq!(cause(body.as_bytes(), false), Cause::Settings(wrong), "{error}");
        }
        assert_eq!(cause(br#"{"error":"x"}"#, true), Cause::Settings(Wrong::Tenant));
        assert_eq!(cause(br#"{"error":"x"}"#, false), Cause::Other);
        let number = br#"{"error":"invalid_client","error_description":"AADSTS99: new"}"#;
        assert_eq!(
            cause(number, false),
            Cause::Other,
            "a number says more than the name"
        );
    }

    #[test]
    fn words_are_one_line_without_trace_ids() {
        let words = |body: &[u8]| Refusal::parse(body).map(|refusal| refusal.words);
        let body = br#"{"error":"invalid_client","error_description":"AADSTS1: no. Trace ID: 12\r\nmore"}"#;
        assert_eq!(words(body).as_deref(), Some("AADSTS1: no."));
        assert_eq!(words(br#"{"error":"x"}"#).as_deref(), Some("x"));
        assert_eq!(words(b"no json"), None);
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(text: String, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Refusal::parse(&bytes);
            let _ = TokenAnswer::parse(&bytes);
            let _ = number(&text);
            let body = serde_json::json!({ "error": text, "error_description": text, "access_token": text, "expires_in": text });
            let _ = Refusal::parse(body.to_string().as_bytes()).unwrap();
            let _ = TokenAnswer::parse(body.to_string().as_bytes());
        }
    }
}
