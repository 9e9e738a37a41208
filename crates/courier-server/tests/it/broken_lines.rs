//! Jobs over lines that break: the real server and client, and a line between them that fails when it is told to.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use courier_sftp::server::{RunningServer, SftpServer, User};
use courier_transfer::testkit::{
    Direction::{Down, Up},
    Fault, Proxy,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{PATIENCE, TestServer};

const PASSWORD: &str = "the-partner-s-password";

/// Courier, a partner's server, and the line between them.
struct Ends {
    server: TestServer,
    line: Proxy,
    partner: RunningServer,
    root: TempDir,
    connection: Value,
}

impl Ends {
    async fn new(settings: Value) -> Self {
        let root = tempfile::tempdir().unwrap();
        let user = User::new("courier").password(PASSWORD.to_owned().into());
        let partner = SftpServer::builder()
            .user(user)
            .root(root.path())
            .start()
            .unwrap();
        let line = Proxy::to(partner.addr().port());
        let server = TestServer::start().await;
        let mut input = json!({
            "name": "partner", "protocol": "sftp", "host": "127.0.0.1", "port": line.port(), "auth_method": "password",
            "username": "courier", "password": PASSWORD,
        });
        let more = settings.as_object().unwrap().clone();
        input.as_object_mut().unwrap().extend(more);
        let connection = server.admin.post("/api/connections", input).await.created();
        Self {
            server,
            line,
            partner,
            root,
            connection: connection["id"].clone(),
        }
    }

    /// A file below the folder that jobs may touch.
    fn local(&self, name: &str) -> PathBuf {
        self.server.folder.path().join("files").join(name)
    }

    fn download(&self, name: &str) -> Value {
        json!({"step_type": "sftp.download", "config": {
            "connection_id": self.connection, "remote_path": name, "local_path": self.local(name)}})
    }

    /// Sets a job going; where its execution is.
    async fn start(&self, steps: Value) -> String {
        let admin = &self.server.admin;
        let name = uuid::Uuid::now_v7();
        let job = json!({"name": name, "steps": steps});
        let job = admin.post("/api/jobs", job).await.created();
        let run = format!("/api/jobs/{}/run", job["id"].as_str().unwrap());
        let run = admin.post(&run, json!({})).await.status(202).json();
        format!("/api/executions/{}", run["id"].as_str().unwrap())
    }

    /// Waits for its end.
    async fn ended(&self, execution: &str) -> Value {
        let over = |e: &Value| !matches!(e["state"].as_str(), Some("queued" | "running"));
        self.server.admin.until(execution, over).await
    }

    async fn count(&self, operation: &str) -> usize {
        let path = format!("/api/audit?operation={operation}");
        let records = self.server.admin.get(&path).await.ok();
        records["items"].as_array().unwrap().len()
    }

    async fn stop(self) {
        self.server.stop().await;
        self.partner.stop();
    }
}

/// Looks again and again until it is so.
async fn until(pause: Duration, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "nothing happened");
        tokio::time::sleep(pause).await;
    }
}

/// Bytes in which no part is like another.
fn content(size: u32) -> Vec<u8> {
    (0..size / 4)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect()
}

#[tokio::test]
async fn a_job_goes_on_through_ten_cuts_in_each_direction() {
    let ends = Ends::new(json!({})).await;
    let bytes = content(30_000_000);
    fs::write(ends.root.path().join("down"), &bytes).unwrap();
    fs::write(ends.local("up"), &bytes).unwrap();
    for n in 1..=10 {
        ends.line.after(Down, n * 2_800_000, Fault::Reset);
        ends.line.after(Up, n * 2_800_000, Fault::Reset);
    }
    let upload = json!({"step_type": "sftp.upload", "config": {
        "connection_id": ends.connection, "local_path": ends.local("up"), "remote_path": "up"}});
    let execution = ends.start(json!([ends.download("down"), upload])).await;
    let done = ends.ended(&execution).await;
    assert_eq!(done["state"], "completed", "{done:#}");
    assert_eq!(ends.line.faults(), 20);
    for step in done["steps"].as_array().unwrap() {
        assert_eq!(step["attempts"], 1, "{step:#}");
        // What was acknowledged, and what was on its way.
        let moved = step["bytes_transferred"].as_u64().unwrap();
        assert_eq!(moved, 30_000_000, "{step:#}");
    }
    assert!(fs::read(ends.local("down")).unwrap() == bytes);
    assert!(fs::read(ends.root.path().join("up")).unwrap() == bytes);
    let left: Vec<_> = fs::read_dir(ends.root.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert_eq!(
        (ends.count("connected").await, ends.count("disconnected").await),
        (21, 21)
    );
    ends.stop().await;
}

#[tokio::test]
async fn reconnects_that_bring_nothing_run_out() {
    let ends = Ends::new(json!({})).await;
    fs::write(ends.root.path().join("down"), content(8_000_000)).unwrap();
    ends.line.after(Down, 1_000_000, Fault::Stall);
    let execution = ends.start(json!([ends.download("down")])).await;
    ends.line.passed(Down, 1_000_000).await;
    // In the middle of the handshake.
    ends.line.each_after(Down, 1_000, Fault::Reset);
    ends.line.cut();
    let done = ends.ended(&execution).await;
    assert_eq!(done["state"], "failed", "{done:#}");
    assert_eq!(ends.line.connections(), 3);
    let message = done["error"]["message"].as_str().unwrap();
    for part in ["arrived_bytes: ", "total_bytes: 8000000", "2 attempts in a row"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    ends.stop().await;
}

#[tokio::test]
async fn a_pause_while_it_waits_to_reconnect_is_quick() {
    let ends = Ends::new(json!({"transport_retries": 3})).await;
    fs::write(ends.root.path().join("down"), content(8_000_000)).unwrap();
    ends.line.after(Down, 1_000_000, Fault::Stall);
    let execution = ends.start(json!([ends.download("down")])).await;
    ends.line.passed(Down, 1_000_000).await;
    ends.line.refuse();
    ends.line.cut();
    // The first reconnect is tried at once, the next a second later.
    let admin = &ends.server.admin;
    let failing = |c: &Value| c["health"] == "failing";
    let connection = format!("/api/connections/{}", ends.connection.as_str().unwrap());
    admin.until(&connection, failing).await;
    let started = Instant::now();
    let paused = admin.post(&format!("{execution}/pause"), json!({})).await.ok();
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(paused["state"], "paused");
    ends.line.pass();
    ends.line.accept();
    admin.post(&format!("{execution}/resume"), json!({})).await.ok();
    let done = ends.ended(&execution).await;
    assert_eq!(done["state"], "completed", "{done:#}");
    assert_eq!(done["steps"][0]["bytes_transferred"], 8_000_000);
    ends.stop().await;
}

#[tokio::test]
async fn a_rename_whose_answer_was_lost_is_looked_up() {
    let ends = Ends::new(json!({})).await;
    fs::write(ends.root.path().join("old"), "content").unwrap();
    // The file has its new name for so long before Courier hears of it.
    ends.line.delay(Down, Duration::from_millis(200));
    let rename = json!({"step_type": "remote.rename", "config": {
        "connection_id": ends.connection, "remote_path": "old", "new_path": "new"}});
    let execution = ends.start(json!([rename])).await;
    until(Duration::from_millis(2), || ends.root.path().join("new").exists()).await;
    ends.line.cut();
    ends.line.pass();
    let done = ends.ended(&execution).await;
    assert_eq!(done["state"], "completed", "{done:#}");
    assert_eq!(fs::read(ends.root.path().join("new")).unwrap(), b"content");
    assert_eq!(ends.line.connections(), 2);
    ends.stop().await;
}

/// The further sessions of one execution are there only while nobody else waits for one.
#[tokio::test]
async fn sessions_that_share_a_file_make_room() {
    let ends = Ends::new(json!({"max_sessions": 2})).await;
    let bytes = content(70_000_000);
    fs::write(ends.root.path().join("down"), &bytes).unwrap();
    ends.line.delay(Up, Duration::from_millis(10));
    ends.line.delay(Down, Duration::from_millis(10));
    ends.line.throttle(Down, 4_000_000);
    let first = ends.start(json!([ends.download("down")])).await;
    until(Duration::from_millis(5), || ends.line.open_connections() == 2).await;
    ends.line.passed(Down, 1_000_000).await;
    let list =
        json!({"step_type": "remote.list", "config": {"connection_id": ends.connection, "remote_path": "/"}});
    let second = ends.start(json!([list])).await;
    let listed = ends.ended(&second).await;
    assert_eq!(listed["state"], "completed", "{listed:#}");
    let running = ends.server.admin.get(&first).await.ok();
    assert_eq!(running["state"], "running", "{running:#}");
    ends.line.pass();
    let done = ends.ended(&first).await;
    assert_eq!(done["state"], "completed", "{done:#}");
    assert_eq!(done["steps"][0]["bytes_transferred"], 70_000_000);
    assert!(fs::read(ends.local("down")).unwrap() == bytes);
    assert_eq!(ends.count("connected").await, ends.count("disconnected").await);
    ends.stop().await;
}

/// Where several sessions write one file it may have holes; what interrupted them, and when, must not show in the end.
#[tokio::test]
async fn an_upload_that_sessions_share_survives_cuts_and_a_pause() {
    let ends = Ends::new(json!({"max_sessions": 3})).await;
    let bytes = content(80_000_000);
    fs::write(ends.local("up"), &bytes).unwrap();
    ends.line.delay(Up, Duration::from_millis(10));
    ends.line.delay(Down, Duration::from_millis(10));
    ends.line.throttle(Up, 12_000_000);
    ends.line.after(Up, 8_000_000, Fault::Reset);
    ends.line.after(Up, 14_000_000, Fault::Cut);
    let upload = json!({"step_type": "sftp.upload", "config": {
        "connection_id": ends.connection, "local_path": ends.local("up"), "remote_path": "up"}});
    let execution = ends.start(json!([upload])).await;
    until(Duration::from_millis(5), || ends.line.open_connections() == 3).await;
    ends.line.passed(Up, 20_000_000).await;
    let admin = &ends.server.admin;
    let started = Instant::now();
    let paused = admin.post(&format!("{execution}/pause"), json!({})).await.ok();
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(paused["state"], "paused");
    until(Duration::from_millis(5), || ends.line.open_connections() == 0).await;
    ends.line.pass();
    admin.post(&format!("{execution}/resume"), json!({})).await.ok();
    let done = ends.ended(&execution).await;
    assert_eq!(done["state"], "completed", "{done:#}");
    assert!(fs::read(ends.root.path().join("up")).unwrap() == bytes);
    assert_eq!(fs::read_dir(ends.root.path()).unwrap().count(), 1);
    assert_eq!(ends.count("connected").await, ends.count("disconnected").await);
    ends.stop().await;
}
