//! Many operations over several sessions, where each session does one thing after the other.

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use courier_transfer::{
    Client, EntryKind, ErrorKind, OpenOptions, Retry,
    memory::{Carried, Event},
    ops::{
        BatchContext, DownloadOptions, FindOptions, PlanOptions, RemoteGlob, Totals, UploadOptions,
        download_all, find, plan_downloads, plan_uploads, remove_tree, upload_all,
    },
};
use futures::{StreamExt, future::join_all};

use crate::{
    line::Line,
    support::{Setup, bytes, eventually, names, path},
};

const TREE: PlanOptions = PlanOptions {
    recursive: true,
    contents: true,
    ignore: Vec::new(),
};
const STEP: Duration = Duration::from_millis(10);

/// A server whose sessions do one thing after the other, each in some time.
fn one_by_one() -> Setup {
    let s = Setup::new();
    s.memory.set_capabilities(|c| c.concurrency = 1);
    s.memory.slow(STEP);
    s
}

async fn down(s: &Setup, client: &Arc<dyn Client>) -> Totals {
    let from = RemoteGlob::new("in").unwrap();
    let jobs = plan_downloads(client.clone(), from, s.local("down"), TREE, drop);
    let options = DownloadOptions::default();
    count(download_all(
        client.clone(),
        jobs,
        options,
        BatchContext::default(),
    ))
    .await
}

async fn up(s: &Setup, client: &Arc<dyn Client>) -> Totals {
    let jobs = plan_uploads(client.clone(), s.local("up"), path("out"), TREE, drop);
    let options = UploadOptions {
        atomic: true,
        ..UploadOptions::default()
    };
    count(upload_all(client.clone(), jobs, options, BatchContext::default())).await
}

async fn count(
    mut results: impl futures::Stream<Item = courier_transfer::ops::FileResult> + Unpin,
) -> Totals {
    let mut totals = Totals::default();
    while let Some(done) = results.next().await {
        assert!(done.result.is_ok(), "{done:?}");
        totals.add(&done);
    }
    totals
}

/// Small files on both sides.
fn fill(s: &Setup, files: usize) {
    fs::create_dir(s.local("up")).unwrap();
    for i in 0..files {
        s.memory.put(&path(&format!("in/{i:03}")), bytes(100 + i, 1));
        fs::write(s.local("up").join(format!("{i:03}")), bytes(100 + i, 2)).unwrap();
    }
}

fn check(s: &Setup, files: usize) {
    for i in 0..files {
        let name = format!("{i:03}");
        assert_eq!(fs::read(s.local("down").join(&name)).unwrap(), bytes(100 + i, 1));
        let sent = s.memory.content(&path(&format!("out/{name}")));
        assert_eq!(sent.unwrap(), bytes(100 + i, 2));
    }
    assert_eq!(names(&s.local("down")).len(), files);
}

#[tokio::test]
async fn a_batch_goes_over_all_sessions_that_there_may_be() {
    let s = one_by_one();
    fill(&s, 40);
    let line = Line::new(&s.memory);
    let client = line.parallel(4);
    assert_eq!(client.capabilities().concurrency, 4);
    let began = Instant::now();
    assert_eq!(down(&s, &client).await.files, 40);
    let took = began.elapsed();
    // Each takes an answer to the request and two blocks, of which the last is empty.
    let alone = 40 * 3 * STEP;
    assert!(took >= alone / 4 && took < alone / 2, "{took:?}");
    assert_eq!(up(&s, &client).await.files, 40);
    check(&s, 40);
    assert_eq!((line.lent(), line.asked(), line.connects()), (3, 3, 0));
    drop(client);
    eventually(|| line.released() == 3).await;
}

#[tokio::test]
async fn with_one_session_all_is_as_before() {
    let s = one_by_one();
    s.memory.slow(Duration::ZERO);
    fill(&s, 20);
    let line = Line::with_beside(&s.memory, 0);
    let client = line.parallel(4);
    assert_eq!(down(&s, &client).await.files, 20);
    assert_eq!(up(&s, &client).await.files, 20);
    check(&s, 20);
    assert!((1..3).contains(&line.asked()), "{}", line.asked());
    // One lane is one session; a client that carries several operations needs no other.
    assert_eq!(line.parallel(1).capabilities().concurrency, 1);
    s.memory.set_capabilities(|c| c.concurrency = 16);
    let asked = line.asked();
    let client = line.parallel(4);
    assert_eq!(
        (client.capabilities().concurrency, down(&s, &client).await.files),
        (16, 20)
    );
    assert_eq!(line.asked(), asked);
}

/// The plan makes folders ahead, and is not asked for more while enough files are under way.
#[tokio::test]
async fn what_a_plan_has_under_way_holds_nobody_up() {
    for (lanes, beside) in [(1, 0), (4, 0), (4, 3)] {
        let s = one_by_one();
        s.memory.slow(Duration::from_millis(1));
        for i in 0..60 {
            let folder = s.local("up").join(format!("{i:02}"));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("f"), "x").unwrap();
            s.memory.put(&path(&format!("in/{i:02}/f")), "x");
        }
        let line = Line::with_beside(&s.memory, beside);
        let client = line.parallel(lanes);
        assert_eq!(up(&s, &client).await.files, 60);
        assert_eq!(down(&s, &client).await.files, 60);
    }
}

/// A question behind a long transfer is not one that the server leaves open.
#[tokio::test]
async fn what_waits_for_its_turn_does_not_run_out_of_time() {
    let s = one_by_one();
    s.memory.put(&path("f"), bytes(1_000_000, 1));
    let line = Line::with_beside(&s.memory, 0);
    *line.limit.lock().unwrap() = Some(6 * STEP);
    let client = line.parallel(1);
    let mut reader = client.open(&path("f"), OpenOptions::default()).await.unwrap();
    let read = async {
        // 31 blocks, each after a step, are more than the limit in all.
        while reader.read().await.unwrap().is_some() {}
        drop(reader);
        Instant::now()
    };
    let look = async {
        client.stat(&path("f")).await.unwrap();
        Instant::now()
    };
    let (read, looked) = tokio::join!(read, look);
    assert!(read < looked);
}

#[tokio::test]
async fn one_thing_after_the_other_opens_nothing() {
    let s = one_by_one();
    fill(&s, 6);
    let line = Line::new(&s.memory);
    let (client, folder) = (line.parallel(4), path("in"));
    for i in 0..6 {
        let file = path(&format!("in/{i:03}"));
        client.stat(&file).await.unwrap();
        // Two at a time don't pay for a login either.
        let (one, other) = tokio::join!(client.stat(&file), client.canonicalize(&folder));
        assert!(one.is_ok() && other.is_ok());
    }
    assert_eq!(line.asked(), 0);
}

#[tokio::test]
async fn a_server_that_takes_no_more_is_no_error() {
    for (retry, asked) in [(Retry::Later, 2..=3), (Retry::Never, 2..=2)] {
        let s = one_by_one();
        fill(&s, 30);
        let line = Line::new(&s.memory);
        // The second one beside the first is one too many, and so is each after it.
        *line.refuses_beside.lock().unwrap() = Some((1, ErrorKind::Auth, retry));
        let client = line.parallel(2 + 1);
        assert_eq!(down(&s, &client).await.files, 30);
        assert_eq!(line.lent(), 1);
        assert!(asked.contains(&line.asked()), "{retry:?} {}", line.asked());
        assert!(client.is_connected());
    }
}

#[tokio::test]
async fn until_one_has_logged_in_one_is_tried_at_a_time() {
    let s = one_by_one();
    fill(&s, 30);
    let line = Line::new(&s.memory);
    *line.login.lock().unwrap() = 5 * STEP;
    *line.refuses_beside.lock().unwrap() = Some((0, ErrorKind::Auth, Retry::Never));
    let client = line.parallel(8);
    assert_eq!(down(&s, &client).await.files, 30);
    assert_eq!((line.asked(), line.lent()), (1, 0));
}

#[tokio::test]
async fn sessions_that_break_are_replaced_and_everything_arrives() {
    for lost in [1_000, 2_500] {
        let s = one_by_one();
        fill(&s, 40);
        let line = Line::new(&s.memory);
        let client = line.parallel(4);
        for n in 1..4 {
            s.memory.at_byte(n * lost, Event::Lose);
        }
        assert_eq!(down(&s, &client).await.files, 40);
        for operation in ["stat", "create", "rename"] {
            s.memory.lose_answer(operation, Carried::Nowhere);
        }
        s.memory.lose_answer("rename", Carried::Out);
        assert_eq!(up(&s, &client).await.files, 40);
        check(&s, 40);
        assert!(client.is_connected());
    }
}

#[tokio::test]
async fn a_line_that_breaks_the_others_each_time_doesnt_open_them_without_end() {
    let s = one_by_one();
    fill(&s, 4);
    let line = Line::new(&s.memory);
    let client = line.parallel(2);
    for _ in 0..20 {
        let looks = (0..4).map(|i| {
            let (client, file) = (client.clone(), path(&format!("in/{i:03}")));
            async move { client.stat(&file).await }
        });
        let breaks = async {
            tokio::time::sleep(STEP / 2).await;
            let lent = line.lent.lock().unwrap();
            lent.iter().for_each(|session| session.lose());
        };
        let (looks, ()) = tokio::join!(join_all(looks), breaks);
        assert!(looks.iter().all(Result::is_ok), "{looks:?}");
    }
    assert!((1..4).contains(&line.asked()), "{}", line.asked());
}

#[tokio::test]
async fn a_listing_goes_on_over_the_main_session() {
    let s = one_by_one();
    fill(&s, 30);
    for i in 0..10 {
        s.memory.put(&path(&format!("in/folder{i}/x")), "x");
    }
    let line = Line::new(&s.memory);
    let client = line.parallel(4);
    let all = FindOptions {
        recursive: true,
        ..FindOptions::default()
    };
    let mut found = find(client.clone(), &path("in"), all).await.unwrap();
    let mut files = 0;
    while let Some(listed) = found.next().await {
        listed.unwrap();
        files += 1;
        line.lent
            .lock()
            .unwrap()
            .iter()
            .for_each(|session| session.lose());
    }
    assert_eq!(files, 40);
}

#[tokio::test]
async fn one_who_reads_a_listing_may_use_the_session() {
    for beside in [0, 3] {
        let s = one_by_one();
        s.memory.slow(Duration::ZERO);
        fill(&s, 30);
        let line = Line::with_beside(&s.memory, beside);
        let client = line.parallel(4);
        let removed = remove_tree(&*client, &path("in")).await.unwrap();
        assert_eq!((removed.files, removed.directories), (30, 1));
    }
}

#[tokio::test]
async fn what_is_asked_about_one_path_is_done_in_order() {
    let s = one_by_one();
    fill(&s, 30);
    let line = Line::new(&s.memory);
    let client = line.parallel(4);
    let looks_and_removals = (0..30).map(|i| {
        let (client, file) = (client.clone(), path(&format!("in/{i:03}")));
        async move {
            let (look, removal) = tokio::join!(client.stat(&file), client.remove(&file, EntryKind::File));
            removal.unwrap();
            look.unwrap_or_else(|e| panic!("{file} was looked at after its removal: {e}"));
        }
    });
    join_all(looks_and_removals).await;
    assert_eq!(line.lent(), 3);
}

#[tokio::test]
async fn who_waits_elsewhere_gets_a_session_soon() {
    let s = one_by_one();
    fill(&s, 60);
    let line = Line::new(&s.memory);
    let client = line.parallel(4);
    let asks = async {
        eventually(|| line.lent() == 3).await;
        line.somebody_waits.notify_one();
        eventually(|| line.released() == 1).await;
    };
    let (totals, ()) = tokio::join!(down(&s, &client), asks);
    assert_eq!(totals.files, 60);
}

#[tokio::test]
async fn who_no_longer_waits_takes_no_session() {
    let s = one_by_one();
    fill(&s, 8);
    let line = Line::with_beside(&s.memory, 1);
    let client = line.parallel(4);
    let stat = |i: usize| {
        let (client, file) = (client.clone(), path(&format!("in/{i:03}")));
        async move { client.stat(&file).await }
    };
    for _ in 0..10 {
        let soon = join_all((0..8).map(|i| tokio::time::timeout(STEP / 2, stat(i))));
        soon.await;
    }
    let all = tokio::time::timeout(Duration::from_secs(5), join_all((0..8).map(stat)));
    assert!(all.await.unwrap().iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_session_beside_that_hangs_is_given_up() {
    let s = one_by_one();
    fill(&s, 30);
    let line = Line::new(&s.memory);
    *line.limit.lock().unwrap() = Some(20 * STEP);
    let client = line.parallel(4);
    let hangs = async {
        eventually(|| line.lent() == 3).await;
        s.memory.at_byte(100, Event::Hang);
    };
    let (totals, ()) = tokio::join!(down(&s, &client), hangs);
    assert_eq!(totals.files, 30);
}
