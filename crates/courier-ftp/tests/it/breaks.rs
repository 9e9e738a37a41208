//! Lines that break, servers that die, and transfers that somebody ends in the middle, on each server over TLS.

use std::{
    net::{IpAddr, TcpListener},
    sync::Arc,
    time::{Duration, Instant},
};

use courier_transfer::{
    Client, Connector, CreateOptions, ErrorKind, Fetch, Store,
    layers::Reconnecting,
    ops::{DownloadOptions, UploadOptions, download, upload},
    testkit::{BytesSink, BytesSource, Direction, Fault, Proxy},
};
use futures::StreamExt;

use crate::support::{
    Attempt, Mode, Reconnects, Server, Setup, SlowSink, SlowSource, Software, bytes, on_each_server,
    remembering,
};

on_each_server![
    a_download_that_nobody_wants_any_more_ends,
    an_upload_that_nobody_wants_any_more_ends,
    a_listing_that_nobody_wants_any_more_ends,
    a_transfer_outlives_its_control_line,
    a_transfer_outlives_a_control_line_that_fell_silent,
    a_cut_data_line_is_taken_up,
    a_killed_server_is_noticed,
];

const BIG: usize = 60_000_000;

/// No answer of these tests may take so long.
const SOON: Duration = Duration::from_secs(6);

fn secured(software: Software) -> Server {
    Setup::new(software, Mode::Explicit).start()
}

/// The session is as good as new.
async fn works(server: &Server, client: &Arc<dyn Client>) {
    let started = Instant::now();
    assert!(client.is_connected());
    let path = server.remote("small");
    for content in [&b"hello"[..], b"again"] {
        let store = Store::new(BytesSource::new(content.to_vec()), CreateOptions::default(), None);
        client.store(&path, store).await.unwrap();
        let sink = Arc::new(BytesSink::default());
        client.fetch(&path, sink.request(0, None)).await.unwrap();
        assert_eq!(sink.bytes(), content);
    }
    let stat = client.stat(&path).await.unwrap();
    assert_eq!(stat.size, Some(5));
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
}

async fn a_download_that_nobody_wants_any_more_ends(software: Software) {
    let server = secured(software);
    server.write("big", &bytes(BIG));
    let client = server.connect().await;
    for _ in 0..2 {
        let (sink, remote) = (Arc::new(SlowSink::default()), server.remote("big"));
        tokio::select! {
            done = client.fetch(&remote, Fetch::new(sink.clone(), 0, None)) => panic!("{done:?}"),
            () = sink.well_begun.notified() => {}
        }
        works(&server, &client).await;
        assert!(sink.bytes.reached() < BIG as u64 / 2);
    }
}

async fn an_upload_that_nobody_wants_any_more_ends(software: Software) {
    let server = secured(software);
    let client = server.connect().await;
    for i in 0..2 {
        let source = SlowSource::new(bytes(BIG));
        let store = Store::new(source.clone(), CreateOptions::default(), None);
        let name = format!("big{i}");
        let remote = server.remote(&name);
        tokio::select! {
            done = client.store(&remote, store) => panic!("{done:?}"),
            () = source.well_begun.notified() => {}
        }
        works(&server, &client).await;
        let arrived = server.read(&name).len();
        assert!(arrived < BIG / 2, "{arrived}");
    }
}

async fn a_listing_that_nobody_wants_any_more_ends(software: Software) {
    let server = secured(software);
    for i in 0..3_000 {
        server.write(&format!("{i:04}-{}", "x".repeat(100)), b"");
    }
    let client = server.connect().await;
    for taken in [0, 1, 500] {
        let mut listing = client.list(&server.remote_folder()).await.unwrap();
        for _ in 0..taken {
            listing.next().await.unwrap().unwrap();
        }
        drop(listing);
        works(&server, &client).await;
    }
}

/// A session through a line, which is opened again when it breaks.
async fn over(server: &Server, line: &Proxy) -> Arc<dyn Client> {
    let attempt = Attempt::to(server).host("127.0.0.1").port(line.port());
    let connector = Arc::new(Reconnects(attempt, SOON));
    let first = connector.connect().await.unwrap();
    Arc::new(Reconnecting::new(first, connector, 3))
}

/// A router that has forgotten a quiet connection answers with a reset as soon as there is anything to say on it.
async fn a_transfer_outlives_its_control_line(software: Software) {
    let server = secured(software);
    let content = bytes(30_000_000);
    server.write("big", &content);
    let line = Proxy::to(server.port());
    let client = over(&server, &line).await;
    let (remote, back) = (server.remote("big"), server.scratch("back"));
    let (options, context) = (DownloadOptions::default(), remembering());
    let getting = download(&client, &remote, &back, &options, &context);
    let cutting = async {
        while !std::fs::metadata(server.scratch("back.part")).is_ok_and(|part| part.len() > 1_000_000) {
            tokio::task::yield_now().await;
        }
        assert_eq!(line.cut(), 1);
    };
    let (got, ()) = tokio::join!(getting, cutting);
    got.unwrap();
    assert!(std::fs::read(&back).unwrap() == content);
    works(&server, &client).await;

    let source = server.scratch("source");
    std::fs::write(&source, &content).unwrap();
    let (remote, options) = (server.remote("up"), UploadOptions::default());
    let putting = upload(&client, &source, &remote, &options, &context);
    let cutting = async {
        while !std::fs::metadata(server.on_disk("up")).is_ok_and(|part| part.len() > 1_000_000) {
            tokio::task::yield_now().await;
        }
        assert_eq!(line.cut(), 1);
    };
    let (put, ()) = tokio::join!(putting, cutting);
    put.unwrap();
    assert!(server.read("up") == content);
    works(&server, &client).await;
}

/// A router that has forgotten a quiet connection may as well say nothing at all.
async fn a_transfer_outlives_a_control_line_that_fell_silent(software: Software) {
    let server = secured(software);
    let content = bytes(30_000_000);
    server.write("big", &content);
    let line = Proxy::to(server.port());
    let client = over(&server, &line).await;
    let (remote, back) = (server.remote("big"), server.scratch("back"));
    let (options, context) = (DownloadOptions::default(), remembering());
    let getting = download(&client, &remote, &back, &options, &context);
    let silencing = async {
        while !std::fs::metadata(server.scratch("back.part")).is_ok_and(|part| part.len() > 1_000_000) {
            tokio::task::yield_now().await;
        }
        line.stall(Direction::Up);
        line.stall(Direction::Down);
        // The connections of before stay silent; new ones are other connections to a router.
        tokio::time::sleep(SOON / 2).await;
        line.cut();
        line.pass();
    };
    let (got, ()) = tokio::join!(getting, silencing);
    got.unwrap();
    assert!(std::fs::read(&back).unwrap() == content);
}

/// The server is on another address than the one that the client knows, whose ports lead to it.
async fn a_cut_data_line_is_taken_up(software: Software) {
    for mode in [Mode::Plain, Mode::Explicit] {
        cut_data_line(software, mode).await;
    }
}

async fn cut_data_line(software: Software, mode: Mode) {
    let elsewhere = IpAddr::from([127, 0, 0, 2]);
    // ProFTPD's range can't be a single port: the second is taken.
    let (data, _taken) = std::iter::repeat_with(|| Proxy::to_same_port_of(elsewhere))
        .find_map(|data| {
            Some((
                TcpListener::bind((elsewhere, data.port().checked_add(1)?)).ok()?,
                data,
            ))
        })
        .map(|(taken, data)| (data, taken))
        .unwrap();
    let port = data.port();
    let server = Setup::new(software, mode)
        .at(elsewhere)
        .config(&match software {
            Software::ProFtpd => format!("PassivePorts {port} {}", port + 1),
            Software::PureFtpd => format!("-p{port}:{port}"),
            Software::Vsftpd => format!("pasv_min_port={port}\npasv_max_port={port}"),
        })
        .start();
    let control = Proxy::to_address(server.address);
    let client = over(&server, &control).await;
    let content = bytes(20_000_000);
    let (source, back) = (server.scratch("source"), server.scratch("back"));
    std::fs::write(&source, &content).unwrap();
    let older = std::time::SystemTime::now() - Duration::from_secs(3600);
    std::fs::File::options()
        .write(true)
        .open(&source)
        .unwrap()
        .set_modified(older)
        .unwrap();
    server.write("big", &content);
    for fault in [Fault::Reset, Fault::Close] {
        let before = data.bytes(Direction::Down);
        data.after(Direction::Down, 8_000_000, fault);
        let context = remembering();
        download(
            &client,
            &server.remote("big"),
            &back,
            &DownloadOptions::default(),
            &context,
        )
        .await
        .unwrap();
        assert!(std::fs::read(&back).unwrap() == content);
        assert!(data.bytes(Direction::Down) - before < 26_000_000, "{data:?}");

        let before = data.bytes(Direction::Up);
        data.after(Direction::Up, 8_000_000, fault);
        let name = format!("up-{fault:?}");
        upload(
            &client,
            &source,
            &server.remote(&name),
            &UploadOptions::default(),
            &context,
        )
        .await
        .unwrap();
        assert!(server.read(&name) == content);
        assert!(data.bytes(Direction::Up) - before < 26_000_000, "{data:?}");
    }
    assert_eq!(data.faults(), 4);
    works(&server, &client).await;
}

async fn a_killed_server_is_noticed(software: Software) {
    let server = secured(software);
    server.write("big", &bytes(BIG));
    let client = server.connect().await;
    let sink = Arc::new(SlowSink::default());
    let started = Instant::now();
    let kill = async {
        sink.well_begun.notified().await;
        server.kill();
    };
    let request = Fetch::new(sink.clone(), 0, None);
    let remote = server.remote("big");
    let (broken, ()) = tokio::join!(client.fetch(&remote, request), kill);
    assert_eq!(broken.unwrap_err().kind(), ErrorKind::Lost);
    assert!(started.elapsed() < SOON);
    assert!(!client.is_connected());
    let after = client.stat(&server.remote("big")).await;
    assert_eq!(after.unwrap_err().kind(), ErrorKind::Lost);
    let again = Attempt::to(&server).connect().await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Unreachable);
}
