//! `ls`, `get`, `put`, `mv`, `rm`, `mkdir` and `rmdir` against a real OpenSSH server.

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

use courier_transfer::testkit::{Direction, Fault, Proxy};
use serde_json::json;

use crate::support::{Sshd, content, signal, wait_until};

#[test]
fn files_come_and_go_byte_for_byte() {
    let sshd = Sshd::start();
    let cli = sshd.friend();
    for (name, len) in [("empty", 0), ("one", 1), ("block", 261_120), ("odd", 3_000_001)] {
        let bytes = content(len, 7);
        fs::write(cli.path(name), &bytes).unwrap();
        cli.ok(["put", name, &sshd.url("")]);
        assert_eq!(sshd.read(name), bytes, "{name}");
        cli.ok(["get", &sshd.url(name), &format!("{name}.back")]);
        assert_eq!(
            fs::read(cli.path(&format!("{name}.back"))).unwrap(),
            bytes,
            "{name}"
        );
        assert!(!cli.path(&format!("{name}.back.part")).exists());
    }
    let outcome = cli.ok(["get", &sshd.home_url("odd"), "tilde"]);
    assert!(outcome.stdout.starts_with("1 file, 3.0 MB in "), "{outcome:?}");
    assert_eq!(outcome.stderr, "");
    assert_eq!(fs::read(cli.path("tilde")).unwrap(), content(3_000_001, 7));
}

#[test]
fn any_name_can_be_had() {
    let sshd = Sshd::start();
    let cli = sshd.friend();
    for (name, encoded) in [
        ("with space", "with%20space"),
        ("100%", "100%25"),
        ("Grüße ☃", "Gr%C3%BC%C3%9Fe%20%E2%98%83"),
        ("star*", "star%2A"),
        ("[set]", "%5Bset%5D"),
        ("a?b#c", "a%3Fb#c"),
        ("back\\slash", "back%5Cslash"),
        ("-dash", "-dash"),
    ] {
        sshd.file(name, name);
        cli.ok(["get", &sshd.url(encoded), "."]);
        assert_eq!(fs::read_to_string(cli.path(name)).unwrap(), name);
        cli.ok(["put", "--", name, &sshd.url(&format!("{encoded}.up"))]);
        assert_eq!(sshd.read(&format!("{name}.up")), name.as_bytes());
    }
    // Bytes that are not UTF-8.
    let raw = std::ffi::OsStr::from_bytes(b"caf\xe9");
    fs::write(sshd.files().join(raw), "latin").unwrap();
    cli.ok(["get", &sshd.url("caf%E9"), "."]);
    assert_eq!(fs::read(cli.home().join(raw)).unwrap(), b"latin");
}

#[test]
fn patterns_and_several_sources() {
    let sshd = Sshd::start();
    let cli = sshd.friend();
    for name in ["a.csv", "b.csv", "c.txt", "sub/d.csv"] {
        sshd.file(name, name);
    }
    fs::create_dir(cli.path("in")).unwrap();
    let outcome = cli.ok(["get", "--json", &sshd.url("*.csv"), "in"]);
    assert_eq!(outcome.json()["files"], 2);
    assert!(cli.path("in/a.csv").exists() && cli.path("in/b.csv").exists());
    assert!(!cli.path("in/d.csv").exists() && !cli.path("in/c.txt").exists());

    cli.ok(["get", &sshd.url("c.txt"), &sshd.url("sub/d.csv"), "in/"]);
    assert_eq!(fs::read_to_string(cli.path("in/d.csv")).unwrap(), "sub/d.csv");

    cli.run(["get", &sshd.url("*.pdf"), "in"])
        .failed_with(5, "nothing matches");
    cli.run(["get", &sshd.url("*.csv"), "nowhere"])
        .failed_with(5, "not an existing folder");
    cli.run(["get", &sshd.url("c.txt"), &sshd.url("gone"), "in"])
        .failed_with(8, "gone");
    cli.run(["get", &sshd.url("gone1"), &sshd.url("gone2"), "in"])
        .failed_with(5, "gone2");

    cli.ok(["put", "in/a.csv", "in/*.txt", &sshd.url("sub/")]);
    assert_eq!(sshd.read("sub/c.txt"), b"c.txt");
    cli.run(["put", "in/*.pdf", "in/a.csv", &sshd.url("sub/")])
        .failed_with(8, "pdf");
}

#[test]
fn folders_are_copied_as_cp_does() {
    let sshd = Sshd::start();
    let cli = sshd.friend();
    for name in ["tree/a", "tree/sub/b", "tree/sub/deep/c"] {
        sshd.file(name, name);
    }
    fs::create_dir(sshd.files().join("tree/empty")).unwrap();
    cli.run(["get", &sshd.url("tree"), "."]).failed_with(1, "use -r");
    // Into an existing folder: under its own name there. To a new name: under that.
    cli.ok(["get", "-r", &sshd.url("tree"), "."]);
    cli.ok(["get", "-r", &sshd.url("tree"), "copy"]);
    for top in ["tree", "copy"] {
        assert_eq!(
            fs::read_to_string(cli.path(top).join("sub/deep/c")).unwrap(),
            "tree/sub/deep/c"
        );
        assert!(cli.path(top).join("empty").is_dir());
    }
    cli.ok(["put", "-r", "tree", &sshd.url("back")]);
    cli.ok(["put", "-r", "tree", &sshd.url("back/")]);
    assert_eq!(sshd.read("back/sub/b"), b"tree/sub/b");
    assert_eq!(sshd.read("back/tree/sub/b"), b"tree/sub/b");
    assert!(sshd.files().join("back/empty").is_dir());
    cli.run(["put", "tree", &sshd.url("other")]).failed_with(1, "-r");
}

#[test]
fn links_to_folders_are_left_out_and_said() {
    let sshd = Sshd::start();
    let cli = sshd.friend();
    for name in ["tree/a", "tree/sub/b"] {
        sshd.file(name, name);
    }
    for i in 0..23 {
        symlink("sub", sshd.files().join(format!("tree/link{i}"))).unwrap();
    }
    symlink("a", sshd.files().join("tree/file")).unwrap();
    let got = cli.ok(["get", "-r", "--json", &sshd.url("tree"), "."]);
    assert_eq!(got.json()["files"], 3, "{got:?}");
    assert_eq!(got.json()["left_out"], 23);
    assert_eq!(
        got.stderr
            .matches("is a link to a folder, and is left out")
            .count(),
        20
    );
    assert!(
        got.stderr.ends_with("3 more were left out, 23 in all\n"),
        "{got:?}"
    );
    let quiet = cli.ok(["get", "-r", "-q", &sshd.url("tree"), "."]);
    assert_eq!(quiet.stderr, "");

    symlink("sub", cli.path("tree/circle")).unwrap();
    let put = cli.ok(["put", "-r", "tree", &sshd.url("back")]);
    assert!(
        put.stderr.contains("tree/circle is a link to a folder"),
        "{put:?}"
    );
    assert!(!sshd.files().join("back/circle").exists());
}

#[test]
fn many_small_files_at_once() {
    let sshd = Sshd::start();
    let cli = sshd.friend();
    for i in 0..500 {
        sshd.file(&format!("many/{i}"), content(i * 13, i as u64));
    }
    let outcome = cli.ok(["get", "-r", "--json", &sshd.url("many"), "."]);
    assert_eq!(outcome.json()["files"], 500);
    for i in [0, 1, 77, 499] {
        assert_eq!(
            fs::read(cli.path(&format!("many/{i}"))).unwrap(),
            content(i * 13, i as u64)
        );
    }
}

#[test]
fn a_partial_is_continued_only_for_the_same_source() {
    let sshd = Sshd::start();
    let cli = sshd.friend();
    let bytes = content(1_000_000, 3);
    let source = sshd.file("big", &bytes);
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    File::options()
        .write(true)
        .open(&source)
        .unwrap()
        .set_modified(hour_ago)
        .unwrap();

    fs::write(cli.path("big.part"), &bytes[..600_000]).unwrap();
    let outcome = cli.ok(["get", "--resume", "--json", &sshd.url("big")]);
    assert_eq!(outcome.json()["resumed_from"], 600_000);
    assert_eq!(outcome.json()["bytes"], 400_000);
    assert_eq!(fs::read(cli.path("big")).unwrap(), bytes);

    // A source that is newer than the partial is another one.
    fs::write(cli.path("big.part"), &content(1_000_000, 99)[..600_000]).unwrap();
    File::options()
        .write(true)
        .open(cli.path("big.part"))
        .unwrap()
        .set_modified(hour_ago - Duration::from_secs(60))
        .unwrap();
    let outcome = cli.ok(["get", "--resume", "--json", &sshd.url("big")]);
    assert_eq!(outcome.json()["resumed_from"], 0);
    assert_eq!(fs::read(cli.path("big")).unwrap(), bytes);
}

#[test]
fn a_line_that_breaks_is_told_and_resumed() {
    let sshd = Sshd::start();
    let cli = sshd.friend();
    let bytes = content(8_000_000, 5);
    let source = sshd.file("big", &bytes);
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    File::options()
        .write(true)
        .open(&source)
        .unwrap()
        .set_modified(hour_ago)
        .unwrap();
    let line = Proxy::to(sshd.port());
    let (url, fingerprint) = (sshd.url_on(line.port(), "big"), sshd.fingerprint());
    for (resume, kept) in [(None, false), (Some("--resume"), true)] {
        let get = [
            "get",
            "--json",
            "--retries",
            "0",
            "--host-key",
            &fingerprint,
            &url,
        ];
        let get = || get.into_iter().chain(resume);
        line.after(Direction::Down, 3_000_000, Fault::Close);
        cli.run(get()).failed_with(6, "lost");
        assert_eq!(cli.path("big.part").exists(), kept);
        let outcome = cli.ok(get());
        let resumed_from = outcome.json()["resumed_from"].as_u64().unwrap();
        assert_eq!(resumed_from > 0, kept, "{outcome:?}");
        assert_eq!(fs::read(cli.path("big")).unwrap(), bytes);
        assert!(!cli.path("big.part").exists());
    }
    assert_eq!(line.faults(), 2);
}

#[test]
fn an_interrupt_leaves_nothing_half_made() {
    let sshd = Sshd::start();
    let cli = sshd.friend();
    // Sparse, and far too large to be finished.
    File::create(sshd.files().join("huge"))
        .unwrap()
        .set_len(200 << 30)
        .unwrap();
    for (flags, kept) in [(&["get"][..], false), (&["get", "--resume"], true)] {
        let url = sshd.url("huge");
        let child = cli
            .command(flags.iter().copied().chain([url.as_str()]))
            .spawn()
            .unwrap();
        let part = cli.path("huge.part");
        wait_until("the first bytes", || {
            fs::metadata(&part).is_ok_and(|meta| meta.len() > 1_000_000)
        });
        signal(&child, "INT");
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{output:?}");
        assert_eq!(part.exists(), kept);
        assert!(!cli.path("huge").exists());
    }
    let state = fs::read_dir(cli.path(".local/state/courier/partials")).unwrap();
    assert_eq!(state.count(), 1, "the identity of the partial is kept");
}

#[test]
fn memory_does_not_grow_with_the_file() {
    let sshd = Sshd::start();
    let cli = sshd.friend();
    File::create(sshd.files().join("huge"))
        .unwrap()
        .set_len(200 << 30)
        .unwrap();
    let mut child = cli.command(["get", &sshd.url("huge")]).spawn().unwrap();
    let part = cli.path("huge.part");
    wait_until("the first 200 MB", || {
        fs::metadata(&part).is_ok_and(|meta| meta.len() > 200_000_000)
    });
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    // Without the pages of the binary itself, which are large where it is not optimised.
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kib < 12 * 1024, "{status}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn one_file_goes_to_standard_output() {
    let sshd = Sshd::start();
    let cli = sshd.friend();
    sshd.file("a", "hello\n");
    let outcome = cli.ok(["get", &sshd.url("a"), "-"]);
    assert_eq!(outcome.stdout, "hello\n");
    cli.run(["get", &sshd.url("a"), &sshd.url("b"), "-"])
        .failed_with(2, "one file");
}

#[test]
fn standard_input_becomes_one_file() {
    let sshd = Sshd::start();
    let cli = sshd.friend();
    let target = sshd.url("dump");
    let sent = cli.run_with_input(["put", "--atomic", "--json", "-", &target], "hello\n");
    assert_eq!(
        (sent.code, sent.json()["bytes"].clone()),
        (0, json!(6)),
        "{sent:?}"
    );
    assert_eq!(sshd.read("dump"), b"hello\n");
    cli.ok(["put", "-", &sshd.url("empty")]);
    assert_eq!(sshd.read("empty"), b"");
    cli.run(["put", "-", &sshd.url("")]).failed_with(2, "has no name");
    cli.run(["put", "-", "a", &target]).failed_with(2, "./-");
    cli.run(["put", "--resume", "-", &target])
        .failed_with(2, "--resume");
    fs::write(cli.path("-"), "a file").unwrap();
    cli.ok(["put", "./-", &target]);
    assert_eq!(sshd.read("dump"), b"a file");
}

#[test]
fn what_is_wrong_with_the_arguments_is_a_document_too() {
    let cli = crate::support::Cli::new();
    for (arguments, says) in [
        (&["get", "--json", "--colour", "sftp://h/a"][..], "--colour"),
        (&["--json", "get"], "<URL>..."),
        (
            &["put", "--json", "--retries", "x", "a", "sftp://h/a"],
            "--retries",
        ),
        (&["get", "--json", "no-url", "b"], "URL"),
        (&["--json", "connection"], "subcommand"),
    ] {
        let outcome = cli.run(arguments);
        assert_eq!(outcome.code, 2, "{outcome:?}");
        let document: serde_json::Value = serde_json::from_str(&outcome.stderr).unwrap();
        assert_eq!(
            (&document["exit_code"], &document["kind"]),
            (&json!(2), &json!("usage"))
        );
        assert!(document["detail"].as_str().unwrap().contains(says), "{outcome:?}");
    }
    // A file of that name is no option, and help is text.
    cli.run(["get", "--colour", "--", "--json"])
        .failed_with(2, "Usage:");
    assert!(
        cli.ok(["get", "--json", "--help"])
            .stdout
            .starts_with("Fetch files")
    );
}

#[test]
fn uploads_take_files_folders_and_temporary_names() {
    let sshd = Sshd::start();
    let cli = sshd.friend();
    fs::write(cli.path("a"), "new").unwrap();
    sshd.file("target", "old");
    cli.ok(["put", "--atomic", "a", &sshd.url("target")]);
    assert_eq!(sshd.read("target"), b"new");
    assert_eq!(
        fs::read_dir(sshd.files()).unwrap().count(),
        1,
        "no temporary file stays"
    );
    cli.run(["put", "a", &sshd.url("nowhere/")])
        .failed_with(5, "mkdir -p");
    cli.run(["put", "a", &sshd.url("nowhere/a")])
        .failed_with(5, "nowhere/a");
    cli.run(["put", "gone", &sshd.url("a")]).failed_with(5, "gone");
    cli.run(["put", "a", &sshd.url("*.csv")]).failed_with(2, "%2A");
}

#[test]
fn a_read_only_server_denies() {
    let sshd = Sshd::with("-R");
    let cli = sshd.friend();
    sshd.file("a", "a");
    fs::write(cli.path("b"), "b").unwrap();
    cli.run(["put", "b", &sshd.url("b")]).failed_with(7, "b");
    cli.run(["rm", &sshd.url("a")]).failed_with(7, "a");
    cli.run(["mkdir", &sshd.url("c")]).failed_with(7, "c");
    cli.ok(["get", &sshd.url("a")]);
}

#[test]
fn listings() {
    let sshd = Sshd::start();
    let cli = sshd.friend();
    let file = sshd.file("b.csv", "12345");
    File::options()
        .write(true)
        .open(file)
        .unwrap()
        .set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_352_000))
        .unwrap();
    sshd.file("dir/inner", "");
    symlink("b.csv", sshd.files().join("link")).unwrap();

    let outcome = cli.ok(["ls", &sshd.url("")]);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{outcome:?}");
    assert!(
        lines[0].starts_with("-rw") && lines[0].ends_with("5 2026-03-01 08:00 b.csv"),
        "{}",
        lines[0]
    );
    assert!(lines[1].starts_with('d') && lines[2].starts_with('l'));

    let listed = cli.ok(["ls", "--json", &sshd.url("*.csv")]).json();
    let path = sshd.files().join("b.csv").display().to_string();
    assert_eq!(
        listed,
        json!([{"name": "b.csv", "path": path, "size": 5, "is_directory": false, "is_link": false,
            "last_modified": "2026-03-01T08:00:00Z"}])
    );
    assert_eq!(cli.ok(["ls", "--json", &sshd.url("b.csv")]).json(), listed);
    assert_eq!(
        cli.ok(["ls", "-r", "--json", &sshd.url("")])
            .json()
            .as_array()
            .unwrap()
            .len(),
        4
    );
    fs::create_dir(sshd.files().join("none")).unwrap();
    assert_eq!(cli.ok(["ls", "--json", &sshd.url("none")]).json(), json!([]));
    assert_eq!(cli.ok(["ls", &sshd.url("none")]).stdout, "");
    cli.run(["ls", &sshd.url("gone")]).failed_with(5, "gone");
    cli.run(["ls", "--json", &sshd.url("gone")])
        .failed_with(5, "\"kind\":\"not_found\"");
}

#[test]
fn a_name_that_cannot_be_used_is_reported_and_the_document_whole() {
    let sshd = Sshd::start();
    let cli = sshd.friend();
    sshd.file("good", "");
    sshd.file("bad\nname", "");
    let outcome = cli.run(["ls", "--json", &sshd.url("")]);
    assert_eq!(outcome.code, 8, "{outcome:?}");
    assert_eq!(outcome.json().as_array().unwrap().len(), 1);
    assert!(outcome.stderr.contains("bad"), "{outcome:?}");
}

#[test]
fn renames_and_removals() {
    let sshd = Sshd::start();
    let cli = sshd.friend();
    let exists = |name: &str| sshd.files().join(name).exists();
    for name in ["a", "b", "c.csv", "d.csv"] {
        sshd.file(name, name);
    }
    cli.ok(["mv", &sshd.url("a"), &sshd.url("a2")]);
    assert!(!exists("a") && exists("a2"));
    cli.run(["mv", "-n", &sshd.url("a2"), &sshd.url("b")])
        .failed_with(1, "b");
    cli.ok(["mv", &sshd.url("a2"), &sshd.url("b")]);
    assert_eq!(sshd.read("b"), b"a");
    cli.run(["mv", &sshd.url("*.csv"), &sshd.url("done")])
        .failed_with(5, "not an existing folder");
    cli.ok(["mkdir", &sshd.url("done")]);
    cli.run(["mkdir", &sshd.url("done")]).failed_with(1, "done");
    cli.ok(["mkdir", "-p", &sshd.url("done"), &sshd.url("x/y/z")]);
    assert!(exists("x/y/z"));
    cli.ok(["mv", &sshd.url("*.csv"), &sshd.url("done")]);
    assert!(exists("done/c.csv") && exists("done/d.csv"));

    cli.run(["rm", &sshd.url("done")]).failed_with(1, "use -r");
    cli.run(["rm", &sshd.url("gone")]).failed_with(5, "gone");
    cli.run(["rm", &sshd.url("b"), &sshd.url("gone")])
        .failed_with(8, "gone");
    cli.ok(["rm", &sshd.url("done/*")]);
    assert!(!exists("done/c.csv") && exists("done"));
    cli.run(["rmdir", &sshd.url("x")]).failed_with(1, "x");
    cli.ok(["rmdir", &sshd.url("done")]);
    cli.ok(["rmdir", "-r", &sshd.url("x")]);
    assert!(!exists("x") && !exists("done"));
    sshd.file("tree/deep/file", "");
    assert_eq!(
        cli.ok(["rm", "-r", "--json", &sshd.url("tree")]).json(),
        json!({"done": 1, "failed": 0})
    );
    assert!(!exists("tree"));
}

#[test]
fn this_machine_is_a_file_url() {
    let cli = crate::support::Cli::new();
    fs::write(cli.path("a"), "hello").unwrap();
    let url = |name: &str| format!("file://{}", cli.path(name).display());
    cli.ok(["get", &url("a"), "b"]);
    assert_eq!(fs::read(cli.path("b")).unwrap(), b"hello");
    cli.ok(["put", "b", "file:///~/c"]);
    cli.ok(["mv", &url("c"), &url("d")]);
    assert_eq!(cli.ok(["ls", "--json", &url("d")]).json()[0]["size"], 5);
    cli.ok(["rm", &url("d")]);
    cli.run(["get", &url("d")]).failed_with(5, "d");
}
