//! Servers that say more than they are asked, or something else: no answer may be taken for that to another command.

use std::{
    io::Read,
    net::{Shutdown, TcpListener},
    sync::Arc,
};

use courier_transfer::{
    Client, CreateOptions, ErrorKind, Fetch, RemotePath, RenameMode, Result, Retry, Store,
    testkit::{BytesSink, BytesSource},
};

use futures::StreamExt;
use serde_json::json;

use crate::scripted::{Answer, Scripted};

fn path(text: &str) -> RemotePath {
    RemotePath::new(text).unwrap()
}

/// Takes every upload, and lists nothing; gives the reply to EPSV.
fn data_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // Ends with the process: it waits for connections that may never come.
    std::thread::spawn(move || {
        for tcp in listener.incoming() {
            let mut tcp = tcp.unwrap();
            let _ = tcp.shutdown(Shutdown::Write);
            let _ = tcp.read_to_end(&mut Vec::new());
        }
    });
    format!("229 Here (|||{port}|)\r\n")
}

async fn store(client: &Arc<dyn Client>) -> Result<u64> {
    let source = BytesSource::new(b"hello".to_vec());
    client
        .store(&path("/file"), Store::new(source, CreateOptions::default(), None))
        .await
}

#[tokio::test]
async fn what_is_said_twice_is_heard_once() {
    let extended = data_port();
    let server = Scripted::start(move |command| match command {
        "EPSV" => Answer::Bytes(extended.clone().into_bytes()),
        "STOR /file" => Answer::Say("150 Begins\n226 Done\n226-Your quota:\n 5 of 100\n226 End"),
        "RNFR /file" => Answer::Say("350 Go on\n250 What was that"),
        "RNTO /other" => Answer::Say("553 No"),
        "SIZE /known" => Answer::Say("213 42"),
        _ => Answer::Usual,
    })
    .await;
    let client = server.connect().await.unwrap();
    for _ in 0..3 {
        assert_eq!(store(&client).await.unwrap(), 5);
        assert_eq!(client.stat(&path("/known")).await.unwrap().size, Some(42));
    }
    let refused = client
        .rename(&path("/file"), &path("/other"), RenameMode::Replace)
        .await;
    assert!(refused.is_err());
    assert!(client.is_connected());
}

#[tokio::test]
async fn a_server_that_says_goodbye_is_asked_nothing_more() {
    let server = Scripted::start(|command| match command {
        "SIZE /known" => Answer::Last(b"213 42\r\n421 Idle for too long\r\n"),
        "MDTM /known" => Answer::Say("550 No"),
        _ => Answer::Usual,
    })
    .await;
    let client = server.connect().await.unwrap();
    let lost = client.stat(&path("/known")).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Lost, "{lost}");
    assert!(lost.message().contains("Idle for too long"), "{lost}");
    assert_eq!(server.count("MDTM"), 0);
}

#[tokio::test]
async fn an_answer_to_something_else_ends_the_session() {
    for verb in ["EPSV", "PASV", "SIZE"] {
        let server = Scripted::start(
            move |command| match command.split(' ').next().unwrap_or_default() {
                said if said == verb => Answer::Say("226 Transfer complete"),
                "EPSV" => Answer::Say("502 No"),
                _ => Answer::Usual,
            },
        )
        .await;
        let client = server.connect().await.unwrap();
        let lost = match verb {
            "SIZE" => client.stat(&path("/file")).await.map(drop),
            _ => store(&client).await.map(drop),
        }
        .unwrap_err();
        assert_eq!(lost.kind(), ErrorKind::Lost, "{verb}: {lost}");
        assert!(lost.message().contains("out of step"), "{lost}");
        assert!(!client.is_connected());
    }
}

#[tokio::test]
async fn an_offset_that_was_not_used_is_taken_back() {
    let extended = data_port();
    let server = Scripted::start(move |command| match command {
        "EPSV" => Answer::Bytes(extended.clone().into_bytes()),
        "SIZE /file" => Answer::Say("213 9"),
        "REST 4" | "REST 0" => Answer::Say("350 From there"),
        "RETR /file" => Answer::Say("550 Permission denied."),
        _ => Answer::Usual,
    })
    .await;
    let client = server.connect().await.unwrap();
    let sink = Arc::new(BytesSink::default());
    let refused = client.fetch(&path("/file"), Fetch::new(sink, 4, None)).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Denied);
    let heard = server.heard();
    let at = heard.iter().position(|command| command == "RETR /file").unwrap();
    assert_eq!(
        (heard[at - 1].as_str(), heard[at + 1].as_str()),
        ("REST 4", "REST 0")
    );
}

#[tokio::test]
async fn a_data_connection_that_the_server_has_not_is_told_with_what_to_look_at() {
    for (passive, words) in [(true, "router or proxy"), (false, "external_address")] {
        let extended = data_port();
        let server = Scripted::start(
            move |command| match command.split(' ').next().unwrap_or_default() {
                "EPSV" => Answer::Bytes(extended.clone().into_bytes()),
                "PORT" => Answer::Say("200 Fine"),
                "STOR" => Answer::Say("150 Begins\n425 Failed to establish connection."),
                "SIZE" => Answer::Say("213 9"),
                _ => Answer::Usual,
            },
        )
        .await;
        let settings = json!({ "passive_mode": passive });
        let client = server.connect_with(settings).await.unwrap();
        let error = store(&client).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.retry()),
            (ErrorKind::Failed, Retry::Later),
            "{error}"
        );
        assert!(error.message().contains(words), "{error}");
        assert_eq!(client.stat(&path("/file")).await.unwrap().size, Some(9));
    }
}

#[tokio::test]
async fn hosts_that_are_none_of_unix_list_as_text_and_nothing_else() {
    for (home, types) in [
        ("'ANNA.'", ["TYPE I", "TYPE A", "TYPE I"].as_slice()),
        ("/home", &["TYPE I"]),
    ] {
        let extended = data_port();
        let server = Scripted::start(move |command| match command {
            "EPSV" => Answer::Bytes(extended.clone().into_bytes()),
            "PWD" => Answer::Bytes(format!("257 \"{home}\" is it\r\n").into_bytes()),
            listed if listed.starts_with("LIST") => Answer::Say("150 Begins\n250 Done"),
            "CWD DATA" | "CWD 'ANNA.'" | "CWD /home/DATA" => Answer::Say("250 Fine"),
            _ => Answer::Usual,
        })
        .await;
        let client = server.connect().await.unwrap();
        assert_eq!(client.list(&path("DATA")).await.unwrap().count().await, 0);
        let mut heard = server.heard();
        heard.retain(|command| command.starts_with("TYPE"));
        assert_eq!(heard, types);
    }
}

#[tokio::test]
async fn a_session_that_stays_in_another_folder_is_over() {
    let extended = data_port();
    let server = Scripted::start(move |command| match command {
        "EPSV" => Answer::Bytes(extended.clone().into_bytes()),
        "PWD" => Answer::Say("257 \"HOME:\" is it"),
        "LIST" => Answer::Say("150 Begins\n226 Done"),
        "CWD DATA" => Answer::Say("250 Fine"),
        "CWD HOME:" => Answer::Say("550 No way"),
        _ => Answer::Usual,
    })
    .await;
    let settings = json!({ "quirks": ["cwd_listing"] });
    let client = server.connect_with(settings).await.unwrap();
    let Err(lost) = client.list(&path("DATA")).await else {
        panic!("the session is in another folder");
    };
    assert_eq!(lost.kind(), ErrorKind::Lost, "{lost}");
    assert!(!client.is_connected());
}
