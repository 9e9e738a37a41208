//! Function apps through the API: what a test of a connection shows, and what a step's function wrote.

use courier_azure::testkit::{self, AzureCloud, Function, Mood, Part};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::TestServer;

/// A cloud that the servers of this process trust, and a connection to it.
async fn cloud(server: &TestServer) -> (AzureCloud, Value) {
    let cloud = AzureCloud::start();
    testkit::trust(&cloud.authority_pem());
    let mut connection = cloud.connection();
    connection["name"] = json!("billing");
    let made = server.admin.post("/api/connections", connection).await.created();
    (cloud, made)
}

/// Where the traces of a step are.
fn traces_of(execution: &Value, step: u32) -> String {
    format!(
        "/api/executions/{}/steps/{step}/traces",
        execution["id"].as_str().unwrap()
    )
}

#[tokio::test]
async fn a_test_lists_its_checks() {
    let server = TestServer::start().await;
    let (cloud, connection) = cloud(&server).await;
    let path = format!("/api/connections/{}/test", connection["id"].as_str().unwrap());
    let result = server.admin.post(&path, json!({})).await.ok();
    assert_eq!(result["success"], true, "{result}");
    assert_eq!(result["server_banner"], "Azure Functions 4.25.2.2 (Running)");
    let names: Vec<&Value> = result["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| &check["name"])
        .collect();
    assert_eq!(names, ["host", "token", "workspace"]);

    cloud.set_master_key("renewed");
    let result = server.admin.post(&path, json!({})).await.ok();
    assert_eq!(result["success"], false);
    assert_eq!(result["error_code"], 3001, "{result}");
    assert!(
        result["error_message"]
            .as_str()
            .unwrap()
            .starts_with("host and key: "),
        "{result}"
    );
    assert_eq!(result["checks"][0]["success"], false);
    assert_eq!(result["checks"][2]["success"], true);

    // Others have none.
    let disk =
        json!({"protocol": "local", "base_path": server.folder.path().join("files").to_str().unwrap()});
    let result = server.admin.post("/api/connections/test", disk).await.ok();
    assert_eq!(result["checks"], json!([]));
    server.stop().await;
}

#[tokio::test]
async fn what_a_function_wrote_is_shown_page_by_page() {
    let server = TestServer::start().await;
    let (cloud, connection) = cloud(&server).await;
    cloud.put(
        Function::new("Digest")
            .writes("begun", 1)
            .writes("no file today", 2)
            .writes("done", 1),
    );
    let call = json!({"step_type": "azure_function.execute",
        "config": {"connection_id": connection["id"], "function_name": "Digest", "poll_interval_sec": 1}});
    let execution = server.admin.run_job("digest", &json!([call])).await;
    assert_eq!(execution["state"], "completed", "{execution}");

    let viewer = server.with_role("viewer").await;
    let path = traces_of(&execution, 1);
    let all = viewer.get(&path).await.ok();
    let lines: Vec<(&str, i64)> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            (
                line["message"].as_str().unwrap(),
                line["severity_level"].as_i64().unwrap(),
            )
        })
        .collect();
    assert_eq!(lines, [("begun", 1), ("no file today", 2), ("done", 1)]);
    assert_eq!(
        (&all["next_cursor"], &all["partial"]),
        (&Value::Null, &json!(false))
    );

    let first = viewer.get(&format!("{path}?limit=2")).await.ok();
    assert_eq!(
        first["items"].as_array().unwrap()[..],
        all["items"].as_array().unwrap()[..2]
    );
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = viewer.get(&format!("{path}?limit=2&cursor={cursor}")).await.ok();
    assert_eq!(second["items"], json!([all["items"][2]]));
    assert_eq!(second["next_cursor"], Value::Null);
    for cursor in ["x", "-1", "99999999999999999999"] {
        let problem = viewer
            .get(&format!("{path}?cursor={cursor}"))
            .await
            .problem(400, 1000);
        assert_eq!(problem["errors"][0]["field"], "cursor");
    }
    cloud.set_partial(true);
    assert_eq!(viewer.get(&path).await.ok()["partial"], true);
    server.anybody().get(&path).await.problem(401, 1010);
    server.stop().await;
}

#[tokio::test]
async fn steps_without_a_run_have_no_traces() {
    let server = TestServer::start().await;
    let (cloud, connection) = cloud(&server).await;
    cloud.put(Function::new("Digest").writes("begun", 1));
    cloud.hold_logs(true);
    let call = |name: &str| {
        json!({"step_type": "azure_function.execute",
        "config": {"connection_id": connection["id"], "function_name": name, "wait": false}})
    };
    let delete = json!({"step_type": "local.delete", "config": {"path": "nothing"}});
    let execution = server
        .admin
        .run_job("digest", &json!([call("Digest"), delete, call("Digest")]))
        .await;
    let admin = &server.admin;

    let problem = admin.get(&traces_of(&execution, 1)).await.problem(409, 1050);
    assert!(
        problem["detail"].as_str().unwrap().contains("ask again"),
        "{problem}"
    );
    let problem = admin.get(&traces_of(&execution, 2)).await.problem(409, 1050);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("local.delete calls no function"),
        "{problem}"
    );
    let problem = admin.get(&traces_of(&execution, 3)).await.problem(409, 1050);
    assert!(
        problem["detail"].as_str().unwrap().contains("until now"),
        "{problem}"
    );
    admin.get(&traces_of(&execution, 4)).await.problem(404, 1030);
    admin.get(&traces_of(&execution, 0)).await.problem(404, 1030);
    let nobody = json!({"id": Uuid::now_v7()});
    admin.get(&traces_of(&nobody, 1)).await.problem(404, 1030);

    // Nobody has waited for it, and it is found by the trace that it took part in.
    cloud.hold_logs(false);
    let all = admin.get(&traces_of(&execution, 1)).await.ok();
    assert_eq!(all["items"][0]["message"], "begun");

    let execution = server.admin.run_job("missing", &json!([call("Missing")])).await;
    let problem = admin.get(&traces_of(&execution, 1)).await.problem(409, 1050);
    assert!(
        problem["detail"].as_str().unwrap().contains("nothing ran"),
        "{problem}"
    );
    server.stop().await;
}

#[tokio::test]
async fn what_azure_refuses_is_no_fault_of_the_request() {
    let server = TestServer::start().await;
    let (cloud, connection) = cloud(&server).await;
    cloud.put(Function::new("Digest").writes("begun", 1));
    let call = json!({"step_type": "azure_function.execute",
        "config": {"connection_id": connection["id"], "function_name": "Digest", "poll_interval_sec": 1}});
    let execution = server.admin.run_job("digest", &json!([call])).await;
    let path = traces_of(&execution, 1);
    let (admin, viewer) = (&server.admin, server.with_role("viewer").await);
    let shown = format!("/api/connections/{}", connection["id"].as_str().unwrap());

    cloud.deny_workspace(true);
    let problem = viewer.get(&path).await.problem(502, 3000);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("Log Analytics Reader"),
        "{problem}"
    );
    assert_eq!(
        admin.get(&shown).await.ok()["health"],
        "healthy",
        "who only looks changes nothing"
    );
    admin.get(&path).await.problem(502, 3000);
    assert_eq!(admin.get(&shown).await.ok()["health"], "failing");
    cloud.deny_workspace(false);
    admin.get(&path).await.ok();
    assert_eq!(admin.get(&shown).await.ok()["health"], "healthy");

    let busy = Mood::Failing {
        times: 100,
        status: 429,
        retry_after: Some(600),
    };
    cloud.feel(Part::Workspace, busy);
    admin.get(&path).await.problem(502, 3003);
    assert_eq!(
        admin.get(&shown).await.ok()["health"],
        "healthy",
        "throttling is no failure"
    );
    cloud.feel(Part::Workspace, Mood::Well);

    cloud.refuse_tokens(Some(
        "AADSTS7000222: The provided client secret keys are expired.",
    ));
    cloud.revoke_tokens();
    let problem = viewer.get(&path).await.problem(502, 3001);
    assert!(
        problem["detail"].as_str().unwrap().contains("expired"),
        "{problem}"
    );
    server.stop().await;
}

#[tokio::test]
async fn traces_are_found_without_ids_of_invocations_and_not_without_a_connection() {
    let server = TestServer::start().await;
    let (cloud, connection) = cloud(&server).await;
    cloud.set_open_telemetry(true);
    cloud.put(Function::new("Digest").writes("begun", 1));
    let call = json!({"step_type": "azure_function.execute",
        "config": {"connection_id": connection["id"], "function_name": "Digest", "poll_interval_sec": 1}});
    let admin = &server.admin;
    let execution = admin.run_job("digest", &json!([call])).await;
    assert_eq!(
        execution["context"]["1.invocation_id"],
        Value::Null,
        "{execution}"
    );
    let path = traces_of(&execution, 1);
    assert_eq!(admin.get(&path).await.ok()["items"][0]["message"], "begun");

    let shown = format!("/api/connections/{}", connection["id"].as_str().unwrap());
    admin.patch(&shown, json!({"status": "disabled"})).await.ok();
    let problem = admin.get(&path).await.problem(409, 1050);
    assert!(
        problem["detail"].as_str().unwrap().contains("disabled"),
        "{problem}"
    );
    let job = format!("/api/jobs/{}", execution["job_id"].as_str().unwrap());
    admin.delete(&job).await.status(204);
    admin.delete(&shown).await.status(204);
    let problem = admin.get(&path).await.problem(409, 1050);
    assert!(
        problem["detail"].as_str().unwrap().contains("deleted"),
        "{problem}"
    );
    server.stop().await;
}
