//! Files that several sessions share.

use std::{fs, sync::Arc, time::Duration};

use courier_transfer::{
    Client, ErrorKind, Fetch, Parts,
    layers::{Lanes, Parallel},
    memory::{Event, Memory},
    ops::{DownloadOptions, UploadOptions, download, upload},
    testkit::BytesSink,
};

use crate::{
    line::Line,
    support::{Setup, bytes, eventually, path},
};

const MB: usize = 1024 * 1024;
/// Enough to be shared by several.
const SIZE: usize = 12 * MB;

fn atomic() -> UploadOptions {
    UploadOptions {
        atomic: true,
        ..UploadOptions::default()
    }
}

#[test]
fn files_are_shared_where_it_is_of_use() {
    let memory = Memory::default();
    let with = |lanes| Parallel::new(memory.connect(), Line::new(&memory), lanes);
    let big = 64 * MB as u64;
    assert_eq!(with(Lanes::Exactly(4)).lanes(8 * MB as u64), 4);
    assert_eq!(with(Lanes::Exactly(4)).lanes(8 * MB as u64 - 1), 1);
    let automatic = Lanes::Automatic { most: 3 };
    assert_eq!(with(automatic).lanes(big), 1, "nobody knows how long the path is");
    memory.set_round_trip(Duration::from_millis(9));
    assert_eq!(with(automatic).lanes(big), 1);
    memory.set_round_trip(Duration::from_millis(10));
    assert_eq!(with(automatic).lanes(big), 3);
    assert_eq!(with(automatic).lanes(big - 1), 1);
    memory.set_capabilities(|c| c.parts = false);
    assert_eq!(with(Lanes::Exactly(4)).lanes(big), 1);
}

#[tokio::test]
async fn several_sessions_move_one_file_and_go_back() {
    let s = Setup::new();
    let line = Line::new(&s.memory);
    let client = line.parallel(3);
    let whole = bytes(SIZE, 1);
    fs::write(s.local("f"), &whole).unwrap();
    let sent = upload(&client, &s.local("f"), &path("f"), &atomic(), &s.context())
        .await
        .unwrap();
    assert!(s.memory.content(&path("f")).unwrap() == whole);
    assert_eq!((sent.bytes, line.lent(), line.released()), (SIZE as u64, 2, 2));
    s.memory.operations();
    let options = DownloadOptions::default();
    let got = download(&client, &path("f"), &s.local("g"), &options, &s.context())
        .await
        .unwrap();
    assert!(fs::read(s.local("g")).unwrap() == whole);
    let opened = s.memory.operations().iter().filter(|o| **o == "open").count();
    assert_eq!((got.bytes, opened, line.released()), (SIZE as u64, 3, 4));
    assert_eq!(s.partials.len(), 0);
}

#[tokio::test]
async fn where_there_may_be_no_more_sessions_one_does_it() {
    let s = Setup::new();
    let line = Line::with_beside(&s.memory, 0);
    s.memory.put(&path("f"), bytes(SIZE, 1));
    let options = DownloadOptions::default();
    download(
        &line.parallel(3),
        &path("f"),
        &s.local("f"),
        &options,
        &s.context(),
    )
    .await
    .unwrap();
    assert!(fs::read(s.local("f")).unwrap() == bytes(SIZE, 1));
}

#[tokio::test]
async fn the_others_go_on_where_one_dies() {
    // The first session, or one beside it.
    for dies in [0, 1] {
        for up in [true, false] {
            let s = Setup::new();
            let line = Line::new(&s.memory);
            let whole = bytes(SIZE, 1);
            let first = s.memory.connect();
            let client: Arc<dyn Client> =
                Arc::new(Parallel::new(first.clone(), line.clone(), Lanes::Exactly(3)));
            let lent = line.clone();
            s.memory.at_byte(
                6 * MB as u64,
                Event::Call(Box::new(move |_: &Memory| match dies {
                    0 => first.lose(),
                    _ => lent.lent.lock().unwrap()[0].lose(),
                })),
            );
            if up {
                fs::write(s.local("f"), &whole).unwrap();
                // The session of the file is not reconnected here: what comes after the bytes fails with it.
                let sent = upload(&client, &s.local("f"), &path("f"), &atomic(), &s.context()).await;
                assert_eq!(sent.is_ok(), dies != 0);
                let name = if dies == 0 { "f.tmp" } else { "f" };
                assert!(s.memory.content(&path(name)).unwrap() == whole);
            } else {
                s.memory.put(&path("f"), whole.clone());
                let sink = Arc::new(BytesSink::default());
                let request = Fetch {
                    parts: Some(Parts::new(0, SIZE as u64)),
                    ..sink.request(0, None)
                };
                let reached = client.fetch(&path("f"), request).await.unwrap();
                assert_eq!((reached, sink.reached()), (SIZE as u64, SIZE as u64));
                assert!(sink.bytes() == whole);
            }
            eventually(|| line.released() == 2).await;
        }
    }
}

#[tokio::test]
async fn when_all_die_the_transfer_comes_back_with_all() {
    for up in [true, false] {
        let s = Setup::new();
        let line = Line::new(&s.memory);
        // What is left is enough to be shared again.
        let whole = bytes(2 * SIZE, 1);
        let client = line.parallel(3);
        for _ in 0..3 {
            s.memory.at_byte(6 * MB as u64, Event::Lose);
        }
        if up {
            fs::write(s.local("f"), &whole).unwrap();
            upload(&client, &s.local("f"), &path("f"), &atomic(), &s.context())
                .await
                .unwrap();
            assert!(s.memory.content(&path("f")).unwrap() == whole);
        } else {
            s.memory.put(&path("f"), whole.clone());
            let options = DownloadOptions::default();
            download(&client, &path("f"), &s.local("f"), &options, &s.context())
                .await
                .unwrap();
            assert!(fs::read(s.local("f")).unwrap() == whole);
        }
        assert_eq!((line.connects(), line.lent(), line.released()), (1, 4, 4));
    }
}

#[tokio::test]
async fn a_lane_leaves_when_its_session_is_wanted() {
    let s = Setup::new();
    let line = Line::new(&s.memory);
    let whole = bytes(SIZE, 1);
    s.memory.put(&path("f"), whole.clone());
    let waiting = line.clone();
    s.memory.at_byte(
        3 * MB as u64,
        Event::Call(Box::new(move |_: &Memory| waiting.somebody_waits.notify_one())),
    );
    let seen = line.clone();
    s.memory.at_byte(
        9 * MB as u64,
        Event::Call(Box::new(move |_: &Memory| {
            assert_eq!(seen.released(), 1, "one is free before the end, and only one");
        })),
    );
    let options = DownloadOptions::default();
    download(
        &line.parallel(3),
        &path("f"),
        &s.local("f"),
        &options,
        &s.context(),
    )
    .await
    .unwrap();
    assert!(fs::read(s.local("f")).unwrap() == whole);
    assert_eq!(line.released(), 2);
}

#[tokio::test]
async fn a_full_disk_ends_all_lanes_with_that_error() {
    let s = Setup::new();
    let line = Line::new(&s.memory);
    s.memory.put(&path("f"), bytes(SIZE, 1));
    let sink = Arc::new(BytesSink::full_at(5 * MB as u64));
    let request = Fetch {
        parts: Some(Parts::new(0, SIZE as u64)),
        ..sink.request(0, None)
    };
    let error = line.parallel(3).fetch(&path("f"), request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full);
    eventually(|| line.released() == line.lent()).await;
}

#[tokio::test]
async fn a_refused_file_is_told_at_once() {
    let s = Setup::new();
    let line = Line::new(&s.memory);
    s.memory.put(&path("f"), bytes(SIZE, 1));
    s.memory.refuse("open", ErrorKind::Denied);
    let options = DownloadOptions::default();
    let error = download(
        &line.parallel(3),
        &path("f"),
        &s.local("f"),
        &options,
        &s.context(),
    )
    .await
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!((s.names(), s.partials.len()), (vec![], 0));
}

/// What a process leaves that is killed while several sessions write: its identity is noted as scattered.
async fn note_scattered(s: &Setup, key: &str, source: &str, size: usize, modified: jiff::Timestamp) {
    use courier_transfer::ops::{Identity, Partials};
    let identity = Identity {
        source: source.into(),
        size: Some(size as u64),
        modified: Some(modified),
        scattered: true,
    };
    s.partials.save(key, &identity).await.unwrap();
}

#[tokio::test]
async fn the_holes_of_a_killed_download_are_filled() {
    let s = Setup::new();
    let ahead = Parts::AHEAD as usize;
    let whole = bytes(ahead + 4 * MB, 1);
    let modified = "2026-01-01T00:00:00Z".parse().unwrap();
    s.memory.put_modified(&path("f"), whole.clone(), modified);
    let mut partial = whole[..ahead + 2 * MB].to_vec();
    partial[3 * MB..4 * MB].fill(0);
    fs::write(s.local("f.part"), partial).unwrap();
    let key = format!("local:{}", s.local("f").display());
    note_scattered(&s, &key, "f", whole.len(), modified).await;
    let options = DownloadOptions::default();
    let got = download(&s.client, &path("f"), &s.local("f"), &options, &s.context())
        .await
        .unwrap();
    assert_eq!(got.resumed_from, Some(2 * MB as u64));
    assert!(fs::read(s.local("f")).unwrap() == whole);
}

/// A record that was lost, or is older than the holes: the file system tells of them.
#[tokio::test]
async fn holes_that_nobody_noted_are_found() {
    use std::os::unix::fs::FileExt;
    for size in [12 * MB, Parts::AHEAD as usize + 4 * MB] {
        let s = Setup::new();
        let whole = bytes(size, 1);
        let modified = "2026-01-01T00:00:00Z".parse().unwrap();
        s.memory.put_modified(&path("f"), whole.clone(), modified);
        let part = fs::File::create(s.local("f.part")).unwrap();
        // The hole begins in the middle of a block of the file system.
        part.write_all_at(&whole[..4 * MB + 1000], 0).unwrap();
        part.write_all_at(&whole[8 * MB..10 * MB], 8 * MB as u64).unwrap();
        let options = DownloadOptions::default();
        download(&s.client, &path("f"), &s.local("f"), &options, &s.context())
            .await
            .unwrap();
        assert!(fs::read(s.local("f")).unwrap() == whole, "{size}");
    }
}

#[tokio::test]
async fn the_holes_of_a_killed_upload_are_filled_also_over_another_cut() {
    for lanes in [1, 3] {
        let s = Setup::new();
        let line = Line::new(&s.memory);
        let ahead = Parts::AHEAD as usize;
        let whole = bytes(ahead + 4 * MB, 1);
        fs::write(s.local("f"), &whole).unwrap();
        let modified = fs::metadata(s.local("f")).unwrap().modified().unwrap();
        let mut partial = whole[..ahead + 2 * MB].to_vec();
        partial[10 * MB..20 * MB].fill(0);
        s.memory.put(&path("f.tmp"), partial);
        let source = s.local("f").display().to_string();
        note_scattered(
            &s,
            "remote:f.tmp",
            &source,
            whole.len(),
            modified.try_into().unwrap(),
        )
        .await;
        for _ in 0..lanes {
            s.memory.at_byte(5 * MB as u64, Event::Lose);
        }
        let sent = upload(
            &line.parallel(lanes),
            &s.local("f"),
            &path("f"),
            &atomic(),
            &s.context(),
        )
        .await
        .unwrap();
        assert_eq!(sent.resumed_from, Some(2 * MB as u64));
        assert!(s.memory.content(&path("f")).unwrap() == whole);
    }
}

#[tokio::test]
async fn an_interrupted_shared_download_leaves_no_holes() {
    let s = Setup::new();
    let line = Line::new(&s.memory);
    let whole = bytes(SIZE, 1);
    s.memory.put(&path("f"), whole.clone());
    for _ in 0..3 {
        s.memory.at_byte(6 * MB as u64, Event::Lose);
    }
    line.refusals.lock().unwrap().push_back(ErrorKind::Auth);
    let options = DownloadOptions::default();
    download(
        &line.parallel(3),
        &path("f"),
        &s.local("f"),
        &options,
        &s.context(),
    )
    .await
    .unwrap_err();
    let partial = fs::read(s.local("f.part")).unwrap();
    assert!(!partial.is_empty() && partial[..] == whole[..partial.len()]);
    let identities = s.partials.0.lock().unwrap().clone();
    assert!(identities.values().all(|identity| !identity.scattered));
}
