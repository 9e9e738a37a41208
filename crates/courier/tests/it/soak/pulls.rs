//! Very many files of all sizes are pulled, and the process is killed again and again meanwhile: each of them is in the
//! storage once and in the history once, byte for byte.

use std::time::{Duration, Instant};

use courier_transfer::testkit::Direction::Down;
use courier_transfer::testkit::Proxy;

use super::dice::Dice;
use super::{rounds, setting};
use crate::pulls::recorded;
use crate::support::{Arrived, Cli, Destination, Serve, Sshd, arrived, content, user, wait_until};

/// How many files: few where nobody asks for more.
fn files() -> u64 {
    setting("COURIER_SOAK_FILES", 300)
}

/// The size of a file: most are small, some are empty, one in a thousand is 20 MiB long.
fn size(dice: &mut Dice) -> usize {
    let size = match dice.below(1_000) {
        0 => 20 << 20,
        1..=5 => (1 << 20) + dice.below(7 << 20),
        6..=105 => 10_000 + dice.below(180_000),
        106..=125 => 0,
        _ => 1 + dice.below(8_192),
    };
    size as usize
}

/// Puts them on the server, in folders of a hundred; what they are, by the names that they are to have.
fn put(sshd: &Sshd, dice: &mut Dice) -> Arrived {
    let mut put = Arrived::new();
    for number in 0..files() {
        let bytes = content(size(dice), dice.below(u64::MAX));
        let name = format!("{:03}/{number:05}.dat", number / 100);
        sshd.file(&format!("outbox/{name}"), &bytes);
        put.insert(name, arrived(&bytes));
    }
    put
}

/// A connection over the line, and a mapping that is due each second.
fn set_up(serve: &Serve, sshd: &Sshd, line: &Proxy, destination: &Destination) -> Cli {
    let admin = serve.admin();
    admin.ok(["key", "generate", "key"]);
    sshd.authorize(&admin.ok(["key", "public", "key"]).stdout);
    let (port, base) = (
        line.port().to_string(),
        format!("base_path={}", sshd.files().display()),
    );
    let create = "connection create partner --host 127.0.0.1 --ssh-key key --port";
    let with = [&port, "--username", &user(), "--set", &base].map(str::to_owned);
    admin.ok(create.split(' ').map(str::to_owned).chain(with));
    destination.add(&admin, "arrivals");
    let map = "mapping add partner outbox --name in --pattern ** --every 1s --to arrivals";
    admin.ok(map.split(' '));
    admin
}

fn killed_again_and_again(destination: Destination) {
    let mut dice = Dice::new();
    let (sshd, mut serve) = (Sshd::start(), Serve::start());
    let line = Proxy::to(sshd.port());
    let files = put(&sshd, &mut dice);
    let bytes: u64 = files.values().map(|(size, _)| size).sum();
    println!("{} files, {} MB", files.len(), bytes / 1_000_000);
    // In the order in which they come.
    let mut moments: Vec<u64> = (0..rounds()).map(|_| dice.below(bytes)).collect();
    moments.sort_unstable();
    let began = Instant::now();
    let mut admin = set_up(&serve, &sshd, &line, &destination);
    for (number, moment) in moments.iter().enumerate() {
        line_has_passed(&line, *moment);
        serve.kill();
        let (passed, after) = (line.bytes(Down), began.elapsed().as_secs_f64());
        println!(
            "kill {}: after {passed} bytes of {moment}, {after:.1} s",
            number + 1
        );
        serve.start_again();
        admin = admin.env("COURIER_SERVER", &serve.url);
    }
    all_are_pulled(&admin, files.len());
    let (again, took) = (line.bytes(Down) - bytes, began.elapsed().as_secs_f64());
    println!(
        "all there after {took:.1} s; {} MB came more than once",
        again / 1_000_000
    );
    // Once more, for what was left over.
    admin.ok(["mapping", "run", "in", "--watch"]);
    let history = recorded(&admin);
    assert_eq!(history.len(), files.len());
    assert!(history == files, "the history");
    assert!(destination.files() == files, "the storage");
    let shown = admin.ok(["mapping", "show", "in", "--json"]).json();
    assert_eq!(shown["health"], "healthy", "{shown:#}");
}

/// Waits until so many bytes have come from the server, as long as any come.
fn line_has_passed(line: &Proxy, bytes: u64) {
    while line.bytes(Down) < bytes {
        let before = line.bytes(Down);
        wait_until("more bytes", || line.bytes(Down) != before);
    }
}

/// Waits until the history has them all, as long as it gets more.
fn all_are_pulled(admin: &Cli, files: usize) {
    let there = || recorded(admin).len();
    let mut before = there();
    while before < files {
        let mut now = before;
        wait_until("more files", || {
            std::thread::sleep(Duration::from_secs(1));
            now = there();
            now != before
        });
        before = now;
    }
}

#[test]
fn pulls_into_a_folder_lose_and_double_nothing() {
    killed_again_and_again(Destination::folder());
}

#[test]
fn pulls_into_s3_lose_and_double_nothing() {
    killed_again_and_again(Destination::s3());
}

#[test]
fn pulls_into_azure_lose_and_double_nothing() {
    killed_again_and_again(Destination::azblob());
}
