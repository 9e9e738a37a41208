//! Placeholders in the paths of steps.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::json;
use uuid::Uuid;

use crate::fixture::{Fixture, fields, map, operator, path};

#[tokio::test]
async fn paths_hold_dates_outputs_and_names() {
    let t = Fixture::new().await;
    let id = t.connection(json!({})).await.id;
    t.server.memory().put(&path("/home/out/a[1].csv"), "a");
    let job = json!({"name": "nightly", "steps": [
        {"step_type": "remote.download", "config": {"connection_id": id, "remote_path": "out/*.csv"}},
        {"step_type": "remote.upload", "config": {"connection_id": id, "local_path": "{{context:1.name}}",
            "remote_path": "{{job.name}}/{{date:yyyy/MM/dd}}/{{context:1.count}}-{{execution.id}}-{{context:1.name}}",
            "create_parents": true}},
        // What an output holds is no pattern.
        {"step_type": "remote.download", "config": {"connection_id": id, "remote_path": "out/{{context:1.name}}",
            "local_path": "again/{{date-1d:yyyyMMdd@Asia/Tokyo}}.csv"}},
        {"step_type": "remote.list", "config": {"connection_id": id, "remote_path": "out",
            "pattern": "{{context:1.name}}", "ignore": ["{{date:yyyy}}*"]}},
        {"step_type": "local.copy", "config": {"path": "{{context:1.name}}", "new_path": "{{{{copy}}"}},
    ]});
    let done = t.run_job(job).await;
    assert_eq!(done.error, None);
    let day = |zone: &str, days: i64| {
        let at = done.queued_at.to_zoned(TimeZone::get(zone).unwrap());
        at.checked_sub(jiff::Span::new().days(days)).unwrap()
    };
    let uploaded = format!(
        "nightly/{}/1-{}-a[1].csv",
        day("UTC", 0).strftime("%Y/%m/%d"),
        done.id
    );
    assert_eq!(done.context["2.uploaded_file"], json!(uploaded));
    let again = format!("{}.csv", day("Asia/Tokyo", 1).strftime("%Y%m%d"));
    assert_eq!(done.context["3.name"], json!(again));
    assert_eq!(done.context["4.count"], json!(1));
    assert_eq!(done.context["5.name"], json!("{{copy}}"));
    assert!(done.queued_at <= Timestamp::now());
}

#[tokio::test]
async fn placeholders_are_checked_when_a_job_is_saved() {
    let t = Fixture::new().await;
    let id = t.connection(json!({})).await.id;
    let download = |remote: &str, local: &str| {
        json!({"step_type": "remote.download",
            "config": {"connection_id": id, "remote_path": remote, "local_path": local}})
    };
    let job = map(json!({"name": format!("a/{}", Uuid::now_v7()), "steps": [
        download("out/{{date:yyyyMMdd}}/*.csv", "{{scheduled+2h:HHmm}}"),
        download("out/{{date:YYYY}}", "x"),
        download("out/{{datum:yyyy}}", "../{{date:yyyy}}"),
        download("out/{{context:1.downloaded_files}}", "{{context:9.name}}"),
        download("out/{{context:1.nothing}}", "{{job.name}}"),
        download("out/{{date:'..'}}/x", "{{date:yyyy"),
        {"step_type": "remote.list", "config": {"connection_id": id, "remote_path": "a", "ignore": ["x", "{{y}}"]}},
    ]}));
    let error = t.jobs().create(&operator(), job).await.unwrap_err();
    assert_eq!(
        fields(&error),
        [
            "steps[1].config.remote_path",
            "steps[2].config.local_path",
            "steps[2].config.remote_path",
            "steps[3].config.local_path",
            "steps[3].config.remote_path",
            "steps[4].config.local_path",
            "steps[4].config.remote_path",
            "steps[5].config.local_path",
            "steps[5].config.remote_path",
            "steps[6].config.ignore[1]",
        ]
    );
}

#[tokio::test]
async fn a_value_does_not_lead_out_of_its_folder() {
    let t = Fixture::new().await;
    let id = t.connection(json!({})).await.id;
    std::fs::write(t.files().join("x.."), "x").unwrap();
    let steps = json!([
        {"step_type": "remote.upload", "config": {"connection_id": id, "local_path": t.files().join("x.."), "remote_path": "x.."}},
        {"step_type": "remote.list", "config": {"connection_id": id, "remote_path": "."}},
        {"step_type": "local.copy", "config": {"path": t.files().join("x.."), "new_path": "{{context:2.count}}/{{context:1.name}}"}},
        {"step_type": "local.copy", "config": {"path": "{{context:1.files_of_all}}", "new_path": "y"}},
    ]);
    let job = map(json!({"name": "j", "steps": steps}));
    let error = t.jobs().create(&operator(), job).await.unwrap_err();
    assert_eq!(fields(&error), ["steps[3].config.path"]);
}
