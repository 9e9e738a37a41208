//! `delay-line MILLISECONDS`: a long network path. Standard input and standard output are two TUN devices, opened for
//! reading and writing; what comes out of one goes into the other, that many milliseconds later.
//!
//! Order is kept, nothing is lost while the queue has room, and no rate is imposed: what a client makes of the path is
//! up to the client. A TCP segment of 64 KiB that the kernel hands over in one piece (with a `virtio_net_hdr` in front)
//! stays in one piece, so a fast transfer is a few thousand packets a second and the line costs little.
//!
//! It ends when a device is taken away, which is how the network namespace that holds the device ends it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// The largest packet, 65,535 bytes, with room for the header in front.
const PACKET_BYTES: usize = 66 << 10;

/// Packets under way in one direction before the device's own queue fills, and after it packets are lost.
const PACKETS_UNDER_WAY: usize = 32 << 10;

/// A packet, and when it is to arrive.
type Departed = (Instant, Box<[u8]>);

fn main() -> io::Result<()> {
    let delay = std::env::args()
        .nth(1)
        .and_then(|argument| argument.parse().ok())
        .map(Duration::from_millis)
        .ok_or_else(|| {
            io::Error::other("usage: delay-line MILLISECONDS, with a TUN device as stdin and as stdout")
        })?;

    let back = thread::spawn({
        let (from, to) = (device(io::stdout().as_fd())?, device(io::stdin().as_fd())?);
        move || carry(from, to, delay)
    });
    let there = carry(device(io::stdin().as_fd())?, device(io::stdout().as_fd())?, delay);
    back.join()
        .map_err(|_| io::Error::other("one direction panicked"))?
        .and(there)
}

/// A device that is open under a standard descriptor, as a file without a buffer.
fn device(standard: BorrowedFd<'_>) -> io::Result<File> {
    Ok(File::from(standard.try_clone_to_owned()?))
}

/// One direction, until a device is gone.
fn carry(from: File, to: File, delay: Duration) -> io::Result<()> {
    let (departures, arrivals) = sync_channel(PACKETS_UNDER_WAY);
    thread::spawn(move || deliver(&arrivals, to));
    collect(from, &departures, delay)
}

/// Takes each packet as soon as it comes, and notes when it is due.
fn collect(mut from: File, departures: &SyncSender<Departed>, delay: Duration) -> io::Result<()> {
    let mut buffer = [0; PACKET_BYTES];
    loop {
        let length = from.read(&mut buffer)?;
        let packet = buffer[..length].into();
        if departures.send((Instant::now() + delay, packet)).is_err() {
            return Ok(());
        }
    }
}

/// Hands each packet over when it is due.
fn deliver(arrivals: &Receiver<Departed>, mut to: File) {
    for (due, packet) in arrivals {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        // A device that does not take a packet loses it, as networks do. One that is gone ends `collect`.
        let _lost = to.write(&packet);
    }
}
