//! Jobs that run by themselves. The clock is a parameter: tests say what time it is.

use courier_engine::{Error, executions::ExecutionState, jobs::Job};
use jiff::{SignedDuration, Timestamp, ToSpan, tz::TimeZone};
use serde_json::{Value, json};

use crate::fixture::{Fixture, map, operator};

/// A job with these schedules, whose only step fails.
fn input(schedules: Value) -> Value {
    let delete = json!({"step_type": "local.delete", "config": {"path": "nothing"}});
    json!({"name": "nightly", "steps": [delete], "schedules": schedules})
}

async fn scheduled(t: &Fixture, schedules: Value) -> Job {
    let job = t.jobs().create(&operator(), map(input(schedules))).await;
    job.unwrap()
}

#[tokio::test]
async fn very_many_schedules_are_refused_at_once() {
    let t = Fixture::new().await;
    let many: Vec<Value> = (0..50_000).map(|n| json!({"cron": n.to_string()})).collect();
    let (_, field, message) = refused(&t, json!(many)).await;
    assert_eq!(
        (field.as_str(), message.as_str()),
        ("schedules", "must be 100 at most")
    );
}

/// What was refused, and how: its kind, the field and the words.
async fn refused(t: &Fixture, schedules: Value) -> (&'static str, String, String) {
    let error = t
        .jobs()
        .create(&operator(), map(input(schedules)))
        .await
        .unwrap_err();
    let kind = error.kind();
    let (Error::Schedule { fields } | Error::Validation { fields }) = error else {
        panic!("{error:?}")
    };
    (kind, fields[0].field.clone(), fields[0].message.clone())
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

/// Two in the morning in Berlin, so many days from now.
fn two_in_berlin(days: i64) -> Timestamp {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let day = Timestamp::now().to_zoned(zone).date() + days.days();
    day.at(2, 0, 0, 0).in_tz("Europe/Berlin").unwrap().timestamp()
}

#[tokio::test]
async fn a_due_job_is_run_with_its_time_and_zone() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    let list = json!({"step_type": "remote.list", "config": {"connection_id": made.id, "remote_path": "."}});
    let schedules = json!([{"cron": "0 2 * * *", "timezone": "europe/berlin"}]);
    let job = json!({"name": "nightly", "steps": [list], "schedules": schedules});
    let job = t.jobs().create(&operator(), map(job)).await.unwrap();
    let due = job.next_run_at.unwrap();
    assert!(due == two_in_berlin(0) || due == two_in_berlin(1), "{due}");
    assert_eq!(
        job.definition.schedules[0].timezone.as_deref(),
        Some("Europe/Berlin")
    );

    assert_eq!(t.schedules().run_due(due - hours(1)).await.unwrap(), 0);
    assert_eq!(t.schedules().run_due(due).await.unwrap(), 1);
    assert_eq!(t.schedules().run_due(due).await.unwrap(), 0);
    let record = &t.audit_of("job_run").await[0];
    assert_eq!(record.performed_by, "schedule");
    assert_eq!(record.details["scheduled_at"], json!(due));
    assert_eq!(record.details["schedule"], 0);
    let run = t.finished(record.job_execution_id.unwrap()).await;
    assert_eq!(
        (run.state, run.triggered_by.as_str()),
        (ExecutionState::Completed, "schedule")
    );
    let next = t.jobs().get(job.id).await.unwrap().next_run_at.unwrap();
    assert!(
        (hours(23)..=hours(25)).contains(&next.duration_since(due)),
        "{next}"
    );
}

#[tokio::test]
async fn it_runs_by_the_clock() {
    let t = Fixture::new().await;
    let job = scheduled(&t, json!([{"cron": "* * * * * *"}])).await;
    let begun = job.next_run_at.unwrap();
    let runs = async {
        loop {
            let records = t.audit_of("job_run").await;
            if records.len() >= 2 {
                return records;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let records = tokio::time::timeout(std::time::Duration::from_secs(10), runs)
        .await
        .unwrap();
    for record in &records {
        let at: Timestamp = record.details["scheduled_at"].as_str().unwrap().parse().unwrap();
        assert!(at >= begun && at <= record.performed_at, "{record:?}");
        assert_eq!(at.subsec_nanosecond(), 0);
        t.finished(record.job_execution_id.unwrap()).await;
    }
}

#[tokio::test]
async fn missed_runs_are_made_up_for_as_the_schedule_says() {
    let t = Fixture::new().await;
    for (missed, runs, skipped) in [("once", 1, 1), ("skip", 0, 1), ("all", 4, 0)] {
        let mut input = input(json!([{"cron": "0 2 * * *", "missed": missed}]));
        input["name"] = json!(missed);
        let job = t.jobs().create(&operator(), map(input)).await.unwrap();
        let due = job.next_run_at.unwrap();
        let records = async || {
            let of_job = |records: Vec<courier_engine::audit::AuditRecord>| {
                let records = records
                    .into_iter()
                    .filter(|r| r.details["job_id"] == json!(job.id));
                records
                    .map(|r| r.details["scheduled_at"].clone())
                    .collect::<Vec<_>>()
            };
            (
                of_job(t.audit_of("job_run").await),
                of_job(t.audit_of("schedule_skipped").await),
            )
        };
        let now = due + hours(3 * 24 + 5);
        assert_eq!(t.schedules().run_due(now).await.unwrap(), runs, "{missed}");
        let (ran, left_out) = records().await;
        assert_eq!((ran.len(), left_out.len()), (runs, skipped), "{missed}");
        if missed == "once" {
            assert_eq!(ran, [json!(due + hours(3 * 24))]);
        }
        if missed != "all" {
            assert_eq!(left_out, [json!(due)]);
        }
        let next = t.jobs().get(job.id).await.unwrap().next_run_at;
        assert_eq!(next, Some(due + hours(4 * 24)), "{missed}");
        t.jobs().replace(&operator(), job.id, map(json!({
            "name": missed, "enabled": false, "steps": [{"step_type": "local.delete", "config": {"path": "x"}}],
        }))).await.unwrap();
    }
}

#[tokio::test]
async fn a_run_does_not_overlap_the_one_before() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    t.server.memory().hang("remove");
    let delete =
        json!({"step_type": "remote.delete", "config": {"connection_id": made.id, "remote_path": "a"}});
    for (missed, queued, skipped) in [("once", 1, 1), ("all", 1, 0)] {
        let job = json!({"name": missed, "max_instances": 1, "steps": [delete],
            "schedules": [{"cron": "0 2 * * *", "missed": missed}]});
        let job = t.jobs().create(&operator(), map(job)).await.unwrap();
        let due = job.next_run_at.unwrap();
        assert_eq!(t.schedules().run_due(due).await.unwrap(), queued);
        let second = due + hours(24);
        assert_eq!(t.schedules().run_due(second).await.unwrap(), 0);
        let records = t.audit_of("schedule_skipped").await;
        let left_out: Vec<_> = records.iter().filter(|r| r.details["name"] == missed).collect();
        assert_eq!(left_out.len(), skipped, "{missed}");
        for record in left_out {
            let why = record.details["reason"].as_str().unwrap();
            assert!(why.contains("max_instances is 1"), "{why}");
            assert_eq!(record.details["scheduled_at"], json!(second));
        }
        // One that waits comes when there is room.
        let run = t.audit_of("job_run").await[0].job_execution_id.unwrap();
        t.executions().cancel(&operator(), run).await.unwrap();
        t.finished(run).await;
        let waited = t.schedules().run_due(second + hours(1)).await.unwrap();
        assert_eq!(waited, usize::from(missed == "all"));
        if missed == "all" {
            assert_eq!(
                t.audit_of("job_run").await[0].details["scheduled_at"],
                json!(second)
            );
        }
    }
}

#[tokio::test]
async fn one_time_comes_once() {
    let t = Fixture::new().await;
    let soon = Timestamp::from_second(Timestamp::now().as_second()).unwrap() + hours(1);
    let job = scheduled(&t, json!([{"at": soon}])).await;
    assert_eq!(job.next_run_at, Some(soon));
    assert_eq!(t.schedules().run_due(soon + hours(100)).await.unwrap(), 1);
    assert_eq!(t.jobs().get(job.id).await.unwrap().next_run_at, None);
    assert_eq!(t.schedules().next_runs(job.id, 5).await.unwrap(), []);
}

#[tokio::test]
async fn a_schedule_that_is_wrong_is_refused_with_words() {
    let t = Fixture::new().await;
    for (schedule, kind, field, words) in [
        (
            json!({"cron": "99 * * * *"}),
            "cron_expression",
            "schedules[0].cron",
            "is no minute",
        ),
        (
            json!({"cron": "0 0 30 2 *"}),
            "cron_expression",
            "schedules[0].cron",
            "never run",
        ),
        (
            json!({"cron": "0 0 * * *", "timezone": "Mars/Olympus"}),
            "cron_expression",
            "schedules[0].timezone",
            "Europe/Berlin",
        ),
        (json!({}), "validation", "schedules[0].cron", "either cron or at"),
        (
            json!({"cron": "@daily", "at": "2050-01-01T00:00:00Z"}),
            "validation",
            "schedules[0].cron",
            "not both",
        ),
        (
            json!({"at": "tomorrow"}),
            "validation",
            "schedules[0].at",
            "2026-11-22T06:30:00Z",
        ),
        (
            json!({"at": "2020-01-01T00:00:00Z"}),
            "validation",
            "schedules[0].at",
            "is over",
        ),
        (
            json!({"cron": "@daily", "missed": "maybe"}),
            "validation",
            "schedules[0].missed",
            "once",
        ),
        (
            json!({"cron": "@daily", "zone": "UTC"}),
            "validation",
            "schedules[0].zone",
            "not known",
        ),
    ] {
        let (found_kind, found_field, found_words) = refused(&t, json!([schedule])).await;
        assert_eq!(
            (found_kind, found_field.as_str()),
            (kind, field),
            "{schedule}: {found_words}"
        );
        assert!(found_words.contains(words), "{schedule}: {found_words}");
    }
    let twice = json!([{"cron": "@daily"}, {"cron": "@daily", "timezone": "UTC", "missed": "all"}]);
    assert_eq!(refused(&t, twice).await.1, "schedules[1]");
}

#[tokio::test]
async fn a_job_that_is_off_has_no_next_run() {
    let t = Fixture::new().await;
    let schedules =
        json!([{"cron": "0 2 * * *", "timezone": "Europe/Berlin"}, {"at": "2050-01-01T00:00:00Z"}]);
    let job = scheduled(&t, schedules.clone()).await;
    let runs = t.schedules().next_runs(job.id, 3).await.unwrap();
    assert_eq!(runs.iter().map(|run| run.schedule).collect::<Vec<_>>(), [0, 0, 0]);
    assert!(runs[0].local.contains("T02:00:00+0"), "{runs:?}");
    assert!(runs.is_sorted_by_key(|run| run.at));

    let mut off = input(schedules.clone());
    off["enabled"] = json!(false);
    t.jobs().replace(&operator(), job.id, map(off)).await.unwrap();
    assert_eq!(t.schedules().next_runs(job.id, 3).await.unwrap(), []);
    let later = job.next_run_at.unwrap() + hours(100);
    assert_eq!(t.schedules().run_due(later).await.unwrap(), 0);
    let on = t
        .jobs()
        .replace(&operator(), job.id, map(input(schedules)))
        .await
        .unwrap();
    assert_eq!(on.next_run_at, job.next_run_at);
    let upcoming = t.overview().await.unwrap().next_runs;
    let shown: Vec<_> = upcoming
        .iter()
        .map(|next| (next.job_id, next.job_name.as_str()))
        .collect();
    assert_eq!(shown, [(job.id, "nightly"), (job.id, "nightly")]);
}

#[tokio::test]
async fn schedules_can_be_tried_before_they_are_saved() {
    let t = Fixture::new().await;
    let input = json!({"schedules": [{"cron": "0 * * * *"}, {"at": "2050-01-01T00:00:00Z"}], "count": 3});
    let runs = t.schedules().preview(map(input)).await.unwrap();
    assert_eq!(runs.len(), 3);
    assert_eq!(runs[1].at.duration_since(runs[0].at), hours(1));
    assert_eq!((runs[0].timezone.as_str(), runs[0].schedule), ("UTC", 0));
    let wrong = t
        .schedules()
        .preview(map(json!({"schedules": [{"cron": "x"}]})))
        .await;
    assert!(matches!(wrong, Err(Error::Schedule { .. })), "{wrong:?}");
    let none = t.schedules().preview(map(json!({}))).await.unwrap();
    assert_eq!(none, []);
}

#[tokio::test]
async fn a_time_that_is_over_may_stay_where_it_is() {
    let t = Fixture::new().await;
    let soon = Timestamp::now() + SignedDuration::from_millis(1100);
    let job = scheduled(&t, json!([{"at": soon}])).await;
    let over = async {
        while t.jobs().get(job.id).await.unwrap().next_run_at.is_some() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), over)
        .await
        .unwrap();
    let at = job.definition.schedules[0].at.unwrap();
    t.jobs()
        .replace(&operator(), job.id, map(input(json!([{"at": at}]))))
        .await
        .unwrap();
    assert_eq!(t.audit_of("job_run").await.len(), 1);
}
