//! Tokens that are for a part of the API: every route that the document names, with a token for its part, for looking
//! at its part, and for all other parts.

use courier_api::SCOPES;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    access::{call, operations},
    harness::{Client, TestServer},
};

/// A client of admin's whose token has these scopes.
async fn with_scopes(server: &TestServer, scopes: &[String]) -> Client {
    let body = json!({"name": uuid::Uuid::now_v7(), "scopes": scopes});
    let made = server.admin.post("/api/tokens", body).await.created();
    server.admin.with_token(made["token"].as_str().unwrap())
}

#[tokio::test]
async fn every_route_wants_its_scope() {
    let server = TestServer::start().await;
    let document = server.anybody().get("/api/openapi.json").await.ok();
    let mut clients = Vec::new();
    for scope in SCOPES {
        let others: Vec<String> = SCOPES
            .iter()
            .filter(|other| *other != scope)
            .map(ToString::to_string)
            .collect();
        clients.push((
            *scope,
            with_scopes(&server, &[scope.to_string()]).await,
            with_scopes(&server, &[format!("{scope}:read")]).await,
            with_scopes(&server, &others).await,
        ));
    }
    let mut seen = Vec::new();
    for (method, path, least) in operations(&document) {
        let operation = &document["paths"][&path][method.as_str().to_lowercase()];
        let scope = operation["tags"][0].as_str().unwrap();
        let clients = clients.iter().find(|(name, ..)| *name == scope);
        let (_, whole, looking, foreign) =
            clients.unwrap_or_else(|| panic!("{method} {path}: the tag {scope} is no scope"));
        if least.is_none() {
            continue;
        }
        seen.push(scope.to_owned());
        let refused = async |client| call(client, &method, &path).await == (403, Some(1020));
        assert!(!refused(whole).await, "{method} {path} with {scope}");
        let looks = method == Method::GET;
        assert_eq!(
            refused(looking).await,
            !looks,
            "{method} {path} with {scope}:read"
        );
        let always = path == "/api/auth/me";
        assert_eq!(refused(foreign).await, !always, "{method} {path} without {scope}");
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen, SCOPES, "every scope is for something");
    server.stop().await;
}

#[tokio::test]
async fn a_token_knows_its_scopes_and_passes_on_no_more() {
    let server = TestServer::start().await;
    let unknown = json!({"name": "ci", "scopes": ["jobs", "job", "jobs:write", ""]});
    let problem = server.admin.post("/api/tokens", unknown).await.problem(400, 1000);
    let fields: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["scopes[1]", "scopes[2]", "scopes[3]"]);
    assert!(problem["detail"].as_str().unwrap().contains("executions"));
    let none = json!({"name": "ci", "scopes": []});
    server.admin.post("/api/tokens", none).await.problem(400, 1000);

    let ci = with_scopes(&server, &["tokens".into(), "jobs".into(), "jobs:read".into()]).await;
    let me = ci.get("/api/auth/me").await.ok();
    assert_eq!(me["scopes"], json!(["jobs", "tokens"]));
    assert_eq!(server.admin.get("/api/auth/me").await.ok()["scopes"], Value::Null);
    let more = json!({"name": "more", "scopes": ["users"]});
    ci.post("/api/tokens", more).await.problem(403, 1020);
    let same = ci.post("/api/tokens", json!({"name": "same"})).await.created();
    assert_eq!(same["scopes"], json!(["jobs", "tokens"]));
    // A wrong scope is told as such, and a role that is missing as that.
    let refused = ci.get("/api/users").await.problem(403, 1020);
    assert!(
        refused["detail"].as_str().unwrap().contains("it needs users"),
        "{refused}"
    );
    server.stop().await;
}
