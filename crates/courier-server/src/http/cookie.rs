//! The session cookie of the console.
//!
//! Over TLS its name begins with `__Host-` (RFC 6265bis, 4.1.3): browsers take and send it over TLS only, and no other
//! host, not even one of the same domain, can set or overwrite it. In clear, on one's own machine, the name is plain.

use axum::http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;

use super::Client;

/// The name in clear.
pub(crate) const NAME: &str = "courier_session";
/// The name over TLS.
const SECURE_NAME: &str = "__Host-courier_session";

/// The session's token in a request's cookies. A plain name over TLS doesn't count: anybody near could have set it.
pub(crate) fn session(headers: &HeaderMap, client: Client) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == name_for(client) && !value.is_empty()).then_some(value))
}

/// Sets the cookie, until then. `None` for a token that can't be in a cookie.
pub(crate) fn set(token: &str, expires_at: Timestamp, client: Client) -> Option<HeaderValue> {
    let seconds = expires_at.duration_since(Timestamp::now()).as_secs().max(0);
    value(token, seconds, client)
}

/// Clears the cookie.
pub(crate) fn clear(client: Client) -> Option<HeaderValue> {
    value("", 0, client)
}

fn name_for(client: Client) -> &'static str {
    if client.secure { SECURE_NAME } else { NAME }
}

fn value(token: &str, seconds: i64, client: Client) -> Option<HeaderValue> {
    let name = name_for(client);
    // `__Host-` needs the path `/`, and no domain.
    let (path, secure) = if client.secure {
        ("/", "; Secure")
    } else {
        ("/api", "")
    };
    let text = format!("{name}={token}; Path={path}; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const IN_CLEAR: Client = Client {
        address: std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
        tls: false,
        secure: false,
    };
    const BY_TLS: Client = Client {
        tls: true,
        secure: true,
        ..IN_CLEAR
    };

    #[test]
    fn finds_its_own_among_others() {
        let mut headers = HeaderMap::new();
        assert_eq!(session(&headers, IN_CLEAR), None);
        let text = "a=b; courier_session=tok=en; __Host-courier_session=other; c=d";
        headers.insert(header::COOKIE, HeaderValue::from_static(text));
        assert_eq!(session(&headers, IN_CLEAR), Some("tok=en"));
        assert_eq!(session(&headers, BY_TLS), Some("other"));
        headers.insert(header::COOKIE, HeaderValue::from_static("courier_session="));
        assert_eq!(session(&headers, IN_CLEAR), None);
        headers.insert(
            header::COOKIE,
            HeaderValue::from_static("courier_session=planted"),
        );
        assert_eq!(session(&headers, BY_TLS), None);
    }

    #[test]
    fn is_its_hosts_alone_over_tls() {
        let text = |value: Option<HeaderValue>| value.unwrap().to_str().unwrap().to_owned();
        let in_clear = text(clear(IN_CLEAR));
        assert!(in_clear.starts_with("courier_session=;") && !in_clear.contains("Secure"));
        let by_tls = text(set("token", Timestamp::MAX, BY_TLS));
        assert!(by_tls.starts_with("__Host-courier_session=token; Path=/; HttpOnly; SameSite=Strict"));
        assert!(by_tls.ends_with("; Secure"), "{by_tls}");
    }
}
