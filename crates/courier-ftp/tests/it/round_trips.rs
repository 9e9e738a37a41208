//! What is asked of a server, and when: each question costs a small file over a long path a round trip.

use std::sync::{Arc, OnceLock};

use courier_transfer::{
    CreateOptions, Entry, ErrorKind, Fetch, Store,
    testkit::{BytesSink, BytesSource},
};
use serde_json::{Value, json};

use crate::{
    odd_data::{DataPort, Does, fetch, path},
    scripted::{Answer, Scripted},
};

/// Uploads five bytes to a server that announces `feature` and answers the question after them so: what was told of the
/// file, and what was asked.
async fn after_an_upload(
    feature: &'static str,
    answer: Answer,
    settings: Value,
) -> (Option<Entry>, Vec<String>) {
    let port = DataPort::new(Does::Receive);
    let extended = port.extended();
    let server = Scripted::start(
        move |command| match command.split(' ').next().unwrap_or_default() {
            "FEAT" => Answer::Bytes(
                format!("211-Features:\r\n REST STREAM\r\n {feature}\r\n211 End\r\n").into_bytes(),
            ),
            "EPSV" => extended.clone(),
            "STOR" => Answer::Say("150 Begins\n226 Done"),
            "SIZE" | "MLST" => answer.clone(),
            _ => Answer::Usual,
        },
    )
    .await;
    let client = server.connect_with(settings).await.unwrap();
    let after = Arc::<OnceLock<Entry>>::default();
    let store = Store {
        after: Some(Arc::clone(&after)),
        ..Store::new(
            BytesSource::new(b"bytes".to_vec()),
            CreateOptions::default(),
            None,
        )
    };
    assert_eq!(client.store(&path("/file"), store).await.unwrap(), 5);
    let heard = server.heard();
    let behind = heard.iter().position(|line| line.starts_with("STOR")).unwrap() + 1;
    (after.get().cloned(), heard[behind..].to_vec())
}

#[tokio::test]
async fn one_question_after_an_upload_tells_its_size() {
    let (told, asked) = after_an_upload("SIZE", Answer::Say("213 5"), Value::Null).await;
    assert_eq!(told.unwrap().size, Some(5));
    assert_eq!(asked, ["SIZE /file"]);

    let answer = Answer::Say("250-It is\n type=file;size=5;modify=20260102030405; /file\n250 End");
    let (told, asked) = after_an_upload("MLST type*;size*;modify*;", answer, Value::Null).await;
    let told = told.unwrap();
    assert_eq!((told.size, told.modified.is_some()), (Some(5), true));
    assert_eq!(asked, ["MLST /file"]);
}

#[tokio::test]
async fn an_upload_stands_whatever_the_question_after_it_comes_to() {
    let nothing_told = [
        ("SIZE", Answer::Say("550 Nothing to see")),
        ("SIZE", Answer::Say("213 many")),
        ("SIZE", Answer::Last(b"")),
        ("MLST type*;size*;", Answer::Say("550 Nothing to see")),
        (
            "MLST type*;size*;",
            Answer::Say("250-It is\n type=dir; /file\n250 End"),
        ),
        ("MLST type*;size*;", Answer::Say("500 What?")),
    ];
    for (feature, answer) in nothing_told {
        let (told, asked) = after_an_upload(feature, answer, Value::Null).await;
        assert_eq!((told, asked.len()), (None, 1), "{asked:?}");
    }
    // Nothing is asked that nobody would believe.
    let ascii = json!({ "transfer_type": "ascii" });
    for (feature, settings) in [("MDTM", Value::Null), ("SIZE", ascii)] {
        let (told, asked) = after_an_upload(feature, Answer::Say("213 5"), settings).await;
        assert_eq!((told, asked.len()), (None, 0), "{asked:?}");
    }
}

/// Five downloads and a look in between, and perhaps one that is refused, from a server with that greeting that tells these
/// ports in turn: what was asked.
async fn a_run(greeting: &'static str, ports: Vec<Answer>, refused: bool) -> Vec<String> {
    let mut turns = ports.into_iter().cycle();
    let server = Scripted::start(
        move |command| match command.split(' ').next().unwrap_or_default() {
            "" => Answer::Say(greeting),
            "EPSV" => turns.next().unwrap(),
            "RETR" if command == "RETR /file" => Answer::Say("150 Begins\n226 Done"),
            "RETR" => Answer::Say("550 No such file"),
            _ if command == "SIZE /known" => Answer::Say("213 42"),
            _ => Answer::Usual,
        },
    )
    .await;
    let client = server.connect().await.unwrap();
    for turn in 0..5 {
        let sink = Arc::<BytesSink>::default();
        assert_eq!(fetch(&client, &sink).await.unwrap(), 5);
        assert_eq!(sink.bytes(), b"bytes");
        if turn == 3 && refused {
            let missing = Fetch::new(sink, 0, None);
            let error = client.fetch(&path("/missing"), missing).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound);
        }
        // Its answer is not that to the question before it.
        if turn > 2 {
            assert_eq!(client.stat(&path("/known")).await.unwrap().size, Some(42));
        }
    }
    let of_data = |line: &String| line.starts_with("EPSV") || line.starts_with("RETR");
    server.heard().into_iter().filter(of_data).collect()
}

#[tokio::test]
async fn in_a_run_of_files_the_next_port_is_asked_for_early() {
    let port = || DataPort::new(Does::Send(b"bytes".to_vec())).extended();
    let in_turn = ["EPSV", "RETR /file"];
    // A server that may look into what comes during a transfer is asked when the port is wanted.
    let asked = a_run("220 (VSFTPD-like)", vec![port()], true).await;
    let mut expected = in_turn.repeat(4);
    expected.extend(["EPSV", "RETR /missing"].iter().chain(&in_turn));
    assert_eq!(asked, expected);

    let asked = a_run("220 (vsFTPd 3.0.5)", vec![port(), port()], true).await;
    let mut expected = in_turn.repeat(2);
    // The first of them is no run yet.
    expected.extend([
        "EPSV",
        "RETR /file",
        "EPSV",
        "RETR /file",
        "EPSV",
        "RETR /missing",
    ]);
    expected.extend(["EPSV", "RETR /file", "EPSV"]);
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn a_port_told_early_that_is_of_no_use_is_asked_for_again() {
    let port = || DataPort::new(Does::Send(b"bytes".to_vec())).extended();
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let closed = Answer::Bytes(format!("229 Here (|||{closed}|)\r\n").into_bytes());
    for early in [closed, Answer::Say("425 Not now"), Answer::Say("229 Fine")] {
        let mut ports = vec![port(), port()];
        for _ in 0..4 {
            ports.extend([early.clone(), port()]);
        }
        let asked = a_run("220 (vsFTPd 3.0.5)", ports, false).await;
        assert_eq!(
            asked.iter().filter(|line| *line == "EPSV").count(),
            9,
            "{asked:?}"
        );
    }
}
