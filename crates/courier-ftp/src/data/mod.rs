//! Data connections: how one is opened, and how its bytes move on a blocking thread.

mod ascii;
mod open;
mod pump;
mod stop;
mod wire;

use std::{
    net::TcpStream,
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use courier_transfer::{Error, ErrorKind};

use self::wire::{Buffered, Socket, Wire};
pub(crate) use self::{
    open::{Opener, Opening},
    pump::{Broken, Incoming, Outgoing},
    stop::Stop,
};
use crate::tls::Tls;

/// What a session has learnt about its server's data connections.
#[derive(Debug, Default)]
pub(crate) struct Learnt {
    /// EPSV was refused.
    pub(crate) no_epsv: AtomicBool,
    /// STOR behind REST was refused.
    pub(crate) no_restart: AtomicBool,
    /// MLSD was refused.
    pub(crate) no_mlsd: AtomicBool,
}

/// What is to move.
#[derive(Debug)]
pub(crate) enum Bytes {
    In(Incoming),
    Out(Outgoing),
}

/// A data connection that the server has opened as well: its bytes may move.
#[derive(Debug)]
pub(crate) struct Line {
    tcp: Arc<TcpStream>,
    stop: Arc<Stop>,
    tls: Option<Tls>,
    /// How long the TLS handshake may take.
    within: Duration,
}

impl Line {
    pub(crate) fn new(tcp: TcpStream, tls: Option<Tls>, within: Duration) -> Self {
        let tcp = Arc::new(tcp);
        Self {
            stop: Arc::new(Stop::new(&tcp)),
            tcp,
            tls,
            within,
        }
    }

    /// Ends the work from outside.
    pub(crate) fn stop(&self) -> &Arc<Stop> {
        &self.stop
    }

    /// Moves the bytes, to the end, and gives the offset reached. Blocks.
    pub(crate) fn run(self, bytes: Bytes) -> Result<u64, Broken> {
        let stop = Arc::clone(&self.stop);
        let wire = self.into_wire()?;
        match bytes {
            Bytes::In(incoming) => incoming.pump(wire, &stop),
            Bytes::Out(outgoing) => outgoing.pump(wire, &stop),
        }
    }

    fn into_wire(self) -> Result<Wire, Broken> {
        let socket = Socket::new(self.tcp, self.stop).map_err(|e| Broken::Line(e, 0))?;
        let Some(tls) = self.tls else {
            return Ok(Wire::Plain(socket));
        };
        let (deadline, stop) = (Instant::now() + self.within, Arc::clone(&socket.stop));
        let mut stream = tls.data(Buffered::new(socket, deadline)).map_err(|e| {
            if stop.is_stopped() {
                return Broken::Line(std::io::ErrorKind::ConnectionAborted.into(), 0);
            }
            if Instant::now() < deadline {
                return Broken::Handshake(e);
            }
            let late = format!(
                "TLS on the data connection was not agreed on within {} s",
                self.within.as_secs_f64()
            );
            Broken::Handshake(Error::new(ErrorKind::Timeout, late).with_source(e))
        })?;
        stream.get_mut().end_deadline().map_err(|e| Broken::Line(e, 0))?;
        Ok(Wire::Tls(Box::new(stream)))
    }
}
