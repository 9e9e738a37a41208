//! What moved and what ended, hour by hour.

use std::fs;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::harness::TestServer;

#[tokio::test]
async fn hours_follow_each_other_and_the_last_one_runs() {
    let server = TestServer::start().await;
    let admin = &server.admin;
    let files = server.folder.path().join("files");
    fs::write(files.join("in.bin"), [7; 1000]).unwrap();
    let connection = json!({"name": "disk", "protocol": "local", "base_path": files.to_str().unwrap()});
    let connection = admin.post("/api/connections", connection).await.created();
    let id = &connection["id"];

    let hours = |answer: &Value| answer["items"].as_array().unwrap().clone();
    let before = admin.get("/api/activity").await.ok();
    assert_eq!(before["next_cursor"], Value::Null);
    let before = hours(&before);
    assert_eq!(before.len(), 168);
    let times: Vec<Timestamp> = before
        .iter()
        .map(|hour| hour["at"].as_str().unwrap().parse().unwrap())
        .collect();
    assert!(times.iter().all(|at| at.as_second() % 3600 == 0));
    assert!(
        times
            .windows(2)
            .all(|pair| pair[1] - SignedDuration::from_hours(1) == pair[0])
    );
    let running = Timestamp::now().duration_since(times[167]);
    assert!(running < SignedDuration::from_mins(61), "{running}");

    let up = json!({"step_type": "remote.upload", "config": {"connection_id": id,
        "local_path": files.join("in.bin").to_str().unwrap(), "remote_path": "/out.bin"}});
    let down = json!({"step_type": "remote.download", "config": {"connection_id": id,
        "remote_path": "/out.bin", "local_path": "back.bin"}});
    let gone = json!({"step_type": "remote.download", "config": {"connection_id": id,
        "remote_path": "/gone.bin", "local_path": "gone.bin"}});
    admin.run_job("there", &json!([up, down])).await;
    let failed = admin.run_job("gone", &json!([gone])).await;
    assert_eq!(failed["state"], "failed");

    // What was known before is asked for anew. A new hour may have begun meanwhile.
    let sum = |hours: &[Value], field: &str| {
        hours
            .iter()
            .map(|hour| hour[field].as_u64().unwrap())
            .sum::<u64>()
    };
    for asked in [168, 2, 744] {
        let after = hours(&admin.get(&format!("/api/activity?hours={asked}")).await.ok());
        assert_eq!(after.len(), asked);
        for (field, expected) in [
            ("files", 2),
            ("bytes", 2000),
            ("uploads", 1),
            ("downloads", 1),
            ("pulled", 0),
            ("completed", 1),
            ("failed", 1),
        ] {
            assert_eq!(sum(&after, field), expected, "{field} of {asked} hours");
        }
    }
    for (asked, given) in [(0, 1), (745, 744), (u64::MAX, 744)] {
        let path = format!("/api/activity?hours={asked}");
        assert_eq!(hours(&admin.get(&path).await.ok()).len(), given);
    }
    admin.get("/api/activity?hours=-1").await.problem(400, 1000);
    server.stop().await;
}
