//! Servers that are odd, and servers that are hostile.

mod hostility;
mod listings;
mod places;
mod refusals;
mod tolerance;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use courier_sftp::{
    codec::Request,
    server::{Files, Responder, RunningServer, SftpServer},
};
use courier_transfer::{
    Client, CreateOptions, ErrorKind, OpenOptions, RemotePath, Store,
    testkit::{BytesSink, BytesSource},
};
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

#[derive(Debug)]
struct Serving {
    client: Arc<dyn Client>,
    folder: TempDir,
    _server: RunningServer,
}

/// A session with a server that `act` makes odd.
async fn serving<F>(act: F) -> Serving
where
    F: FnMut(&mut Files, u32, &Request<'_>, &mut BytesMut) -> bool + Clone + Send + Sync + 'static,
{
    connecting(act).await.unwrap()
}

/// The same, where it may fail.
async fn connecting<F>(act: F) -> courier_transfer::Result<Serving>
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
    Ok(Serving {
        client: try_it(&server).connect().await?,
        folder,
        _server: server,
    })
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
            .store(&path(name), Store::new(source, CreateOptions::default(), None))
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
