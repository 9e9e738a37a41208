//! What is asked of a server, and when: each question costs a small file over a long path a round trip.

use std::sync::{Arc, OnceLock};

use courier_transfer::{CreateOptions, Entry, Store, testkit::BytesSource};
use serde_json::{Value, json};

use crate::{
    odd_data::{DataPort, Does, path},
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
