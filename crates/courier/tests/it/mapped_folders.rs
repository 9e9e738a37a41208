//! What is found in mapped folders of real servers: each version of a file once, whatever their listings tell of times, and
//! nothing that lies outside.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::support::{Cli, FTP_PASSWORD, Ftpd, Serve, Software, Sshd, user};

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;

/// A server of Courier's with a connection `partner` whose base path is this folder, as it lies on this disk.
struct Partner {
    serve: Serve,
    admin: Cli,
    files: PathBuf,
}

impl Partner {
    fn of(serve: Serve, connection: &Value, files: PathBuf) -> Self {
        let admin = serve.admin();
        fs::write(admin.path("connection.json"), connection.to_string()).unwrap();
        let create = "connection create partner -f connection.json".split(' ');
        match connection["protocol"] == "sftp" {
            true => admin.ok(create.chain(["--ssh-key", "key"])),
            false => admin.ok(create),
        };
        Self { serve, admin, files }
    }

    fn ftp(server: &Ftpd) -> Self {
        let connection = json!({
            "protocol": "ftp", "host": "127.0.0.1", "port": server.port(), "username": "ftp",
            "auth_method": "password", "password": FTP_PASSWORD, "base_path": "/files",
        });
        Self::of(Serve::start(), &connection, server.files())
    }

    fn map(&self, folder: &str, more: &[&str]) {
        let add = [
            "mapping", "add", "partner", folder, "--name", folder, "--every", "1d",
        ];
        self.admin.ok(add.into_iter().chain(more.iter().copied()));
    }

    /// Puts a file there that was changed so many seconds ago.
    fn put(&self, path: &str, content: &str, age: u64) {
        let path = self.files.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        changed(&path, age);
    }

    fn pull(&self, mapping: &str) {
        self.admin.ok(["mapping", "run", mapping, "--watch"]);
    }

    fn dry_run(&self, mapping: &str) -> Value {
        self.admin.ok(["mapping", "dry-run", mapping, "--json"]).json()
    }

    /// How many entries the history has.
    fn history(&self) -> usize {
        let history = self
            .admin
            .ok(["connection", "history", "partner", "--json"])
            .json();
        history.as_array().unwrap().len()
    }
}

/// Sets a file's time, so many seconds ago, in the middle of a minute.
fn changed(path: &Path, age: u64) {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let at = (now - age) / MINUTE * MINUTE + 30;
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(at))
        .unwrap();
}

fn later(path: &Path, by: u64) {
    let file = File::options().write(true).open(path).unwrap();
    let before = file.metadata().unwrap().modified().unwrap();
    file.set_modified(before + Duration::from_secs(by)).unwrap();
}

fn each_version_is_found_once(partner: &Partner) {
    partner.map("outbox", &["--pattern", "**/*.csv"]);
    for (path, age) in [
        ("outbox/young.csv", 5 * MINUTE),
        ("outbox/yesterday.csv", DAY + MINUTE),
        ("outbox/old.csv", 40 * DAY),
        ("outbox/a/b/ancient.csv", 800 * DAY),
    ] {
        partner.put(path, "1,2", age);
    }
    partner.put("outbox/half.csv.part", "1", DAY);
    partner.put("outbox/notes.txt", "1", DAY);
    let told = partner.dry_run("outbox");
    assert_eq!(
        told["counts"],
        json!({"pull": 4, "ignored": 1, "not_matching": 1}),
        "{told}"
    );
    assert_eq!(told["bytes"], 12);
    assert_eq!(partner.history(), 0, "a dry run takes nothing");

    for _ in 0..2 {
        partner.pull("outbox");
        assert_eq!(partner.history(), 4);
        let told = partner.dry_run("outbox");
        assert_eq!(told["counts"]["known"], 4, "{told}");
        assert_eq!(told["counts"]["pull"], Value::Null, "{told}");
    }

    // Of the same size, in the same minute: a listing to the minute doesn't show it.
    later(&partner.files.join("outbox/young.csv"), 7);
    let told = partner.dry_run("outbox");
    let file = &told["files"][0];
    assert_eq!(
        (&told["counts"]["pull"], &file["verdict"]),
        (&json!(1), &json!("pull")),
        "{told}"
    );
    assert!(
        file["reason"].as_str().unwrap().contains("another version"),
        "{told}"
    );
    partner.pull("outbox");
    assert_eq!(partner.history(), 5);
}

fn a_link_that_leads_out_is_refused(partner: &Partner, outside: &str) {
    let out = partner.files.join("out");
    symlink(outside, &out).unwrap();
    let refused = partner.admin.run(["mapping", "add", "partner", "out"]);
    refused.failed_with(2, "outside the base path");
    // Nor where it has become a link since.
    fs::remove_file(&out).unwrap();
    fs::create_dir(&out).unwrap();
    partner.map("out", &[]);
    fs::remove_dir(&out).unwrap();
    symlink(outside, &out).unwrap();
    let refused = partner.admin.run(["mapping", "dry-run", "out"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(refused.stderr.contains("outside the base path"), "{refused:?}");
    let refused = partner.admin.run(["mapping", "run", "out", "--watch"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    partner.map("gone", &[]);
    let refused = partner.admin.run(["mapping", "dry-run", "gone"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(refused.stderr.contains("make it on the server"), "{refused:?}");
}

fn on_ftp(software: Software) {
    let server = Ftpd::start(software, "ftp");
    let partner = Partner::ftp(&server);
    each_version_is_found_once(&partner);
    // The login folder, in which the connection's base path lies.
    a_link_that_leads_out_is_refused(&partner, "..");
}

#[test]
fn in_folders_of_vsftpd() {
    on_ftp(Software::Vsftpd);
}

#[test]
fn in_folders_of_proftpd() {
    on_ftp(Software::ProFtpd);
}

#[test]
fn in_folders_of_pure_ftpd() {
    on_ftp(Software::PureFtpd);
}

#[test]
fn in_folders_of_openssh() {
    let sshd = Sshd::start();
    let serve = Serve::start();
    let admin = serve.admin();
    admin.ok(["key", "generate", "key"]);
    sshd.authorize(&admin.ok(["key", "public", "key"]).stdout);
    let connection = json!({
        "protocol": "sftp", "host": "127.0.0.1", "port": sshd.port(), "username": user(),
        "base_path": sshd.files(),
    });
    let partner = Partner::of(serve, &connection, sshd.files());
    each_version_is_found_once(&partner);
    a_link_that_leads_out_is_refused(&partner, "/");
}

#[test]
fn in_folders_of_this_disk() {
    let serve = Serve::start();
    let files = serve.data().join("files/partner");
    fs::create_dir_all(&files).unwrap();
    let connection = json!({"protocol": "local", "base_path": files});
    let partner = Partner::of(serve, &connection, files);
    each_version_is_found_once(&partner);
    a_link_that_leads_out_is_refused(&partner, "/");
    assert!(partner.serve.data().is_dir());
}
