//! The session cookie of the console.

use axum::http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;

pub(crate) const NAME: &str = "courier_session";

/// The session's token in a request's cookies.
pub(crate) fn session(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == NAME && !value.is_empty()).then_some(value))
}

/// Sets the cookie, until then. `None` for a token that can't be in a cookie.
pub(crate) fn set(token: &str, expires_at: Timestamp, request: &HeaderMap) -> Option<HeaderValue> {
    let seconds = expires_at.duration_since(Timestamp::now()).as_secs().max(0);
    value(token, seconds, request)
}

/// Clears the cookie.
pub(crate) fn clear(request: &HeaderMap) -> Option<HeaderValue> {
    value("", 0, request)
}

fn value(token: &str, seconds: i64, request: &HeaderMap) -> Option<HeaderValue> {
    // A proxy that ends TLS says so; a lie there could only make the cookie stricter.
    let secure = match request.get("x-forwarded-proto") {
        Some(scheme) if scheme == "https" => "; Secure",
        _ => "",
    };
    let text = format!("{NAME}={token}; Path=/api; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn finds_its_own_among_others() {
        let mut headers = HeaderMap::new();
        assert_eq!(session(&headers), None);
        headers.insert(
            header::COOKIE,
            HeaderValue::from_static("a=b; courier_session=tok=en; c=d"),
        );
        assert_eq!(session(&headers), Some("tok=en"));
        headers.insert(header::COOKIE, HeaderValue::from_static("courier_session="));
        assert_eq!(session(&headers), None);
    }

    #[test]
    fn is_secure_behind_tls() {
        let mut headers = HeaderMap::new();
        assert!(!clear(&headers).unwrap().to_str().unwrap().contains("Secure"));
        headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        assert!(clear(&headers).unwrap().to_str().unwrap().ends_with("; Secure"));
    }
}
