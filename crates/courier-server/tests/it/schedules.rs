//! Jobs that run by themselves.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::harness::TestServer;

fn job(name: &str, schedules: Value) -> Value {
    let step = json!({"step_type": "local.delete", "config": {"path": "nothing"}});
    json!({"name": name, "steps": [step], "schedules": schedules})
}

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_job_runs_each_second() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let made = admin
        .post("/api/jobs", job("often", json!([{"cron": "* * * * * *"}])))
        .await
        .created();
    assert_eq!(
        made["schedules"],
        json!([{"cron": "* * * * * *", "timezone": "UTC", "missed": "once"}])
    );
    let path = format!("/api/executions?job_id={}", made["id"].as_str().unwrap());
    let runs = admin
        .until(&path, |runs| runs["items"].as_array().unwrap().len() >= 3)
        .await;
    let runs = runs["items"].as_array().unwrap();
    let mut times: Vec<Timestamp> = runs.iter().map(|run| time(&run["scheduled_at"])).collect();
    assert!(
        runs.iter().all(|run| run["triggered_by"] == "schedule"),
        "{runs:?}"
    );
    assert!(
        runs.iter()
            .all(|run| time(&run["queued_at"]) >= time(&run["scheduled_at"])),
        "{runs:?}"
    );
    times.reverse();
    assert!(
        times.is_sorted_by(|a, b| a < b),
        "each second has one run: {times:?}"
    );
    server.stop().await;
}

#[tokio::test]
async fn the_next_runs_are_shown() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let nightly = json!([{"cron": "30 2 * * MON-FRI", "timezone": "Europe/Berlin"}]);
    let made = admin
        .post("/api/jobs", job("nightly", nightly.clone()))
        .await
        .created();
    let path = format!("/api/jobs/{}", made["id"].as_str().unwrap());
    let runs = admin.get(&format!("{path}/next-runs?count=3")).await.ok();
    let runs = runs["items"].as_array().unwrap().clone();
    assert_eq!(runs.len(), 3);
    assert_eq!(runs[0]["at"], made["next_run_at"]);
    assert_eq!(time(&runs[0]["local"]), time(&runs[0]["at"]));
    assert!(
        runs[0]["local"].as_str().unwrap().contains("T02:30:00+0"),
        "{runs:?}"
    );
    assert_eq!(
        (&runs[0]["timezone"], &runs[0]["schedule"]),
        (&json!("Europe/Berlin"), &json!(0))
    );

    let overview = admin.get("/api/overview").await.ok();
    assert_eq!(overview["next_runs"][0]["job_name"], "nightly");
    assert_eq!(overview["next_runs"][0]["at"], made["next_run_at"]);
    let listed = admin.get("/api/jobs").await.ok();
    assert_eq!(listed["items"][0]["next_run_at"], made["next_run_at"]);

    // A document that was read can be sent back.
    let put = admin.put(&path, made.clone()).await.ok();
    assert_eq!(put["next_run_at"], made["next_run_at"]);

    let viewer = server.with_role("viewer").await;
    let tried = viewer
        .post("/api/jobs/next-runs", json!({"schedules": nightly}))
        .await
        .ok();
    assert_eq!(tried["items"].as_array().unwrap().len(), 5);
    assert_eq!(tried["items"][0]["at"], made["next_run_at"]);
    server.stop().await;
}

#[tokio::test]
async fn a_wrong_schedule_is_refused_with_its_code() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    for (schedule, code, field) in [
        (json!({"cron": "61 * * * *"}), 2012, "schedules[0].cron"),
        (json!({"cron": "0 0 30 2 *"}), 2012, "schedules[0].cron"),
        (
            json!({"cron": "@daily", "timezone": "Berlin"}),
            2012,
            "schedules[0].timezone",
        ),
        (json!({"at": "2020-01-01T00:00:00Z"}), 1000, "schedules[0].at"),
        (json!({"at": 7}), 1000, "schedules[0].at"),
    ] {
        for (path, body) in [
            ("/api/jobs", job("j", json!([schedule]))),
            ("/api/jobs/next-runs", json!({"schedules": [schedule]})),
        ] {
            let problem = admin.post(path, body).await.status(400).json();
            assert_eq!(
                (&problem["code"], &problem["errors"][0]["field"]),
                (&json!(code), &json!(field)),
                "{problem}"
            );
        }
    }
    server.stop().await;
}
