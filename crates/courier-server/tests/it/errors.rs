//! Whatever is wrong with a request, the answer is a problem document.

use reqwest::Method;
use serde_json::json;

use crate::harness::{TestServer, answer};

#[tokio::test]
async fn every_bad_request_is_a_problem() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let raw = |path: &str, body: &'static str| {
        admin
            .request(Method::POST, path)
            .header("content-type", "application/json")
            .body(body)
    };

    // The body.
    let problem = answer(raw("/api/ssh-keys/generate", "{\"name\":"))
        .await
        .problem(400, 1000);
    assert!(problem["detail"].as_str().unwrap().contains("line 1"));
    answer(raw("/api/ssh-keys/generate", "{} {}"))
        .await
        .problem(400, 1000);
    answer(raw("/api/ssh-keys/generate", "")).await.problem(400, 1000);
    answer(raw("/api/ssh-keys/generate", "[]"))
        .await
        .problem(400, 1000);
    answer(raw("/api/connections", "7")).await.problem(400, 1000);
    let generate = |body| admin.post("/api/ssh-keys/generate", body);
    assert_eq!(
        generate(json!({"name": "k"})).await.fields(400, 1000),
        ["key_type"]
    );
    assert_eq!(
        generate(json!({"name": 7, "key_type": "ed25519"}))
            .await
            .fields(400, 1000),
        ["name"]
    );
    assert_eq!(
        generate(json!({"name": "k", "key_type": "dsa"}))
            .await
            .fields(400, 1000),
        ["key_type"]
    );
    let unknown = json!({"name": "k", "key_type": "ed25519", "colour": "red"});
    assert_eq!(generate(unknown).await.fields(400, 1000), ["colour"]);
    answer(admin.request(Method::POST, "/api/ssh-keys/generate").body("{}"))
        .await
        .problem(415, 1002);
    let long = json!({"name": "x".repeat(2 * 1024 * 1024), "key_type": "ed25519"});
    generate(long).await.problem(413, 1001);

    // The query and the path.
    assert_eq!(
        admin.get("/api/connections?limit=many").await.fields(400, 1000),
        ["limit"]
    );
    assert_eq!(
        admin.get("/api/connections?colour=red").await.fields(400, 1000),
        ["colour"]
    );
    assert_eq!(
        admin.get("/api/executions?state=done").await.fields(400, 1000),
        ["state"]
    );
    assert_eq!(
        admin.get("/api/audit?since=yesterday").await.fields(400, 1000),
        ["since"]
    );
    assert_eq!(
        admin
            .get("/api/connections?cursor=nonsense")
            .await
            .fields(400, 1000),
        ["cursor"]
    );
    assert_eq!(
        admin.get("/api/connections/seven").await.fields(400, 1000),
        ["id"]
    );
    admin
        .get("/api/connections/0192f0c4-0000-7000-8000-000000000000")
        .await
        .problem(404, 1030);

    // What its type points to.
    let problem = admin.get("/api/nothing").await.problem(404, 1030);
    let about = admin.get(problem["type"].as_str().unwrap()).await.status(200);
    assert!(about.text.starts_with("1030: Not found"), "{}", about.text);
    admin.get("/problems/7").await.problem(404, 1030);

    // The address and the method.
    admin.get("/api/nothing").await.problem(404, 1030);
    admin.get("/nothing").await.problem(404, 1030);
    let answer = admin.delete("/api/overview").await;
    assert!(answer.headers["allow"].to_str().unwrap().contains("GET"));
    answer.problem(405, 1031);
    server.stop().await;
}

#[tokio::test]
async fn every_answer_has_its_headers() {
    let server = TestServer::start().await;
    for path in ["/api/overview", "/api/nothing", "/", "/healthz", "/api/docs/"] {
        let answer = server.admin.get(path).await;
        let header = |name: &str| answer.headers.get(name).map(|v| v.to_str().unwrap().to_owned());
        assert_eq!(
            header("x-content-type-options").as_deref(),
            Some("nosniff"),
            "{path}"
        );
        assert_eq!(header("x-frame-options").as_deref(), Some("DENY"), "{path}");
        assert_eq!(
            header("referrer-policy").as_deref(),
            Some("no-referrer"),
            "{path}"
        );
        assert!(
            header("content-security-policy")
                .unwrap()
                .contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert!(header("x-request-id").is_some(), "{path}");
        let cached = header("cache-control");
        assert_eq!(
            cached.as_deref() == Some("no-store"),
            !matches!(path, "/healthz" | "/api/docs/"),
            "{path}"
        );
    }
    server.stop().await;
}
