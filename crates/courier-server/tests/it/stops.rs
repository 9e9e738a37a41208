//! Executions that are cancelled and paused in the middle, also where the server hangs: within two seconds, by every
//! protocol.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use courier_sftp::server::{RunningServer, SftpServer, User};
use courier_transfer::testkit::{
    Direction::{Down, Up},
    Proxy,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{
    harness::{PATIENCE, TestServer},
    proftpd::{self, ProFtpd},
};

const PASSWORD: &str = "the-partner-s-password";
const QUICK: Duration = Duration::from_secs(2);

/// Courier with a connection to some partner.
struct Ends {
    server: TestServer,
    connection: Value,
}

impl Ends {
    async fn new(connection: Value) -> Self {
        let server = TestServer::start().await;
        let connection = server.admin.post("/api/connections", connection).await.created();
        Self {
            server,
            connection: connection["id"].clone(),
        }
    }

    /// A step that moves a file of this size. It holds nothing, and takes no place.
    fn step(&self, verb: &str, file: &Path, size: u64) -> Value {
        let local = self.server.folder.path().join("files/big");
        let source = if verb == "upload" { local.as_path() } else { file };
        fs::File::create(source).unwrap().set_len(size).unwrap();
        json!({"step_type": format!("remote.{verb}"),
            "config": {"connection_id": self.connection, "local_path": local, "remote_path": "big"}})
    }

    async fn start(&self, step: Value) -> String {
        let admin = &self.server.admin;
        let job = json!({"name": uuid::Uuid::now_v7(), "steps": [step]});
        let job = admin.post("/api/jobs", job).await.created();
        let run = format!("/api/jobs/{}/run", job["id"].as_str().unwrap());
        let run = admin.post(&run, json!({})).await.status(202).json();
        format!("/api/executions/{}", run["id"].as_str().unwrap())
    }

    async fn moving(&self, execution: &str) {
        let moves = |e: &Value| e["steps"][0]["bytes_transferred"].as_u64() > Some(1_000_000);
        self.server.admin.until(execution, moves).await;
    }

    /// Tells it to stop, and looks that it is stopped in time.
    async fn stop(&self, execution: &str, how: &str) -> Value {
        let began = Instant::now();
        let path = format!("{execution}/{how}");
        let stopped = self.server.admin.post(&path, json!({})).await.ok();
        let took = began.elapsed();
        let state = if how == "pause" { "paused" } else { "cancelled" };
        assert_eq!(stopped["state"], state, "{stopped:#}");
        assert!(took < QUICK, "{how} took {took:?}");
        stopped
    }
}

/// A partner by SFTP, behind a line that can be made to hang.
struct Sftp {
    partner: RunningServer,
    line: Proxy,
    root: TempDir,
}

impl Sftp {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let user = User::new("courier").password(PASSWORD.to_owned().into());
        let server = SftpServer::builder().user(user).root(root.path());
        let partner = server.start().unwrap();
        let line = Proxy::to(partner.addr().port());
        line.throttle(Up, 5_000_000);
        line.throttle(Down, 5_000_000);
        Self { partner, line, root }
    }

    fn connection(&self) -> Value {
        json!({"name": "partner", "protocol": "sftp", "host": "127.0.0.1", "port": self.line.port(),
            "auth_method": "password", "username": "courier", "password": PASSWORD})
    }

    fn stop(self) {
        drop(self.line);
        self.partner.stop();
    }
}

#[tokio::test]
async fn a_silent_sftp_server_holds_no_stop_up() {
    let partner = Sftp::new();
    let ends = Ends::new(partner.connection()).await;
    for (verb, how) in [
        ("upload", "cancel"),
        ("upload", "pause"),
        ("download", "cancel"),
        ("download", "pause"),
    ] {
        let step = ends.step(verb, &partner.root.path().join("big"), 50_000_000);
        let execution = ends.start(step).await;
        ends.moving(&execution).await;
        partner.line.stall(Up);
        partner.line.stall(Down);
        ends.stop(&execution, how).await;
        partner.line.cut();
        partner.line.pass();
    }
    ends.server.stop().await;
    partner.stop();
}

#[tokio::test]
async fn a_cancelled_upload_leaves_nothing_and_a_paused_one_its_partial() {
    let partner = Sftp::new();
    let ends = Ends::new(partner.connection()).await;
    let names = || {
        let entries = fs::read_dir(partner.root.path()).unwrap();
        let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
        names.collect::<Vec<_>>()
    };
    let step = ends.step("upload", Path::new(""), 50_000_000);
    let execution = ends.start(step.clone()).await;
    ends.moving(&execution).await;
    ends.stop(&execution, "cancel").await;
    assert_eq!(names(), [""; 0]);

    let execution = ends.start(step).await;
    ends.moving(&execution).await;
    let paused = ends.stop(&execution, "pause").await;
    assert_eq!(names().len(), 1, "{paused:#}");
    partner.line.pass();
    ends.server
        .admin
        .post(&format!("{execution}/resume"), json!({}))
        .await
        .ok();
    let over = |e: &Value| !matches!(e["state"].as_str(), Some("queued" | "running"));
    let done = ends.server.admin.until(&execution, over).await;
    assert_eq!(done["state"], "completed", "{done:#}");
    assert_eq!(done["steps"][0]["bytes_transferred"], 50_000_000, "{done:#}");
    assert_eq!(names(), ["big"]);
    let states: Vec<&str> = done["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["state"].as_str().unwrap())
        .collect();
    assert_eq!(
        states,
        ["queued", "running", "paused", "queued", "running", "completed"]
    );
    ends.server.stop().await;
    partner.stop();
}

#[tokio::test]
async fn a_server_that_never_says_a_word_holds_no_stop_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    for protocol in ["sftp", "ftp", "ftps"] {
        let ends = Ends::new(
            json!({"name": "silent", "protocol": protocol, "host": "127.0.0.1", "port": port,
            "auth_method": "password", "username": "courier", "password": PASSWORD}),
        )
        .await;
        for how in ["cancel", "pause"] {
            let step = ends.step("upload", Path::new(""), 1_000);
            let execution = ends.start(step).await;
            let (connected, _) = silent.accept().await.unwrap();
            ends.stop(&execution, how).await;
            drop(connected);
        }
        ends.server.stop().await;
    }
}

#[tokio::test]
async fn a_frozen_ftp_server_holds_no_stop_up() {
    let partner = ProFtpd::start();
    for protocol in ["ftp", "ftps"] {
        let mut connection = json!({"name": "partner", "protocol": protocol, "host": "127.0.0.1", "port": partner.port,
            "username": "partner", "password": proftpd::PASSWORD});
        if protocol == "ftps" {
            connection["tls_pinned_thumbprint"] = json!(partner.thumbprint.to_string());
            connection["tls_cert_policy"] = json!("pinned_thumbprint");
        }
        let ends = Ends::new(connection).await;
        for (verb, how) in [
            ("upload", "cancel"),
            ("upload", "pause"),
            ("download", "cancel"),
            ("download", "pause"),
        ] {
            let step = ends.step(verb, &partner.file("big"), 4_000_000_000);
            let execution = ends.start(step).await;
            ends.moving(&execution).await;
            let frozen = partner.freeze();
            ends.stop(&execution, how).await;
            drop(frozen);
        }
        ends.server.stop().await;
    }
    partner.stop();
}

#[tokio::test]
async fn a_cancelled_upload_leaves_nothing_on_an_ftp_server() {
    let partner = ProFtpd::start();
    let ends = Ends::new(
        json!({"name": "partner", "protocol": "ftp", "host": "127.0.0.1", "port": partner.port,
        "username": "partner", "password": proftpd::PASSWORD}),
    )
    .await;
    let step = ends.step("upload", Path::new(""), 4_000_000_000);
    let execution = ends.start(step).await;
    ends.moving(&execution).await;
    ends.stop(&execution, "cancel").await;
    let deadline = Instant::now() + PATIENCE;
    while fs::read_dir(partner.file("")).unwrap().count() > 0 {
        assert!(Instant::now() < deadline, "the temporary file is still there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    ends.server.stop().await;
    partner.stop();
}
