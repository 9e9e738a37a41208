//! Downloads, and what goes wrong in them.

use std::{
    fs,
    os::unix::fs::symlink,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use courier_transfer::{
    ErrorKind, Retry,
    memory::{Event, Memory},
    ops::{Context, DownloadOptions, FinalName, OnExisting, Outcome, Verified, download},
};

use crate::support::{Setup, bytes, path};

const MB: usize = 1_000_000;

fn options() -> DownloadOptions {
    DownloadOptions::default()
}

#[tokio::test]
async fn a_broken_session_leaves_a_partial_that_the_next_one_continues() {
    let mut s = Setup::new();
    let whole = bytes(3 * MB, 1);
    s.memory.put(&path("f"), whole.clone());
    s.memory.at_byte(MB as u64, Event::Lose);
    let target = s.local("f");
    let lost = download(&s.client, &path("f"), &target, &options(), &s.context())
        .await
        .unwrap_err();
    assert_eq!(
        (lost.kind(), lost.operation()),
        (ErrorKind::Lost, Some("download"))
    );
    assert_eq!((s.names(), s.partials.len()), (vec!["f.part".to_owned()], 1));

    s.reconnect();
    let done = download(&s.client, &path("f"), &target, &options(), &s.context())
        .await
        .unwrap();
    let at = done.resumed_from.unwrap();
    assert!(at > 900_000 && at + done.bytes == 3 * MB as u64);
    assert_eq!((done.outcome, done.verified), (Outcome::Done, Verified::Size));
    assert!(fs::read(&target).unwrap() == whole);
    assert_eq!((s.names(), s.partials.len()), (vec!["f".to_owned()], 0));
}

#[tokio::test]
async fn a_partial_of_another_version_is_never_continued() {
    let mut s = Setup::new();
    s.memory.put_modified(
        &path("f"),
        bytes(2 * MB, 1),
        "2026-01-01T00:00:00Z".parse().unwrap(),
    );
    s.memory.at_byte(MB as u64, Event::Lose);
    download(&s.client, &path("f"), &s.local("f"), &options(), &s.context())
        .await
        .unwrap_err();
    s.reconnect();
    // Same size, other time: also the partial is newer than the source, but its identity is known to differ.
    let second = bytes(2 * MB, 2);
    s.memory.put_modified(
        &path("f"),
        second.clone(),
        "2026-01-01T00:00:01Z".parse().unwrap(),
    );
    let done = download(&s.client, &path("f"), &s.local("f"), &options(), &s.context())
        .await
        .unwrap();
    assert_eq!(done.resumed_from, None);
    assert!(fs::read(s.local("f")).unwrap() == second);
}

#[tokio::test]
async fn a_partial_without_identity_is_judged_by_size_and_time() {
    let old = "2020-01-01T00:00:00Z".parse().unwrap();
    for (len, modified, resumed) in [
        (500_000, None, Some(500_000)),
        (MB, None, Some(MB as u64)),
        (MB + 1, None, None),
        (500_000, Some(Duration::from_secs(60)), None),
    ] {
        let s = Setup::new();
        let whole = bytes(MB, 1);
        s.memory.put_modified(&path("f"), whole.clone(), old);
        let mut partial = whole.clone();
        partial.resize(len, 0);
        fs::write(s.local("f.part"), partial).unwrap();
        if let Some(before) = modified {
            let file = fs::File::options().write(true).open(s.local("f.part")).unwrap();
            file.set_modified(std::time::SystemTime::from(old) - before)
                .unwrap();
        }
        let done = download(
            &s.client,
            &path("f"),
            &s.local("f"),
            &options(),
            &Context::default(),
        )
        .await
        .unwrap();
        assert_eq!(done.resumed_from, resumed, "{len} bytes");
        assert!(fs::read(s.local("f")).unwrap() == whole);
    }
}

#[tokio::test]
async fn a_partial_of_which_nothing_is_noted_is_looked_at() {
    for at in [10, 500_000 - 10] {
        let s = Setup::new();
        let whole = bytes(MB, 1);
        s.memory
            .put_modified(&path("f"), whole.clone(), "2020-01-01T00:00:00Z".parse().unwrap());
        let mut partial = whole[..500_000].to_vec();
        partial[at] ^= 1;
        fs::write(s.local("f.part"), partial).unwrap();
        let done = download(&s.client, &path("f"), &s.local("f"), &options(), &s.context())
            .await
            .unwrap();
        assert_eq!(done.resumed_from, None);
        assert!(fs::read(s.local("f")).unwrap() == whole);
    }
}

#[tokio::test]
async fn without_resume_nothing_is_continued_and_nothing_stays() {
    let s = Setup::new();
    let options = DownloadOptions {
        resume: false,
        ..options()
    };
    s.memory.put(&path("f"), bytes(MB, 1));
    fs::write(s.local("f.part"), bytes(1000, 9)).unwrap();
    s.memory.at_byte(500_000, Event::Fail(ErrorKind::Failed));
    let error = download(&s.client, &path("f"), &s.local("f"), &options, &s.context())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), s.names(), s.partials.len()),
        (ErrorKind::Failed, vec![], 0)
    );
    fs::write(s.local("f.part"), bytes(1000, 9)).unwrap();
    download(&s.client, &path("f"), &s.local("f"), &options, &s.context())
        .await
        .unwrap();
    assert!(fs::read(s.local("f")).unwrap() == bytes(MB, 1));
}

/// A process may be killed in the middle: then its partial stays behind, and a later resume must know whose it is.
#[tokio::test]
async fn without_resume_a_partial_is_still_known_by_its_source() {
    let s = Setup::new();
    let options = DownloadOptions {
        resume: false,
        ..options()
    };
    s.memory.put(&path("f"), bytes(MB, 1));
    let (partials, known) = (s.partials.clone(), Arc::new(AtomicUsize::new(0)));
    let seen = known.clone();
    let look = move |_: &Memory| seen.store(partials.len(), Ordering::Relaxed);
    s.memory.at_byte(500_000, Event::Call(Box::new(look)));
    download(&s.client, &path("f"), &s.local("f"), &options, &s.context())
        .await
        .unwrap();
    assert_eq!((known.load(Ordering::Relaxed), s.partials.len()), (1, 0));
}

#[tokio::test]
async fn a_source_that_changes_meanwhile_is_an_integrity_error() {
    for change in [bytes(MB, 2), bytes(MB + 5, 1), bytes(MB / 2, 1)] {
        let s = Setup::new();
        s.memory
            .put_modified(&path("f"), bytes(MB, 1), "2026-01-01T00:00:00Z".parse().unwrap());
        let happening = Box::new(move |m: &courier_transfer::memory::Memory| m.put(&path("f"), change));
        s.memory.at_byte(300_000, Event::Call(happening));
        let error = download(&s.client, &path("f"), &s.local("f"), &options(), &s.context())
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.retry()),
            (ErrorKind::Integrity, Retry::Later)
        );
        assert_eq!((s.names(), s.partials.len()), (vec![], 0));
    }
}

#[tokio::test]
async fn a_listing_that_is_out_of_date_is_noticed_for_small_files() {
    let s = Setup::new();
    s.memory.put(&path("f"), "0123456789");
    let entry = s.client.stat(&path("f")).await.unwrap();
    s.memory.put(&path("f"), "01234");
    let context = Context {
        entry: Some(entry),
        ..Context::default()
    };
    let error = download(&s.client, &path("f"), &s.local("f"), &options(), &context)
        .await
        .unwrap_err();
    assert_eq!((error.kind(), s.names()), (ErrorKind::Integrity, vec![]));
}

#[tokio::test]
async fn a_small_file_known_from_a_listing_costs_one_round_trip() {
    let s = Setup::new();
    s.memory.put(&path("f"), "small");
    let entry = s.client.stat(&path("f")).await.unwrap();
    s.memory.operations();
    let context = Context {
        entry: Some(entry),
        ..s.context()
    };
    download(&s.client, &path("f"), &s.local("f"), &options(), &context)
        .await
        .unwrap();
    assert_eq!(s.memory.operations(), ["open"]);
}

#[tokio::test]
async fn a_dropped_download_keeps_its_partial_only_for_a_resume() {
    for resume in [true, false] {
        let s = Setup::new();
        s.memory.put(&path("f"), bytes(MB, 1));
        s.memory.at_byte(500_000, Event::Hang);
        let options = DownloadOptions { resume, ..options() };
        let (target, context) = (s.local("f"), s.context());
        let remote = path("f");
        let hanging = download(&s.client, &remote, &target, &options, &context);
        tokio::time::timeout(Duration::from_millis(300), hanging)
            .await
            .unwrap_err();
        assert_eq!(s.names().len(), usize::from(resume));
        assert!(!target.exists());
    }
}

#[tokio::test]
async fn existing_files_are_replaced_skipped_refused_or_kept_beside() {
    let s = Setup::new();
    s.memory.put(&path("f.txt"), "new");
    let get = async |on_existing| {
        let options = DownloadOptions {
            on_existing,
            ..options()
        };
        download(
            &s.client,
            &path("f.txt"),
            &s.local("f.txt"),
            &options,
            &s.context(),
        )
        .await
    };
    fs::write(s.local("f.txt"), "old").unwrap();
    assert_eq!(
        get(OnExisting::Fail).await.unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
    let skipped = get(OnExisting::Skip).await.unwrap();
    assert_eq!((skipped.outcome, skipped.bytes), (Outcome::Skipped, 0));
    assert_eq!(fs::read(s.local("f.txt")).unwrap(), b"old");
    for name in ["f (1).txt", "f (2).txt"] {
        let renamed = get(OnExisting::Rename).await.unwrap();
        assert_eq!(renamed.target, FinalName::Local(s.local(name)));
    }
    assert_eq!(s.names(), ["f (1).txt", "f (2).txt", "f.txt"]);
    get(OnExisting::Replace).await.unwrap();
    assert_eq!(fs::read(s.local("f.txt")).unwrap(), b"new");
}

#[tokio::test]
async fn links_in_the_target_folder_are_never_written_through() {
    let s = Setup::new();
    s.memory.put(&path("f"), bytes(MB, 1));
    fs::write(s.local("victim"), "precious").unwrap();
    symlink(s.local("victim"), s.local("f")).unwrap();
    download(&s.client, &path("f"), &s.local("f"), &options(), &s.context())
        .await
        .unwrap();
    assert!(
        fs::symlink_metadata(s.local("f")).unwrap().is_file(),
        "the link is replaced"
    );

    symlink(s.local("victim"), s.local("g.part")).unwrap();
    let error = download(&s.client, &path("f"), &s.local("g"), &options(), &s.context())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Local);
    assert_eq!(fs::read(s.local("victim")).unwrap(), b"precious");
}

#[tokio::test]
async fn folders_devices_and_missing_folders_are_clear_errors() {
    let s = Setup::new();
    s.memory.put(&path("f"), "x");
    let get = async |target: std::path::PathBuf, create_parents| {
        let options = DownloadOptions {
            create_parents,
            ..options()
        };
        download(&s.client, &path("f"), &target, &options, &s.context()).await
    };
    fs::create_dir(s.local("d")).unwrap();
    assert_eq!(
        get(s.local("d"), false).await.unwrap_err().kind(),
        ErrorKind::WrongKind
    );
    assert_eq!(
        get("/dev/null".into(), false).await.unwrap_err().kind(),
        ErrorKind::WrongKind
    );
    assert_eq!(
        get(s.local("a/b/f"), false).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    get(s.local("a/b/f"), true).await.unwrap();
    assert_eq!(fs::read(s.local("a/b/f")).unwrap(), b"x");
    let of_folder = download(&s.client, &path("/home"), &s.local("h"), &options(), &s.context()).await;
    assert_eq!(of_folder.unwrap_err().kind(), ErrorKind::WrongKind);
    let missing = download(&s.client, &path("none"), &s.local("n"), &options(), &s.context()).await;
    assert_eq!(missing.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(s.names(), ["a", "d"]);
}

#[tokio::test]
async fn a_server_that_tells_no_sizes_still_gives_its_files() {
    let s = Setup::new();
    s.memory.put(&path("f"), bytes(MB, 1));
    s.memory.refuse("stat", ErrorKind::Unsupported);
    let done = download(&s.client, &path("f"), &s.local("f"), &options(), &s.context())
        .await
        .unwrap();
    assert_eq!((done.size, done.verified), (MB as u64, Verified::Nothing));
}

#[tokio::test]
async fn times_and_permissions_come_along_when_asked_for() {
    use std::os::unix::fs::PermissionsExt;
    let s = Setup::new();
    let time: jiff::Timestamp = "2001-02-03T04:05:06Z".parse().unwrap();
    s.memory.put_modified(&path("f"), "x", time);
    s.client.set_permissions(&path("f"), 0o4711).await.unwrap();
    let options = DownloadOptions {
        preserve_times: true,
        preserve_permissions: true,
        durable: true,
        ..options()
    };
    download(&s.client, &path("f"), &s.local("f"), &options, &s.context())
        .await
        .unwrap();
    let meta = fs::metadata(s.local("f")).unwrap();
    assert_eq!(meta.modified().unwrap(), std::time::SystemTime::from(time));
    assert_eq!(meta.permissions().mode() & 0o7777, 0o711, "never a set-uid bit");
}

#[tokio::test]
async fn two_downloads_of_one_name_never_share_a_partial() {
    let s = Setup::new();
    let (a, b) = (bytes(2 * MB, 1), bytes(2 * MB, 2));
    s.memory.put(&path("a"), a.clone());
    s.memory.put(&path("b"), b.clone());
    s.memory.slow(Duration::from_millis(1));
    let (target, options, context) = (s.local("f"), options(), s.context());
    let (from_a, from_b) = (path("a"), path("b"));
    let (one, two) = tokio::join!(
        download(&s.client, &from_a, &target, &options, &context),
        download(&s.client, &from_b, &target, &options, &context),
    );
    assert!(one.is_ok() || two.is_ok());
    let got = fs::read(&target).unwrap();
    assert!(got == a || got == b, "one of them, whole");
}
