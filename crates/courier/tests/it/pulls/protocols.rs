//! A mapped folder over each protocol, from the first tick to the replay: as docs/pulls.md tells it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::{history, recorded};
use crate::support::{
    Arrived, Cli, Destination, FTP_PASSWORD, Ftpd, Serve, Software, Sshd, arrived, content, user, wait_until,
};

/// A server of Courier's with a connection `partner`, whose files are these on our disk.
struct Pulled<P: Fn(&str, &[u8])> {
    serve: Serve,
    admin: Cli,
    files: PathBuf,
    /// Puts a file on the server.
    put: P,
    destination: Destination,
}

impl<P: Fn(&str, &[u8])> Pulled<P> {
    /// The mapping `in` of the folder `outbox`, which pulls each second.
    fn new(serve: Serve, connection: &Value, files: PathBuf, put: P) -> Self {
        let admin = serve.admin();
        fs::write(admin.path("connection.json"), connection.to_string()).unwrap();
        let create = "connection create partner -f connection.json".split(' ');
        match connection["protocol"] == "sftp" {
            true => admin.ok(create.chain(["--ssh-key", "key"])),
            false => admin.ok(create),
        };
        put("outbox/a.csv", b"1");
        let destination = Destination::folder();
        destination.add(&admin, "arrivals");
        let map = "mapping add partner outbox --name in --pattern **/*.csv --prefix partner --to arrivals \
                   --every 1s --min-age 0s";
        admin.ok(map.split_whitespace());
        Self {
            serve,
            admin,
            files,
            put,
            destination,
        }
    }

    /// Waits until the history has so many files, and sees that they are those of the storage.
    #[track_caller]
    fn has(&self, files: usize) -> Arrived {
        wait_until("the files to be pulled", || history(&self.admin).len() >= files);
        let found = self.destination.files();
        assert_eq!(recorded(&self.admin), found);
        assert_eq!(found.len(), files, "{found:?}");
        found
    }

    /// The newest entry of the history that has this in its path.
    fn entry(&self, path: &str) -> Value {
        let history = ["connection", "history", "partner", "--json", "--path", path];
        self.admin.ok(history).json()[0].clone()
    }

    /// A file's time, so many seconds after 2026-03-01.
    fn changed(&self, path: &str, seconds: u64) {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_323_200 + seconds);
        let file = File::options().write(true).open(self.files.join(path));
        file.unwrap().set_modified(at).unwrap();
    }

    fn arrives_once(mut self) {
        let first = BTreeMap::from([
            ("a.csv", b"1".to_vec()),
            ("empty.csv", Vec::new()),
            ("deep/er/b.csv", content(5_000, 1)),
            ("deep/ä ö.csv", content(100, 2)),
            ("big.csv", content(3_000_000, 3)),
        ]);
        for (name, bytes) in &first {
            (self.put)(&format!("outbox/{name}"), bytes);
        }
        for name in ["notes.txt", "half.csv.part", ".hidden.csv"] {
            (self.put)(&format!("outbox/{name}"), b"not wanted");
        }
        // That of a.csv may have been pulled before it was all there, as another version.
        let found = self.has(first.len());
        for (name, bytes) in &first {
            assert_eq!(found[&format!("partner/{name}")], arrived(bytes), "{name}");
        }

        // Another version comes beside the first one.
        (self.put)("outbox/deep/er/b.csv", b"second version");
        self.changed("outbox/deep/er/b.csv", 0);
        let found = self.has(6);
        assert_eq!(
            found["partner/deep/er/b.20260301T000000Z.csv"],
            arrived(b"second version")
        );

        // A replay comes beside both.
        let entry = self.entry("er/b.csv");
        let id = entry["id"].as_str().unwrap();
        self.admin.ok(["connection", "replay", "partner", id, "--watch"]);
        let found = self.has(7);
        assert_eq!(
            found["partner/deep/er/b.20260301T000000Z-2.csv"],
            arrived(b"second version")
        );
        assert_eq!(self.entry("er/b.csv")["replay_of"], entry["id"]);

        // What a changed mapping does to files that are pulled from now on.
        self.admin.ok([
            "mapping",
            "edit",
            "in",
            "--marker-suffix",
            ".done",
            "--move-to",
            "done",
        ]);
        // A pull that runs goes by what the mapping was when it began.
        self.admin.ok(["mapping", "run", "in", "--watch"]);
        (self.put)("outbox/deep/c.csv", b"third");
        self.admin.ok(["mapping", "run", "in", "--watch"]);
        self.has(7);
        (self.put)("outbox/deep/c.csv.done", b"");
        let found = self.has(8);
        assert_eq!(found["partner/deep/c.csv"], arrived(b"third"));
        let moved = |name: &str| self.files.join("outbox/done/deep").join(name).exists();
        wait_until("the file and its marker to be moved", || {
            moved("c.csv") && moved("c.csv.done")
        });
        assert!(!self.files.join("outbox/deep/c.csv").exists());
        assert!(
            self.files.join("outbox/a.csv").exists(),
            "pulled before the change"
        );

        // Nothing of it is forgotten by a new start, and each of them is in the audit log.
        self.serve.kill();
        self.serve.start_again();
        self.admin = self.admin.env("COURIER_SERVER", &self.serve.url);
        self.admin.ok(["mapping", "run", "in", "--watch"]);
        assert_eq!(self.has(8), found);
        let audit = "audit list --connection partner --operation file_pulled --limit 1000 --json";
        let audit = self.admin.ok(audit.split(' ')).json();
        assert_eq!(audit.as_array().unwrap().len(), 8);
        let shown = self.admin.ok(["mapping", "show", "in", "--json"]).json();
        assert_eq!(shown["health"], "healthy", "{shown}");
    }
}

#[test]
fn sftp_from_openssh() {
    let sshd = Sshd::start();
    let serve = Serve::start();
    let admin = serve.admin();
    admin.ok(["key", "generate", "key"]);
    sshd.authorize(&admin.ok(["key", "public", "key"]).stdout);
    let connection = json!({
        "protocol": "sftp", "host": "127.0.0.1", "port": sshd.port(), "username": user(),
        "base_path": sshd.files(),
    });
    let put = |path: &str, bytes: &[u8]| drop(sshd.file(path, bytes));
    Pulled::new(serve, &connection, sshd.files(), put).arrives_once();
}

fn from_ftp(server: &Ftpd, more: &Value) {
    let mut connection = json!({
        "protocol": "ftp", "host": "127.0.0.1", "port": server.port(), "username": "ftp",
        "auth_method": "password", "password": FTP_PASSWORD, "base_path": "/files",
    });
    let more = more.as_object().unwrap().clone();
    connection.as_object_mut().unwrap().extend(more);
    let put = |path: &str, bytes: &[u8]| server.file(path, bytes);
    Pulled::new(Serve::start(), &connection, server.files(), put).arrives_once();
}

#[test]
fn ftp_from_vsftpd() {
    from_ftp(&Ftpd::start(Software::Vsftpd, "ftp"), &json!({}));
}

#[test]
fn ftps_from_proftpd() {
    let server = Ftpd::start(Software::ProFtpd, "ftpes");
    let tls = json!({
        "protocol": "ftps", "tls_cert_policy": "pinned_thumbprint", "tls_pinned_thumbprint": server.thumbprint(),
    });
    from_ftp(&server, &tls);
}

#[test]
fn local_from_this_disk() {
    let serve = Serve::start();
    let files = serve.data().join("files/partner");
    fs::create_dir_all(&files).unwrap();
    let connection = json!({"protocol": "local", "base_path": files});
    let to = files.clone();
    let put = move |path: &str, bytes: &[u8]| {
        let path = to.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    Pulled::new(serve, &connection, files, put).arrives_once();
}
