//! The audit log over HTTP: filtered, exported, verified.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::harness::TestServer;

async fn with_records() -> TestServer {
    let server = TestServer::start().await;
    for name in ["=HYPERLINK(\"x\")", "two, with \"quotes\""] {
        let input = json!({"name": name, "protocol": "sftp", "host": "a.example", "auth_method": "password",
            "username": "me", "password": "p"});
        server.admin.post("/api/connections", input).await.created();
    }
    server
}

#[tokio::test]
async fn it_is_exported_as_json_lines() {
    let server = with_records().await;
    let answer = server
        .admin
        .get("/api/audit/export?operation=connection_created")
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/x-ndjson");
    let disposition = answer.headers["content-disposition"].to_str().unwrap();
    assert!(
        disposition.starts_with("attachment; filename=\"courier-audit-"),
        "{disposition}"
    );
    assert!(disposition.ends_with(".jsonl\""), "{disposition}");
    let entries: Vec<Value> = answer
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(entries.len(), 2);
    assert!(entries[0]["performed_at"].as_str() < entries[1]["performed_at"].as_str());
    for entry in &entries {
        assert_eq!(
            (&entry["chain"], &entry["seq"]),
            (&entry["connection_id"], &json!(1))
        );
        assert_eq!(entry["mac"].as_str().unwrap().len(), 64);
    }
    // The same as lists show.
    let listed = server
        .admin
        .get("/api/audit?operation=connection_created")
        .await
        .ok();
    assert_eq!(listed["items"], json!([entries[1], entries[0]]));
    // Without a filter: everything but seals, which come where they are asked for.
    let all = server.admin.get("/api/audit/export?format=jsonl").await.text;
    assert!(all.contains("\"login\"") && !all.contains("audit_sealed"));
}

#[tokio::test]
async fn it_is_exported_as_a_table_without_formulas() {
    let server = with_records().await;
    let user = json!({"username": "=cmd", "password": "correct horse battery", "role": "operator"});
    server.admin.post("/api/users", user).await.created();
    let user = server.anybody().login("=cmd", "correct horse battery").await;
    let answer = user.get("/api/audit/export?format=csv").await;
    let content_type = answer.headers["content-type"].to_str().unwrap();
    assert!(content_type.starts_with("text/csv"), "{content_type}");
    let mut lines = answer.text.split("\r\n");
    let heading = lines.next().unwrap();
    assert!(
        heading.starts_with("id,performed_at,performed_by,operation,"),
        "{heading}"
    );
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    let login = lines.iter().find(|line| line.contains("cmd,login,")).unwrap();
    assert!(login.contains(",'=cmd,login,"), "{login}");
    let quoted = lines.iter().find(|line| line.contains("two, with")).unwrap();
    assert!(quoted.contains("\"{\"\""), "{quoted}");
    assert!(!answer.text.contains(",="));
}

#[tokio::test]
async fn exports_and_lists_have_the_same_filters() {
    let server = with_records().await;
    let admin = &server.admin;
    let execution = "01900000-0000-7000-8000-000000000000";
    for filter in [
        format!("job_execution_id={execution}"),
        "performed_by=nobody".to_owned(),
        "until=2020-01-01T00:00:00Z".to_owned(),
    ] {
        let listed = admin.get(&format!("/api/audit?{filter}")).await.ok();
        assert_eq!(listed["items"], json!([]), "{filter}");
        let exported = admin.get(&format!("/api/audit/export?{filter}")).await;
        assert_eq!(
            (exported.status.as_u16(), exported.text.as_str()),
            (200, ""),
            "{filter}"
        );
    }
    assert_eq!(
        admin.get("/api/audit/export?format=xml").await.problem(400, 1000)["status"],
        400
    );
    assert_eq!(
        admin.get("/api/audit/export?limit=3").await.problem(400, 1000)["status"],
        400
    );
}

#[tokio::test]
async fn a_deleted_connection_has_its_records_still() {
    let server = with_records().await;
    let admin = &server.admin;
    let listed = admin.get("/api/connections").await.ok();
    let id = listed["items"][0]["id"].as_str().unwrap().to_owned();
    admin.delete(&format!("/api/connections/{id}")).await.status(204);
    let records = admin.get(&format!("/api/connections/{id}/audit")).await.ok();
    assert_eq!(records["items"][0]["operation"], "connection_deleted");
    let nobody = "/api/connections/0192f0c4-0000-7000-8000-000000000000/audit";
    admin.get(nobody).await.problem(404, 1030);
    server.stop().await;
}

#[tokio::test]
async fn only_an_admin_verifies_and_an_edit_is_found() {
    let server = with_records().await;
    for role in ["viewer", "operator"] {
        let refused = server.with_role(role).await.get("/api/audit/verify").await;
        refused.problem(403, 1020);
    }
    let report = server.admin.get("/api/audit/verify").await.ok();
    assert_eq!((&report["ok"], &report["findings"]), (&json!(true), &json!([])));
    assert!(report["records"].as_u64().unwrap() >= 3, "{report:#}");

    let url = format!("sqlite://{}", server.folder.path().join("courier.db").display());
    let database = sea_orm::Database::connect(url).await.unwrap();
    for sql in [
        "DROP TRIGGER audit_kept",
        "DELETE FROM audit WHERE operation = 'login'",
        "DROP TRIGGER audit_unchanged",
        "UPDATE audit SET details = '{}' WHERE operation = 'connection_created'",
    ] {
        database.execute_unprepared(sql).await.unwrap();
    }
    let report = server.admin.get("/api/audit/verify").await.ok();
    assert_eq!(report["ok"], false);
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 3, "{report:#}");
    let what: Vec<_> = findings.iter().map(|one| one["what"].as_str().unwrap()).collect();
    assert_eq!(what.iter().filter(|what| **what == "changed").count(), 2);
    let changed = findings.iter().find(|one| one["what"] == "changed").unwrap();
    assert_eq!(changed["seq"], 1);
    let message = changed["message"].as_str().unwrap();
    assert!(
        message.contains("record 1 was changed (now connection_created)"),
        "{message}"
    );
}
