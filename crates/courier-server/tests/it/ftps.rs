//! Connections to a real FTPS server: jobs, tests, and each certificate policy's answer to a certificate that nobody
//! vouches for.

use std::fs;

use serde_json::{Value, json};

use crate::{
    harness::{Client, TestServer, config},
    proftpd::{PASSWORD, ProFtpd},
};

fn connection(partner: &ProFtpd, more: Value) -> Value {
    let mut connection = json!({
        "name": "partner", "protocol": "ftps", "host": "127.0.0.1", "port": partner.port, "username": "partner",
        "password": PASSWORD, "connect_timeout_sec": 10,
    });
    let more = more.as_object().cloned().unwrap();
    connection.as_object_mut().unwrap().extend(more);
    connection
}

fn pinned(partner: &ProFtpd) -> Value {
    let pin = partner.thumbprint.to_string().replace(':', "").to_lowercase();
    json!({"tls_cert_policy": "pinned_thumbprint", "tls_pinned_thumbprint": pin})
}

async fn audit(client: &Client, path: &str, operation: &str) -> Vec<Value> {
    let page = client
        .get(&format!("{path}/audit?operation={operation}"))
        .await
        .ok();
    page["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_file_goes_there_in_clear_and_comes_back_by_tls() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let partner = ProFtpd::start();
    let secured = connection(&partner, pinned(&partner));
    let secured = admin.post("/api/connections", secured).await.created();
    let clear = connection(&partner, json!({"name": "in clear", "protocol": "ftp"}));
    let clear = admin.post("/api/connections", clear).await.created();
    assert_eq!(secured["ftps_mode"], "explicit");
    let warned = |connection: &Value, word: &str| connection["warnings"].to_string().contains(word);
    assert!(warned(&clear, "without TLS") && !warned(&secured, "without TLS"));

    let files = server.folder.path().join("files");
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|i| (i / 7) as u8).collect();
    fs::write(files.join("there.bin"), &bytes).unwrap();
    let local = |name: &str| files.join(name).to_str().unwrap().to_owned();
    let steps = json!([
        {"step_type": "ftp.upload", "config": {
            "connection_id": clear["id"], "local_path": local("there.bin"), "remote_path": "there.bin"}},
        {"step_type": "ftps.download", "config": {
            "connection_id": secured["id"], "remote_path": "there.bin", "local_path": local("back.bin")}},
        {"step_type": "remote.rename", "config": {
            "connection_id": secured["id"], "remote_path": "there.bin", "new_path": "done.bin"}},
    ]);
    let ended = admin.run_job("there and back", &steps).await;
    assert_eq!(ended["state"], "completed", "{ended:#}");
    assert_eq!(fs::read(partner.file("done.bin")).unwrap(), bytes);
    assert_eq!(fs::read(files.join("back.bin")).unwrap(), bytes);
    assert_eq!(
        fs::read_dir(partner.file("")).unwrap().count(),
        1,
        "a temporary file was left"
    );
    // A step says which protocol it means.
    let config = json!({"connection_id": clear["id"], "local_path": "a", "remote_path": "b"});
    let wrong = json!({"name": "wrong", "steps": [{"step_type": "ftps.upload", "config": config}]});
    let wrong = admin.post("/api/jobs", wrong).await.fields(400, 2011);
    assert_eq!(wrong, ["steps[0].config.connection_id"]);
    server.stop().await;
}

#[tokio::test]
async fn a_test_shows_the_certificate_whether_it_is_trusted_or_not() {
    let server = TestServer::start().await;
    let operator = server.with_role("operator").await;
    let partner = ProFtpd::start();
    let thumbprint = partner.thumbprint.to_string();
    let made = operator
        .post("/api/connections", connection(&partner, json!({})))
        .await
        .created();
    let path = format!("/api/connections/{}", made["id"].as_str().unwrap());
    let test = format!("{path}/test");

    let refused = operator.post(&test, json!({})).await.ok();
    assert_eq!(
        (&refused["success"], &refused["error_code"]),
        (&json!(false), &json!(3014))
    );
    let message = refused["error_message"].as_str().unwrap();
    assert!(
        message.contains("self-signed") && message.contains(&thumbprint),
        "{message}"
    );
    let certificate = &refused["tls_certificate"];
    assert_eq!(certificate["thumbprint_sha256"], json!(thumbprint));
    for name in ["subject", "issuer"] {
        assert!(
            certificate[name].as_str().unwrap().contains("localhost"),
            "{certificate}"
        );
    }
    assert!(
        certificate["not_after"]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .unwrap()
            > jiff::Timestamp::now()
    );
    assert_eq!(certificate["policy_errors"], "self-signed");
    assert_eq!(operator.get(&path).await.ok()["health"], "failing");
    let files = operator.get(&format!("{path}/files")).await.problem(502, 3014);
    assert!(files["detail"].as_str().unwrap().contains("self-signed"));

    operator.patch(&path, pinned(&partner)).await.ok();
    let result = operator.post(&test, json!({})).await.ok();
    assert_eq!(result["success"], true, "{result:#}");
    assert!(result["latency_ms"].is_u64() && result["server_banner"].is_string());
    assert_eq!(result["capabilities"]["concurrency"], 1);
    assert_eq!(
        result["tls_certificate"]["policy_errors"], "self-signed",
        "a pin accepts it, and says so"
    );
    let shown = operator.get(&path).await.ok();
    assert_eq!(
        (&shown["health"], &shown["tls_pinned_thumbprint"]),
        (&json!("healthy"), &json!(thumbprint))
    );
    let viewer = server.with_role("viewer").await;
    viewer.get(&format!("{path}/files")).await.ok();

    // Before it is saved, too.
    let result = operator
        .post("/api/connections/test", connection(&partner, pinned(&partner)))
        .await
        .ok();
    assert_eq!(result["success"], true, "{result:#}");
    assert_eq!(result["tls_certificate"]["thumbprint_sha256"], json!(thumbprint));
    server.stop().await;
}

#[tokio::test]
async fn another_certificate_than_the_pinned_one_stops_jobs() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let first = ProFtpd::start();
    let made = connection(&first, pinned(&first));
    let made = admin.post("/api/connections", made).await.created();
    let path = format!("/api/connections/{}", made["id"].as_str().unwrap());
    let steps = json!([{"step_type": "remote.mkdir", "config": {"connection_id": made["id"], "remote_path": "made"}}]);
    let (port, old) = (first.port, first.thumbprint.to_string());
    first.stop();
    let second = ProFtpd::start_at(port);
    let new = second.thumbprint.to_string();

    let ended = admin.run_job("first", &steps).await;
    assert_eq!(ended["state"], "failed");
    assert_eq!(ended["error"]["code"], 3014, "{ended:#}");
    let message = ended["error"]["message"].as_str().unwrap();
    assert!(message.contains(&old) && message.contains(&new), "{message}");
    assert_eq!(admin.get(&path).await.ok()["health"], "requires_attention");
    admin.get(&format!("{path}/files")).await.problem(409, 1050);
    let rejected = audit(admin, &path, "certificate_rejected").await;
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0]["details"]["expected"], json!(old));
    assert_eq!(rejected[0]["details"]["presented"], json!(new));
    assert!(
        audit(admin, &path, "auth_success").await.is_empty()
            && audit(admin, &path, "auth_failed").await.is_empty()
    );

    admin
        .patch(&path, json!({"tls_pinned_thumbprint": new}))
        .await
        .ok();
    let ended = admin.run_job("second", &steps).await;
    assert_eq!(ended["state"], "completed", "{ended:#}");
    assert!(second.file("made").is_dir());
    server.stop().await;
}

#[tokio::test]
async fn any_certificate_is_an_admins_decision_and_leaves_a_record() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let operator = server.with_role("operator").await;
    let partner = ProFtpd::start();
    for insecure in [
        json!({"tls_cert_policy": "insecure"}),
        json!({"tls_validate_cert": false}),
    ] {
        let insecure = connection(&partner, insecure);
        operator
            .post("/api/connections", insecure.clone())
            .await
            .problem(403, 3006);
        operator
            .post("/api/connections/test", insecure)
            .await
            .problem(403, 3006);
    }
    let made = connection(&partner, json!({"tls_validate_cert": false}));
    let made = admin.post("/api/connections", made).await.created();
    assert_eq!(
        (&made["tls_cert_policy"], &made["tls_validate_cert"]),
        (&json!("insecure"), &json!(false))
    );
    let warnings = made["warnings"].as_array().unwrap();
    assert!(warnings.iter().any(|w| {
        w.as_str()
            .unwrap()
            .starts_with("Certificate verification disabled: ")
    }));
    let path = format!("/api/connections/{}", made["id"].as_str().unwrap());
    let steps = json!([{"step_type": "remote.mkdir", "config": {"connection_id": made["id"], "remote_path": "made"}}]);
    let ended = operator.run_job("careless", &steps).await;
    assert_eq!(ended["state"], "completed", "{ended:#}");
    let used = audit(admin, &path, "insecure_tls_policy_used").await;
    assert_eq!(used.len(), 1);
    let details = &used[0]["details"];
    assert_eq!(details["thumbprint"], json!(partner.thumbprint.to_string()));
    assert_eq!(
        (&details["host"], &details["policy_errors"]),
        (&json!("127.0.0.1"), &json!("self-signed"))
    );

    let fips = "/api/settings/security.fips_mode_enabled";
    admin.put(fips, json!({"value": true})).await.ok();
    let again = connection(&partner, json!({"name": "again", "tls_cert_policy": "insecure"}));
    admin.post("/api/connections", again).await.problem(403, 3007);
    let ended = admin.run_job("in FIPS mode", &steps).await;
    assert_eq!(ended["error"]["code"], 3007, "{ended:#}");
    let result = admin.post(&format!("{path}/test"), json!({})).await.ok();
    assert_eq!(result["error_code"], 3007);
    server.stop().await;

    let folder = tempfile::tempdir().unwrap();
    let mut production = config(folder.path());
    production.environment = courier_engine::Environment::Production;
    let server = TestServer::start_with(folder, production).await;
    let insecure = connection(&partner, json!({"tls_cert_policy": "insecure"}));
    server
        .admin
        .post("/api/connections", insecure.clone())
        .await
        .problem(403, 3008);
    let allowed = "/api/settings/security.insecure_trust_allow_production";
    server.admin.put(allowed, json!({"value": true})).await.ok();
    server.admin.post("/api/connections", insecure).await.created();
    server.stop().await;
}

#[tokio::test]
async fn what_an_ftp_connection_may_be_is_checked_and_secrets_are_not_shown() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let partner = ProFtpd::start();
    for (wrong, field) in [
        (
            json!({"tls_cert_policy": "pinned_thumbprint"}),
            "tls_pinned_thumbprint",
        ),
        (json!({"tls_pinned_thumbprint": "AB:CD"}), "tls_pinned_thumbprint"),
        (
            json!({"tls_validate_cert": true, "tls_cert_policy": "insecure"}),
            "tls_validate_cert",
        ),
        (
            json!({"client_certificate": "-----BEGIN NONSENSE-----"}),
            "client_certificate",
        ),
        (json!({"tls_version_floor": "ssl_3"}), "tls_version_floor"),
        (json!({"tls_crl_pem": "none"}), "tls_crl_pem"),
        (json!({"server_timezone": "Mars/Olympus"}), "server_timezone"),
        (json!({"quirks": ["odd"]}), "quirks"),
        (json!({"active_port_range": "9-1"}), "active_port_range"),
        (json!({"host_key_policy": "manual"}), "host_key_policy"),
        (
            json!({"protocol": "ftp", "tls_cert_policy": "system_trust"}),
            "tls_cert_policy",
        ),
        (json!({"protocol": "sftp", "passive_mode": true}), "passive_mode"),
    ] {
        let fields = admin
            .post("/api/connections", connection(&partner, wrong.clone()))
            .await
            .fields(400, 3011);
        assert_eq!(fields, [field], "{wrong}");
    }

    let pem = partner.identity();
    let mut input = connection(
        &partner,
        json!({"client_certificate": pem, "tls_version_floor": "tls_1_0"}),
    );
    input.as_object_mut().unwrap().remove("port");
    let answer = admin.post("/api/connections", input).await.status(201);
    assert!(!answer.text.contains("PRIVATE KEY") && !answer.text.contains(PASSWORD));
    let made = answer.json();
    for (field, value) in [
        ("port", json!(990)),
        ("ftps_mode", json!("implicit")),
        ("passive_mode", json!(true)),
        ("tls_version_floor", json!("tls_1_0")),
        ("tls_cert_policy", json!("system_trust")),
        ("tls_validate_cert", json!(true)),
        ("tls_pinned_thumbprint", json!(null)),
        ("server_timezone", json!("UTC")),
        ("transfer_type", json!("binary")),
        ("has_client_certificate", json!(true)),
        ("host_key_policy", json!(null)),
    ] {
        assert_eq!(made[field], value, "{field}");
    }
    assert!(made["warnings"].to_string().contains("TLS 1.0"), "{made:#}");
    let path = format!("/api/connections/{}", made["id"].as_str().unwrap());
    let explicit = admin
        .patch(&path, json!({"ftps_mode": "explicit", "password": PASSWORD}))
        .await
        .ok();
    assert_eq!(
        (
            &explicit["port"],
            &explicit["has_client_certificate"],
            &explicit["has_password"]
        ),
        (&json!(21), &json!(false), &json!(true)),
        "another port is another server"
    );
    let log = admin.get("/api/audit?limit=1000").await.text;
    assert!(!log.contains("PRIVATE KEY") && !log.contains(PASSWORD));
    server.stop().await;
}
