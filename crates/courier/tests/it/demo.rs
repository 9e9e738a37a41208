//! `courier demo`: what a newcomer sees.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;

use crate::support::{Cli, signal};

#[test]
fn once_moves_files_and_leaves_nothing() {
    let cli = Cli::new();
    let temporary = tempfile::tempdir().unwrap();
    let cli = cli.env("TMPDIR", temporary.path().to_str().unwrap());
    let outcome = cli.ok(["demo", "--once", "--listen", "127.0.0.1:0"]);
    for part in [
        "host key is pinned: SHA256:",
        "step 2 sftp.download (fetch) completed",
        "delivered",
        "pulled /reports/stock.csv to partner/stock.csv",
        "audit log",
    ] {
        assert!(
            outcome.stdout.contains(part),
            "{part:?} is not in {}",
            outcome.stdout
        );
    }
    assert_eq!(
        fs::read_dir(temporary.path()).unwrap().count(),
        0,
        "the folder is gone"
    );
    assert_eq!(
        fs::read_dir(cli.home()).unwrap().count(),
        0,
        "and nothing was left at home"
    );
}

#[test]
fn it_goes_on_until_ctrl_c_on_a_free_port() {
    let temporary = tempfile::tempdir().unwrap();
    let cli = Cli::new().env("TMPDIR", temporary.path().to_str().unwrap());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let mut child = cli.command(["demo", "--listen", &listen]).spawn().unwrap();
    let mut seen = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        seen.push(line.unwrap());
        if seen.last().unwrap().contains("Ctrl-C ends the demo") {
            break;
        }
    }
    let text = seen.join("\n");
    // Another shell can do what the demo says.
    let variable = |name: &str| {
        let line = seen
            .iter()
            .find(|line| line.contains(name))
            .unwrap_or_else(|| panic!("no {name} in {text}"));
        line.split_once('=').unwrap().1.to_owned()
    };
    let other = Cli::new()
        .env("COURIER_SERVER", variable("export COURIER_SERVER"))
        .env("COURIER_TOKEN", variable("export COURIER_TOKEN"));
    other.ok(["connection", "test", "partner"]);
    let run = other.ok(["job", "run", "inbox-to-outbox", "--watch"]);
    assert!(run.stdout.contains("completed"), "{run:?}");
    let history = other.ok(["connection", "history", "partner"]);
    let versions = history.stdout.matches("partner/stock").count();
    assert!(versions >= 2, "the new version came as well: {history:?}");

    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(0), "{text}");
    assert_eq!(
        fs::read_dir(temporary.path()).unwrap().count(),
        0,
        "the folder is gone"
    );
}
