//! An execution that goes on where the files of its earlier steps are not: on another node than the one that died.

use std::{future::Future, sync::Arc};

use courier_engine::{
    Environment,
    executions::{Execution, ExecutionState},
};
use courier_transfer::memory::Event;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    fake::Server,
    fixture::{Fixture, path},
};

const SIZE: usize = 300_000;

fn in_a_process<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    // Dropped, everything stops where it is.
    runtime.block_on(work)
}

/// Runs a job until the server hangs, when so many bytes have moved, and lets the process die there.
fn die(hang_at: u64, files: &[&str], steps: impl Fn(Uuid) -> Value) -> (Uuid, Arc<TempDir>, Server) {
    in_a_process(async {
        let t = Fixture::new().await;
        for name in files {
            let content: Vec<u8> = (0..SIZE).map(|n| (n / 7) as u8).collect();
            t.server.memory().put(&path(&format!("/home/{name}")), content);
        }
        let made = t.connection(json!({})).await.id;
        t.server.memory().at_byte(hang_at, Event::Hang);
        let id = t.start_job(json!({"name": "j", "steps": steps(made)})).await;
        while t.server.memory().moved() < hang_at {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        // Until it stands in the database how far it is.
        tokio::time::sleep(std::time::Duration::from_millis(800)).await;
        (id, t.dir.clone(), t.server.clone())
    })
}

fn go_on(id: Uuid, dir: Arc<TempDir>, server: &Server) -> Execution {
    server.memory().heal();
    in_a_process(async {
        let t = Fixture::start(dir, server.clone(), Environment::Development)
            .await
            .unwrap();
        t.finished(id).await
    })
}

/// As it looks to another node, that has a data folder of its own.
fn lose_work(dir: &TempDir, id: Uuid) {
    std::fs::remove_dir_all(dir.path().join("work").join(id.to_string())).unwrap();
}

fn attempts(run: &Execution) -> Vec<u32> {
    run.steps.iter().map(|step| step.attempts).collect()
}

fn reasons(run: &Execution) -> Vec<&str> {
    run.history.iter().filter_map(|h| h.reason.as_deref()).collect()
}

/// Down, renamed here, and up again: the upload needs the renamed file, and that needs the download.
fn there_and_back(connection: Uuid) -> Value {
    json!([
        {"step_type": "remote.download", "config": {"connection_id": connection, "remote_path": "a"}},
        {"step_type": "remote.download", "config": {"connection_id": connection, "remote_path": "b", "local_path": "elsewhere/"}},
        {"step_type": "local.move", "config": {"path": "context:1.downloaded_file", "new_path": "c"}},
        {"step_type": "remote.upload", "config": {"connection_id": connection, "local_path": "context:3.file", "remote_path": "up"}},
    ])
}

#[test]
fn steps_whose_files_are_lost_run_again_where_they_are_needed() {
    let (id, dir, server) = die(2 * SIZE as u64 + 100_000, &["a", "b"], there_and_back);
    lose_work(&dir, id);
    let run = go_on(id, dir, &server);
    assert_eq!((run.error.clone(), run.state), (None, ExecutionState::Completed));
    assert_eq!(attempts(&run), [2, 1, 2, 2], "nobody needs the second one's file");
    assert_eq!(
        server.memory().content(&path("/home/up")).unwrap(),
        server.memory().content(&path("/home/a")).unwrap()
    );
    let reasons = reasons(&run);
    assert!(
        reasons.iter().any(|r| r.contains("step 1 runs again")),
        "{reasons:?}"
    );
    assert!(
        reasons.iter().any(|r| r.contains("step 3 runs again")),
        "{reasons:?}"
    );
    assert_eq!(run.steps[0].bytes_transferred, SIZE as u64);
}

#[test]
fn no_step_runs_again_whose_files_are_there() {
    let (id, dir, server) = die(2 * SIZE as u64 + 100_000, &["a", "b"], there_and_back);
    let run = go_on(id, dir, &server);
    assert_eq!((run.error.clone(), run.state), (None, ExecutionState::Completed));
    assert_eq!(
        attempts(&run),
        [1, 1, 1, 2],
        "though the first one's file has been moved away"
    );
    assert_eq!(
        run.steps[3].bytes_transferred, SIZE as u64,
        "no byte is counted twice"
    );
}

#[test]
fn a_relative_path_needs_what_lies_in_the_work_folder() {
    let steps = |connection: Uuid| {
        json!([
            {"step_type": "remote.download", "config": {"connection_id": connection, "remote_path": "a"}},
            {"step_type": "remote.upload", "config": {"connection_id": connection, "local_path": "a", "remote_path": "up"}},
        ])
    };
    let (id, dir, server) = die(SIZE as u64 + 100_000, &["a"], steps);
    lose_work(&dir, id);
    let run = go_on(id, dir, &server);
    assert_eq!((run.error.clone(), attempts(&run)), (None, vec![2, 2]));
}

#[test]
fn what_can_not_be_fetched_again_is_told_with_both_nodes() {
    let steps = |connection: Uuid| {
        json!([
            {"step_type": "remote.download", "config": {"connection_id": connection, "remote_path": "a", "after": "delete"}},
            {"step_type": "remote.upload", "config": {"connection_id": connection, "local_path": "context:1.downloaded_file", "remote_path": "up"}},
        ])
    };
    let (id, dir, server) = die(SIZE as u64 + 100_000, &["a"], steps);
    lose_work(&dir, id);
    let run = go_on(id, dir, &server);
    let error = run.error.clone().unwrap();
    assert_eq!(run.state, ExecutionState::Failed);
    assert!(
        error.message.contains("node test") && error.message.contains("share one data folder"),
        "{error:?}"
    );
    assert_eq!(attempts(&run)[0], 1);
}

#[test]
fn files_of_the_step_itself_are_fetched_again() {
    let steps = |connection: Uuid| {
        json!([
            {"step_type": "remote.download", "config": {"connection_id": connection, "remote_path": "*.csv"}},
            {"step_type": "remote.upload", "config": {"connection_id": connection, "local_path": "context:1.downloaded_files", "remote_path": "/"}},
        ])
    };
    let (id, dir, server) = die(SIZE as u64 + 100_000, &["a.csv", "b.csv"], steps);
    lose_work(&dir, id);
    let run = go_on(id, dir, &server);
    assert_eq!((run.error.clone(), run.state), (None, ExecutionState::Completed));
    assert_eq!(run.context["1.downloaded_files"].as_array().unwrap().len(), 2);
    let files = server.memory().paths();
    assert!(
        files.contains(&"/a.csv".into()) && files.contains(&"/b.csv".into()),
        "{files:?}"
    );
}
