//! Connections: their life, their secrets, their tests.

use std::{fs, io::Write, net::TcpListener, path::Path, thread};

use serde_json::{Value, json};

use crate::{
    access::ENDLESS,
    harness::{Client, PASSWORD, TestServer},
};

const SECRET: &str = "hunter2-is-no-password";

/// A connection to an SFTP server that nobody asks.
fn partner(name: &str) -> Value {
    json!({
        "name": name, "protocol": "sftp", "host": "partner.invalid", "username": "courier",
        "auth_method": "password", "password": SECRET, "group": "partners", "notes": "call Olive first",
    })
}

fn path(thing: &Value) -> String {
    format!("/api/connections/{}", thing["id"].as_str().unwrap())
}

#[tokio::test]
async fn made_read_changed_replaced_deleted() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let made = admin.post("/api/connections", partner("p")).await.created();
    let path = path(&made);
    assert_eq!(made["port"], 22);
    assert_eq!(made["host_key_policy"], "trust_on_first_use");
    assert_eq!(made["status"], "active");
    assert_eq!(made["health"], "unknown");
    assert_eq!(made["max_sessions"], 4);
    assert_eq!(
        (&made["has_password"], &made["has_ssh_key"]),
        (&json!(true), &json!(false))
    );
    assert!(made["ssh_key_ids"].as_array().unwrap().is_empty());
    assert!(made["stored_host_fingerprint"].is_null() && made["last_ok_at"].is_null());
    assert!(made["warnings"].is_array());
    assert!(made.get("password").is_none() && made.get("passive_mode").is_none());
    assert!(made.get("ssh_algorithms").is_some());
    assert_eq!(admin.get(&path).await.ok(), made);
    admin
        .post("/api/connections", partner("p"))
        .await
        .problem(409, 1052);

    // What was read can be written back, and changes nothing but the time.
    let again = admin.put(&path, made.clone()).await.ok();
    let without_time = |connection: &Value| {
        let mut connection = connection.clone();
        connection["updated_at"].take();
        connection
    };
    assert_eq!(without_time(&again), without_time(&made));

    let changed = admin
        .patch(&path, json!({"notes": null, "max_sessions": 2}))
        .await
        .ok();
    assert_eq!(
        (&changed["notes"], &changed["max_sessions"]),
        (&Value::Null, &json!(2))
    );
    assert_eq!(changed["has_password"], true);
    assert_eq!(
        admin.patch(&path, json!({"password": null})).await.ok()["has_password"],
        false
    );

    admin.delete(&path).await.status(204);
    admin.get(&path).await.problem(404, 1030);
    server.stop().await;
}

#[tokio::test]
async fn secrets_follow_their_server() {
    let server = TestServer::start().await;
    let made = server
        .admin
        .post("/api/connections", partner("p"))
        .await
        .created();
    let moved = server
        .admin
        .patch(&path(&made), json!({"host": "elsewhere.invalid"}))
        .await
        .ok();
    assert_eq!(moved["has_password"], false);
    let brought = json!({"host": "third.invalid", "password": SECRET});
    assert_eq!(
        server.admin.patch(&path(&made), brought).await.ok()["has_password"],
        true
    );
    server.stop().await;
}

#[tokio::test]
async fn bad_connections_are_refused_with_their_code() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let with = |field: &str, value: Value| {
        let mut connection = partner("bad");
        connection[field] = value;
        admin.post("/api/connections", connection)
    };
    for (field, value) in [
        ("passive_mode", json!(true)),
        ("colour", json!("red")),
        ("ssh_algorithms", json!({"preset": "magic"})),
        ("auth_method", json!("service_principal")),
    ] {
        assert_eq!(with(field, value).await.fields(400, 3011), [field]);
    }
    for (field, value) in [
        ("port", json!(0)),
        ("port", json!("22")),
        ("host", json!("")),
        ("name", json!(7)),
        ("auth_method", json!("magic")),
    ] {
        let answer = with(field, value).await.status(400);
        assert_eq!(answer.json()["errors"][0]["field"], field, "{}", answer.text);
    }
    with("protocol", json!("gopher")).await.status(400);
    admin.post("/api/connections", json!({})).await.status(400);

    let operator = server.with_role("operator").await;
    let insecure = |client: Client| async move {
        let mut connection = partner("insecure");
        connection["host_key_policy"] = json!("always_trust");
        client.post("/api/connections", connection).await
    };
    insecure(operator).await.problem(403, 3004);
    let made = insecure(admin.clone()).await.created();
    assert!(!made["warnings"].as_array().unwrap().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_test_tells_why_it_failed() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let no_ssh = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"220 ready\r\n").unwrap();
        listener
    });
    let mut connection = partner("odd");
    connection["host"] = json!("127.0.0.1");
    connection["port"] = json!(port);
    connection["connect_timeout_sec"] = json!(5);
    let result = admin.post("/api/connections/test", connection.clone()).await.ok();
    assert_eq!(result["success"], false);
    assert!(
        result["error_code"].is_u64() && result["error_message"].is_string(),
        "{result:#}"
    );
    // Nobody listens there any more.
    drop(no_ssh.join().unwrap());
    let result = admin.post("/api/connections/test", connection.clone()).await.ok();
    assert_eq!(result["error_code"], 3003, "{result:#}");
    for field in [
        "latency_ms",
        "server_banner",
        "host_key_fingerprint",
        "tls_certificate",
        "algorithms",
    ] {
        assert!(
            result.get(field).is_some_and(Value::is_null),
            "{field}: {result:#}"
        );
    }
    assert_eq!(result["supported_algorithms"], json!([]));

    // A test of what is not saved saves nothing.
    assert_eq!(admin.get("/api/connections").await.ok()["items"], json!([]));
    let made = admin.post("/api/connections", connection).await.created();
    let result = admin.post(&format!("{}/test", path(&made)), json!({})).await.ok();
    assert_eq!(result["error_code"], 3003);
    assert_eq!(admin.get(&path(&made)).await.ok()["health"], "failing");
    admin
        .get(&format!("{}/files?path=/", path(&made)))
        .await
        .problem(502, 3003);
    let audit = admin
        .get(&format!("{}/audit?operation=test_connection", path(&made)))
        .await
        .ok();
    assert_eq!(audit["items"][0]["performed_by"], "admin", "{audit:#}");
    server.stop().await;
}

#[tokio::test]
async fn a_local_folder_can_be_browsed() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let files = server.folder.path().join("files");
    fs::create_dir(files.join("sub")).unwrap();
    fs::write(files.join("sub/a.txt"), "abc").unwrap();
    let local =
        |folder: &Path| json!({"name": "disk", "protocol": "local", "base_path": folder.to_str().unwrap()});
    // The rest of the data folder is nobody's.
    let refused = admin
        .post("/api/connections", local(server.folder.path()))
        .await
        .status(400);
    assert_eq!(
        refused.json()["errors"][0]["field"],
        "base_path",
        "{}",
        refused.text
    );
    let made = admin.post("/api/connections", local(&files)).await.created();
    let result = admin.post(&format!("{}/test", path(&made)), json!({})).await.ok();
    assert_eq!(
        (&result["success"], &result["error_code"]),
        (&json!(true), &Value::Null),
        "{result:#}"
    );
    assert!(result["capabilities"]["resume_upload"].as_bool().unwrap());
    assert_eq!(admin.get(&path(&made)).await.ok()["health"], "healthy");
    // What was read can be written back, for a protocol without a host too.
    let read = admin.get(&path(&made)).await.ok();
    admin.put(&path(&made), read).await.ok();

    let listed = admin.get(&format!("{}/files?path=/sub", path(&made))).await.ok();
    assert_eq!(listed["items"][0]["name"], "a.txt");
    assert_eq!(listed["items"][0]["size"], 3);
    assert_eq!(listed["items"][0]["is_directory"], false);
    let root = admin.get(&format!("{}/files", path(&made))).await.ok();
    assert_eq!(root["items"][0]["is_directory"], true);
    admin
        .get(&format!("{}/files?path=/nothing", path(&made)))
        .await
        .problem(404, 1030);
    admin
        .get(&format!("{}/files?path=/../kek", path(&made)))
        .await
        .problem(400, 1000);
    server.stop().await;
}

#[tokio::test]
async fn keys_come_and_go() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let made = admin.post("/api/connections", partner("p")).await.created();
    let keys = format!("{}/keys", path(&made));
    admin.post(&keys, json!({})).await.problem(400, 1000);
    let first = admin.post(&keys, json!({"generate": "ed25519"})).await.created();
    assert!(first["public_key"].as_str().unwrap().starts_with("ssh-ed25519 "));
    assert_eq!(
        (&first["status"], &first["last_used_at"]),
        (&json!("active"), &Value::Null)
    );

    let stored = json!({"name": "stored", "key_type": "ecdsa_256", "notes": "for p"});
    let stored = admin.post("/api/ssh-keys/generate", stored).await.created();
    let line = admin
        .get(&format!(
            "/api/ssh-keys/{}/public-key",
            stored["id"].as_str().unwrap()
        ))
        .await
        .status(200);
    assert!(
        line.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    assert!(line.text.starts_with("ecdsa-sha2-nistp256 ") && line.text.lines().count() == 1);
    admin
        .post(&keys, json!({"ssh_key_id": stored["id"]}))
        .await
        .created();
    let connection = admin.get(&path(&made)).await.ok();
    assert_eq!(connection["ssh_key_ids"].as_array().unwrap().len(), 2);
    assert_eq!(connection["has_ssh_key"], true);

    let key = format!("/api/ssh-keys/{}", stored["id"].as_str().unwrap());
    admin.delete(&key).await.problem(409, 4005);
    let revoke = format!("{keys}/{}/revoke", stored["id"].as_str().unwrap());
    assert_eq!(
        admin.post(&revoke, json!({"force": true})).await.ok()["status"],
        "revoked"
    );
    assert_eq!(
        admin.patch(&key, json!({"notes": null})).await.ok()["notes"],
        Value::Null
    );
    assert_eq!(
        admin.post(&format!("{key}/retire"), json!({})).await.ok()["status"],
        "retired"
    );
    admin
        .post(&keys, json!({"ssh_key_id": stored["id"]}))
        .await
        .problem(409, 4003);
    assert_eq!(
        admin.post(&format!("{key}/activate"), json!({})).await.ok()["status"],
        "active"
    );
    admin.delete(&key).await.status(204);

    let import = |text: &str| {
        admin.post(
            "/api/ssh-keys/import",
            json!({"name": "imported", "private_key": text}),
        )
    };
    import("not a key").await.problem(400, 4000);
    server.stop().await;
}

#[tokio::test]
async fn a_connection_that_jobs_use_stays() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let made = admin.post("/api/connections", partner("p")).await.created();
    let config = json!({"connection_id": made["id"], "remote_path": "/in"});
    let job = json!({"name": "uses p", "steps": [{"step_type": "remote.list", "config": config}]});
    admin.post("/api/jobs", job).await.created();
    admin.delete(&path(&made)).await.problem(409, 3010);
    server.stop().await;
}

#[tokio::test]
async fn no_answer_and_no_file_holds_a_secret() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let made = admin.post("/api/connections", partner("p")).await.created();
    let key = json!({"generate": "ed25519"});
    admin.post(&format!("{}/keys", path(&made)), key).await.created();
    let token = admin.post("/api/tokens", json!({"name": "t"})).await.created();
    let token = token["token"].as_str().unwrap().to_owned();
    admin.post(&format!("{}/test", path(&made)), json!({})).await.ok();
    // A body that is wrong somewhere else is not quoted.
    let mut wrong = partner("q");
    wrong["port"] = json!("x");
    let refused = admin.post("/api/connections", wrong).await.status(400);
    let mut answers = vec![refused.text];
    let document = admin.get("/api/openapi.json").await.ok();
    for (address, item) in document["paths"].as_object().unwrap() {
        if item.get("get").is_some() && !address.contains("{key}") && address != ENDLESS {
            let address = address.replace("{id}", made["id"].as_str().unwrap());
            answers.push(admin.get(&address).await.text);
        }
    }
    let secrets = [SECRET, PASSWORD, "PRIVATE KEY", &token];
    for answer in &answers {
        assert!(!secrets.iter().any(|secret| answer.contains(secret)), "{answer}");
    }
    let folder = server.stop().await;
    let mut files = 0;
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            let bytes = fs::read(entry.path()).unwrap();
            for secret in secrets {
                let found = bytes
                    .windows(secret.len())
                    .any(|window| window == secret.as_bytes());
                assert!(!found, "{} holds {secret}", entry.path().display());
            }
            files += 1;
        }
    }
    assert!(files >= 2);
}
