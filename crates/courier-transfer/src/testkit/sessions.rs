//! Cases about what happens side by side in a session, and at its end.

use std::{future::Future, pin::pin, sync::Arc, task::Context};

use futures::{StreamExt, future::join_all, task::noop_waker};

use super::{BytesSink, BytesSource, Fixture, kind, pattern};
use crate::{CreateOptions, ErrorKind, OpenOptions, RemotePath, Store};

/// Reads, writes, listings and questions at the same time, whatever the protocol makes of it.
pub async fn operations_run_side_by_side(f: &Fixture) {
    let jobs = (0..12).map(|i| async move {
        let (path, bytes) = (f.path(format!("f{i}")), pattern(100_000 + i * 1_000));
        f.write(&path, &bytes).await;
        assert!(f.read(&path).await == bytes);
        assert_eq!(f.client.stat(&path).await.unwrap().size, Some(bytes.len() as u64));
        assert!(!f.list(&f.folder).await.is_empty());
    });
    join_all(jobs).await;
    assert_eq!(f.list(&f.folder).await.len(), 12);
}

/// Polls a future some times, then drops it.
async fn start_and_drop(polls: usize, work: impl Future) {
    let mut work = pin!(work);
    for _ in 0..polls {
        let done = work
            .as_mut()
            .poll(&mut Context::from_waker(&noop_waker()))
            .is_ready();
        if done {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Operations that nobody waits for any more harm no others.
pub async fn dropped_futures_leave_the_session_usable(f: &Fixture) {
    let (file, bytes) = (f.path("f"), pattern(3_000_000));
    f.write(&file, &bytes).await;
    for polls in [1, 2, 3, 10] {
        start_and_drop(polls, f.client.stat(&file)).await;
        start_and_drop(polls, f.client.list(&f.folder)).await;
        start_and_drop(polls, f.client.open(&file, OpenOptions::default())).await;
        let sink = Arc::new(BytesSink::default());
        start_and_drop(polls, f.client.fetch(&file, sink.request(0, Some(3_000_000)))).await;
        let store = Store::new(BytesSource::new(bytes.clone()), CreateOptions::default(), None);
        start_and_drop(polls, f.client.store(&f.path("dropped"), store)).await;
    }
    assert_works(f, &file, &bytes).await;
}

/// Files and listings dropped half-way harm no others, and hold nothing on the server.
pub async fn dropped_files_leave_the_session_usable(f: &Fixture) {
    let (file, bytes) = (f.path("f"), pattern(1_000_000));
    f.write(&file, &bytes).await;
    for i in 0..150 {
        let mut reader = f.client.open(&file, OpenOptions::default()).await.unwrap();
        if i % 3 == 0 {
            reader.read().await.unwrap();
        }
    }
    for _ in 0..20 {
        let mut listing = f.client.list(&f.folder).await.unwrap();
        let _ = listing.next().await;
    }
    for i in 0..20 {
        let path = f.path(format!("dropped{}", i % 4));
        let mut writer = f.client.create(&path, CreateOptions::default()).await.unwrap();
        writer.write(bytes[..50_000].to_vec().into()).await.unwrap();
    }
    assert_works(f, &file, &bytes).await;
}

async fn assert_works(f: &Fixture, file: &RemotePath, bytes: &[u8]) {
    assert!(f.client.is_connected());
    assert!(f.read(file).await == bytes);
    f.write(&f.path("after"), b"still here").await;
    assert_eq!(f.read(&f.path("after")).await, b"still here");
    assert!(f.list(&f.folder).await.len() >= 2);
}

/// The canonical form of a path is absolute and names the same thing.
pub async fn canonical_paths_are_absolute(f: &Fixture) {
    f.write(&f.path("f"), b"x").await;
    let path = f.client.canonicalize(&f.path("f")).await.unwrap();
    assert!(path.is_absolute(), "{path}");
    assert_eq!(f.read(&path).await, b"x");
    assert!(
        f.client
            .canonicalize(&RemotePath::home())
            .await
            .unwrap()
            .is_absolute()
    );
}

/// A keepalive does nothing that shows.
pub async fn a_session_stays_alive(f: &Fixture) {
    f.client.keepalive().await.unwrap();
    assert!(f.client.is_connected());
    f.client.stat(&f.folder).await.unwrap();
}

/// After the end of the session every operation says that it is lost; a second end is fine.
pub async fn after_the_end_all_is_lost(f: &Fixture) {
    let client = &f.client;
    f.write(&f.path("f"), b"x").await;
    client.disconnect().await.unwrap();
    client.disconnect().await.unwrap();
    assert!(!client.is_connected());
    assert_eq!(kind(client.stat(&f.path("f")).await), ErrorKind::Lost);
    assert_eq!(kind(client.list(&f.folder).await), ErrorKind::Lost);
    assert_eq!(
        kind(client.open(&f.path("f"), OpenOptions::default()).await),
        ErrorKind::Lost
    );
    assert_eq!(kind(client.make_dir(&f.path("d")).await), ErrorKind::Lost);
    assert_eq!(kind(client.keepalive().await), ErrorKind::Lost);
    let sink = Arc::new(BytesSink::default());
    assert_eq!(
        kind(client.fetch(&f.path("f"), sink.request(0, None)).await),
        ErrorKind::Lost
    );
}
