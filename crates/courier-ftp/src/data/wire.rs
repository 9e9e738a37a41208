//! A data connection that bytes go through, plain or in TLS, on a blocking thread.

use std::{
    fmt,
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    sync::Arc,
    time::Instant,
};

use openssl::ssl::{ErrorCode, SslStream};

use super::stop::Stop;

/// What is read from the socket at once below TLS, and what is gathered before it is written: a record has 16 KiB, and
/// would take a system call or two each.
const BLOCK: usize = 256 * 1024;
/// The most that is read and thrown away at the end of an upload. A server has nothing to say there but the end.
const MOST_DRAINED: usize = 1024 * 1024;

/// The socket of a data connection. Reads and writes end soon after somebody said [`Stop::stop`].
pub(crate) struct Socket {
    tcp: Arc<TcpStream>,
    pub(super) stop: Arc<Stop>,
}

impl Socket {
    pub(super) fn new(tcp: Arc<TcpStream>, stop: Arc<Stop>) -> io::Result<Self> {
        tcp.set_write_timeout(Some(super::stop::LOOK))?;
        Ok(Self { tcp, stop })
    }

    fn check(&self) -> io::Result<()> {
        match self.stop.is_stopped() {
            true => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "stopped")),
            false => Ok(()),
        }
    }

    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match (&*self.tcp).read(buffer) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                // What was read before the end that `stop` made looks like the whole of it.
                Ok(0) => return self.check().map(|()| 0),
                result => return result,
            }
        }
    }

    fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.check()?;
            match (&*self.tcp).write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
                Err(e) if is_again(&e) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

/// Nothing moved, and it is worth another try.
fn is_again(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

/// The socket as OpenSSL sees it: it reads ahead, and what is written goes out with [`flush`](Write::flush), or when
/// enough of it is there.
pub(crate) struct Buffered {
    socket: Socket,
    read: Box<[u8]>,
    /// What is read and not taken yet.
    ahead: std::ops::Range<usize>,
    written: Vec<u8>,
    /// Until when the handshake must be done.
    deadline: Option<Instant>,
    at_end: bool,
}

impl Buffered {
    pub(super) fn new(socket: Socket, deadline: Instant) -> Self {
        Self {
            socket,
            read: vec![0; BLOCK].into_boxed_slice(),
            ahead: 0..0,
            written: Vec::new(),
            deadline: Some(deadline),
            at_end: false,
        }
    }

    /// The handshake is done: from now on nothing is late.
    pub(super) fn end_deadline(&mut self) -> io::Result<()> {
        self.deadline = None;
        self.socket.tcp.set_read_timeout(None)
    }

    fn fill(&mut self) -> io::Result<()> {
        if let Some(deadline) = self.deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.socket.tcp.set_read_timeout(Some(left))?;
        }
        let read = match self.socket.read(&mut self.read) {
            // OpenSSL would take it for an invitation to come back.
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Err(io::ErrorKind::TimedOut.into()),
            result => result?,
        };
        self.at_end = read == 0;
        self.ahead = 0..read;
        Ok(())
    }
}

impl Read for Buffered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_empty() {
            self.fill()?;
        }
        let ahead = self.read.get(self.ahead.clone()).unwrap_or_default();
        let len = ahead.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..len), ahead.get(..len)) {
            to.copy_from_slice(from);
        }
        self.ahead.start += len;
        Ok(len)
    }
}

impl Write for Buffered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written.extend_from_slice(bytes);
        if self.written.len() >= BLOCK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.socket.write_all(&self.written);
        self.written.clear();
        result
    }
}

impl fmt::Debug for Buffered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffered")
            .field("ahead", &self.ahead)
            .finish_non_exhaustive()
    }
}

/// A data connection, ready for bytes.
pub(crate) enum Wire {
    Plain(Socket),
    Tls(Box<SslStream<Buffered>>),
}

impl Wire {
    /// Reads what is there into `buffer`, up to all of it; waits only for the first byte. 0 at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let tls = match self {
            Self::Plain(socket) => return socket.read(buffer),
            Self::Tls(tls) => tls,
        };
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            if filled > 0 && tls.ssl().pending() == 0 && tls.get_ref().ahead.is_empty() {
                break;
            }
            match tls.ssl_read(rest) {
                Ok(0) => break,
                Ok(n) => filled += n,
                // Many servers close without telling TLS. Whether all came is for the control connection to say.
                Err(e) if e.code() == ErrorCode::ZERO_RETURN || tls.get_ref().at_end => break,
                Err(e) => return Err(e.into_io_error().unwrap_or_else(io::Error::other)),
            }
        }
        Ok(filled)
    }

    /// Writes all of `bytes`. They have gone out when this returns.
    pub(super) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.write_all(bytes),
            Self::Tls(tls) => {
                tls.write_all(bytes)?;
                tls.flush()
            }
        }
    }

    /// Tells the server that this is the end, and waits until it has closed its side: whoever closes with bytes unread
    /// resets the connection, and what the server hasn't read by then is lost.
    pub(super) fn end(&mut self) -> io::Result<()> {
        if let Self::Tls(tls) = self {
            // What the server answers is read below, as bytes. An error says that TLS is broken, and so does the next
            // write.
            let _ = tls.shutdown();
            tls.flush()?;
        }
        let socket = match self {
            Self::Plain(socket) => &*socket,
            Self::Tls(tls) => &tls.get_ref().socket,
        };
        socket.tcp.shutdown(Shutdown::Write)?;
        socket.stop.set_sent();
        let mut scratch = [0; 4096];
        let mut drained = 0;
        while drained < MOST_DRAINED {
            match socket.read(&mut scratch) {
                // A server that resets here has all that was sent, or says otherwise on the control connection.
                Ok(0) | Err(_) => break,
                Ok(n) => drained += n,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Tls(_) => "Tls",
        })
    }
}
