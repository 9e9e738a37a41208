//! The process dies at each stage of a pull: each file is in the storage once, and in the history once.

use std::fs;

use courier_transfer::testkit::{Direction, Proxy};

use super::recorded;
use crate::support::{Arrived, Cli, Destination, Serve, Sshd, arrived, content, user, wait_until};

/// Where it dies, one death after the other, and how often it comes past there before. The first of a start are passed by what
/// the death before has left.
const DEATHS: [(&str, usize); 10] = [
    ("pull::listed", 0),
    ("pull::intent", 0),
    ("pull::object_begun", 0),
    ("pull::object_begun", 25),
    ("pull::object_done", 0),
    ("pull::object_done", 25),
    ("pull::before_record", 0),
    ("pull::recorded", 1),
    ("pull::before_record", 1),
    ("pull::after_done", 3),
];
/// The small files of a round.
const SMALL: usize = 40;
/// More than one part in each store, and more than is held in memory.
const BIG: usize = 9 * 1024 * 1024 + 1;

struct Killed {
    sshd: Sshd,
    line: Proxy,
    serve: Serve,
    admin: Cli,
    destination: Destination,
}

impl Killed {
    /// A connection, a storage, and the mapping `in`, which is pulled when somebody asks for it.
    fn new(destination: Destination) -> Self {
        let (sshd, serve) = (Sshd::start(), Serve::start());
        let (line, admin) = (Proxy::to(sshd.port()), serve.admin());
        fs::create_dir(sshd.files().join("outbox")).unwrap();
        admin.ok(["key", "generate", "key"]);
        sshd.authorize(&admin.ok(["key", "public", "key"]).stdout);
        let (port, files) = (line.port().to_string(), sshd.files());
        let create = "connection create partner --host 127.0.0.1 --ssh-key key --port";
        let base = format!("base_path={}", files.display());
        let with = [&port, "--username", &user(), "--set", &base].map(str::to_owned);
        admin.ok(create.split(' ').map(str::to_owned).chain(with));
        destination.add(&admin, "arrivals");
        let map = "mapping add partner outbox --name in --pattern ** --every 1d --min-age 0s --to arrivals";
        admin.ok(map.split(' '));
        Self {
            sshd,
            line,
            serve,
            admin,
            destination,
        }
    }

    /// Puts files on the server, below a folder of their own.
    fn put(&self, folder: &str) -> Arrived {
        let mut files = Arrived::new();
        let mut put = |name: String, bytes: Vec<u8>| {
            self.sshd.file(&format!("outbox/{name}"), &bytes);
            files.insert(name, arrived(&bytes));
        };
        for i in 0..SMALL {
            put(format!("{folder}/{i}/small"), content(i * 97, i as u64));
        }
        if folder.starts_with("object") {
            put(format!("{folder}/big"), content(BIG, 1));
        }
        files
    }

    /// The server is at another address after each start.
    fn follow(&mut self) {
        let admin = std::mem::replace(&mut self.admin, Cli::new());
        self.admin = admin.env("COURIER_SERVER", &self.serve.url);
    }

    /// Starts again after the last death: each of these files is there once.
    #[track_caller]
    fn each_is_there_once(&mut self, files: &Arrived) {
        self.serve.start_again();
        self.follow();
        // What was interrupted, which has failed where it ended the process too often; and another one.
        self.admin.run(["mapping", "run", "in", "--watch"]);
        self.admin.ok(["mapping", "run", "in", "--watch"]);
        assert!(recorded(&self.admin) == *files, "the history");
        assert!(self.destination.files() == *files, "the storage");
        assert_eq!(self.destination.marks(), 0, "marks of what is in the history");
    }

    /// How many of these files are on the server.
    fn left(&self, files: &Arrived) -> usize {
        let outbox = self.sshd.files().join("outbox");
        files.keys().filter(|name| outbox.join(name).exists()).count()
    }
}

fn dies_at_each_stage(destination: Destination) {
    let mut killed = Killed::new(destination);
    killed
        .admin
        .ok(["mapping", "edit", "in", "--after-pull", "delete"]);
    killed.serve.kill();
    let mut files = Arrived::new();
    for (stage, before) in DEATHS {
        let folder = format!("{}-{before}", stage.trim_start_matches("pull::"));
        files.extend(killed.put(&folder));
        let at = format!("{stage}={before}*off->return");
        killed.serve.start_again_with("FAILPOINTS", &at);
        killed.follow();
        // What goes on by itself may have ended it before.
        killed.admin.run(["mapping", "run", "in"]);
        killed.serve.died(&at);
    }
    killed.each_is_there_once(&files);
    assert_eq!(killed.left(&files), 0, "all are deleted on the server");
}

#[test]
fn a_death_at_any_stage_leaves_each_file_once_in_a_folder() {
    dies_at_each_stage(Destination::folder());
}

#[test]
fn a_death_at_any_stage_leaves_each_file_once_in_s3() {
    dies_at_each_stage(Destination::s3());
}

#[test]
fn a_death_at_any_stage_leaves_each_file_once_in_azure() {
    dies_at_each_stage(Destination::azblob());
}

/// Somebody kills it while parts of a big file are in the storage.
fn dies_in_a_big_file(destination: Destination) {
    let mut killed = Killed::new(destination);
    let big = content(3 * BIG, 2);
    killed.sshd.file("outbox/x/big", &big);
    let files = Arrived::from([("x/big".to_owned(), arrived(&big))]);
    // So that there is a middle.
    killed.line.throttle(Direction::Down, 16 * 1024 * 1024);
    killed.admin.ok(["mapping", "run", "in"]);
    wait_until("the middle of the file", || {
        killed.line.bytes(Direction::Down) > 2 * BIG as u64
    });
    assert_eq!(killed.destination.files(), Arrived::new(), "a part of a file");
    killed.serve.kill();
    killed.each_is_there_once(&files);
    assert_eq!(killed.left(&files), 1, "kept on the server");
}

#[test]
fn a_kill_in_the_middle_of_a_file_leaves_no_part_of_it_in_a_folder() {
    dies_in_a_big_file(Destination::folder());
}

#[test]
fn a_kill_in_the_middle_of_a_file_leaves_no_part_of_it_in_s3() {
    dies_in_a_big_file(Destination::s3());
}

#[test]
fn a_kill_in_the_middle_of_a_file_leaves_no_part_of_it_in_azure() {
    dies_in_a_big_file(Destination::azblob());
}
