//! A connection to a real SFTP server, with a host key that is pinned and then changes.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use courier_sftp::server::{RunningServer, SftpServer, User};
use serde_json::{Value, json};

use crate::harness::{PATIENCE, TestServer};

const PASSWORD: &str = "the-partner-s-password";

/// A server with a new host key. A port that another one just left may be taken for a moment.
fn partner(root: &Path, listen: SocketAddr) -> RunningServer {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let user = User::new("courier").password(PASSWORD.to_owned().into());
        match SftpServer::builder().listen(listen).user(user).root(root).start() {
            Ok(server) => return server,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// A free port of the loopback interface.
fn anywhere() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

fn connection(partner: &RunningServer) -> Value {
    json!({
        "name": "partner", "protocol": "sftp", "host": "127.0.0.1", "port": partner.addr().port(),
        "auth_method": "password", "username": "courier", "password": PASSWORD, "connect_timeout_sec": 10,
    })
}

fn fingerprint(partner: &RunningServer) -> String {
    partner.host_key().fingerprint.to_string()
}

#[tokio::test]
async fn a_test_shows_what_the_server_is_and_pins_its_key() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let root = tempfile::tempdir().unwrap();
    let partner = partner(root.path(), anywhere());

    // Before it is saved: everything is learnt, nothing is kept.
    let result = admin
        .post("/api/connections/test", connection(&partner))
        .await
        .ok();
    assert_eq!(
        (&result["success"], &result["error_code"]),
        (&json!(true), &Value::Null),
        "{result:#}"
    );
    assert_eq!(result["host_key_fingerprint"], fingerprint(&partner));
    assert!(result["latency_ms"].is_u64());
    assert!(
        result["server_banner"]
            .as_str()
            .is_some_and(|banner| !banner.is_empty())
    );
    let of = |list: &str| result["algorithms"][list].as_array().unwrap().clone();
    assert_eq!(
        result["weak_algorithms"],
        json!([]),
        "what it has is sound: {result:#}"
    );
    for list in ["key_exchange", "host_key", "encryption", "mac"] {
        assert!(!of(list).is_empty(), "{list}: {result:#}");
        let all = result["supported_algorithms"].as_array().unwrap();
        assert!(
            of(list).iter().all(|name| all.contains(name)),
            "{list}: {result:#}"
        );
    }
    assert!(result["capabilities"]["resume_download"].as_bool().unwrap());

    let made = admin
        .post("/api/connections", connection(&partner))
        .await
        .created();
    let path = format!("/api/connections/{}", made["id"].as_str().unwrap());
    admin.post(&format!("{path}/test"), json!({})).await.ok();
    let tested = admin.get(&path).await.ok();
    assert_eq!(
        (&tested["health"], &tested["stored_host_fingerprint"]),
        (&json!("healthy"), &json!(fingerprint(&partner)))
    );
    let hosts = admin.get(&format!("{path}/known-hosts")).await.ok();
    assert_eq!(hosts["items"][0]["fingerprint"], fingerprint(&partner));
    assert_eq!(
        (&hosts["items"][0]["approved"], &hosts["items"][0]["approved_by"]),
        (&json!(true), &json!("system"))
    );

    let wrong = json!({"password": "not it"});
    admin.patch(&path, wrong).await.ok();
    let result = admin.post(&format!("{path}/test"), json!({})).await.ok();
    assert_eq!(
        (&result["success"], &result["error_code"]),
        (&json!(false), &json!(3001)),
        "{result:#}"
    );
    assert_eq!(result["host_key_fingerprint"], fingerprint(&partner));
    partner.stop();
    server.stop().await;
}

#[tokio::test]
async fn a_changed_host_key_is_refused_until_somebody_approves_it() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let root = tempfile::tempdir().unwrap();
    let first = partner(root.path(), anywhere());
    let old = fingerprint(&first);
    let made = admin.post("/api/connections", connection(&first)).await.created();
    let path = format!("/api/connections/{}", made["id"].as_str().unwrap());
    admin.post(&format!("{path}/test"), json!({})).await.ok();

    let address = first.addr();
    first.stop();
    let second = partner(root.path(), address);
    let new = fingerprint(&second);
    let result = admin.post(&format!("{path}/test"), json!({})).await.ok();
    assert_eq!(result["error_code"], 3002, "{result:#}");
    let message = result["error_message"].as_str().unwrap();
    assert!(message.contains(&old) && message.contains(&new), "{message}");
    assert_eq!(result["host_key_fingerprint"], new);
    assert_eq!(admin.get(&path).await.ok()["health"], "requires_attention");
    admin.get(&format!("{path}/files")).await.problem(409, 1050);

    let approve = format!("{path}/host-key/approve");
    let operator = server.with_role("operator").await;
    operator
        .post(&approve, json!({"fingerprint": new}))
        .await
        .problem(403, 1020);
    admin
        .post(
            &approve,
            json!({"fingerprint": format!("SHA256:{}", "A".repeat(43))}),
        )
        .await
        .status(400);
    assert_eq!(
        admin.post(&approve, json!({"fingerprint": new})).await.ok()["approved"],
        true
    );
    let result = admin.post(&format!("{path}/test"), json!({})).await.ok();
    assert_eq!(result["success"], true, "{result:#}");
    let healed = admin.get(&path).await.ok();
    assert_eq!(
        (&healed["health"], &healed["stored_host_fingerprint"]),
        (&json!("healthy"), &json!(new))
    );
    for operation in ["host_key_rejected", "host_key_approved"] {
        let audit = admin
            .get(&format!("{path}/audit?operation={operation}"))
            .await
            .ok();
        assert_eq!(audit["items"].as_array().unwrap().len(), 1, "{audit:#}");
    }
    second.stop();
    server.stop().await;
}

#[tokio::test]
async fn a_file_goes_there_and_comes_back() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let root = tempfile::tempdir().unwrap();
    let partner = partner(root.path(), anywhere());
    let connection = admin
        .post("/api/connections", connection(&partner))
        .await
        .created();
    let files = server.folder.path().join("files");
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|i| (i / 7) as u8).collect();
    fs::write(files.join("there.bin"), &bytes).unwrap();
    let back = files.join("back.bin");
    let step = |step_type: &str, local: &Path| {
        json!({"step_type": step_type, "config": {
            "connection_id": connection["id"], "local_path": local.to_str().unwrap(), "remote_path": "/there.bin"}})
    };
    let steps = [
        step("sftp.upload", &files.join("there.bin")),
        step("sftp.download", &back),
    ];
    let job = admin
        .post("/api/jobs", json!({"name": "there and back", "steps": steps}))
        .await
        .created();
    let run = admin
        .post(
            &format!("/api/jobs/{}/run", job["id"].as_str().unwrap()),
            json!({}),
        )
        .await
        .status(202);
    let id = run.json()["id"].as_str().unwrap().to_owned();
    let events = admin.events(&id).await;
    assert_eq!(
        events.last().unwrap().1["state"],
        "completed",
        "{:#}",
        events.last().unwrap().1
    );
    assert!(events.iter().any(|(name, _)| name == "progress"));
    assert_eq!(fs::read(root.path().join("there.bin")).unwrap(), bytes);
    assert_eq!(fs::read(back).unwrap(), bytes);
    assert_eq!(
        fs::read_dir(root.path()).unwrap().count(),
        1,
        "a temporary file was left"
    );
    let metrics = admin.get("/metrics").await.text;
    assert!(metrics.contains("courier_executions{node="), "{metrics}");
    partner.stop();
    server.stop().await;
}
