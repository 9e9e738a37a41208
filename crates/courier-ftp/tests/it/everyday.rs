//! What servers of partners are used for every day, on each of them over TLS: a login, many files in one session, a
//! listing, transfers that go on where they broke off, and sessions that wait.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, sync::Arc, time::Duration};

use courier_transfer::{
    AuthMethod, CertificateProblem, Client, CreateOptions, ErrorKind, Listed, Store, Thumbprint,
    TimePrecision,
    ops::{Context, DownloadOptions, UploadOptions, download, upload},
    testkit::{BytesSink, BytesSource},
};
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use serde_json::json;

use crate::support::{Attempt, Mode, Server, Setup, Software, bytes, on_each_server, remembering};

on_each_server![
    the_password_logs_in,
    ten_uploads_fit_in_one_session,
    a_tree_is_listed,
    downloads_and_uploads_go_on,
    links_are_followed,
    a_folder_behind_a_link_has_its_own_name,
    times_are_as_exact_as_they_are_told,
    idle_sessions_stay,
    implicit_tls_works,
    the_weakest_tls_is_refused_unless_asked_for,
    active_mode_works,
];

fn secured(software: Software) -> Server {
    Setup::new(software, Mode::Explicit).start()
}

async fn the_password_logs_in(software: Software) {
    let server = secured(software);
    let attempt = Attempt::to(&server);
    let heard = attempt.heard.clone();
    let client = attempt.connect().await.unwrap();
    assert_eq!(*heard.method.lock(), Some(AuthMethod::Password));
    let info = client.server().clone();
    let banner = info.banner.unwrap();
    let name = match software {
        Software::ProFtpd => "ProFTPD",
        Software::PureFtpd => "Pure-FTPd",
        Software::Vsftpd => "vsFTPd",
    };
    assert!(banner.contains(name), "{banner}");
    let certificate = info.certificate.unwrap();
    assert_eq!(certificate.thumbprint, server.identity.thumbprint());
    assert_eq!(certificate.subject, "CN=localhost");
    assert_eq!(certificate.problems, [CertificateProblem::SelfSigned]);
    assert!(info.negotiated.unwrap().starts_with("TLSv1.3, TLS_AES_"));
    assert!(info.extensions.iter().any(|line| line.starts_with("REST")));

    let wrong = Attempt::to(&server).password("battery staple").connect().await;
    let wrong = wrong.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Auth);
    assert!(wrong.to_string().contains("530"), "{wrong}");
    assert!(!format!("{wrong:?}").contains("staple"), "{wrong:?}");
}

fn atomic() -> UploadOptions {
    UploadOptions {
        atomic: true,
        ..UploadOptions::default()
    }
}

/// A file on this machine.
fn local(server: &Server, name: &str, content: &[u8]) -> PathBuf {
    let path = server.scratch(name);
    fs::write(&path, content).unwrap();
    path
}

/// Servers want each of the eleven data connections to resume the control connection's session, and tickets of TLS 1.3 are
/// good for once.
async fn ten_uploads_fit_in_one_session(software: Software) {
    for version in ["TLSv1.2", "TLSv1.3"] {
        let server = Setup::new(software, Mode::Explicit).only(version).start();
        let client = server.connect().await;
        assert!(
            client
                .server()
                .negotiated
                .as_deref()
                .unwrap()
                .starts_with(version)
        );
        let content = bytes(300_000);
        let source = local(&server, "source", &content);
        let (options, context) = (atomic(), Context::default());
        for i in 0..10 {
            let remote = server.remote(&format!("f{i}"));
            upload(&client, &source, &remote, &options, &context)
                .await
                .unwrap();
            assert!(server.read(&format!("f{i}")) == content);
        }
        assert_eq!(names(&client, &server).await.len(), 10);
        let back = server.scratch("back");
        for i in 0..10 {
            let remote = server.remote(&format!("f{i}"));
            download(&client, &remote, &back, &DownloadOptions::default(), &context)
                .await
                .unwrap();
            assert!(fs::read(&back).unwrap() == content);
        }
    }
}

async fn names(client: &Arc<dyn Client>, server: &Server) -> Vec<String> {
    let listing = client.list(&server.remote_folder()).await.unwrap();
    let mut names: Vec<String> = listing
        .map(|listed| match listed.unwrap() {
            Listed::Entry(entry) => entry.path.name().unwrap().to_string(),
            Listed::Unreadable { raw, reason } => panic!("{raw}: {reason}"),
        })
        .collect()
        .await;
    names.sort();
    names
}

async fn a_tree_is_listed(software: Software) {
    let server = secured(software);
    let made = [
        "-rf",
        "Grüße aus Köln.txt",
        "[a].csv",
        "a b  c",
        "it's",
        "plain.txt",
        "日本",
    ];
    for name in made {
        server.write(name, b"12345");
    }
    server.make_dir("-d [x]");
    server.write("-d [x]/inside", b"1");
    let client = server.connect().await;
    let mut expected: Vec<&str> = [&made[..], &["-d [x]"]].concat();
    expected.sort_unstable();
    assert_eq!(names(&client, &server).await, expected);
    for name in made {
        let entry = client.stat(&server.remote(name)).await.unwrap();
        assert_eq!((entry.size, entry.is_dir()), (Some(5), false), "{name}");
    }
    let mut inside = client.list(&server.remote("-d [x]")).await.unwrap();
    let Some(Ok(Listed::Entry(entry))) = inside.next().await else {
        panic!("one entry");
    };
    assert_eq!(entry.path, server.remote("-d [x]/inside"));
    assert_eq!(entry.size, Some(1));
    let missing = client.list(&server.remote("missing")).await;
    assert_eq!(missing.err().unwrap().kind(), ErrorKind::NotFound);
}

async fn downloads_and_uploads_go_on(software: Software) {
    let server = secured(software);
    let client = server.connect().await;
    let capabilities = client.capabilities();
    assert!(capabilities.resume_download && capabilities.resume_upload);
    let content = bytes(2_000_000);
    let (remote, context) = (server.remote("f"), remembering());

    // What breaks off after 700 kB is noted as a part of that file.
    server.write("f", &content);
    let back = server.scratch("back");
    let full = Arc::new(BytesSink::full_at(700_000));
    let broken = client.fetch(&remote, full.request(0, None)).await;
    assert_eq!(broken.unwrap_err().kind(), ErrorKind::Full);
    fs::write(server.scratch("back.part"), &content[..700_000]).unwrap();
    let got = download(&client, &remote, &back, &DownloadOptions::default(), &context)
        .await
        .unwrap();
    assert_eq!(got.resumed_from, Some(700_000));
    assert!(fs::read(&back).unwrap() == content);

    let source = local(&server, "source", &content);
    let older = std::time::SystemTime::now() - Duration::from_secs(3600);
    fs::File::options()
        .write(true)
        .open(&source)
        .unwrap()
        .set_modified(older)
        .unwrap();
    server.write("up.tmp", &content[..900_000]);
    let sent = upload(&client, &source, &server.remote("up"), &atomic(), &context)
        .await
        .unwrap();
    assert_eq!(sent.resumed_from, Some(900_000));
    assert!(server.read("up") == content);

    // The tail of a file that is all there is nothing, and a file that is not there has none.
    let options = CreateOptions {
        offset: 2_000_000,
        create_new: false,
    };
    let store = Store::new(BytesSource::new(content.clone()), options, None);
    assert_eq!(
        client.store(&server.remote("up"), store).await.unwrap(),
        2_000_000
    );
    let store = Store::new(BytesSource::new(content), options, None);
    let missing = client.store(&server.remote("missing"), store).await;
    assert_eq!(missing.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(!server.on_disk("missing").exists());
}

/// The server ends sessions that are idle for two seconds; ours gives a sign of life before.
/// Also where MLST tells the length that the link itself has (ProFTPD).
async fn links_are_followed(software: Software) {
    let server = secured(software);
    let client = server.connect().await;
    let content = bytes(3000);
    server.write("real", &content);
    std::os::unix::fs::symlink("real", server.on_disk("link")).unwrap();
    let (link, back) = (server.remote("link"), server.scratch("back"));
    let context = Context::default();
    assert_eq!(client.stat(&link).await.unwrap().size, Some(3000));
    download(&client, &link, &back, &DownloadOptions::default(), &context)
        .await
        .unwrap();
    assert!(fs::read(&back).unwrap() == content);

    // A file with the permissions of a link.
    fs::set_permissions(server.on_disk("real"), PermissionsExt::from_mode(0o777)).unwrap();
    let real = client.stat(&server.remote("real")).await.unwrap();
    assert_eq!(real.size, Some(3000));

    let source = local(&server, "source", &content[..1000]);
    let sent = upload(&client, &source, &link, &UploadOptions::default(), &context).await;
    match software {
        Software::PureFtpd => assert!(sent.unwrap_err().to_string().contains("symbolic")),
        Software::ProFtpd | Software::Vsftpd => {
            sent.unwrap();
            assert!(server.read("real") == content[..1000]);
        }
    }
}

async fn a_folder_behind_a_link_has_its_own_name(software: Software) {
    let server = secured(software);
    let client = server.connect().await;
    fs::create_dir_all(server.on_disk("real/inner")).unwrap();
    server.write("real/inner/f", b"x");
    std::os::unix::fs::symlink("real/inner", server.on_disk("link")).unwrap();
    let real = client.canonicalize(&server.remote("real/inner")).await.unwrap();
    assert!(real.is_absolute(), "{real}");
    assert_eq!(client.canonicalize(&server.remote("link")).await.unwrap(), real);
    // What can't be entered keeps its name.
    let file = client.canonicalize(&server.remote("real/inner/f")).await.unwrap();
    assert_eq!(file.name(), server.remote("f").name());
    assert_eq!(
        client.list(&server.remote("real")).await.unwrap().count().await,
        1
    );
}

/// A listing without facts, which vsftpd alone has, tells minutes and days; the file itself is told exactly.
async fn times_are_as_exact_as_they_are_told(software: Software) {
    let server = secured(software);
    let client = server.connect().await;
    let now = Timestamp::now();
    for (name, hours) in [("young", 30), ("old", 24 * 400)] {
        let exact = Timestamp::from_second(now.as_second() / 60 * 60 - hours * 3600 + 17).unwrap();
        server.write(name, b"x");
        let file = fs::File::options()
            .write(true)
            .open(server.on_disk(name))
            .unwrap();
        file.set_modified(exact.into()).unwrap();
        let told = client.stat(&server.remote(name)).await.unwrap();
        assert_eq!(
            (told.modified, told.precision),
            (Some(exact), TimePrecision::Exact)
        );

        let listing = client.list(&server.remote("")).await.unwrap();
        let listed: Vec<_> = listing.try_collect().await.unwrap();
        let listed = listed.iter().find_map(|listed| match listed {
            Listed::Entry(entry) if entry.name() == server.remote(name).name() => Some(entry),
            _ => None,
        });
        let listed = listed.unwrap();
        let precision = match (software, name) {
            (Software::Vsftpd, "young") => TimePrecision::Minute,
            (Software::Vsftpd, _) => TimePrecision::Day,
            _ => TimePrecision::Exact,
        };
        assert_eq!(listed.precision, precision, "{name}");
        let behind = exact.duration_since(listed.modified.unwrap());
        assert!(
            behind.is_zero() || behind.is_positive() && behind < precision.span(),
            "{behind}"
        );
    }
}

async fn idle_sessions_stay(software: Software) {
    let setup = Setup::new(software, Mode::Explicit);
    let server = match software {
        Software::ProFtpd => setup.config("TimeoutIdle 2"),
        // Counts minutes.
        Software::PureFtpd => setup,
        Software::Vsftpd => setup.config("idle_session_timeout=2"),
    }
    .start();
    let alive = Attempt::to(&server)
        .keepalive(Duration::from_millis(300))
        .connect();
    let alive = alive.await.unwrap();
    let silent = Attempt::to(&server).connect().await.unwrap();
    silent.keepalive().await.unwrap();
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    assert!(alive.is_connected());
    alive.stat(&server.remote_folder()).await.unwrap();
    if software != Software::PureFtpd {
        assert_eq!(silent.keepalive().await.unwrap_err().kind(), ErrorKind::Lost);
        assert!(!silent.is_connected());
    }
}

async fn implicit_tls_works(software: Software) {
    if software == Software::PureFtpd {
        return; // It hasn't got it.
    }
    for version in ["TLSv1.2", "TLSv1.3"] {
        let server = Setup::new(software, Mode::Implicit).only(version).start();
        let client = server.connect().await;
        server.write("f", b"hello");
        for _ in 0..3 {
            let sink = Arc::new(BytesSink::default());
            client
                .fetch(&server.remote("f"), sink.request(0, None))
                .await
                .unwrap();
            assert_eq!(sink.bytes(), b"hello");
        }
    }
}

async fn the_weakest_tls_is_refused_unless_asked_for(software: Software) {
    if software == Software::PureFtpd {
        return; // It speaks no TLS before 1.2.
    }
    for (version, floor) in [("TLSv1", "tls_1_0"), ("TLSv1.1", "tls_1_1")] {
        let server = Setup::new(software, Mode::Explicit).only(version).start();
        let refused = Attempt::to(&server).connect().await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Negotiation, "{refused}");
        let asked_for = Attempt::to(&server).setting("tls_version_floor", json!(floor));
        let client = asked_for.connect().await.unwrap();
        assert!(
            client
                .server()
                .negotiated
                .as_deref()
                .unwrap()
                .starts_with(version)
        );
        assert!(names(&client, &server).await.is_empty());
    }
}

async fn active_mode_works(software: Software) {
    let server = secured(software);
    let content = bytes(500_000);
    // Fewer ports than transfers: one that was used may be used again at once.
    let is_free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let first = (20_000 + u16::try_from(std::process::id() % 10_000).unwrap()..)
        .find(|first| (*first..=first + 3).all(|port| is_free(&port)))
        .unwrap();
    let client = Attempt::to(&server)
        .setting("passive_mode", json!(false))
        .setting("active_port_range", json!(format!("{first}-{}", first + 3)))
        .connect()
        .await
        .unwrap();
    for i in 0..5 {
        let path = server.remote(&format!("f{i}"));
        let store = Store::new(BytesSource::new(content.clone()), CreateOptions::default(), None);
        client.store(&path, store).await.unwrap();
        let sink = Arc::new(BytesSink::default());
        client.fetch(&path, sink.request(0, None)).await.unwrap();
        assert!(sink.bytes() == content);
    }
    assert_eq!(names(&client, &server).await.len(), 5);
}

/// What the pin is compared with can be had from the server itself.
#[tokio::test]
async fn the_thumbprint_is_that_of_openssl() {
    let server = secured(Software::ProFtpd);
    let output = std::process::Command::new("openssl")
        .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
        .arg(local(
            &server,
            "certificate",
            server.identity.certificate_pem().as_bytes(),
        ))
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let printed: Thumbprint = printed.trim().split('=').nth(1).unwrap().parse().unwrap();
    let client = server.connect().await;
    assert_eq!(client.server().certificate.as_ref().unwrap().thumbprint, printed);
}
