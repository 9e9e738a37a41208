#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use super::*;

const BUILT: &[(&str, &[u8])] = &[
    (
        "index.html",
        b"<meta content=\"__CSP_NONCE__\"><script src=/assets/a-1.js>",
    ),
    ("favicon.svg", b"<svg/>"),
    ("favicon.svg.br", b"svg by brotli"),
    ("favicon.svg.gz", b"svg by gzip"),
    ("assets/a-1.js", b"start()"),
    ("assets/a-1.js.br", b"js by brotli"),
    ("assets/a-1.js.gz", b"js by gzip"),
    ("assets/b-2.woff2", b"font"),
];

fn get(console: &Console, path: &str, headers: &[(HeaderName, &str)]) -> Response {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.clone(), value.parse().unwrap()))
        .collect();
    console.answer(&Method::GET, path, &headers)
}

async fn body(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

const HTML: (HeaderName, &str) = (header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8");

#[tokio::test]
async fn each_page_has_a_nonce_of_its_own() {
    let console = Console::new(BUILT);
    let mut seen = Vec::new();
    for path in ["/", "/jobs", "/connections/0192/edit", "/apis", "/index.html"] {
        let page = get(&console, path, &[HTML]);
        assert_eq!(page.status(), 200, "{path}");
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
        assert_eq!(page.headers()["cache-control"], "no-store");
        let policy = page.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .to_owned();
        let nonce = policy
            .split("'nonce-")
            .nth(1)
            .unwrap()
            .split('\'')
            .next()
            .unwrap()
            .to_owned();
        assert_eq!(STANDARD.decode(&nonce).unwrap().len(), 16);
        let page = body(page).await;
        assert!(
            page.contains(&format!("content=\"{nonce}\"")) && !page.contains(NONCE),
            "{page}"
        );
        assert!(!seen.contains(&nonce));
        seen.push(nonce);
    }
}

#[tokio::test]
async fn without_a_bundle_a_page_says_how_to_build_it() {
    let console = Console::new(&[]);
    let page = body(get(&console, "/jobs", &[HTML])).await;
    assert!(page.contains("make build") && !page.contains(NONCE), "{page}");
    assert_ne!(console.version, Console::new(BUILT).version);
    assert_eq!(get(&console, "/favicon.svg", &[]).status(), 404);
}

#[test]
fn what_is_no_page_of_the_console_stays_unknown() {
    let console = Console::new(BUILT);
    for path in [
        "/api",
        "/api/nothing",
        "/assets",
        "/assets/",
        "/assets/a-2.js",
        "/healthz/x",
        "/readyz/x",
        "/metrics/x",
        "/problems",
    ] {
        assert_eq!(get(&console, path, &[HTML]).status(), 404, "{path}");
    }
    for accept in ["*/*", "application/json", "text/html;q=0"] {
        assert_eq!(
            get(&console, "/jobs", &[(header::ACCEPT, accept)]).status(),
            404,
            "{accept}"
        );
    }
    assert_eq!(get(&console, "/jobs", &[]).status(), 404);
    assert_eq!(get(&console, "/index.html", &[]).status(), 404);
    assert_eq!(get(&console, "/", &[]).status(), 200);
    for path in ["/", "/jobs", "/favicon.svg"] {
        let answer = console.answer(&Method::POST, path, &HeaderMap::new());
        assert_eq!(answer.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn files_come_in_the_form_that_is_wanted_and_are_kept() {
    let console = Console::new(BUILT);
    for (accept, coding, expected) in [
        ("gzip, br", Some("br"), "js by brotli"),
        ("gzip", Some("gzip"), "js by gzip"),
        ("identity", None, "start()"),
    ] {
        let file = get(&console, "/assets/a-1.js", &[(header::ACCEPT_ENCODING, accept)]);
        assert_eq!(file.status(), 200);
        assert_eq!(file.headers()["content-type"], "text/javascript; charset=utf-8");
        assert_eq!(file.headers()["vary"], "accept-encoding");
        assert_eq!(
            file.headers()["cache-control"],
            "public, max-age=31536000, immutable"
        );
        let sent = file
            .headers()
            .get("content-encoding")
            .map(|name| name.to_str().unwrap());
        assert_eq!(sent, coding);
        assert_eq!(body(file).await, expected);
    }
    let font = get(&console, "/assets/b-2.woff2", &[(header::ACCEPT_ENCODING, "br")]);
    assert_eq!(font.headers()["content-type"], "font/woff2");
    assert!(!font.headers().contains_key("content-encoding"));
    assert_eq!(body(font).await, "font");
}

#[tokio::test]
async fn a_file_with_a_lasting_name_is_asked_for_again_and_not_sent_twice() {
    let console = Console::new(BUILT);
    let icon = get(&console, "/favicon.svg", &[(header::ACCEPT_ENCODING, "br")]);
    assert_eq!(icon.headers()["cache-control"], "no-cache");
    let tag = icon.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(body(icon).await, "svg by brotli");
    for known in [
        tag.as_str(),
        tag.trim_start_matches("W/"),
        "*",
        &format!("\"x\", {tag}"),
    ] {
        let icon = get(&console, "/favicon.svg", &[(header::IF_NONE_MATCH, known)]);
        assert_eq!(icon.status(), 304, "{known}");
        assert_eq!(icon.headers()["etag"], tag.as_str());
        assert_eq!(body(icon).await, "");
    }
    let icon = get(&console, "/favicon.svg", &[(header::IF_NONE_MATCH, "\"x\"")]);
    assert_eq!(icon.status(), 200);
}
