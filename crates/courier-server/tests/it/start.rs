//! Starting, stopping, starting again.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::json;

use crate::harness::{Client, PASSWORD, TestServer, config};

#[tokio::test]
async fn the_first_start_makes_admin_with_a_password_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut first = config(&data);
    first.admin_password = None;
    let server = TestServer::start_with(folder, first.clone()).await;

    let mode = |name: &str| fs::metadata(data.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(""), 0o700);
    assert_eq!(mode("files"), 0o700);
    assert_eq!(mode("kek"), 0o600);
    assert_eq!(mode("initial-admin-password"), 0o600);
    let password = fs::read_to_string(data.join("initial-admin-password")).unwrap();
    let first_start = || async { server.anybody().get("/api/auth/first-start").await.ok() };
    assert_eq!(
        first_start().await,
        json!({"first_start": true, "username": "admin"})
    );
    let admin = server.anybody().login("admin", password.trim()).await;
    let over = json!({"first_start": false, "username": null});
    assert_eq!(first_start().await, over);
    assert_eq!(admin.get("/api/auth/me").await.ok()["initial_password"], true);

    // The second start makes nobody and writes nothing.
    let folder = server.stop().await;
    fs::remove_file(data.join("initial-admin-password")).unwrap();
    let server = TestServer::start_with(folder, first).await;
    assert!(!data.join("initial-admin-password").exists());
    server.anybody().login("admin", password.trim()).await;
    server.stop().await;
}

#[tokio::test]
async fn the_password_of_the_first_start_goes_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = data.join("initial-admin-password");
    let mut first = config(&data);
    first.admin_password = None;
    let server = TestServer::start_with(folder, first).await;
    let password = fs::read_to_string(&file).unwrap();
    let admin = server.anybody().login("admin", password.trim()).await;
    let user = json!({"username": "olga", "password": "long enough 123", "role": "viewer"});
    admin.post("/api/users", user).await.created();
    let olga = server.anybody().login("olga", "long enough 123").await;
    let initial = async |client: &Client| client.get("/api/auth/me").await.ok()["initial_password"].clone();
    assert_eq!(
        (initial(&admin).await, initial(&olga).await),
        (json!(true), json!(false))
    );

    // Another user's password is another one.
    let change = json!({"current_password": "long enough 123", "new_password": "another one 123"});
    olga.post("/api/auth/password", change).await.status(204);
    assert!(file.exists());
    let change = json!({"current_password": password.trim(), "new_password": "an own one 123"});
    admin.post("/api/auth/password", change).await.status(204);
    assert!(!file.exists());
    assert_eq!(initial(&admin).await, json!(false));
    server.stop().await;
}

#[tokio::test]
async fn sessions_survive_a_restart() {
    let server = TestServer::start().await;
    let login = json!({"username": "admin", "password": PASSWORD});
    let session = server.anybody().post("/api/auth/login", login).await.ok();
    let server = TestServer::start_in(server.stop().await).await;
    let client = server.anybody().with_token(session["token"].as_str().unwrap());
    assert_eq!(client.get("/api/auth/me").await.ok()["username"], "admin");
    server.stop().await;
}

#[tokio::test]
async fn another_key_stops_the_start() {
    let server = TestServer::start().await;
    let folder = server.stop().await;
    let mut other = config(folder.path());
    other.kek = courier_server::config::Kek::from_text("00".repeat(32).into());
    let error = courier_server::Server::start(other)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("sealed"), "{error}");
}

#[tokio::test]
async fn no_key_is_made_where_stored_secrets_need_the_one_that_is_gone() {
    let folder = TestServer::start().await.stop().await;
    let kek = folder.path().join("kek");
    let aside = folder.path().join("kek.aside");
    fs::rename(&kek, &aside).unwrap();
    let error = courier_server::Server::start(config(folder.path()))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("is missing") && error.contains("put it back"),
        "{error}"
    );
    assert!(!kek.exists());

    fs::rename(&aside, &kek).unwrap();
    TestServer::start_in(folder).await.stop().await;
}

#[tokio::test]
async fn a_local_root_around_the_data_folder_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = config(&folder.path().join("app/data"));
    wrong.local_roots = vec![folder.path().to_owned()];
    let error = courier_server::Server::start(wrong)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("local_roots") && error.contains("holds the data folder"),
        "{error}"
    );
}

#[tokio::test]
async fn tells_how_it_is() {
    let server = TestServer::start().await;
    let anybody = server.anybody();
    anybody.get("/healthz").await.status(200);
    anybody.get("/readyz").await.status(200);
    anybody.get("/api/overview").await.status(401);
    let metrics = anybody.get("/metrics").await.status(200).text;
    assert!(metrics.contains("courier_http_requests_total{"), "{metrics}");
    assert!(metrics.contains("route=\"/api/overview\""), "{metrics}");
    assert!(metrics.contains("courier_executions{"), "{metrics}");
    let value = |metric: &str| {
        let line = metrics
            .lines()
            .find(|line| line.starts_with(&format!("{metric}{{")));
        line.and_then(|line| line.rsplit(' ').next()).map(str::to_owned)
    };
    for (metric, expected) in [
        ("courier_database_up", "1"),
        ("courier_lease_held", "1"),
        ("courier_executions_running_here", "0"),
        ("courier_queue_wait_seconds", "0"),
        ("courier_schedule_lag_seconds", "0"),
        ("courier_alert_messages_pending", "0"),
        ("courier_alert_messages_failed_24h", "0"),
        ("courier_executions_ended_total", "0"),
    ] {
        assert_eq!(value(metric).as_deref(), Some(expected), "{metric} in\n{metrics}");
    }
    let overview = server.admin.get("/api/overview").await.ok();
    assert!(overview["node"].as_str().is_some_and(|node| !node.is_empty()));
    server.stop().await;
}

#[tokio::test]
async fn a_second_server_on_the_same_folder_is_refused() {
    let server = TestServer::start().await;
    let error = courier_server::Server::start(config(server.folder.path()))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("another server"), "{error}");
    TestServer::start_in(server.stop().await).await.stop().await;
}
