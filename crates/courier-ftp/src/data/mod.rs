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

use parking_lot::Mutex;
use tokio::sync::oneshot;

use self::wire::{Buffered, Socket, Wire};
pub(crate) use self::{
    open::{Opener, Opening, not_made},
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
    /// A data connection in TLS was taken.
    pub(crate) has_resumed: AtomicBool,
    /// MLSD was refused.
    pub(crate) no_mlsd: AtomicBool,
    /// When a transfer was done last.
    pub(crate) done: Mutex<Option<Instant>>,
}

/// What is to move.
#[derive(Debug)]
pub(crate) enum Bytes {
    In(Incoming),
    Out(Outgoing),
}

/// A data connection that is made: its bytes may move once the server has begun.
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

    pub(crate) fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Ends the work from outside.
    pub(crate) fn stop(&self) -> &Arc<Stop> {
        &self.stop
    }

    /// Agrees on TLS, waits for [`Stop::begin`], moves the bytes to the end, and reports the offset reached. Blocks.
    ///
    /// Where it is the own end that goes no further, what still comes is thrown away until somebody says [`Stop::cut`].
    pub(crate) fn run(self, bytes: Bytes, report: oneshot::Sender<Result<u64, Broken>>) {
        let stop = Arc::clone(&self.stop);
        let (mut wire, result) = match self.into_wire() {
            Ok(wire) if !stop.wait_begun() => (Some(wire), Err(Broken::Stopped)),
            Ok(mut wire) => {
                let result = match bytes {
                    Bytes::In(incoming) => incoming.pump(&mut wire, &stop),
                    Bytes::Out(outgoing) => outgoing.pump(&mut wire, &stop),
                };
                (Some(wire), result)
            }
            Err(broken) => (None, Err(broken)),
        };
        if !matches!(result, Err(Broken::End(_) | Broken::Stopped)) {
            wire = None;
        }
        // Fails where nobody waits for it any more.
        let _ = report.send(result);
        if let Some(mut wire) = wire {
            wire.drain();
        }
    }

    fn into_wire(self) -> Result<Wire, Broken> {
        let socket = Socket::new(self.tcp, self.stop).map_err(|e| Broken::Line(e, 0))?;
        let Some(tls) = self.tls else {
            return Ok(Wire::Plain(socket));
        };
        let mut stream = tls
            .data(Buffered::new(socket, self.within))
            .map_err(Broken::Handshake)?;
        stream.get_mut().begin();
        Ok(Wire::Tls(Box::new(stream)))
    }
}
