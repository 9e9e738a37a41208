//! A process that is killed right when a name changes: the change is not made twice, and not taken for missing.

use courier_engine::{Environment, executions::Execution};
use courier_transfer::{Client, EntryKind, RenameMode, memory::Memory};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::fixture::{Fixture, path};

fn runtime() -> Runtime {
    Builder::new_multi_thread().enable_all().build().unwrap()
}

/// Runs what `step` sets up until the server is asked for `operation`, kills the process, lets the server carry out what it
/// was asked for (where that is told), and goes on with another process.
fn killed_at(
    operation: &'static str,
    step: impl FnOnce(&Fixture) -> Value,
    carried_out: Option<fn(&Memory)>,
) -> (Execution, Vec<String>) {
    let first = runtime();
    let (id, dir, server) = first.block_on(async {
        let t = Fixture::new().await;
        let connection = t.connection(json!({})).await.id;
        let mut step = step(&t);
        step["config"]["connection_id"] = json!(connection);
        t.server.memory().hang(operation);
        let id = t.start_job(json!({"name": "j", "steps": [step]})).await;
        while !t.server.memory().operations().contains(&operation) {
            tokio::task::yield_now().await;
        }
        (id, t.dir.clone(), t.server.clone())
    });
    drop(first);
    server.memory().heal();
    if let Some(carry_out) = carried_out {
        carry_out(server.memory());
    }
    runtime().block_on(async {
        let t = Fixture::start(dir, server, Environment::Development)
            .await
            .unwrap();
        let done = t.finished(id).await;
        let paths = t.server.memory().paths().into_iter();
        let files = paths.filter_map(|p| p.strip_prefix("/home/").map(String::from));
        (done, files.collect())
    })
}

/// What the server does without anybody waiting for it.
fn on_server<F: Future<Output = courier_transfer::Result<()>>>(change: F) {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(change)
        .unwrap();
}

fn renamed(memory: &Memory, from: &str, to: &str) {
    let session = memory.connect();
    on_server(session.rename(&path(from), &path(to), RenameMode::KeepTarget));
}

fn removed(memory: &Memory, name: &str) {
    let session = memory.connect();
    on_server(session.remove(&path(name), EntryKind::File));
}

#[test]
fn an_upload_at_its_rename() {
    for (on_existing, target, files) in [
        ("replace", "a.csv", vec!["a.csv"]),
        ("rename", "a (1).csv", vec!["a (1).csv", "a.csv"]),
        ("fail", "a.csv", vec!["a.csv"]),
        ("skip", "a.csv", vec!["a.csv"]),
    ] {
        let step = |t: &Fixture| {
            if on_existing == "rename" {
                t.server.memory().put(&path("/home/a.csv"), "of somebody else");
            }
            let local = t.files().join("a.csv");
            std::fs::write(&local, vec![7; 300_000]).unwrap();
            json!({"step_type": "remote.upload", "config": {"local_path": local, "remote_path": "a.csv",
                "on_existing": on_existing, "after": "delete"}})
        };
        let carried_out: Option<fn(&Memory)> = match on_existing {
            "rename" => Some(|m| renamed(m, "/home/a (1).csv.tmp", "/home/a (1).csv")),
            _ => Some(|m| renamed(m, "/home/a.csv.tmp", "/home/a.csv")),
        };
        for carried_out in [None, carried_out] {
            let (done, found) = killed_at("rename", step, carried_out);
            assert_eq!(done.error, None, "{on_existing}");
            assert_eq!(done.context["1.uploaded_file"], json!(target), "{on_existing}");
            assert_eq!(found, files, "{on_existing}");
        }
    }
}

#[test]
fn a_download_at_the_end_of_its_source() {
    for (after, operation) in [("delete", "remove"), ("move", "rename")] {
        let step = |t: &Fixture| {
            t.server.memory().put(&path("/home/out/a.csv"), "a");
            let mut config = json!({"remote_path": "out/*", "after": after});
            if after == "move" {
                config["move_to"] = json!("done/");
            }
            json!({"step_type": "remote.download", "config": config})
        };
        let carried_out: Option<fn(&Memory)> = match after {
            "move" => Some(|m| renamed(m, "/home/out/a.csv", "/home/done/a.csv")),
            _ => Some(|m| removed(m, "/home/out/a.csv")),
        };
        for carried_out in [None, carried_out] {
            let (done, found) = killed_at(operation, step, carried_out);
            assert_eq!(done.error, None, "{after}");
            assert_eq!(done.context["1.count"], json!(1), "{after}");
            assert_eq!(
                done.context["1.transfer_state"]["resumed_from"],
                json!(0),
                "{after}"
            );
            match after {
                "move" => assert_eq!(found, ["done", "done/a.csv", "out"]),
                _ => assert_eq!(found, ["out"]),
            }
        }
    }
}

/// What the server is asked for, the step, what carries it out, and what lies there then.
type Case = (&'static str, Value, fn(&Memory), &'static [&'static str]);

#[test]
fn steps_that_change_one_name() {
    let cases: [Case; 4] = [
        (
            "rename",
            json!({"step_type": "remote.rename", "config": {"remote_path": "a", "new_path": "b"}}),
            |m| renamed(m, "/home/a", "/home/b"),
            &["b", "d", "d/x"],
        ),
        (
            "remove",
            json!({"step_type": "remote.delete", "config": {"remote_path": "a"}}),
            |m| removed(m, "/home/a"),
            &["d", "d/x"],
        ),
        (
            "make_dir",
            json!({"step_type": "remote.mkdir", "config": {"remote_path": "c"}}),
            |m| {
                let session = m.connect();
                on_server(session.make_dir(&path("/home/c")));
            },
            &["a", "c", "d", "d/x"],
        ),
        (
            "remove",
            json!({"step_type": "remote.rmdir", "config": {"remote_path": "d", "recursive": true}}),
            |m| {
                removed(m, "/home/d/x");
                let session = m.connect();
                on_server(session.remove(&path("/home/d"), EntryKind::Directory));
            },
            &["a"],
        ),
    ];
    for (operation, step, carry_out, expected) in cases {
        for carried_out in [None, Some(carry_out)] {
            let set_up = |t: &Fixture| {
                t.server.memory().put(&path("/home/a"), "a");
                t.server.memory().put(&path("/home/d/x"), "x");
                step.clone()
            };
            let (done, found) = killed_at(operation, set_up, carried_out);
            assert_eq!(done.error, None, "{step}");
            assert_eq!(found, expected, "{step}");
            assert!(!done.context.contains_key("1.changing"), "{:?}", done.context);
        }
    }
}

#[test]
fn what_is_missing_from_the_start_is_missing() {
    let first = runtime();
    first.block_on(async {
        let t = Fixture::new().await;
        let connection = t.connection(json!({})).await.id;
        t.server.memory().put(&path("/home/d/x"), "x");
        for (step_type, config, kind) in [
            ("remote.delete", json!({"remote_path": "none"}), "not_found"),
            (
                "remote.rename",
                json!({"remote_path": "none", "new_path": "x"}),
                "not_found",
            ),
            ("remote.mkdir", json!({"remote_path": "d"}), "already_exists"),
            ("remote.rmdir", json!({"remote_path": "none"}), "not_found"),
        ] {
            let mut config = config;
            config["connection_id"] = json!(connection);
            let step = json!({"step_type": step_type, "config": config});
            let run = t.run_steps(json!([step])).await;
            assert_eq!(run.error.unwrap().kind, kind, "{step_type}");
        }
    });
}
