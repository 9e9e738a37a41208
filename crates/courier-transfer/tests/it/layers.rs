//! The layers.

use std::{fs, sync::Arc, time::Duration};

use courier_transfer::{
    Client, CreateOptions, ErrorKind, Fetch, OpenOptions, Parts, RemotePath,
    layers::{Rooted, Timeouts},
    memory::{Event, Memory},
    ops::{Context, DownloadOptions, download},
    testkit::BytesSink,
};
use futures::StreamExt;
use proptest::prelude::*;

use crate::support::{Setup, bytes, path};

const LIMIT: Duration = Duration::from_millis(60);

#[tokio::test]
async fn an_operation_without_an_answer_ends_in_time_and_says_which() {
    let memory = Memory::default();
    memory.put(&path("f"), "x");
    for operation in ["stat", "list", "open", "create", "make_dir", "canonicalize"] {
        memory.hang(operation);
    }
    let client = Timeouts::new(memory.connect(), LIMIT);
    let f = path("f");
    let errors = [
        client.stat(&f).await.err(),
        client.list(&f).await.err(),
        client.open(&f, OpenOptions::default()).await.err(),
        client.create(&f, CreateOptions::default()).await.err(),
        client.make_dir(&f).await.err(),
        client.canonicalize(&f).await.err(),
    ];
    for error in errors {
        assert_eq!(error.unwrap().kind(), ErrorKind::Timeout);
    }
    let error = client.stat(&f).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "stat: the server did not answer for 0.06 s (path: f)"
    );
    memory.heal();
    client.stat(&f).await.unwrap();
}

#[tokio::test]
async fn a_transfer_may_take_long_but_not_stand_still() {
    let s = Setup::new();
    s.memory.put(&path("f"), bytes(1_000_000, 1));
    let client: Arc<dyn Client> = Arc::new(Timeouts::new(s.client.clone(), LIMIT));
    // 31 blocks of 10 ms are more than the limit in all.
    s.memory.slow(Duration::from_millis(10));
    let options = DownloadOptions::default();
    download(&client, &path("f"), &s.local("f"), &options, &Context::default())
        .await
        .unwrap();
    s.memory.heal();
    s.memory.at_byte(500_000, Event::Hang);
    let error = download(&client, &path("f"), &s.local("g"), &options, &Context::default())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::Timeout, Some("fetch"))
    );
    assert_eq!(
        fs::metadata(s.local("g.part")).unwrap().len(),
        491_520,
        "kept for a resume"
    );
}

#[tokio::test]
async fn paths_come_back_in_the_callers_terms() {
    let memory = Memory::default();
    memory.put(&path("base/in/a"), "x");
    let rooted = Rooted::new(memory.connect(), path("base"));
    for (asked, told) in [("in", "in/a"), ("/in", "/in/a")] {
        let listing: Vec<_> = rooted.list(&path(asked)).await.unwrap().collect().await;
        assert!(
            format!("{listing:?}").contains(&format!("{told:?}")),
            "{listing:?}"
        );
        assert_eq!(rooted.stat(&path(told)).await.unwrap().path, path(told));
        assert_eq!(rooted.canonicalize(&path(told)).await.unwrap(), path("/in/a"));
    }
    let base = rooted
        .remove(&RemotePath::root(), courier_transfer::EntryKind::Directory)
        .await;
    assert_eq!(base.unwrap_err().kind(), ErrorKind::Denied);
}

proptest! {
    #[test]
    fn whatever_path_is_written_lies_below_the_base(text in "[/a-c.]{1,12}", absolute in any::<bool>()) {
        let base = if absolute { "/srv/base" } else { "base" };
        let Ok(asked) = RemotePath::new(&text) else { return Ok(()) };
        if asked.is_top() {
            return Ok(());
        }
        let memory = Memory::default();
        memory.put(&path(base).join_below(&path("keep")), "");
        let before = memory.paths();
        let rooted = Rooted::new(memory.connect(), path(base));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let _ = courier_transfer::ops::make_dir_all(&rooted, &asked).await;
        });
        let root = if absolute { "/srv/base/" } else { "/home/base/" };
        let mut new: Vec<String> = memory.paths();
        new.retain(|p| !before.contains(p));
        prop_assert!(!new.is_empty());
        prop_assert!(new.iter().all(|p| p.starts_with(root)), "{new:?}");
    }
}

/// A session beside a slow one: what the other moves keeps it from running out of time.
#[tokio::test]
async fn a_lane_that_waits_for_another_is_not_idle() {
    let memory = Memory::default();
    let whole = bytes(1_000_000, 1);
    memory.put(&path("f"), whole.clone());
    memory.slow(Duration::from_millis(10));
    let parts = Parts::new(0, whole.len() as u64);
    let sink = Arc::new(BytesSink::default());
    let request = Fetch {
        parts: Some(parts),
        ..sink.request(0, None)
    };
    // The whole file is one block, which the first takes: the second has nothing to do.
    let slow = memory.connect();
    let waiting = Timeouts::new(memory.connect(), LIMIT);
    let name = path("f");
    let (a, b) = tokio::join!(slow.fetch(&name, request.clone()), waiting.fetch(&name, request));
    assert_eq!((a.unwrap(), b.unwrap()), (1_000_000, 1_000_000));
    assert!(sink.bytes() == whole);
}
