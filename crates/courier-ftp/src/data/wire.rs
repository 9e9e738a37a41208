//! A data connection that bytes go through, plain or in TLS, on a blocking thread.

use std::{
    fmt,
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use openssl::ssl::{ErrorCode, SslStream};
use socket2::SockRef;

use super::stop::Stop;

/// What is read from the socket at once below TLS: a record has 16 KiB, and would take a system call or two each. Records that
/// go out are not gathered: that takes longer than the calls.
const BLOCK: usize = 256 * 1024;
/// The same at first, so that a small file costs little memory.
const FIRST: usize = 32 * 1024;
/// What is thrown away at once.
const SCRATCH: usize = 64 * 1024;
/// The end of an upload takes at most so many times as long as the rest of it, and so long.
const MOST_HELD: f64 = 10.0;
const LONGEST_END: Duration = Duration::from_secs(120);

/// The socket of a data connection.
pub(crate) struct Socket {
    tcp: Arc<TcpStream>,
    stop: Arc<Stop>,
    phase: Phase,
}

/// What a socket is used for, and so what ends that.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// TLS is being agreed on, for so long at most from when the server has begun. Servers end the whole session where that
    /// breaks off, so that [`Stop::stop`] waits for it.
    Handshake(Duration),
    /// Bytes move, until [`Stop::stop`].
    Moving,
    /// Nothing is waited for but the end of the connection.
    Ending,
}

impl Socket {
    pub(super) fn new(tcp: Arc<TcpStream>, stop: Arc<Stop>) -> io::Result<Self> {
        tcp.set_write_timeout(Some(super::stop::LOOK))?;
        tcp.set_read_timeout(Some(super::stop::LOOK))?;
        Ok(Self {
            tcp,
            stop,
            phase: Phase::Moving,
        })
    }

    fn check(&self) -> io::Result<()> {
        match self.phase {
            _ if self.stop.is_cut() => Err(io::ErrorKind::ConnectionAborted.into()),
            Phase::Handshake(within) if self.stop.begun().is_some_and(|at| at.elapsed() >= within) => {
                Err(io::ErrorKind::TimedOut.into())
            }
            Phase::Moving if self.stop.is_stopped() => Err(io::ErrorKind::ConnectionAborted.into()),
            _ => Ok(()),
        }
    }

    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // Also where bytes never cease to come.
            self.check()?;
            match (&*self.tcp).read(buffer) {
                // The end that `cut` made looks like that which the server makes.
                Ok(0) => return self.check().map(|()| 0),
                Err(e) if is_again(&e) => {}
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

/// The socket as OpenSSL sees it: it reads ahead.
pub(crate) struct Buffered {
    socket: Socket,
    read: Vec<u8>,
    /// What is read and not taken yet.
    ahead: std::ops::Range<usize>,
    at_end: bool,
}

impl Buffered {
    /// The handshake must be done within the time, once the server has begun.
    pub(super) fn new(mut socket: Socket, within: Duration) -> Self {
        socket.phase = Phase::Handshake(within);
        Self {
            socket,
            read: vec![0; FIRST],
            ahead: 0..0,
            at_end: false,
        }
    }

    /// The handshake is done.
    pub(super) fn begin(&mut self) {
        self.socket.phase = Phase::Moving;
    }
}

impl Read for Buffered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_empty() {
            if self.ahead.end == self.read.len() && self.ahead.end < BLOCK {
                self.read.resize(self.ahead.end * 2, 0);
            }
            let read = self.socket.read(&mut self.read)?;
            self.at_end = read == 0;
            self.ahead = 0..read;
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
        self.socket.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
            Self::Tls(tls) => tls.write_all(bytes),
        }
    }

    /// Tells the server that this is the end, and waits until it has closed its side: whoever closes with bytes unread
    /// resets the connection, and what the server hasn't read by then is lost.
    ///
    /// What the system still holds goes out meanwhile, which takes about as long as it took to bring so much of the `moved`
    /// bytes out since `begun`; `say` is called during that time.
    pub(super) fn end(&mut self, moved: u64, begun: Instant, say: impl Fn()) -> io::Result<()> {
        if let Self::Tls(tls) = self {
            // What the server answers is read below, as bytes. An error says that TLS is broken, and so does the next
            // write.
            let _ = tls.shutdown();
        }
        let socket = self.socket();
        socket.tcp.shutdown(Shutdown::Write)?;
        socket.stop.set_sent();
        socket.phase = Phase::Ending;
        let held = SockRef::from(&*socket.tcp).send_buffer_size()? as f64;
        let going_out = begun
            .elapsed()
            .mul_f64((held / moved.max(1) as f64).min(MOST_HELD));
        let until = Instant::now() + going_out.min(LONGEST_END);
        let mut scratch = [0; 4096];
        loop {
            match (&*socket.tcp).read(&mut scratch) {
                // A server that resets here has said what it has to say, or says it on the control connection.
                Ok(0) => return Ok(()),
                // Nothing belongs there, and it may never cease to come.
                Ok(_) => socket.check()?,
                Err(e) if is_again(&e) => {
                    socket.check()?;
                    if Instant::now() < until {
                        say();
                    }
                }
                Err(_) => return Ok(()),
            }
        }
    }

    /// Says to TLS that all has been read. Whoever has closed already needn't hear it.
    pub(super) fn close(&mut self) {
        if let Self::Tls(tls) = self {
            let _ = tls.shutdown();
        }
    }

    /// Throws away what comes, until the end. Some servers wait until they hear that it has come.
    pub(super) fn drain(&mut self) {
        self.socket().phase = Phase::Ending;
        let mut scratch = vec![0; SCRATCH];
        while self.read(&mut scratch).is_ok_and(|read| read > 0) {}
        self.close();
    }

    fn socket(&mut self) -> &mut Socket {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(tls) => &mut tls.get_mut().socket,
        }
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// A socket whose other end has sent bytes, and leaves it open.
    fn socket(bytes: &[u8]) -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let tcp = Arc::new(TcpStream::connect(listener.local_addr().unwrap()).unwrap());
        let (mut other, _) = listener.accept().unwrap();
        other.write_all(bytes).unwrap();
        tcp.peek(&mut [0]).unwrap();
        let stop = Arc::new(Stop::new(&tcp));
        (Socket::new(tcp, stop).unwrap(), other)
    }

    #[test]
    fn what_is_cut_reads_no_byte_more() {
        let (socket, _other) = socket(b"and so on");
        socket.stop.cut();
        let mut wire = Wire::Plain(socket);
        assert!(wire.read(&mut [0; 2]).is_err());
        wire.drain();
        assert_eq!(wire.socket().tcp.peek(&mut [0; 20]).unwrap(), 9);
    }

    #[test]
    fn what_comes_behind_an_upload_does_not_hold_it_up() {
        let (socket, mut other) = socket(b"and so on");
        let stop = Arc::clone(&socket.stop);
        let flood = std::thread::spawn(move || while other.write_all(&[7; 100_000]).is_ok() {});
        let ended = std::thread::spawn(move || Wire::Plain(socket).end(0, Instant::now(), || ()));
        while !stop.is_sent() {
            std::thread::yield_now();
        }
        stop.cut();
        let _ = ended.join().unwrap();
        flood.join().unwrap();
    }

    #[test]
    fn a_handshake_that_drips_has_its_time() {
        let (socket, mut other) = socket(b"\x16\x03\x03\x40\x00");
        socket.stop.begin();
        let drip = std::thread::spawn(move || {
            while other.write_all(b"x").is_ok() {
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let mut handshake = Buffered::new(socket, Duration::from_millis(50));
        let mut byte = [0];
        let error = loop {
            if let Err(e) = handshake.read(&mut byte) {
                break e;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(handshake);
        drip.join().unwrap();
    }
}
