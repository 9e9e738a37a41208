//! What the admin interface of a function app answers: bytes in, meaning out, no I/O.

use serde::Deserialize;
use serde_json::Value;

use crate::FunctionName;
use crate::words::in_one_line;

/// What a host says of itself: the answer to `GET /admin/host/status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Status {
    /// The host's id. Who may not know it gets none.
    pub id: Option<String>,
    /// `Running`, `Error`, `Offline`, …
    pub state: Option<String>,
    /// The version of the Functions runtime.
    pub version: Option<String>,
    /// Why it doesn't run, as it came.
    pub errors: Vec<String>,
}

/// Reads what a host says of itself; none where it shows nothing of it.
#[must_use]
pub fn status(body: &[u8]) -> Option<Status> {
    let mut status: Status = serde_json::from_slice(body).ok()?;
    for text in [&mut status.id, &mut status.state, &mut status.version] {
        *text = text
            .take()
            .map(|text| in_one_line(&text))
            .filter(|text| !text.is_empty());
    }
    (status.id.is_some() || status.state.is_some()).then_some(status)
}

/// Reads the names in an answer to `GET /admin/functions`, without what can be none; none where it is no list of functions.
#[must_use]
pub fn names(body: &[u8]) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Function {
        name: String,
    }
    let functions: Vec<Function> = serde_json::from_slice(body).ok()?;
    let names = functions.into_iter().map(|function| function.name);
    Some(names.filter(|name| FunctionName::new(name).is_ok()).collect())
}

/// Does the host say that it doesn't run? It says so before it does anything of what was asked.
#[must_use]
pub fn is_down(body: &[u8]) -> bool {
    body.trim_ascii() == b"Function host is not running."
}

/// Is it a page for people, as other services and proxies give? Whatever type it claims: frameworks call an empty answer a
/// page, too.
#[must_use]
pub fn is_page(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// Why a request was refused, as far as the body says so in words for people.
#[must_use]
pub fn reason(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    // The front end answers for an app that is stopped, with a page.
    if text.contains("web app is stopped")
        || text.contains("web app you have attempted to reach is currently stopped")
    {
        return Some("the app is stopped".to_owned());
    }
    if is_page(body) {
        return None;
    }
    let words = match serde_json::from_slice(body) {
        Ok(Value::String(text)) => text,
        Ok(json) => ["/error/message", "/message", "/Message", "/title"]
            .iter()
            .find_map(|place| Some(json.pointer(place)?.as_str()?.to_owned()))
            .unwrap_or_default(),
        Err(_) => text.into_owned(),
    };
    Some(in_one_line(&words)).filter(|words| !words.is_empty())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_hosts_say_of_themselves() {
        let body = br#"{"id":"db9851c42a24286354a6","state":"Running","version":"4.25.2.2","versionDetails":"4.25.2+f8","platformVersion":"","instanceId":"71ca","computerName":"","processUptime":1451562,"functionAppContentEditingState":"NotAllowed"}"#;
        let found = status(body).unwrap();
        assert_eq!(
            (found.state.as_deref(), found.version.as_deref()),
            (Some("Running"), Some("4.25.2.2"))
        );
        for body in ["", "{}", r#"{"id":""}"#, "<html>", "[]", r#"{"state":5}"#] {
            assert_eq!(status(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn which_functions_there_are() {
        let body = br#"[{"name":"Nightly","href":"https://x/admin/functions/Nightly","config":{"bindings":[]}},{"name":"ok"},{"name":"x\ny"}]"#;
        assert_eq!(names(body).unwrap(), ["Nightly", "ok"]);
        assert_eq!(names(b"[]").unwrap(), [""; 0]);
        for body in ["", "{}", "<html>", r#"[{"href":"x"}]"#, r#"{"value":[]}"#] {
            assert_eq!(names(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn reasons_are_words() {
        for (body, words) in [
            (
                "Function host is not running.",
                Some("Function host is not running."),
            ),
            ("\"quoted\"", Some("quoted")),
            (r#"{"error":{"code":"x","message":"no\nway"}}"#, Some("no way")),
            (r#"{"Message":"down"}"#, Some("down")),
            (r#"{"title":"Bad"}"#, Some("Bad")),
            (
                "<html>Error 403 - This web app is stopped.</html>",
                Some("the app is stopped"),
            ),
            ("<!DOCTYPE html>", None),
            ("{}", None),
            ("", None),
        ] {
            assert_eq!(reason(body.as_bytes()).as_deref(), words, "{body}");
        }
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (status(&bytes), names(&bytes), is_down(&bytes));
            prop_assert!(reason(&bytes).is_none_or(|words| words.len() < 410));
        }
    }
}
