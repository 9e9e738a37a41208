//! Data connections of odd servers: addresses that are wrong, connections that nobody makes or that strangers make, and ends
//! that come too early, too late or not at all.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use courier_ftp::FtpProtocol;
use courier_transfer::{
    Client, CreateOptions, ErrorKind, Fetch, Listed, OpenOptions, Protocol, RemotePath, Result, Store,
    testkit::{BytesSink, BytesSource},
};
use futures::StreamExt;
use parking_lot::Mutex;
use serde_json::json;
use tokio::time::timeout;

use crate::scripted::{Answer, Scripted, options};

pub fn path(text: &str) -> RemotePath {
    RemotePath::new(text).unwrap()
}

/// What a server does with a data connection, on a thread of its own.
#[derive(Clone, Debug)]
pub enum Does {
    Send(Vec<u8>),
    /// Sends until it can't any more.
    SendForEver,
    /// Reads to the end, and keeps it.
    Receive,
    /// Reads to the end, then closes without a word.
    Nothing,
}

/// A port for data connections.
#[derive(Debug)]
pub struct DataPort {
    address: SocketAddr,
    received: Arc<Mutex<Vec<u8>>>,
}

impl DataPort {
    pub fn new(does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let own = Arc::clone(&received);
        // Ends with the process: it waits for connections that may never come.
        std::thread::spawn(move || {
            for tcp in listener.incoming() {
                serve(tcp.unwrap(), &does, &own);
            }
        });
        Self { address, received }
    }

    /// Waits until these are the bytes of the last connection: the thread that takes them may be behind the control line.
    async fn receives(&self, bytes: &[u8]) {
        let last = async {
            while *self.received.lock() != bytes {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(10), last).await;
        assert!(waited.is_ok(), "{}", self.received.lock().escape_ascii());
    }

    /// The reply to EPSV.
    pub fn extended(&self) -> Answer {
        Answer::Bytes(format!("229 Here (|||{}|)\r\n", self.address.port()).into_bytes())
    }

    /// The reply to PASV, with that address.
    fn passive(&self, host: &str) -> Answer {
        let [high, low] = self.address.port().to_be_bytes();
        Answer::Bytes(format!("227 Here ({host},{high},{low})\r\n").into_bytes())
    }
}

fn serve(mut tcp: TcpStream, does: &Does, received: &Mutex<Vec<u8>>) {
    let chunk = [7; 10_000];
    match does {
        // Whoever has gone takes no more.
        Does::Send(bytes) => drop(tcp.write_all(bytes)),
        Does::SendForEver => while tcp.write_all(&chunk).is_ok() {},
        Does::Receive => {
            let mut all = Vec::new();
            if tcp.read_to_end(&mut all).is_ok() {
                *received.lock() = all;
            }
        }
        Does::Nothing => drop(tcp.read_to_end(&mut Vec::new())),
    }
}

pub async fn fetch(client: &Arc<dyn Client>, sink: &Arc<BytesSink>) -> Result<u64> {
    client
        .fetch(&path("/file"), Fetch::new(sink.clone(), 0, None))
        .await
}

pub async fn store(client: &Arc<dyn Client>, bytes: &[u8]) -> Result<u64> {
    let source = BytesSource::new(bytes.to_vec());
    client
        .store(&path("/file"), Store::new(source, CreateOptions::default(), None))
        .await
}

/// Is the control line in step?
pub async fn assert_in_step(client: &Arc<dyn Client>) {
    assert_eq!(client.stat(&path("/known")).await.unwrap().size, Some(42));
    assert!(client.is_connected());
}

/// A server with one port for data, that says this to RETR, STOR and LIST, and this to ABOR.
async fn server(port: &DataPort, begins: &'static str, aborts: &'static str) -> Scripted {
    let extended = port.extended();
    Scripted::start(
        move |command| match command.split(' ').next().unwrap_or_default() {
            "EPSV" => extended.clone(),
            "RETR" | "STOR" | "LIST" => Answer::Say(begins),
            "ABOR" => Answer::Say(aborts),
            _ if command == "SIZE /known" => Answer::Say("213 42"),
            _ => Answer::Usual,
        },
    )
    .await
}

#[tokio::test]
async fn somebody_elses_address_is_not_connected_to() {
    for host in ["10,9,8,7", "203,0,113,9", "0,0,0,0", "127,0,0,9"] {
        let port = DataPort::new(Does::Send(b"hello".to_vec()));
        let passive = port.passive(host);
        let server = Scripted::start(move |command| match command {
            "PASV" => passive.clone(),
            "RETR /file" => Answer::Say("150 Begins\n226 Done"),
            _ => Answer::Usual,
        })
        .await;
        let client = server.connect().await.unwrap();
        for _ in 0..2 {
            let sink = Arc::new(BytesSink::default());
            assert_eq!(fetch(&client, &sink).await.unwrap(), 5);
            assert_eq!(sink.bytes(), b"hello");
        }
        // It was refused, and isn't asked for again.
        assert_eq!((server.count("EPSV"), server.count("PASV")), (1, 2));
    }
}

#[tokio::test]
async fn a_passive_port_that_cannot_be_reached_is_named() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Scripted::start(move |command| match command {
        "EPSV" => Answer::Bytes(format!("229 Here (|||{}|)\r\n", closed.port()).into_bytes()),
        "SIZE /known" => Answer::Say("213 42"),
        _ => Answer::Usual,
    })
    .await;
    let client = server.connect().await.unwrap();
    let error = fetch(&client, &Arc::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    for part in [&closed.to_string(), "firewall", "passive_mode"] {
        assert!(error.message().contains(part), "{error}");
    }
    assert_in_step(&client).await;
}

#[tokio::test]
async fn replies_without_an_address_are_told() {
    for (epsv, pasv) in [("229 Fine", "227 Fine"), ("502 No", "227 Fine (1,2,3)")] {
        let server = Scripted::start(move |command| match command {
            "EPSV" => Answer::Say(epsv),
            "PASV" => Answer::Say(pasv),
            "SIZE /known" => Answer::Say("213 42"),
            _ => Answer::Usual,
        })
        .await;
        let client = server.connect().await.unwrap();
        let error = fetch(&client, &Arc::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
        assert_in_step(&client).await;
    }
}

/// The address that PORT told.
fn told(command: &str) -> SocketAddr {
    let numbers: Vec<u8> = command
        .trim_start_matches("PORT ")
        .split(',')
        .map(|n| n.parse().unwrap())
        .collect();
    let port = u16::from_be_bytes([numbers[4], numbers[5]]);
    SocketAddr::from(([numbers[0], numbers[1], numbers[2], numbers[3]], port))
}

#[tokio::test]
async fn a_data_connection_that_nobody_makes_is_given_up() {
    let server = Scripted::start(
        move |command| match command.split(' ').next().unwrap_or_default() {
            "PORT" => Answer::Say("200 Fine"),
            "RETR" => Answer::Say("150 Begins"),
            "ABOR" => Answer::Say("426 Aborted\n226 Done"),
            _ if command == "SIZE /known" => Answer::Say("213 42"),
            _ => Answer::Usual,
        },
    )
    .await;
    let target = server.target(json!({ "passive_mode": false }));
    let client = FtpProtocol.connect(target, options(0.5)).await.unwrap();
    let begun = Instant::now();
    let error = fetch(&client, &Arc::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(begun.elapsed() < Duration::from_secs(3));
    assert_in_step(&client).await;
}

#[tokio::test]
async fn in_active_mode_strangers_are_turned_away() {
    let mut told_to: Option<SocketAddr> = None;
    let threads: Arc<Mutex<Vec<JoinHandle<()>>>> = Arc::default();
    let own = Arc::clone(&threads);
    let server = Scripted::start(
        move |command| match command.split(' ').next().unwrap_or_default() {
            "PORT" => {
                told_to = Some(told(command));
                Answer::Say("200 Fine")
            }
            "RETR" => {
                let to = told_to.unwrap();
                own.lock().push(std::thread::spawn(move || {
                    let stranger =
                        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
                    stranger
                        .bind(&SocketAddr::from(([127, 0, 0, 2], 0)).into())
                        .unwrap();
                    stranger.connect(&to.into()).unwrap();
                    // Whoever is turned away can't say anything.
                    let _ = (&stranger).write_all(b"false");
                    TcpStream::connect(to).unwrap().write_all(b"true").unwrap();
                }));
                Answer::Say("150 Begins\n226 Done")
            }
            _ => Answer::Usual,
        },
    )
    .await;
    let ports = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let settings = json!({ "passive_mode": false, "active_port_range": format!("{ports}-{}", ports.saturating_add(20)) });
    let client = server.connect_with(settings).await.unwrap();
    let sink = Arc::new(BytesSink::default());
    assert_eq!(fetch(&client, &sink).await.unwrap(), 4);
    assert_eq!(sink.bytes(), b"true");
    for thread in threads.lock().drain(..) {
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn active_mode_tells_the_external_address() {
    let server = Scripted::start(|command| match command.split(' ').next().unwrap_or_default() {
        "PORT" | "EPRT" => Answer::Say("501 Not to there"),
        _ => Answer::Usual,
    })
    .await;
    for (address, expected) in [
        ("203.0.113.7", "PORT 203,0,113,7,"),
        ("2001:db8::7", "EPRT |2|2001:db8::7|"),
    ] {
        let settings = json!({ "passive_mode": false, "external_address": address });
        let client = server.connect_with(settings).await.unwrap();
        let error = fetch(&client, &Arc::default()).await.unwrap_err();
        assert!(error.message().contains("Not to there"), "{error}");
        assert_eq!(server.count(expected), 1, "{:?}", server.heard());
    }
}

#[tokio::test]
async fn the_last_word_may_come_before_the_last_byte() {
    let bytes = vec![1; 3_000_000];
    let port = DataPort::new(Does::Send(bytes.clone()));
    let server = server(&port, "150 Begins\n226 Done", "").await;
    let client = server.connect().await.unwrap();
    let sink = Arc::new(BytesSink::default());
    assert_eq!(fetch(&client, &sink).await.unwrap(), 3_000_000);
    assert!(sink.bytes() == bytes);
    assert_eq!(server.count("ABOR"), 0);
}

#[tokio::test]
async fn an_early_refusal_is_the_error() {
    let cases = [
        ("150 Begins\n552 The disk is full", ErrorKind::Full),
        ("150 Begins\n550 Permission denied", ErrorKind::Denied),
        ("150 Begins\n451 Something broke", ErrorKind::Failed),
        ("150 Begins\n426 The connection broke", ErrorKind::Lost),
        ("552 No space left", ErrorKind::Full),
    ];
    for (says, kind) in cases {
        for does in [Does::Nothing, Does::SendForEver] {
            let port = DataPort::new(does.clone());
            let server = server(&port, says, "").await;
            let client = server.connect().await.unwrap();
            let error = match does {
                Does::Nothing => store(&client, &vec![1; 20_000_000]).await.unwrap_err(),
                _ => fetch(&client, &Arc::default()).await.unwrap_err(),
            };
            assert_eq!(error.kind(), kind, "{error}");
            assert_in_step(&client).await;
            assert_eq!(server.count("ABOR"), 0);
        }
    }
}

#[tokio::test]
async fn a_control_line_that_is_lost_lets_the_bytes_arrive() {
    let bytes = vec![3; 2_000_000];
    let port = DataPort::new(Does::Send(bytes.clone()));
    let extended = port.extended();
    let server = Scripted::start(move |command| match command {
        "EPSV" => extended.clone(),
        "RETR /file" => Answer::Last(b"150 Begins\r\n"),
        _ => Answer::Usual,
    })
    .await;
    let client = server.connect().await.unwrap();
    let sink = Arc::new(BytesSink::default());
    let error = fetch(&client, &sink).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lost, "{error}");
    assert!(sink.bytes() == bytes);
    assert!(!client.is_connected());
}

#[tokio::test]
async fn what_is_cancelled_leaves_the_line_in_step_whatever_abor_does() {
    let dances = [
        "426 Aborted\n226 Abort successful",
        "226 Done\n225 Nothing to abort",
        "226 Abort successful",
        "226 Done\n200 ABOR command successful",
        "426 Aborted\n502 What?",
        "451 Broken off\n226 Closing\n225 No transfer",
    ];
    for dance in dances {
        for uploads in [false, true] {
            let port = DataPort::new(if uploads { Does::Nothing } else { Does::SendForEver });
            let server = server(&port, "150 Begins", dance).await;
            let client = server.connect().await.unwrap();
            if uploads {
                let options = CreateOptions::default();
                let mut writer = client.create(&path("/file"), options).await.unwrap();
                writer.write(vec![1; 100_000].into()).await.unwrap();
            } else {
                let mut reader = client.open(&path("/file"), OpenOptions::default()).await.unwrap();
                assert!(reader.read().await.unwrap().is_some());
            }
            let begun = Instant::now();
            assert_in_step(&client).await;
            assert!(begun.elapsed() < Duration::from_secs(2), "{dance}");
            assert_eq!(server.count("ABOR"), 1);
        }
    }
}

#[tokio::test]
async fn a_server_that_never_answers_abor_loses_the_session() {
    let port = DataPort::new(Does::SendForEver);
    let extended = port.extended();
    let server = Scripted::start(move |command| match command {
        "EPSV" => extended.clone(),
        "RETR /file" => Answer::Say("150 Begins"),
        "ABOR" => Answer::Nothing,
        _ => Answer::Usual,
    })
    .await;
    let client = server.connect().await.unwrap();
    let sink = Arc::default();
    assert!(
        timeout(Duration::from_millis(100), fetch(&client, &sink))
            .await
            .is_err()
    );
    let begun = Instant::now();
    let next = client.stat(&path("/known")).await.unwrap_err();
    assert_eq!(next.kind(), ErrorKind::Lost, "{next}");
    assert!(begun.elapsed() < Duration::from_secs(8));
}

#[tokio::test]
async fn without_abort_a_cancelled_transfer_ends_the_session() {
    let port = DataPort::new(Does::SendForEver);
    let server = server(&port, "150 Begins", "").await;
    let client = server
        .connect_with(json!({ "quirks": ["no_abort"] }))
        .await
        .unwrap();
    drop(client.open(&path("/file"), OpenOptions::default()).await.unwrap());
    let next = client.stat(&path("/known")).await.unwrap_err();
    assert_eq!(next.kind(), ErrorKind::Lost, "{next}");
    assert_eq!(server.count("ABOR"), 0);
}

#[tokio::test]
async fn a_cancelled_upload_is_no_whole_file() {
    let port = DataPort::new(Does::Receive);
    let server = server(&port, "150 Begins", "426 Aborted\n226 Done").await;
    let client = server.connect().await.unwrap();
    let mut writer = client
        .create(&path("/file"), CreateOptions::default())
        .await
        .unwrap();
    writer.write(vec![1; 100_000].into()).await.unwrap();
    drop(writer);
    assert_in_step(&client).await;
    // It was reset, so that the server's reading failed.
    assert!(port.received.lock().is_empty());
}

#[tokio::test]
async fn lines_are_translated_where_that_is_asked_for() {
    let port = DataPort::new(Does::Send(b"one\r\ntwo\r\n".to_vec()));
    let down = server(&port, "150 Begins\n226 Done", "").await;
    let ascii = || json!({ "transfer_type": "ascii" });
    let client = down.connect_with(ascii()).await.unwrap();
    let sink = Arc::new(BytesSink::default());
    assert_eq!(fetch(&client, &sink).await.unwrap(), 8);
    assert_eq!(sink.bytes(), b"one\ntwo\n");
    assert_eq!(down.count("TYPE A"), 1);
    let resumed = client
        .open(&path("/file"), OpenOptions { offset: 5 })
        .await
        .unwrap_err();
    assert_eq!(resumed.kind(), ErrorKind::Unsupported);

    let port = DataPort::new(Does::Receive);
    let up = server(&port, "150 Begins\n226 Done", "").await;
    let client = up.connect_with(ascii()).await.unwrap();
    assert_eq!(store(&client, b"one\ntwo\r\n").await.unwrap(), 9);
    port.receives(b"one\r\ntwo\r\n").await;
}

#[tokio::test]
async fn a_listing_without_an_end_is_bounded_and_can_be_left() {
    let port = DataPort::new(Does::SendForEver);
    let server = server(&port, "150 Begins", "426 Aborted\n226 Done").await;
    let client = server.connect().await.unwrap();
    let dir = path("/dir");
    let listing = client.list(&dir);
    assert!(
        timeout(Duration::from_millis(300), listing).await.is_err(),
        "there is no line in it"
    );
    assert_in_step(&client).await;
}

#[tokio::test]
async fn listings_of_nothing_are_looked_into() {
    let port = DataPort::new(Does::Send(Vec::new()));
    let extended = port.extended();
    let server = Scripted::start(
        move |command| match command.split(' ').next().unwrap_or_default() {
            "EPSV" => extended.clone(),
            "LIST" if command == "LIST /home/refused" => Answer::Say("450 No files found"),
            "LIST" => Answer::Say("150 Begins\n226 Done"),
            "CWD" if command != "CWD /home/none" => Answer::Say("250 Fine"),
            _ => Answer::Usual,
        },
    )
    .await;
    let client = server.connect().await.unwrap();
    for dir in ["empty", "refused"] {
        let listing: Vec<Result<Listed>> = client.list(&path(dir)).await.unwrap().collect().await;
        assert!(listing.is_empty(), "{listing:?}");
    }
    let Err(none) = client.list(&path("none")).await else {
        panic!("it isn't there");
    };
    assert_eq!(none.kind(), ErrorKind::NotFound, "{none}");
}

#[tokio::test]
async fn a_refused_rest_leads_to_append_or_to_an_error() {
    let port = DataPort::new(Does::Receive);
    let extended = port.extended();
    let server = Scripted::start(
        move |command| match command.split(' ').next().unwrap_or_default() {
            "EPSV" => extended.clone(),
            "REST" => Answer::Say("350 Go on"),
            "STOR" => Answer::Say("451 Append/Restart not permitted, try again"),
            "APPE" => Answer::Say("150 Begins\n226 Done"),
            "SIZE" => Answer::Say("213 3"),
            _ => Answer::Usual,
        },
    )
    .await;
    let client = server.connect().await.unwrap();
    let at = |offset| CreateOptions {
        offset,
        create_new: false,
    };
    let go_on = |offset, bytes: &[u8]| {
        let store = Store::new(BytesSource::new(bytes.to_vec()), at(offset), None);
        let client = Arc::clone(&client);
        async move { client.store(&path("/file"), store).await }
    };
    assert_eq!(go_on(3, b"abcdef").await.unwrap(), 6);
    port.receives(b"def").await;
    assert_eq!((server.count("REST 3"), server.count("APPE /file")), (1, 1));
    assert_eq!(go_on(3, b"abc").await.unwrap(), 3, "there is nothing to send");
    assert_eq!(go_on(3, b"abcd").await.unwrap(), 4);
    assert_eq!(
        (server.count("REST 3"), server.count("APPE")),
        (1, 2),
        "what was learnt is kept"
    );
    // ops take a partial away that is denied, and begin anew.
    assert_eq!(go_on(2, b"abcdef").await.unwrap_err().kind(), ErrorKind::Denied);
    assert_eq!(
        go_on(5, b"abcdef").await.unwrap_err().kind(),
        ErrorKind::Integrity
    );
}

#[tokio::test]
async fn a_listing_that_is_held_keeps_nobody_waiting() {
    let lines = |n: usize| {
        let line =
            |i| format!("-rw-r--r-- 1 owner group 42 Jan 01 2020 a-rather-long-name-of-a-file-{i:08}\r\n");
        (0..n).map(line).collect::<String>().into_bytes()
    };
    // More than is read ahead while nobody waits for the line.
    let port = DataPort::new(Does::Send(lines(150_000)));
    let server = server(&port, "150 Begins\n226 Done", "").await;
    let client = server.connect().await.unwrap();
    let mut listing = client.list(&path("/dir")).await.unwrap();
    assert!(listing.next().await.unwrap().is_ok());
    assert_in_step(&client).await;
    assert_eq!(server.count("ABOR"), 0);
    let rest: Vec<Result<Listed>> = listing.collect().await;
    assert_eq!(rest.len(), 149_999);
    assert!(rest.iter().all(|listed| matches!(listed, Ok(Listed::Entry(_)))));
}

#[tokio::test]
async fn quirks_change_what_is_asked() {
    let port = DataPort::new(Does::Send(b"-rw-r--r-- 1 o g 42 Jan 01 2020 file\r\n".to_vec()));
    let extended = port.extended();
    let server = Scripted::start(
        move |command| match command.split(' ').next().unwrap_or_default() {
            "EPSV" => extended.clone(),
            "PRET" | "CWD" => Answer::Say("200 Fine"),
            "RETR" | "LIST" | "MLSD" => Answer::Say("150 Begins\n226 Done"),
            "FEAT" => Answer::Say("211-Features:\n MLST type*;size*;modify*;\n211 End"),
            _ => Answer::Usual,
        },
    )
    .await;
    let quirks = json!({ "quirks": ["pret", "cwd_listing", "list_all", "no_mlsd"] });
    let client = server.connect_with(quirks).await.unwrap();
    fetch(&client, &Arc::default()).await.unwrap();
    let listing: Vec<Result<Listed>> = client.list(&path("/a dir")).await.unwrap().collect().await;
    assert_eq!(listing.len(), 1);
    let heard = server.heard();
    let begun = heard
        .iter()
        .position(|command| command.starts_with("PRET"))
        .unwrap();
    assert_eq!(
        heard[begun..],
        [
            "PRET RETR /file",
            "EPSV",
            "RETR /file",
            "CWD /a dir",
            "PRET LIST -a",
            "EPSV",
            "LIST -a"
        ]
    );
}
