//! Servers that break the protocol, by mistake or on purpose.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{BufMut, BytesMut};
use courier_sftp::{
    codec::{Attributes, Request, Response},
    server::Responder,
};
use courier_transfer::testkit::BytesSink;

use super::{path, serving};

#[tokio::test]
async fn an_answer_to_nothing_ends_it() {
    let s = serving(|files, id, request, out| {
        matches!(request, Request::Read { .. }) && {
            files.respond(id.wrapping_add(1000), request, out);
            true
        }
    })
    .await;
    s.assert_dies().await;
}

#[tokio::test]
async fn a_packet_without_end_ends_it() {
    let s = serving(|_, _, request, out| {
        matches!(request, Request::Read { .. }) && {
            out.put_slice(&[0x7f, 0xff, 0xff, 0xff, 101, 0, 0, 0, 1]);
            true
        }
    })
    .await;
    s.assert_dies().await;
}

#[tokio::test]
async fn more_data_than_asked_for_ends_it() {
    let s = serving(|_, id, request, out| {
        matches!(request, Request::Read { .. }) && {
            Response::Data(&vec![0; 262_000]).encode(id, out);
            true
        }
    })
    .await;
    s.assert_dies().await;
}

#[tokio::test]
async fn answers_of_the_wrong_type_end_it() {
    for answer in [
        Response::Handle(b"h"),
        Response::Name(Vec::new()),
        Response::Attributes(Attributes::default()),
    ] {
        let s = serving(move |_, id, request, out| {
            matches!(request, Request::Read { .. }) && {
                answer.encode(id, out);
                true
            }
        })
        .await;
        s.assert_dies().await;
    }
}

/// The rest of a packet never comes: who waits may go, and the session can be closed.
#[tokio::test]
async fn half_a_packet_holds_nobody() {
    let s = serving(|files, id, request, out| {
        let Request::Read { .. } = request else {
            return false;
        };
        let mut answer = BytesMut::new();
        files.respond(id, request, &mut answer);
        answer.truncate(answer.len() / 2);
        out.extend_from_slice(&answer);
        true
    })
    .await;
    s.file("f", 100_000);
    let sink = Arc::new(BytesSink::default());
    let file = path("f");
    let fetching = s.client.fetch(&file, sink.request(0, Some(100_000)));
    assert!(
        tokio::time::timeout(Duration::from_millis(300), fetching)
            .await
            .is_err()
    );
    let started = Instant::now();
    s.client.disconnect().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(2));
}
