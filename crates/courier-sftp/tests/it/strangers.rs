//! What listens on a port and is no SFTP server.

use std::{
    io::{Read, Write},
    net::TcpListener,
    time::{Duration, Instant},
};

use courier_transfer::{Error, ErrorKind, Retry, TrustPins};

use crate::{client::Try, sshd::Sshd};

/// Serves one connection.
fn listening(serve: impl FnOnce(std::net::TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || serve(listener.accept().unwrap().0));
    port
}

async fn failing(port: u16, timeout: Duration) -> (Error, Duration) {
    let started = Instant::now();
    let error = Try::to(port, TrustPins::new([]))
        .timeout(timeout)
        .connect()
        .await
        .unwrap_err();
    (error, started.elapsed())
}

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let (error, took) = failing(port, LONG).await;
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains(&format!("port: {port}")), "{error}");
    assert!(took < Duration::from_secs(2));
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_unreachable() {
    let mut attempt = Try::to(22, TrustPins::new([]));
    attempt.target.host = "no-such-host.invalid".into();
    assert_eq!(
        attempt.connect().await.unwrap_err().kind(),
        ErrorKind::Unreachable
    );
}

#[tokio::test]
async fn a_web_server_is_no_ssh_server() {
    let port = listening(|mut tcp| {
        let _ = tcp.read(&mut [0; 100]);
        tcp.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            .unwrap();
    });
    let (error, _) = failing(port, LONG).await;
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    assert!(error.to_string().contains("HTTP/1.1 400 Bad Request"), "{error}");
}

#[tokio::test]
async fn a_server_that_hangs_up_is_lost() {
    let (error, _) = failing(listening(drop), LONG).await;
    assert_eq!(error.kind(), ErrorKind::Lost, "{error}");
}

#[tokio::test]
async fn a_server_that_has_too_many_sessions_is_busy() {
    for line in ["Exceeded MaxStartups\r\n", "Not allowed at this time\r\n"] {
        let (error, _) = failing(listening(|mut tcp| tcp.write_all(line.as_bytes()).unwrap()), LONG).await;
        assert_eq!(
            (error.kind(), error.retry()),
            (ErrorKind::Busy, Retry::Later),
            "{error}"
        );
        assert!(error.to_string().contains(line.trim()), "{error}");
    }
    // Or it disconnects (RFC 4253 section 11.1), for this reason or in these words.
    for (reason, words) in [(12, "go away"), (11, "Too many connections for this account")] {
        let port = listening(move |mut tcp| {
            let mut payload = vec![1];
            payload.extend(u32::to_be_bytes(reason));
            for text in [words, "en"] {
                payload.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
                payload.extend(text.as_bytes());
            }
            let padding = 8 - (payload.len() + 5) % 8 + 8;
            let mut packet = b"SSH-2.0-Full\r\n".to_vec();
            packet.extend(u32::try_from(payload.len() + 1 + padding).unwrap().to_be_bytes());
            packet.push(u8::try_from(padding).unwrap());
            packet.extend(payload);
            packet.resize(packet.len() + padding, 0);
            tcp.write_all(&packet).unwrap();
            let _ = tcp.read_to_end(&mut Vec::new());
        });
        let (error, _) = failing(port, LONG).await;
        assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_silent_server_times_out() {
    let port = listening(|mut tcp| {
        let _ = tcp.read_to_end(&mut Vec::new());
    });
    let (error, took) = failing(port, Duration::from_millis(300)).await;
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(
        error
            .to_string()
            .contains("timed out after 0.3 seconds while waiting for the server's"),
        "{error}"
    );
    assert!(took < Duration::from_secs(3));
}

#[tokio::test]
async fn a_server_that_stops_in_the_key_exchange_times_out() {
    let port = listening(|mut tcp| {
        tcp.write_all(b"SSH-2.0-Stalled\r\n").unwrap();
        let _ = tcp.read_to_end(&mut Vec::new());
    });
    let attempt = Try::to(port, TrustPins::new([])).timeout(Duration::from_millis(300));
    let heard = attempt.heard.clone();
    assert_eq!(attempt.connect().await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(heard.info.lock().banner.as_deref(), Some("Stalled"));
}

#[tokio::test]
async fn endless_garbage_ends() {
    for garbage in [&b"\0\xff\x01"[..], b"x\r\n", b"SSH-2.0-x\r\n\0\0\xff\xff"] {
        let port = listening(move |mut tcp| while tcp.write_all(garbage).is_ok() {});
        let (error, took) = failing(port, Duration::from_secs(5)).await;
        assert!(
            matches!(error.kind(), ErrorKind::Protocol | ErrorKind::Negotiation),
            "{error:?}"
        );
        assert!(took < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn an_ssh_server_without_sftp_says_so() {
    let server = Sshd::with("ForceCommand echo This account has no file access");
    let error = Try::sshd(&server).connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("This "), "{error}");
}

#[tokio::test]
async fn a_connection_that_nobody_waits_for_is_closed() {
    let (closed, is_closed) = tokio::sync::oneshot::channel();
    let port = listening(move |mut tcp| {
        let _ = tcp.read_to_end(&mut Vec::new());
        let _ = closed.send(());
    });
    let connecting = Try::to(port, TrustPins::new([])).connect();
    assert!(
        tokio::time::timeout(Duration::from_millis(200), connecting)
            .await
            .is_err()
    );
    tokio::time::timeout(Duration::from_secs(5), is_closed)
        .await
        .unwrap()
        .unwrap();
}

/// Lines in front of the identification, a key exchange message that is too long, and one that never ends.
#[tokio::test]
async fn what_is_too_long_ends_in_time() {
    let kexinit = |len: u32| {
        let mut bytes = b"SSH-2.0-Long\r\n".to_vec();
        bytes.extend(len.to_be_bytes());
        bytes.extend([4, 20]);
        bytes.extend([b'a'; 70_000]);
        bytes
    };
    for (start, rest) in [
        (
            b"Welcome.\r\n".repeat(200),
            &b"More of it, and more, and more.\r\n"[..],
        ),
        (kexinit(u32::MAX), b"a"),
        (kexinit(200_000), b"aaaaaaaaaaaaaaaa"),
    ] {
        let port = listening(move |mut tcp| {
            let _ = tcp.write_all(&start);
            while tcp.write_all(rest).is_ok() {}
        });
        let (error, took) = failing(port, Duration::from_secs(5)).await;
        assert!(
            matches!(
                error.kind(),
                ErrorKind::Protocol | ErrorKind::Negotiation | ErrorKind::Lost
            ),
            "{error:?}"
        );
        assert!(took < Duration::from_secs(5));
    }
}
