//! What a pull leaves behind, leaves alone, or finds done already.

use std::time::Duration;

use courier_engine::executions::ExecutionState;
use courier_store::pulls::AfterState;
use courier_transfer::ErrorKind;
use serde_json::json;

use crate::{
    fixture::{admin, map, operator, path},
    pulls::{Mapped, bytes, put},
};

#[tokio::test]
async fn a_storage_that_is_away_keeps_back_only_what_was_on_its_way_there() {
    let m = Mapped::new(json!({})).await;
    for i in 0..200 {
        put(m.server.memory(), &format!("/home/in/{i:03}"), bytes(1000 + i));
    }
    m.server.memory().slow(Duration::from_millis(2));
    let run = m.folder_mappings().run(&operator(), m.mapping.id).await;
    let id = run.unwrap().id;
    let objects = || {
        let stored = m.stored();
        stored.keys().filter(|name| !name.starts_with(".courier")).count()
    };
    while objects() < 5 {
        tokio::task::yield_now().await;
    }
    m.executions().cancel(&operator(), id).await.unwrap();
    assert_eq!(m.finished(id).await.state, ExecutionState::Cancelled);
    m.server.memory().heal();
    let recorded = m.history().await.len() as u64;

    let (home, away) = (m.dir.path().join("storage"), m.dir.path().join("away"));
    std::fs::rename(&home, &away).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    let input = map(json!({"name": "other", "url": url}));
    let other = m.storages().create(&admin(), input).await.unwrap();
    let change = map(json!({"storage_id": other.id}));
    let mappings = m.folder_mappings();
    mappings.patch(&operator(), m.mapping.id, change).await.unwrap();
    let done = m.pull().await;
    assert_eq!(done.state, ExecutionState::Failed);
    let count = |name: &str| done.context[&format!("1.{name}")].as_u64().unwrap();
    assert!(count("failed") > 0, "{done:?}");
    assert_eq!(count("pulled") + count("failed") + recorded, 200);

    std::fs::rename(&away, &home).unwrap();
    assert_eq!(m.pull().await.error, None);
    assert_eq!(m.history().await.len(), 200);
    let elsewhere = std::fs::read_dir(folder.path()).unwrap();
    let elsewhere = elsewhere.filter(|entry| entry.as_ref().unwrap().file_name() != ".courier");
    assert_eq!(objects() + elsewhere.count(), 200);
}

#[tokio::test]
async fn what_can_not_be_looked_at_is_not_deleted() {
    let m = Mapped::new(json!({"after_pull": "delete"})).await;
    put(m.server.memory(), "/home/in/a", "a");
    m.server.memory().refuse("stat", ErrorKind::Denied);
    assert_eq!(m.pull().await.error, None);
    let entry = m.history().await.remove(0);
    assert_eq!(entry.after, AfterState::Refused, "{entry:?}");
    assert_eq!(m.server.memory().content(&path("/home/in/a")).unwrap(), b"a");
}

/// A file was corrected, and somebody asks for it before the next pull has come.
#[tokio::test]
async fn a_corrected_file_that_somebody_wants_anew_comes_once() {
    let m = Mapped::new(json!({})).await;
    put(m.server.memory(), "/home/in/a.csv", "wrong");
    assert_eq!(m.pull().await.error, None);
    let entry = m.history().await.remove(0);
    let corrected = "2026-11-22T11:00:00Z".parse().unwrap();
    let memory = m.server.memory();
    memory.put_modified(&path("/home/in/a.csv"), "right", corrected);
    let run = m.pulls().replay(&operator(), m.connection, entry.id).await;
    let id = run.unwrap().id;
    assert_eq!(m.finished(id).await.error, None);
    assert_eq!(m.history().await.len(), 2);
    let stored = m.stored();
    assert_eq!(stored.len(), 2, "{:?}", stored.keys());
    assert_eq!(stored["a.20261122T110000Z.csv"], b"right");
    assert_eq!(m.pull().await.context["1.pulled"], json!(0));
}
