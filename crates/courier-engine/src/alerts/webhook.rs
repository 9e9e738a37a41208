//! Messages by webhook, signed by the convention of Standard Webhooks: `webhook-id`, `webhook-timestamp` and
//! `webhook-signature`, which is `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, StatusCode, Url, header::HeaderMap};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};

use super::{deliver::Outcome, message::Message};

/// How long the other side may take for all of it.
const CALL: Duration = Duration::from_secs(10);
/// How much of an answer is read, bytes.
const ANSWER: usize = 1024;
/// How much of it is kept, characters.
const SHOWN: usize = 200;
/// What begins a secret that is the base64 of the key.
const PREFIX: &str = "whsec_";

/// The client for all webhooks. It follows no redirections: they could lead a message elsewhere.
///
/// # Errors
/// In words, where there are no authorities to trust.
pub(super) fn client() -> Result<Client, String> {
    Client::builder()
        .user_agent(concat!("courier/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CALL)
        .timeout(CALL)
        .build()
        .map_err(|error| {
            let cause = innermost(&error);
            format!("https can't be spoken here: {cause}; see whether SSL_CERT_FILE, where it is set, holds certificates")
        })
}

/// Reads an address: http or https, without credentials.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("must be a URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("must be an https or http URL".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "must not hold a user name or a password; use the secret, by which messages are signed".into(),
        );
    }
    if url.fragment().is_some() {
        return Err("must not have a part behind #, which is never sent".into());
    }
    Ok(url)
}

/// The key in a secret: what follows `whsec_` is base64, anything else is the key itself.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn key(secret: &str) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    let key = match secret.strip_prefix(PREFIX) {
        Some(encoded) => BASE64_STANDARD
            .decode(encoded)
            .map_err(|_| "must be base64 behind whsec_")?,
        None => secret.as_bytes().to_vec(),
    };
    let key = Zeroizing::new(key);
    match key.len() {
        16..=256 => Ok(key),
        _ => Err("must have 16 to 256 bytes"),
    }
}

/// Sends a message, once.
pub(super) async fn send(
    client: &Client,
    url: &str,
    secret: Option<&SecretString>,
    message: &Message,
    now: Timestamp,
) -> Outcome {
    let url = match address(url) {
        Ok(url) => url,
        Err(why) => return Outcome::refused(format!("the address {why}")),
    };
    let host = url.host_str().unwrap_or_default().to_owned();
    let body = message.body.to_string();
    let timestamp = now.as_second().to_string();
    let mut request = client
        .post(url)
        .header("content-type", "application/json")
        .header("webhook-id", &message.id)
        .header("webhook-timestamp", &timestamp);
    if let Some(secret) = secret {
        match key(secret.expose_secret()) {
            Ok(key) => {
                request = request.header(
                    "webhook-signature",
                    signature(&key, &message.id, &timestamp, &body),
                )
            }
            Err(why) => return Outcome::refused(format!("the secret {why}; enter it anew")),
        }
    }
    match request.body(body).send().await {
        Ok(response) => {
            let (status, after) = (response.status(), retry_after(response.headers(), now));
            let said = match status.is_success() {
                true => String::new(),
                false => beginning(response).await,
            };
            judged(status, after, &said)
        }
        Err(error) => Outcome::unreachable(trouble(&host, &error.without_url())),
    }
}

/// What an answer means.
fn judged(status: StatusCode, after: Option<SignedDuration>, said: &str) -> Outcome {
    let mut answer = format!("HTTP {status}");
    if !said.is_empty() {
        answer = format!("{answer}: {said}");
    }
    match status.as_u16() {
        200..=299 => Outcome::Delivered(answer),
        // Gone: by the convention, nobody wants to hear of it any more.
        410 => Outcome::Gone(answer),
        408 | 425 | 429 | 500..=599 => Outcome::Unreachable { answer, after },
        300..=399 => Outcome::refused(format!(
            "{answer}; redirections are not followed, name the right address"
        )),
        _ => Outcome::Refused { answer, after },
    }
}

fn signature(key: &[u8], id: &str, timestamp: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let code = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", BASE64_STANDARD.encode(code.as_ref()))
}

/// How long the other side wants to be left alone: seconds, or a time.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    match text.parse::<u32>() {
        Ok(seconds) => Some(SignedDuration::from_secs(seconds.into())),
        Err(_) => {
            let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
            Some(at.duration_since(now)).filter(SignedDuration::is_positive)
        }
    }
}

/// The beginning of what the other side says, in one line.
async fn beginning(mut response: reqwest::Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= ANSWER {
            break;
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}

/// Why there is no answer. The address is not in it, only its host: the rest may be known to its owner alone.
fn trouble(host: &str, error: &reqwest::Error) -> String {
    let cause = innermost(error);
    if cause.contains("certificate") {
        format!(
            "the certificate of {host} was rejected ({cause}); if it is of an authority of your own, name that one's file by \
             SSL_CERT_FILE"
        )
    } else if error.is_timeout() {
        format!("{host} did not answer within {} seconds", CALL.as_secs())
    } else if error.is_connect() {
        format!("{host} can't be reached: {cause}")
    } else {
        format!("the connection to {host} broke: {cause}")
    }
}

/// What is at the bottom of an error: each layer repeats the one below it, and the innermost says it best.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_convention() {
        // The example of the specification of Standard Webhooks.
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = r#"{"test": 2432232314}"#;
        assert_eq!(
            signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
        assert!(super::key("short").is_err());
        assert!(super::key("whsec_***").is_err());
        assert_eq!(
            super::key("0123456789abcdef").unwrap().as_slice(),
            b"0123456789abcdef"
        );
    }

    #[test]
    fn answers_mean_what_they_say() {
        let judged = |status: u16| judged(StatusCode::from_u16(status).unwrap(), None, "");
        assert!(matches!(judged(204), Outcome::Delivered(_)));
        assert!(matches!(judged(410), Outcome::Gone(_)));
        for again in [408, 425, 429, 500, 503] {
            assert!(matches!(judged(again), Outcome::Unreachable { .. }), "{again}");
        }
        for refused in [301, 400, 401, 404] {
            assert!(matches!(judged(refused), Outcome::Refused { .. }), "{refused}");
        }
    }

    #[test]
    fn a_server_may_ask_for_patience_in_two_ways() {
        let now: Timestamp = "2026-11-23T05:30:00Z".parse().unwrap();
        for (text, seconds) in [
            ("120", Some(120)),
            ("Mon, 23 Nov 2026 05:31:00 GMT", Some(60)),
            ("Mon, 23 Nov 2026 05:29:00 GMT", None),
            ("soon", None),
        ] {
            let headers = HeaderMap::from_iter([(reqwest::header::RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(
                retry_after(&headers, now),
                seconds.map(SignedDuration::from_secs),
                "{text}"
            );
        }
    }

    #[test]
    fn addresses_are_checked() {
        for wrong in [
            "",
            "example.com",
            "ftp://example.com",
            "https://u:p@example.com/",
            "https://example.com/#x",
        ] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
        assert!(address("https://example.com:8443/hook?x=1").is_ok());
    }
}
