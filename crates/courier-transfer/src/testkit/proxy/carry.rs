//! One connection: two directions, each a queue between a socket that is read and one that is written.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::{
    io::AsyncWriteExt,
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    time::{Instant, sleep_until},
};

use super::{Command, Direction, Fault, Shared};

/// How much is read at once.
const CHUNK: usize = 64 * 1024;

/// How much of a connection may be on its way: without a delay only what was read and not yet written.
const ON_ITS_WAY: usize = 2 * CHUNK;
const ON_ITS_WAY_DELAYED: usize = 64 * 1024 * 1024;

/// Both sockets of a connection. Unless it came to its end, dropping it resets both.
struct Ends {
    client: TcpStream,
    server: TcpStream,
    orderly: bool,
}

impl Drop for Ends {
    fn drop(&mut self) {
        if !self.orderly {
            let _ = self.client.set_zero_linger();
            let _ = self.server.set_zero_linger();
        }
    }
}

/// Why a connection ended before its time.
enum Broken {
    Fault(Fault),
    /// One of the ends did it.
    Peer,
}

impl From<io::Error> for Broken {
    fn from(_: io::Error) -> Self {
        Self::Peer
    }
}

/// Carries one connection to its end.
pub(super) async fn carry(
    client: TcpStream,
    server: impl Future<Output = io::Result<TcpStream>>,
    shared: Arc<Shared>,
) {
    let Ok(server) = server.await else {
        // As the server did: the client gets a reset.
        let _ = client.set_zero_linger();
        return;
    };
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let mut ends = Ends {
        client,
        server,
        orderly: false,
    };
    let (client, server) = (ends.client.split(), ends.server.split());
    let both = tokio::try_join!(
        pump(client.0, server.1, Direction::Up, &shared),
        pump(server.0, client.1, Direction::Down, &shared),
    );
    match both {
        Ok(_) => ends.orderly = true,
        Err(Broken::Fault(Fault::Close)) => {
            // Told to shut down first: closing a socket with unread bytes would be a reset.
            let _ = tokio::join!(ends.client.shutdown(), ends.server.shutdown());
            ends.orderly = true;
        }
        Err(Broken::Fault(Fault::Cut)) => {
            // This connection is one of those that are cut; it stays until then.
            if let Some(commands) = shared.commands.upgrade()
                && commands.send(Command::Cut(None)).is_ok()
            {
                drop(commands);
                std::future::pending::<()>().await;
            }
        }
        Err(_) => {}
    }
}

/// What is on its way, each piece with the time of its arrival.
#[derive(Default)]
struct Queue {
    pieces: VecDeque<(Instant, Bytes)>,
    bytes: usize,
}

async fn pump(
    from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    direction: Direction,
    shared: &Shared,
) -> Result<(), Broken> {
    let lane = shared.lane(direction);
    let mut changes = lane.line();
    let mut queue = Queue::default();
    let mut buffer = BytesMut::new();
    let mut own = 0;
    let mut stalled_at = None;
    // The end, with the time of its arrival: what has come before it, comes before it.
    let mut end: Option<(Instant, Result<(), Broken>)> = None;
    loop {
        let line = *changes.borrow_and_update();
        let stalled = line.stalled || stalled_at == Some(line.passes);
        let room = if line.delay.is_zero() {
            ON_ITS_WAY
        } else {
            ON_ITS_WAY_DELAYED
        };
        let next = queue
            .pieces
            .front()
            .map(|(due, _)| *due)
            .or(end.as_ref().map(|(due, _)| *due));
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return Ok(()) },
            most = readable(lane.turn(line.rate), &from), if end.is_none() && queue.bytes < room => {
                let due = Instant::now() + line.delay;
                match read(&from, &mut buffer, most) {
                    Ok(Some(bytes)) if bytes.is_empty() => end = Some((due, Ok(()))),
                    Ok(Some(bytes)) => {
                        lane.taken(line.rate, bytes.len());
                        queue.bytes += bytes.len();
                        queue.pieces.push_back((due, bytes));
                    }
                    Ok(None) => {}
                    Err(_) => end = Some((due, Err(Broken::Peer))),
                }
            }
            () = writable(next, &to), if next.is_some() && !stalled => {
                let Some((_, front)) = queue.pieces.front_mut() else {
                    return match end {
                        Some((_, Err(broken))) => Err(broken),
                        _ => Ok(to.shutdown().await?),
                    };
                };
                let fault = match lane.give(own, front, |bytes| to.try_write(bytes)) {
                    Ok((written, fault)) => {
                        front.advance(written);
                        queue.bytes -= written;
                        own += written as u64;
                        fault
                    }
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => None,
                    Err(e) => return Err(e.into()),
                };
                if front.is_empty() {
                    queue.pieces.pop_front();
                }
                if let Some(fault) = fault {
                    shared.faults.fetch_add(1, Ordering::Relaxed);
                    match fault {
                        Fault::Stall => stalled_at = Some(line.passes),
                        fault => return Err(Broken::Fault(fault)),
                    }
                }
            }
        }
    }
}

/// Waits for the line's turn, then for something to read; how much may be read.
async fn readable(turn: impl Future<Output = usize>, from: &ReadHalf<'_>) -> usize {
    let most = turn.await;
    // An error shows itself when reading.
    let _ = from.readable().await;
    most
}

/// Waits for a time, then for room to write.
async fn writable(due: Option<Instant>, to: &WriteHalf<'_>) {
    if let Some(due) = due.filter(|due| due.saturating_duration_since(Instant::now()) > Duration::ZERO) {
        sleep_until(due).await;
    }
    let _ = to.writable().await;
}

/// What there is; empty at the end, `None` where nothing was there after all.
fn read(from: &ReadHalf<'_>, buffer: &mut BytesMut, most: usize) -> io::Result<Option<Bytes>> {
    // What is left of a chunk is used too: small pieces would otherwise hold a whole one each.
    if buffer.capacity() < CHUNK / 8 {
        buffer.reserve(CHUNK);
    }
    match from.try_read_buf(&mut buffer.limit(most)) {
        Ok(_) => Ok(Some(buffer.split().freeze())),
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(e) => Err(e),
    }
}
