//! Sessions that break and come back, and transfers that go on over them.

use std::{
    fs,
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use courier_transfer::{
    Client, Error, ErrorKind, Listed, Progress,
    layers::{Reconnecting, Timeouts},
    memory::{Carried, Event, Memory},
    ops::{Context, DownloadOptions, OnExisting, Outcome, UploadOptions, download, upload},
};
use futures::StreamExt;

use crate::{
    line::Line,
    support::{Setup, bytes, path},
};

const MB: usize = 1_000_000;
/// What the server in memory moves at once: what is on its way down when a session breaks.
const IN_FLIGHT: u64 = 32 * 1024;
/// What is sent to it without an answer.
const UNANSWERED: u64 = 256 * 1024;

fn atomic() -> UploadOptions {
    UploadOptions {
        atomic: true,
        ..UploadOptions::default()
    }
}

/// Breaks whatever session has moved these bytes.
fn cut_at(memory: &Memory, cuts: impl IntoIterator<Item = usize>) {
    for cut in cuts {
        memory.at_byte(cut as u64, Event::Lose);
    }
}

#[tokio::test]
async fn a_download_survives_ten_cuts_and_nothing_comes_twice() {
    let s = Setup::new();
    let line = Line::new(&s.memory);
    let whole = bytes(12 * MB, 1);
    s.memory.put(&path("f"), whole.clone());
    cut_at(&s.memory, (1..=10).map(|i| i * MB));
    // Two in a row without progress are as many as may be.
    let client = line.reconnecting(2);
    let options = DownloadOptions::default();
    let done = download(&client, &path("f"), &s.local("f"), &options, &s.context())
        .await
        .unwrap();
    assert!(fs::read(s.local("f")).unwrap() == whole);
    assert_eq!(
        (done.bytes, done.resumed_from, line.connects()),
        (12 * MB as u64, None, 10)
    );
    assert!(s.memory.moved() <= 12 * MB as u64 + 10 * IN_FLIGHT);
    assert_eq!((s.names(), s.partials.len()), (vec!["f".to_owned()], 0));
}

#[tokio::test]
async fn an_upload_survives_ten_cuts_and_nothing_is_sent_twice() {
    for options in [
        atomic(),
        UploadOptions::default(),
        UploadOptions {
            on_existing: OnExisting::Fail,
            ..UploadOptions::default()
        },
    ] {
        let s = Setup::new();
        let line = Line::new(&s.memory);
        let whole = bytes(12 * MB, 1);
        fs::write(s.local("f"), &whole).unwrap();
        cut_at(&s.memory, (1..=10).map(|i| i * MB));
        let client = line.reconnecting(2);
        let done = upload(&client, &s.local("f"), &path("f"), &options, &s.context())
            .await
            .unwrap();
        assert!(s.memory.content(&path("f")).unwrap() == whole);
        assert_eq!((done.outcome, line.connects()), (Outcome::Done, 10));
        assert_eq!(done.bytes, 12 * MB as u64);
        assert!(s.memory.moved() <= 12 * MB as u64 + 10 * UNANSWERED);
        assert_eq!((s.memory.paths().len(), s.partials.len()), (3, 0));
    }
}

fn from_the_start() -> DownloadOptions {
    DownloadOptions {
        resume: false,
        go_on: false,
        ..DownloadOptions::default()
    }
}

#[tokio::test]
async fn what_may_not_go_on_starts_over() {
    for go_on in [false, true] {
        let s = Setup::new();
        let line = Line::new(&s.memory);
        let whole = bytes(3 * MB, 1);
        s.memory.put(&path("f"), whole.clone());
        fs::write(s.local("up"), &whole).unwrap();
        let client = line.reconnecting(2);
        s.memory.at_byte(MB as u64, Event::Lose);
        let options = DownloadOptions {
            go_on,
            ..from_the_start()
        };
        let done = download(&client, &path("f"), &s.local("f"), &options, &s.context())
            .await
            .unwrap();
        assert_eq!(done.bytes > 3 * MB as u64, !go_on);
        assert!(fs::read(s.local("f")).unwrap() == whole);

        s.memory.at_byte(MB as u64, Event::Lose);
        let options = UploadOptions {
            resume: false,
            go_on,
            on_existing: OnExisting::Fail,
            ..UploadOptions::default()
        };
        let done = upload(&client, &s.local("up"), &path("up"), &options, &s.context())
            .await
            .unwrap();
        assert_eq!(done.bytes > 3 * MB as u64, !go_on);
        assert!(s.memory.content(&path("up")).unwrap() == whole);
        assert_eq!(s.partials.len(), 0);
    }
}

#[tokio::test]
async fn bytes_that_come_again_are_nothing_new() {
    let s = Setup::new();
    let line = Line::new(&s.memory);
    s.memory.put(&path("f"), bytes(3 * MB, 1));
    // A line that never carries more than it did before.
    for cut in 0..4 {
        s.memory.at_byte((MB + cut * (MB / 2)) as u64, Event::Lose);
    }
    let client = line.reconnecting(2);
    let error = download(
        &client,
        &path("f"),
        &s.local("f"),
        &from_the_start(),
        &s.context(),
    )
    .await
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lost);
    assert!(
        error
            .to_string()
            .contains("2 reconnects in a row brought nothing new"),
        "{error}"
    );
    assert!(!client.is_connected());
}

#[tokio::test]
async fn reconnects_are_counted_in_a_row_and_the_error_tells_all() {
    let s = Setup::new();
    let line = Line::new(&s.memory);
    s.memory.put(&path("f"), bytes(2 * MB, 1));
    s.memory.at_byte(MB as u64, Event::Lose);
    line.refusals
        .lock()
        .unwrap()
        .extend([ErrorKind::Unreachable, ErrorKind::Unreachable]);
    let client = line.reconnecting(2);
    let options = DownloadOptions::default();
    let error = download(&client, &path("f"), &s.local("f"), &options, &s.context())
        .await
        .unwrap_err();
    assert_eq!((error.kind(), line.connects()), (ErrorKind::Lost, 2));
    let text = error.to_string();
    for part in ["2 attempts in a row", "the server hangs up", "arrived_bytes: 98"] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(s.names(), ["f.part"], "kept for a later attempt");
    assert!(!client.is_connected());
    assert_eq!(client.stat(&path("f")).await.unwrap_err().kind(), ErrorKind::Lost);
    assert_eq!(line.connects(), 2, "it is over");
}

#[tokio::test]
async fn a_refused_login_ends_it_at_once() {
    for kind in [ErrorKind::Auth, ErrorKind::HostKey] {
        let s = Setup::new();
        let line = Line::new(&s.memory);
        fs::write(s.local("f"), bytes(2 * MB, 1)).unwrap();
        s.memory.at_byte(MB as u64, Event::Lose);
        line.refusals.lock().unwrap().push_back(kind);
        let client = line.reconnecting(9);
        let error = upload(&client, &s.local("f"), &path("f"), &atomic(), &s.context())
            .await
            .unwrap_err();
        assert_eq!((error.kind(), line.connects()), (kind, 1));
        assert!(!client.is_connected());
    }
}

#[tokio::test]
async fn without_a_line_to_come_back_over_the_loss_itself_is_told() {
    let s = Setup::new();
    s.memory.put(&path("f"), bytes(2 * MB, 1));
    s.memory.at_byte(MB as u64, Event::Lose);
    let options = DownloadOptions::default();
    let error = download(&s.client, &path("f"), &s.local("f"), &options, &s.context())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Lost, "the session has ended")
    );
    assert!(error.to_string().contains("arrived_bytes: 983040"), "{error}");
}

#[tokio::test]
async fn a_stalled_session_is_given_up_and_the_transfer_goes_on() {
    let s = Setup::new();
    let line = Line::new(&s.memory);
    let whole = bytes(2 * MB, 1);
    s.memory.put(&path("f"), whole.clone());
    s.memory.at_byte(MB as u64, Event::Hang);
    let first: Arc<dyn Client> = Arc::new(Timeouts::new(s.memory.connect(), Duration::from_millis(40)));
    let client: Arc<dyn Client> = Arc::new(Reconnecting::new(first.clone(), line.clone(), 1));
    let options = DownloadOptions::default();
    download(&client, &path("f"), &s.local("f"), &options, &s.context())
        .await
        .unwrap();
    assert!(fs::read(s.local("f")).unwrap() == whole);
    assert_eq!(line.connects(), 1);
    crate::support::eventually(|| !first.is_connected()).await;
}

#[tokio::test]
async fn a_source_that_changed_while_the_line_was_down_is_not_gone_on_with() {
    let s = Setup::new();
    let line = Line::new(&s.memory);
    s.memory.put(&path("f"), bytes(2 * MB, 1));
    s.memory.at_byte(
        MB as u64,
        Event::Call(Box::new(|memory: &Memory| {
            memory.put(&path("f"), bytes(2 * MB + 1, 2));
            memory.at_byte(1, Event::Lose);
        })),
    );
    let client = line.reconnecting(3);
    let options = DownloadOptions::default();
    let error = download(&client, &path("f"), &s.local("f"), &options, &s.context())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Integrity);
    assert_eq!((s.names(), s.partials.len()), (vec![], 0));
}

#[tokio::test]
async fn an_upload_goes_on_where_the_servers_file_really_ends() {
    for there in [0, 400_000, 2 * MB + 1] {
        let s = Setup::new();
        let line = Line::new(&s.memory);
        let whole = bytes(2 * MB, 1);
        fs::write(s.local("f"), &whole).unwrap();
        let belongs = there <= 2 * MB;
        let remains = if belongs {
            whole[..there].to_vec()
        } else {
            bytes(there, 9)
        };
        let first = s.memory.connect();
        let client: Arc<dyn Client> = Arc::new(Reconnecting::new(first.clone(), line.clone(), 1));
        s.memory.at_byte(
            MB as u64,
            Event::Call(Box::new(move |memory: &Memory| {
                memory.put(&path("f.tmp"), remains);
                memory.at_byte(u64::MAX, Event::Hang);
                first.lose();
            })),
        );
        upload(&client, &s.local("f"), &path("f"), &atomic(), &s.context())
            .await
            .unwrap();
        assert!(s.memory.content(&path("f")).unwrap() == whole, "{there}");
        let missing = 2 * MB - if belongs { there } else { 0 };
        assert_eq!(s.memory.moved(), missing as u64);
    }
}

#[tokio::test]
async fn an_upload_into_a_drop_box_goes_on_at_what_was_acknowledged() {
    let s = Setup::new();
    let line = Line::new(&s.memory);
    let whole = bytes(3 * MB, 1);
    fs::write(s.local("f"), &whole).unwrap();
    s.memory.refuse("stat", ErrorKind::Denied);
    cut_at(&s.memory, [MB, 2 * MB]);
    let client = line.reconnecting(1);
    upload(
        &client,
        &s.local("f"),
        &path("f"),
        &UploadOptions::default(),
        &s.context(),
    )
    .await
    .unwrap();
    assert!(s.memory.content(&path("f")).unwrap() == whole);
    assert!(s.memory.moved() <= 3 * MB as u64 + 2 * UNANSWERED);
}

#[tokio::test]
async fn small_files_start_over() {
    let s = Setup::new();
    let line = Line::new(&s.memory);
    let whole = bytes(60_000, 1);
    s.memory.put(&path("f"), whole.clone());
    fs::write(s.local("up"), &whole).unwrap();
    let client = line.reconnecting(1);
    cut_at(&s.memory, [40_000]);
    let options = DownloadOptions::default();
    download(&client, &path("f"), &s.local("f"), &options, &s.context())
        .await
        .unwrap();
    assert!(fs::read(s.local("f")).unwrap() == whole);
    for on_existing in [OnExisting::Replace, OnExisting::Fail, OnExisting::Rename] {
        cut_at(&s.memory, [40_000]);
        let options = UploadOptions {
            on_existing,
            ..UploadOptions::default()
        };
        let name = path(&format!("up-{on_existing:?}"));
        upload(&client, &s.local("up"), &name, &options, &s.context())
            .await
            .unwrap();
        assert!(s.memory.content(&name).unwrap() == whole);
    }
    assert_eq!(s.memory.paths().len(), 2 + 4);
}

#[tokio::test]
async fn progress_is_told_from_where_it_goes_on() {
    #[derive(Debug, Default)]
    struct Told(Mutex<Vec<u64>>);
    impl Progress for Told {
        fn begin(&self, offset: u64, _size: Option<u64>) {
            self.0.lock().unwrap().push(offset);
        }
        fn reached(&self, _offset: u64) {}
    }
    let s = Setup::new();
    let line = Line::new(&s.memory);
    s.memory.put(&path("f"), bytes(2 * MB, 1));
    cut_at(&s.memory, [MB]);
    let told = Arc::new(Told::default());
    let context = Context {
        progress: told.clone(),
        ..s.context()
    };
    let options = DownloadOptions::default();
    download(
        &line.reconnecting(1),
        &path("f"),
        &s.local("f"),
        &options,
        &context,
    )
    .await
    .unwrap();
    assert_eq!(*told.0.lock().unwrap(), [0, 983_040]);
}

#[tokio::test]
async fn what_only_looks_is_done_again() {
    let memory = Memory::default();
    memory.put(&path("f"), "x");
    let line = Line::new(&memory);
    let client = line.reconnecting(1);
    for (i, operation) in ["stat", "canonicalize", "keepalive", "open", "set_permissions"]
        .into_iter()
        .enumerate()
    {
        memory.lose_answer(operation, Carried::Nowhere);
        let f = path("f");
        let result: Result<(), Error> = match operation {
            "stat" => client.stat(&f).await.map(drop),
            "canonicalize" => client.canonicalize(&f).await.map(drop),
            "keepalive" => client.keepalive().await,
            "open" => client.open(&f, Default::default()).await.map(drop),
            _ => client.set_permissions(&f, 0o600).await,
        };
        result.unwrap();
        assert_eq!(line.connects(), i + 1);
        // A change that succeeds is progress; a look is none.
        client.make_dir(&path(&format!("d{i}"))).await.unwrap();
    }
    for operation in ["rename", "make_dir", "remove", "create"] {
        memory.lose_answer(operation, Carried::Nowhere);
        let result = match operation {
            "rename" => {
                client
                    .rename(&path("f"), &path("g"), courier_transfer::RenameMode::KeepTarget)
                    .await
            }
            "make_dir" => client.make_dir(&path("d")).await,
            "remove" => client.remove(&path("f"), courier_transfer::EntryKind::File).await,
            _ => client.create(&path("n"), Default::default()).await.map(drop),
        };
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Lost, "{operation}");
        assert!(client.is_connected());
        client
            .make_dir(&path(&format!("after-{operation}")))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn many_that_wait_share_one_reconnect() {
    let memory = Memory::default();
    memory.put(&path("f"), "x");
    let line = Line::new(&memory);
    let first = memory.connect();
    let client: Arc<dyn Client> = Arc::new(Reconnecting::new(first.clone(), line.clone(), 1));
    first.lose();
    let name = path("f");
    let all = futures::future::join_all((0..50).map(|_| client.stat(&name))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(line.connects(), 1);
}

#[tokio::test]
async fn a_listing_goes_on_behind_what_it_gave() {
    let memory = Memory::default();
    for i in 0..500 {
        memory.put(&path(&format!("d/{i:03}")), "x");
    }
    let line = Line::new(&memory);
    let first = memory.connect();
    let client = Reconnecting::new(first.clone(), line.clone(), 1);
    let mut listing = client.list(&path("d")).await.unwrap();
    let mut names = Vec::new();
    while let Some(listed) = listing.next().await {
        let Listed::Entry(entry) = listed.unwrap() else {
            panic!("no entry");
        };
        names.push(entry.path.to_text());
        if names.len() == 200 {
            first.lose();
        }
    }
    assert_eq!((names.len(), line.connects()), (500, 1));
    names.dedup();
    assert_eq!(names.len(), 500);
}

#[tokio::test]
async fn a_closed_session_stays_closed() {
    let memory = Memory::default();
    let line = Line::new(&memory);
    line.refusals.lock().unwrap().extend([ErrorKind::Unreachable; 9]);
    let first = memory.connect();
    let client: Arc<dyn Client> = Arc::new(Reconnecting::new(first.clone(), line.clone(), 9));
    first.lose();
    let waiting = client.clone();
    let stat = tokio::spawn(async move { waiting.stat(&path("f")).await });
    crate::support::eventually(|| line.connects.load(Ordering::Relaxed) > 0).await;
    client.disconnect().await.unwrap();
    assert_eq!(stat.await.unwrap().unwrap_err().kind(), ErrorKind::Lost);
    assert_eq!(client.stat(&path("f")).await.unwrap_err().kind(), ErrorKind::Lost);
    assert!(!client.is_connected());
}
