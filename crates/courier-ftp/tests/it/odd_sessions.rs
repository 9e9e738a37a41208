//! Operations that nobody waits for any more, and sessions that end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use courier_transfer::{EntryKind, ErrorKind, RemotePath, RenameMode};
use tokio::time::timeout;

use crate::scripted::{Answer, Scripted};

fn path(text: &str) -> RemotePath {
    RemotePath::new(text).unwrap()
}

async fn until(mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "nothing happened");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_cancelled_command_leaves_no_reply_behind() {
    let server = Scripted::start(|command| match command {
        "SIZE /slow" => {
            std::thread::sleep(Duration::from_millis(100));
            Answer::Say("213 1")
        }
        "SIZE /file" => Answer::Say("213 2"),
        _ => Answer::Usual,
    })
    .await;
    let client = server.connect().await.unwrap();
    for _ in 0..3 {
        let cancelled = timeout(Duration::from_millis(20), client.stat(&path("/slow"))).await;
        assert!(cancelled.is_err());
        assert_eq!(client.stat(&path("/file")).await.unwrap().size, Some(2));
    }
    assert!(client.is_connected());
}

#[tokio::test]
async fn a_cancelled_command_that_is_never_answered_closes_the_session() {
    let server = Scripted::start(|command| match command {
        "SIZE /never" => Answer::Nothing,
        _ => Answer::Usual,
    })
    .await;
    let client = server.connect().await.unwrap();
    assert!(
        timeout(Duration::from_millis(50), client.stat(&path("/never")))
            .await
            .is_err()
    );
    let begun = Instant::now();
    let next = client.stat(&path("/other")).await.unwrap_err();
    assert_eq!(next.kind(), ErrorKind::Lost, "{next}");
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(!client.is_connected());
}

#[tokio::test]
async fn what_waits_and_is_cancelled_is_never_sent() {
    let server = Scripted::start(|command| match command {
        "SIZE /never" => Answer::Nothing,
        _ => Answer::Usual,
    })
    .await;
    let client = server.connect().await.unwrap();
    let first = tokio::spawn({
        let client = Arc::clone(&client);
        async move { client.stat(&path("/never")).await }
    });
    until(|| server.count("SIZE") == 1).await;
    let file = path("/file");
    let waiting = client.remove(&file, EntryKind::File);
    assert!(timeout(Duration::from_millis(50), waiting).await.is_err());
    client.keepalive().await.unwrap();
    client.disconnect().await.unwrap();
    let ended = first.await.unwrap().unwrap_err();
    assert_eq!(ended.kind(), ErrorKind::Lost, "{ended}");
    assert!(!client.is_connected());
    assert_eq!((server.count("DELE"), server.count("NOOP")), (0, 0));
}

#[tokio::test]
async fn the_end_waits_for_no_server() {
    let server = Scripted::start(|command| match command {
        "QUIT" => Answer::Nothing,
        _ => Answer::Usual,
    })
    .await;
    let client = server.connect().await.unwrap();
    let begun = Instant::now();
    client.disconnect().await.unwrap();
    client.disconnect().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(4));
    assert_eq!(client.keepalive().await.unwrap_err().kind(), ErrorKind::Lost);
}

#[tokio::test]
async fn a_silent_session_that_breaks_is_lost_at_the_next_word() {
    let count = Arc::new(AtomicUsize::new(0));
    let server = Scripted::start({
        let count = Arc::clone(&count);
        move |command| match command {
            "NOOP" if count.fetch_add(1, Ordering::Relaxed) == 0 => Answer::Last(b"200 Fine\r\n"),
            _ => Answer::Usual,
        }
    })
    .await;
    let client = server.connect().await.unwrap();
    client.keepalive().await.unwrap();
    assert_eq!(client.keepalive().await.unwrap_err().kind(), ErrorKind::Lost);
    assert!(!client.is_connected());
}

#[tokio::test]
async fn refusals_that_say_nothing_are_looked_into() {
    let server = Scripted::start(|command| match command {
        "MKD /there" | "MKD /none/x" | "MKD /full" => Answer::Say("550 Create directory operation failed."),
        "CWD /there" | "CWD /dir" => Answer::Say("250 Fine"),
        "DELE /none" | "DELE /dir" => Answer::Say("550 Delete operation failed."),
        "RMD /file" => Answer::Say("550 Remove directory operation failed."),
        "SIZE /file" | "SIZE /taken" => Answer::Say("213 1"),
        "RNFR /file" => Answer::Say("350 Ready"),
        "RNTO /taken" => Answer::Say("550 Rename failed."),
        "RNTO /none/x" => Answer::Say("553 Rename failed."),
        _ => Answer::Usual,
    })
    .await;
    let client = server.connect().await.unwrap();
    let kind = |result: courier_transfer::Result<()>| result.unwrap_err().kind();
    assert_eq!(
        kind(client.make_dir(&path("/there")).await),
        ErrorKind::AlreadyExists
    );
    assert_eq!(kind(client.make_dir(&path("/none/x")).await), ErrorKind::NotFound);
    assert_eq!(kind(client.make_dir(&path("/full")).await), ErrorKind::Failed);
    let remove = |at: &'static str, kind| {
        let client = Arc::clone(&client);
        async move { client.remove(&path(at), kind).await }
    };
    assert_eq!(kind(remove("/none", EntryKind::File).await), ErrorKind::NotFound);
    assert_eq!(kind(remove("/dir", EntryKind::File).await), ErrorKind::WrongKind);
    assert_eq!(
        kind(remove("/file", EntryKind::Directory).await),
        ErrorKind::WrongKind
    );
    let rename = |to: &'static str, mode| {
        let client = Arc::clone(&client);
        async move { client.rename(&path("/file"), &path(to), mode).await }
    };
    assert_eq!(
        kind(rename("/taken", RenameMode::KeepTarget).await),
        ErrorKind::AlreadyExists
    );
    assert_eq!(
        kind(rename("/none/x", RenameMode::KeepTarget).await),
        ErrorKind::NotFound
    );
    assert!(client.capabilities().atomic_replace);
    assert_eq!(
        kind(rename("/taken", RenameMode::Replace).await),
        ErrorKind::Unsupported
    );
    assert!(!client.capabilities().atomic_replace, "it is not tried again");
}

#[tokio::test]
async fn checksums_and_times_go_by_what_the_server_has() {
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let reply: &'static str = Box::leak(format!("213 SHA-256 0-3 {digest} /a b").into_boxed_str());
    let server = Scripted::start(move |command| match command {
        "FEAT" => Answer::Say("211-x\n HASH SHA-1*;SHA-256\n MFMT\n211 x"),
        "OPTS HASH SHA-256" => Answer::Say("200 SHA-256"),
        "HASH /a b" => Answer::Say(reply),
        "MFMT 20190731235958 /a b" => Answer::Say("213 Modify=20190731235958; /a b"),
        "SITE CHMOD 640 /a b" => Answer::Say("200 Done"),
        _ => Answer::Usual,
    })
    .await;
    let client = server.connect().await.unwrap();
    let capabilities = client.capabilities();
    assert!(capabilities.checksum && capabilities.set_times && !capabilities.permissions);
    let file = path("/a b");
    let checksum = client
        .checksum(&file, courier_transfer::ChecksumBy::Protocol)
        .await
        .unwrap();
    assert_eq!(checksum.to_string(), format!("sha256:{digest}"));
    client
        .set_modified(&file, "2019-07-31T23:59:58Z".parse().unwrap())
        .await
        .unwrap();
    client.set_permissions(&file, 0o640).await.unwrap();
    let refused = client.set_permissions(&path("/other"), 0o640).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
}
