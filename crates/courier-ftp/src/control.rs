//! The control line: commands out, replies in, over plain TCP or TLS.

mod ahead;

use std::{
    io,
    net::{Shutdown, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use courier_transfer::{Error, ErrorKind, Result};
use futures::FutureExt;
use parking_lot::Mutex;
use socket2::{SockRef, Socket, TcpKeepalive};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
    time::timeout,
};
use tokio_openssl::SslStream;

use self::ahead::Ahead;
use crate::{
    codec::{Command, Reply, ReplyParser},
    tls::Tls,
};

/// The most preliminary replies to one command.
const MAX_PRELIMINARY: u32 = 100;
/// The most replies that nobody asked for, between two commands.
const MAX_STRAYS: u32 = 100;
/// A silent line is asked for a sign of life after this long, and in these steps: a dead one is noticed in about a minute,
/// and whatever translates addresses between the two ends keeps the line of a long transfer.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(10);
const KEEPALIVES: u32 = 3;
/// How long a server that takes no more commands may take to say why.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The line to one server. In use by one operation at a time.
#[derive(Debug)]
pub(crate) struct Control {
    stream: Stream,
    parser: ReplyParser,
    tls: Option<Tls>,
    /// The server reads commands by the rules of telnet, as RFC 959 has it.
    telnet: bool,
    ahead: Option<Ahead>,
    health: Arc<Health>,
    peer: SocketAddr,
    local: SocketAddr,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<SslStream<TcpStream>>),
    /// While it changes from one to the other, and after a handshake that failed.
    Gone,
}

/// What is known of a control line beside whoever uses it: is it alive?
#[derive(Debug)]
pub(crate) struct Health {
    /// Another handle of its socket, to end it with.
    socket: Socket,
    /// Why the line is of no use any more.
    lost: Mutex<Option<String>>,
    /// True once it was ended on purpose.
    ended: watch::Sender<bool>,
    round_trip: Mutex<Option<Duration>>,
    /// When the server was heard last.
    heard: Mutex<Instant>,
}

impl Health {
    /// Is the line not known to be broken or closed?
    pub(crate) fn is_alive(&self) -> bool {
        self.lost.lock().is_none()
    }

    /// The line is of no use any more; the first reason stays. Whoever waits for a reply hears of it.
    pub(crate) fn lose(&self, reason: impl Into<String>) {
        self.lost.lock().get_or_insert_with(|| reason.into());
        // Fails where it is down already.
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// Ends the line on purpose, and with it the operation that is under way.
    pub(crate) fn end(&self) {
        self.lose("the session was closed");
        self.ended.send_replace(true);
    }

    /// Waits until the line is ended on purpose. A line that merely broke is not ended: data may still come.
    pub(crate) async fn ended(&self) {
        // The sender lives as long as `self`.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    /// [`ErrorKind::Lost`], with the reason.
    pub(crate) fn error(&self) -> Error {
        let lost = self.lost.lock();
        let reason = lost.as_deref().unwrap_or("the control connection ended");
        Error::new(ErrorKind::Lost, reason)
    }

    /// The shortest time that an answer to a command has taken.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        *self.round_trip.lock()
    }

    /// When the server was heard last.
    pub(crate) fn heard(&self) -> Instant {
        *self.heard.lock()
    }

    fn answered_within(&self, time: Duration) {
        let mut shortest = self.round_trip.lock();
        *shortest = Some(shortest.map_or(time, |least| least.min(time)));
    }
}

impl Control {
    /// Over a connection that was just made.
    ///
    /// # Errors
    /// [`ErrorKind::Unreachable`] where the connection is gone already.
    pub(crate) fn new(tcp: TcpStream) -> Result<Self> {
        let socket = |e: io::Error| Error::new(ErrorKind::Unreachable, format!("could not connect: {e}"));
        prepare(&tcp).map_err(socket)?;
        Ok(Self {
            health: Arc::new(Health {
                socket: SockRef::from(&tcp).try_clone().map_err(socket)?,
                lost: Mutex::default(),
                ended: watch::Sender::new(false),
                round_trip: Mutex::default(),
                heard: Mutex::new(Instant::now()),
            }),
            peer: tcp.peer_addr().map_err(socket)?,
            local: tcp.local_addr().map_err(socket)?,
            stream: Stream::Plain(tcp),
            parser: ReplyParser::default(),
            tls: None,
            telnet: true,
            ahead: None,
        })
    }

    /// What others may know of the line.
    pub(crate) fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// The server's address.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The own address.
    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Commands go without the rules of telnet from here on: the byte 255 as it is.
    pub(crate) fn without_telnet(&mut self) {
        self.telnet = false;
    }

    /// The plain connection, for a handshake over it; [`secured`](Self::secured) gives it back.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] where the server has sent more than it was asked for: somebody may have put it there, to be
    /// taken later for what came over TLS.
    pub(crate) fn take_plain(&mut self) -> Result<TcpStream> {
        if !self.parser.is_empty() {
            let (kind, reason) = match self.parser.is_tls_next() {
                true => (
                    ErrorKind::Negotiation,
                    "the server agreed to TLS, and broke it off before it was asked for anything: most likely its \
                     certificate or key can't be read, or is missing; its log says which"
                        .to_owned(),
                ),
                false => (
                    ErrorKind::Protocol,
                    format!(
                        "the server sent more in plain text before TLS began, \"{}\"; somebody on the way may have put it \
                         there",
                        self.parser.rest()
                    ),
                ),
            };
            return Err(self.broken(kind, reason));
        }
        match std::mem::replace(&mut self.stream, Stream::Gone) {
            Stream::Plain(tcp) => Ok(tcp),
            other => {
                self.stream = other;
                Err(Error::new(
                    ErrorKind::Protocol,
                    "the control connection is secured already",
                ))
            }
        }
    }

    /// From here on all goes over TLS.
    pub(crate) fn secured(&mut self, stream: SslStream<TcpStream>, tls: Tls) {
        self.stream = Stream::Tls(Box::new(stream));
        self.tls = Some(tls);
    }

    /// Sends a command. Not to be dropped half-way, except where the line is closed then.
    ///
    /// # Errors
    /// [`ErrorKind::Lost`].
    pub(crate) async fn send(&mut self, command: &Command) -> Result<()> {
        if !self.health.is_alive() {
            return Err(self.health.error());
        }
        tracing::trace!(%command, "sent");
        let wire = command.to_wire(self.telnet);
        let sent = match &mut self.stream {
            Stream::Plain(tcp) => tcp.write_all(&wire).await,
            Stream::Tls(tls) => match tls.write_all(&wire).await {
                Ok(()) => tls.flush().await,
                Err(e) => Err(e),
            },
            Stream::Gone => Err(io::ErrorKind::NotConnected.into()),
        };
        match sent {
            Ok(()) => Ok(()),
            Err(e) => Err(self.last_words(e).await),
        }
    }

    /// The next whole reply, preliminary ones (1xx), too. May be dropped at any time.
    ///
    /// # Errors
    /// [`ErrorKind::Lost`] at the end of the line, and for 421, which announces it; [`ErrorKind::Protocol`].
    pub(crate) async fn reply(&mut self) -> Result<Reply> {
        let reply = self.any_reply().await?;
        match reply.code {
            421 => Err(self.closed_by(&reply)),
            _ => Ok(reply),
        }
    }

    /// As [`reply`](Self::reply), with 421 as a reply.
    pub(crate) async fn any_reply(&mut self) -> Result<Reply> {
        loop {
            if let Some(reply) = self.reply_or_ahead().await? {
                return Ok(reply);
            }
        }
    }

    /// The next whole reply; `None` where it was the answer to what was asked ahead.
    async fn reply_or_ahead(&mut self) -> Result<Option<Reply>> {
        let mut bytes = [0; 4096];
        loop {
            match self.parser.next_reply() {
                Ok(Some(reply)) => {
                    tracing::trace!(%reply, "received");
                    *self.health.heard.lock() = Instant::now();
                    return Ok(self.keep_ahead(reply));
                }
                Ok(None) => {}
                Err(e) => return Err(self.broken(ErrorKind::Protocol, e.to_string()).with_source(e)),
            }
            let read = match &mut self.stream {
                Stream::Plain(tcp) => tcp.read(&mut bytes).await,
                Stream::Tls(tls) => tls.read(&mut bytes).await,
                Stream::Gone => Ok(0),
            };
            match read {
                Ok(0) => {
                    let when = match self.parser.is_inside_reply() {
                        true => " in the middle of a reply",
                        false => "",
                    };
                    return Err(self.broken(
                        ErrorKind::Lost,
                        format!("the server closed the control connection{when}"),
                    ));
                }
                Ok(len) => self.parser.push(bytes.get(..len).unwrap_or_default()),
                Err(e) => return Err(self.broke(e)),
            }
        }
    }

    /// Sends a command and gives its reply, the first that is not preliminary.
    ///
    /// # Errors
    /// As [`reply`](Self::reply).
    pub(crate) async fn command(&mut self, command: &Command) -> Result<Reply> {
        let reply = self.any_answer(command).await?;
        match reply.code {
            421 => Err(self.closed_by(&reply)),
            _ => Ok(reply),
        }
    }

    /// As [`command`](Self::command), with 421 as a reply.
    pub(crate) async fn any_answer(&mut self, command: &Command) -> Result<Reply> {
        self.pass_over_strays()?;
        let sent = Instant::now();
        self.send(command).await?;
        for _ in 0..MAX_PRELIMINARY {
            let reply = self.any_reply().await?;
            if !reply.is_preliminary() {
                self.health.answered_within(sent.elapsed());
                return Ok(reply);
            }
        }
        Err(self.broken(
            ErrorKind::Protocol,
            format!("the server answered {command} with {MAX_PRELIMINARY} preliminary replies and no other"),
        ))
    }

    /// Throws away replies that are there though nobody asked for them: some servers confirm an upload twice. They would be
    /// taken for the answer to the next command, and each answer after that for the one to another. Waits for nothing.
    fn pass_over_strays(&mut self) -> Result<()> {
        for _ in 0..MAX_STRAYS {
            match self.any_reply().now_or_never() {
                None => return Ok(()),
                Some(Ok(reply)) if reply.code == 421 => return Err(self.closed_by(&reply)),
                Some(Ok(reply)) => tracing::debug!(%reply, "a reply that nobody asked for is passed over"),
                Some(Err(e)) => return Err(e),
            }
        }
        Err(self.broken(
            ErrorKind::Protocol,
            format!("the server sent {MAX_STRAYS} replies in a row that nobody asked for"),
        ))
    }

    /// An answer that no server gives to that command, so that it must be the one to another: nothing that follows could be
    /// believed, and the line is given up.
    pub(crate) fn out_of_step(&self, command: &str, reply: &Reply) -> Error {
        self.broken(
            ErrorKind::Lost,
            format!("the server's answers are out of step with the commands: it answered {command} with \"{reply}\""),
        )
    }

    /// Why nothing can be sent any more: a server that closes the line may have said why before.
    async fn last_words(&mut self, error: io::Error) -> Error {
        match timeout(LAST_WORDS, self.any_reply()).await {
            Ok(Ok(reply)) => self.closed_by(&reply),
            Ok(Err(e)) => e,
            Err(_) => self.broke(error),
        }
    }

    /// The server ends the session with this reply.
    fn closed_by(&self, reply: &Reply) -> Error {
        let reason = format!("the server closed the session: {}", reply.text());
        self.broken(ErrorKind::Lost, reason)
    }

    /// The line broke. Over TLS the server may have said why.
    fn broke(&self, error: io::Error) -> Error {
        match &self.tls {
            Some(tls) => {
                let error = tls.line_error(error);
                self.broken(error.kind(), error.message())
            }
            None => self.broken(ErrorKind::Lost, format!("the control connection broke: {error}")),
        }
    }

    /// The line is of no use any more: the error that says so, or, where it was ended before, why.
    fn broken(&self, kind: ErrorKind, reason: impl Into<String>) -> Error {
        if !self.health.is_alive() {
            return self.health.error();
        }
        let reason = reason.into();
        self.health.lose(reason.clone());
        Error::new(kind, reason)
    }
}

/// Commands are small and must not wait for the replies to others; a silent line is looked after.
fn prepare(tcp: &TcpStream) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    keep_alive(SockRef::from(tcp))
}

/// Has the system ask a silent connection for a sign of life.
pub(crate) fn keep_alive(socket: SockRef<'_>) -> io::Result<()> {
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_EVERY)
        .with_retries(KEEPALIVES);
    socket.set_tcp_keepalive(&keepalive)
}
