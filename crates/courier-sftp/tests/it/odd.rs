//! Servers that are odd, and servers that are hostile.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::{BufMut, BytesMut};
use courier_sftp::{
    codec::{Attributes, NameEntry, Request, Response, StatusCode},
    server::{Files, Responder, RunningServer, SftpServer},
};
use courier_transfer::{
    Client, CreateOptions, Entry, ErrorKind, Listed, OpenOptions, RemotePath, RenameMode, Store,
    testkit::{BytesSink, BytesSource},
};
use futures::StreamExt;
use tempfile::TempDir;

use crate::own_server::{try_it, user};

/// Serves a folder, except for what `act` answers itself.
struct Odd<F> {
    files: Files,
    act: F,
}

impl<F: FnMut(&mut Files, u32, &Request<'_>, &mut BytesMut) -> bool + Send> Responder for Odd<F> {
    fn respond(&mut self, id: u32, request: &Request<'_>, out: &mut BytesMut) {
        if !(self.act)(&mut self.files, id, request, out) {
            self.files.respond(id, request, out);
        }
    }
}

struct Serving {
    client: Arc<dyn Client>,
    folder: TempDir,
    _server: RunningServer,
}

async fn serving<F>(act: F) -> Serving
where
    F: FnMut(&mut Files, u32, &Request<'_>, &mut BytesMut) -> bool + Clone + Send + Sync + 'static,
{
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_owned();
    let make = move || {
        Box::new(Odd {
            files: Files::new(&root).unwrap(),
            act: act.clone(),
        }) as Box<dyn Responder>
    };
    let server = SftpServer::builder()
        .user(user())
        .responder(make)
        .start()
        .unwrap();
    let client = try_it(&server).connect().await.unwrap();
    Serving {
        client,
        folder,
        _server: server,
    }
}

fn path(path: &str) -> RemotePath {
    RemotePath::new(path).unwrap()
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + i / 251) as u8).collect()
}

impl Serving {
    fn file(&self, name: &str, len: usize) -> Vec<u8> {
        let bytes = pattern(len);
        std::fs::write(self.folder.path().join(name), &bytes).unwrap();
        bytes
    }

    async fn fetch(&self, name: &str, hint: Option<u64>) -> Vec<u8> {
        let sink = Arc::new(BytesSink::default());
        let reached = self
            .client
            .fetch(&path(name), sink.request(0, hint))
            .await
            .unwrap();
        let bytes = sink.bytes();
        assert_eq!(reached, bytes.len() as u64);
        bytes
    }

    async fn read(&self, name: &str) -> Vec<u8> {
        let mut reader = self
            .client
            .open(&path(name), OpenOptions::default())
            .await
            .unwrap();
        let mut bytes = Vec::new();
        while let Some(read) = reader.read().await.unwrap() {
            bytes.extend_from_slice(&read);
        }
        bytes
    }

    async fn store(&self, name: &str, bytes: &[u8]) -> courier_transfer::Result<u64> {
        let source = BytesSource::new(bytes.to_vec());
        self.client
            .store(&path(name), Store::new(source, CreateOptions::default()))
            .await
    }

    /// The file arrives whole, whatever its size was said to be.
    async fn assert_arrives(&self, len: usize) {
        let bytes = self.file("f", len);
        let len = len as u64;
        for hint in [
            None,
            Some(len),
            Some(0),
            Some(len / 2),
            Some(len + 1),
            Some(len * 3 + 7),
        ] {
            assert!(
                self.fetch("f", hint).await == bytes,
                "{len} bytes, {hint:?} promised"
            );
        }
        assert!(self.read("f").await == bytes, "{len} bytes read");
    }

    /// The next operation says that the server broke the protocol, soon.
    async fn assert_dies(&self) {
        self.file("f", 100_000);
        let started = Instant::now();
        let sink = Arc::new(BytesSink::default());
        let error = self
            .client
            .fetch(&path("f"), sink.request(0, Some(100_000)))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error:?}");
        let error = self.client.stat(&path("f")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error:?}");
        assert!(!self.client.is_connected());
        assert!(started.elapsed() < Duration::from_secs(3));
    }
}

const SIZES: [usize; 7] = [0, 1, 999, 1000, 32 * 1024, 261_120, 700_001];

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
async fn names_that_could_escape_are_reported() {
    let s = serving(|_, id, request, out| {
        let Request::ReadDir { .. } = request else {
            return false;
        };
        let names: [&[u8]; 8] = [b".", b"..", b"../x", b"a/b", b"", b"a\nb", b"a\0b", b"\xff good"];
        let entry = |name| NameEntry {
            name,
            long_name: b"-rw-r--r-- x",
            attributes: Attributes::default(),
        };
        match out.is_empty() && !std::mem::replace(&mut *DONE.lock().unwrap(), true) {
            true => Response::Name(names.into_iter().map(entry).collect()).encode(id, out),
            false => Response::status(StatusCode::EOF, "").encode(id, out),
        }
        true
    })
    .await;
    static DONE: Mutex<bool> = Mutex::new(false);
    let listing: Vec<_> = s
        .client
        .list(&path("/"))
        .await
        .unwrap()
        .map(|l| l.unwrap())
        .collect()
        .await;
    let (good, bad): (Vec<_>, Vec<_>) = listing.into_iter().partition(|l| matches!(l, Listed::Entry(_)));
    assert_eq!(bad.len(), 5, "{bad:?}");
    let [Listed::Entry(Entry { path, kind, size, .. })] = good.as_slice() else {
        panic!("{good:?}")
    };
    assert_eq!(path.as_wire(), b"/\xff good");
    assert_eq!((*kind, *size), (courier_transfer::EntryKind::File, None));
}

#[tokio::test]
async fn an_endless_listing_can_be_left() {
    let s = serving(|_, id, request, out| {
        let Request::ReadDir { .. } = request else {
            return false;
        };
        let names: Vec<_> = (0..100).map(|i| format!("{id}-{i}")).collect();
        let entry = |name: &'static str| NameEntry {
            name: name.as_bytes(),
            long_name: b"",
            attributes: Attributes::default(),
        };
        let names: Vec<&'static str> = names.into_iter().map(|n| &*n.leak()).collect();
        Response::Name(names.into_iter().map(entry).collect()).encode(id, out);
        true
    })
    .await;
    let listed = s
        .client
        .list(&path("/"))
        .await
        .unwrap()
        .take(20_000)
        .count()
        .await;
    assert_eq!(listed, 20_000);
    s.client.stat(&path("/")).await.unwrap();
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
