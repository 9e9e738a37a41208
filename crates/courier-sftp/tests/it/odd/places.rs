//! Servers that allow few open handles.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, atomic::AtomicUsize, atomic::Ordering},
    time::{Duration, Instant},
};

use bytes::BytesMut;
use courier_sftp::{
    codec::{Request, Response, StatusCode},
    server::Responder,
};
use courier_transfer::{
    ErrorKind, OpenOptions,
    layers::Timeouts,
    ops::{self, BatchContext, DownloadOptions, PlanOptions, RemoteGlob},
};
use futures::StreamExt;

use super::{Serving, path, pattern, serving};

/// Refuses a handle while `most` are open, without a word of why.
async fn with_places(most: usize, most_seen: Arc<AtomicUsize>) -> Serving {
    let open: Arc<Mutex<HashSet<Vec<u8>>>> = Arc::default();
    serving(move |files, id, request, out| {
        let mut open = open.lock().unwrap();
        match request {
            // Whoever tells no limits says nothing of handles either.
            Request::Init => Response::Version {
                version: 3,
                extensions: Vec::new(),
            }
            .encode(0, out),
            Request::Open { .. } | Request::OpenDir { .. } if open.len() == most => {
                Response::status(StatusCode::FAILURE, "Failure").encode(id, out);
            }
            Request::Open { .. } | Request::OpenDir { .. } => {
                let mut answer = BytesMut::new();
                files.respond(id, request, &mut answer);
                if answer[4] == 102 {
                    open.insert(answer[13..].to_vec());
                    most_seen.fetch_max(open.len(), Ordering::Relaxed);
                }
                out.extend_from_slice(&answer);
            }
            Request::Close { handle } => {
                open.remove(*handle);
                return false;
            }
            _ => return false,
        }
        true
    })
    .await
}

#[tokio::test]
async fn one_open_file_at_a_time_is_enough() {
    for most in [1, 2, 7] {
        let seen = Arc::new(AtomicUsize::new(0));
        let s = with_places(most, seen.clone()).await;
        for i in 0..150 {
            s.file(&format!("f{i}"), i * 700);
        }
        let names: Vec<_> = (0..150).map(|i| format!("f{i}")).collect();
        let fetched: Vec<_> = futures::stream::iter(&names)
            .map(|name| s.fetch(name, None))
            .buffered(64)
            .collect()
            .await;
        for (i, bytes) in fetched.iter().enumerate() {
            assert!(*bytes == pattern(i * 700), "{i}");
        }
        assert!(s.client.capabilities().concurrency <= most.max(1));
        let bytes = pattern(50_000);
        let uploads = futures::future::join_all(["a", "b", "c"].map(|name| s.store(name, &bytes))).await;
        assert!(uploads.iter().all(Result::is_ok), "{uploads:?}");
        let listed = s.client.list(&path("/")).await.unwrap().count().await;
        assert_eq!(listed, 153);
        assert_eq!(seen.load(Ordering::Relaxed), most);
    }
}

/// The listing that tells what to fetch must not be in the way of the fetching.
#[tokio::test]
async fn a_tree_is_fetched_with_one_open_handle() {
    let s = with_places(1, Arc::default()).await;
    for folder in ["", "one", "two"] {
        std::fs::create_dir_all(s.folder.path().join(folder)).unwrap();
        for i in 0..300 {
            std::fs::write(s.folder.path().join(folder).join(format!("f{i}")), pattern(i)).unwrap();
        }
    }
    let target = tempfile::tempdir().unwrap();
    let client: Arc<dyn courier_transfer::Client> =
        Arc::new(Timeouts::new(s.client.clone(), Duration::from_secs(10)));
    let options = PlanOptions {
        recursive: true,
        contents: true,
        ..PlanOptions::default()
    };
    let jobs = ops::plan_downloads(
        client.clone(),
        RemoteGlob::new("/").unwrap(),
        target.path().to_owned(),
        options,
        drop,
    );
    let results: Vec<_> =
        ops::download_all(client, jobs, DownloadOptions::default(), BatchContext::default())
            .collect()
            .await;
    for done in &results {
        assert!(done.result.is_ok(), "{:?}", done.result);
    }
    assert_eq!(results.len(), 900);
    assert_eq!(
        std::fs::read(target.path().join("two/f299")).unwrap(),
        pattern(299)
    );
}

/// A file that can't be opened for a reason of its own is told soon, and costs the others nothing.
#[tokio::test]
async fn a_failure_that_is_no_want_of_a_place_stays_one() {
    let s = serving(|_, id, request, out| match request {
        Request::Init => {
            let (version, extensions) = (3, Vec::new());
            Response::Version { version, extensions }.encode(0, out);
            true
        }
        Request::Open { path, .. } if path.ends_with(b"bad") => {
            Response::status(StatusCode::FAILURE, "").encode(id, out);
            true
        }
        _ => false,
    })
    .await;
    s.file("good", 5_000_000);
    s.file("bad", 10);
    let most = s.client.capabilities().concurrency;
    let open = s
        .client
        .open(&path("good"), OpenOptions::default())
        .await
        .unwrap();
    let (bad, closing) = (path("bad"), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(open);
    });
    let started = Instant::now();
    let (error, ()) = tokio::join!(s.client.open(&bad, OpenOptions::default()), closing);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Failed);
    assert!(started.elapsed() < Duration::from_secs(3));
    assert_eq!(s.client.capabilities().concurrency, most);
}
