//! Which files a transfer step takes, and what becomes of them then.

use std::time::Duration;

use courier_engine::executions::Execution;
use courier_transfer::{Client, EntryKind, ErrorKind, memory::Event};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fixture::{Fixture, fields, map, operator, path};

async fn run(t: &Fixture, step_type: &str, config: Value) -> Execution {
    t.run_steps(json!([{"step_type": step_type, "config": config}]))
        .await
}

/// The files on the server, without the login folder.
fn files(t: &Fixture) -> Vec<String> {
    let paths = t.server.memory().paths().into_iter();
    let names = paths.filter_map(|p| p.strip_prefix("/home/").map(String::from));
    names.filter(|name| name.contains('.')).collect()
}

fn put(t: &Fixture, names: &[&str]) {
    for name in names {
        t.server
            .memory()
            .put(&path(&format!("/home/{name}")), name.as_bytes());
    }
}

#[tokio::test]
async fn sources_move_on_their_server_when_they_are_here() {
    let t = Fixture::new().await;
    let id = t.connection(json!({})).await.id;
    put(&t, &["out/a.csv", "out/sub/b.csv", "out/done/a.csv", "one.txt"]);
    let config = |from: &str, to: &str| {
        json!({"connection_id": id, "remote_path": from, "after": "move", "move_to": to,
            "local_path": t.files().join("in/")})
    };
    let done = run(&t, "remote.download", config("out/**", "out/done/")).await;
    assert_eq!(done.error, None);
    assert_eq!(
        files(&t),
        [
            "one.txt",
            "out/done/a (1).csv",
            "out/done/a.csv",
            "out/done/sub/b.csv"
        ],
        "what was moved before is not found again"
    );
    assert_eq!(done.context["1.count"], json!(2));
    let moved: Vec<&Value> = done.context["1.transfer_state"]["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| &file["moved_to"])
        .collect();
    assert_eq!(moved, ["out/done/a (1).csv", "out/done/sub/b.csv"]);
    assert_eq!(t.audit_of("rename").await.len(), 2);

    let done = run(&t, "remote.download", config("one.txt", "out/two.txt")).await;
    assert_eq!((done.error, &done.context["1.name"]), (None, &json!("one.txt")));
    let done = run(&t, "remote.download", config("out/two.txt", "out/done")).await;
    assert_eq!(
        done.context["1.transfer_state"]["moved_to"],
        json!("out/done/two.txt")
    );
}

#[tokio::test]
async fn sources_of_uploads_move_on_this_machine() {
    let t = Fixture::new().await;
    let id = t.connection(json!({})).await.id;
    let outbox = t.files().join("outbox");
    std::fs::create_dir_all(outbox.join("sent")).unwrap();
    for name in ["a.csv", "b.csv", "c.txt", "sent/a.csv"] {
        std::fs::write(outbox.join(name), name).unwrap();
    }
    let config = json!({"connection_id": id, "local_path": outbox.join("*.csv"), "remote_path": "/home/",
        "after": "move", "move_to": outbox.join("sent")});
    let done = run(&t, "remote.upload", config).await;
    assert_eq!(done.error, None);
    assert_eq!(files(&t), ["a.csv", "b.csv"]);
    let mut left: Vec<String> = ["", "sent"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(outbox.join(folder)).unwrap())
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["a (1).csv", "a.csv", "b.csv", "c.txt", "sent"]);
}

#[tokio::test]
async fn a_source_that_came_anew_meanwhile_is_neither_moved_nor_deleted() {
    for after in ["delete", "move"] {
        for is_replaced in [true, false] {
            let t = Fixture::new().await;
            put(&t, &["a.txt"]);
            let operation = if after == "move" { "rename" } else { "remove" };
            t.server.memory().hang(operation);
            let id = t.connection(json!({})).await.id;
            let mut config = json!({"connection_id": id, "remote_path": "*.txt", "after": after});
            if after == "move" {
                config["move_to"] = json!("done/");
            }
            let steps = json!([{"step_type": "remote.download", "config": config}]);
            let run = t.start_job(json!({"name": "j", "steps": steps})).await;
            while !t.server.memory().operations().contains(&operation) {
                tokio::task::yield_now().await;
            }
            // The answer is lost, and the step stopped.
            t.executions().pause(&operator(), run).await.unwrap();
            t.server.memory().heal();
            if is_replaced {
                t.server.memory().put(&path("/home/a.txt"), "a newer one");
            }
            t.executions().resume(&operator(), run).await.unwrap();
            let done = t.finished(run).await;
            assert_eq!(done.error, None);
            assert_eq!(done.context["1.count"], json!(1), "{after}");
            let state = &done.context["1.transfer_state"];
            match (is_replaced, after) {
                (true, _) => {
                    assert_eq!(files(&t), ["a.txt"]);
                    let warning = state["warning"].as_str().unwrap();
                    assert!(warning.contains("not sent"), "{warning}");
                }
                (false, "move") => assert_eq!(files(&t), ["done/a.txt"]),
                (false, _) => assert!(files(&t).is_empty()),
            }
            assert_eq!(state.get("source"), None);
        }
    }
}

#[tokio::test]
async fn too_few_files_move_nothing_and_those_that_come_are_waited_for() {
    let t = Fixture::new().await;
    let id = t.connection(json!({})).await.id;
    put(&t, &["a.csv", "b.csv"]);
    let config = json!({"connection_id": id, "remote_path": "*.csv", "min_files": 3, "after": "delete"});
    let failed = run(&t, "remote.download", config.clone()).await;
    let error = failed.error.unwrap();
    assert_eq!(error.kind, "not_found");
    assert!(
        error
            .message
            .contains("expected at least 3 files (min_files), found 2"),
        "{}",
        error.message
    );
    assert_eq!(files(&t), ["a.csv", "b.csv"]);

    let job = json!({"name": "waiting", "steps": [{"step_type": "remote.download", "config": config}],
        "failure_policy": {"type": "retry_step", "max_retries": 20, "backoff_base_sec": 1}});
    let waiting = t.start_job(job).await;
    while t.executions().get(waiting).await.unwrap().steps[0]
        .error
        .is_none()
    {
        tokio::task::yield_now().await;
    }
    put(&t, &["c.csv"]);
    let done = t.finished(waiting).await;
    assert_eq!((done.error, &done.context["1.count"]), (None, &json!(3)));
    assert!(files(&t).is_empty());

    // A file that is named must be there, unless it may be missing.
    for (step_type, config) in [
        (
            "remote.download",
            json!({"connection_id": id, "remote_path": "none"}),
        ),
        (
            "remote.upload",
            json!({"connection_id": id, "local_path": "none", "remote_path": "x"}),
        ),
    ] {
        let failed = run(&t, step_type, config.clone()).await;
        assert_eq!(failed.error.unwrap().kind, "not_found", "{step_type}");
        let mut config = config;
        config["min_files"] = json!(0);
        let done = run(&t, step_type, config).await;
        assert_eq!(
            (done.error, &done.context["1.count"]),
            (None, &json!(0)),
            "{step_type}"
        );
    }
}

#[tokio::test]
async fn folders_are_taken_whole_without_what_is_ignored() {
    let t = Fixture::new().await;
    let id = t.connection(json!({})).await.id;
    put(&t, &["out/a.csv", "out/a.tmp", "out/sub/b.csv", "out/.old/c.csv"]);
    let steps = json!([
        {"step_type": "remote.download", "config": {"connection_id": id, "remote_path": "out", "recursive": true,
            "ignore": ["*.tmp", ".*"]}},
        {"step_type": "remote.mkdir", "config": {"connection_id": id, "remote_path": "up"}},
        {"step_type": "remote.upload", "config": {"connection_id": id, "local_path": "out/", "recursive": true,
            "remote_path": "up", "ignore": ["a*"]}},
        {"step_type": "remote.list", "config": {"connection_id": id, "remote_path": "up", "recursive": true,
            "ignore": ["sub"]}},
    ]);
    let done = t.run_steps(steps).await;
    assert_eq!(done.error, None);
    assert_eq!(done.context["1.count"], json!(2));
    assert_eq!(done.context["3.uploaded_files"], json!(["up/sub/b.csv"]));
    assert_eq!(done.context["4.count"], json!(0));
}

#[tokio::test]
async fn a_listing_is_a_source() {
    let t = Fixture::new().await;
    let id = t.connection(json!({})).await.id;
    put(&t, &["out/a.csv", "out/[b].csv", "out/sub/c.csv", "out/d.txt"]);
    let steps = json!([
        {"step_type": "remote.list", "config": {"connection_id": id, "remote_path": "out", "ignore": ["*.txt"]}},
        {"step_type": "remote.download", "config": {"connection_id": id, "remote_path": "context:1.files"}},
        {"step_type": "remote.mkdir", "config": {"connection_id": id, "remote_path": "done"}},
        {"step_type": "remote.rename", "config": {"connection_id": id, "remote_path": "context:1.files", "new_path": "done"}},
        {"step_type": "remote.list", "config": {"connection_id": id, "remote_path": "done"}},
        {"step_type": "remote.delete", "config": {"connection_id": id, "remote_path": "context:5.files"}},
        {"step_type": "remote.upload", "config": {"connection_id": id, "local_path": "context:2.downloaded_files",
            "remote_path": "up/", "create_parents": true}},
    ]);
    let done = t.run_steps(steps).await;
    assert_eq!(done.error, None);
    assert_eq!(
        done.context["2.count"],
        json!(2),
        "a folder in a list stays where it is"
    );
    assert_eq!(
        files(&t),
        ["done/sub/c.csv", "out/d.txt", "up/[b].csv", "up/a.csv"]
    );
    assert_eq!(done.context["6.files"].as_array().unwrap().len(), 2);

    put(&t, &["one/x.csv", "two/x.csv"]);
    let steps = json!([
        {"step_type": "remote.list", "config": {"connection_id": id, "remote_path": ".", "recursive": true, "pattern": "x.csv"}},
        {"step_type": "remote.download", "config": {"connection_id": id, "remote_path": "context:1.files"}},
    ]);
    let error = t.run_steps(steps).await.error.unwrap();
    assert_eq!(error.kind, "invalid");
    assert!(error.message.contains("\"x.csv\""), "{}", error.message);
}

#[tokio::test]
async fn only_what_failed_is_tried_again() {
    let t = Fixture::new().await;
    let id = t.connection(json!({})).await.id;
    for n in 0..20 {
        t.server
            .memory()
            .put(&path(&format!("/home/out/{n}.csv")), vec![7; 1000]);
    }
    t.server.memory().at_byte(10_000, Event::Fail(ErrorKind::Failed));
    let job = json!({"name": "j", "steps": [
        {"step_type": "remote.download", "config": {"connection_id": id, "remote_path": "out/*.csv"}}],
        "failure_policy": {"type": "retry_step", "max_retries": 2, "backoff_base_sec": 0}});
    let done = t.run_job(job).await;
    assert_eq!(done.error, None);
    assert_eq!((done.steps[0].attempts, done.steps[0].files_transferred), (2, 20));
    assert_eq!(done.context["1.downloaded_files"].as_array().unwrap().len(), 20);
    let records = t.audit_of("download").await;
    assert_eq!(records.len(), 21);
    let failed: Vec<_> = records
        .iter()
        .filter(|r| r.details.get("error").is_some())
        .collect();
    assert_eq!(failed.len(), 1);
    let again = records
        .iter()
        .filter(|r| r.details["remote_path"] == failed[0].details["remote_path"]);
    assert_eq!(again.count(), 2);
}

#[tokio::test]
async fn an_upload_that_got_its_name_right_then_is_not_made_twice() {
    let t = Fixture::new().await;
    let id = t.connection(json!({})).await.id;
    put(&t, &["a.csv"]);
    // Of a smaller one the partial would not be kept.
    std::fs::write(t.files().join("a.csv"), vec![7; 100_000]).unwrap();
    t.server.memory().hang("rename");
    let config = json!({"connection_id": id, "local_path": t.files().join("a.csv"), "remote_path": "a.csv",
        "on_existing": "rename", "after": "delete"});
    let steps = json!([{"step_type": "remote.upload", "config": config}]);
    let run = t.start_job(json!({"name": "j", "steps": steps})).await;
    while !t.server.memory().operations().contains(&"rename") {
        tokio::task::yield_now().await;
    }
    t.executions().pause(&operator(), run).await.unwrap();
    t.server.memory().heal();
    let session = t.server.memory().connect();
    session
        .rename(
            &path("/home/a (1).csv.tmp"),
            &path("/home/a (1).csv"),
            courier_transfer::RenameMode::KeepTarget,
        )
        .await
        .unwrap();
    t.executions().resume(&operator(), run).await.unwrap();
    let done = t.finished(run).await;
    assert_eq!(done.error, None);
    assert_eq!(done.context["1.uploaded_file"], json!("a (1).csv"));
    assert_eq!(done.context["1.transfer_state"].get("namings"), None);
    assert_eq!(files(&t), ["a (1).csv", "a.csv"]);
    assert!(!t.files().join("a.csv").exists());
    session
        .remove(&path("/home/a.csv"), EntryKind::File)
        .await
        .unwrap();
}

#[tokio::test]
async fn settings_that_make_no_sense_together_are_not_saved() {
    let t = Fixture::new().await;
    let id = t.connection(json!({})).await.id;
    let job = map(json!({"name": Uuid::now_v7(), "steps": [
        {"step_type": "remote.download", "config": {"connection_id": id, "remote_path": "a", "after": "move"}},
        {"step_type": "remote.download", "config": {"connection_id": id, "remote_path": "a", "move_to": "b"}},
        {"step_type": "remote.upload", "config": {"connection_id": id, "local_path": "a", "remote_path": "b",
            "after": "move", "move_to": "/etc/sent"}},
        {"step_type": "remote.list", "config": {"connection_id": id, "remote_path": "a", "ignore": ["a[", "b"]}},
        {"step_type": "remote.download", "config": {"connection_id": id, "remote_path": "a", "min_files": -1}},
    ]}));
    let error = t.jobs().create(&operator(), job).await.unwrap_err();
    assert_eq!(
        fields(&error),
        [
            "steps[0].config.move_to",
            "steps[1].config.move_to",
            "steps[2].config.move_to",
            "steps[3].config.ignore",
            "steps[4].config.min_files",
        ]
    );
}

/// Who names files on a server chooses no other file by that, nor what an earlier step has left.
#[tokio::test]
async fn a_name_that_looks_like_a_pattern_or_a_reference_is_a_name() {
    let t = Fixture::new().await;
    let id = t.connection(json!({})).await.id;
    put(&t, &["in/*.csv", "in/a.csv"]);
    let steps = json!([
        {"step_type": "remote.download", "config": {"connection_id": id, "remote_path": "in/\\*.csv"}},
        {"step_type": "remote.rename", "config": {"connection_id": id, "remote_path": "in/{{context:1.name}}",
            "new_path": "{{context:1.name}}"}},
        {"step_type": "remote.rename", "config": {"connection_id": id, "remote_path": "in/a.csv", "new_path": "a.csv"}},
        {"step_type": "remote.download", "config": {"connection_id": id, "remote_path": "context:1.name", "after": "delete",
            "local_path": "again/"}},
    ]);
    let done = t.run_steps(steps).await;
    assert_eq!(done.error, None);
    assert_eq!(done.context["4.count"], json!(1));
    assert_eq!(files(&t), ["a.csv"]);

    put(&t, &["context:1.count"]);
    let steps = json!([
        {"step_type": "remote.download", "config": {"connection_id": id, "remote_path": "con*"}},
        {"step_type": "remote.rename", "config": {"connection_id": id, "remote_path": "{{context:1.name}}",
            "new_path": "b.csv"}},
    ]);
    let done = t.run_steps(steps).await;
    assert_eq!(done.error, None);
    assert_eq!(files(&t), ["a.csv", "b.csv"]);
}

#[tokio::test]
async fn a_source_that_came_anew_right_after_it_was_read_is_kept() {
    for (after, operation) in [("delete", "remove"), ("move", "rename")] {
        let t = Fixture::new().await;
        put(&t, &["a.txt"]);
        let id = t.connection(json!({})).await.id;
        let mut config = json!({"connection_id": id, "remote_path": "*.txt", "after": after});
        if after == "move" {
            config["move_to"] = json!("done/");
        }
        let steps = json!([{"step_type": "remote.download", "config": config}]);
        // The next look at it is that before it goes.
        t.server.memory().slow(Duration::from_millis(300));
        let run = t.start_job(json!({"name": "j", "steps": steps})).await;
        while !t.server.memory().operations().contains(&"stat") {
            tokio::task::yield_now().await;
        }
        t.server.memory().put(&path("/home/a.txt"), "a newer one");
        t.server.memory().heal();
        let done = t.finished(run).await;
        assert_eq!((&done.error, &done.context["1.count"]), (&None, &json!(1)));
        assert_eq!(files(&t), ["a.txt"]);
        assert!(!t.server.memory().operations().contains(&operation));
        let warning = done.context["1.transfer_state"]["warning"].as_str().unwrap();
        assert!(warning.contains("not sent"), "{warning}");
    }
}
