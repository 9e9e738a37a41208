//! Nothing is left behind: not by many executions, however they end, nor by those that ended somewhere else.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use courier_engine::{Environment, PageRequest, executions::ExecutionFilter, executions::ExecutionState};
use courier_transfer::ErrorKind;
use futures::future::join_all;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use serde_json::json;
use uuid::Uuid;

use crate::{
    database::database,
    fixture::{Fixture, admin, operator, path},
};

const RUNS: usize = 200;

async fn count(database: &DatabaseConnection, table: &str) -> i64 {
    let question = Statement::from_string(DbBackend::Sqlite, format!("SELECT COUNT(*) AS n FROM {table}"));
    let row = database.query_one_raw(question).await.unwrap().unwrap();
    row.try_get("", "n").unwrap()
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// Waits until it is so; fails after ten seconds.
async fn until(mut is: impl FnMut() -> bool) {
    let waiting = async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_executions_leave_nothing_but_their_history() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    t.server.memory().put(&path("/home/in/a.csv"), "a,b\n1,2\n");
    let step = |step_type: &str, more: serde_json::Value| {
        let mut config = json!({"connection_id": made.id});
        config
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({"step_type": step_type, "config": config})
    };
    let fetch = step("remote.download", json!({"remote_path": "in/a.csv"}));
    let deliver = step(
        "remote.upload",
        json!({"local_path": "context:1.downloaded_file", "remote_path": "out/a.csv"}),
    );
    let missing = step("remote.download", json!({"remote_path": "in/missing.csv"}));
    let mut jobs = Vec::new();
    for (name, steps) in [("good", [&fetch, &deliver]), ("bad", [&fetch, &missing])] {
        let job = json!({"name": name, "steps": steps});
        let job = job.as_object().unwrap().clone();
        jobs.push(t.jobs().create(&operator(), job).await.unwrap().id);
    }
    let run = async |n: usize| {
        let id = t.jobs().run(&operator(), jobs[n % 2]).await.unwrap().id;
        match n % 5 {
            0 => drop(t.executions().cancel(&operator(), id).await),
            1 => {
                // As it may be over by then, neither needs to succeed.
                let _ = t.executions().pause(&operator(), id).await;
                let _ = t.executions().resume(&operator(), id).await;
            }
            _ => {}
        }
        t.finished(id).await;
    };
    // What is made once, for the first of them.
    run(2).await;
    run(3).await;
    until(|| t.server.open_sessions() == 0).await;
    let tasks = tokio::runtime::Handle::current().metrics();
    let before = tasks.num_alive_tasks();
    for begin in (2..RUNS).step_by(20) {
        join_all((begin..RUNS.min(begin + 20)).map(run)).await;
    }

    until(|| t.server.open_sessions() == 0).await;
    until(|| t.node_figures().running == 0).await;
    until(|| tasks.num_alive_tasks() <= before + 2).await;
    assert_eq!(entries(&t.dir.path().join("work")), [""; 0]);
    assert_eq!(entries(&t.files()), [""; 0]);
    let ended: u64 = t.node_figures().ended.iter().map(|(_, count)| count).sum();
    assert_eq!(ended, RUNS as u64);
    let database = database(&t).await;
    for (table, rows) in [
        ("executions", RUNS),
        ("execution_steps", 2 * RUNS),
        ("jobs", 2),
        ("job_versions", 2),
        ("connections", 1),
    ] {
        assert_eq!(count(&database, table).await, rows as i64, "{table}");
    }
    // At the server, too: what was fetched, and what was delivered.
    let there = t.server.memory().paths();
    assert!(there.iter().all(|path| !path.contains("courier")), "{there:?}");
}

#[tokio::test]
async fn what_was_taken_and_not_delivered_is_kept() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    let fetch = json!({"step_type": "remote.download", "config":
        {"connection_id": made.id, "remote_path": "a.csv", "after": "delete"}});
    let more = json!({"step_type": "remote.mkdir", "config": {"connection_id": made.id, "remote_path": "x"}});
    let work = t.dir.path().join("work");
    t.server.memory().put(&path("/home/a.csv"), "all there is");
    t.server.memory().refuse("make_dir", ErrorKind::Denied);
    let failed = t.run_steps(json!([fetch, more])).await;
    assert_eq!(failed.state, ExecutionState::Failed);
    let reason = failed.history.last().unwrap().reason.clone().unwrap();
    assert!(reason.contains("is kept"), "{reason}");
    let kept = work.join(failed.id.to_string()).join("a.csv");
    assert_eq!(std::fs::read(&kept).unwrap(), b"all there is");
    assert!(!t.server.memory().paths().contains(&"/home/a.csv".to_owned()));

    // What is delivered is not, with the next one.
    t.server.memory().heal();
    t.server.memory().put(&path("/home/a.csv"), "more");
    let done = t.run_steps(json!([fetch, more])).await;
    assert_eq!(done.error, None);
    until(|| entries(&work).len() == 2).await;
    assert!(kept.exists());

    // Nor does a start remove it.
    let (dir, server) = (t.dir.clone(), t.server.clone());
    t.shutdown(Duration::from_secs(5)).await;
    let over = work.join(done.id.to_string());
    std::fs::create_dir(&over).unwrap();
    let _t = Fixture::start(dir, server, Environment::Development)
        .await
        .unwrap();
    until(|| !over.exists()).await;
    assert!(kept.exists());
}

#[tokio::test]
async fn what_others_left_behind_is_removed_at_the_start() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    t.server.memory().put(&path("/home/a"), "a");
    let steps =
        json!([{"step_type": "remote.download", "config": {"connection_id": made.id, "remote_path": "a"}}]);
    let over = t.run_steps(steps.clone()).await.id;
    t.server
        .memory()
        .at_byte(0, courier_transfer::memory::Event::Hang);
    let paused = t.start_job(json!({"name": "p", "steps": steps})).await;
    t.wait_for_state(paused, ExecutionState::Running).await;
    t.executions().pause(&operator(), paused).await.unwrap();
    let (dir, server) = (t.dir.clone(), t.server.clone());
    t.shutdown(Duration::from_secs(5)).await;

    let work = dir.path().join("work");
    let (fresh, old) = (Uuid::now_v7(), Uuid::now_v7());
    for id in [over, paused, fresh, old] {
        std::fs::create_dir_all(work.join(id.to_string())).unwrap();
        std::fs::write(work.join(id.to_string()).join("file"), "x").unwrap();
    }
    std::fs::create_dir(work.join("mine")).unwrap();
    let day_before = SystemTime::now() - Duration::from_secs(25 * 3600);
    let folder = std::fs::File::open(work.join(old.to_string())).unwrap();
    folder.set_modified(day_before).unwrap();

    let t = Fixture::start(dir, server, Environment::Development)
        .await
        .unwrap();
    until(|| !work.join(over.to_string()).exists() && !work.join(old.to_string()).exists()).await;
    for kept in [paused.to_string(), fresh.to_string(), "mine".into()] {
        assert!(work.join(&kept).exists(), "{kept}");
    }
    t.executions().cancel(&operator(), paused).await.unwrap();
    assert!(!work.join(paused.to_string()).exists());
}

#[tokio::test]
async fn executions_are_kept_for_as_long_as_the_setting_says() {
    let t = Fixture::new().await;
    let made = t.connection(json!({})).await;
    t.server.memory().put(&path("/home/a"), "a");
    let steps =
        json!([{"step_type": "remote.download", "config": {"connection_id": made.id, "remote_path": "a"}}]);
    let young = t.run_steps(steps).await.id;
    // One of the year 2022.
    let database = database(&t).await;
    for statement in [
        "CREATE TABLE old AS SELECT * FROM executions",
        "UPDATE old SET id = x'017f22e279b07000800000000000abcd', queued_at = 1645557742000000, ended_at = 1645557743000000",
        "INSERT INTO executions SELECT * FROM old",
        "DROP TABLE old",
    ] {
        database.execute_unprepared(statement).await.unwrap();
    }
    let (dir, server) = (t.dir.clone(), t.server.clone());
    t.settings()
        .set(&admin(), "executions.retention_days", json!(30))
        .await
        .unwrap();
    t.shutdown(Duration::from_secs(5)).await;
    let t = Fixture::start(dir, server, Environment::Development)
        .await
        .unwrap();
    let all = async || {
        let page = PageRequest::first(10);
        let listed = t
            .executions()
            .list(ExecutionFilter::default(), page)
            .await
            .unwrap();
        listed
            .items
            .into_iter()
            .map(|execution| execution.id)
            .collect::<Vec<_>>()
    };
    let forgotten = async {
        while all().await.len() > 1 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), forgotten)
        .await
        .unwrap();
    assert_eq!(all().await, [young]);
}
