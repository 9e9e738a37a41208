//! Pulls from a server in memory into a folder: each file once, whatever happens meanwhile.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use courier_engine::{
    Environment,
    executions::{Execution, ExecutionState},
    folder_mappings::FolderMapping,
};
use courier_store::{
    PageRequest, Store,
    pulls::{AfterState, Entry, HistoryFilter},
};
use courier_transfer::{
    Client, EntryKind, ErrorKind,
    memory::{Carried, Event, Memory},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    fake::Server,
    fixture::{Fixture, admin, map, operator, path},
};

/// When files were changed that are ready.
pub(crate) fn long_ago() -> Timestamp {
    "2026-11-22T10:15:00Z".parse().unwrap()
}

/// Puts a file there that is ready.
pub(crate) fn put(memory: &Memory, at: &str, content: impl Into<Vec<u8>>) {
    memory.put_modified(&path(at), content, long_ago());
}

/// A mapping of `/home/in` into the first storage.
pub(crate) struct Mapped {
    pub(crate) t: Fixture,
    pub(crate) connection: Uuid,
    pub(crate) mapping: FolderMapping,
}

impl std::ops::Deref for Mapped {
    type Target = Fixture;

    fn deref(&self) -> &Fixture {
        &self.t
    }
}

impl Mapped {
    pub(crate) async fn new(fields: Value) -> Self {
        Self::over(Fixture::new().await, json!({}), fields).await
    }

    async fn over(t: Fixture, connection: Value, fields: Value) -> Self {
        let connection = t.connection(connection).await.id;
        let mapping = mapping(&t, connection, fields).await;
        Self {
            t,
            connection,
            mapping,
        }
    }

    fn memory(&self) -> &Memory {
        self.server.memory()
    }

    async fn start_pull(&self) -> Uuid {
        let (actor, id) = (operator(), self.mapping.id);
        self.folder_mappings().run(&actor, id).await.unwrap().id
    }

    /// Pulls to the end.
    pub(crate) async fn pull(&self) -> Execution {
        let id = self.start_pull().await;
        self.finished(id).await
    }

    /// Pulls to a good end, and tells an output.
    async fn pulled(&self, output: &str) -> Value {
        let done = self.pull().await;
        assert_eq!((done.state, &done.error), (ExecutionState::Completed, &None));
        done.context[&format!("1.{output}")].clone()
    }

    async fn change(&self, changes: Value) {
        let (actor, id) = (operator(), self.mapping.id);
        self.folder_mappings()
            .patch(&actor, id, map(changes))
            .await
            .unwrap();
    }

    /// What lies in the storage: marks are not part of it, and none are left.
    pub(crate) fn stored(&self) -> BTreeMap<String, Vec<u8>> {
        stored(self.dir.path())
    }

    /// Waits until so many objects are there.
    async fn until_stored(&self, count: usize) {
        while self
            .stored()
            .keys()
            .filter(|name| !name.starts_with(".courier"))
            .count()
            < count
        {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn history(&self) -> Vec<Entry> {
        history(self.dir.path(), self.connection).await
    }
}

pub(crate) async fn mapping(t: &Fixture, connection: Uuid, fields: Value) -> FolderMapping {
    let mut input = map(json!({"remote_path": "/home/in", "name": Uuid::now_v7()}));
    input.extend(map(fields));
    t.folder_mappings()
        .create(&operator(), connection, input)
        .await
        .unwrap()
}

pub(crate) fn stored(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    fn read(folder: &Path, name: &str, all: &mut BTreeMap<String, Vec<u8>>) {
        let Ok(entries) = std::fs::read_dir(folder) else {
            return;
        };
        for entry in entries.map(Result::unwrap) {
            let name = format!("{name}{}", entry.file_name().to_str().unwrap());
            match entry.path().is_dir() {
                true => read(&entry.path(), &format!("{name}/"), all),
                // A mark may go in between.
                false => drop(std::fs::read(entry.path()).map(|content| all.insert(name, content))),
            }
        }
    }
    let mut all = BTreeMap::new();
    read(&dir.join("storage"), "", &mut all);
    all
}

pub(crate) async fn history(dir: &Path, connection: Uuid) -> Vec<Entry> {
    let url = format!("sqlite://{}", dir.join("courier.db").display());
    let store = Store::open(&url).await.unwrap();
    let filter = HistoryFilter::default();
    let mut entries = store
        .pulls()
        .list(connection, &filter, &PageRequest::first(10_000))
        .await
        .unwrap()
        .items;
    entries.sort_by(|a, b| (&a.path, a.id).cmp(&(&b.path, b.id)));
    entries
}

fn names(stored: &BTreeMap<String, Vec<u8>>) -> Vec<&str> {
    stored.keys().map(String::as_str).collect()
}

/// Bytes that differ from place to place.
pub(crate) fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + i / 251) as u8).collect()
}

const MEGABYTE: usize = 1 << 20;

#[tokio::test]
async fn files_of_every_size_come_once_and_whole() {
    let m = Mapped::new(json!({"pattern": "**", "prefix": "from/partner"})).await;
    let sizes = [0, 1, 4096, MEGABYTE, MEGABYTE + 1, 3 * MEGABYTE + 17];
    for size in sizes {
        put(m.memory(), &format!("/home/in/a/{size}.bin"), bytes(size));
    }
    let done = m.pull().await;
    assert_eq!(done.error, None);
    assert_eq!(done.context["1.pulled"], json!(6));
    let all: usize = sizes.iter().sum();
    assert_eq!(done.context["1.bytes"], json!(all));
    assert_eq!(done.context["1.files"].as_array().unwrap().len(), 6);
    assert_eq!(
        (done.steps[0].files_transferred, done.steps[0].bytes_transferred),
        (6, all as u64)
    );
    let expected = sizes.map(|size| (format!("from/partner/a/{size}.bin"), bytes(size)));
    assert_eq!(m.stored(), BTreeMap::from(expected));
    let history = m.history().await;
    assert_eq!(history.len(), 6);
    for entry in &history {
        let content = &m.stored()[&entry.key];
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content);
        assert_eq!(
            (entry.size as usize, &entry.sha256[..]),
            (content.len(), digest.as_ref())
        );
        assert!(entry.destination.ends_with(&entry.key) && entry.destination.starts_with("file:///"));
        assert_eq!(
            (entry.modified.at, entry.after),
            (Some(long_ago()), AfterState::None)
        );
        assert_eq!((entry.execution_id, entry.mapping_id), (done.id, m.mapping.id));
    }
    let audit = m.audit_of("file_pulled").await;
    assert_eq!(audit.len(), 6);
    assert_eq!(audit[0].connection_id, Some(m.connection));
    assert_eq!(audit[0].details["sha256"].as_str().unwrap().len(), 64);

    // A second look takes nothing, nor does an edited mapping, nor one that was made anew.
    assert_eq!(m.pulled("known").await, json!(6));
    m.change(json!({"pattern": "a/*.bin", "prefix": "elsewhere", "ignore": []}))
        .await;
    assert_eq!(m.pulled("pulled").await, json!(0));
    let again = mapping(&m, m.connection, json!({"pattern": "**"})).await;
    m.folder_mappings()
        .delete(&operator(), m.mapping.id)
        .await
        .unwrap();
    let m = Mapped { mapping: again, ..m };
    assert_eq!(m.pulled("known").await, json!(6));
    assert_eq!(m.stored().len(), 6);
}

#[tokio::test]
async fn more_files_than_a_group_and_names_that_are_no_text() {
    let m = Mapped::new(json!({})).await;
    for i in 0..450 {
        put(m.memory(), &format!("/home/in/{i}.csv"), format!("{i}"));
    }
    m.memory().put_modified(
        &courier_transfer::RemotePath::new(b"/home/in/\xff\x01").unwrap(),
        "odd",
        long_ago(),
    );
    assert_eq!(m.pulled("pulled").await, json!(451));
    let stored = m.stored();
    assert_eq!(stored.len(), 451);
    assert!((0..450).all(|i| stored[&format!("{i}.csv")] == format!("{i}").as_bytes()));
    assert_eq!(stored["%FF%01"], b"odd");
    assert_eq!(m.history().await.len(), 451);
}

#[tokio::test]
async fn a_new_version_gets_a_name_of_its_own_and_nothing_is_overwritten() {
    let m = Mapped::new(json!({})).await;
    let folder = m.dir.path().join("storage");
    std::fs::write(folder.join("taken.csv"), "somebody's").unwrap();
    put(m.memory(), "/home/in/taken.csv", "ours");
    put(m.memory(), "/home/in/a.csv", "first");
    assert_eq!(m.pulled("pulled").await, json!(2));
    for (at, content) in [("11:00", "second"), ("11:00", "third!!")] {
        let at: Timestamp = format!("2026-11-22T{at}:00Z").parse().unwrap();
        m.memory().put_modified(&path("/home/in/a.csv"), content, at);
        assert_eq!(m.pulled("pulled").await, json!(1));
    }
    let stored = m.stored();
    assert_eq!(
        names(&stored),
        [
            "a.20261122T110000Z-2.csv",
            "a.20261122T110000Z.csv",
            "a.csv",
            "taken.20261122T101500Z.csv",
            "taken.csv"
        ]
    );
    assert_eq!(stored["a.csv"], b"first");
    assert_eq!(stored["a.20261122T110000Z.csv"], b"second");
    assert_eq!(stored["a.20261122T110000Z-2.csv"], b"third!!");
    assert_eq!(stored["taken.csv"], b"somebody's");
    assert_eq!(stored["taken.20261122T101500Z.csv"], b"ours");
    let keys: Vec<String> = m.history().await.into_iter().map(|entry| entry.key).collect();
    assert_eq!(keys[3], "taken.20261122T101500Z.csv");

    // A big one whose name is taken moves once only.
    std::fs::write(folder.join("big"), "somebody's").unwrap();
    put(m.memory(), "/home/in/big", bytes(2 * MEGABYTE));
    m.memory().at_byte(u64::MAX, Event::Hang);
    assert_eq!(m.pulled("pulled").await, json!(1));
    assert_eq!(m.memory().moved(), 2 * MEGABYTE as u64);
    assert_eq!(m.stored()["big.20261122T101500Z"], bytes(2 * MEGABYTE));
}

#[tokio::test]
async fn by_its_path_alone_a_file_comes_once() {
    let m = Mapped::new(json!({"identity": "path"})).await;
    put(m.memory(), "/home/in/a.csv", "first");
    assert_eq!(m.pulled("pulled").await, json!(1));
    put(m.memory(), "/home/in/a.csv", "another one");
    assert_eq!(m.pulled("known").await, json!(1));
    assert_eq!(m.stored()["a.csv"], b"first");
}

#[tokio::test]
async fn what_changes_or_vanishes_while_it_is_read_is_no_failure() {
    for size in [1000, 2 * MEGABYTE] {
        let m = Mapped::new(json!({})).await;
        put(m.memory(), "/home/in/a", bytes(size));
        // Of the same size, and longer.
        for (more, at) in [(0, "2026-11-22T10:20:00Z"), (1, "2026-11-22T10:15:00Z")] {
            let at: Timestamp = at.parse().unwrap();
            let change = move |memory: &Memory| {
                memory.put_modified(&path("/home/in/a"), vec![7; size + more], at);
            };
            m.memory().at_byte(1, Event::Call(Box::new(change)));
            assert_eq!(m.pulled("changed").await, json!(1), "{size}");
            assert!(m.stored().is_empty(), "{:?}", m.stored().keys());
            assert!(m.history().await.is_empty());
        }
        assert_eq!(m.pulled("pulled").await, json!(1));
        assert_eq!(m.stored()["a"], vec![7; size + 1]);
    }
    // It is gone between the listing and its reading.
    let m = Mapped::new(json!({})).await;
    put(m.memory(), "/home/in/a", "a");
    m.memory().refuse("open", ErrorKind::NotFound);
    assert_eq!(m.pulled("vanished").await, json!(1));
    m.memory().heal();
    assert_eq!(m.pulled("pulled").await, json!(1));
}

#[tokio::test]
async fn a_line_that_breaks_within_a_file_costs_nothing() {
    let m = Mapped::over(Fixture::new().await, json!({"transport_retries": 3}), json!({})).await;
    put(m.memory(), "/home/in/small", bytes(50_000));
    put(m.memory(), "/home/in/big", bytes(3 * MEGABYTE));
    m.memory().at_byte(MEGABYTE as u64, Event::Lose);
    m.memory().lose_answer("stat", Carried::Nowhere);
    assert_eq!(m.pulled("pulled").await, json!(2));
    assert_eq!(m.stored()["big"], bytes(3 * MEGABYTE));
    assert_eq!(m.stored()["small"], bytes(50_000));
    assert!(
        m.memory().moved() < 4 * MEGABYTE as u64,
        "it went on where it was"
    );

    // Without a rest of a file, it is read anew.
    m.memory().heal();
    m.memory().set_capabilities(|can| can.resume_download = false);
    put(m.memory(), "/home/in/again", bytes(2 * MEGABYTE));
    m.memory().at_byte(MEGABYTE as u64, Event::Lose);
    assert_eq!(m.pulled("pulled").await, json!(1));
    assert_eq!(m.stored()["again"], bytes(2 * MEGABYTE));
}

#[tokio::test]
async fn a_line_that_is_gone_ends_the_pull_and_what_was_whole_is_recorded() {
    let m = Mapped::over(Fixture::new().await, json!({"transport_retries": 0}), json!({})).await;
    for i in 0..20 {
        put(m.memory(), &format!("/home/in/{i}"), bytes(10_000));
    }
    m.memory().at_byte(100_000, Event::Lose);
    let done = m.pull().await;
    assert_eq!(done.error.as_ref().unwrap().kind, "lost");
    let pulled = done.context["1.pulled"].as_u64().unwrap() as usize;
    assert_eq!(m.history().await.len(), pulled);
    assert_eq!(m.stored().len(), pulled, "{:?}", m.stored().keys());
    m.memory().heal();
    assert_eq!(m.pulled("pulled").await, json!(20 - pulled));
    assert_eq!((m.stored().len(), m.history().await.len()), (20, 20));
}

#[tokio::test]
async fn one_file_that_fails_stops_no_other() {
    let m = Mapped::new(json!({"pattern": "**"})).await;
    put(m.memory(), "/home/in/good", "g");
    put(m.memory(), "/home/in/sub/denied", "d");
    // No folder may have this name in the storage.
    std::fs::write(m.dir.path().join("storage/sub"), "somebody's").unwrap();
    let done = m.pull().await;
    let error = done.error.unwrap();
    assert!(error.message.contains("/home/in/sub/denied"), "{error:?}");
    assert_eq!(
        (&done.context["1.pulled"], &done.context["1.failed"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(m.history().await.len(), 1);
    std::fs::remove_file(m.dir.path().join("storage/sub")).unwrap();
    assert_eq!(m.pulled("pulled").await, json!(1));
    assert_eq!(m.history().await.len(), 2);
}

#[tokio::test]
async fn a_storage_that_refuses_ends_the_pull() {
    let m = Mapped::new(json!({})).await;
    for i in 0..10 {
        put(m.memory(), &format!("/home/in/{i}"), "x");
    }
    let storage = m.dir.path().join("storage");
    std::fs::remove_dir_all(&storage).unwrap();
    std::fs::write(&storage, "no folder").unwrap();
    let done = m.pull().await;
    assert_eq!(done.state, ExecutionState::Failed);
    assert!(
        done.error.as_ref().unwrap().message.contains("storage"),
        "{:?}",
        done.error
    );
    std::fs::remove_file(&storage).unwrap();
    std::fs::create_dir(&storage).unwrap();
    assert_eq!(m.pulled("pulled").await, json!(10));
    assert_eq!((m.stored().len(), m.history().await.len()), (10, 10));
}

#[tokio::test]
async fn two_mappings_that_overlap_pull_each_file_once() {
    let m = Mapped::new(json!({"pattern": "**"})).await;
    for i in 0..300 {
        put(m.memory(), &format!("/home/in/sub/{i}"), format!("{i}"));
    }
    let fields = json!({"remote_path": "/home/in/sub", "prefix": "second"});
    let other = mapping(&m, m.connection, fields).await;
    let first = m.start_pull().await;
    let second = m.folder_mappings().run(&operator(), other.id).await.unwrap().id;
    let (first, second) = (m.finished(first).await, m.finished(second).await);
    assert_eq!((&first.error, &second.error), (&None, &None));
    let pulled = |done: &Execution| done.context["1.pulled"].as_u64().unwrap();
    assert_eq!(pulled(&first) + pulled(&second), 300);
    assert_eq!((m.stored().len(), m.history().await.len()), (300, 300));
}

#[tokio::test]
async fn what_was_pulled_is_deleted_or_moved_with_its_marker() {
    let m = Mapped::new(json!({"pattern": "**", "after_pull": "delete", "marker_suffix": ".done"})).await;
    put(m.memory(), "/home/in/a.csv", "a");
    put(m.memory(), "/home/in/a.csv.done", "");
    put(m.memory(), "/home/in/b.csv", "not ready");
    assert_eq!(m.pulled("pulled").await, json!(1));
    assert_eq!(m.memory().paths(), ["/", "/home", "/home/in", "/home/in/b.csv"]);
    assert_eq!(m.history().await[0].after, AfterState::Done);
    assert_eq!(m.audit_of("delete").await.len(), 2);

    m.change(json!({"after_pull": "move", "move_to": "archive", "marker_suffix": null}))
        .await;
    put(m.memory(), "/home/in/sub/b.csv", "b");
    put(m.memory(), "/home/in/archive/sub/b.csv", "an older one");
    assert_eq!(m.pulled("pulled").await, json!(2));
    let below = |text: &str| m.memory().content(&path(&format!("/home/in/archive/{text}")));
    assert_eq!(below("b.csv").unwrap(), b"not ready");
    assert_eq!(below("sub/b.csv").unwrap(), b"an older one");
    assert_eq!(below("sub/b.20261122T101500Z.csv").unwrap(), b"b");
    assert_eq!(
        m.pulled("pulled").await,
        json!(0),
        "the archive is not looked into"
    );
    assert_eq!(m.history().await.len(), 3);
}

#[tokio::test]
async fn a_server_that_refuses_to_delete_is_a_warning() {
    let m = Mapped::new(json!({"after_pull": "delete"})).await;
    put(m.memory(), "/home/in/a", "a");
    m.memory().refuse("remove", ErrorKind::Denied);
    let done = m.pull().await;
    assert_eq!((done.state, &done.error), (ExecutionState::Completed, &None));
    assert_eq!(done.context["1.warnings"].as_array().unwrap().len(), 1);
    let entry = &m.history().await[0];
    assert_eq!(entry.after, AfterState::Refused);
    assert!(
        entry.after_detail.as_ref().unwrap().contains("refuses"),
        "{entry:?}"
    );
    // It is not tried again.
    m.memory().heal();
    assert_eq!(m.pulled("known").await, json!(1));
    assert!(m.memory().content(&path("/home/in/a")).is_some());
}

#[tokio::test]
async fn a_paused_pull_goes_on_and_a_stopped_one_leaves_nothing_twice() {
    let m = Mapped::new(json!({})).await;
    for i in 0..200 {
        put(m.memory(), &format!("/home/in/{i:03}"), bytes(1000 + i));
    }
    put(m.memory(), "/home/in/big", bytes(4 * MEGABYTE));
    m.memory().slow(Duration::from_millis(2));
    let id = m.start_pull().await;
    m.until_stored(20).await;
    m.executions().pause(&operator(), id).await.unwrap();
    m.wait_for_state(id, ExecutionState::Paused).await;
    m.memory().heal();
    m.executions().resume(&operator(), id).await.unwrap();
    let done = m.finished(id).await;
    assert_eq!(done.error, None);
    assert_eq!(done.context["1.pulled"], json!(201));
    assert_eq!((m.stored().len(), m.history().await.len()), (201, 201));

    for i in 0..200 {
        put(m.memory(), &format!("/home/in/more{i:03}"), bytes(500 + i));
    }
    m.memory().slow(Duration::from_millis(2));
    let id = m.start_pull().await;
    m.until_stored(230).await;
    m.executions().cancel(&operator(), id).await.unwrap();
    assert_eq!(m.finished(id).await.state, ExecutionState::Cancelled);
    m.memory().heal();
    m.pulled("pulled").await;
    assert_eq!((m.stored().len(), m.history().await.len()), (401, 401));
}

#[tokio::test]
async fn a_process_that_stops_in_order_goes_on_later() {
    let m = Mapped::new(json!({})).await;
    for i in 0..200 {
        put(m.memory(), &format!("/home/in/{i:03}"), bytes(1000 + i));
    }
    m.memory().slow(Duration::from_millis(2));
    let id = m.start_pull().await;
    m.until_stored(20).await;
    m.shutdown(Duration::from_secs(5)).await;
    m.memory().heal();
    let (dir, server): (Arc<_>, Server) = (m.dir.clone(), m.server.clone());
    let connection = m.connection;
    drop(m);
    let t = Fixture::start(dir, server, Environment::Development)
        .await
        .unwrap();
    let done = t.finished(id).await;
    assert_eq!(done.error, None);
    assert_eq!(done.context["1.pulled"], json!(200));
    assert_eq!(stored(t.dir.path()).len(), 200);
    assert_eq!(history(t.dir.path(), connection).await.len(), 200);
}

#[tokio::test]
async fn a_job_can_pull_and_names_a_mapping_that_is_there() {
    let m = Mapped::new(json!({"enabled": false})).await;
    put(m.memory(), "/home/in/a", "a");
    let step = |id: Uuid| json!([{"step_type": "remote.pull", "config": {"mapping_id": id}}]);
    let done = m.run_steps(step(m.mapping.id)).await;
    assert_eq!((&done.error, &done.context["1.pulled"]), (&None, &json!(1)));
    let job = map(json!({"name": "j", "steps": step(Uuid::now_v7())}));
    let refused = m.jobs().create(&admin(), job).await.unwrap_err();
    assert_eq!(crate::fixture::fields(&refused), ["steps[0].config.mapping_id"]);
}

#[tokio::test]
async fn what_somebody_wants_anew_comes_under_a_name_of_its_own() {
    let m = Mapped::new(json!({})).await;
    put(m.memory(), "/home/in/a.csv", "a");
    put(m.memory(), "/home/in/gone.csv", "g");
    assert_eq!(m.pulled("pulled").await, json!(2));
    m.memory()
        .connect()
        .remove(&path("/home/in/gone.csv"), EntryKind::File)
        .await
        .unwrap();
    for (time, key) in [(1, "a.20261122T101500Z.csv"), (2, "a.20261122T101500Z-2.csv")] {
        let first = m
            .history()
            .await
            .into_iter()
            .find(|entry| entry.key == "a.csv")
            .unwrap();
        let run = m
            .pulls()
            .replay(&operator(), m.connection, first.id)
            .await
            .unwrap();
        let done = m.finished(run.id).await;
        assert_eq!((&done.error, &done.context["1.pulled"]), (&None, &json!(1)));
        let again = m
            .history()
            .await
            .into_iter()
            .filter(|entry| entry.replay_of == Some(first.id));
        let keys: Vec<String> = again.map(|entry| entry.key).collect();
        assert_eq!((keys.len(), keys.last().map(String::as_str)), (time, Some(key)));
        assert_eq!(m.stored()[key], b"a");
    }
    let gone = m
        .history()
        .await
        .into_iter()
        .find(|entry| entry.key == "gone.csv")
        .unwrap();
    let run = m
        .pulls()
        .replay(&operator(), m.connection, gone.id)
        .await
        .unwrap();
    let done = m.finished(run.id).await;
    assert_eq!((done.state, &done.error), (ExecutionState::Completed, &None));
    assert_eq!(done.context["1.not_found"][0]["path"], json!("/home/in/gone.csv"));
    assert_eq!(
        m.pulled("pulled").await,
        json!(0),
        "a wish is over when it was answered"
    );
    assert_eq!(m.stored().len(), 4);
}
