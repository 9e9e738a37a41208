//! The TCP stream under SSH: shows its beginning to whoever listens, and notices a peer that stops reading.

use std::{
    io,
    ops::Range,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Sleep,
};

use crate::peer::Peer;

/// Bytes that are read ahead where few are asked for.
const AHEAD: usize = 512;

/// Reads whose bytes are acknowledged at once: a handshake is made of small packets, and a server that holds the next one
/// back until the last is acknowledged (Nagle's algorithm) would wait for the 40 ms that acknowledgements are delayed.
const PROMPT: u32 = 64;

/// A TCP stream.
///
/// The SSH layer asks for the length of a packet, then for the packet. During an upload, packets are tiny
/// (window adjustments, acknowledgements): some are read at once then. The large ones of a download go
/// straight where they belong, except for their first few bytes.
///
/// While the SSH layer writes, it neither reads nor counts keepalives; so a write that makes no progress for
/// a while is an error here.
#[derive(Debug)]
pub(crate) struct Stream {
    tcp: TcpStream,
    /// Until the beginning is over.
    listener: Option<Arc<Peer>>,
    ahead: [u8; AHEAD],
    /// What of `ahead` was read from the socket and not handed on yet.
    unread: Range<usize>,
    /// Reads that are still acknowledged at once.
    prompt: u32,
    stall: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Stream {
    pub(crate) fn new(tcp: TcpStream, listener: Arc<Peer>, stall: Duration) -> Self {
        Self {
            tcp,
            listener: Some(listener),
            ahead: [0; AHEAD],
            unread: 0..0,
            prompt: PROMPT,
            stall,
            stalled: None,
        }
    }

    /// Passes on what a write came to, unless it has been waiting for too long.
    fn guard<T>(&mut self, cx: &mut Context<'_>, wrote: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if wrote.is_ready() {
            self.stalled = None;
            return wrote;
        }
        let stall = self.stall;
        let timer = self
            .stalled
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("the server took no data for {} seconds", stall.as_secs()),
        )))
    }
}

impl Stream {
    /// Reads from the socket.
    fn poll_socket(
        tcp: &mut TcpStream,
        prompt: &mut u32,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut *tcp).poll_read(cx, buf))?;
        if *prompt > 0 {
            *prompt -= 1;
            // Where the system can't, it is only slower.
            #[cfg(target_os = "linux")]
            let _ = tcp.set_quickack(true);
        }
        Poll::Ready(Ok(()))
    }

    /// Shows what was read to whoever listens.
    fn show(&mut self, bytes: &[u8]) {
        if let Some(listener) = &self.listener
            && !listener.heard(bytes)
        {
            self.listener = None;
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let this = &mut *self;
        if this.unread.is_empty() {
            if buf.remaining() >= AHEAD {
                ready!(Self::poll_socket(&mut this.tcp, &mut this.prompt, cx, buf))?;
                this.show(buf.filled().get(before..).unwrap_or_default());
                return Poll::Ready(Ok(()));
            }
            let mut ahead = ReadBuf::new(&mut this.ahead);
            ready!(Self::poll_socket(&mut this.tcp, &mut this.prompt, cx, &mut ahead))?;
            this.unread = 0..ahead.filled().len();
        }
        let unread = this.ahead.get(this.unread.clone()).unwrap_or_default();
        let bytes = unread
            .get(..unread.len().min(buf.remaining()))
            .unwrap_or_default();
        buf.put_slice(bytes);
        this.unread.start += bytes.len();
        this.show(buf.filled().get(before..).unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.tcp).poll_write(cx, buf);
        self.guard(cx, wrote)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
