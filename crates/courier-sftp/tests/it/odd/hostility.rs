//! Servers that break the protocol, by mistake or on purpose.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::{BufMut, BytesMut};
use courier_sftp::{
    codec::{Attributes, NameEntry, Request, Response, StatusCode},
    server::Responder,
};
use courier_transfer::{
    Client, ErrorKind,
    layers::Timeouts,
    ops::{self, BatchContext, DownloadOptions, PlanOptions, RemoteGlob},
    testkit::BytesSink,
};
use futures::StreamExt;

use super::{connecting, path, serving};

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

/// A handle of more than 256 bytes, which no server may give.
#[tokio::test]
async fn a_handle_that_is_too_long_ends_it() {
    let s = serving(|_, id, request, out| {
        matches!(request, Request::Open { .. }) && {
            Response::Handle(&[7; 257]).encode(id, out);
            true
        }
    })
    .await;
    s.assert_dies().await;
}

#[tokio::test]
async fn a_listing_that_claims_four_billion_names_ends_it() {
    let s = serving(|_, id, request, out| {
        matches!(request, Request::ReadDir { .. } | Request::Read { .. }) && {
            out.put_slice(&[0, 0, 0, 9, 104]);
            out.put_u32(id);
            out.put_u32(u32::MAX);
            true
        }
    })
    .await;
    let mut listing = s.client.list(&path("/")).await.unwrap();
    let error = listing.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error:?}");
    assert!(listing.next().await.is_none());
    assert!(!s.client.is_connected());
}

/// Answers that nobody asked for, without end, come in the place of the one that was.
#[tokio::test]
async fn data_that_nobody_asked_for_ends_it() {
    let s = serving(|_, id, request, out| {
        matches!(request, Request::Read { .. }) && {
            for other in 1..50 {
                Response::Data(&[0; 1000]).encode(id.wrapping_add(other * 7919), out);
            }
            true
        }
    })
    .await;
    s.assert_dies().await;
}

/// A VERSION that breaks off, one of a later version, one with text for a packet, and a second one.
#[tokio::test]
async fn what_comes_instead_of_version_is_an_error_in_time() {
    let answers: [&[u8]; 4] = [
        &[0, 0, 0, 9, 2, 0, 0, 0, 3, 0, 0, 0, 200],
        &[0, 0, 0, 5, 2, 0, 0, 0, 2],
        b"Welcome to this server!\r\n",
        &[0, 0, 0, 5, 99, 0, 0, 0, 3],
    ];
    for answer in answers {
        let started = Instant::now();
        let error = connecting(move |_, _, request, out| {
            matches!(request, Request::Init) && {
                out.put_slice(answer);
                true
            }
        })
        .await
        .unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Protocol | ErrorKind::Negotiation),
            "{error:?}"
        );
        assert!(started.elapsed() < Duration::from_secs(3));
    }
    let s = serving(|_, _, request, out| {
        matches!(request, Request::Read { .. }) && {
            out.put_slice(&[0, 0, 0, 5, 2, 0, 0, 0, 3]);
            true
        }
    })
    .await;
    s.assert_dies().await;
}

/// A server that sends without end before its VERSION: it ends at the first packet that is none.
#[tokio::test]
async fn a_flood_in_front_of_version_ends_it() {
    let error = connecting(|_, _, request, out| {
        matches!(request, Request::Init) && {
            for id in 0..100_000 {
                Response::Data(&[7; 300]).encode(id, out);
            }
            true
        }
    })
    .await
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error:?}");
}

/// Nothing is written outside the folder, whatever the names say; the rest arrives.
#[tokio::test]
async fn names_of_a_listing_stay_inside_the_target() {
    let asked = Arc::new(AtomicU32::new(0));
    let s = serving(move |files, id, request, out| {
        match request {
            Request::ReadDir { .. } if asked.fetch_add(1, Ordering::Relaxed) == 0 => {
                let names: [&[u8]; 10] = [
                    b"..",
                    b"../escaped",
                    b"/tmp/courier-escaped",
                    b"a/../../escaped",
                    b"nul\0",
                    b"line\nbreak",
                    b"",
                    b"good",
                    b"./escaped",
                    b"..\\escaped",
                ];
                let entries = names.map(|name| NameEntry {
                    name,
                    long_name: b"-rw-r--r-- 1 u g 3 Jan 1 00:00 x",
                    attributes: Attributes {
                        size: Some(3),
                        permissions: Some(0o100_644),
                        ..Attributes::default()
                    },
                });
                Response::Name(entries.to_vec()).encode(id, out);
            }
            Request::ReadDir { .. } => Response::status(StatusCode::EOF, "").encode(id, out),
            // Whatever is asked for is there.
            Request::Open {
                flags, attributes, ..
            } => {
                let open = Request::Open {
                    path: b"/content",
                    flags: *flags,
                    attributes: *attributes,
                };
                files.respond(id, &open, out);
            }
            Request::Stat { path } if *path != b"/" => {
                files.respond(id, &Request::Stat { path: b"/content" }, out);
            }
            _ => return false,
        }
        true
    })
    .await;
    std::fs::write(s.folder.path().join("content"), "abc").unwrap();
    let outer = tempfile::tempdir().unwrap();
    let target = outer.path().join("target");
    std::fs::create_dir(&target).unwrap();
    let options = PlanOptions {
        recursive: true,
        contents: true,
        ..PlanOptions::default()
    };
    let from = RemoteGlob::new("/").unwrap();
    let jobs = ops::plan_downloads(s.client.clone(), from, target.clone(), options, drop);
    let results: Vec<_> = ops::download_all(
        s.client.clone(),
        jobs,
        DownloadOptions::default(),
        BatchContext::default(),
    )
    .collect()
    .await;
    let arrived: Vec<_> = std::fs::read_dir(&target)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        arrived
            .iter()
            .all(|name| ["good", "..\\escaped"].contains(&name.as_str())),
        "{arrived:?}"
    );
    assert_eq!(std::fs::read(target.join("good")).unwrap(), b"abc");
    assert_eq!(
        std::fs::read_dir(outer.path()).unwrap().count(),
        1,
        "nothing beside the target"
    );
    assert!(!std::path::Path::new("/tmp/courier-escaped").exists());
    let refused = results.iter().filter(|done| done.result.is_err()).count();
    assert_eq!(refused, 7, "every name that is none is told");
}

/// READDIR answered with no names for ever.
#[tokio::test]
async fn a_listing_of_nothing_without_end_ends() {
    let s = serving(|_, id, request, out| {
        matches!(request, Request::ReadDir { .. }) && {
            Response::Name(Vec::new()).encode(id, out);
            true
        }
    })
    .await;
    let started = Instant::now();
    let mut listing = s.client.list(&path("/")).await.unwrap();
    let error = listing.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(5));
    s.client.stat(&path("/")).await.unwrap();
}

/// A server that stops in mid-packet: the time limit fires, whatever was under way.
#[tokio::test]
async fn half_a_packet_is_a_timeout() {
    let s = serving(|files, id, request, out| {
        let mut answer = BytesMut::new();
        let halves = match request {
            Request::Read { .. } => true,
            Request::Stat { path } => path.ends_with(b"half"),
            _ => false,
        };
        if halves {
            files.respond(id, request, &mut answer);
            answer.truncate(answer.len() / 2);
            out.extend_from_slice(&answer);
        }
        halves
    })
    .await;
    s.file("f", 100_000);
    let client = Timeouts::new(s.client.clone(), Duration::from_millis(300));
    let sink = Arc::new(BytesSink::default());
    let started = Instant::now();
    let fetched = client.fetch(&path("f"), sink.request(0, Some(100_000))).await;
    assert_eq!(fetched.unwrap_err().kind(), ErrorKind::Timeout);
    let stat = client.stat(&path("half")).await;
    assert_eq!(stat.unwrap_err().kind(), ErrorKind::Timeout);
    assert!(started.elapsed() < Duration::from_secs(5));
}
