//! One file on its way down: from its handle to its last byte, inside the SSH callback.
//!
//! The end of a file is what the server says it is, never what a size promised. A short answer is no end
//! either: the rest is asked for again. An answer that ends exactly where the size promised, to a request
//! that went beyond, is both at once, and saves small files a round trip.

use std::time::Instant;

use bytes::Bytes;
use courier_transfer::{Error, ErrorKind, Ranges, RemotePath, Retry, Sink};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{Failed, Owner, Wire, core::Step, pace::Pace, slot::Slot};
use crate::codec::{Attributes, OpenFlags, Request, Status, StatusCode};

/// Requests under way until the size is known.
const BLIND: u32 = 2;

/// A part of a file that was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) offset: u64,
    pub(super) len: u32,
    pub(super) sent: Instant,
}

/// A file on its way down.
#[derive(Debug)]
pub(crate) struct Download {
    path: RemotePath,
    sink: Slot<dyn Sink>,
    done: oneshot::Sender<Result<u64, Failed>>,
    permit: Option<OwnedSemaphorePermit>,

    id: u32,
    /// `None` until it is open, and once it is closed.
    handle: Option<Bytes>,
    pace: Pace,
    under_way: u32,
    /// Where the next part starts.
    next: u64,
    /// Parts that were answered short: offset and length of what is missing.
    missing: Vec<(u64, u32)>,
    /// The size that somebody promised; a probe goes no further. `None`: nobody did yet.
    promised: Option<u64>,
    /// Where the server said that the file ends.
    end: Option<u64>,
    arrived: Ranges,
    /// The end of the furthest byte that arrived.
    furthest: u64,
}

impl Download {
    pub(super) fn new(
        path: RemotePath,
        offset: u64,
        size_hint: Option<u64>,
        sink: Slot<dyn Sink>,
        most_under_way: u32,
        owner: Owner,
    ) -> Self {
        let Owner { done, permit } = owner;
        Self {
            path,
            sink,
            done,
            permit: Some(permit),
            id: 0,
            handle: None,
            pace: Pace::new(most_under_way),
            under_way: 0,
            next: offset,
            missing: Vec::new(),
            promised: size_hint.map(|size| size.max(offset)),
            end: None,
            arrived: Ranges::from(offset),
            furthest: offset,
        }
    }

    /// Asks for the handle. `id` is the transfer's.
    pub(super) fn start(&mut self, id: u32, wire: &mut Wire) {
        self.id = id;
        let attributes = Attributes::default();
        let open = Request::Open {
            path: self.path.as_wire(),
            flags: OpenFlags::READ,
            attributes,
        };
        wire.transfer_request(id, Step::Open, &open);
    }

    /// The handle is there. A file that fits into one request is read and closed in one go.
    pub(super) fn opened(&mut self, handle: Bytes, wire: &mut Wire) {
        let left = self.promised.map(|size| size - self.next);
        self.handle = Some(handle.clone());
        match left {
            Some(left) if left < u64::from(wire.limits.read) => {
                // Beyond the promised end, so that a file that grew shows.
                let len = wire
                    .limits
                    .read
                    .min(u32::try_from(left).unwrap_or(0).max(32 * 1024 - 1) + 1);
                self.request(self.next, len, wire);
                self.next += u64::from(len);
                self.close(wire);
            }
            Some(_) => self.ask(wire),
            None => {
                wire.transfer_request(self.id, Step::Stat, &Request::Fstat { handle: &handle });
                self.ask(wire);
            }
        }
    }

    /// The answer to FSTAT: a promise, where there was none. Without one the server is asked until it says stop.
    pub(super) fn sized(&mut self, size: Option<u64>, wire: &mut Wire) {
        if self.promised.is_none() {
            self.promised = Some(size.unwrap_or(u64::MAX).max(self.furthest));
        }
        self.ask(wire);
    }

    /// A piece of a part, straight from the SSH packet.
    pub(super) fn piece(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Failed> {
        if bytes.is_empty() {
            return Ok(());
        }
        let written = self
            .sink
            .with(|sink| sink.write_at(bytes, offset).map_err(|e| sink.error(e)));
        // Empty: the caller has gone, and says so in a moment.
        written.unwrap_or(Ok(())).map_err(Failed::Error)
    }

    /// The last piece of a part was written; `got` bytes in all. True once the whole file is there.
    pub(super) fn part(&mut self, part: Part, got: u32, wire: &mut Wire) -> Result<bool, Failed> {
        self.under_way -= 1;
        self.pace.answered(part.sent, Instant::now());
        let end = part.offset + u64::from(got);
        if got == 0 {
            self.ends_at(part.offset);
        } else {
            self.furthest = self.furthest.max(end);
            if self.arrived.add(part.offset, end) {
                self.sink.with(|sink| sink.advance(self.arrived.reached()));
            }
            if self.promised.is_some_and(|size| end > size) {
                self.promised = Some(u64::MAX);
            }
            if got < part.len && self.promised == Some(end) {
                self.ends_at(end);
            } else if got < part.len {
                self.missing.push((end, part.len - got));
            }
        }
        self.go_on(wire)
    }

    /// A part was answered with a status.
    pub(super) fn part_status(
        &mut self,
        part: Part,
        status: Status,
        wire: &mut Wire,
    ) -> Result<bool, Failed> {
        self.under_way -= 1;
        if status.code != StatusCode::EOF {
            return Err(Failed::Status(status));
        }
        self.ends_at(part.offset);
        self.go_on(wire)
    }

    /// Closes the handle and tells the caller.
    pub(super) fn finish(mut self, result: Result<u64, Failed>, wire: &mut Wire) {
        self.close(wire);
        self.sink.clear();
        // Nobody waits where the caller has gone.
        let _ = self.done.send(result);
    }

    /// Everything before this is there.
    pub(super) fn reached(&self) -> u64 {
        self.arrived.reached()
    }

    fn ends_at(&mut self, offset: u64) {
        self.end = Some(self.end.map_or(offset, |end| end.min(offset)));
    }

    fn go_on(&mut self, wire: &mut Wire) -> Result<bool, Failed> {
        if let Some(end) = self.end {
            self.missing.retain(|(offset, _)| *offset < end);
        }
        if self.under_way > 0 || self.handle.is_some() && !self.missing.is_empty() {
            self.ask(wire);
            return Ok(false);
        }
        match self.end {
            Some(end) if self.furthest <= end => return Ok(true),
            Some(_) => return Err(Failed::Error(grew())),
            None => {}
        }
        self.next = self.arrived.reached();
        if self.handle.is_some() {
            self.promised = self.promised.filter(|size| self.next <= *size).or(Some(u64::MAX));
            self.ask(wire);
        } else {
            // It was closed early, on the strength of a promise that did not hold.
            self.missing.clear();
            self.promised = Some(u64::MAX);
            self.start(self.id, wire);
        }
        Ok(false)
    }

    fn ask(&mut self, wire: &mut Wire) {
        let limit = if self.promised.is_some() {
            self.pace.limit()
        } else {
            BLIND
        };
        while self.under_way < limit && self.handle.is_some() {
            if let Some((offset, len)) = self.missing.pop() {
                self.request(offset, len, wire);
            } else if self.end.is_none() && self.promised.is_none_or(|size| self.next <= size) {
                self.request(self.next, wire.limits.read, wire);
                self.next = self.next.saturating_add(u64::from(wire.limits.read));
            } else {
                return;
            }
        }
    }

    fn request(&mut self, offset: u64, len: u32, wire: &mut Wire) {
        let Some(handle) = &self.handle else { return };
        let part = Part {
            offset,
            len,
            sent: Instant::now(),
        };
        wire.transfer_request(self.id, Step::Read(part), &Request::Read { handle, offset, len });
        self.under_way += 1;
    }

    fn close(&mut self, wire: &mut Wire) {
        if let Some(handle) = self.handle.take() {
            wire.close(&handle, self.permit.take());
        }
    }
}

/// Bytes came from behind the end.
fn grew() -> Error {
    Error::new(
        ErrorKind::Integrity,
        "the file grew while it was read; fetch it once its writer has finished",
    )
    .with_retry(Retry::Later)
}
