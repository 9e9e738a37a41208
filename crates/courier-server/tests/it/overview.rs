//! What the first page shows of what needs attention, and of what ends.

use std::{net::TcpListener, path::Path};

use courier_sftp::server::{RunningServer, SftpServer, User};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    harness::{Client, TestServer},
    proftpd::{self, ProFtpd},
};

const PASSWORD: &str = "the-partner-s-password";

fn partner(root: &Path) -> RunningServer {
    let user = User::new("courier").password(PASSWORD.to_owned().into());
    SftpServer::builder()
        .listen(([127, 0, 0, 1], 0).into())
        .user(user)
        .root(root)
        .start()
        .unwrap()
}

async fn connection(admin: &Client, name: &str, port: u16, more: Value) -> Value {
    let mut connection = json!({
        "name": name, "protocol": "sftp", "host": "127.0.0.1", "port": port, "auth_method": "password",
        "username": "courier", "password": PASSWORD, "connect_timeout_sec": 10,
    });
    let more = more.as_object().cloned().unwrap();
    connection.as_object_mut().unwrap().extend(more);
    admin.post("/api/connections", connection).await.created()
}

fn path(of: &str, what: &Value) -> String {
    format!("/api/{of}/{}", what["id"].as_str().unwrap())
}

async fn needs_attention(client: &Client) -> Vec<Value> {
    let overview = client.get("/api/overview").await.ok();
    let items = overview["needs_attention"].as_array().unwrap().clone();
    assert_eq!(overview["needs_attention_total"], json!(items.len()));
    items
}

fn short(items: &[Value]) -> Vec<Value> {
    let short = items.iter().map(|item| {
        assert!(!item["reason"].as_str().unwrap().is_empty(), "{item:#}");
        json!([item["kind"], item["name"], item["code"], item["action"]])
    });
    short.collect()
}

#[tokio::test]
async fn what_needs_attention_says_why_and_what_helps() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    assert_eq!(needs_attention(admin).await, Vec::<Value>::new());
    let root = tempfile::tempdir().unwrap();
    let partner = partner(root.path());

    // Nobody listens there.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let down = connection(admin, "down", port, json!({})).await;
    let manual = json!({"host_key_policy": "manual"});
    let unapproved = connection(admin, "unapproved", partner.addr().port(), manual).await;
    for connection in [&down, &unapproved] {
        let test = format!("{}/test", path("connections", connection));
        assert_eq!(admin.post(&test, json!({})).await.ok()["success"], false);
    }
    let steps = json!([{"step_type": "local.copy", "config": {"path": "nothing", "new_path": "there"}}]);
    let ended = admin.run_job("copies", &steps).await;
    assert_eq!(ended["state"], "failed", "{ended:#}");

    let items = needs_attention(&server.with_role("viewer").await).await;
    assert_eq!(
        short(&items),
        [
            json!(["connection", "down", null, "test"]),
            json!(["connection", "unapproved", 3013, "approve_host_key"]),
            json!(["job", "copies", ended["error"]["code"], "run"]),
        ]
    );
    assert_eq!(items[0]["id"], items[0]["connection_id"]);
    assert_eq!(items[2]["id"], ended["job_id"]);
    assert_eq!(
        (&items[2]["since"], &items[2]["reason"]),
        (&ended["ended_at"], &ended["error"]["message"])
    );

    // What nobody uses needs nobody.
    let disabled = json!({"status": "disabled"});
    admin.patch(&path("connections", &down), disabled).await.ok();
    let job = json!({"name": "copies", "steps": steps, "enabled": false});
    let of_job = format!("/api/jobs/{}", ended["job_id"].as_str().unwrap());
    admin.put(&of_job, job).await.ok();
    let fingerprint = partner.host_key().fingerprint.to_string();
    let approve = format!("{}/host-key/approve", path("connections", &unapproved));
    admin
        .post(&approve, json!({ "fingerprint": fingerprint }))
        .await
        .ok();
    assert_eq!(needs_attention(admin).await, Vec::<Value>::new());
    server.stop().await;
}

async fn expiring(client: &Client) -> Vec<Value> {
    let overview = client.get("/api/overview").await.ok();
    overview["expiring"].as_array().unwrap().clone()
}

fn kinds(items: &[Value]) -> Vec<(&str, &str)> {
    items
        .iter()
        .map(|one| (one["kind"].as_str().unwrap(), one["name"].as_str().unwrap()))
        .collect()
}

fn at(item: &Value) -> Timestamp {
    item["at"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn certificates_are_known_before_they_end() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    // Its certificate, and the one that it gives to others, end in 30 days.
    let partner = ProFtpd::start();
    let input = json!({
        "name": "partner", "protocol": "ftps", "host": "127.0.0.1", "port": partner.port, "username": "partner",
        "auth_method": "password", "password": proftpd::PASSWORD, "client_certificate": partner.identity(),
    });
    let made = admin.post("/api/connections", input).await.created();
    assert!(made["server_certificate"].is_null());
    let one = path("connections", &made);
    let items = expiring(admin).await;
    assert_eq!(kinds(&items), [("client_certificate", "partner")]);
    assert_eq!(at(&items[0]).to_string(), made["client_certificate_not_after"]);

    // Whether it is trusted or not.
    let result = admin.post(&format!("{one}/test"), json!({})).await.ok();
    assert_eq!(result["error_code"], 3014, "{result:#}");
    let shown = admin.get(&one).await.ok();
    let seen = &shown["server_certificate"];
    for field in ["subject", "issuer", "thumbprint_sha256", "not_after"] {
        assert_eq!(seen[field], result["tls_certificate"][field], "{field}");
    }
    assert_eq!(shown["updated_at"], made["updated_at"], "it is no change");
    let items = expiring(admin).await;
    assert_eq!(items.len(), 2, "{items:#?}");
    let of_server = items
        .iter()
        .find(|item| item["kind"] == "server_certificate")
        .unwrap();
    assert_eq!(at(of_server).to_string(), seen["not_after"]);
    assert_eq!(of_server["connection_id"], made["id"]);

    // A change of something else keeps both; another server has another certificate, and none of ours is for it.
    let kept = admin.patch(&one, json!({"notes": "n"})).await.ok();
    assert_eq!(kept["server_certificate"], *seen);
    assert!(kept["client_certificate_not_after"].is_string());
    // What it shows may be sent back.
    admin.patch(&one, json!({"server_certificate": seen})).await.ok();
    let moved = admin.patch(&one, json!({"host": "localhost"})).await.ok();
    assert!(moved["server_certificate"].is_null());
    assert!(moved["client_certificate_not_after"].is_null());
    assert_eq!(moved["has_client_certificate"], false);
    assert_eq!(expiring(admin).await, Vec::<Value>::new());
    server.stop().await;
}

#[tokio::test]
async fn tokens_and_keys_in_use_are_told_in_time() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let day = SignedDuration::from_hours(24);
    let (soon, later) = (Timestamp::now() + day * 5, Timestamp::now() + day * 50);
    for (name, ends) in [("soon", soon), ("later", later)] {
        let token = json!({"name": name, "expires_at": ends});
        admin.post("/api/tokens", token).await.created();
    }
    let user = json!({"username": "olga", "password": "long enough 123", "role": "operator"});
    admin.post("/api/users", user).await.created();
    let olga = server.anybody().login("olga", "long enough 123").await;
    let mut ids = Vec::new();
    for name in ["used", "unused"] {
        let key = json!({"name": name, "key_type": "ed25519"});
        let key = olga.post("/api/ssh-keys/generate", key).await.created();
        ids.push(key["id"].clone());
    }
    let with_key = json!({"auth_method": "ssh_key", "ssh_key_ids": [ids[0]], "password": null});
    connection(&olga, "partner", 22, with_key).await;

    assert_eq!(kinds(&expiring(admin).await), [("token", "soon")]);
    assert_eq!(
        expiring(&olga).await,
        Vec::<Value>::new(),
        "others' tokens are an admin's concern"
    );
    let setting = "/api/settings/security.ssh_key_max_age_days";
    let shown = admin.get(setting).await.ok();
    assert_eq!((&shown["value"], &shown["min"]), (&json!(365), &json!(0)));
    admin.put(setting, json!({"value": 20})).await.ok();
    let items = expiring(&olga).await;
    assert_eq!(kinds(&items), [("ssh_key", "used")]);
    assert_eq!(items[0]["id"], ids[0]);
    assert!(items[0]["reason"].as_str().unwrap().contains("rotation"));
    let left = at(&items[0]).duration_since(Timestamp::now());
    assert!(left > day * 19 && left <= day * 20, "{left:?}");
    let soonest_first = expiring(admin).await;
    assert_eq!(kinds(&soonest_first), [("token", "soon"), ("ssh_key", "used")]);
    admin.put(setting, json!({"value": 0})).await.ok();
    assert_eq!(expiring(&olga).await, Vec::<Value>::new());
    server.stop().await;
}

#[tokio::test]
async fn settings_say_what_a_form_needs() {
    let server = TestServer::start().await;
    let settings = server.admin.get("/api/settings").await.ok();
    for setting in settings["items"].as_array().unwrap() {
        let kind = setting["type"].as_str().unwrap();
        let has = |field: &str| !setting[field].is_null();
        assert_eq!(has("choices"), kind == "choice", "{setting:#}");
        assert_eq!(
            (has("min"), has("max")),
            (kind == "integer", kind == "integer"),
            "{setting:#}"
        );
        assert_eq!(
            setting["secret"],
            setting["key"] == "smtp.password",
            "{setting:#}"
        );
    }
    server.stop().await;
}
