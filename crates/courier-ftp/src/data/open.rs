//! Opens data connections: EPSV and PASV, where the server listens, and PORT and EPRT, where it connects.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use courier_transfer::{Error, ErrorKind, Result, Retry};
use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    time::timeout,
};

use super::Learnt;
use crate::{
    codec::{Command, Reply, address},
    config::Options,
    control::{self, Control},
    session::Cancelled,
    transfer,
};

/// Connections that may wait to be looked at in active mode: the server's, and those of strangers.
const BACKLOG: u32 = 16;

/// A data connection before the command that uses it.
#[derive(Debug)]
pub(crate) enum Opening {
    /// Made already.
    Passive(TcpStream),
    /// The server makes it once it has the command.
    Active {
        listener: TcpListener,
        server: IpAddr,
        within: Duration,
    },
}

/// What opening needs to know.
pub(crate) struct Opener<'a> {
    pub(crate) control: &'a mut Control,
    pub(crate) options: &'a Options,
    pub(crate) learnt: &'a Learnt,
    /// How long a connection may take to be made.
    pub(crate) within: Duration,
    pub(crate) cancelled: &'a Cancelled,
}

impl Opener<'_> {
    /// Agrees with the server on a data connection; in passive mode it stands when this returns.
    pub(crate) async fn open(mut self) -> Result<Opening> {
        match self.options.passive {
            true => self.passive().await,
            false => self.active().await,
        }
    }

    async fn passive(&mut self) -> Result<Opening> {
        if let Some(reply) = self.control.told_ahead().await?
            && let Some(port) = port(&reply)
        {
            match self.connect(self.extended(port), "EPSV").await {
                Err(error) if error.kind() == ErrorKind::Unreachable => {
                    tracing::debug!(%error, "a port that was told ahead is of no use any more");
                }
                result => return result,
            }
        }
        let (address, told_by) = match self.epsv().await? {
            Some(port) => (self.extended(port), "EPSV"),
            None => (self.pasv().await?, "PASV"),
        };
        self.connect(address, told_by).await
    }

    /// Where a port is that EPSV told: with the scope of a link-local address, which the server can't tell.
    fn extended(&self, port: u16) -> SocketAddr {
        let mut address = self.control.peer();
        address.set_port(port);
        address
    }

    async fn connect(&self, address: SocketAddr, told_by: &str) -> Result<Opening> {
        // Here no command waits for its reply, so that there is nothing to come back from.
        let connected = tokio::select! {
            connected = timeout(self.within, TcpStream::connect(address)) => connected,
            () = self.cancelled.wait() => return Err(transfer::cancelled()),
        };
        match connected {
            Ok(Ok(tcp)) => Ok(Opening::Passive(tcp)),
            Ok(Err(e)) => Err(not_reached(address, told_by, &e.to_string()).with_source(e)),
            Err(_) => {
                let after = format!("no answer within {} s", self.within.as_secs_f64());
                Err(not_reached(address, told_by, &after))
            }
        }
    }

    /// The port that the server listens on; `None` where it doesn't know EPSV, which is remembered.
    async fn epsv(&mut self) -> Result<Option<u16>> {
        if self.options.quirks.no_epsv || self.learnt.no_epsv.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let reply = self.control.command(&Command::new("EPSV")).await?;
        match reply.code {
            200..300 => port(&reply)
                .map(Some)
                .ok_or_else(|| self.no_address("EPSV", 229, &reply)),
            500.. => {
                tracing::debug!(%reply, "EPSV is refused; PASV from now on");
                self.learnt.no_epsv.store(true, Ordering::Relaxed);
                Ok(None)
            }
            _ => Err(refused("EPSV", &reply)),
        }
    }

    async fn pasv(&mut self) -> Result<SocketAddr> {
        let reply = self.control.command(&Command::new("PASV")).await?;
        if !reply.is_done() {
            return Err(refused("PASV", &reply));
        }
        let told = reply.lines.iter().find_map(|line| address::parse_pasv(line));
        let told = told.ok_or_else(|| self.no_address("PASV", 227, &reply))?;
        let host = address::data_host(
            self.control.peer().ip(),
            IpAddr::V4(*told.ip()),
            self.options.quirks.trust_pasv_address,
        );
        if host != IpAddr::V4(*told.ip()) {
            tracing::debug!(%told, used = %host, "the address told by PASV is replaced by the control connection's");
        }
        Ok(SocketAddr::new(host, told.port()))
    }

    /// There is no address in the reply, which may not even be the one to that command.
    fn no_address(&self, command: &str, usual: u16, reply: &Reply) -> Error {
        match reply.code == usual {
            true => Error::new(
                ErrorKind::Protocol,
                format!("the reply to {command} has no address in it: {reply}"),
            ),
            false => self.control.out_of_step(command, reply),
        }
    }

    async fn active(&mut self) -> Result<Opening> {
        let own = self.control.local().ip();
        let listener = listen(own, self.options).map_err(|e| {
            Error::new(
                ErrorKind::Local,
                format!(
                    "active mode needs a port to listen on, and {own} has none: {e}; check active_port_range"
                ),
            )
            .with_source(e)
        })?;
        let port = listener
            .local_addr()
            .map_err(|e| Error::new(ErrorKind::Local, e.to_string()))?
            .port();
        let told = SocketAddr::new(self.options.external_address.unwrap_or(own), port);
        let command = match address::port_argument(told) {
            Some(argument) => Command::new("PORT").arg(&argument)?,
            None => Command::new("EPRT").arg(&address::eprt_argument(told))?,
        };
        let reply = self.control.command(&command).await?;
        match reply.is_done() {
            true => Ok(Opening::Active {
                listener,
                server: self.control.peer().ip().to_canonical(),
                within: self.within,
            }),
            false => Err(Error::new(
                ErrorKind::Failed,
                format!(
                    "the server takes no active mode to {told}: {reply}; set external_address to what it can reach, or \
                     passive_mode to true"
                ),
            )),
        }
    }
}

impl Opening {
    /// The connection, once the server has made its part of it. May be dropped at any time.
    pub(crate) async fn ready(self) -> Result<std::net::TcpStream> {
        let tcp = match self {
            Self::Passive(tcp) => tcp,
            Self::Active {
                listener,
                server,
                within,
            } => timeout(within, accept(&listener, server)).await.map_err(|_| {
                Error::new(
                    ErrorKind::Timeout,
                    format!(
                        "the server opened no data connection within {} s; in active mode it must reach this host: check \
                         external_address, active_port_range and the firewalls, or set passive_mode to true",
                        within.as_secs_f64()
                    ),
                )
            })?,
        };
        prepare(tcp).map_err(|e| {
            Error::new(ErrorKind::Lost, format!("the data connection broke at once: {e}")).with_source(e)
        })
    }
}

/// The first connection from the server; strangers are turned away.
async fn accept(listener: &TcpListener, server: IpAddr) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((tcp, from)) if from.ip().to_canonical() == server => return tcp,
            Ok((_, from)) => {
                tracing::warn!(%from, expected = %server, "a stranger's data connection is turned away")
            }
            // A connection that is gone before it is looked at, or no file to be had: there may be one later.
            Err(error) => {
                tracing::debug!(%error, "no data connection could be taken");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Listens on a free port of the range, or on any.
///
/// A port that had a connection is used again at once: a range is small, and its ports would rest for a minute each. They
/// take turns, since a server that connects from a port of its own can't have the same two twice in that time.
fn listen(own: IpAddr, options: &Options) -> io::Result<TcpListener> {
    let bind = |port| {
        let address = SocketAddr::new(own, port);
        let socket = match own {
            IpAddr::V4(_) => TcpSocket::new_v4()?,
            IpAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    let Some(range) = options.port_range.clone() else {
        return bind(0);
    };
    static TURN: AtomicUsize = AtomicUsize::new(0);
    let turn = TURN.fetch_add(1, Ordering::Relaxed) % range.len().max(1);
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for port in range.clone().skip(turn).chain(range.take(turn)) {
        match bind(port) {
            Ok(listener) => return Ok(listener),
            Err(e) => last = e,
        }
    }
    Err(last)
}

/// For use on a blocking thread. Small ends must not wait, and a silent connection is looked after.
fn prepare(tcp: TcpStream) -> io::Result<std::net::TcpStream> {
    let tcp = tcp.into_std()?;
    tcp.set_nonblocking(false)?;
    tcp.set_nodelay(true)?;
    control::keep_alive(SockRef::from(&tcp))?;
    Ok(tcp)
}

/// The port in a reply to EPSV.
fn port(reply: &Reply) -> Option<u16> {
    reply.lines.iter().find_map(|line| address::parse_epsv(line))
}

fn not_reached(address: SocketAddr, told_by: &str, what: &str) -> Error {
    let other = match told_by {
        "EPSV" => "the quirk no_epsv asks by PASV instead",
        _ => "the quirk trust_pasv_address takes the address as the server tells it",
    };
    Error::new(
        ErrorKind::Unreachable,
        format!(
            "the data connection to {address}, which the server offered by {told_by}, could not be made: {what}; a \
             firewall that does not pass the server's passive ports is likely, or a wrong passive address or port range in \
             its settings; {other}, and passive_mode false lets the server connect"
        ),
    )
}

/// 425: the server has no data connection, though it said where it listens, or was told where to connect to.
pub(crate) fn not_made(reply: &Reply, passive: bool) -> Error {
    let likely = match passive {
        true => {
            "it must come from the address that the control connection comes from, which a router or proxy between may \
             change; passive_mode false lets the server connect"
        }
        false => {
            "in active mode the server must reach this host: check external_address, active_port_range and the firewalls, \
             or set passive_mode to true"
        }
    };
    Error::new(
        ErrorKind::Failed,
        format!("the server has no data connection: {reply}; {likely}"),
    )
    .with_retry(Retry::Later)
}

fn refused(command: &str, reply: &Reply) -> Error {
    Error::new(
        ErrorKind::Failed,
        format!("the server refuses {command}: {reply}"),
    )
    .with_retry(match reply.code {
        400..500 => Retry::Later,
        _ => Retry::Never,
    })
}
