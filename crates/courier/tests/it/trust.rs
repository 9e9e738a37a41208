//! Who the server is, who the user is, and what happens when nobody answers.

use std::fs;
use std::net::TcpListener;

use courier_sftp::server::{SftpServer, User};

use crate::support::{Cli, Sshd, keygen};

#[test]
fn an_unknown_host_is_refused_with_the_way_out() {
    let sshd = Sshd::start();
    sshd.file("a", "a");
    let cli = sshd.stranger();
    let outcome = cli.run(["get", &sshd.url("a")]);
    outcome.failed_with(4, &sshd.fingerprint());
    outcome.failed_with(4, "--accept-new-host-key");
    outcome.failed_with(4, "--host-key");
    assert!(
        !sshd.log().contains("publickey"),
        "no credential was sent: {}",
        sshd.log()
    );
    assert!(!cli.path(".ssh/known_hosts").exists() && !cli.path("a").exists());

    // Once.
    cli.ok(["get", "--host-key", &sshd.fingerprint(), &sshd.url("a")]);
    assert!(!cli.path(".ssh/known_hosts").exists());
    // For good.
    let outcome = cli.ok(["get", "--accept-new-host-key", &sshd.url("a")]);
    assert!(outcome.stderr.contains("added"), "{outcome:?}");
    assert_eq!(
        fs::read_to_string(cli.path(".ssh/known_hosts")).unwrap(),
        sshd.known_hosts_line()
    );
    cli.ok(["get", &sshd.url("a")]);
    let outcome = cli.ok(["get", "--accept-new-host-key", &sshd.url("a")]);
    assert_eq!(outcome.stderr, "", "it is known already");
}

#[test]
fn a_changed_host_key_is_refused_with_both_fingerprints() {
    let sshd = Sshd::start();
    sshd.file("a", "a");
    let cli = sshd.friend();
    let before = sshd.fingerprint();
    sshd.change_host_key();
    for flags in [&[][..], &["--accept-new-host-key"], &["--host-key", &before]] {
        let url = sshd.url("a");
        let outcome = cli.run(
            ["get"]
                .into_iter()
                .chain(flags.iter().copied())
                .chain([url.as_str()]),
        );
        outcome.failed_with(4, &before);
        outcome.failed_with(4, &sshd.fingerprint());
    }
    assert!(
        !sshd.log().contains("publickey"),
        "no credential was sent: {}",
        sshd.log()
    );
    let outcome = cli.ok(["get", "--insecure", &sshd.url("a")]);
    assert!(outcome.stderr.contains("warning"), "{outcome:?}");
}

#[test]
fn another_known_hosts_file() {
    let sshd = Sshd::start();
    sshd.file("a", "a");
    let cli = sshd.stranger();
    fs::write(cli.path("hosts"), "# no line end").unwrap();
    cli.ok([
        "get",
        "--known-hosts",
        "hosts",
        "--accept-new-host-key",
        &sshd.url("a"),
    ]);
    assert_eq!(
        fs::read_to_string(cli.path("hosts")).unwrap(),
        format!("# no line end\n{}", sshd.known_hosts_line())
    );
    cli.ok(["get", "--known-hosts", "hosts", &sshd.url("a")]);
    fs::write(cli.path("hosts"), format!("@revoked {}", sshd.known_hosts_line())).unwrap();
    cli.run(["get", "--known-hosts", "hosts", &sshd.url("a")])
        .failed_with(4, "revoked");
}

#[test]
fn keys_by_flag_and_passphrase() {
    let sshd = Sshd::start();
    sshd.file("a", "a");
    let cli = sshd.friend();
    keygen(&cli.path("other"), "");
    cli.run(["get", "--identity", "other", &sshd.url("a")])
        .failed_with(3, "COURIER_PASSWORD");
    cli.run(["get", "--identity", "gone", &sshd.url("a")])
        .failed_with(2, "gone");
    cli.ok([
        "get",
        "--identity",
        "other",
        "--identity",
        sshd.user_key().to_str().unwrap(),
        &sshd.url("a"),
    ]);

    keygen(&cli.path("locked"), "open sesame");
    sshd.authorize(&fs::read_to_string(cli.path("locked.pub")).unwrap());
    cli.run(["get", "-i", "locked", &sshd.url("a")])
        .failed_with(2, "COURIER_KEY_PASSPHRASE");
    let cli = cli.env("COURIER_KEY_PASSPHRASE", "open sesame");
    cli.ok(["get", "-i", "locked", &sshd.url("a")]);
    let cli = cli.env("COURIER_KEY_PASSPHRASE", "wrong one");
    let outcome = cli.run(["get", "-i", "locked", &sshd.url("a")]);
    outcome.failed_with(2, "passphrase");
    assert!(!outcome.stderr.contains("wrong one"), "{outcome:?}");
}

#[test]
fn a_password_comes_from_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), "a").unwrap();
    let user = || User::new("ann").password("pass-4c1d word".into());
    for user in [user(), user().asks_interactively()] {
        let server = SftpServer::builder()
            .user(user)
            .root(folder.path())
            .start()
            .unwrap();
        let url = format!("sftp://ann@{}/a", server.addr());
        let fingerprint = server.host_key().fingerprint.to_string();
        let get = ["get", "--host-key", &fingerprint, &url];
        Cli::new().run(get).failed_with(3, "COURIER_PASSWORD");
        let cli = Cli::new().env("COURIER_PASSWORD", "pass-4c1d word");
        cli.ok(get);
        assert_eq!(fs::read(cli.path("a")).unwrap(), b"a");
        let outcome = Cli::new().env("COURIER_PASSWORD", "wrong-77").run(get);
        outcome.failed_with(3, "Authentication failed");
        assert!(!outcome.stderr.contains("wrong-77"), "{outcome:?}");
    }
}

#[test]
fn a_default_key_with_a_passphrase() {
    let sshd = Sshd::start();
    sshd.file("a", "a");
    let cli = sshd.friend();
    keygen(&cli.path("locked"), "open sesame");
    sshd.authorize(&fs::read_to_string(cli.path("locked.pub")).unwrap());
    fs::rename(cli.path("locked"), cli.path(".ssh/id_ed25519")).unwrap();
    cli.run(["get", &sshd.url("a")]).failed_with(3, "no terminal");
    cli.env("COURIER_KEY_PASSPHRASE", "open sesame")
        .ok(["get", &sshd.url("a")]);
}

#[test]
fn ciphers_are_the_users_choice() {
    let sshd = Sshd::start();
    sshd.file("a", "a");
    let cli = sshd.friend();
    cli.ok(["get", "--cipher", "aes256-ctr,aes128-ctr", &sshd.url("a")]);
    cli.run(["get", "--cipher", "rot13", &sshd.url("a")])
        .failed_with(2, "rot13");
}

#[test]
fn nobody_answers() {
    let cli = Cli::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    cli.run(["ls", &format!("sftp://u@{closed}/")])
        .failed_with(6, "127.0.0.1");
    // Accepts, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("sftp://u@{}/", silent.local_addr().unwrap());
    cli.run(["ls", "--timeout", "1", "--insecure", &url])
        .failed_with(6, "1");
}

#[test]
fn arguments_that_make_no_sense() {
    let cli = Cli::new();
    let pin = "ab".repeat(32);
    for (arguments, says) in [
        (&["get"][..], "URL"),
        (&["get", "sftp://u:hunter2@h/a"], "COURIER_PASSWORD"),
        (&["ls", "sftp://u:hunter2@h/a"], "COURIER_PASSWORD"),
        (&["ls", "ftps://u:hunter2@h/a"], "COURIER_PASSWORD"),
        (&["get", "gopher://h/a"], "ftpes://"),
        (&["ls", "sftp://h/a", "sftp://other/a"], "one server"),
        (&["ls", "sftp://h/../a"], ".."),
        (&["get", "--host-key", "MD5:00", "sftp://h/a"], "SHA-256"),
        (&["mv", "sftp://h/a"], "TARGET"),
        (&["ls", "--timeout", "0", "sftp://h/a"], "0"),
        // What says nothing about the scheme would be believed to do something.
        (&["ls", "--host-key", &pin, "ftps://h/a"], "--tls-pin"),
        (&["ls", "--tls-pin", &pin, "sftp://h/a"], "--host-key"),
        (&["ls", "--tls-pin", &pin, "ftp://h/a"], "ftpes://"),
        (&["ls", "--tls-pin", "abc", "ftps://h/a"], "SHA-256"),
        (&["ls", "--identity", "key", "ftpes://h/a"], "sftp://"),
        (&["ls", "--active", "sftp://h/a"], "ftp://"),
        (&["ls", "--insecure", "ftp://h/a"], "ftpes://"),
        (
            &["ls", "--insecure", "--tls-pin", &pin, "ftps://h/a"],
            "--insecure",
        ),
    ] {
        let outcome = cli.run(arguments);
        outcome.failed_with(2, says);
        assert!(!outcome.stderr.contains("hunter2"), "{outcome:?}");
    }
}
