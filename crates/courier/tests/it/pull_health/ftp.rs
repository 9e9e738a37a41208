//! What FTP servers do to pulls.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::{Pulls, says};
use crate::support::{FTP_PASSWORD, Ftpd, Software, wait_until};

fn pulls(server: &Ftpd, more: &Value) -> Pulls {
    let mut connection = json!({
        "protocol": "ftp", "host": "127.0.0.1", "port": server.port(), "username": "ftp", "auth_method": "password",
        "password": FTP_PASSWORD, "base_path": "/files", "connect_timeout_sec": 5,
    });
    let (connection_fields, more) = (connection.as_object_mut().unwrap(), more.as_object().unwrap());
    connection_fields.extend(more.clone());
    Pulls::of(&connection, |_| {})
}

#[test]
fn a_refused_password_stops_the_ticks_until_it_is_entered_anew() {
    let server = Ftpd::start(Software::Vsftpd, "ftp");
    server.file("outbox/first.txt", "1");
    let pulls = pulls(&server, &json!({}));
    pulls.map_and_pull();
    server.set_password("another one");
    let detail = pulls.becomes("requires_attention", "login_rejected");
    says(
        &detail,
        &["530", "correct the login's credentials", "Nothing is tried until"],
    );
    let visits = server.visits().opened();
    assert_eq!(pulls.ticks(3), 0, "one failure is enough: servers lock accounts");
    assert_eq!(server.visits().opened(), visits);
    server.file("outbox/second.txt", "2");
    pulls.document(&json!({"password": "another one"}));
    pulls
        .admin
        .ok("connection update partner -f document.json".split(' '));
    pulls.recovers("second.txt");
}

#[test]
fn a_changed_certificate_stops_the_ticks_until_it_is_pinned() {
    let server = Ftpd::start(Software::Vsftpd, "ftpes");
    server.file("outbox/first.txt", "1");
    let pin = |server: &Ftpd| json!({"tls_cert_policy": "pinned_thumbprint", "tls_pinned_thumbprint": server.thumbprint()});
    let mut more = pin(&server);
    more["protocol"] = json!("ftps");
    let pulls = pulls(&server, &more);
    pulls.map_and_pull();
    let old = server.thumbprint();
    server.change_certificate();
    let detail = pulls.becomes("requires_attention", "certificate_changed");
    says(
        &detail,
        &[&server.thumbprint(), "pin the new one", "Nothing is tried until"],
    );
    assert_ne!(old, server.thumbprint());
    let visits = server.visits().opened();
    assert_eq!(pulls.ticks(3), 0);
    assert_eq!(server.visits().opened(), visits);
    server.file("outbox/second.txt", "2");
    pulls.document(&pin(&server));
    pulls
        .admin
        .ok("connection update partner -f document.json".split(' '));
    pulls.recovers("second.txt");
}

#[test]
fn a_server_with_too_many_users_is_busy_and_not_out_of_order() {
    let server = Ftpd::for_one();
    server.file("outbox/first.txt", "1");
    let pulls = pulls(&server, &json!({}));
    pulls.map_and_pull();
    let other = wait_for_the_only_place(&server);
    server.file("outbox/second.txt", "2");
    // It stays what it was: healthy.
    let detail = pulls.becomes("healthy", "busy");
    says(
        &detail,
        &["too many connected users", "It is tried again at", "max_sessions"],
    );
    assert!(pulls.hook.posted().is_empty(), "{:?}", pulls.hook.posted());
    drop(other);
    pulls.recovers("second.txt");
    assert!(pulls.hook.posted().is_empty(), "nobody need be told");
}

/// The server greets one client at a time; the others hear that there are too many.
fn wait_for_the_only_place(server: &Ftpd) -> TcpStream {
    let mut place = None;
    wait_until("the place to be free", || {
        let client = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        let mut greeting = String::new();
        BufReader::new(&client).read_line(&mut greeting).unwrap();
        let is_ours = greeting.starts_with("220");
        place = is_ours.then_some(client);
        is_ours
    });
    place.unwrap()
}

#[test]
fn a_file_that_cannot_be_read_stops_no_other() {
    let server = Ftpd::start(Software::Vsftpd, "ftp");
    server.file("outbox/a closed.txt", "1");
    let closed = server.files().join("outbox/a closed.txt");
    let mode = |mode| fs::set_permissions(&closed, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o000);
    server.file("outbox/open.txt", "2");
    let pulls = pulls(&server, &json!({}));
    pulls.map("default");
    let detail = pulls.becomes("failing", "files_failed");
    says(
        &detail,
        &["a closed.txt", "and all others are", "It is tried again at"],
    );
    assert!(pulls.has("open.txt"));
    assert!(pulls.ticks(2) > 0, "the others come as always");
    mode(0o644);
    pulls.recovers("a closed.txt");
}
