//! A data connection begins with the group that the control connection agreed on: its first hello is its last.

use std::{
    io::{self, Read, Write},
    net,
    sync::atomic::{AtomicUsize, Ordering},
};

use openssl::ssl::{ClientHelloResponse, SslVersion};

use super::*;

/// Counts the hellos that go out.
struct Counting {
    tcp: net::TcpStream,
    hellos: usize,
    largest: usize,
}

impl Counting {
    fn to(server: &Server) -> Self {
        Self {
            tcp: net::TcpStream::connect(server.address).unwrap(),
            hellos: 0,
            largest: 0,
        }
    }
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tcp.read(buffer)
    }
}

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut records = bytes;
        while let [kind, 3, _, high, low, rest @ ..] = records {
            let (body, others) = rest.split_at(u16::from_be_bytes([*high, *low]).into());
            // A handshake, and in it a client's hello (RFC 8446 sections 4 and 5.1).
            if *kind == 22 && body[0] == 1 {
                self.hellos += 1;
                self.largest = self.largest.max(body.len());
            }
            records = others;
        }
        self.tcp.write_all(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

/// A data connection's hellos, and the bytes of the largest, at a server that has these groups and no others.
async fn hellos(version: SslVersion, groups: &str) -> (usize, usize) {
    let authority = Authority::new("Authority");
    let mut context = server::context(&authority.issue(&Request::server(&[HOST])), &[]);
    context.set_max_proto_version(Some(version)).unwrap();
    context.set_groups_list(groups).unwrap();
    let server = Server::of(context);
    let tls = tls(&authority);
    let _control = control(&tls, &server).await.unwrap();
    let mut data = tls.data(Counting::to(&server)).unwrap();
    data.write_all(b"bytes").unwrap();
    data.shutdown().unwrap();
    data.get_ref().tcp.shutdown(net::Shutdown::Write).unwrap();
    io::copy(data.get_mut(), &mut io::sink()).unwrap();
    let seen = server.seen();
    assert!(seen.resumed, "{groups}");
    assert_eq!(seen.received, b"bytes");
    (data.get_ref().hellos, data.get_ref().largest)
}

#[tokio::test]
async fn a_control_connection_expects_the_usual_groups() {
    for (group, expected) in [("X25519MLKEM768", 1), ("X25519", 1), ("P-256", 1), ("P-384", 2)] {
        let authority = Authority::new("Authority");
        let mut context = server::context(&authority.issue(&Request::server(&[HOST])), &[]);
        context.set_groups_list(group).unwrap();
        let hellos = Arc::<AtomicUsize>::default();
        let heard = Arc::clone(&hellos);
        context.set_client_hello_callback(move |_, _| {
            heard.fetch_add(1, Ordering::Relaxed);
            Ok(ClientHelloResponse::SUCCESS)
        });
        let server = Server::of(context);
        let _control = control(&tls(&authority), &server).await.unwrap();
        assert_eq!(hellos.load(Ordering::Relaxed), expected, "{group}");
    }
}

#[tokio::test]
async fn one_hello_is_enough() {
    for group in ["X25519", "P-256", "P-384", "P-521", "X448"] {
        let (hellos, largest) = hellos(SslVersion::TLS1_3, group).await;
        assert_eq!(hellos, 1, "{group}");
        // It fits into one packet.
        assert!(largest < 1400, "{group}: {largest} bytes");
    }
}

#[tokio::test]
async fn what_follows_from_openssls_own_order_stays() {
    for group in ["X25519MLKEM768", "ffdhe2048"] {
        let (hellos, _) = hellos(SslVersion::TLS1_3, group).await;
        // A group that nobody expects costs a round trip, as ever.
        assert_eq!(hellos, if group == "ffdhe2048" { 2 } else { 1 }, "{group}");
    }
}

#[tokio::test]
async fn tls_1_2_takes_what_it_took() {
    for group in ["X25519", "P-256", "P-384"] {
        assert_eq!(hellos(SslVersion::TLS1_2, group).await.0, 1, "{group}");
    }
}
