//! What OpenSSH does to pulls.

use std::fs;

use courier_transfer::testkit::Proxy;
use serde_json::{Value, json};

use super::{Pulls, says};
use crate::support::{Sshd, wait_until};

fn server() -> Sshd {
    let sshd = Sshd::start();
    sshd.file("outbox/first.txt", "1");
    sshd
}

#[test]
fn a_changed_host_key_stops_the_ticks_until_it_is_approved() {
    let sshd = server();
    let pulls = Pulls::sftp(&sshd);
    pulls.map_and_pull();
    let old = sshd.fingerprint();
    sshd.change_host_key();
    let detail = pulls.becomes("requires_attention", "host_key_changed");
    says(
        &detail,
        &[&old, &sshd.fingerprint(), "approve", "Nothing is tried until"],
    );
    pulls.told("waits for somebody's decision");
    sshd.file("outbox/second.txt", "2");
    let visits = sshd.visits().opened();
    assert_eq!(pulls.ticks(3), 0, "executions");
    assert_eq!(sshd.visits().opened(), visits, "sessions");
    let approve = ["connection", "approve-host-key", "partner", &sshd.fingerprint()];
    pulls.admin.ok(approve);
    pulls.recovers("second.txt");
    pulls.told("is healthy again");
}

#[test]
fn a_refused_key_stops_the_ticks_until_a_test_succeeds() {
    let sshd = server();
    let pulls = Pulls::sftp(&sshd);
    pulls.map_and_pull();
    let key = pulls.admin.ok(["key", "public", "key"]).stdout;
    sshd.refuse(&key);
    let detail = pulls.becomes("requires_attention", "key_rejected");
    says(&detail, &["install one of the connection's public keys", "test"]);
    let visits = sshd.visits().opened();
    assert_eq!(pulls.ticks(3), 0, "one failure is enough: servers lock accounts");
    assert_eq!(sshd.visits().opened(), visits);
    // Who tests while nothing has changed changes nothing.
    assert_ne!(pulls.admin.run(["connection", "test", "partner"]).code, 0);
    assert_eq!(pulls.ticks(1), 0);
    sshd.authorize(&key);
    sshd.file("outbox/second.txt", "2");
    pulls.admin.ok(["connection", "test", "partner"]);
    pulls.recovers("second.txt");
}

#[test]
fn a_folder_that_is_gone_or_closed_is_named_and_found_again() {
    let sshd = server();
    let pulls = Pulls::sftp(&sshd);
    pulls.map_and_pull();
    let (folder, away) = (sshd.files().join("outbox"), sshd.files().join("away"));
    fs::rename(&folder, &away).unwrap();
    let detail = pulls.becomes("failing", "folder_missing");
    says(&detail, &["outbox", "Failing since", "It is tried again at"]);
    pulls.told("The folder mapping \"in\"");
    let shown = pulls.connection()["health_detail"].clone();
    says(shown.as_str().unwrap(), &["the folder mapping \"in\"", "outbox"]);
    assert_ne!(pulls.mapping()["failing_since"], Value::Null);
    fs::rename(&away, &folder).unwrap();
    sshd.file("outbox/second.txt", "2");
    pulls.recovers("second.txt");
    pulls.told("is healthy again");

    sshd.configure("ForceCommand internal-sftp -P opendir");
    let detail = pulls.becomes("failing", "folder_denied");
    says(&detail, &["outbox", "It is tried again at"]);
    sshd.configure("ForceCommand internal-sftp");
    sshd.file("outbox/third.txt", "3");
    pulls.recovers("third.txt");
}

#[test]
fn a_server_that_is_away_is_tried_again_by_itself() {
    let sshd = server();
    let line = Proxy::to(sshd.port());
    let pulls = Pulls::sftp_at(&sshd, line.port());
    pulls.map_and_pull();
    line.refuse();
    line.cut();
    let detail = pulls.becomes("failing", "unreachable");
    says(
        &detail,
        &[
            "see that the server runs",
            "Failing since",
            "It is tried again at",
        ],
    );
    pulls.told("The connection \"partner\" fails");
    wait_until("it to be tried again", || {
        pulls.mapping()["failures"].as_u64() > Some(1)
    });
    sshd.file("outbox/second.txt", "2");
    line.accept();
    pulls.recovers("second.txt");
    pulls.told("is healthy again");
}

#[test]
fn a_connection_that_is_disabled_says_so() {
    let sshd = server();
    let pulls = Pulls::sftp(&sshd);
    pulls.map_and_pull();
    let status = |status: &str| {
        let set = format!("status={status}");
        pulls.admin.ok(["connection", "update", "partner", "--set", &set]);
    };
    status("disabled");
    let mut last = Value::Null;
    wait_until("the mapping to say so", || {
        last = pulls.mapping();
        last["health_code"] == "connection_disabled"
    });
    assert_eq!(last["health"], json!("unknown"));
    says(
        last["health_detail"].as_str().unwrap(),
        &["\"partner\" is disabled", "set its status to active"],
    );
    assert_eq!(pulls.ticks(2), 0);
    status("active");
    sshd.file("outbox/second.txt", "2");
    pulls.recovers("second.txt");
}
