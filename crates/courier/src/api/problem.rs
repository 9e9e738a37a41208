//! Problem documents (RFC 9457) as one line and an exit code.

use reqwest::StatusCode;
use serde_json::Value;

use crate::exit::{Code, Failure};
use crate::output::text::printable;

/// The exit code for an error code of the API, or of a failed test or execution.
pub(crate) fn code_of(code: u64) -> Code {
    match code {
        1000 | 2010..=2012 | 3011 => Code::Usage,
        1010 | 3001 => Code::Auth,
        3002 | 3013 | 3014 => Code::Trust,
        1030 => Code::NotFound,
        3003 => Code::Lost,
        1020 | 3004..=3008 | 3012 => Code::Denied,
        _ => Code::Failed,
    }
}

/// What an answer with an error status means.
pub(crate) fn failure(status: StatusCode, body: &[u8]) -> Failure {
    let Some(document) = serde_json::from_slice(body).ok().filter(Value::is_object) else {
        let message = format!("the server answered {status} without saying why; is this a Courier server?");
        return Failure::new(by_status(status), message);
    };
    let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = document.get("code").and_then(Value::as_u64);
    let (title, detail) = (text("title"), text("detail"));
    let mut message = printable(if detail.is_empty() { title } else { detail });
    let errors = document
        .get("errors")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    for error in errors {
        let part = |name: &str| printable(error.get(name).and_then(Value::as_str).unwrap_or_default());
        let said = format!("{}: {}", part("field"), part("message"));
        // Most details tell the fields already.
        if !message.contains(&said) {
            message.push_str(&format!("; {said}"));
        }
    }
    if let Some(number) = number {
        message.push_str(&format!(" (code {number})"));
    }
    if number == Some(1010) {
        message.push_str("; `courier login` prints a token for COURIER_TOKEN");
    }
    let code = number.map_or(by_status(status), code_of);
    Failure::new(code, message).with_document(document)
}

fn by_status(status: StatusCode) -> Code {
    match status {
        StatusCode::UNAUTHORIZED => Code::Auth,
        StatusCode::FORBIDDEN => Code::Denied,
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => Code::Lost,
        _ => Code::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_becomes_one_line() {
        let body = br#"{"status": 400, "title": "Validation", "detail": "Two fields are wrong", "code": 1000,
            "errors": [{"field": "host", "message": "must not be empty"}, {"field": "port", "message": "is 0"}]}"#;
        let failure = failure(StatusCode::BAD_REQUEST, body);
        assert_eq!(failure.code(), Code::Usage);
        assert_eq!(
            failure.to_string(),
            "Two fields are wrong; host: must not be empty; port: is 0 (code 1000)"
        );
        assert_eq!(failure.document().get("code"), Some(&Value::from(1000)));
    }

    #[test]
    fn what_is_no_problem_document_is_no_courier_server() {
        let failure = failure(StatusCode::NOT_FOUND, b"<html>");
        assert_eq!(failure.code(), Code::NotFound);
        assert!(
            failure.to_string().contains("is this a Courier server?"),
            "{failure}"
        );
    }
}
