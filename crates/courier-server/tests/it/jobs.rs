//! Jobs that run.

use std::{fs, net::TcpListener};

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{PASSWORD, TestServer};

/// A `local` connection below the data folder's `files`.
async fn local_connection(server: &TestServer) -> Value {
    let files = server.folder.path().join("files");
    let connection = json!({"name": "disk", "protocol": "local", "base_path": files.to_str().unwrap()});
    server.admin.post("/api/connections", connection).await.created()
}

#[tokio::test]
async fn a_job_runs_and_tells_of_it() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let files = server.folder.path().join("files");
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|i| i as u8).collect();
    fs::write(files.join("in.bin"), &bytes).unwrap();
    let connection = local_connection(&server).await;

    let job = json!({
        "name": "round trip",
        "steps": [
            {"step_type": "remote.mkdir", "config": {"connection_id": connection["id"], "remote_path": "/out/deep", "recursive": true}},
            {"name": "up", "step_type": "remote.upload", "config": {
                "connection_id": connection["id"],
                "local_path": files.join("in.bin").to_str().unwrap(), "remote_path": "/out/deep/in.bin"}},
            {"step_type": "remote.download", "config": {
                "connection_id": connection["id"], "remote_path": "/out/deep/in.bin", "local_path": "back.bin"}},
            {"step_type": "local.copy", "config": {
                "path": "context:3.downloaded_file", "new_path": files.join("back.bin").to_str().unwrap()}},
        ],
    });
    let job = admin.post("/api/jobs", job).await.created();
    assert_eq!(
        (job["version"].as_u64(), job["enabled"].as_bool()),
        (Some(1), Some(true))
    );
    assert_eq!(job["failure_policy"]["type"], "stop");
    assert_eq!(job["schedules"], json!([]));

    let run = admin
        .post(
            &format!("/api/jobs/{}/run", job["id"].as_str().unwrap()),
            json!({}),
        )
        .await
        .status(202);
    let execution = run.json();
    assert_eq!(
        run.headers["location"],
        format!("/api/executions/{}", execution["id"].as_str().unwrap())
    );
    assert_eq!(execution["steps"].as_array().unwrap().len(), 4);

    let events = admin.events(execution["id"].as_str().unwrap()).await;
    assert_eq!(events.first().unwrap().0, "state");
    let (name, last) = events.last().unwrap();
    assert_eq!(
        (name.as_str(), last["state"].as_str()),
        ("state", Some("completed")),
        "{last:#}"
    );
    for (name, data) in &events {
        match name.as_str() {
            "state" => assert_eq!(data["id"], execution["id"]),
            "progress" => assert!(
                data["step"].is_u64() && data["bytes_transferred"].is_u64() && data.get("eta_sec").is_some(),
                "{data}"
            ),
            "summary" => assert!(
                data["step"].is_u64() && data["files_transferred"].is_u64(),
                "{data}"
            ),
            other => panic!("an event called {other}"),
        }
    }
    assert_eq!(fs::read(files.join("back.bin")).unwrap(), bytes);

    let done = admin
        .get(&format!("/api/executions/{}", execution["id"].as_str().unwrap()))
        .await
        .ok();
    assert_eq!(done["triggered_by"], "admin");
    assert_eq!(done["steps"][1]["name"], "up");
    assert_eq!(done["steps"][1]["bytes_transferred"], 3_000_000);
    assert!(done["context"]["3.downloaded_file"].is_string(), "{done:#}");
    assert!(done["error"].is_null() && done["ended_at"].is_string());

    // The stream of one that is over shows its state and ends.
    let again = admin.events(execution["id"].as_str().unwrap()).await;
    assert_eq!(again.len(), 1);
    let path = format!(
        "/api/executions?job_id={}&state=completed",
        job["id"].as_str().unwrap()
    );
    let listed = admin.get(&path).await.ok();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert!(listed["items"][0]["steps"].is_array());
    assert!(listed["items"][0].get("context").is_none(), "{listed:#}");
    for (query, found) in [
        ("state=failed,completed", 1),
        ("state=queued,failed,%20cancelled", 0),
        ("triggered_by=admin&state=completed", 1),
        ("triggered_by=schedule", 0),
        ("uneventful=false", 1),
        ("uneventful=true", 0),
    ] {
        let listed = admin.get(&format!("/api/executions?{query}")).await.ok();
        assert_eq!(listed["items"].as_array().unwrap().len(), found, "{query}");
    }
    let audit = admin.get("/api/audit?operation=upload").await.ok();
    assert_eq!(audit["items"][0]["job_execution_id"], execution["id"]);
    server.stop().await;
}

#[tokio::test]
async fn a_failed_step_says_why_with_a_code() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let connection = local_connection(&server).await;
    let job = json!({"name": "fails", "steps": [
        {"step_type": "remote.download", "config": {
            "connection_id": connection["id"], "remote_path": "/missing", "local_path": "x"}},
        {"step_type": "local.delete", "config": {"path": "x"}},
    ]});
    let job = admin.post("/api/jobs", job).await.created();
    let run = admin
        .post(
            &format!("/api/jobs/{}/run", job["id"].as_str().unwrap()),
            json!({}),
        )
        .await
        .status(202);
    let path = format!("/api/executions/{}", run.json()["id"].as_str().unwrap());
    let failed = admin
        .until(&path, |execution| execution["state"] == "failed")
        .await;
    assert_eq!(failed["steps"][0]["error"]["kind"], "not_found", "{failed:#}");
    assert_eq!(failed["steps"][0]["error"]["code"], 1030);
    assert_eq!(failed["steps"][1]["state"], "pending");
    assert!(failed["error"]["message"].as_str().unwrap().contains("missing"));
    admin
        .post(&format!("{path}/cancel"), json!({}))
        .await
        .problem(409, 1050);
    server.stop().await;
}

/// A job that lists a folder on a server that accepts connections and never says a word, and its execution.
async fn stuck_execution(server: &TestServer, silent: &TcpListener) -> String {
    let connection = json!({
        "name": "silent", "protocol": "sftp", "host": "127.0.0.1", "port": silent.local_addr().unwrap().port(),
        "auth_method": "password", "username": "u", "password": "p", "connect_timeout_sec": 600,
    });
    let connection = server.admin.post("/api/connections", connection).await.created();
    let config = json!({"connection_id": connection["id"], "remote_path": "/"});
    let job = json!({"name": "stuck", "steps": [{"step_type": "remote.list", "config": config}]});
    let job = server.admin.post("/api/jobs", job).await.created();
    let run = format!("/api/jobs/{}/run", job["id"].as_str().unwrap());
    let run = server.admin.post(&run, json!({})).await.status(202);
    let path = format!("/api/executions/{}", run.json()["id"].as_str().unwrap());
    server
        .admin
        .until(&path, |execution| execution["state"] == "running")
        .await;
    path
}

#[tokio::test]
async fn an_execution_is_paused_resumed_and_cancelled() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let path = stuck_execution(&server, &silent).await;
    admin
        .post(&format!("{path}/resume"), json!({}))
        .await
        .problem(409, 1050);
    admin.post(&format!("{path}/pause"), json!({})).await.ok();
    admin
        .until(&path, |execution| execution["state"] == "paused")
        .await;
    admin.post(&format!("{path}/resume"), json!({})).await.ok();
    admin
        .until(&path, |execution| execution["state"] == "running")
        .await;
    admin.post(&format!("{path}/cancel"), json!({})).await.ok();
    let cancelled = admin
        .until(&path, |execution| execution["state"] == "cancelled")
        .await;
    assert!(cancelled["ended_at"].is_string());
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_ends_its_streams_and_hands_its_work_back() {
    let server = TestServer::start().await;
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let path = stuck_execution(&server, &silent).await;
    let request = server.admin.request(Method::GET, &format!("{path}/events"));
    let mut watching = request.send().await.unwrap();
    let first = watching.chunk().await.unwrap().unwrap();
    let first = String::from_utf8_lossy(&first).into_owned();
    assert!(
        first.contains("event: state") && first.contains("\"state\":\"running\""),
        "{first}"
    );

    let folder = server.stop().await;
    // In order: a stream that was cut off would be an error.
    while watching.chunk().await.unwrap().is_some() {}
    let server = TestServer::start_in(folder).await;
    let again = server
        .admin
        .until(&path, |execution| execution["state"] == "running")
        .await;
    assert_eq!(again["error"], Value::Null, "{again:#}");
    server.admin.post(&format!("{path}/cancel"), json!({})).await.ok();
    server
        .admin
        .until(&path, |execution| execution["state"] == "cancelled")
        .await;
    server.stop().await;
}

#[tokio::test]
async fn nobody_watches_on_with_a_credential_that_has_ended() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let path = stuck_execution(&server, &silent).await;
    let user = json!({"username": "vera", "password": "veras password", "role": "viewer"});
    let vera = admin.post("/api/users", user).await.created();
    let disabled = admin.login("vera", "veras password").await;
    let token = admin
        .post("/api/tokens", json!({"name": "watch"}))
        .await
        .created();
    let revoked = admin.with_token(token["token"].as_str().unwrap());
    let logged_out = admin.login("admin", PASSWORD).await;

    let mut watching = Vec::new();
    for client in [admin, &disabled, &revoked, &logged_out] {
        let request = client.request(Method::GET, &format!("{path}/events"));
        let mut response = request.send().await.unwrap();
        let first = response.chunk().await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&first).contains("running"));
        watching.push(response);
    }
    let vera = format!("/api/users/{}", vera["id"].as_str().unwrap());
    admin.patch(&vera, json!({"disabled": true})).await.ok();
    let token = format!("/api/tokens/{}", token["id"].as_str().unwrap());
    admin.delete(&token).await.status(204);
    logged_out.post("/api/auth/logout", json!({})).await.status(204);
    admin.post(&format!("{path}/cancel"), json!({})).await.ok();
    for (n, response) in watching.into_iter().enumerate() {
        let rest = response.text().await.unwrap();
        assert_eq!(rest.contains("cancelled"), n == 0, "{n}: {rest}");
    }
    server.stop().await;
}

#[tokio::test]
async fn bad_jobs_are_refused_with_their_code() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let post = |job| admin.post("/api/jobs", job);
    let step = |step: Value| json!({"name": "bad", "steps": [step]});
    post(json!({"name": "bad"})).await.problem(400, 1000);
    let unknown = post(step(json!({"step_type": "sftp.teleport", "config": {}}))).await;
    assert_eq!(unknown.fields(400, 2010), ["steps[0].step_type"]);
    let wrong = post(step(
        json!({"step_type": "local.copy", "config": {"path": 7, "new_path": "b"}}),
    ))
    .await;
    assert_eq!(wrong.fields(400, 2011), ["steps[0].config.path"]);
    server.stop().await;
}

#[tokio::test]
async fn putting_the_same_job_twice_gives_the_same() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let job = json!({"name": "j", "steps": [{"step_type": "local.delete", "config": {"path": "x"}}]});
    let made = admin.post("/api/jobs", job.clone()).await.created();
    admin.post("/api/jobs", job.clone()).await.problem(409, 1052);
    let path = format!("/api/jobs/{}", made["id"].as_str().unwrap());

    let mut changed = job.clone();
    changed["description"] = json!("deletes x");
    let once = admin.put(&path, changed.clone()).await.ok();
    let twice = admin.put(&path, changed).await.ok();
    assert_eq!(once["version"], 2);
    assert_eq!(
        (&once["description"], &once["steps"]),
        (&twice["description"], &twice["steps"])
    );
    // What was read can be written back.
    admin.put(&path, twice).await.ok();

    let versions = admin.get(&format!("{path}/versions")).await.ok();
    let versions = versions["items"].as_array().unwrap();
    assert_eq!(versions.last().unwrap()["version"], 1);
    assert_eq!(versions.last().unwrap()["definition"]["name"], "j");
    admin.delete(&path).await.status(204);
    admin.get(&path).await.problem(404, 1030);
    server.stop().await;
}

#[tokio::test]
async fn step_types_describe_themselves() {
    let server = TestServer::start().await;
    let types = server.admin.get("/api/step-types").await.ok();
    let upload = types["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|t| t["step_type"] == "sftp.upload")
        .unwrap();
    assert_eq!(upload["protocol"], "sftp");
    let setting = |name: &str| {
        let settings = upload["settings"].as_array().unwrap();
        settings
            .iter()
            .find(|setting| setting["name"] == name)
            .unwrap_or_else(|| panic!("{name}"))
            .clone()
    };
    assert_eq!(setting("atomic_upload")["default"], true);
    assert_eq!(setting("connection_id")["type"], "connection");
    assert_eq!(setting("remote_path")["required"], true);
    server.stop().await;
}
