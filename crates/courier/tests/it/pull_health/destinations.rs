//! What the places where files go do to pulls.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use courier_storage::testkit::Store;
use courier_transfer::testkit::Proxy;
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::{Pulls, says};
use crate::support::{Sshd, content};

fn server() -> Sshd {
    let sshd = Sshd::start();
    sshd.file("outbox/first.txt", "1");
    sshd
}

fn storage(pulls: &Pulls, name: &str, url: &str, credentials: &serde_json::Value) {
    pulls.document(credentials);
    let add = ["storage", "add", name, url];
    match credentials.is_null() {
        true => pulls.admin.ok(add),
        false => pulls
            .admin
            .ok(add.into_iter().chain(["--credentials-file", "document.json"])),
    };
}

#[test]
fn a_full_disk_says_so_and_is_tried_again() {
    let (sshd, disk) = (server(), SmallDisk::new());
    let pulls = Pulls::sftp(&sshd);
    storage(
        &pulls,
        "small",
        &format!("file://{}", disk.path().display()),
        &json!(null),
    );
    pulls.map("small");
    pulls.becomes("healthy", json!(null));
    let stopper = disk.path().join("stopper");
    fs::write(&stopper, content(700_000, 1)).unwrap();
    sshd.file("outbox/second.txt", content(600_000, 2));
    let detail = pulls.becomes("failing", "destination_full");
    says(&detail, &["make room there", "It is tried again at"]);
    assert!(!disk.path().join("second.txt").exists(), "a part of a file");
    pulls.told("The folder mapping \"in\"");
    fs::remove_file(stopper).unwrap();
    pulls.recovers("second.txt");
    assert!(fs::read(disk.path().join("second.txt")).unwrap() == content(600_000, 2));
}

/// A file system of a megabyte, for as long as this lives.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "none"])
            .arg(folder.path())
            .output()
            .unwrap();
        assert!(mount.status.success(), "only root may mount: {mount:?}");
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Also while somebody has a file of it open.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// A store, the line to it, and a mapping that pulls into it.
fn bucket(runtime: &Runtime, sshd: &Sshd) -> (Store, Proxy, Pulls) {
    let store = runtime.block_on(Store::s3());
    let port = store.address().rsplit(':').next().unwrap().parse().unwrap();
    let line = Proxy::to(port);
    let pulls = Pulls::sftp(sshd);
    let url = store.url_through(&format!("http://127.0.0.1:{}", line.port()), "in");
    storage(&pulls, "lake", &url, &store.credentials());
    pulls.map("lake");
    pulls.becomes("healthy", json!(null));
    (store, line, pulls)
}

#[test]
fn a_store_that_is_away_is_tried_again_by_itself() {
    let (runtime, sshd) = (Runtime::new().unwrap(), server());
    let (_store, line, pulls) = bucket(&runtime, &sshd);
    line.refuse();
    line.cut();
    sshd.file("outbox/second.txt", "2");
    let detail = pulls.becomes("failing", "destination_unreachable");
    says(&detail, &["see that the store runs", "It is tried again at"]);
    line.accept();
    pulls.recovers("second.txt");
}

#[test]
fn a_bucket_that_is_closed_or_gone_says_so() {
    let (runtime, sshd) = (Runtime::new().unwrap(), server());
    let (store, _line, pulls) = bucket(&runtime, &sshd);
    // From now on moto knows no access key.
    call(&store, "POST", "/moto-api/reset-auth", "0");
    sshd.file("outbox/second.txt", "2");
    let detail = pulls.becomes("failing", "destination_refused");
    says(
        &detail,
        &["correct the storage's credentials", "test the storage"],
    );
    call(&store, "POST", "/moto-api/reset-auth", "inf");
    pulls.recovers("second.txt");

    call(&store, "POST", "/moto-api/reset", "");
    sshd.file("outbox/third.txt", "3");
    let detail = pulls.becomes("failing", "destination_missing");
    says(&detail, &["pulled", "make it, or correct the"]);
    call(&store, "PUT", "/pulled", "");
    pulls.recovers("third.txt");
    assert_eq!(
        runtime.block_on(store.list()).into_keys().collect::<Vec<_>>(),
        ["in/third.txt"],
        "what was in the bucket went with it, and is not pulled again"
    );
}

/// Asks moto for something, and sees that it is done.
fn call(store: &Store, method: &str, path: &str, body: &str) {
    let mut stream = TcpStream::connect(store.address()).unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{body}",
        store.address(),
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
