//! Several executions that call one function: each has one run, and no two the same.

use std::{collections::HashSet, time::Duration};

use courier_azure::testkit::{CLIENT_SECRET, Function, MASTER_KEY};
use serde_json::json;

use super::{Azure, connection, step};
use crate::{
    fixture::{admin, map, operator},
    leases::{node, until},
};

#[tokio::test]
async fn each_takes_another_run() {
    for keeps_trace_ids in [true, false] {
        let a = Azure::new().await;
        a.cloud.put(Function::new("f").takes(Duration::from_millis(50)));
        a.cloud.keep_trace_ids(keeps_trace_ids);
        a.cloud.set_lag(Duration::from_millis(300));
        let mut ids = Vec::new();
        for function in ["f", "F", "f", "f"] {
            ids.push(a.start(function, json!({})).await);
        }
        let mut runs = HashSet::new();
        for id in ids {
            let done = a.t.finished(id).await;
            assert_eq!(done.error, None);
            let run = done.context["1.invocation_id"].as_str().unwrap().to_owned();
            if keeps_trace_ids {
                let own = a.cloud.triggers().into_iter().find(|t| t.invocation_id == run);
                assert_eq!(json!(own.unwrap().trace_id), done.context["1.operation_id"]);
            }
            runs.insert(run);
        }
        assert_eq!(
            (runs.len(), a.cloud.triggers().len()),
            (4, 4),
            "{keeps_trace_ids}"
        );
    }
}

#[tokio::test]
async fn those_that_wait_leave_their_places_to_others() {
    let a = Azure::new().await;
    a.cloud.put(Function::new("f"));
    a.cloud.hold_logs(true);
    let mut waiting = Vec::new();
    // The node has four places.
    for _ in 0..6 {
        waiting.push(a.start("f", json!({})).await);
    }
    a.until(|cloud| cloud.triggers().len() == 6).await;
    let other = a.call("f", json!({"wait": false})).await;
    assert_eq!(other.error, None);
    a.cloud.hold_logs(false);
    for id in waiting {
        assert_eq!(a.t.finished(id).await.error, None);
    }
}

#[tokio::test]
async fn a_run_is_dealt_once_by_whatever_name_the_app_is_called() {
    let a = Azure::new().await;
    a.cloud.put(Function::new("f"));
    a.cloud.keep_trace_ids(false);
    a.cloud.hold_logs(true);
    let other = connection(&a.t, &a.cloud).await.id;
    let by_address =
        map(json!({"host": "127.0.0.1", "password": MASTER_KEY, "client_secret": CLIENT_SECRET}));
    a.t.connections()
        .patch(&admin(), other, by_address)
        .await
        .unwrap();
    let first = a.start("f", json!({})).await;
    a.until(|cloud| cloud.triggers().len() == 1).await;
    let job = json!({"name": "other", "steps": [step(other, "f", json!({}))]});
    let second = a.t.start_job(job).await;
    a.until(|cloud| cloud.triggers().len() == 2).await;
    a.cloud.hold_logs(false);
    let mut runs = HashSet::new();
    for id in [first, second] {
        let done = a.t.finished(id).await;
        assert_eq!(done.error, None);
        runs.insert(done.context["1.invocation_id"].to_string());
    }
    assert_eq!(runs.len(), 2);
}

#[tokio::test]
async fn what_bears_another_trace_is_not_ours_where_the_app_takes_traces_over() {
    let a = Azure::new().await;
    a.cloud.put(Function::new("f"));
    assert_eq!(
        a.call("f", json!({})).await.error,
        None,
        "from which that is known"
    );
    a.cloud
        .put(Function::new("f").starts_after(Duration::from_millis(1_500)));
    let id = a.start("f", json!({})).await;
    a.until(|cloud| cloud.triggers().len() == 2).await;
    // It begins before ours, and is in the logs when they are asked first.
    a.cloud.put(Function::new("f"));
    let other = a.cloud.run_by_others("f");
    let done = a.t.finished(id).await;
    assert_eq!(done.error, None);
    let triggers = a.cloud.triggers();
    assert_eq!(done.context["1.invocation_id"], json!(triggers[1].invocation_id));
    assert_ne!(triggers[1].invocation_id, other);
    // An app that doesn't any more is believed in the end.
    a.cloud.keep_trace_ids(false);
    let done = a.call("f", json!({"max_wait_sec": 2})).await;
    assert_eq!(done.error, None);
    let began = std::time::Instant::now();
    assert_eq!(a.call("f", json!({"max_wait_sec": 9})).await.error, None);
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "from then on that is known"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_several_nodes_too() {
    let folder = tempfile::tempdir().unwrap();
    let url = tokio::task::spawn_blocking(crate::postgres::new_database)
        .await
        .unwrap();
    let server = crate::fake::Server::new("memory");
    let cloud = super::cloud();
    cloud.put(Function::new("f"));
    cloud.keep_trace_ids(false);
    cloud.set_lag(Duration::from_millis(400));
    let nodes = [
        node("one", &url, folder.path(), &server).await,
        node("two", &url, folder.path(), &server).await,
    ];
    let connection = connection(&nodes[0], &cloud).await.id;
    let mut ids = Vec::new();
    for n in 0..6 {
        let job = map(json!({"name": format!("j{n}"), "steps": [step(connection, "f", json!({}))]}));
        let job = nodes[0].jobs().create(&operator(), job).await.unwrap();
        ids.push(nodes[0].jobs().run(&operator(), job.id).await.unwrap().id);
    }
    let mut runs = HashSet::new();
    for id in ids {
        let done = until(&nodes[0], id, |run| run.state.is_final()).await;
        assert_eq!(done.error, None);
        runs.insert(done.context["1.invocation_id"].to_string());
    }
    assert_eq!((runs.len(), cloud.triggers().len()), (6, 6));
    for node in &nodes {
        node.shutdown(Duration::from_secs(5)).await;
    }
}
