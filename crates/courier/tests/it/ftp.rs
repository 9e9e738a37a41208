//! The one-off commands against real FTP servers, in the clear and over TLS.

use std::fs::{self, File};
use std::time::{Duration, Instant, SystemTime};

use courier_transfer::testkit::{Direction, Fault, Proxy};

use crate::support::{Cli, FTP_PASSWORD, Ftpd, Software, content, signal, wait_until};

/// Runs a case on each server and scheme. Pure-FTPd has no implicit TLS.
macro_rules! on_each {
    ($($case:ident),* $(,)?) => {
        on_each!(@ $($case)*; vsftpd_ftp Vsftpd "ftp");
        on_each!(@ $($case)*; vsftpd_ftpes Vsftpd "ftpes");
        on_each!(@ $($case)*; vsftpd_ftps Vsftpd "ftps");
        on_each!(@ $($case)*; proftpd_ftp ProFtpd "ftp");
        on_each!(@ $($case)*; proftpd_ftpes ProFtpd "ftpes");
        on_each!(@ $($case)*; proftpd_ftps ProFtpd "ftps");
        on_each!(@ $($case)*; pure_ftpd_ftp PureFtpd "ftp");
        on_each!(@ $($case)*; pure_ftpd_ftpes PureFtpd "ftpes");
    };
    (@ $($case:ident)*; $name:ident $software:ident $scheme:literal) => {
        mod $name {
            $(
                #[test]
                fn $case() {
                    super::$case(&crate::support::Ftpd::start(crate::support::Software::$software, $scheme));
                }
            )*
        }
    };
}

on_each![files_come_and_go, a_session_that_breaks_goes_on,];

fn files_come_and_go(server: &Ftpd) {
    let cli = server.friend();
    for (name, len) in [("empty", 0), ("one", 1), ("odd name ß", 3_000_001)] {
        let bytes = content(len, 7);
        fs::write(cli.path(name), &bytes).unwrap();
        let url = server.url(&name.replace(' ', "%20"));
        cli.ok(["put", name, &url]);
        assert!(server.read(name) == bytes, "{name}");
        cli.ok(["get", &url, "back"]);
        assert!(fs::read(cli.path("back")).unwrap() == bytes, "{name}");
    }

    // Under a temporary name, into folders, several at once.
    cli.ok(["mkdir", "-p", &server.url("a/b/c")]);
    cli.ok(["put", "--atomic", "one", &server.url("a/b/")]);
    assert_eq!(server.read("a/b/one"), content(1, 7));
    fs::create_dir_all(cli.path("tree/sub/empty")).unwrap();
    for i in 0..12 {
        fs::write(cli.path(&format!("tree/sub/{i}")), content(1000 + i, i as u64)).unwrap();
    }
    let outcome = cli.ok(["put", "-r", "--json", "tree", &server.url("a/")]);
    assert_eq!(outcome.json()["files"], 12, "{outcome:?}");
    assert!(server.files().join("a/tree/sub/empty").is_dir());
    let outcome = cli.ok(["get", "-r", "--json", &server.url("a/tree"), "again"]);
    assert_eq!(outcome.json()["files"], 12, "{outcome:?}");
    for i in 0..12 {
        let bytes = fs::read(cli.path(&format!("again/sub/{i}"))).unwrap();
        assert!(bytes == content(1000 + i, i as u64), "{i}");
    }

    let listed = cli.ok(["ls", "--json", &server.url("a/tree/sub")]).json();
    let names = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["name"].as_str().unwrap());
    assert_eq!(names.count(), 13, "{listed}");
    let listed = cli
        .ok(["ls", "--json", &server.url("odd%20name%20%C3%9F")])
        .json();
    assert_eq!(listed[0]["size"], 3_000_001, "{listed}");
    cli.ok(["mv", &server.url("one"), &server.url("two")]);
    cli.ok(["mv", &server.url("a/tree/sub/*"), &server.url("a/b/c/")]);
    assert!(server.files().join("a/b/c/7").exists() && server.files().join("two").exists());
    cli.ok(["rm", &server.url("two")]);
    cli.ok(["rmdir", &server.url("a/tree/sub")]);
    cli.ok(["rm", "-r", &server.url("a")]);
    assert!(!server.files().join("a").exists() && !server.files().join("two").exists());
    cli.run(["get", &server.url("gone"), "."]).failed_with(5, "gone");
    cli.run(["ls", &server.url("gone")]).failed_with(5, "gone");
    cli.run(["put", "one", &server.url("gone/one")])
        .failed_with(5, "gone");
}

/// What is cut is resumed, by the same run and by a later one.
fn a_session_that_breaks_goes_on(server: &Ftpd) {
    let cli = server.friend();
    let bytes = content(2_000_000, 5);
    server.file("big", &bytes);
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    let set_time = |path: &std::path::Path| {
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(hour_ago)
            .unwrap();
    };
    set_time(&server.files().join("big"));
    fs::write(cli.path("big.part"), &bytes[..600_000]).unwrap();
    let outcome = cli.ok(["get", "--resume", "--json", &server.url("big")]);
    assert_eq!(outcome.json()["resumed_from"], 600_000);
    assert!(fs::read(cli.path("big")).unwrap() == bytes);

    server.file("up.tmp", &bytes[..600_000]);
    fs::write(cli.path("up"), &bytes).unwrap();
    set_time(&cli.path("up"));
    let outcome = cli.ok(["put", "--resume", "--atomic", "--json", "up", &server.url("up")]);
    assert_eq!(outcome.json()["resumed_from"], 600_000, "{outcome:?}");
    assert!(server.read("up") == bytes);
}

/// A name for each way to say whom to trust.
#[test]
fn a_certificate_that_nobody_vouches_for_is_refused_with_the_way_out() {
    for (software, scheme) in [
        (Software::Vsftpd, "ftpes"),
        (Software::Vsftpd, "ftps"),
        (Software::ProFtpd, "ftpes"),
        (Software::PureFtpd, "ftpes"),
    ] {
        let server = Ftpd::start(software, scheme);
        server.file("a", "a");
        let cli = Cli::new().env("COURIER_PASSWORD", FTP_PASSWORD);
        let (url, pin) = (server.url("a"), server.thumbprint());
        let refused = cli.run(["get", &url]);
        refused.failed_with(4, "self-signed");
        refused.failed_with(4, &format!("--tls-pin {pin}"));
        assert!(
            !server.log().contains("USER"),
            "nothing was sent: {}",
            server.log()
        );
        assert!(!cli.path("a").exists());

        cli.ok(["get", "--tls-pin", &pin.to_lowercase().replace(':', ""), &url]);
        let other = "00".repeat(32);
        let refused = cli.run(["get", "--tls-pin", &other, &url]);
        refused.failed_with(4, &pin);
        refused.failed_with(4, "00:00");
        let trusted = cli.ok(["get", "--insecure", "--quiet", &url]);
        assert!(trusted.stderr.contains("any certificate"), "{trusted:?}");
        assert_eq!(server.friend().ok(["get", &url]).stderr, "", "{software:?}");
        // For another name.
        server
            .friend()
            .run(["get", &url.replace("127.0.0.1", "localhost.localdomain")])
            .failed_with(if has_name() { 4 } else { 6 }, "localhost.localdomain");
    }
}

/// Does the machine know itself by that name?
fn has_name() -> bool {
    use std::net::ToSocketAddrs;
    ("localhost.localdomain", 1).to_socket_addrs().is_ok()
}

#[test]
fn a_password_is_tried_once() {
    for software in [Software::Vsftpd, Software::ProFtpd, Software::PureFtpd] {
        let server = Ftpd::start(software, "ftpes");
        server.file("a", "a");
        let url = server.url("a");
        let trusting = || Cli::new().env("SSL_CERT_FILE", server.identity());
        trusting().run(["get", &url]).failed_with(3, "COURIER_PASSWORD");
        let wrong = trusting().env("COURIER_PASSWORD", "wrong-77");
        let outcome = wrong.run(["get", "-r", &url]);
        outcome.failed_with(3, "530");
        assert!(!outcome.stderr.contains("wrong-77"), "{outcome:?}");
        if server.software() == Software::Vsftpd {
            assert_eq!(server.log().matches("PASS").count(), 1, "{}", server.log());
        }
    }
}

#[test]
fn without_a_user_anybody_logs_in() {
    let open = Ftpd::with(
        Software::Vsftpd,
        "ftp",
        "secure_email_list_enable=NO\nanon_upload_enable=NO\n",
    );
    open.file("a", "a");
    // A password of somebody's is not anybody's.
    let cli = Cli::new().env("COURIER_PASSWORD", "somebody's-31");
    let outcome = cli.ok(["get", &open.anonymous_url("a")]);
    assert_eq!(outcome.stderr, "");
    assert!(!open.log().contains("somebody"), "{}", open.log());
    cli.run(["put", "a", &open.anonymous_url("b")])
        .failed_with(7, "b");

    let closed = Ftpd::start(Software::ProFtpd, "ftp");
    Cli::new()
        .run(["ls", &closed.anonymous_url("")])
        .failed_with(3, "ftp://USER@127.0.0.1");
}

#[test]
fn a_password_in_the_clear_is_said() {
    let server = Ftpd::start(Software::ProFtpd, "ftp");
    server.file("a", "a");
    let cli = server.friend();
    let outcome = cli.ok(["get", &server.url("a")]);
    assert_eq!(outcome.stderr.matches("in the clear").count(), 1, "{outcome:?}");
    assert_eq!(cli.ok(["get", "--quiet", &server.url("a")]).stderr, "");
    // A server that wants TLS says so, and the way to it is named; so is the one to a server that does not begin with it.
    let strict = Ftpd::start(Software::Vsftpd, "ftpes");
    let url = strict.url("a").replace("ftpes://", "ftp://");
    strict.friend().run(["get", &url]).failed_with(1, "ftpes://");
    let url = strict.url("a").replace("ftpes://", "ftps://");
    strict.friend().run(["get", &url]).failed_with(1, "ftpes://");
}

#[test]
fn nobody_answers() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let cli = Cli::new().env("COURIER_PASSWORD", "x");
    cli.run(["ls", "-q", &format!("ftps://u@{closed}/")])
        .failed_with(6, "127.0.0.1");
    // Accepts, and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ftp://u@{}/", silent.local_addr().unwrap());
    cli.run(["ls", "-q", "--timeout", "1", &url]).failed_with(6, "1");
}

#[test]
fn what_the_server_refuses_is_denied() {
    let server = Ftpd::with(Software::Vsftpd, "ftpes", "cmds_denied=STOR,DELE,MKD,RNFR\n");
    server.file("a", "a");
    let cli = server.friend();
    fs::write(cli.path("b"), "b").unwrap();
    cli.run(["put", "b", &server.url("b")]).failed_with(7, "b");
    cli.run(["rm", &server.url("a")]).failed_with(7, "a");
    cli.run(["mkdir", &server.url("c")]).failed_with(7, "c");
    cli.run(["mv", &server.url("a"), &server.url("b")])
        .failed_with(7, "a");
    cli.ok(["get", &server.url("a")]);
}

#[test]
fn settings_have_their_flags() {
    let server = Ftpd::start(Software::Vsftpd, "ftpes");
    server.file("a", "one\ntwo\n");
    let cli = server.friend();
    let url = server.url("a");
    cli.ok(["get", "--active", &url]);
    cli.ok(["get", "--tls-floor", "1.3", &url]);
    let weak = cli.ok(["ls", "--tls-floor", "1.0", &url]);
    assert!(weak.stderr.contains("weak"), "{weak:?}");
    cli.ok([
        "get",
        "--quirk",
        "no_epsv",
        "--quirk",
        "no_mlsd",
        "--server-timezone",
        "Asia/Tokyo",
        &url,
    ]);
    for (flag, value, says) in [
        ("--quirk", "sings", "no_epsv"),
        ("--encoding", "klingon", "--encoding"),
        ("--server-timezone", "Mars/Olympus", "--server-timezone"),
        ("--crl", "gone.pem", "gone.pem"),
        ("--client-certificate", "gone.pem", "gone.pem"),
        ("--tls-floor", "2.0", "1.3"),
    ] {
        let outcome = cli.run(["get", flag, value, &url]);
        outcome.failed_with(2, says);
        outcome.failed_with(2, flag);
    }
    fs::write(cli.path("key.pem"), "no certificate").unwrap();
    cli.run(["get", "--client-certificate", "key.pem", &url])
        .failed_with(2, "key.pem");
    cli.ok(["get", "--client-certificate", &server.identity(), &url]);
    cli.run(["get", "--crl", "key.pem", &url]).failed_with(2, "--crl");
}

/// What LIST shows and nobody can use is said, and the document stays whole.
#[test]
fn a_line_that_is_not_understood_is_said() {
    let server = Ftpd::start(Software::Vsftpd, "ftp");
    server.file("fine", "1");
    // vsftpd shows it as it is; it has no MLSD.
    server.file("cut\rshort", "2");
    let outcome = server.friend().run(["ls", "--json", "-q", &server.url("")]);
    assert_eq!(outcome.code, 8, "{outcome:?}");
    assert_eq!(outcome.json().as_array().unwrap().len(), 1, "{outcome:?}");
    assert_eq!(outcome.json()[0]["name"], "fine");
    assert!(outcome.stderr.contains("can't be shown"), "{outcome:?}");
}

/// A file is one session's; several files are spread.
#[test]
fn parallel_is_for_files() {
    let server = Ftpd::start(Software::ProFtpd, "ftpes");
    let cli = server.friend();
    let bytes = content(9_000_000, 3);
    fs::write(cli.path("big"), &bytes).unwrap();
    cli.ok(["put", "--parallel", "4", "big", &server.url("big")]);
    assert!(server.read("big") == bytes);
    cli.ok(["get", "--parallel", "4", &server.url("big"), "back"]);
    assert!(fs::read(cli.path("back")).unwrap() == bytes);

    for i in 0..60 {
        server.file(&format!("many/{i}"), content(2000, i));
    }
    let line = Proxy::to(server.port());
    line.delay(Direction::Down, Duration::from_millis(5));
    let url = server.url_on(line.port(), "many");
    let outcome = cli.ok(["get", "-r", "--json", &url, "."]);
    assert_eq!(outcome.json()["files"], 60);
    assert!((2..=4).contains(&line.connections()), "{}", line.connections());
    let before = line.connections();
    cli.ok(["get", "-r", "--parallel", "1", &url, "once"]);
    assert_eq!(line.connections(), before + 1);
    line.after(
        Direction::Down,
        line.bytes(Direction::Down) + 20_000,
        Fault::Reset,
    );
    let outcome = cli.ok(["get", "-r", "--json", &url, "cut"]);
    assert_eq!(outcome.json()["files"], 60, "{outcome:?}");
}

/// Who interrupts waits for no session that nobody uses any more.
#[test]
fn an_interrupt_ends_it_at_once() {
    let server = Ftpd::start(Software::Vsftpd, "ftpes");
    let cli = server.friend();
    for name in ["many/1", "many/2", "many/3"] {
        server.file(name, "");
        // Sparse, and far too large to be finished.
        let file = File::options()
            .write(true)
            .open(server.files().join(name))
            .unwrap();
        file.set_len(200 << 30).unwrap();
    }
    for (flag, name, part) in [("-q", "many/1", "1.part"), ("-r", "many", "many/3.part")] {
        let url = server.url(name);
        let child = cli.command(["get", flag, &url, "."]).spawn().unwrap();
        wait_until("the first bytes", || {
            fs::metadata(cli.path(part)).is_ok_and(|meta| meta.len() > 1_000_000)
        });
        signal(&child, "INT");
        let asked = Instant::now();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{output:?}");
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
        assert!(!cli.path(part).exists());
    }
}
