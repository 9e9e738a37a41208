//! Servers that are odd, and are served all the same.

use std::sync::{Arc, Mutex};

use bytes::{BufMut, BytesMut};
use courier_sftp::{
    codec::{Attributes, Request, Response, StatusCode},
    server::Responder,
};
use courier_transfer::{CreateOptions, EntryKind, ErrorKind, Listed, RenameMode};
use futures::StreamExt;

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
            Request::SetStat { .. } | Request::FSetStat { .. } => (StatusCode::OP_UNSUPPORTED, ""),
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

#[tokio::test]
async fn limits_that_tell_nothing_are_none() {
    let s = serving(|_, id, request, out| {
        matches!(request, Request::Limits) && {
            Response::Extended(&[0; 32]).encode(id, out);
            true
        }
    })
    .await;
    for len in SIZES {
        s.assert_arrives(len).await;
    }
}

/// What a server may leave out, and what it may add: strings of a STATUS, long names, extended attributes; a version
/// that is too high.
#[tokio::test]
async fn old_and_new_dialects_are_understood() {
    let listed = Arc::new(Mutex::new(false));
    let s = serving(move |_, id, request, out| {
        let packet = |out: &mut BytesMut, kind: u8, body: &dyn Fn(&mut BytesMut)| {
            let mut rest = BytesMut::new();
            body(&mut rest);
            out.put_u32(u32::try_from(rest.len()).unwrap() + 5);
            out.put_u8(kind);
            out.put_u32(id);
            out.extend_from_slice(&rest);
        };
        let attributes = |out: &mut BytesMut| {
            // Size, permissions, and an extended pair.
            out.put_u32(0x8000_0005);
            out.put_u64(7);
            out.put_u32(0o100_644);
            out.put_u32(1);
            for text in [&b"key@example.com"[..], b"value"] {
                out.put_u32(u32::try_from(text.len()).unwrap());
                out.put_slice(text);
            }
        };
        match request {
            Request::Init => Response::Version {
                version: 6,
                extensions: vec![(b"\xff", b""), (b"", b"\0")],
            }
            .encode(0, out),
            Request::MakeDir { .. } => packet(out, 101, &|out| out.put_u32(0)),
            Request::Remove { .. } => packet(out, 101, &|out| out.put_u32(2)),
            Request::Stat { .. } => packet(out, 105, &attributes),
            Request::ReadDir { .. } if !std::mem::replace(&mut *listed.lock().unwrap(), true) => {
                packet(out, 104, &|out| {
                    out.put_u32(1);
                    out.put_slice(b"\0\0\0\x01a\0\0\0\0");
                    attributes(out);
                });
            }
            Request::ReadDir { .. } => packet(out, 101, &|out| out.put_u32(1)),
            _ => return false,
        }
        true
    })
    .await;
    s.client.make_dir(&path("d")).await.unwrap();
    let error = s.client.remove(&path("f"), EntryKind::File).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(s.client.stat(&path("a")).await.unwrap().size, Some(7));
    let listing: Vec<_> = s.client.list(&path("/")).await.unwrap().collect().await;
    let [Ok(Listed::Entry(entry))] = listing.as_slice() else {
        panic!("{listing:?}")
    };
    assert_eq!((entry.kind, entry.size), (EntryKind::File, Some(7)));
}

/// More files are open than any server allows handles: the rest waits.
#[tokio::test]
async fn many_files_are_open_at_once() {
    let s = serving(|_, _, _, _| false).await;
    for i in 0..300 {
        s.file(&format!("f{i}"), i);
    }
    let names: Vec<_> = (0..300).map(|i| format!("f{i}")).collect();
    let fetched = futures::future::join_all(names.iter().map(|name| s.fetch(name, None))).await;
    assert!(fetched.iter().enumerate().all(|(i, bytes)| bytes.len() == i));
}
