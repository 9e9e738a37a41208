//! One file on its way up: from its source into WRITE packets, inside the SSH callback.

use bytes::{Bytes, BytesMut};
use courier_transfer::{Error, Ranges, RemotePath, Source};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{Failed, Owner, Wire, core::Step, slot::Slot};
use crate::codec::{Attributes, OpenFlags, Request, Status, StatusCode};

/// The bytes of one batch of WRITE packets, about.
const BATCH: u32 = 256 * 1024;
/// The bytes that may be without an answer. What keeps memory small is the window of the SSH channel.
const MOST_UNDER_WAY: u64 = 16 * 1024 * 1024;
/// Buffers that wait to be used again.
const POOLED: usize = 3;

/// A file on its way up.
#[derive(Debug)]
pub(crate) struct Upload {
    path: RemotePath,
    flags: OpenFlags,
    source: Slot<dyn Source>,
    done: oneshot::Sender<Result<u64, Failed>>,
    permit: Option<OwnedSemaphorePermit>,

    id: u32,
    /// `None` until it is open, and once CLOSE was sent.
    handle: Option<Bytes>,
    /// Where the next WRITE starts.
    next: u64,
    under_way: u64,
    acknowledged: Ranges,
    /// Buffers that were sent, or soon will be; one that nobody else holds is filled again.
    pool: Vec<Bytes>,
    /// The server has answered the CLOSE.
    closed: bool,
    /// Stands in the queue of those that have something to send.
    pub(super) queued: bool,
}

impl Upload {
    pub(super) fn new(
        path: RemotePath,
        flags: OpenFlags,
        offset: u64,
        source: Slot<dyn Source>,
        owner: Owner,
    ) -> Self {
        let Owner { done, permit } = owner;
        Self {
            path,
            flags,
            source,
            done,
            permit: Some(permit),
            id: 0,
            handle: None,
            next: offset,
            under_way: 0,
            acknowledged: Ranges::from(offset),
            pool: Vec::new(),
            closed: false,
            queued: false,
        }
    }

    /// Asks for the handle. `id` is the transfer's.
    pub(super) fn start(&mut self, id: u32, wire: &mut Wire) {
        self.id = id;
        let attributes = Attributes::default();
        wire.transfer_request(
            id,
            Step::Open,
            &Request::Open {
                path: self.path.as_wire(),
                flags: self.flags,
                attributes,
            },
        );
    }

    /// The handle is there.
    pub(super) fn opened(&mut self, handle: Bytes) {
        self.handle = Some(handle);
    }

    /// May send more now?
    pub(super) fn is_ready(&self) -> bool {
        self.handle.is_some() && self.under_way < MOST_UNDER_WAY
    }

    /// The next packets: WRITEs of about [`BATCH`] bytes, with the CLOSE behind the last one. A server must
    /// process the requests of one file in order (section 6.1 of the draft), so that nothing waits.
    pub(super) fn batch(&mut self, wire: &mut Wire) -> Result<Bytes, Failed> {
        let Some(handle) = self.handle.clone() else {
            return Ok(Bytes::new());
        };
        let header = Request::write_header_len(&handle);
        let chunk = wire.limits.write;
        let count = (BATCH / chunk).max(1) as usize;
        let mut buffer = self.buffer(count * (header + chunk as usize));
        let mut filled = 0;
        let mut at_end = false;
        for packet in buffer.chunks_mut(header + chunk as usize) {
            let Some((head, data)) = packet.split_at_mut_checked(header).filter(|_| !at_end) else {
                break;
            };
            // Empty: the caller has gone, and says so in a moment.
            let read = self.source.with(|source| fill(source, data, self.next));
            let len = read.unwrap_or(Ok(0)).map_err(Failed::Error)?;
            at_end = len < chunk;
            if len > 0 {
                let id = wire.expect(
                    self.id,
                    Step::Write {
                        offset: self.next,
                        len,
                    },
                );
                Request::fill_write_header(head, id, &handle, self.next, len);
                filled += header + len as usize;
                self.next += u64::from(len);
                self.under_way += u64::from(len);
            }
        }
        buffer.truncate(filled);
        if at_end {
            self.handle = None;
            let id = wire.expect(self.id, Step::Close);
            Request::Close { handle: &handle }.encode(id, &mut buffer);
        }
        let bytes = buffer.freeze();
        if !at_end && self.pool.len() < POOLED {
            self.pool.push(bytes.clone());
        }
        Ok(bytes)
    }

    /// A WRITE was answered. The result, if that was the last answer.
    pub(super) fn written(&mut self, offset: u64, len: u32, status: Status) -> Option<Result<u64, Failed>> {
        self.under_way -= u64::from(len);
        if status.code != StatusCode::OK {
            return Some(Err(Failed::Status(status)));
        }
        if self.acknowledged.add(offset, offset + u64::from(len)) {
            self.source
                .with(|source| source.advance(self.acknowledged.reached()));
        }
        self.settled()
    }

    /// The CLOSE was answered. Answers may come in any order.
    pub(super) fn closed(&mut self, status: Status) -> Option<Result<u64, Failed>> {
        if status.code != StatusCode::OK {
            return Some(Err(Failed::Status(status)));
        }
        self.closed = true;
        self.settled()
    }

    fn settled(&self) -> Option<Result<u64, Failed>> {
        (self.closed && self.under_way == 0).then_some(Ok(self.next))
    }

    /// Closes the handle where that was not done, and tells the caller.
    pub(super) fn finish(mut self, result: Result<u64, Failed>, wire: &mut Wire) {
        if let Some(handle) = self.handle.take() {
            wire.close(&handle, self.permit.take());
        }
        self.source.clear();
        // Nobody waits where the caller has gone.
        let _ = self.done.send(result);
    }

    /// A buffer of that length, filled with anything: one that was sent, or a new one.
    fn buffer(&mut self, len: usize) -> BytesMut {
        for at in 0..self.pool.len() {
            match self.pool.swap_remove(at).try_into_mut() {
                Ok(mut buffer) => {
                    buffer.resize(len, 0);
                    return buffer;
                }
                Err(still_used) => {
                    self.pool.push(still_used);
                    let last = self.pool.len() - 1;
                    self.pool.swap(at, last);
                }
            }
        }
        BytesMut::zeroed(len)
    }
}

/// Reads until the buffer is full or the source is at its end.
fn fill(source: &dyn Source, buffer: &mut [u8], offset: u64) -> Result<u32, Error> {
    let mut len = 0;
    while let Some(space) = buffer.get_mut(len..).filter(|s| !s.is_empty()) {
        let read = source
            .read_at(space, offset + len as u64)
            .map_err(|e| source.error(e))?;
        if read == 0 {
            break;
        }
        len += read.min(space.len());
    }
    // Not longer than a WRITE may be.
    Ok(u32::try_from(len).unwrap_or(u32::MAX))
}
