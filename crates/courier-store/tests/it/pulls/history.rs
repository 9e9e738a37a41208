//! Looking at what was pulled.

use std::time::Duration;

use courier_store::{
    Error, PageRequest, Store, new_id, now,
    pulls::{Entry, HistoryFilter, Modified, NewPull},
};

use super::{audit, begin, file, history, modified, pull, puller};
use crate::{connections, database::Database, executions::life, on_both};

on_both!(
    it_has_all_of_a_file,
    it_is_read_page_by_page_and_filtered,
    what_is_only_begun_is_not_in_it,
    it_counts_what_was_pulled_from_connections_that_are_there,
);

async fn it_has_all_of_a_file(db: Database) {
    let life = life(&db, "n").await;
    let connection = new_id();
    let puller = puller(&db, &life, connection, new_id()).await;
    let long = NewPull {
        path: [b"/\xff".as_slice(), &[b'x'; 4000]].concat(),
        ..file("/odd", u64::from(u32::MAX) * 9, Modified::UNKNOWN)
    };
    let before = now();
    pull(
        &db,
        puller,
        &[long.clone(), file("/a", 0, modified(-9_000_000_000))],
    )
    .await;
    let entry = db.pulls().get(long.id).await.unwrap();
    let (begun_at, pulled_at) = (entry.begun_at, entry.pulled_at);
    assert!(before < begun_at && begun_at < pulled_at && pulled_at < now());
    let expected = Entry {
        id: long.id,
        connection_id: connection,
        mapping_id: puller.mapping,
        execution_id: puller.claim.execution,
        path: long.path,
        size: long.size,
        modified: Modified::UNKNOWN,
        sha256: [7; 32],
        storage_id: long.storage_id,
        destination: long.destination,
        key: long.key,
        begun_at,
        pulled_at,
        after: courier_store::pulls::AfterState::None,
        after_detail: None,
        replay_of: None,
    };
    assert_eq!(entry, expected);
    let all = history(&db, connection).await;
    assert_eq!(all[1], expected);
    assert_eq!((all[0].size, all[0].modified), (0, modified(-9_000_000_000)));
}

async fn listed(store: &Store, connection: uuid::Uuid, filter: HistoryFilter) -> Vec<String> {
    let entries = crate::database::walk(2, async |page| {
        store.pulls().list(connection, &filter, &page).await
    });
    let entries = entries.await.into_iter();
    entries
        .map(|entry| String::from_utf8_lossy(&entry.path).into_owned())
        .collect()
}

async fn it_is_read_page_by_page_and_filtered(db: Database) {
    let life = life(&db, "n").await;
    let connection = new_id();
    let first = puller(&db, &life, connection, new_id()).await;
    let second = puller(&db, &life, connection, new_id()).await;
    let names = [
        "/in/a.csv",
        "/in/b.csv",
        "/in/B.csv",
        "/in%/c.csv",
        "/inn/\u{e4}.csv",
    ];
    let files = names.map(|name| file(name, 1, modified(0)));
    pull(&db, first, &files[..3]).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    let between = now();
    pull(&db, second, &files[3..]).await;
    pull(
        &db,
        puller(&db, &life, new_id(), new_id()).await,
        &files[..1]
            .iter()
            .map(|f| NewPull {
                id: new_id(),
                ..f.clone()
            })
            .collect::<Vec<_>>(),
    )
    .await;
    let none = HistoryFilter::default;
    let some = |expected: &[usize]| {
        expected
            .iter()
            .map(|at| names[*at].to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(&db, connection, none()).await, some(&[4, 3, 2, 1, 0]));
    let of = |path: &[u8]| HistoryFilter {
        path: Some(path.into()),
        ..none()
    };
    assert_eq!(listed(&db, connection, of(b"b.csv")).await, some(&[1]));
    assert_eq!(listed(&db, connection, of(b"in%")).await, some(&[3]));
    assert_eq!(listed(&db, connection, of(b"\xc3")).await, some(&[4]));
    let below = |path: &[u8]| HistoryFilter {
        prefix: Some(path.into()),
        ..none()
    };
    assert_eq!(
        listed(&db, connection, below(b"/in")).await,
        some(&[4, 3, 2, 1, 0])
    );
    assert_eq!(listed(&db, connection, below(b"/in/")).await, some(&[2, 1, 0]));
    assert_eq!(listed(&db, connection, below(b"in")).await, some(&[]));
    assert_eq!(listed(&db, connection, below(b"\xff\xff")).await, some(&[]));
    let mapping = HistoryFilter {
        mapping_id: Some(first.mapping),
        ..none()
    };
    assert_eq!(listed(&db, connection, mapping).await, some(&[2, 1, 0]));
    let execution = HistoryFilter {
        execution_id: Some(second.claim.execution),
        ..none()
    };
    assert_eq!(listed(&db, connection, execution).await, some(&[4, 3]));
    let since = HistoryFilter {
        since: Some(between),
        ..none()
    };
    assert_eq!(listed(&db, connection, since).await, some(&[4, 3]));
    let until = HistoryFilter {
        until: Some(between),
        path: Some(b"csv".into()),
        ..none()
    };
    assert_eq!(listed(&db, connection, until).await, some(&[2, 1, 0]));
    let bytes = |sha256| HistoryFilter {
        sha256: Some(sha256),
        ..none()
    };
    assert_eq!(listed(&db, connection, bytes([7; 32])).await.len(), 5);
    assert_eq!(listed(&db, connection, bytes([8; 32])).await.len(), 0);
    for cursor in ["", "x", "1-", "-1", "zz-0", "0189f7c1"] {
        let page = PageRequest {
            limit: 1,
            cursor: Some(cursor.into()),
        };
        let page = db.pulls().list(connection, &none(), &page).await;
        assert!(matches!(page, Err(Error::BadCursor)), "{cursor}");
    }
}

async fn what_is_only_begun_is_not_in_it(db: Database) {
    let life = life(&db, "n").await;
    let connection = new_id();
    let puller = puller(&db, &life, connection, new_id()).await;
    let begun = file("/a", 1, modified(0));
    let group = begin(std::slice::from_ref(&begun));
    db.pulls().commit(puller, &group, audit).await.unwrap();
    assert!(history(&db, connection).await.is_empty());
    for id in [begun.id, new_id()] {
        let entry = db.pulls().get(id).await;
        assert!(matches!(entry, Err(Error::NotFound { .. })), "{entry:?}");
    }
}

async fn it_counts_what_was_pulled_from_connections_that_are_there(db: Database) {
    let life = life(&db, "n").await;
    let before = now();
    let connection = connections::some(&db, "partner").await.id;
    let files = [file("/a", 1000, modified(0)), file("/b", 24, modified(0))];
    pull(&db, puller(&db, &life, connection, new_id()).await, &files).await;
    let gone = [file("/a", 5, modified(0))];
    pull(&db, puller(&db, &life, new_id(), new_id()).await, &gone).await;
    let volume = db.pulls().volume(before).await.unwrap();
    assert_eq!((volume.files, volume.bytes), (2, 1024));
    let volume = db.pulls().volume(now()).await.unwrap();
    assert_eq!((volume.files, volume.bytes), (0, 0));
}
