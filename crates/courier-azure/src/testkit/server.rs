//! A server on a free port of loopback.

use std::fmt;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use openssl::ssl::SslAcceptor;

use super::http::{Reply, Request};

/// How a connection is met, before anything is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meeting {
    /// As usual.
    Talk,
    /// It breaks at once.
    HangUp,
    /// It is taken, and nothing is ever said, not even TLS.
    Silence,
}

/// What a server does.
pub trait Service: Send + Sync + 'static {
    /// How it meets the next connection.
    fn meet(&self) -> Meeting {
        Meeting::Talk
    }

    /// Answers a request; with `None` the connection breaks instead.
    fn reply(&self, request: &Request) -> Option<Reply>;
}

/// A server, one request a connection. Ends when dropped.
pub struct Server {
    port: u16,
    ended: Arc<AtomicBool>,
}

impl Server {
    /// Starts one, with TLS where there is an acceptor ([`Issued::acceptor`](super::Issued::acceptor)).
    #[must_use]
    pub fn start(tls: Option<SslAcceptor>, service: Arc<dyn Service>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self::on(listener, tls, service)
    }

    /// Starts one on a socket that listens already: for who must know the port before the service is made, or wants a
    /// certain one.
    #[must_use]
    pub fn on(listener: TcpListener, tls: Option<SslAcceptor>, service: Arc<dyn Service>) -> Self {
        let port = listener.local_addr().unwrap().port();
        let ended = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&ended);
        thread::spawn(move || {
            for connection in listener.incoming() {
                if until.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(stream) = connection else {
                    return;
                };
                let (tls, service) = (tls.clone(), Arc::clone(&service));
                thread::spawn(move || talk(stream, tls.as_ref(), &*service));
            }
        });
        Self { port, ended }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // Wakes who waits for a connection.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn talk(stream: TcpStream, tls: Option<&SslAcceptor>, service: &dyn Service) {
    match service.meet() {
        Meeting::HangUp => {}
        Meeting::Silence => thread::sleep(Duration::from_secs(60)),
        Meeting::Talk => match tls {
            None => {
                answer(stream, service);
            }
            Some(tls) => {
                // A client that doesn't trust the certificate ends it here.
                if let Ok(mut stream) = tls.accept(stream)
                    && answer(&mut stream, service)
                {
                    let _ = stream.shutdown();
                }
            }
        },
    }
}

/// Is the end of the connection to be said?
fn answer(mut stream: impl Read + Write, service: &dyn Service) -> bool {
    let reply = Request::read(&mut stream).and_then(|request| service.reply(&request));
    if let Some(reply) = &reply {
        let _ = stream.write_all(&reply.bytes());
        let _ = stream.flush();
    }
    reply.is_none_or(|reply| reply.says_goodbye())
}
