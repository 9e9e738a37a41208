//! The history of pulled files over HTTP, and pulling them anew.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{Client, TestServer};

/// A connection of which a mapping has pulled two files; its id, and the mapping's.
async fn pulled(server: &TestServer) -> (String, String) {
    let files = server.folder.path().join("files");
    fs::create_dir(files.join("in")).unwrap();
    fs::write(files.join("in/a.csv"), "first").unwrap();
    fs::write(files.join("in/=b.csv"), "").unwrap();
    let connection = json!({"name": "disk", "protocol": "local", "base_path": files.to_str().unwrap()});
    let made = server.admin.post("/api/connections", connection).await.created();
    let connection = made["id"].as_str().unwrap().to_owned();
    let path = format!("/api/connections/{connection}/folder-mappings");
    let mapping = json!({"remote_path": "in", "min_age_sec": 0, "prefix": "got"});
    let mapping = server.admin.post(&path, mapping).await.created();
    let mapping = mapping["id"].as_str().unwrap().to_owned();
    let run = format!("/api/folder-mappings/{mapping}/run");
    let execution = server.admin.post(&run, json!({})).await.status(202).json();
    over(&server.admin, &execution).await;
    (connection, mapping)
}

/// Waits for an execution's end, which must be a good one.
async fn over(client: &Client, execution: &Value) {
    let path = format!("/api/executions/{}", execution["id"].as_str().unwrap());
    let ended = client
        .until(&path, |now| {
            !["queued", "running"].contains(&now["state"].as_str().unwrap())
        })
        .await;
    assert_eq!(ended["state"], "completed", "{ended}");
}

#[tokio::test]
async fn what_was_pulled_is_listed_filtered_and_exported() {
    let server = TestServer::start().await;
    let (connection, mapping) = pulled(&server).await;
    let viewer = server.with_role("viewer").await;
    let history = format!("/api/connections/{connection}/history");
    let all = viewer.get(&history).await.ok();
    let items = all["items"].as_array().unwrap();
    assert_eq!(items.len(), 2, "{all}");
    let entry = items.iter().find(|item| item["size"] == 5).unwrap();
    assert!(entry["path"].as_str().unwrap().ends_with("in/a.csv"), "{entry}");
    assert_eq!(
        entry["sha256"],
        "a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e"
    );
    assert_eq!(
        (&entry["key"], &entry["after"]),
        (&json!("got/a.csv"), &json!("none"))
    );
    assert_eq!(
        (&entry["mapping_id"], &entry["replay_of"]),
        (&json!(mapping), &Value::Null)
    );
    let one = format!("{history}/{}", entry["id"].as_str().unwrap());
    assert_eq!(viewer.get(&one).await.ok(), *entry);
    let path = entry["path"].as_str().unwrap();
    for (query, count) in [
        ("limit=1".to_owned(), 1),
        ("path=a.csv".to_owned(), 1),
        (format!("prefix={path}"), 1),
        ("prefix=nowhere".to_owned(), 0),
        (format!("mapping_id={mapping}"), 2),
        (format!("execution_id={mapping}"), 0),
        (
            format!("sha256={}", entry["sha256"].as_str().unwrap().to_uppercase()),
            1,
        ),
        ("since=2020-01-01T00:00:00Z".to_owned(), 2),
        ("until=2020-01-01T00:00:00Z".to_owned(), 0),
    ] {
        let found = viewer.get(&format!("{history}?{query}")).await.ok();
        assert_eq!(found["items"].as_array().unwrap().len(), count, "{query}");
    }
    let wrong = viewer
        .get(&format!("{history}?sha256=abc"))
        .await
        .problem(400, 1000);
    assert_eq!(wrong["errors"][0]["field"], "sha256");
    viewer
        .get(&format!("{history}?cursor=x"))
        .await
        .problem(400, 1000);
    let nobody = "01890000-0000-7000-8000-000000000000";
    viewer
        .get(&format!("/api/connections/{nobody}/history"))
        .await
        .problem(404, 1030);
    viewer
        .get(&format!("/api/connections/{nobody}/history/export"))
        .await
        .problem(404, 1030);
    viewer
        .get(&format!("/api/connections/{nobody}/history/{nobody}"))
        .await
        .problem(404, 1030);
    let lines = viewer.get(&format!("{history}/export")).await.status(200);
    let lines: Vec<Value> = lines
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(json!(lines), all["items"]);
    let table = viewer
        .get(&format!("{history}/export?format=csv"))
        .await
        .status(200);
    assert_eq!(table.text.lines().count(), 3);
    assert!(table.text.starts_with("id,path,size,"));
}

#[tokio::test]
async fn files_are_pulled_anew_on_request() {
    let server = TestServer::start().await;
    let (connection, mapping) = pulled(&server).await;
    let (operator, viewer) = (
        server.with_role("operator").await,
        server.with_role("viewer").await,
    );
    let history = format!("/api/connections/{connection}/history");
    let entries = async || {
        let all = viewer.get(&history).await.ok();
        all["items"].as_array().unwrap().clone()
    };
    let entry = entries()
        .await
        .into_iter()
        .find(|item| item["size"] == 5)
        .unwrap();
    let replay = format!("{history}/{}/replay", entry["id"].as_str().unwrap());
    viewer.post(&replay, json!({})).await.problem(403, 1020);
    let execution = operator.post(&replay, json!({})).await.status(202).json();
    over(&viewer, &execution).await;
    let anew = entries().await;
    assert_eq!(anew.len(), 3);
    let again = anew.iter().find(|item| item["replay_of"] == entry["id"]).unwrap();
    assert_eq!(
        (&again["sha256"], &again["path"]),
        (&entry["sha256"], &entry["path"])
    );
    assert_ne!(again["key"], entry["key"]);

    let all = format!("{history}/replay");
    operator.post(&all, json!({})).await.problem(400, 1000);
    operator
        .post(&all, json!({"sins": "2020-01-01T00:00:00Z"}))
        .await
        .problem(400, 1000);
    let some = operator
        .post(&all, json!({"since": "2020-01-01T00:00:00Z"}))
        .await
        .status(202)
        .json();
    // Three entries, of two files.
    assert_eq!((&some["count"], &some["refused"]), (&json!(2), &json!([])));
    over(&viewer, &some["executions"][0]).await;
    assert_eq!(entries().await.len(), 5);
    let none = operator
        .post(&all, json!({"path": "nowhere"}))
        .await
        .status(202)
        .json();
    assert_eq!(none, json!({"count": 0, "executions": [], "refused": []}));

    let path = format!("/api/folder-mappings/{mapping}");
    operator.patch(&path, json!({"enabled": false})).await.ok();
    let refused = operator.post(&replay, json!({})).await.problem(409, 1050);
    assert!(
        refused["detail"].as_str().unwrap().contains("disabled"),
        "{refused}"
    );
    operator.delete(&path).await.status(204);
    operator
        .post(&all, json!({"since": "2020-01-01T00:00:00Z"}))
        .await
        .problem(409, 1050);
    // Who makes the folder's mapping anew can have its files anew.
    let of = format!("/api/connections/{connection}/folder-mappings");
    operator
        .post(&of, json!({"remote_path": "in", "min_age_sec": 0}))
        .await
        .created();
    let execution = operator.post(&replay, json!({})).await.status(202).json();
    over(&viewer, &execution).await;
    assert_eq!(entries().await.len(), 6);
    let audit = server.admin.get("/api/audit?operation=file_replayed").await.ok();
    assert_eq!(audit["items"].as_array().unwrap().len(), 4);
}
