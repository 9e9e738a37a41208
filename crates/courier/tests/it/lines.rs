//! Bad lines: what is cut goes on in the same run, what is slow is shared, what is limited keeps its limit.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use courier_transfer::testkit::Direction::{Down, Up};
use courier_transfer::testkit::{Fault, Proxy};

use crate::support::{Cli, Sshd, content};

const MB: u64 = 1_000_000;

/// A server, a line to it, and a user who trusts it.
fn far_server() -> (Sshd, Proxy, Cli) {
    let sshd = Sshd::start();
    let line = Proxy::to(sshd.port());
    (sshd, line, Cli::new())
}

/// The options with which a run over the line logs in.
fn login(sshd: &Sshd) -> Vec<String> {
    let key = sshd.user_key().display().to_string();
    vec![
        "--identity".into(),
        key,
        "--host-key".into(),
        sshd.fingerprint(),
        "--json".into(),
    ]
}

fn arguments(words: &[&str], login: &[String]) -> Vec<String> {
    words
        .iter()
        .map(|&word| word.to_owned())
        .chain(login.iter().cloned())
        .collect()
}

fn large(path: &Path, megabytes: u64) -> Vec<u8> {
    let bytes = content((megabytes * MB) as usize, 3);
    fs::write(path, &bytes).unwrap();
    bytes
}

/// What one connection may have under way and not acknowledged when it is cut: the window of either side and the
/// buffers in between.
const IN_FLIGHT: u64 = 12 * MB;

#[test]
fn ten_cuts_cost_what_was_in_flight_and_nothing_else() {
    let (sshd, line, cli) = far_server();
    let bytes = large(&sshd.files().join("down"), 60);
    fs::write(cli.path("up"), &bytes).unwrap();
    for at in 1..=10 {
        line.after(Down, at * 5 * MB, Fault::Reset);
    }
    let down = sshd.url_on(line.port(), "down");
    let outcome = cli.ok(arguments(&["get", &down, "."], &login(&sshd)));
    assert_eq!(line.faults(), 10);
    assert_eq!(outcome.json()["files"], 1, "{outcome:?}");
    assert!(fs::read(cli.path("down")).unwrap() == bytes);
    let sent = line.bytes(Down);
    assert!(sent < 60 * MB + 10 * IN_FLIGHT, "{sent}");

    for at in 1..=10 {
        line.after(Up, at * 5 * MB, Fault::Reset);
    }
    let up = sshd.url_on(line.port(), "up");
    cli.ok(arguments(&["put", "up", &up], &login(&sshd)));
    assert_eq!(line.faults(), 20);
    assert!(sshd.read("up") == bytes);
}

#[test]
fn a_line_that_brings_nothing_new_is_given_up() {
    let (sshd, line, cli) = far_server();
    large(&sshd.files().join("f"), 3);
    let url = sshd.url_on(line.port(), "f");
    // Enough for a login and a look, never for a byte of the file.
    line.each_after(Down, 100_000, Fault::Reset);
    let get = ["get", "--retries", "2", &url, "."];
    cli.run(arguments(&get, &login(&sshd)))
        .failed_with(6, "reconnect");
    assert!(line.connections() <= 6, "{}", line.connections());
    assert!(!cli.path("f").exists());
}

#[test]
fn a_far_server_gets_a_big_file_over_several_sessions() {
    let (sshd, line, cli) = far_server();
    let bytes = large(&cli.path("big"), 70);
    line.delay(Up, Duration::from_millis(10));
    line.delay(Down, Duration::from_millis(10));
    let url = sshd.url_on(line.port(), "big");
    cli.ok(arguments(&["put", "big", &url], &login(&sshd)));
    assert!(sshd.read("big") == bytes);
    let automatic = line.connections();
    assert!((2..=8).contains(&automatic), "{automatic}");

    cli.ok(arguments(&["get", "--parallel", "1", &url, "one"], &login(&sshd)));
    assert_eq!(line.connections(), automatic + 1);

    cli.ok(arguments(
        &["get", "--parallel", "3", &url, "three"],
        &login(&sshd),
    ));
    assert!(fs::read(cli.path("three")).unwrap() == bytes);
    assert_eq!(line.connections(), automatic + 1 + 3);
}

#[test]
fn a_new_host_is_written_down_once_whatever_the_number_of_sessions() {
    let (sshd, line, cli) = far_server();
    large(&sshd.files().join("big"), 12);
    line.delay(Down, Duration::from_millis(5));
    let (url, key) = (sshd.url_on(line.port(), "big"), sshd.user_key());
    let key = key.display().to_string();
    let get = [
        "get",
        "--parallel",
        "3",
        "--accept-new-host-key",
        "-i",
        &key,
        &url,
        ".",
    ];
    cli.ok(get);
    assert_eq!(line.connections(), 3);
    let known = fs::read_to_string(cli.path(".ssh/known_hosts")).unwrap();
    assert_eq!(known.lines().count(), 1, "{known}");
}

#[test]
fn a_rate_is_kept() {
    let (sshd, line, cli) = far_server();
    let bytes = large(&sshd.files().join("f"), 1);
    let url = sshd.url_on(line.port(), "f");
    for (words, least) in [
        (
            ["get", "--limit-rate", "1M", &url, "f"],
            Duration::from_millis(600),
        ),
        (
            ["put", "--limit-rate", "1M", "f", &url],
            Duration::from_millis(600),
        ),
    ] {
        let began = Instant::now();
        cli.ok(arguments(&words, &login(&sshd)));
        let took = began.elapsed();
        assert!(took >= least, "{words:?} took {took:?}");
    }
    assert!(fs::read(cli.path("f")).unwrap() == bytes);
    cli.run(["get", "--limit-rate", "fast", &url, "."])
        .failed_with(2, "2M");
}

#[test]
fn the_result_says_which_check_was_made() {
    let (sshd, line, cli) = far_server();
    large(&sshd.files().join("f"), 1);
    let url = sshd.url_on(line.port(), "f");
    let verified = |check: &str| {
        let get = ["get", "--verify", check, &url, "."];
        cli.ok(arguments(&get, &login(&sshd))).json()["verified"].clone()
    };
    assert_eq!(verified("size"), "size");
    // OpenSSH has no checksums, and nobody asked for a command.
    assert_eq!(verified("checksum"), "size");
}
