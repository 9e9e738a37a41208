//! Storages, where pulled files go.

use serde_json::json;

use crate::harness::TestServer;

const SECRET: &str = "hunter2hunter2";

#[tokio::test]
async fn a_storage_is_made_changed_tested_and_deleted() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let listed = admin.get("/api/storages").await.ok();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(listed["items"][0]["name"], "default");
    let first = listed["items"][0]["id"].as_str().unwrap();
    let tested = admin
        .post(&format!("/api/storages/{first}/test"), json!(null))
        .await
        .ok();
    assert_eq!(
        (&tested["success"], &tested["error_code"]),
        (&json!(true), &json!(null))
    );

    let input = json!({
        "name": "lake", "url": "s3://lake/inbox?region=eu-central-1",
        "credentials": {"access_key_id": "AKIA", "secret_access_key": SECRET},
    });
    let made = admin.post("/api/storages", input.clone()).await;
    let location = made.headers["location"].to_str().unwrap().to_owned();
    let made = made.created();
    assert!(!made.to_string().contains(SECRET), "{made}");
    assert_eq!(made["scheme"], "s3");
    assert_eq!(made["has_credentials"], true);
    assert_eq!(made["url"], input["url"]);
    assert!(made.get("credentials").is_none());
    assert_eq!(admin.get(&location).await.ok(), made);
    admin.post("/api/storages", input).await.problem(409, 1052);

    // What was read can be sent back.
    assert_eq!(admin.patch(&location, made.clone()).await.ok()["name"], "lake");
    let moved = json!({"url": "s3://elsewhere?endpoint=http://127.0.0.1:1"});
    let moved = admin.patch(&location, moved).await.ok();
    assert_eq!(moved["has_credentials"], false);
    assert_eq!(moved["warnings"].as_array().unwrap().len(), 2);
    let tested = admin.post(&format!("{location}/test"), json!(null)).await.ok();
    assert_eq!(tested["success"], false);
    assert_eq!(tested["checked"], json!([]));
    assert!(tested["error_code"].is_u64() && tested["error_message"].is_string());

    let viewer = server.with_role("viewer").await;
    let seen = viewer.get(&location).await.ok();
    assert_eq!(seen, json!({"id": made["id"], "name": "lake", "scheme": "s3"}));
    admin.delete(&location).await.status(204);
    admin.get(&location).await.problem(404, 1030);
    admin.delete(&location).await.problem(404, 1030);
    server.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_named_without_its_secrets() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    for (input, field) in [
        (
            json!({"name": "a", "url": format!("s3://k:{SECRET}@b?region=x")}),
            "url",
        ),
        (
            json!({"name": "a", "url": "s3://b?region=x", "credentials": SECRET}),
            "credentials",
        ),
        (
            json!({"name": "a", "url": "azblob://b", "credentials": {"account_name": "a", "account_key": SECRET}}),
            "credentials.account_key",
        ),
        (
            json!({"name": "a", "url": "file:///x", "secret": SECRET}),
            "secret",
        ),
        (
            json!({"name": "a", "url": format!("file://{}", server.folder.path().display())}),
            "url",
        ),
    ] {
        let problem = admin
            .post("/api/storages", input.clone())
            .await
            .problem(400, 1000);
        assert_eq!(problem["errors"][0]["field"], field, "{problem:#}");
        assert!(!problem.to_string().contains(SECRET), "{problem:#}");
        admin.post("/api/storages/test", input).await.problem(400, 1000);
    }
    let folder = server.folder.path().canonicalize().unwrap().join("files/in");
    let url = format!("file://{}", folder.display());
    let tested = admin.post("/api/storages/test", json!({"url": url})).await.ok();
    assert_eq!(tested["success"], true, "{tested:#}");
    server.stop().await;
}
