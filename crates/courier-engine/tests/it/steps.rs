//! The steps, one by one, and what is refused when a job is saved.

use courier_engine::Error;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fixture::{Fixture, fields, map, operator, path};

async fn refused(t: &Fixture, steps: Value) -> Error {
    let job = map(json!({"name": Uuid::now_v7(), "steps": steps}));
    t.jobs().create(&operator(), job).await.unwrap_err()
}

#[tokio::test]
async fn a_job_that_makes_no_sense_is_not_saved() {
    let t = Fixture::new().await;
    let memory = t.connection(json!({})).await.id;
    let error = refused(&t, json!([{"step_type": "pgp.decrypt", "config": {}}])).await;
    assert!(matches!(error, Error::StepType { .. }));
    assert_eq!(fields(&error), ["steps[0].step_type"]);

    let error = refused(
        &t,
        json!([
            {"step_type": "remote.download", "config": {"connection_id": memory, "remote_path": "a/../b"}},
            {"step_type": "remote.upload", "config": {"connection_id": memory, "local_path": 7, "colour": "red"}},
            {"step_type": "sftp.upload", "config": {"connection_id": memory, "local_path": "a", "remote_path": "b"}},
            {"step_type": "remote.delete", "config": {"connection_id": Uuid::now_v7(), "remote_path": "b"}},
            {"step_type": "local.delete", "config": {"path": "context:5.file"}},
            {"step_type": "local.delete", "config": {"path": "context:1.files"}},
            {"step_type": "local.copy", "config": {"path": "/etc/passwd", "new_path": "../x"}},
            {"step_type": "remote.upload", "config": {"connection_id": memory, "local_path": "context:1.downloaded_file",
                "remote_path": "x", "on_existing": "panic", "atomic_suffix": "/x"}},
        ]),
    )
    .await;
    assert!(matches!(error, Error::StepConfig { .. }), "{error:?}");
    assert_eq!(
        fields(&error),
        [
            "steps[0].config.remote_path",
            "steps[1].config.colour",
            "steps[1].config.local_path",
            "steps[1].config.remote_path",
            "steps[2].config.connection_id",
            "steps[3].config.connection_id",
            "steps[4].config.path",
            "steps[5].config.path",
            "steps[6].config.new_path",
            "steps[6].config.path",
            "steps[7].config.atomic_suffix",
            "steps[7].config.on_existing",
        ]
    );
    assert!(matches!(refused(&t, json!([])).await, Error::Validation { .. }));
}

#[tokio::test]
async fn a_file_goes_down_is_renamed_here_and_goes_up() {
    let t = Fixture::new().await;
    let content = vec![7u8; 3_000_000];
    t.server.memory().put(&path("/home/out/a.csv"), content.clone());
    let made = t.connection(json!({})).await;
    let run = t
        .run_steps(json!([
            {"step_type": "remote.download", "config": {"connection_id": made.id, "remote_path": "out/a.csv"}},
            {"step_type": "local.move", "config": {"path": "context:1.downloaded_file", "new_path": "b.csv"}},
            {"step_type": "remote.upload", "config": {"connection_id": made.id, "local_path": "context:2.file",
                "remote_path": "in/b.csv", "create_parents": true}},
            {"step_type": "remote.rename", "config": {"connection_id": made.id, "remote_path": "in/b.csv", "new_path": "in/c.csv"}},
            {"step_type": "remote.delete", "config": {"connection_id": made.id, "remote_path": "out/a.csv"}},
            {"step_type": "remote.rmdir", "config": {"connection_id": made.id, "remote_path": "out"}},
            {"step_type": "remote.list", "config": {"connection_id": made.id, "remote_path": "in"}},
        ]))
        .await;
    assert_eq!(run.error, None);
    assert!(
        run.steps.iter().all(|s| s.state.as_str() == "completed"),
        "{:?}",
        run.steps
    );
    assert_eq!(t.server.memory().content(&path("/home/in/c.csv")), Some(content));
    assert_eq!(t.server.memory().content(&path("/home/out/a.csv")), None);
    assert_eq!(
        (run.steps[0].bytes_transferred, run.steps[0].files_transferred),
        (3_000_000, 1)
    );
    assert_eq!(run.context["3.uploaded_file"], json!("in/b.csv"));
    let state = &run.context["1.transfer_state"];
    assert_eq!(state["remote_path"], json!("out/a.csv"));
    assert_eq!(
        (&state["bytes_transferred"], &state["total_bytes"]),
        (&json!(3_000_000), &json!(3_000_000))
    );
    assert_eq!(
        (&state["completed"], &state["resumed_from"], &state["verified"]),
        (&json!(true), &json!(0), &json!("size"))
    );
    assert_eq!(run.context["7.files"][0]["path"], json!("in/c.csv"));
    assert_eq!(run.context["7.files"][0]["size"], json!(3_000_000));
    assert_eq!(
        (t.server.sessions(), t.server.open_sessions()),
        (1, 0),
        "one session for all steps, closed"
    );
    assert!(
        !t.dir.path().join("work").join(run.id.to_string()).exists(),
        "the work folder is gone"
    );

    for operation in [
        "download",
        "upload",
        "rename",
        "delete",
        "rmdir",
        "connected",
        "disconnected",
    ] {
        let records = t.audit_of(operation).await;
        assert_eq!(records.len(), 1, "{operation}");
        assert_eq!(
            (records[0].job_execution_id, records[0].performed_by.as_str()),
            (Some(run.id), "otto")
        );
    }
    assert_eq!(t.audit_of("upload").await[0].bytes_transferred, Some(3_000_000));
    let overview = t.overview().await.unwrap();
    assert_eq!(
        (overview.counts.moved_24h.files, overview.counts.moved_24h.bytes),
        (2, 6_000_000)
    );
}

#[tokio::test]
async fn a_step_that_found_nothing_to_send_is_not_complete() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    let steps = json!([{"step_type": "remote.upload",
        "config": {"connection_id": made.id, "local_path": "missing", "remote_path": "in/x"}}]);
    let run = t.run_steps(steps).await;
    assert_eq!(run.state.as_str(), "failed");
    assert_eq!(run.context["1.transfer_state"]["completed"], json!(false));
}

#[tokio::test]
async fn patterns_move_many_files_and_each_has_its_result() {
    let t = Fixture::new().await;
    for name in ["a.csv", "b.csv", "c.txt"] {
        t.server.memory().put(
            &path("/home/out").join(&courier_transfer::RemoteName::new(name).unwrap()),
            name,
        );
    }
    let made = t.connection(json!({})).await;
    let run = t
        .run_steps(json!([
            {"step_type": "remote.download", "config": {"connection_id": made.id, "remote_path": "out/*.csv", "after": "delete"}},
            {"step_type": "remote.mkdir", "config": {"connection_id": made.id, "remote_path": "in"}},
            {"step_type": "remote.upload", "config": {"connection_id": made.id, "local_path": "context:1.downloaded_files", "remote_path": "in/"}},
            {"step_type": "remote.upload", "config": {"connection_id": made.id, "local_path": "*.nothing", "remote_path": "in/"}},
            {"step_type": "remote.list", "config": {"connection_id": made.id, "remote_path": "in", "pattern": "b*"}},
        ]))
        .await;
    assert_eq!(run.error, None);
    assert_eq!(run.context["1.downloaded_files"].as_array().unwrap().len(), 2);
    assert!(
        !run.context.contains_key("1.downloaded_file"),
        "of several there is not the one"
    );
    assert_eq!(run.context["3.uploaded_files"], json!(["in/a.csv", "in/b.csv"]));
    assert_eq!(run.context["4.uploaded_files"], json!([]));
    assert_eq!(run.context["5.files"].as_array().unwrap().len(), 1);
    assert_eq!(run.steps[0].files_transferred, 2);
    let files: Vec<String> = t
        .server
        .memory()
        .paths()
        .into_iter()
        .filter(|p| p.contains('.'))
        .collect();
    assert_eq!(files, ["/home/in/a.csv", "/home/in/b.csv", "/home/out/c.txt"]);
}

#[tokio::test]
async fn links_do_not_lead_out_of_the_local_roots() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    let outbox = t.files().join("outbox");
    std::fs::create_dir(&outbox).unwrap();
    std::fs::write(outbox.join("fine.txt"), "fine").unwrap();
    std::os::unix::fs::symlink(t.dir.path().join("kek"), outbox.join("kek.txt")).unwrap();
    let config =
        json!({"connection_id": made.id, "local_path": outbox.join("*.txt"), "remote_path": "/home/"});
    let run = t
        .run_steps(json!([{"step_type": "remote.upload", "config": config}]))
        .await;
    assert_eq!(run.error.unwrap().kind, "denied");
    assert_eq!(
        t.server.memory().content(&path("/home/fine.txt")),
        Some(b"fine".to_vec())
    );
    assert_eq!(t.server.memory().content(&path("/home/kek.txt")), None);
    // A link made after the job was saved counts, too.
    let config = json!({"path": outbox.join("kek.txt"), "new_path": "stolen"});
    let error = refused(&t, json!([{"step_type": "local.copy", "config": config}])).await;
    assert_eq!(fields(&error), ["steps[0].config.path"]);
}

#[tokio::test]
async fn existing_files_are_treated_as_the_step_says() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    std::fs::write(t.files().join("a"), "new").unwrap();
    for (on_existing, content, kind) in [
        ("fail", "old", Some("already_exists")),
        ("skip", "old", None),
        ("replace", "new", None),
    ] {
        t.server.memory().put(&path("/home/a"), "old");
        let config = json!({"connection_id": made.id, "local_path": t.files().join("a"), "remote_path": "a", "on_existing": on_existing});
        let run = t
            .run_steps(json!([{"step_type": "remote.upload", "config": config}]))
            .await;
        assert_eq!(
            run.error.as_ref().map(|e| e.kind.as_str()),
            kind,
            "{on_existing}: {:?}",
            run.error
        );
        assert_eq!(
            t.server.memory().content(&path("/home/a")),
            Some(content.into()),
            "{on_existing}"
        );
    }
}

#[tokio::test]
async fn a_base_path_holds_every_path() {
    let t = Fixture::new().await;
    let made = t.connection(json!({"base_path": "/home/partner"})).await;
    t.server.memory().put(&path("/home/partner/x"), "x");
    let run = t
        .run_steps(json!([
            {"step_type": "remote.mkdir", "config": {"connection_id": made.id, "remote_path": "/a/b", "recursive": true}},
            {"step_type": "remote.list", "config": {"connection_id": made.id, "remote_path": "/"}},
        ]))
        .await;
    assert_eq!(run.error, None);
    let mut listed: Vec<&str> = run.context["2.files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["path"].as_str().unwrap())
        .collect();
    listed.sort_unstable();
    assert_eq!(listed, ["/a", "/x"]);
    let browsed = t.connections().browse(&operator(), made.id, None).await.unwrap();
    assert_eq!(browsed.len(), 2);
}

#[tokio::test]
async fn step_types_describe_themselves() {
    let t = Fixture::new().await;
    let all = t.jobs().step_types();
    let upload = all.iter().find(|s| s.step_type == "sftp.upload").unwrap();
    assert_eq!(upload.protocol, Some("sftp"));
    let names: Vec<&str> = upload.settings.iter().map(|s| s.name).collect();
    assert_eq!(
        names,
        [
            "connection_id",
            "local_path",
            "remote_path",
            "atomic_upload",
            "atomic_suffix",
            "resume_partial",
            "on_existing",
            "replace_non_atomically",
            "create_parents",
            "preserve_times",
            "preserve_permissions",
            "verify",
            "recursive",
            "ignore",
            "min_files",
            "after",
            "move_to",
        ]
    );
    let protocols = ["sftp", "ftp", "ftps"].map(Some);
    for (verb, step) in protocols.iter().flat_map(|p| [("upload", p), ("download", p)]) {
        let name = format!("{}.{verb}", step.unwrap());
        let found = all.iter().find(|s| s.step_type == name).unwrap();
        assert_eq!(found.protocol, *step);
    }
    assert_eq!(all.len(), 18);
}

#[tokio::test]
async fn a_listing_is_bounded_by_bytes_too() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await.id;
    let folder = format!("/home/{}", vec!["x".repeat(190); 20].join("/"));
    for n in 0..2_300 {
        t.server.memory().put(&path(&format!("{folder}/{n}")), "");
    }
    let config = json!({"connection_id": made, "remote_path": folder});
    let run = t
        .run_steps(json!([{"step_type": "remote.list", "config": config}]))
        .await;
    let error = run.error.unwrap();
    assert_eq!(error.kind, "full");
    assert!(error.message.contains("8 MiB"), "{}", error.message);
}
