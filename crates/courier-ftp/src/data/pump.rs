//! Moves the bytes of one data connection, on a blocking thread, by the shortest way: from the socket into one buffer, and
//! from there into the sink; or from the source into one buffer, and from there into the socket.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use courier_transfer::{Error, Rate, Sink, Source};

use super::{
    ascii::{FromWire, ToWire},
    stop::Stop,
    wire::Wire,
};

/// What is moved at once, at most: an upload costs a third less of the processor than with 256 KiB, a download the same.
const BUFFER: usize = 1024 * 1024;
/// What is moved at first, so that a small file costs little memory. Of what goes out it is more once that takes less than
/// `QUICK`, and less where it takes more than `SLOW`: whoever watches a slow line is to see that it moves.
const FIRST: usize = 64 * 1024;
const LEAST: usize = 16 * 1024;
const QUICK: Duration = Duration::from_millis(100);
const SLOW: Duration = Duration::from_secs(1);

/// Why bytes stopped moving.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The data connection: what happened to it, and how many bytes had moved.
    Line(io::Error, u64),
    /// TLS on it could not be agreed on, or is not what it must be.
    Handshake(Error),
    /// Our own end: what the sink or the source said.
    End(Error),
    /// Nobody wants the bytes any more.
    Stopped,
}

/// What comes in, and where it goes.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) offset: u64,
    pub(crate) rate: Option<Arc<Rate>>,
    pub(crate) ascii: bool,
}

/// What goes out, and where it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) source: Arc<dyn Source>,
    pub(crate) offset: u64,
    pub(crate) rate: Option<Arc<Rate>>,
    pub(crate) ascii: bool,
}

/// How much to move at once, at most.
fn most(rate: Option<&Arc<Rate>>) -> usize {
    rate.map_or(BUFFER, |rate| BUFFER.min(rate.piece() as usize))
}

/// What a line that goes no further comes to.
fn line(error: io::Error, moved: u64, stop: &Stop) -> Broken {
    match stop.is_stopped() {
        true => Broken::Stopped,
        false => Broken::Line(error, moved),
    }
}

impl Incoming {
    /// Reads to the end, and gives the offset reached.
    pub(super) fn pump(self, wire: &mut Wire, stop: &Stop) -> Result<u64, Broken> {
        let most = most(self.rate.as_ref());
        let mut buffer = vec![0; FIRST.min(most)];
        let mut at = self.offset;
        let mut ascii = self.ascii.then(|| (FromWire::default(), Vec::new()));
        loop {
            let read = wire
                .read(&mut buffer)
                .map_err(|e| line(e, at - self.offset, stop))?;
            if stop.is_stopped() {
                return Err(Broken::Stopped);
            }
            if let Some(rate) = self.rate.as_ref().filter(|_| read > 0)
                && !stop.wait_turn(rate, read, || self.sink.waits())
            {
                return Err(Broken::Stopped);
            }
            let bytes = buffer.get(..read).unwrap_or_default();
            match &mut ascii {
                _ if read == 0 => {
                    let rest = ascii.as_mut().map_or(&b""[..], |(from_wire, _)| from_wire.rest());
                    self.take(rest, &mut at)?;
                    wire.close();
                    return Ok(at);
                }
                None => self.take(bytes, &mut at)?,
                Some((from_wire, out)) => {
                    from_wire.convert(bytes, out);
                    self.take(out, &mut at)?;
                }
            }
            if read == buffer.len() && read < most {
                buffer.resize((read * 2).min(most), 0);
            }
        }
    }

    fn take(&self, bytes: &[u8], at: &mut u64) -> Result<(), Broken> {
        if !bytes.is_empty() {
            self.sink
                .write_at(bytes, *at)
                .map_err(|e| Broken::End(self.sink.error(e)))?;
            *at += bytes.len() as u64;
            self.sink.advance(*at);
        }
        Ok(())
    }
}

impl Outgoing {
    /// Writes to the source's end, tells the server that it is the end, and gives the offset reached.
    pub(super) fn pump(self, wire: &mut Wire, stop: &Stop) -> Result<u64, Broken> {
        let most = most(self.rate.as_ref());
        let mut buffer = vec![0; FIRST.min(most)];
        let (mut at, begun) = (self.offset, Instant::now());
        let mut ascii = self.ascii.then(|| (ToWire::default(), Vec::new()));
        loop {
            let took = Instant::now();
            let read = self
                .source
                .read_at(&mut buffer, at)
                .map_err(|e| Broken::End(self.source.error(e)))?;
            if read == 0 {
                break;
            }
            if let Some(rate) = &self.rate
                && !stop.wait_turn(rate, read, || self.source.waits())
            {
                return Err(Broken::Stopped);
            }
            let bytes = buffer.get(..read).unwrap_or_default();
            let written = match &mut ascii {
                None => wire.write_all(bytes),
                Some((to_wire, out)) => {
                    to_wire.convert(bytes, out);
                    wire.write_all(out)
                }
            };
            written.map_err(|e| line(e, at - self.offset, stop))?;
            at += read as u64;
            self.source.advance(at);
            let next = match took.elapsed() {
                quick if quick < QUICK && read == buffer.len() => buffer.len() * 2,
                slow if slow > SLOW => (buffer.len() / 2).max(LEAST),
                _ => buffer.len(),
            };
            buffer.resize(next.min(most), 0);
        }
        wire.end(at - self.offset, begun, || self.source.waits())
            .map_err(|e| line(e, at - self.offset, stop))?;
        Ok(at)
    }
}
