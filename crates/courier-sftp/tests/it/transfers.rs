//! Files that are large, many, or interrupted.

use std::{
    fs::{self, File},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use courier_transfer::{
    Client, CreateOptions, ErrorKind, Fetch, FileSink, FileSource, NoProgress, Progress, RemotePath, Store,
};
use futures::{StreamExt, stream};
use serde_json::json;

use crate::{
    client::{Try, path},
    sshd::Sshd,
};

fn fetch(local: &std::path::Path, progress: Arc<dyn Progress>, size_hint: Option<u64>) -> Fetch {
    let sink = Arc::new(FileSink::new(File::create(local).unwrap(), local, 0, progress));
    Fetch::new(sink, 0, size_hint)
}

fn store(local: &std::path::Path, progress: Arc<dyn Progress>) -> Store {
    let source = Arc::new(FileSource::new(File::open(local).unwrap(), local, progress));
    Store::new(source, CreateOptions::default(), None)
}

/// A file of numbers, so that every block differs.
fn large(path: &std::path::Path, len: u64) {
    use std::io::Write;
    let mut file = std::io::BufWriter::new(File::create(path).unwrap());
    (0..len / 8).for_each(|i: u64| file.write_all(&i.to_le_bytes()).unwrap());
}

fn same(a: &std::path::Path, b: &std::path::Path) -> bool {
    std::process::Command::new("cmp")
        .args([a, b])
        .status()
        .unwrap()
        .success()
}

#[derive(Debug, Default)]
struct Reached(AtomicU64);

impl Progress for Reached {
    fn reached(&self, offset: u64) {
        assert!(self.0.swap(offset, Ordering::Relaxed) <= offset);
    }
}

async fn up_and_down(server: &Sshd, client: &dyn Client, len: u64) {
    let folder = server.folder();
    let (local, remote, back) = (folder.join("local"), folder.join("remote"), folder.join("back"));
    large(&local, len);
    let up = Arc::new(Reached::default());
    let request = store(&local, Arc::<Reached>::clone(&up));
    assert_eq!(client.store(&path(&remote), request).await.unwrap(), len);
    assert_eq!(up.0.load(Ordering::Relaxed), len);
    assert!(same(&local, &remote));
    let down = Arc::new(Reached::default());
    let request = fetch(&back, Arc::<Reached>::clone(&down), Some(len));
    assert_eq!(client.fetch(&path(&remote), request).await.unwrap(), len);
    assert_eq!(down.0.load(Ordering::Relaxed), len);
    assert!(same(&local, &back));
}

#[tokio::test]
async fn a_large_file_survives_rekeying_by_the_server() {
    let server = Sshd::with("RekeyLimit 16M");
    let client = Try::sshd(&server).connect().await.unwrap();
    up_and_down(&server, &*client, 200 << 20).await;
}

#[tokio::test]
async fn every_cipher_moves_a_file() {
    let server = Sshd::with("Ciphers +aes128-cbc,aes256-cbc,3des-cbc\nMACs +hmac-sha1");
    for cipher in [
        "aes256-gcm@openssh.com",
        "chacha20-poly1305@openssh.com",
        "aes128-ctr",
        "aes256-ctr",
        "aes256-cbc",
    ] {
        let attempt = Try::sshd(&server).setting("ssh_algorithms", json!({"encryption": [cipher]}));
        let client = attempt.connect().await.unwrap();
        assert!(client.server().negotiated.as_ref().unwrap().starts_with(cipher));
        up_and_down(&server, &*client, 3 << 20).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_small_files_at_once() {
    const FILES: usize = 500;
    let server = Sshd::start();
    let client = Try::sshd(&server).connect().await.unwrap();
    let folder = server.folder();
    for dir in ["local", "remote", "back"] {
        fs::create_dir(folder.join(dir)).unwrap();
    }
    for i in 0..FILES {
        fs::write(folder.join(format!("local/{i}")), vec![i as u8; i * 97 % 5000]).unwrap();
    }
    stream::iter(0..FILES)
        .for_each_concurrent(64, |i| {
            let (client, folder) = (Arc::clone(&client), folder.clone());
            async move {
                let size = (i * 97 % 5000) as u64;
                let (local, remote) = (
                    folder.join(format!("local/{i}")),
                    folder.join(format!("remote/{i}")),
                );
                let back = folder.join(format!("back/{i}"));
                client
                    .store(&path(&remote), store(&local, Arc::new(NoProgress)))
                    .await
                    .unwrap();
                // A right promise, a wrong one each way, and none.
                let hint = [Some(size), Some(size / 2), Some(size + 9), None][i % 4];
                let reached = client
                    .fetch(&path(&remote), fetch(&back, Arc::new(NoProgress), hint))
                    .await
                    .unwrap();
                assert_eq!(reached, size);
                assert!(fs::read(local).unwrap() == fs::read(back).unwrap());
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_are_answered_during_an_upload() {
    let server = Sshd::start();
    let client = Try::sshd(&server).connect().await.unwrap();
    let folder = server.folder();
    let local = folder.join("local");
    large(&local, 300 << 20);
    let uploading = {
        let (client, remote) = (Arc::clone(&client), path(folder.join("remote")));
        let request = store(&local, Arc::new(NoProgress));
        tokio::spawn(async move { client.store(&remote, request).await.unwrap() })
    };
    let mut answered = 0;
    while !uploading.is_finished() {
        client.stat(&path(&folder)).await.unwrap();
        answered += 1;
    }
    assert!(answered > 20, "{answered} answers during the upload");
    uploading.await.unwrap();
    assert!(same(&local, &folder.join("remote")));
}

/// More files than may be open at once, each held for a while.
#[tokio::test]
async fn more_than_128_files_wait_for_their_turn() {
    let server = Sshd::start();
    let client = Try::sshd(&server).connect().await.unwrap();
    let file = server.folder().join("f");
    fs::write(&file, b"x").unwrap();
    let open = |_| async {
        let mut reader = client.open(&path(&file), Default::default()).await.unwrap();
        tokio::task::yield_now().await;
        assert_eq!(reader.read().await.unwrap().unwrap(), "x");
    };
    stream::iter(0..300).for_each_concurrent(300, open).await;
}

/// Nobody waits for long, nobody gets an answer that is not one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_is_lost_within_seconds() {
    let server = Sshd::start();
    let client = Try::sshd(&server).connect().await.unwrap();
    let folder = server.folder();
    large(&folder.join("f"), 400 << 20);
    let reached = Arc::new(Reached::default());
    let fetching = {
        let (client, remote) = (Arc::clone(&client), path(folder.join("f")));
        let request = fetch(
            &folder.join("back"),
            Arc::<Reached>::clone(&reached),
            Some(400 << 20),
        );
        tokio::spawn(async move { client.fetch(&remote, request).await })
    };
    while reached.0.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    server.signal_sessions("-KILL");
    let killed = Instant::now();
    let error = fetching.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lost, "{error:?}");
    assert!(killed.elapsed() < Duration::from_secs(3));
    assert!(!client.is_connected());
    assert_eq!(
        client.stat(&RemotePath::home()).await.unwrap_err().kind(),
        ErrorKind::Lost
    );
    client.disconnect().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_server_is_noticed_by_keepalives() {
    let server = Sshd::start();
    let client = Try::sshd(&server)
        .keepalive(Duration::from_millis(100))
        .connect()
        .await
        .unwrap();
    client.keepalive().await.unwrap();
    server.signal_sessions("-STOP");
    let error = client.stat(&RemotePath::home()).await.unwrap_err();
    server.signal_sessions("-CONT");
    assert_eq!(error.kind(), ErrorKind::Lost, "{error:?}");
    assert!(error.to_string().contains("stopped answering"), "{error}");
}

/// A server that takes nothing more does not keep anybody from leaving.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_server_can_be_left() {
    let server = Sshd::start();
    let client = Try::sshd(&server).connect().await.unwrap();
    let folder = server.folder();
    large(&folder.join("local"), 64 << 20);
    let reached = Arc::new(Reached::default());
    let storing = {
        let (client, remote) = (Arc::clone(&client), path(folder.join("remote")));
        let request = store(&folder.join("local"), Arc::<Reached>::clone(&reached));
        tokio::spawn(async move { client.store(&remote, request).await })
    };
    while reached.0.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    server.signal_sessions("-STOP");
    let started = Instant::now();
    client.disconnect().await.unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(4),
        "{:?}",
        started.elapsed()
    );
    server.signal_sessions("-CONT");
    assert!(storing.await.unwrap().is_err());
}

/// A dropped transfer leaves no handle behind and writes nothing more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_transfers_hold_nothing() {
    let server = Sshd::start();
    let client = Try::sshd(&server).connect().await.unwrap();
    let folder = server.folder();
    large(&folder.join("f"), 64 << 20);
    for i in 0..150 {
        let reached = Arc::new(Reached::default());
        let request = fetch(
            &folder.join("back"),
            Arc::<Reached>::clone(&reached),
            Some(64 << 20),
        );
        let remote = path(folder.join("f"));
        let fetching = client.fetch(&remote, request);
        let moving = async {
            while i % 2 == 0 && reached.0.load(Ordering::Relaxed) == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            result = fetching => drop(result.unwrap()),
            () = moving => {}
        }
    }
    let (back, remote) = (folder.join("back"), path(folder.join("f")));
    client
        .fetch(&remote, fetch(&back, Arc::new(NoProgress), None))
        .await
        .unwrap();
    assert!(same(&folder.join("f"), &back));
}
