//! Servers that are odd, and are served all the same.

use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use courier_sftp::{
    codec::{Attributes, Request, Response, StatusCode},
    server::Responder,
};
use courier_transfer::{CreateOptions, ErrorKind, RenameMode};

use super::{SIZES, path, pattern, serving};

#[tokio::test]
async fn any_promise_about_the_size_is_survived() {
    let s = serving(|_, _, _, _| false).await;
    for len in SIZES.into_iter().chain([261_119, 261_121, 5_000_000]) {
        s.assert_arrives(len).await;
    }
}

#[tokio::test]
async fn a_server_without_extensions_is_served_in_small_blocks() {
    let longest = Arc::new(Mutex::new(0));
    let seen = Arc::clone(&longest);
    let s = serving(move |_, _, request, out| {
        match request {
            Request::Init => {
                Response::Version {
                    version: 3,
                    extensions: Vec::new(),
                }
                .encode(0, out);
                return true;
            }
            Request::Read { len, .. } => {
                let mut longest = seen.lock().unwrap();
                *longest = longest.max(*len);
            }
            Request::Write { data, .. } => assert!(data.len() <= 32 * 1024),
            _ => {}
        }
        false
    })
    .await;
    for len in SIZES {
        s.assert_arrives(len).await;
    }
    assert_eq!(*longest.lock().unwrap(), 32 * 1024);
    let bytes = pattern(1_000_001);
    s.store("up", &bytes).await.unwrap();
    assert!(std::fs::read(s.folder.path().join("up")).unwrap() == bytes);

    assert!(!s.client.capabilities().atomic_replace);
    let error = s
        .client
        .rename(&path("up"), &path("f"), RenameMode::Replace)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn short_answers_are_no_end() {
    for most in [1000, 32 * 1024] {
        let s = serving(move |files, id, request, out| match *request {
            Request::Read { handle, offset, len } => {
                files.respond(
                    id,
                    &Request::Read {
                        handle,
                        offset,
                        len: len.min(most),
                    },
                    out,
                );
                true
            }
            _ => false,
        })
        .await;
        for len in SIZES {
            s.assert_arrives(len).await;
        }
    }
}

#[tokio::test]
async fn an_empty_answer_is_the_end() {
    let s = serving(|files, id, request, out| {
        if !matches!(request, Request::Read { .. }) {
            return false;
        }
        let mut answer = BytesMut::new();
        files.respond(id, request, &mut answer);
        // A STATUS: the end.
        if answer[4] == 101 {
            Response::Data(b"").encode(id, out);
        } else {
            out.extend_from_slice(&answer);
        }
        true
    })
    .await;
    for len in SIZES {
        s.assert_arrives(len).await;
    }
}

#[tokio::test]
async fn a_size_that_is_not_told_or_refused_is_done_without() {
    let s = serving(|_, id, request, out| {
        match request {
            Request::Fstat { .. } => Response::status(StatusCode::OP_UNSUPPORTED, "").encode(id, out),
            Request::Stat { .. } => Response::Attributes(Attributes::default()).encode(id, out),
            _ => return false,
        }
        true
    })
    .await;
    for len in SIZES {
        s.assert_arrives(len).await;
    }
    assert_eq!(s.client.stat(&path("f")).await.unwrap().size, None);
}

#[tokio::test]
async fn answers_may_come_in_another_order() {
    let held: Arc<Mutex<Vec<BytesMut>>> = Arc::default();
    let s = serving(move |files, id, request, out| {
        if !matches!(request, Request::Read { .. } | Request::Write { .. }) {
            return false;
        }
        let mut answer = BytesMut::new();
        files.respond(id, request, &mut answer);
        let mut held = held.lock().unwrap();
        held.push(answer);
        if held.len() == 8 {
            held.drain(..)
                .rev()
                .for_each(|answer| out.extend_from_slice(&answer));
        }
        true
    })
    .await;
    // As many blocks as make whole groups.
    let len = 261_120 * 31 + 5;
    let bytes = s.file("f", len);
    assert!(s.fetch("f", Some(len as u64)).await == bytes);
    s.store("up", &bytes).await.unwrap();
    assert!(std::fs::read(s.folder.path().join("up")).unwrap() == bytes);
}

#[tokio::test]
async fn refusals_have_their_kind() {
    let s = serving(|_, id, request, out| {
        let (code, text) = match request {
            Request::Write { .. } => (StatusCode::FAILURE, "write: No space left on device"),
            Request::SetStat { .. } => (StatusCode::OP_UNSUPPORTED, ""),
            Request::Remove { .. } => (StatusCode::PERMISSION_DENIED, "not you"),
            _ => return false,
        };
        Response::status(code, text).encode(id, out);
        true
    })
    .await;
    assert_eq!(
        s.store("f", &pattern(3_000_000)).await.unwrap_err().kind(),
        ErrorKind::Full
    );
    assert_eq!(
        s.client
            .set_permissions(&path("f"), 0o600)
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::Unsupported
    );
    let error = s
        .client
        .remove(&path("f"), courier_transfer::EntryKind::File)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.to_string().contains("not you"), "{error}");
    let mut writer = s
        .client
        .create(&path("g"), CreateOptions::default())
        .await
        .unwrap();
    let wrote = async {
        writer.write(pattern(300_000).into()).await?;
        writer.finish().await
    };
    assert_eq!(wrote.await.unwrap_err().kind(), ErrorKind::Full);
}

#[tokio::test]
async fn a_close_that_fails_fails_the_upload() {
    let s = serving(|_, id, request, out| {
        let Request::Close { .. } = request else {
            return false;
        };
        Response::status(StatusCode::QUOTA_EXCEEDED, "").encode(id, out);
        true
    })
    .await;
    assert_eq!(s.store("f", b"x").await.unwrap_err().kind(), ErrorKind::Full);
    let mut writer = s
        .client
        .create(&path("g"), CreateOptions::default())
        .await
        .unwrap();
    writer.write(pattern(10).into()).await.unwrap();
    assert_eq!(writer.finish().await.unwrap_err().kind(), ErrorKind::Full);
}
