//! A process that is killed at a stage of a pull: each file is in the storage once and in the history once when another
//! process has gone on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    time::Duration,
};

use courier_engine::Environment;
use courier_store::pulls::AfterState;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::{
    fake::Server,
    fixture::{Fixture, operator, path},
    pulls::{Mapped, bytes, history, long_ago, mapping, put, stored},
};

const STAGES: [&str; 7] = [
    "pull::listed",
    "pull::intent",
    "pull::object_begun",
    "pull::object_done",
    "pull::before_record",
    "pull::recorded",
    "pull::after_done",
];

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap()
}

/// Holds whatever comes to a stage for the so manieth time, for ever, and tells of it.
fn hold_at(stage: &str, time: u32) -> mpsc::Receiver<()> {
    let (sender, receiver) = mpsc::channel();
    let times = AtomicU32::new(0);
    let hold = move || {
        if times.fetch_add(1, Ordering::SeqCst) + 1 >= time {
            let _ = sender.send(());
            loop {
                std::thread::park();
            }
        }
    };
    fail::cfg_callback(stage, hold).unwrap();
    receiver
}

/// Pulls what `files` puts on the server until a stage is reached for the so manieth time, where the process ends; does
/// something in between, and pulls in another process.
fn killed_at(
    (stage, time): (&'static str, u32),
    fields: &Value,
    files: impl Fn(&Server),
    between: impl Fn(&Mapped),
    check: impl AsyncFn(&Mapped),
) {
    let first = runtime();
    let held = hold_at(stage, time);
    let m = first.block_on(async {
        let m = Mapped::new(fields.clone()).await;
        files(&m.server);
        m.folder_mappings().run(&operator(), m.mapping.id).await.unwrap();
        m
    });
    held.recv_timeout(Duration::from_secs(20)).expect(stage);
    between(&m);
    let (dir, server) = (m.dir.clone(), m.server.clone());
    let (connection, mapping) = (m.connection, m.mapping.clone());
    drop(m);
    first.shutdown_background();
    fail::remove(stage);
    runtime().block_on(async {
        let t = Fixture::start(dir, server, Environment::Development)
            .await
            .unwrap();
        let m = Mapped {
            t,
            connection,
            mapping,
        };
        // What was interrupted goes on by itself.
        let executions = m
            .executions()
            .list(Default::default(), courier_engine::PageRequest::first(10))
            .await;
        for execution in executions.unwrap().items {
            assert_eq!(m.finished(execution.id).await.error, None, "{stage} {time}");
        }
        assert_eq!(m.pull().await.error, None);
        check(&m).await;
    });
}

fn some_files(server: &Server) {
    for i in 0..250 {
        put(server.memory(), &format!("/home/in/sub/{i:03}"), bytes(100 + i));
    }
    put(server.memory(), "/home/in/big", bytes(2 << 20));
}

#[test]
fn each_file_is_there_once_wherever_the_process_dies() {
    let _scenario = fail::FailScenario::setup();
    for stage in STAGES {
        for time in [1, 2, 100] {
            // Groups, and looks at the folder, are fewer than files.
            let is_of_file = matches!(
                stage,
                "pull::object_begun" | "pull::object_done" | "pull::after_done"
            );
            if time == 100 && !is_of_file || time == 2 && stage == "pull::listed" {
                continue;
            }
            let fields = json!({"pattern": "**", "after_pull": "delete"});
            killed_at(
                (stage, time),
                &fields,
                some_files,
                |_| {},
                async |m| {
                    let found = m.stored();
                    assert_eq!(found.len(), 251, "{stage} {time}");
                    for i in 0..250 {
                        assert_eq!(found[&format!("sub/{i:03}")], bytes(100 + i), "{stage} {time}");
                    }
                    assert_eq!(found["big"], bytes(2 << 20), "{stage} {time}");
                    let history = m.history().await;
                    assert_eq!(history.len(), 251, "{stage} {time}");
                    for entry in history {
                        let digest =
                            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &found[&entry.key]);
                        assert_eq!(&entry.sha256[..], digest.as_ref(), "{stage} {time}");
                    }
                    assert_eq!(m.audit_of("file_pulled").await.len(), 100, "a page of them");
                    let left: Vec<String> = m.server.memory().paths();
                    assert_eq!(left, ["/", "/home", "/home/in", "/home/in/sub"], "{stage} {time}");
                },
            );
        }
    }
}

#[test]
fn what_a_consumer_takes_at_once_is_not_pulled_again() {
    let _scenario = fail::FailScenario::setup();
    for stage in ["pull::object_done", "pull::before_record", "pull::recorded"] {
        let take = |m: &Mapped| {
            let storage = m.dir.path().join("storage");
            for name in m.stored().keys().filter(|name| !name.starts_with(".courier")) {
                std::fs::remove_file(storage.join(name)).unwrap();
            }
        };
        let files = |server: &Server| put(server.memory(), "/home/in/a", bytes(1000));
        killed_at((stage, 1), &json!({}), files, take, async |m| {
            assert!(
                m.stored().keys().all(|name| name.starts_with(".courier")),
                "{stage}"
            );
            let history = m.history().await;
            assert_eq!(history.len(), 1, "{stage}");
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes(1000));
            assert_eq!(&history[0].sha256[..], digest.as_ref());
        });
    }
}

#[test]
fn a_version_that_came_meanwhile_is_pulled_too() {
    let _scenario = fail::FailScenario::setup();
    for stage in ["pull::intent", "pull::object_done", "pull::recorded"] {
        let files = |server: &Server| put(server.memory(), "/home/in/a", "first");
        let newer = "2026-11-22T11:00:00Z".parse().unwrap();
        let change = |m: &Mapped| {
            let memory = m.server.memory();
            memory.put_modified(&path("/home/in/a"), "second", newer);
        };
        let fields = json!({"after_pull": "delete"});
        killed_at((stage, 1), &fields, files, change, async |m| {
            let (found, history) = (m.stored(), m.history().await);
            let is_first_there = stage != "pull::intent";
            assert_eq!(history.len(), 1 + usize::from(is_first_there), "{stage}");
            let contents: Vec<&[u8]> = found.values().map(Vec::as_slice).collect();
            match is_first_there {
                true => assert_eq!(found["a"], b"first"),
                false => assert_eq!(contents, [b"second"]),
            }
            assert!(contents.contains(&&b"second"[..]), "{stage}");
            let states: Vec<AfterState> = history.iter().map(|entry| entry.after).collect();
            assert!(states.contains(&AfterState::Done), "{stage}: {states:?}");
            assert!(m.server.memory().content(&path("/home/in/a")).is_none());
        });
    }
}

#[test]
fn a_mapping_that_is_gone_leaves_nothing_behind() {
    let _scenario = fail::FailScenario::setup();
    let first = runtime();
    let held = hold_at("pull::before_record", 1);
    let m = first.block_on(async {
        let m = Mapped::new(json!({})).await;
        put(m.server.memory(), "/home/in/a", "a");
        m.folder_mappings().run(&operator(), m.mapping.id).await.unwrap();
        m
    });
    held.recv_timeout(Duration::from_secs(20)).unwrap();
    let (dir, server, connection) = (m.dir.clone(), m.server.clone(), m.connection);
    let id = m.mapping.id;
    drop(m);
    first.shutdown_background();
    server
        .memory()
        .refuse("list", courier_transfer::ErrorKind::Denied);
    server
        .memory()
        .refuse("stat", courier_transfer::ErrorKind::Denied);
    fail::remove("pull::before_record");
    runtime().block_on(async {
        fail::cfg("pull::listed", "off").unwrap();
        let t = Fixture::start(Arc::clone(&dir), server, Environment::Development)
            .await
            .unwrap();
        let executions = t
            .executions()
            .list(Default::default(), courier_engine::PageRequest::first(10))
            .await;
        for execution in executions.unwrap().items {
            t.finished(execution.id).await;
        }
        t.folder_mappings().delete(&operator(), id).await.unwrap();
        t.server.memory().heal();
        let mapping = mapping(&t, connection, json!({})).await;
        let m = Mapped {
            t,
            connection,
            mapping,
        };
        assert_eq!(m.pull().await.error, None);
        assert_eq!(stored(dir.path()).len(), 1);
        let history = history(dir.path(), connection).await;
        assert_eq!((history.len(), history[0].modified.at), (1, Some(long_ago())));
    });
}

#[tokio::test]
async fn another_version_that_lies_there_after_the_record_is_left_alone() {
    let _scenario = fail::FailScenario::setup();
    let m = Mapped::new(json!({"after_pull": "delete"})).await;
    put(m.server.memory(), "/home/in/a", "first");
    let newer = "2026-11-22T11:00:00Z".parse().unwrap();
    let server = m.server.clone();
    let replace = move || server.memory().put_modified(&path("/home/in/a"), "second", newer);
    fail::cfg_callback("pull::before_record", replace).unwrap();
    assert_eq!(m.pull().await.error, None);
    fail::remove("pull::before_record");
    let entry = m.history().await.remove(0);
    assert_eq!(entry.after, AfterState::Left, "{entry:?}");
    assert_eq!(m.server.memory().content(&path("/home/in/a")).unwrap(), b"second");
    assert_eq!(m.pull().await.error, None);
    assert_eq!(m.history().await.len(), 2);
    assert_eq!(m.server.memory().content(&path("/home/in/a")), None);
}
