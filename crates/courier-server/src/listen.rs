//! Connections of clients: how many there may be, how long each may dawdle, and TLS.

mod crowd;
mod handshake;
mod listener;
mod patient;

use std::{
    io::{self, ErrorKind},
    net::IpAddr,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::{Router, http::Request};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::util::MapRequest;

use crowd::Crowd;
pub(crate) use crowd::counted;
pub(crate) use handshake::Transport;
pub(crate) use listener::Listener;
use patient::Patient;

use crate::config::TrustedProxies;

/// What clients may use up. How long a body may take is [`crate::http`]'s, which reads it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections at once; more wait in the system's queue.
    pub(crate) connections: usize,
    /// Of these, from one address; one more is closed at once.
    pub(crate) each: usize,
    /// From the beginning of a connection until TLS is agreed on.
    pub(crate) handshake: Duration,
    /// From then on, or from the last answer, until the headers of a request are there.
    pub(crate) headers: Duration,
    /// How long a client may take nothing of an answer.
    pub(crate) write: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            each: 256,
            handshake: Duration::from_secs(15),
            headers: Duration::from_secs(15),
            write: Duration::from_secs(30),
        }
    }
}

/// Where a request came from, as the listener saw it; it stands in the request's extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    /// Who connected: a client, or a proxy.
    pub(crate) address: IpAddr,
    /// Did it come over TLS?
    pub(crate) tls: bool,
}

/// How long to wait where the system has no more files or memory for a connection.
const OUT_OF_FILES: Duration = Duration::from_secs(1);

/// The headers of a request take no more, bytes.
const MAX_HEADERS: usize = 64 * 1024;

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Answers connections until told to stop, and then those requests that are under way. Trusted proxies speak for many,
/// and may have as many connections as there are.
pub(crate) async fn serve(
    listener: TcpListener,
    app: Router,
    transport: Transport,
    limits: Limits,
    proxies: TrustedProxies,
    stopping: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let crowd = Crowd::default();
    let connections = TaskTracker::new();
    let accept = async {
        loop {
            let Ok(place) = places.clone().acquire_owned().await else {
                return;
            };
            let (stream, address) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) if is_the_clients(&error) => continue,
                Err(error) => {
                    tracing::error!(%error, "can't take a connection");
                    sleep(OUT_OF_FILES).await;
                    continue;
                }
            };
            let peer = Peer {
                address: address.ip().to_canonical(),
                tls: matches!(transport, Transport::Tls { .. }),
            };
            let most = match proxies.contains(peer.address) {
                true => limits.connections,
                false => limits.each,
            };
            let Some(share) = crowd.admit(peer.address, most) else {
                continue;
            };
            let answering = converse(
                stream,
                peer,
                app.clone(),
                transport.clone(),
                limits,
                stopping.clone(),
            );
            connections.spawn(async move {
                if let Err(error) = answering.await {
                    tracing::debug!(client = %peer.address, %error, "a connection ended early");
                }
                drop((place, share));
            });
        }
    };
    stopping.run_until_cancelled(accept).await;
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Did only that one connection fail?
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}

/// One connection, from its beginning to its end.
async fn converse(
    stream: TcpStream,
    peer: Peer,
    app: Router,
    transport: Transport,
    limits: Limits,
    stopping: CancellationToken,
) -> Result<(), Failed> {
    let Transport::Tls { certificate, engine } = transport else {
        return answer(stream, peer, app, limits, stopping).await;
    };
    let handshake = timeout(
        limits.handshake,
        handshake::handshake(stream, &certificate, &engine),
    );
    let Some(agreed) = stopping.run_until_cancelled(handshake).await else {
        return Ok(());
    };
    answer(agreed??, peer, app, limits, stopping).await
}

async fn answer<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    stream: S,
    peer: Peer,
    app: Router,
    limits: Limits,
    stopping: CancellationToken,
) -> Result<(), Failed> {
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.headers)
        .max_buf_size(MAX_HEADERS);
    let app = MapRequest::new(app, move |mut request: Request<_>| {
        request.extensions_mut().insert(peer);
        request
    });
    let stream = TokioIo::new(Patient::new(stream, limits.write));
    let connection = builder.serve_connection(stream, TowerToHyperService::new(app));
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = stopping.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    connection.await
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::{body::Body, routing::get};
    use futures::{StreamExt, stream};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        task::JoinHandle,
        time::timeout,
    };

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);
    const SOON: Duration = Duration::from_millis(50);
    const LATE: Duration = Duration::from_secs(3600);
    const REQUEST: &[u8] = b"GET /small HTTP/1.1\r\nhost: x\r\n\r\n";

    struct Server {
        address: SocketAddr,
        stopping: CancellationToken,
        running: JoinHandle<()>,
    }

    async fn start(limits: Limits) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stopping = CancellationToken::new();
        let app = Router::new()
            .route("/small", get(|| async { "done" }))
            .route("/slow", get(slow))
            .route("/large", get(|| async { vec![b'x'; 64 << 20] }));
        let running = tokio::spawn(serve(
            listener,
            app,
            Transport::Plain,
            limits,
            TrustedProxies::default(),
            stopping.clone(),
        ));
        Server {
            address,
            stopping,
            running,
        }
    }

    /// An answer of which nothing comes for longer than any limit.
    async fn slow() -> Body {
        let later = stream::once(async {
            sleep(SOON * 3).await;
            Ok::<_, io::Error>("done")
        });
        Body::from_stream(stream::iter([Ok("first")]).chain(later))
    }

    impl Server {
        async fn connect(&self) -> TcpStream {
            TcpStream::connect(self.address).await.unwrap()
        }

        /// Everything until the server closes.
        async fn all_after(&self, request: &[u8]) -> String {
            let mut stream = self.connect().await;
            stream.write_all(request).await.unwrap();
            let mut answer = Vec::new();
            timeout(PATIENCE, stream.read_to_end(&mut answer))
                .await
                .unwrap()
                .unwrap();
            String::from_utf8(answer).unwrap()
        }

        async fn stop(self) {
            self.stopping.cancel();
            timeout(PATIENCE, self.running).await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn headers_that_do_not_come_end_the_connection() {
        let server = start(Limits {
            headers: SOON,
            ..Limits::default()
        })
        .await;
        server.all_after(b"").await;
        server.all_after(b"GET /small HTTP/1.1\r\nhost:").await;
        // Also a connection that was of use once.
        assert!(server.all_after(REQUEST).await.ends_with("done"));
        server.stop().await;
    }

    #[tokio::test]
    async fn an_answer_that_is_not_taken_ends_the_connection() {
        let limits = Limits {
            connections: 1,
            write: SOON,
            headers: LATE,
            ..Limits::default()
        };
        let server = start(limits).await;
        let mut lazy = server.connect().await;
        lazy.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        lazy.readable().await.unwrap();
        // There is one place: it becomes free.
        let request = [
            REQUEST,
            b"GET /small HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        ]
        .concat();
        assert!(server.all_after(&request).await.ends_with("done"));
        server.stop().await;
    }

    #[tokio::test]
    async fn an_answer_may_take_its_time() {
        let server = start(Limits {
            headers: SOON,
            write: SOON,
            ..Limits::default()
        })
        .await;
        let answer = server.all_after(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert!(answer.contains("first") && answer.contains("done"), "{answer}");
        server.stop().await;
    }

    #[tokio::test]
    async fn one_connection_more_waits_for_its_place() {
        let server = start(Limits {
            connections: 1,
            headers: LATE,
            write: LATE,
            ..Limits::default()
        })
        .await;
        let first = server.connect().await;
        let mut second = server.connect().await;
        second.write_all(REQUEST).await.unwrap();
        let mut byte = [0];
        assert!(timeout(SOON, second.read(&mut byte)).await.is_err());
        drop(first);
        timeout(PATIENCE, second.read_exact(&mut byte))
            .await
            .unwrap()
            .unwrap();
        // One that has nothing to do does not keep the server.
        server.stop().await;
    }
}
