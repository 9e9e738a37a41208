//! Who may call what: every route that the document names, with every role.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Client, TestServer, answer};

const NOBODY: &str = "0192f0c4-0000-7000-8000-000000000000";

/// The one whose answer has no end.
pub(crate) const ENDLESS: &str = "/api/events";

/// Every operation of the document: method, path, and the least role that its description names.
pub(crate) fn operations(openapi: &Value) -> Vec<(Method, String, Option<String>)> {
    let mut operations = Vec::new();
    for (path, item) in openapi["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let description = operation["description"].as_str().unwrap();
            let role = description
                .rsplit_once("Needs the role ")
                .map(|(_, rest)| rest.trim_end_matches('.').to_owned());
            assert!(
                role.is_some() || description.ends_with("Needs no login."),
                "{path}: {description}"
            );
            operations.push((method.to_uppercase().parse().unwrap(), path.clone(), role));
        }
    }
    operations
}

/// Calls it with an empty body and ids of nobody: the status, and the code of a problem.
pub(crate) async fn call(client: &Client, method: &Method, path: &str) -> (u16, Option<u64>) {
    let path = path
        .replace("{id}", NOBODY)
        .replace("{key_id}", NOBODY)
        .replace("{key}", "security.fips_mode_enabled");
    let request = client.request(method.clone(), &path).json(&json!({}));
    if path == ENDLESS {
        let response = request.send().await.unwrap();
        if response.status() == 200 {
            return (200, None);
        }
        let problem: Value = response.json().await.unwrap();
        return (
            problem["status"].as_u64().unwrap() as u16,
            problem["code"].as_u64(),
        );
    }
    let answer = answer(request).await;
    let code = serde_json::from_str::<Value>(&answer.text)
        .ok()
        .and_then(|body| body["code"].as_u64());
    (answer.status.as_u16(), code)
}

#[tokio::test]
async fn every_route_wants_its_role() {
    let server = TestServer::start().await;
    let operations = operations(&server.anybody().get("/api/openapi.json").await.ok());
    assert!(operations.len() > 40);
    let clients = [
        server.with_role("viewer").await,
        server.with_role("operator").await,
        server.with_role("admin").await,
    ];
    for (method, path, least) in operations {
        let (status, code) = call(&server.anybody(), &method, &path).await;
        let Some(least) = least else {
            assert!(
                status != 403 && code != Some(1010),
                "{method} {path} is for anybody"
            );
            continue;
        };
        assert_eq!(
            (status, code),
            (401, Some(1010)),
            "{method} {path} without a token"
        );
        let least = ["viewer", "operator", "admin"]
            .iter()
            .position(|role| *role == least)
            .unwrap();
        for (rank, client) in clients.iter().enumerate() {
            let (status, code) = call(client, &method, &path).await;
            if rank < least {
                assert_eq!(
                    (status, code),
                    (403, Some(1020)),
                    "{method} {path} for rank {rank}"
                );
            } else {
                let approves = path.ends_with("/host-key/approve");
                assert!(
                    status != 401 && (status != 403 || approves) && status < 500,
                    "{method} {path} for rank {rank} is {status}"
                );
            }
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn the_cookie_counts_on_the_same_site_only() {
    let server = TestServer::start().await;
    let anybody = server.anybody();
    let body = json!({"username": "admin", "password": crate::harness::PASSWORD});
    let login = anybody.post("/api/auth/login", body).await.status(200);
    let cookie = login.headers["set-cookie"].to_str().unwrap().to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/api"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let cookie = cookie.split(';').next().unwrap().to_owned();

    let get = |path| anybody.request(Method::GET, path).header("cookie", &cookie);
    answer(get("/api/auth/me")).await.status(200);
    for site in ["same-site", "cross-site"] {
        let from = || get("/api/auth/me").header("sec-fetch-site", site);
        answer(from().header("sec-fetch-dest", "image"))
            .await
            .problem(403, 1020);
        answer(from().header("sec-fetch-dest", "document"))
            .await
            .status(200);
        let post = anybody.request(Method::POST, "/api/auth/logout");
        let post = post.header("cookie", &cookie).header("sec-fetch-site", site);
        answer(post.header("sec-fetch-dest", "document"))
            .await
            .problem(403, 1020);
    }
    answer(get("/api/auth/me").header("sec-fetch-site", "same-origin"))
        .await
        .status(200);

    let post = || {
        let request = anybody
            .request(Method::POST, "/api/ssh-keys/generate")
            .header("cookie", &cookie);
        request.json(&json!({"key_type": "ed25519"}))
    };
    answer(post().header("sec-fetch-site", "same-origin"))
        .await
        .problem(400, 1000);
    answer(post().header("sec-fetch-site", "cross-site"))
        .await
        .problem(403, 1020);
    answer(post().header("origin", "http://elsewhere.example"))
        .await
        .problem(403, 1020);
    // A wrong token is not made good by a cookie.
    answer(get("/api/auth/me").bearer_auth("wrong"))
        .await
        .problem(401, 1010);
    server.stop().await;
}
