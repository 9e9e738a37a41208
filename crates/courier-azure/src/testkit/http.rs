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
    end: End,
}

/// How its reader learns that an answer is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// By its length.
    Length,
    /// By the end of the connection, which TLS isn't told of.
    HangUp,
    /// It is shorter than it says.
    Short,
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
            end: End::Length,
        }
    }

    /// Its length isn't said, and the connection just ends after it, as with small servers of HTTP/1.0.
    #[must_use]
    pub fn hanging_up(mut self) -> Self {
        self.end = End::HangUp;
        self
    }

    /// The connection ends before it is whole.
    #[must_use]
    pub fn cut_short(mut self) -> Self {
        self.end = End::Short;
        self
    }

    /// Is TLS told that the connection ends?
    pub(super) fn says_goodbye(&self) -> bool {
        self.end == End::Length
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
        let length = self.body.len();
        let (version, length) = match self.end {
            End::Length => ("1.1", format!("Content-Length: {length}\r\n")),
            End::HangUp => ("1.0", String::new()),
            End::Short => ("1.1", format!("Content-Length: {}\r\n", length + 1)),
        };
        let mut head = format!(
            "HTTP/{version} {} X\r\n{length}Connection: close\r\n",
            self.status
        );
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        [head.as_bytes(), b"\r\n", &self.body].concat()
    }
}
