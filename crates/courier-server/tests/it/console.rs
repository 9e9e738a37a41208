//! The console, or the page that stands in where the server was built without it.

use reqwest::Method;

use crate::harness::{Client, TestServer, answer};

/// As a browser asks for a page.
async fn page(client: &Client, path: &str) -> crate::harness::Answer {
    let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    answer(client.request(Method::GET, path).header("accept", accept)).await
}

#[tokio::test]
async fn a_browser_gets_a_page_and_all_that_it_needs() {
    let server = TestServer::start().await;
    let anybody = server.anybody();
    let start = page(&anybody, "/").await.status(200);
    assert_eq!(start.headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(start.headers["cache-control"], "no-store");
    assert_eq!(start.headers["x-frame-options"], "DENY");
    let policy = start.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self' 'nonce-"));
    assert!(!policy.contains("unsafe"), "{policy}");
    for inline in ["<script>", " style=", " onclick=", "http://", "https://"] {
        assert!(!start.text.contains(inline), "{inline}: {}", start.text);
    }
    // Nothing where there is no bundle.
    let files = start.text.split('"').filter(|text| text.starts_with("/assets/"));
    for file in files {
        let file = anybody.get(file).await.status(200);
        assert_eq!(
            file.headers["cache-control"],
            "public, max-age=31536000, immutable"
        );
    }
    // Any page can be the first one.
    let deep = page(&anybody, "/connections/0192f0c4-0000-7000-8000-000000000000").await;
    assert!(deep.status(200).text.contains("Courier"));

    let head = answer(anybody.request(Method::HEAD, "/")).await.status(200);
    assert_eq!(head.text, "");
    assert_ne!(head.headers["content-length"], "0");
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_page_is_a_problem_as_ever() {
    let server = TestServer::start().await;
    let anybody = server.anybody();
    anybody.get("/jobs").await.problem(404, 1030);
    for path in ["/api/nothing", "/assets/nothing.js", "/problems", "/api"] {
        page(&anybody, path).await.problem(404, 1030);
    }
    let policy = anybody.get("/healthz").await.headers["content-security-policy"].clone();
    assert!(policy.to_str().unwrap().starts_with("default-src 'none'; frame"));
    server.stop().await;
}
