//! Folder mappings over HTTP. What they pull is tested with the binary.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{Client, TestServer};

/// A `local` connection below the data folder's `files`, with a folder `in`.
async fn connection(server: &TestServer) -> String {
    let files = server.folder.path().join("files");
    fs::create_dir(files.join("in")).unwrap();
    let connection = json!({"name": "disk", "protocol": "local", "base_path": files.to_str().unwrap()});
    let made = server.admin.post("/api/connections", connection).await.created();
    made["id"].as_str().unwrap().to_owned()
}

async fn mapping(client: &Client, connection: &str, fields: Value) -> Value {
    let path = format!("/api/connections/{connection}/folder-mappings");
    client.post(&path, fields).await.created()
}

#[tokio::test]
async fn a_mapping_is_made_changed_and_deleted() {
    let server = TestServer::start().await;
    let operator = server.with_role("operator").await;
    let connection = connection(&server).await;
    let of = format!("/api/connections/{connection}/folder-mappings");
    let made = operator
        .post(&of, json!({"remote_path": "in", "pattern": "*.csv"}))
        .await
        .status(201);
    let mapping = made.json();
    let path = format!("/api/folder-mappings/{}", mapping["id"].as_str().unwrap());
    assert_eq!(made.headers["location"], path);
    assert_eq!(mapping["remote_path"], "/in");
    assert_eq!(mapping["name"], "/in");
    assert_eq!(
        (&mapping["interval_sec"], &mapping["cron"], &mapping["timezone"]),
        (&json!(300), &Value::Null, &Value::Null)
    );
    assert_eq!(mapping["health"], "unknown");
    assert_eq!(operator.get(&path).await.ok(), mapping);
    for list in [
        of.clone(),
        "/api/folder-mappings?health=unknown&enabled=true&search=IN".to_owned(),
        format!("/api/folder-mappings?connection_id={connection}"),
        format!(
            "/api/folder-mappings?storage_id={}",
            mapping["storage_id"].as_str().unwrap()
        ),
    ] {
        assert_eq!(
            operator.get(&list).await.ok()["items"],
            json!([mapping]),
            "{list}"
        );
    }
    let healthy = operator.get("/api/folder-mappings?health=healthy").await.ok();
    assert_eq!(healthy["items"], json!([]));

    let changes =
        json!({"cron": "0 6 * * *", "timezone": "Europe/Berlin", "pattern": null, "enabled": false});
    let changed = operator.patch(&path, changes).await.ok();
    assert_eq!(
        (&changed["interval_sec"], &changed["cron"]),
        (&Value::Null, &json!("0 6 * * *"))
    );
    assert_eq!(
        (&changed["pattern"], &changed["next_run_at"]),
        (&json!("*"), &Value::Null)
    );

    // Whoever has mappings stays.
    let refused = operator.delete(&format!("/api/connections/{connection}")).await;
    refused.problem(409, 3010);
    operator.delete(&path).await.status(204);
    operator.get(&path).await.problem(404, 1030);
    operator.get(&of).await.ok();
    operator
        .get("/api/connections/0192f0c4-0000-7000-8000-000000000000/folder-mappings")
        .await
        .problem(404, 1030);
}

#[tokio::test]
async fn what_is_wrong_has_its_code() {
    let server = TestServer::start().await;
    let connection = connection(&server).await;
    let of = format!("/api/connections/{connection}/folder-mappings");
    mapping(&server.admin, &connection, json!({"remote_path": "/in"})).await;
    for (fields, status, code) in [
        (json!({"remote_path": "/in/../.."}), 400, 1000),
        (json!({"remote_path": "/in", "unknown": true}), 400, 1000),
        (json!({"remote_path": "/in", "prefix": "../out"}), 400, 1000),
        (json!({"remote_path": "/in", "cron": "never"}), 400, 2012),
        (json!({"remote_path": "/in"}), 409, 1052),
    ] {
        server.admin.post(&of, fields).await.problem(status, code);
    }
}

#[tokio::test]
async fn a_dry_run_shows_what_a_run_would_take() {
    let server = TestServer::start().await;
    let connection = connection(&server).await;
    let folder = server.folder.path().join("files/in");
    for name in ["a.csv", "b.txt", "c.csv.tmp"] {
        fs::write(folder.join(name), "12345").unwrap();
    }
    let fields = json!({"remote_path": "/in", "pattern": "*.csv", "min_age_sec": 0, "prefix": "partner"});
    let mapping = mapping(&server.admin, &connection, fields).await;
    let path = format!("/api/folder-mappings/{}", mapping["id"].as_str().unwrap());
    let run = server
        .admin
        .post(&format!("{path}/dry-run"), Value::Null)
        .await
        .ok();
    let first = &run["files"][0];
    assert_eq!(
        (&first["path"], &first["verdict"], &first["key"]),
        (&json!("/in/a.csv"), &json!("pull"), &json!("partner/a.csv"))
    );
    assert_eq!(run["counts"]["pull"], json!(1));
    assert_eq!(run["bytes"], json!(5));
    assert_eq!(
        (&run["truncated"], &run["timed_out"]),
        (&json!(false), &json!(false))
    );

    let run = server
        .admin
        .post(&format!("{path}/run"), Value::Null)
        .await
        .status(202);
    let execution = run.json();
    assert_eq!(execution["mapping_id"], mapping["id"]);
    assert_eq!(
        run.headers["location"],
        format!("/api/executions/{}", execution["id"].as_str().unwrap())
    );
}

#[tokio::test]
async fn a_dry_run_shows_what_a_mapping_would_take_before_it_is_saved() {
    let server = TestServer::start().await;
    let connection = connection(&server).await;
    let files = server.folder.path().join("files/in");
    for name in ["a.csv", "b.xml"] {
        fs::write(files.join(name), "12345").unwrap();
    }
    let of = format!("/api/connections/{connection}/folder-mappings");
    let unsaved = format!("{of}/dry-run");
    let fields = json!({"remote_path": "in", "pattern": "*.csv", "min_age_sec": 0, "interval_sec": 3600});

    let run = server.admin.post(&unsaved, fields.clone()).await.ok();
    assert_eq!(run["counts"], json!({"pull": 1, "not_matching": 1}));
    let none = server.admin.get(&of).await.ok();
    assert_eq!(none["items"], json!([]), "a look makes nothing");
    let refused = server.admin.post(&unsaved, json!({"remote_path": "../in"})).await;
    assert_eq!(refused.fields(400, 1000), ["remote_path"]);

    let saved = mapping(&server.admin, &connection, fields).await;
    let path = format!("/api/folder-mappings/{}", saved["id"].as_str().unwrap());
    let dry_run = format!("{path}/dry-run");
    let run = server
        .admin
        .post(&dry_run, json!({"pattern": "*.{csv,xml}"}))
        .await
        .ok();
    assert_eq!(run["counts"], json!({"pull": 2}));
    let run = server.admin.post(&dry_run, json!({})).await.ok();
    assert_eq!(run["counts"], json!({"pull": 1, "not_matching": 1}));
    let kept = server.admin.get(&path).await.ok();
    assert_eq!(kept["pattern"], "*.csv", "a look changes nothing");

    let viewer = server.with_role("viewer").await;
    viewer
        .post(&unsaved, json!({"remote_path": "in"}))
        .await
        .problem(403, 1020);
}

#[tokio::test]
async fn the_first_page_and_monitoring_show_what_mappings_do() {
    let server = TestServer::start().await;
    let connection = connection(&server).await;
    let files = server.folder.path().join("files");
    fs::write(files.join("in/a.csv"), "12345").unwrap();
    fs::create_dir(files.join("gone")).unwrap();
    let fields = |path: &str| json!({"remote_path": path, "min_age_sec": 0, "interval_sec": 3600});
    let mut made = Vec::new();
    for path in ["in", "gone"] {
        made.push(mapping(&server.admin, &connection, fields(path)).await);
    }
    fs::remove_dir(files.join("gone")).unwrap();
    for mapping in &made {
        let path = format!("/api/folder-mappings/{}/run", mapping["id"].as_str().unwrap());
        let run = server.admin.post(&path, Value::Null).await.status(202).json();
        server.admin.events(run["id"].as_str().unwrap()).await;
    }

    let overview = server.admin.get("/api/overview").await.ok();
    let pulls = &overview["pulls"];
    assert_eq!(
        pulls["mappings"],
        json!({"unknown": 0, "healthy": 1, "failing": 1, "requires_attention": 0})
    );
    let pulled = json!({"files": 1, "bytes": 5});
    for of in [
        &pulls["pulled_24h"],
        &pulls["pulled_7d"],
        &overview["moved_24h"],
        &overview["moved_7d"],
    ] {
        assert_eq!(*of, pulled, "{overview:#}");
    }
    let next: Vec<&Value> = pulls["next"].as_array().unwrap().iter().collect();
    assert_eq!(next.len(), 2);
    assert!(next.iter().all(|one| one["connection_name"] == "disk"));

    // The connection itself works, and is shown as its mappings fare.
    assert_eq!(overview["connections"]["failing"], json!(1));
    let found = server.admin.get("/api/connections?health=failing").await.ok();
    let shown = &found["items"][0];
    assert_eq!(
        (&shown["id"], &shown["health"]),
        (&json!(connection), &json!("failing"))
    );
    let detail = shown["health_detail"].as_str().unwrap();
    assert!(detail.contains("the folder mapping \"/gone\""), "{detail}");

    let metrics = server.admin.get("/metrics").await.text;
    for (name, label, value) in [
        ("courier_pulls_files_total", "", "1"),
        ("courier_pulls_bytes_total", "", "5"),
        ("courier_pulled_files_24h", "", "1"),
        ("courier_folder_mappings", "health=\"failing\"", "1"),
        ("courier_connections", "health=\"failing\"", "1"),
    ] {
        let mut lines = metrics.lines();
        let line = lines.find(|line| line.starts_with(&format!("{name}{{")) && line.contains(label));
        let found = line.and_then(|line| line.rsplit(' ').next());
        assert_eq!(found, Some(value), "{name} {label} in\n{metrics}");
    }
    server.stop().await;
}
