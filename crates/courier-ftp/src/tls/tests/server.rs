//! A server that does the handshake, says one line, and waits for the end.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use openssl::{
    ssl::{
        NameType, Ssl, SslContext, SslContextBuilder, SslMethod, SslRef, SslSessionCacheMode, SslStream,
        SslVersion,
    },
    x509::X509,
};

use super::certificates::Identity;

/// The line.
pub(super) const GREETING: &[u8] = b"220 ready\r\n";

/// What a server saw of one connection.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) resumed: bool,
    /// The name that was asked for.
    pub(super) name: Option<String>,
    pub(super) version: String,
    /// What came after the greeting.
    pub(super) received: Vec<u8>,
}

/// Serves until the test ends.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    seen: Receiver<Seen>,
}

/// The context of a server with that certificate, which may be lowered or restricted.
pub(super) fn context(identity: &Identity, chain: &[&Identity]) -> SslContextBuilder {
    let mut context = SslContext::builder(SslMethod::tls_server()).unwrap();
    // What the server itself thinks of its keys and versions is no part of any test.
    context.set_security_level(0);
    context.set_min_proto_version(Some(SslVersion::TLS1)).unwrap();
    context.set_cipher_list("ALL").unwrap();
    context.set_certificate(&identity.certificate).unwrap();
    context.set_private_key(&identity.key).unwrap();
    for identity in chain {
        context
            .add_extra_chain_cert(X509::clone(&identity.certificate))
            .unwrap();
    }
    context.set_session_id_context(b"ftp").unwrap();
    context.set_session_cache_mode(SslSessionCacheMode::SERVER);
    context
}

impl Server {
    /// A server with that certificate and nothing special.
    pub(super) fn with(identity: &Identity) -> Self {
        Self::of(context(identity, &[]))
    }

    pub(super) fn of(context: SslContextBuilder) -> Self {
        let context = context.build();
        Self::each(move |_| context.clone())
    }

    /// A server whose n-th connection, counted from 0, has a context of its own.
    pub(super) fn each(context: impl Fn(usize) -> SslContext + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, seen) = mpsc::channel();
        thread::spawn(move || {
            for (n, stream) in listener.incoming().enumerate() {
                let ssl = Ssl::new(&context(n)).unwrap();
                let tell = tell.clone();
                thread::spawn(move || {
                    let mut stream = SslStream::new(ssl, stream.unwrap()).unwrap();
                    if stream.accept().is_err() {
                        return;
                    }
                    // Who only sends may be gone already.
                    let _ = stream.write_all(GREETING);
                    let mut received = Vec::new();
                    let _ = stream.read_to_end(&mut received);
                    let _ = stream.shutdown();
                    let _ = tell.send(Seen::of(stream.ssl(), received));
                });
            }
        });
        Self { address, seen }
    }

    /// A server without TLS: hears something, answers that, and closes.
    pub(super) fn answering(answer: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (_, seen) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(answer);
            }
        });
        Self { address, seen }
    }

    /// What it saw of the next connection that ended.
    pub(super) fn seen(&self) -> Seen {
        self.seen.recv_timeout(Duration::from_secs(20)).unwrap()
    }
}

impl Seen {
    fn of(ssl: &SslRef, received: Vec<u8>) -> Self {
        Self {
            resumed: ssl.session_reused(),
            name: ssl.servername(NameType::HOST_NAME).map(str::to_owned),
            version: ssl.version_str().to_owned(),
            received,
        }
    }
}
