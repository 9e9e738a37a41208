//! As much of HTTP as the clients here speak.

use std::io::{BufRead, BufReader, Read};

use serde_json::{Value, json};
use url::form_urlencoded;

/// A request, read to its end.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: String,
    /// The target, without the query.
    pub path: String,
    query: String,
    headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    pub(super) fn read(stream: &mut impl Read) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let mut line = || -> Option<String> {
            let mut text = String::new();
            reader.read_line(&mut text).ok()?;
            Some(text.trim_end().to_owned())
        };
        let first = line()?;
        let mut words = first.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers = Vec::new();
        loop {
            let text = line()?;
            let Some((name, value)) = text.split_once(": ") else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let mut request = Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: Vec::new(),
        };
        let length = request
            .header("content-length")
            .map_or(0, |length| length.parse().unwrap());
        request.body = vec![0; length];
        reader.read_exact(&mut request.body).ok()?;
        Some(request)
    }

    /// A header field, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| &**value)
    }

    /// The token that it proves itself by (RFC 6750, section 2.1).
    #[must_use]
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// The address that it was sent to: `https://HOST:PORT`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("https://{}", self.header("host").unwrap_or_default())
    }

    /// A parameter of the query.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        parameter(self.query.as_bytes(), name)
    }

    /// A field of the form in the body.
    #[must_use]
    pub fn form(&self, name: &str) -> Option<String> {
        parameter(&self.body, name)
    }

    /// The body, which must be JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

fn parameter(encoded: &[u8], name: &str) -> Option<String> {
    let found = form_urlencoded::parse(encoded).find(|(known, _)| known == name);
    found.map(|(_, value)| value.into_owned())
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Reply {
    /// With JSON.
    #[must_use]
    pub fn new(status: u16, body: Value) -> Self {
        Self::raw(status, body.to_string()).header("Content-Type", "application/json")
    }

    /// With any body, or none.
    #[must_use]
    pub fn raw(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// An error as Azure's services tell it.
    #[must_use]
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self::new(status, json!({ "error": { "code": code, "message": message } }))
    }

    /// The same, with a finer code inside.
    #[must_use]
    pub fn inner_error(status: u16, code: &str, inner: &str, message: &str) -> Self {
        let inner = json!({ "code": inner });
        let body = json!({ "error": { "code": code, "message": message, "innererror": inner } });
        Self::new(status, body)
    }

    /// With this header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut head = format!(
            "HTTP/1.1 {} X\r\nContent-Length: {}\r\nConnection: close\r\n",
            self.status,
            self.body.len()
        );
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        [head.as_bytes(), b"\r\n", &self.body].concat()
    }
}
