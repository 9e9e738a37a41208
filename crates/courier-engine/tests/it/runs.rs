//! Executions: failure policies, limits, versions.

use courier_engine::{Error, ExecutionEvent, executions::ExecutionState};
use courier_transfer::{ErrorKind, memory::Event};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fixture::{Fixture, map, operator, path};

fn delete(connection: Uuid, remote_path: &str) -> Value {
    json!({"step_type": "remote.delete", "config": {"connection_id": connection, "remote_path": remote_path}})
}

fn policy(kind: &str, retries: u32) -> Value {
    json!({"type": kind, "max_retries": retries, "backoff_base_sec": 0})
}

#[tokio::test]
async fn stop_leaves_what_was_never_reached_pending() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    let run = t
        .run_steps(json!([delete(made.id, "missing"), delete(made.id, "other")]))
        .await;
    assert_eq!(run.state, ExecutionState::Failed);
    let error = run.error.unwrap();
    assert_eq!(error.kind, "not_found");
    let states: Vec<&str> = run.steps.iter().map(|s| s.state.as_str()).collect();
    assert_eq!(states, ["failed", "pending"]);
    assert_eq!(run.steps[0].error.as_ref(), Some(&error));
    assert_eq!(
        t.audit_of("delete").await[0].details["error"]["kind"],
        json!("not_found")
    );
    assert_eq!((run.node.as_deref(), run.attempts), (Some("test"), 1));
    assert!(run.started_at.is_some() && run.ended_at.is_some());
}

#[tokio::test]
async fn a_skipped_step_shows_why() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    t.server.memory().put(&path("/home/b"), "b");
    let steps = json!([delete(made.id, "missing"), delete(made.id, "b")]);
    let run = t
        .run_job(json!({"name": "j", "steps": steps, "failure_policy": policy("skip_and_continue", 0)}))
        .await;
    assert_eq!(run.state, ExecutionState::Completed);
    let states: Vec<&str> = run.steps.iter().map(|s| s.state.as_str()).collect();
    assert_eq!(states, ["skipped", "completed"]);
    assert_eq!(run.steps[0].error.as_ref().unwrap().kind, "not_found");
}

#[tokio::test]
async fn a_step_is_retried_and_its_transfer_goes_on() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    t.server.memory().put(&path("/home/big"), vec![1u8; 2_000_000]);
    t.server
        .memory()
        .at_byte(1_000_000, Event::Fail(ErrorKind::Failed));
    let steps =
        json!([{"step_type": "remote.download", "config": {"connection_id": made.id, "remote_path": "big"}}]);
    let run = t
        .run_job(json!({"name": "j", "steps": steps, "failure_policy": policy("retry_step", 2)}))
        .await;
    assert_eq!(run.error, None);
    assert_eq!(
        (run.steps[0].attempts, run.steps[0].bytes_transferred),
        (2, 2_000_000),
        "no byte twice"
    );
    assert!(run.context["1.transfer_state"]["resumed_from"].as_u64().unwrap() > 900_000);
}

#[tokio::test]
async fn retries_end() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    let steps = json!([{"step_type": "remote.mkdir", "config": {"connection_id": made.id, "remote_path": "a"}}, delete(made.id, "missing")]);
    for (kind, attempts, mkdirs) in [("retry_step", [1, 3], 1), ("stop", [1, 1], 1)] {
        t.server.memory().refuse("remove", ErrorKind::Failed);
        let run = t
            .run_job(json!({"name": kind, "steps": steps, "failure_policy": policy(kind, 2)}))
            .await;
        assert_eq!(run.error.unwrap().kind, "failed");
        assert_eq!([run.steps[0].attempts, run.steps[1].attempts], attempts, "{kind}");
        assert_eq!(
            t.server
                .memory()
                .operations()
                .iter()
                .filter(|o| **o == "make_dir")
                .count(),
            mkdirs
        );
        t.server.memory().heal();
        t.run_steps(
            json!([{"step_type": "remote.rmdir", "config": {"connection_id": made.id, "remote_path": "a"}}]),
        )
        .await;
        t.server.memory().operations();
    }
    // The whole job again: the second time the folder is there.
    t.server.memory().refuse("remove", ErrorKind::Failed);
    let run = t
        .run_job(json!({"name": "job", "steps": steps, "failure_policy": policy("retry_job", 1)}))
        .await;
    assert_eq!(
        (run.error.unwrap().kind.as_str(), run.steps[0].attempts),
        ("already_exists", 2)
    );
    let states: Vec<&str> = run.steps.iter().map(|s| s.state.as_str()).collect();
    assert_eq!(states, ["failed", "pending"]);
}

/// What an earlier try of the job has sent is in nobody's way but its own.
#[tokio::test]
async fn a_job_that_is_tried_again_sends_nothing_twice() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    t.server.memory().put(&path("/home/a.csv"), "new");
    t.server.memory().put(&path("/home/b.csv"), "new");
    t.server.memory().refuse("make_dir", ErrorKind::Failed);
    for (on_existing, there) in [("rename", true), ("fail", false), ("skip", false)] {
        let folder = format!("to-{on_existing}");
        t.server.memory().put(&path(&format!("/home/{folder}/x")), "");
        if there {
            t.server
                .memory()
                .put(&path(&format!("/home/{folder}/a.csv")), "of others");
        }
        let steps = json!([
            {"step_type": "remote.download", "config": {"connection_id": made.id, "remote_path": "*.csv"}},
            {"step_type": "remote.upload", "config": {"connection_id": made.id, "local_path": "context:1.downloaded_files",
                "remote_path": format!("{folder}/"), "on_existing": on_existing}},
            {"step_type": "remote.mkdir", "config": {"connection_id": made.id, "remote_path": "x/y"}},
        ]);
        let run = t
            .run_job(json!({"name": on_existing, "steps": steps, "failure_policy": policy("retry_job", 2)}))
            .await;
        assert_eq!((run.steps[1].attempts, run.steps[2].attempts), (3, 3), "{run:?}");
        assert_eq!(run.steps[1].state.as_str(), "completed");
        let below = format!("/home/{folder}/");
        let paths = t.server.memory().paths();
        let mut names: Vec<&str> = paths
            .iter()
            .filter_map(|path| path.strip_prefix(&below))
            .collect();
        names.sort_unstable();
        let expected: &[&str] = match there {
            true => &["a (1).csv", "a.csv", "b.csv", "x"],
            false => &["a.csv", "b.csv", "x"],
        };
        assert_eq!(names, expected, "{on_existing}");
        assert_eq!(run.context["2.uploaded_files"].as_array().unwrap().len(), 2);
    }
    assert_eq!(
        t.server.memory().content(&path("/home/to-rename/a.csv")),
        Some(b"of others".to_vec())
    );
}

/// What an earlier try of the job has fetched is neither taken for somebody else's file nor for missing.
#[tokio::test]
async fn a_job_that_is_tried_again_has_what_it_has_fetched() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    t.server.memory().refuse("make_dir", ErrorKind::Failed);
    for more in [
        json!({"on_existing": "skip"}),
        json!({"on_existing": "fail"}),
        json!({"on_existing": "rename"}),
        json!({"after": "delete"}),
        json!({"after": "move", "move_to": "done/"}),
    ] {
        for name in ["a.csv", "b.csv"] {
            t.server.memory().put(&path(&format!("/home/{name}")), "new");
        }
        t.server.memory().put(&path("/home/done/x"), "");
        let mut config = json!({"connection_id": made.id, "remote_path": "*.csv", "local_path": "in/"});
        config.as_object_mut().unwrap().extend(map(more.clone()));
        let steps = json!([
            {"step_type": "remote.download", "config": config},
            {"step_type": "remote.mkdir", "config": {"connection_id": made.id, "remote_path": "x/y"}},
        ]);
        let run = t
            .run_job(
                json!({"name": more.to_string(), "steps": steps, "failure_policy": policy("retry_job", 2)}),
            )
            .await;
        assert_eq!((run.steps[0].attempts, run.steps[1].attempts), (3, 3), "{run:?}");
        let files = run.context["1.downloaded_files"].as_array().unwrap();
        assert_eq!(files.len(), 2, "{more}: {files:?}");
        assert!(
            !files.iter().any(|file| file.as_str().unwrap().contains('(')),
            "{files:?}"
        );
    }
}

#[tokio::test]
async fn what_cannot_pass_is_not_tried_again() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    t.server.memory().put(&path("/home/out/a.csv"), "a");
    let download = json!({"step_type": "remote.download", "config": {"connection_id": made.id, "remote_path": "out/*.csv"}});
    // A list stands where one path belongs.
    let steps =
        json!([download, {"step_type": "local.delete", "config": {"path": "context:1.downloaded_files"}}]);
    let run = t
        .run_job(json!({"name": "j", "steps": steps, "failure_policy": policy("retry_step", 2)}))
        .await;
    let error = run.error.unwrap();
    assert_eq!((error.kind.as_str(), run.steps[1].attempts), ("step_config", 1));
    assert!(
        error.message.contains("path") && error.message.contains("list"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_step_ends_within_its_timeout() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    t.server.memory().hang("make_dir");
    let run = t
        .run_steps(json!([{"step_type": "remote.mkdir", "timeout_sec": 1, "config": {"connection_id": made.id, "remote_path": "a"}}]))
        .await;
    let error = run.error.unwrap();
    assert!(
        error.kind == "timeout" && error.message.contains("timeout_sec of 1"),
        "{error:?}"
    );
    assert_eq!(t.server.open_sessions(), 0);
}

#[tokio::test]
async fn a_missing_output_is_a_clear_error() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    let run = t
        .run_steps(json!([
            {"step_type": "remote.download", "config": {"connection_id": made.id, "remote_path": "*.none"}},
            {"step_type": "local.delete", "config": {"path": "context:1.downloaded_file"}},
        ]))
        .await;
    let error = run.error.unwrap();
    assert_eq!(error.kind, "step_config");
    assert!(
        error.message.contains("1.downloaded_file") && error.message.contains("1.downloaded_files"),
        "{error:?}"
    );
}

#[tokio::test]
async fn jobs_have_versions_and_may_be_off() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    let input = |enabled: bool, at: &str| {
        map(json!({"name": "j", "enabled": enabled, "steps": [delete(made.id, at)]}))
    };
    let job = t.jobs().create(&operator(), input(true, "a")).await.unwrap();
    assert_eq!(job.version, 1);
    let again = t.jobs().create(&operator(), input(true, "a")).await.unwrap_err();
    assert!(matches!(again, Error::Duplicate { what: "job", .. }));
    let job = t
        .jobs()
        .replace(&operator(), job.id, input(false, "b"))
        .await
        .unwrap();
    assert_eq!(job.version, 2);
    assert!(matches!(
        t.jobs().run(&operator(), job.id).await.unwrap_err(),
        Error::Conflict(_)
    ));
    let versions = t.jobs().versions(job.id).await.unwrap();
    let paths: Vec<&Value> = versions
        .iter()
        .map(|v| &v.definition.steps[0].config["remote_path"])
        .collect();
    assert_eq!(paths, [&json!("b"), &json!("a")]);
    assert!(matches!(
        t.jobs().get(Uuid::now_v7()).await.unwrap_err(),
        Error::NotFound { what: "job", .. }
    ));
}

#[tokio::test]
async fn max_instances_bounds_the_executions_of_a_job() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    t.server.memory().hang("remove");
    let input = map(json!({"name": "j", "max_instances": 1, "steps": [delete(made.id, "a")]}));
    let job = t.jobs().create(&operator(), input).await.unwrap();
    let first = t.jobs().run(&operator(), job.id).await.unwrap();
    let error = t.jobs().run(&operator(), job.id).await.unwrap_err();
    assert!(
        matches!(&error, Error::Conflict(m) if m.contains("max_instances")),
        "{error:?}"
    );
    t.executions().cancel(&operator(), first.id).await.unwrap();
    t.finished(first.id).await;
    t.jobs().run(&operator(), job.id).await.unwrap();
}

#[tokio::test]
async fn watchers_hear_states_and_progress() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    t.server.memory().put(&path("/home/big"), vec![1u8; 2_500_000]);
    let job = json!({"name": "j", "steps": [{"step_type": "remote.download", "config": {"connection_id": made.id, "remote_path": "big"}}]});
    let id = t.start_job(job).await;
    let mut events = t.executions().subscribe(id).await.unwrap();
    let (mut progress, mut last) = (Vec::new(), None);
    while let Some(event) = events.next().await {
        match event {
            ExecutionEvent::Progress(file) => {
                assert_eq!(
                    (file.step, file.current_file.as_str(), file.total_bytes),
                    (1, "big", Some(2_500_000))
                );
                progress.push(file.bytes_transferred);
            }
            ExecutionEvent::Summary(step) => assert_eq!((step.execution, step.step), (id, 1)),
            ExecutionEvent::State { state, .. } => last = Some(state),
        }
    }
    assert_eq!(last, Some(ExecutionState::Completed));
    assert!(
        progress.len() >= 3 && progress.is_sorted() && progress.last() == Some(&2_500_000),
        "{progress:?}"
    );
}
