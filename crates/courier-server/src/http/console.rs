//! The console: its files, which are part of the binary, and the page that it begins with.

mod coding;

use std::{collections::HashMap, fmt::Write, sync::LazyLock};

use aws_lc_rs::{digest, rand};
use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use self::coding::{Coding, weighed};
use super::{headers, problem::ApiError};

/// The files of the console, by their paths; none where the server was built without it.
const FILES: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/console.rs"));

/// The page for servers that were built without it.
const MISSING: &str = include_str!("console/missing.html");

/// The page that all others are shown in.
const INDEX: &str = "index.html";

/// Stands in the page for what its style elements have to show: a number that nobody else can know.
const NONCE: &str = "__CSP_NONCE__";

/// Files whose names change with what is in them are below this.
const HASHED: &str = "assets/";

/// Addresses that belong to others than the console, with all below them.
const NOT_OURS: [&str; 6] = ["/api", "/assets", "/healthz", "/readyz", "/metrics", "/problems"];

static CONSOLE: LazyLock<Console> = LazyLock::new(|| Console::new(FILES));

/// Answers to whatever no route answers to.
pub(super) async fn fallback(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    CONSOLE.answer(&method, uri.path(), &headers)
}

/// What the console is known by. It changes with the console.
pub(crate) fn version() -> &'static str {
    &CONSOLE.version
}

#[derive(Debug)]
struct Console {
    files: HashMap<&'static str, File>,
    index: String,
    version: String,
}

/// A file, in the forms that there are of it.
#[derive(Clone, Copy, Debug, Default)]
struct File {
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

impl File {
    fn form(&self, coding: Coding) -> Option<&'static [u8]> {
        match coding {
            Coding::Brotli => self.brotli,
            Coding::Gzip => self.gzip,
            Coding::Identity => Some(self.plain),
        }
    }
}

impl Console {
    fn new(files: &[(&'static str, &'static [u8])]) -> Self {
        let all: HashMap<&'static str, &'static [u8]> = files.iter().copied().collect();
        let packed =
            |name: &str, coding: Coding| all.get(format!("{name}{}", coding.suffix()).as_str()).copied();
        let index = match all.get(INDEX) {
            Some(page) => String::from_utf8_lossy(page).into_owned(),
            None => MISSING.to_owned(),
        };
        let files = all
            .iter()
            .filter(|(name, _)| **name != INDEX)
            .map(|(name, plain)| {
                let file = File {
                    plain,
                    brotli: packed(name, Coding::Brotli),
                    gzip: packed(name, Coding::Gzip),
                };
                (*name, file)
            })
            .collect();
        Self {
            files,
            version: digest_of(index.as_bytes()),
            index,
        }
    }

    fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response {
        if method != Method::GET && method != Method::HEAD {
            return super::nothing_here().into_response();
        }
        if let Some((name, file)) = self.files.get_key_value(path.trim_start_matches('/')) {
            return send(name, file, headers);
        }
        let is_page = NOT_OURS.iter().all(|other| {
            path.strip_prefix(other)
                .is_none_or(|rest| !rest.is_empty() && !rest.starts_with('/'))
        });
        if path == "/" || (is_page && wants_page(headers)) {
            self.page()
        } else {
            super::nothing_here().into_response()
        }
    }

    /// The page, with a number of its own.
    fn page(&self) -> Response {
        let mut nonce = [0; 16];
        if rand::fill(&mut nonce).is_err() {
            return ApiError::internal("the system gives no random bytes").into_response();
        }
        let nonce = STANDARD.encode(nonce);
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
            (header::CACHE_CONTROL, "no-store".to_owned()),
            (header::CONTENT_SECURITY_POLICY, headers::console_policy(&nonce)),
        ];
        (headers, self.index.replace(NONCE, &nonce)).into_response()
    }
}

/// Does a browser want this to show it? Programs take anything, and are told that there is nothing.
fn wants_page(headers: &HeaderMap) -> bool {
    weighed(text(headers, header::ACCEPT))
        .any(|(kind, weight)| kind.eq_ignore_ascii_case("text/html") && weight > 0)
}

fn send(name: &str, file: &File, headers: &HeaderMap) -> Response {
    let coding = Coding::best(text(headers, header::ACCEPT_ENCODING), |coding| {
        file.form(coding).is_some()
    });
    let mut response = Response::default();
    let answer = response.headers_mut();
    answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if name.starts_with(HASHED) {
        let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
        answer.insert(header::CACHE_CONTROL, forever);
    } else {
        answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        // The same for each form, so it is a weak one.
        let tag = format!("W/\"{}\"", digest_of(file.plain));
        let is_known = known(text(headers, header::IF_NONE_MATCH), &tag);
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            answer.insert(header::ETAG, tag);
        }
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
    }
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind_of(name)));
    if let Some(name) = coding.name() {
        answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    let body = file.form(coding).unwrap_or(file.plain);
    *response.body_mut() = Bytes::from_static(body).into();
    response
}

/// Has the client this already (RFC 9110, section 13.1.2)?
fn known(if_none_match: &str, tag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    if_none_match
        .split(',')
        .any(|one| one.trim() == "*" || bare(one) == bare(tag))
}

fn kind_of(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("png") => "image/png",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain; charset=utf-8",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> &str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// The beginning of its SHA-256, which tells versions apart.
fn digest_of(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in digest::digest(&digest::SHA256, bytes).as_ref().iter().take(8) {
        // Writing to a text can't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests;
