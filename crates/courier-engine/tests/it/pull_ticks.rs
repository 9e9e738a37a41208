//! Mappings that pull by themselves: when they are due, and how they fare. The clock is a parameter where it can be.

use std::{collections::HashSet, time::Duration};

use courier_engine::{
    Error, PageRequest,
    executions::{Execution, ExecutionFilter, ExecutionState},
    folder_mappings::{FolderMapping, Health},
};
use courier_transfer::{Client, EntryKind, ErrorKind, RemotePath};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use crate::{
    fake::{PASSWORD, Server, fingerprint},
    fixture::{Fixture, admin, connection_input, map, operator},
    leases::{node, until},
    postgres,
    pulls::{mapping, put, stored},
};

async fn shown(t: &Fixture, mapping: Uuid) -> FolderMapping {
    t.folder_mappings().get(mapping).await.unwrap()
}

/// Lets it be due, and waits for the end of its pull.
async fn ticked(t: &Fixture, mapping: Uuid) -> Execution {
    let due = shown(t, mapping).await;
    let before = due.last_execution;
    t.folder_mappings()
        .run_due(due.next_run_at.unwrap())
        .await
        .unwrap();
    let last = shown(t, mapping).await.last_execution;
    assert_ne!(last, before, "it was not queued");
    t.finished(last.unwrap()).await
}

/// The pull that comes by itself, since the mapping is due now.
async fn came_by_itself(t: &Fixture, mapping: Uuid, before: Option<Uuid>) -> Execution {
    let came = async {
        loop {
            match shown(t, mapping).await.last_execution {
                last if last != before => return last.unwrap(),
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let id = tokio::time::timeout(Duration::from_secs(10), came).await.unwrap();
    t.finished(id).await
}

fn told(mapping: &FolderMapping) -> (&str, Option<&str>, u32) {
    (
        mapping.health.as_str(),
        mapping.health_code.as_deref(),
        mapping.failures,
    )
}

#[tokio::test]
async fn a_due_mapping_is_pulled_and_due_again() {
    let t = Fixture::new().await;
    let connection = t.connection(json!({})).await.id;
    let made = mapping(&t, connection, json!({})).await;
    let due = made.next_run_at.unwrap();
    put(t.server.memory(), "/home/in/a.csv", "1");
    assert_eq!(
        t.folder_mappings()
            .run_due(due - SignedDuration::from_secs(1))
            .await
            .unwrap(),
        0
    );
    let done = ticked(&t, made.id).await;
    assert_eq!((done.state, &done.error), (ExecutionState::Completed, &None));
    assert_eq!(
        (
            done.mapping_id,
            done.job_id,
            done.scheduled_at,
            &*done.triggered_by
        ),
        (Some(made.id), None, Some(due), "schedule")
    );
    assert_eq!(stored(t.dir.path()).len(), 1);
    let after = shown(&t, made.id).await;
    assert_eq!(told(&after), ("healthy", None, 0));
    let wait = after.next_run_at.unwrap().duration_since(due).as_secs();
    assert!((270..=330).contains(&wait), "{wait}");
    // Whoever asks gets the pull that runs, or a new one.
    let run = t.folder_mappings().run(&operator(), made.id).await.unwrap();
    t.finished(run.id).await;
    let audit = &t.audit_of("folder_mapping_run").await[0];
    assert_eq!(
        (
            audit.performed_by.as_str(),
            audit.job_execution_id,
            audit.connection_id
        ),
        ("otto", Some(run.id), Some(connection))
    );
    let filter = ExecutionFilter {
        mapping_id: Some(made.id),
        ..Default::default()
    };
    let page = t.executions().list(filter, PageRequest::first(9)).await.unwrap();
    assert_eq!(page.items.len(), 2);
}

#[tokio::test]
async fn one_rejected_login_stops_all_ticks_until_somebody_acts() {
    let t = Fixture::new().await;
    let connection = t.connection(json!({"password": "wrong"})).await.id;
    put(t.server.memory(), "/home/in/a.csv", "1");
    let first = mapping(&t, connection, json!({})).await.id;
    let other = mapping(&t, connection, json!({"prefix": "other"})).await.id;
    assert_eq!(ticked(&t, first).await.error.unwrap().kind, "auth");
    let rejected = shown(&t, first).await;
    assert_eq!(told(&rejected), ("requires_attention", Some("login_rejected"), 1));
    assert!(rejected.failing_since.is_some());
    let logins = t.server.logins();
    for hours in 1..4 {
        let later = Timestamp::now() + SignedDuration::from_hours(hours);
        t.folder_mappings().run_due(later).await.unwrap();
    }
    // Nor does somebody's wish, which is told why.
    let refused = t.folder_mappings().run(&operator(), first).await.unwrap_err();
    assert!(matches!(&refused, Error::ConnectionNotUsable(why) if why.contains("test the connection")));
    assert_eq!(t.server.logins(), logins, "nobody was locked out");
    assert_eq!(shown(&t, first).await.health_detail, rejected.health_detail);
    assert_eq!(rejected.next_run_at, None);
    assert_eq!(told(&shown(&t, first).await), told(&rejected));
    let waits = shown(&t, other).await;
    assert_eq!(
        told(&waits),
        ("requires_attention", Some("connection_requires_attention"), 0)
    );
    assert_eq!(waits.last_execution, None);
    assert!(waits.health_detail.unwrap().contains("test the connection"));

    // A change is an act: what waited is due at once.
    let before = shown(&t, first).await.last_execution;
    t.connections()
        .patch(&admin(), connection, map(json!({"password": PASSWORD})))
        .await
        .unwrap();
    assert_eq!(came_by_itself(&t, first, before).await.error, None);
    assert_eq!(came_by_itself(&t, other, None).await.error, None);
    for mapping in [first, other] {
        assert_eq!(told(&shown(&t, mapping).await), ("healthy", None, 0));
    }
}

#[tokio::test]
async fn of_pulls_that_begin_together_one_login_is_rejected() {
    let t = Fixture::new().await;
    let connection = t.connection(json!({"password": "wrong"})).await.id;
    put(t.server.memory(), "/home/in/a.csv", "1");
    let mut made = Vec::new();
    for prefix in ["a", "b", "c"] {
        made.push(mapping(&t, connection, json!({"prefix": prefix})).await.id);
    }
    let later = Timestamp::now() + SignedDuration::from_hours(1);
    t.folder_mappings().run_due(later).await.unwrap();
    for id in made {
        let last = shown(&t, id).await.last_execution.unwrap();
        assert!(t.finished(last).await.error.is_some());
        assert_eq!(shown(&t, id).await.health, Health::RequiresAttention);
    }
    assert_eq!(t.server.logins(), 1);
}

#[tokio::test]
async fn a_changed_host_key_waits_for_its_approval() {
    let t = Fixture::new().await;
    let connection = t.connection(json!({})).await.id;
    put(t.server.memory(), "/home/in/a.csv", "1");
    let made = mapping(&t, connection, json!({})).await.id;
    assert_eq!(ticked(&t, made).await.error, None);
    t.server.change_host_key(2);
    assert_eq!(ticked(&t, made).await.error.unwrap().kind, "host_key");
    let changed = shown(&t, made).await;
    assert_eq!(
        told(&changed),
        ("requires_attention", Some("host_key_changed"), 1)
    );
    t.connections()
        .approve_host_key(&admin(), connection, &fingerprint(2), false)
        .await
        .unwrap();
    assert_eq!(came_by_itself(&t, made, changed.last_execution).await.error, None);
    assert_eq!(told(&shown(&t, made).await), ("healthy", None, 0));
}

#[tokio::test]
async fn an_unreachable_server_is_tried_later_and_later_until_it_is_back() {
    let t = Fixture::new().await;
    let connection = t.connection(json!({})).await.id;
    put(t.server.memory(), "/home/in/a.csv", "1");
    let made = mapping(&t, connection, json!({})).await.id;
    t.server.down(Some(ErrorKind::Unreachable));
    for (failures, wait) in [(1, 600), (2, 1200), (3, 1800), (4, 1800)] {
        assert_eq!(ticked(&t, made).await.error.unwrap().kind, "unreachable");
        let after = shown(&t, made).await;
        assert_eq!(told(&after), ("failing", Some("unreachable"), failures));
        let waits = after
            .next_run_at
            .unwrap()
            .duration_since(Timestamp::now())
            .as_secs();
        assert!((waits - wait).abs() <= wait / 10 + 5, "{waits}, not {wait}");
        let detail = after.health_detail.unwrap();
        assert!(
            detail.contains("Failing since 20") && detail.contains("It is tried again at"),
            "{detail}"
        );
    }
    t.server.down(None);
    assert_eq!(ticked(&t, made).await.error, None);
    let well = shown(&t, made).await;
    assert_eq!(told(&well), ("healthy", None, 0));
    assert!(well.failing_since.is_none() && well.last_ok_at.is_some());
}

#[tokio::test]
async fn what_is_wrong_with_folders_and_destinations_is_told() {
    let t = Fixture::new().await;
    let connection = t.connection(json!({})).await.id;
    put(t.server.memory(), "/home/in/a.csv", "1");
    let absent = mapping(&t, connection, json!({"remote_path": "/home/absent"}))
        .await
        .id;
    ticked(&t, absent).await;
    let shown_absent = shown(&t, absent).await;
    assert_eq!(told(&shown_absent), ("failing", Some("folder_missing"), 1));
    assert!(
        shown_absent
            .health_detail
            .unwrap()
            .contains("make it on the server")
    );
    let file = mapping(&t, connection, json!({"remote_path": "/home/in/a.csv"}))
        .await
        .id;
    ticked(&t, file).await;
    assert_eq!(told(&shown(&t, file).await).1, Some("folder_missing"));
    // It recovers by itself.
    put(t.server.memory(), "/home/absent/b.csv", "2");
    assert_eq!(ticked(&t, absent).await.error, None);
    assert_eq!(told(&shown(&t, absent).await), ("healthy", None, 0));

    let denied = mapping(&t, connection, json!({})).await.id;
    t.server.memory().refuse("list", ErrorKind::Denied);
    ticked(&t, denied).await;
    assert_eq!(
        told(&shown(&t, denied).await),
        ("failing", Some("folder_denied"), 1)
    );
    t.server.memory().heal();
    std::fs::remove_dir_all(t.dir.path().join("storage")).unwrap();
    std::fs::write(t.dir.path().join("storage"), "no folder").unwrap();
    ticked(&t, denied).await;
    let refused = shown(&t, denied).await;
    assert_eq!(refused.health, Health::Failing);
    let code = refused.health_code.unwrap();
    assert!(code.starts_with("destination_"), "{code}");
}

#[tokio::test]
async fn what_stays_on_the_server_is_told_as_long_as_it_does() {
    let t = Fixture::new().await;
    let connection = t.connection(json!({})).await.id;
    put(t.server.memory(), "/home/in/a.csv", "1");
    let made = mapping(&t, connection, json!({"after_pull": "delete"})).await.id;
    t.server.memory().refuse("remove", ErrorKind::Denied);
    for _ in 0..2 {
        assert_eq!(ticked(&t, made).await.error, None);
        let left = shown(&t, made).await;
        assert_eq!(told(&left), ("healthy", Some("after_pull_refused"), 0));
        let detail = left.health_detail.unwrap();
        assert!(
            detail.starts_with("1 file is pulled and still on the server"),
            "{detail}"
        );
        t.server.memory().heal();
    }
    t.server
        .memory()
        .connect()
        .remove(&RemotePath::new("/home/in/a.csv").unwrap(), EntryKind::File)
        .await
        .unwrap();
    assert_eq!(ticked(&t, made).await.error, None);
    let well = shown(&t, made).await;
    assert_eq!((told(&well), &well.health_detail), (("healthy", None, 0), &None));
}

#[tokio::test]
async fn a_full_server_is_no_reason_to_fail() {
    let t = Fixture::new().await;
    let connection = t.connection(json!({})).await.id;
    let made = mapping(&t, connection, json!({})).await.id;
    t.server.places(0);
    assert_eq!(ticked(&t, made).await.error.unwrap().kind, "busy");
    let busy = shown(&t, made).await;
    assert_eq!(told(&busy), ("unknown", Some("busy"), 1));
    let connection = t.connections().get(connection).await.unwrap();
    assert_eq!(connection.health.as_str(), "unknown");
}

#[tokio::test]
async fn a_disabled_connection_is_left_alone_and_an_enabled_one_pulled_at_once() {
    let t = Fixture::new().await;
    let connection = t.connection(json!({"status": "disabled"})).await.id;
    put(t.server.memory(), "/home/in/a.csv", "1");
    let made = mapping(&t, connection, json!({})).await;
    let later = Timestamp::now() + SignedDuration::from_hours(1);
    t.folder_mappings().run_due(later).await.unwrap();
    let waits = shown(&t, made.id).await;
    assert_eq!(told(&waits), ("unknown", Some("connection_disabled"), 0));
    assert_eq!(waits.next_run_at, None);
    assert_eq!(waits.last_execution, None);
    t.connections()
        .patch(&admin(), connection, map(json!({"status": "active"})))
        .await
        .unwrap();
    assert_eq!(came_by_itself(&t, made.id, None).await.error, None);
}

/// By the clock: on two nodes, each mapping is pulled once for each time at which it is due.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_nodes_one_pulls_a_mapping_that_is_due() {
    let folder = tempfile::tempdir().unwrap();
    let url = tokio::task::spawn_blocking(postgres::new_database).await.unwrap();
    let server = Server::new("memory");
    put(server.memory(), "/home/in/a.csv", "1");
    let one = node("one", &url, folder.path(), &server).await;
    let two = node("two", &url, folder.path(), &server).await;
    let mut input = connection_input();
    input.insert("max_sessions".into(), json!(20));
    let connection = one.connections().create(&admin(), input).await.unwrap().id;
    let mut mappings = Vec::new();
    for n in 0..10 {
        let input = json!({"remote_path": "/home/in", "name": format!("m{n}"), "prefix": format!("m{n}"), "interval_sec": 1});
        let made = one
            .folder_mappings()
            .create(&operator(), connection, map(input))
            .await;
        mappings.push(made.unwrap().id);
    }
    let all = async || {
        let mut runs = Vec::new();
        for mapping in &mappings {
            let filter = ExecutionFilter {
                mapping_id: Some(*mapping),
                ..Default::default()
            };
            let page = one
                .executions()
                .list(filter, PageRequest::first(100))
                .await
                .unwrap();
            runs.extend(page.items);
        }
        runs
    };
    let enough = async {
        while all().await.len() < 30 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), enough)
        .await
        .unwrap();
    for mapping in &mappings {
        let off = map(json!({"enabled": false}));
        two.folder_mappings()
            .patch(&operator(), *mapping, off)
            .await
            .unwrap();
    }
    let mut nodes = HashSet::new();
    let mut times = HashSet::new();
    for run in all().await {
        let run = until(&one, run.id, |run| run.state.is_final()).await;
        assert_eq!(run.error, None);
        nodes.extend(run.node.clone());
        assert!(times.insert((run.mapping_id, run.scheduled_at)), "twice: {run:?}");
    }
    assert_eq!(nodes.len(), 2, "both pull");
    for engine in [&one, &two] {
        engine.shutdown(Duration::from_secs(5)).await;
    }
}
