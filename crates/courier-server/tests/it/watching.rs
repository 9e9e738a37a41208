//! Watching everything at once.

use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::harness::{Client, PASSWORD, PATIENCE, TestServer};

/// A stream of events that is read as far as a test wants.
struct Watching {
    response: Response,
    text: String,
}

impl Watching {
    /// Begins, and reads the first event.
    async fn begin(client: &Client) -> (Self, Value) {
        let response = client.request(Method::GET, "/api/events").send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut watching = Self {
            response,
            text: String::new(),
        };
        let (name, data) = watching.next().await.unwrap();
        assert_eq!(name, "hello");
        (watching, data)
    }

    /// The next event, by name and data; none at the end.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    event
                        .lines()
                        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                };
                let told = field("event").map(|name| {
                    let data = serde_json::from_str(field("data").unwrap()).unwrap();
                    (name.trim().to_owned(), data)
                });
                self.text = rest.to_owned();
                if told.is_some() {
                    return told;
                }
            }
            let chunk = timeout(PATIENCE, self.response.chunk())
                .await
                .expect("something is told in time");
            self.text.push_str(str::from_utf8(&chunk.unwrap()?).unwrap());
        }
    }

    /// The data of the next event that is such a one, and all events until then.
    async fn until(&mut self, name: &str, is_it: impl Fn(&Value) -> bool) -> (Value, Vec<(String, Value)>) {
        let mut before = Vec::new();
        loop {
            let (told, data) = self.next().await.expect("the stream goes on");
            if told == name && is_it(&data) {
                return (data, before);
            }
            before.push((told, data));
        }
    }
}

#[tokio::test]
async fn a_viewer_sees_what_runs_and_what_changes() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let (mut watching, hello) = Watching::begin(&server.with_role("viewer").await).await;
    assert_eq!(hello["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(hello["node"], admin.get("/api/overview").await.ok()["node"]);
    assert!(
        hello["console"]
            .as_str()
            .is_some_and(|console| !console.is_empty())
    );

    let files = server.folder.path().join("files");
    std::fs::write(files.join("in.bin"), vec![7; 3_000_000]).unwrap();
    let connection = json!({"name": "disk", "protocol": "local", "base_path": files.to_str().unwrap()});
    let connection = admin.post("/api/connections", connection).await.created();
    watching
        .until("changed", |data| data["what"] == "connections")
        .await;
    watching.until("changed", |data| data["what"] == "audit").await;

    let steps = json!([{"step_type": "remote.upload", "config": {"connection_id": connection["id"],
        "local_path": files.join("in.bin").to_str().unwrap(), "remote_path": "/out.bin"}}]);
    let done = admin.run_job("nightly", &steps).await;
    assert_eq!(done["state"], "completed");
    let is_it = |data: &Value| data["id"] == done["id"];
    let (last, before) = watching
        .until("execution", |data| is_it(data) && data["state"] == "completed")
        .await;
    assert_eq!(
        last,
        json!({"id": done["id"], "job_id": done["job_id"], "mapping_id": null, "job_name": "nightly",
            "state": "completed", "step": null})
    );
    let told = |name: &str| {
        before
            .iter()
            .filter(|(told, _)| told == name)
            .map(|(_, data)| data)
            .collect::<Vec<_>>()
    };
    assert!(told("execution").iter().any(|data| data["state"] == "running"));
    let progress = told("progress");
    let end = progress.last().expect("a file is told of");
    assert_eq!(end["execution_id"], done["id"]);
    assert_eq!(
        (&end["bytes_transferred"], &end["step"]),
        (&json!(3_000_000), &json!(1))
    );
    let jobs = |data: &&Value| data["what"] == "jobs" && data["id"] == done["job_id"];
    assert!(told("changed").iter().any(jobs), "{before:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_connection_that_begins_to_fail_is_told_of() {
    let server = TestServer::start().await;
    let gone = json!({"name": "gone", "protocol": "sftp", "host": "127.0.0.1", "port": 1, "username": "u",
        "auth_method": "password", "password": "p"});
    let connection = server.admin.post("/api/connections", gone).await.created();
    let (mut watching, _) = Watching::begin(&server.admin).await;
    // Looking at a folder changes nothing by itself.
    let path = format!("/api/connections/{}/files", connection["id"].as_str().unwrap());
    assert_ne!(server.admin.get(&path).await.status, 200);
    let is_it = |data: &Value| data["what"] == "connections" && data["id"] == connection["id"];
    watching.until("changed", is_it).await;
    server.stop().await;
}

#[tokio::test]
async fn the_stream_ends_with_the_session() {
    let server = TestServer::start().await;
    let session = server.anybody().login("admin", PASSWORD).await;
    let (mut watching, _) = Watching::begin(&session).await;
    session.post("/api/auth/logout", json!({})).await.status(204);
    while watching.next().await.is_some() {}
    server.stop().await;
}

#[tokio::test]
async fn the_stream_ends_with_the_server() {
    let server = TestServer::start().await;
    let (mut watching, _) = Watching::begin(&server.admin).await;
    server.stop().await;
    while watching.next().await.is_some() {}
}
