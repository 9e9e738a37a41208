//! Logging in and out, users, tokens.

use serde_json::json;

use crate::harness::{PASSWORD, TestServer};

#[tokio::test]
async fn a_session_begins_and_ends() {
    let server = TestServer::start().await;
    let anybody = server.anybody();
    let login = json!({"username": "admin", "password": PASSWORD});
    let session = anybody.post("/api/auth/login", login).await.ok();
    assert_eq!(session["user"]["username"], "admin");
    assert_eq!(session["user"]["role"], "admin");
    assert!(session["expires_at"].as_str().unwrap().ends_with('Z'));
    let client = anybody.with_token(session["token"].as_str().unwrap());
    let me = client.get("/api/auth/me").await.ok();
    assert_eq!(
        (me["username"].as_str(), me["role"].as_str()),
        (Some("admin"), Some("admin"))
    );
    client.post("/api/auth/logout", json!({})).await.status(204);
    client.get("/api/auth/me").await.problem(401, 1010);
    server.stop().await;
}

#[tokio::test]
async fn failed_logins_are_limited() {
    let server = TestServer::start().await;
    let anybody = server.anybody();
    let mut tries = 0;
    loop {
        let wrong = json!({"username": "admin", "password": format!("wrong {tries}")});
        let answer = anybody.post("/api/auth/login", wrong).await;
        if answer.status == 429 {
            assert!(
                answer.headers["retry-after"]
                    .to_str()
                    .unwrap()
                    .parse::<u64>()
                    .unwrap()
                    > 0
            );
            answer.problem(429, 1060);
            break;
        }
        answer.problem(401, 1010);
        tries += 1;
        assert!(tries < 100, "nobody stopped a guesser");
    }
    assert!(tries >= 3);
    server.stop().await;
}

#[tokio::test]
async fn users_and_their_tokens() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let user = json!({"username": "olive", "password": "first password", "role": "operator"});
    let made = admin.post("/api/users", user.clone()).await.created();
    assert!(made.get("password").is_none());
    admin.post("/api/users", user).await.problem(409, 1052);

    let olive = server.anybody().login("olive", "first password").await;
    olive.get("/api/users").await.problem(403, 1020);
    let token = olive.post("/api/tokens", json!({"name": "ci"})).await.created();
    assert_eq!(token["role"], "operator");
    let machine = server.anybody().with_token(token["token"].as_str().unwrap());
    assert_eq!(machine.get("/api/auth/me").await.ok()["username"], "olive");
    olive
        .post("/api/tokens", json!({"name": "more", "role": "admin"}))
        .await
        .status(403);
    // The text is shown once.
    let listed = olive.get("/api/tokens").await.ok();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert!(listed["items"][0].get("token").is_none());

    // A new role counts at once, for tokens too; a new password ends sessions.
    let path = format!("/api/users/{}", made["id"].as_str().unwrap());
    admin.patch(&path, json!({"role": "viewer"})).await.ok();
    machine.post("/api/jobs", json!({})).await.problem(403, 1020);
    admin
        .patch(&path, json!({"password": "second password"}))
        .await
        .ok();
    olive.get("/api/auth/me").await.problem(401, 1010);

    admin
        .delete(&format!("/api/tokens/{}", token["id"].as_str().unwrap()))
        .await
        .status(204);
    machine.get("/api/auth/me").await.problem(401, 1010);
    admin.delete(&path).await.status(204);
    admin.get(&path).await.problem(404, 1030);
    server.stop().await;
}

#[tokio::test]
async fn everybody_changes_their_own_password() {
    let server = TestServer::start().await;
    let vera = json!({"username": "Vera", "password": "first password", "role": "viewer"});
    let made = server.admin.post("/api/users", vera).await.created();
    let again = json!({"username": "vera", "password": "first password", "role": "viewer"});
    server.admin.post("/api/users", again).await.problem(409, 1052);

    let here = server.anybody().login("vera", "first password").await;
    let there = server.anybody().login("VERA", "first password").await;
    let change = |current: &str, new: &str| json!({"current_password": current, "new_password": new});
    let path = "/api/auth/password";
    server
        .anybody()
        .post(path, change("first password", "second password"))
        .await
        .problem(401, 1010);
    let wrong = here
        .post(path, change("guess", "second password"))
        .await
        .problem(400, 1000);
    assert_eq!(wrong["errors"][0]["field"], "current_password");
    let short = here
        .post(path, change("first password", "short"))
        .await
        .problem(400, 1000);
    assert_eq!(short["errors"][0]["field"], "new_password");

    here.post(path, change("first password", "second password"))
        .await
        .status(204);
    assert_eq!(here.get("/api/auth/me").await.ok()["id"], made["id"]);
    there.get("/api/auth/me").await.problem(401, 1010);
    server.anybody().login("vera", "second password").await;
    let records = server.admin.get("/api/audit?performed_by=Vera").await.ok();
    let operations: Vec<&str> = records["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["operation"].as_str().unwrap())
        .collect();
    assert_eq!(
        operations,
        [
            "login",
            "password_changed",
            "password_change_failed",
            "login",
            "login"
        ]
    );
    server.stop().await;
}
