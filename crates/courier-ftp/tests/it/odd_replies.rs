//! Replies that are odd, and replies that are hostile: an error in bounded time and memory, or the answer all the same.

use std::time::{Duration, Instant};

use courier_transfer::{Client, EntryKind, Error, ErrorKind, RemotePath, Retry};
use serde_json::json;

use crate::scripted::{Answer, Scripted};

fn path(text: &str) -> RemotePath {
    RemotePath::new(text).unwrap()
}

/// The session's greeting is this one.
async fn greeted(greeting: Answer) -> Result<std::sync::Arc<dyn Client>, Error> {
    let server = Scripted::start(move |command| match command {
        "" => greeting.clone(),
        _ => Answer::Usual,
    })
    .await;
    server.connect_within(1.0).await
}

async fn greeting_error(greeting: Answer) -> Error {
    let begun = Instant::now();
    let error = greeted(greeting).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(10), "{error}");
    error
}

#[tokio::test]
async fn greetings_of_many_kinds_are_taken() {
    for greeting in [
        Answer::Say("220-Welcome\n\n  to this\n220 server"),
        Answer::Say("120 wait\n120 still\n220 now"),
        Answer::Bytes(b"220 bare line feed\n".to_vec()),
        Answer::Bytes(b"220\r\n".to_vec()),
        Answer::Bytes(b"\xff\xfb\x01220 telnet\r\n".to_vec()),
    ] {
        let client = greeted(greeting.clone()).await;
        assert!(client.is_ok(), "{greeting:?}: {client:?}");
    }
    let client = greeted(Answer::Say("220-two \x1b[31m\n220 lines")).await.unwrap();
    assert_eq!(client.server().banner.as_deref(), Some("two \\u{1b}[31m lines"));
    assert_eq!(
        client.server().extensions,
        ["MDTM", "REST STREAM", "SIZE", "UTF8"]
    );
}

#[tokio::test]
async fn what_does_not_greet_is_named() {
    let ssh = greeting_error(Answer::Say("SSH-2.0-OpenSSH_9.6")).await;
    assert_eq!(ssh.kind(), ErrorKind::Protocol);
    assert!(
        ssh.message().contains("no FTP server") && ssh.message().contains("SSH-2.0"),
        "{ssh}"
    );
    let full = greeting_error(Answer::Say("421 Too many connections (5) from this IP")).await;
    assert_eq!((full.kind(), full.retry()), (ErrorKind::Busy, Retry::Later));
    assert!(full.message().contains("Too many"), "{full}");
    let tls = greeting_error(Answer::Bytes(b"\x15\x03\x01\x00\x02\x02\x46".to_vec())).await;
    assert!(tls.message().contains("ftps_mode implicit"), "{tls}");
    let gone = greeting_error(Answer::Last(b"")).await;
    assert_eq!(gone.kind(), ErrorKind::Lost);
    let silent = greeting_error(Answer::Nothing).await;
    assert_eq!(silent.kind(), ErrorKind::Timeout);
    assert!(silent.message().contains("greeting"), "{silent}");
    assert!(silent.message().contains("ftps_mode implicit"), "{silent}");
}

#[tokio::test]
async fn greetings_without_an_end_are_bounded() {
    for flood in [
        b"220-again\r\n".as_slice(),
        b"120 wait\r\n",
        b"x",
        b"\r\n",
        b"\xff\xf1",
    ] {
        let error = greeting_error(Answer::Endless(flood)).await;
        let kind = error.kind();
        assert!(
            matches!(kind, ErrorKind::Protocol | ErrorKind::Timeout),
            "{error}"
        );
    }
}

#[tokio::test]
async fn replies_without_an_end_close_the_session() {
    for flood in [b"213-again\r\n".as_slice(), b"150 more\r\n", b"2", b"213 5"] {
        let server = Scripted::start(move |command| match command.starts_with("SIZE") {
            true => Answer::Endless(flood),
            false => Answer::Usual,
        })
        .await;
        let client = server.connect().await.unwrap();
        let error = client.stat(&path("/a")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
        assert!(!client.is_connected());
        let after = client.keepalive().await.unwrap_err();
        assert_eq!(after.kind(), ErrorKind::Lost, "{after}");
    }
}

#[tokio::test]
async fn a_reply_that_is_cut_short_is_a_lost_line() {
    for cut in [b"213-and then".as_slice(), b"213-x\r\n", b"21", b"213 5", b""] {
        let server = Scripted::start(move |command| match command.starts_with("SIZE") {
            true => Answer::Last(cut),
            false => Answer::Usual,
        })
        .await;
        let client = server.connect().await.unwrap();
        let error = client.stat(&path("/a")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Lost, "{error}");
        assert!(!client.is_connected());
        assert_eq!(
            client.make_dir(&path("/b")).await.unwrap_err().kind(),
            ErrorKind::Lost
        );
        client.disconnect().await.unwrap();
    }
}

#[tokio::test]
async fn lines_inside_a_reply_may_begin_with_any_code() {
    let server = Scripted::start(|command| match command.split(' ').next() {
        Some("SIZE") => Answer::Say("213-550 no\n220 no\n 213 no\n213 7"),
        Some("MDTM") => Answer::Say("213 20240305142201"),
        Some("FEAT") => Answer::Say("211-\n211-SIZE\n211-MDTM\n211"),
        _ => Answer::Usual,
    })
    .await;
    let client = server.connect().await.unwrap();
    assert_eq!(client.server().extensions, ["SIZE", "MDTM"]);
    // The size stands in the first line or nowhere.
    let error = client.stat(&path("/a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    client.keepalive().await.unwrap();
}

#[tokio::test]
async fn the_end_of_a_session_that_the_server_announces_is_the_end() {
    let server = Scripted::start(|command| match command.starts_with("SIZE") {
        true => Answer::Say("421 Timeout."),
        false => Answer::Usual,
    })
    .await;
    let client = server.connect().await.unwrap();
    let error = client.stat(&path("/a")).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Lost, Retry::Later));
    assert!(error.message().contains("Timeout."), "{error}");
    assert!(!client.is_connected());
    let after = client.stat(&path("/a")).await.unwrap_err();
    assert!(
        after.kind() == ErrorKind::Lost && after.message().contains("Timeout."),
        "{after}"
    );
}

#[tokio::test]
async fn what_lies_there_is_told_by_size_time_and_cwd() {
    let server = Scripted::start(|command| match command {
        "SIZE /home/file" => Answer::Say("213 42"),
        "MDTM /home/file" => Answer::Say("213 20240305142201"),
        "SIZE /folder" | "SIZE /odd" => Answer::Say("550 Could not get file size."),
        "CWD /folder" => Answer::Say("250 Fine"),
        "CWD /odd" => Answer::Say("550 Failed to change directory."),
        "SIZE /shut" => Answer::Say("550 Permission denied."),
        _ => Answer::Usual,
    })
    .await;
    let client = server.connect().await.unwrap();
    let file = client.stat(&path("file")).await.unwrap();
    assert_eq!((file.kind, file.size), (EntryKind::File, Some(42)));
    assert_eq!(file.modified, "2024-03-05T14:22:01Z".parse().ok());
    assert_eq!(file.path, path("file"));
    assert!(client.stat(&path("/folder")).await.unwrap().is_dir());
    assert_eq!(
        client.stat(&path("/odd")).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert_eq!(
        client.stat(&path("/shut")).await.unwrap_err().kind(),
        ErrorKind::Denied
    );
}

#[tokio::test]
async fn mlst_is_asked_first_and_forgotten_where_it_is_not_known() {
    let server = Scripted::start(|command| match command {
        "FEAT" => Answer::Say("211-x\n MLST type*;size*;modify*;unique;\n211 x"),
        "MLST /a" => Answer::Say("250-x\n type=file;size=7;modify=20240305142201; /a\n250 x"),
        "MLST /b" => Answer::Say("500 Unknown command."),
        "SIZE /b" => Answer::Say("213 8"),
        _ => Answer::Usual,
    })
    .await;
    let client = server.connect().await.unwrap();
    assert!(
        server.heard().iter().all(|c| !c.starts_with("OPTS MLST")),
        "the facts are right"
    );
    assert_eq!(client.stat(&path("/a")).await.unwrap().size, Some(7));
    assert_eq!(client.stat(&path("/b")).await.unwrap().size, Some(8));
    assert_eq!(client.stat(&path("/b")).await.unwrap().size, Some(8));
    assert_eq!((server.count("MLST"), server.count("SIZE")), (2, 2));
}

#[tokio::test]
async fn a_login_folder_that_is_no_path_of_unix_keeps_paths_relative() {
    let server = Scripted::start(|command| match command {
        "PWD" => Answer::Say("257 \"DISK$USER:[ANNA]\" is current default directory"),
        "SIZE DATA.TXT;1" => Answer::Say("213 3"),
        "CWD SUB" | "CWD DISK$USER:[ANNA]" => Answer::Say("250 Fine"),
        _ => Answer::Usual,
    })
    .await;
    let client = server.connect().await.unwrap();
    assert_eq!(client.stat(&path("DATA.TXT;1")).await.unwrap().size, Some(3));
    assert!(client.stat(&path("SUB")).await.unwrap().is_dir());
    assert_eq!(
        server.heard().last().map(String::as_str),
        Some("CWD DISK$USER:[ANNA]")
    );
    let refused = client.canonicalize(&path("SUB")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn names_go_in_the_connections_encoding_unless_there_is_utf_8() {
    for (features, settings, size) in [
        ("211-x\n SIZE\n211 x", json!({"encoding": "windows-1252"}), 1),
        (
            "211-x\n SIZE\n UTF8\n211 x",
            json!({"encoding": "windows-1252"}),
            2,
        ),
        (
            "211-x\n SIZE\n UTF8\n211 x",
            json!({"encoding": "windows-1252", "quirks": ["no_utf8"]}),
            1,
        ),
        ("211-x\n SIZE\n211 x", json!({}), 2),
    ] {
        let server = Scripted::start(move |command| match command {
            "FEAT" => Answer::Say(features),
            // As the test server reads it: one byte that is no UTF-8.
            "SIZE /gr\u{fffd}n" => Answer::Say("213 1"),
            "SIZE /grün" => Answer::Say("213 2"),
            _ => Answer::Usual,
        })
        .await;
        let client = server.connect_with(settings.clone()).await.unwrap();
        let found = client.stat(&path("/grün")).await.unwrap();
        assert_eq!(found.size, Some(size), "{features} {settings}");
    }
    let server = Scripted::start(|command| match command {
        "FEAT" => Answer::Say("502 No."),
        _ => Answer::Usual,
    })
    .await;
    let client = server
        .connect_with(json!({"encoding": "windows-1252"}))
        .await
        .unwrap();
    let refused = client.stat(&path("/日本")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    client.keepalive().await.unwrap();
}

#[tokio::test]
async fn a_host_that_knows_nothing_of_single_files_is_asked_for_listings() {
    let server = Scripted::start(|command| match command.split(' ').next() {
        Some("FEAT" | "SIZE" | "MDTM") => Answer::Say("500 Unknown command."),
        Some("PASV" | "EPSV") => Answer::Say("502 No data here."),
        Some("DELE") => Answer::Say("550 Not done."),
        _ => Answer::Usual,
    })
    .await;
    let client = server.connect().await.unwrap();
    // This server has no data connections: what it says of them is the error.
    let error = client.stat(&path("/in/file")).await.unwrap_err();
    assert!(error.message().contains("No data here."), "{error}");
    assert_eq!(server.count("PASV"), 1);
    // A refusal stays what it is where a look tells nothing.
    let refused = client
        .remove(&path("/in/file"), EntryKind::File)
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Failed, "{refused}");
    assert!(refused.message().contains("Not done."), "{refused}");
}
