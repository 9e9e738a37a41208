//! Versions and ciphers, and the words for handshakes that fail.

use courier_transfer::{Error, ErrorKind};
use openssl::ssl::SslVersion;

use super::*;

async fn refusal(tls: &Tls, server: &Server) -> Error {
    match control(tls, server).await {
        Ok(control) => panic!("no refusal: {control:?}"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn each_version_is_spoken_from_its_floor_on() {
    let authority = Authority::new("Authority");
    let identity = authority.issue(&Request::server(&[HOST]).rsa(2048));
    for (n, version) in TlsVersion::ALL.into_iter().enumerate() {
        let mut context = server::context(&identity, &[]);
        context.set_max_proto_version(Some(version.ssl())).unwrap();
        let server = Server::of(context);
        for (m, lowest) in TlsVersion::ALL.into_iter().enumerate() {
            let tls = tls_with(&authority, HOST, &floor(lowest), None);
            if m <= n {
                let control = control(&tls, &server).await.unwrap();
                let spoken = control.negotiated.split(',').next().unwrap().to_owned();
                assert_eq!(
                    spoken.replace("TLSv1,", "TLSv1.0,"),
                    ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"][n]
                );
                assert_eq!(control.certificate.problems, []);
            } else {
                let refused = refusal(&tls, &server).await;
                assert_eq!(refused.kind(), ErrorKind::Negotiation);
                let words = format!("the server speaks no TLS {} or newer", lowest.number());
                assert!(refused.message().contains(&words), "{refused}");
            }
        }
    }
}

/// Servers that have never heard of TLS 1.3 answer with a hello in what they speak.
#[tokio::test]
async fn an_old_server_tells_its_version() {
    let authority = Authority::new("Authority");
    let hello =
        b"\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x020123456789abcdef0123456789abcdef\x00\x00\x2f\x00";
    let refused = refusal(&tls(&authority), &Server::answering(hello)).await;
    assert_eq!(refused.kind(), ErrorKind::Negotiation);
    assert_eq!(
        refused.message(),
        "the server speaks at most TLS 1.1, the connection demands 1.2; lower tls_version_floor to tls_1_1 if the partner \
         can't do better"
    );
}

#[test]
fn settings_name_versions() {
    for version in TlsVersion::ALL {
        assert_eq!(TlsVersion::from_setting(version.as_str()), Some(version));
    }
    assert_eq!(TlsVersion::from_setting("ssl_3"), None);
    assert_eq!(TlsVersion::default(), TlsVersion::Tls12);
}

#[tokio::test]
async fn the_fast_cipher_comes_first_and_older_ones_are_there() {
    let authority = Authority::new("Authority");
    let identity = authority.issue(&Request::server(&[HOST]).rsa(2048));
    for (theirs, agreed) in [
        ("ALL", "TLSv1.2, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        (
            "AES256-SHA",
            "TLSv1.2, TLS_RSA_WITH_AES_256_CBC_SHA; weak: no forward secrecy, CBC mode",
        ),
    ] {
        let mut context = server::context(&identity, &[]);
        context.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
        context.set_cipher_list(theirs).unwrap();
        let control = control(&tls(&authority), &Server::of(context)).await.unwrap();
        assert_eq!(control.negotiated, agreed);
    }
}

#[tokio::test]
async fn no_cipher_in_common_is_told() {
    let authority = Authority::new("Authority");
    let mut context = server::context(&authority.issue(&Request::server(&[HOST]).rsa(2048)), &[]);
    context.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
    context.set_cipher_list("AES128-CCM").unwrap();
    let refused = refusal(&tls(&authority), &Server::of(context)).await;
    assert_eq!(refused.kind(), ErrorKind::Negotiation);
    assert!(refused.message().contains("no cipher in common"), "{refused}");
}

#[tokio::test]
async fn plain_text_is_shown() {
    let authority = Authority::new("Authority");
    let server = Server::answering(b"220 ProFTPD Server \x1b[2J ready\r\n530 no\r\n");
    let refused = refusal(&tls(&authority), &server).await;
    assert_eq!(refused.kind(), ErrorKind::Protocol);
    let words = r#"answered in plain text where TLS was expected: "220 ProFTPD Server \u{1b}[2J ready""#;
    assert!(refused.message().contains(words), "{refused}");
    assert!(refused.message().contains("ftps_mode"), "{refused}");
}

/// Servers greet without waiting for a hello.
#[tokio::test]
async fn plain_text_that_came_first_is_shown() {
    let authority = Authority::new("Authority");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let tcp = tokio::net::TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let mut server = listener.accept().unwrap().0;
    std::io::Write::write_all(&mut server, b"220 ready\r\n").unwrap();
    tcp.readable().await.unwrap();
    let refused = tls(&authority).control(tcp).await.unwrap_err();
    assert!(refused.message().contains("\"220 ready\""), "{refused}");
}

#[tokio::test]
async fn an_early_end_is_told() {
    let authority = Authority::new("Authority");
    // A record's head, and nothing.
    for answer in [&b""[..], b"\x16\x03\x03"] {
        let refused = refusal(&tls(&authority), &Server::answering(answer)).await;
        assert_eq!(refused.kind(), ErrorKind::Lost, "{refused:?}");
        assert!(
            refused.message().contains("during the TLS handshake") || refused.message().contains("broke")
        );
    }
}

#[tokio::test]
async fn damaged_records_are_an_error() {
    let authority = Authority::new("Authority");
    for answer in [
        &b"\x16\x03\x03\xff\xff\xff"[..],
        b"\x17\x03\x03\x00\x01a",
        b"\x15\x03\x03\x00\x02\x02\x70",
    ] {
        let refused = refusal(&tls(&authority), &Server::answering(answer)).await;
        assert!(
            matches!(
                refused.kind(),
                ErrorKind::Negotiation | ErrorKind::Protocol | ErrorKind::Lost
            ),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_data_connection_that_fails_says_why() {
    let authority = Authority::new("Authority");
    let good = Server::with(&authority.issue(&Request::server(&[HOST])));
    let tls = tls(&authority);
    let _control = control(&tls, &good).await.unwrap();
    let plain = Server::answering(b"bytes in the clear\r\n");
    let refused = tls
        .data(std::net::TcpStream::connect(plain.address).unwrap())
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Protocol);
    assert!(refused.message().contains("something else than TLS"), "{refused}");
    let refusing = Server::answering(b"\x15\x03\x03\x00\x02\x02\x28");
    let refused = tls
        .data(std::net::TcpStream::connect(refusing.address).unwrap())
        .unwrap_err();
    assert!(refused.message().contains("refused to resume"), "{refused}");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = std::net::TcpStream::connect(silent.local_addr().unwrap()).unwrap();
    stream
        .set_read_timeout(Some(std::time::Duration::from_millis(50)))
        .unwrap();
    let refused = tls.data(stream).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Timeout, "{refused:?}");
}
